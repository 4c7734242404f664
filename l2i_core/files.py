"""Files are written to a temporary name and moved into place: complete, or not there.

And where the user's own files live.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

SPREADSHEET = "utf-8-sig"  # of CSV files for readers: the mark tells spreadsheets that it is UTF-8


def home() -> Path:
    """The user's own folder: L2I_HOME, by default ~/.l2i. It need not exist."""
    return Path(os.environ.get("L2I_HOME") or "~/.l2i").expanduser()


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; moved to `path` when the block ends well.

    Folders are made as needed. Nothing is left behind when the block fails; an OSError becomes a
    ValueError that says what could not be written.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(
            f"cannot write {path} ({reason}). Choose a place that you may write to."
        ) from error
    finally:
        if part.is_file():
            part.unlink()


def write_text(path: str | os.PathLike[str], text: str, encoding: str = "utf-8") -> None:
    """Write a text file, complete or not at all."""
    with atomic(path) as part:
        part.write_text(text, encoding=encoding)
