"""Tables as spreadsheets save them: a mark for UTF-8, semicolons, other encodings, 1.0 for 1."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_SEPARATORS = ",;\t|"


def text_of(path: Path) -> str:
    """A text file in UTF-8, with or without a mark, in UTF-16 with one, or else in Windows' Latin;
    ValueError where it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read ({error.strerror}).") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


class Table:
    """A CSV file with a header: `names` of its columns, and its lines that are not empty, each with
    its number; whole numbers are without a decimal part."""

    def __init__(self, path: Path) -> None:
        text = text_of(path)
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
        self._path = path

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        try:
            for row in self._rows:
                values = [_whole(value.strip()) for value in row]
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
