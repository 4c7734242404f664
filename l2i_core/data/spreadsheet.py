"""Tables as spreadsheets save them: a mark for UTF-8, semicolons, other encodings, 1.0 for 1."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_SEPARATORS = ",;\t|"
# An apostrophe before one counts too: `unguarded` takes off one alone.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guarded(text: str) -> str:
    """A text as a cell of a CSV file: what a spreadsheet would take for a formula gets an
    apostrophe."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def text_of(path: Path, data: bytes | None = None) -> str:
    """A text file (`data`: its bytes, where it is none on disk) in UTF-8, with or without a mark,
    in UTF-16 with one, or else in Windows' Latin; ValueError where it cannot be read."""
    try:
        data = path.read_bytes() if data is None else data
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read ({error.strerror}).") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


class Table:
    """A CSV file (`data` as `text_of`) with a header: `names` of its columns, and its lines that
    are not empty, each with its number; whole numbers are without a decimal part unless `exact`."""

    def __init__(self, path: Path, data: bytes | None = None, exact: bool = False) -> None:
        text = text_of(path, data)
        first, _, rest = text.partition("\n")
        said = first.strip().removeprefix("sep=") if first.startswith("sep=") else ""
        text, self._skipped = (rest, 1) if said else (text, 0)
        header = text.partition("\n")[0]
        separator = said[:1] or max(_SEPARATORS, key=header.count)
        self._rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            self.names = [name.strip() for name in next(self._rows, [])]
        except csv.Error as error:
            raise ValueError(f"{path.name} cannot be read as a table ({error}).") from error
        self._path, self._written = path, str if exact else _whole

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        try:
            for row in self._rows:
                values = [self._written(value.strip()) for value in row]
                if any(values):
                    line = dict.fromkeys(self.names, "") | dict(
                        zip(self.names, values, strict=False)
                    )
                    yield self._rows.line_num + self._skipped, line
        except csv.Error as error:
            raise ValueError(f"{self._path.name} cannot be read as a table ({error}).") from error


def inside(folder: Path, name: str, where: str) -> Path:
    """The path of a file that a table names; ValueError where it leads out of the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name:
        raise ValueError(
            f"{where}: the path {name!r} leads out of the data set; give a file in it."
        )
    return folder / path


def _whole(value: str) -> str:
    for point in ".,":
        number, found, decimals = value.partition(point)
        if found and number.lstrip("-").isdecimal() and decimals and not decimals.strip("0"):
            return number
    return value
