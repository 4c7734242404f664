"""What a listener holds of a model's decisions: confirmed, wrong or unsure, and a note.

A tag belongs to a sound (SHA-256 of its file), a model (its name) and a class, not to a run:
whether the class is right for the sound does not hang on the interpreter, W, τ, the date, or where
the file lies and what it is called. So it stands there again whenever the same sound is explained
for the same class.

All tags are in one SQLite file of the user's own folder (`files.home`). A change is one transaction
and touches what changed alone, the tag or the note: of two who write at once neither loses
anything. They are exchanged as CSV.
"""

import contextlib
import csv
import io
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from l2i_core.data.spreadsheet import Table, guarded, unguarded
from l2i_core.files import home
from l2i_core.words import one_line

TAGS = ("confirmed", "wrong", "unsure")
MAX_NOTE = 500  # characters
MAX_BYTES = 16 * 2**20  # of a file that is imported
COLUMNS = ("clip", "class", "tag", "note", "model", "sound")
_NEEDED = ("class", "tag", "model", "sound")
_WAIT = 10.0  # seconds for another's transaction
_VERSION = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")
_turn = threading.Lock()


class Decision(NamedTuple):
    """What a tag is about: SHA-256 of the sound's file (64 hexadecimal digits), the model's name,
    and a class."""

    sound: str
    model: str
    class_: str


@dataclass(frozen=True, slots=True)
class Tag:
    """One of TAGS or "", a note or "", and what the clip was called then, for the reader. In a
    change None leaves the tag, or the note, as it is."""

    tag: str | None = None
    note: str | None = None
    clip: str = ""


Tags = dict[Decision, Tag]


def path() -> Path:
    """Where the tags are kept."""
    return home() / "tags.sqlite"


def load(model: str) -> Tags:
    """All that is kept of a model's decisions, {} where nothing is yet; ValueError in one sentence
    where the file cannot be read."""
    if not path().exists():
        return {}
    with _open() as database:
        rows = database.execute(
            "SELECT sound, model, class, tag, note, clip FROM tags WHERE model = ?", (model,)
        )
        return {Decision(*row[:3]): Tag(*row[3:]) for row in rows}


def keep(changes: Mapping[Decision, Tag]) -> None:
    """Make changes, all or none; what is left without tag and note goes. ValueError in one sentence
    where they cannot be kept."""
    rows = [
        {**key._asdict(), "tag": tag.tag, "note": tag.note, "clip": tag.clip}
        for key, tag in changes.items()
    ]
    with _open() as database:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO tags VALUES (:sound, :model, :class_, coalesce(:tag, ''), "
            "coalesce(:note, ''), :clip) ON CONFLICT DO UPDATE SET "
            "tag = coalesce(:tag, tag), note = coalesce(:note, note), clip = :clip",
            rows,
        )
        database.execute("DELETE FROM tags WHERE tag = '' AND note = ''")
        database.execute("COMMIT")


def after(earlier: Mapping[Decision, Tag], changes: Mapping[Decision, Tag]) -> Tags:
    """Two sets of changes as one."""
    both = dict(earlier)
    for key, new in changes.items():
        old = both.get(key, Tag())
        tag, note = (o if n is None else n for o, n in ((old.tag, new.tag), (old.note, new.note)))
        both[key] = Tag(tag, note, new.clip)
    return both


def merged(tags: Mapping[Decision, Tag], changes: Mapping[Decision, Tag]) -> Tags:
    """`tags` with `changes` made, as `keep` makes them."""
    both = after(tags, changes)
    made = {key: Tag(tag.tag or "", tag.note or "", tag.clip) for key, tag in both.items()}
    return {key: tag for key, tag in made.items() if tag.tag or tag.note}


def cleaned(note: str) -> str:
    """A note as it is kept: one line; ValueError for more than MAX_NOTE characters."""
    return one_line(note, MAX_NOTE, "a note")


def encode(tags: Mapping[Decision, Tag]) -> str:
    """The CSV text that `decode` takes; what a spreadsheet would take for a formula is guarded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for key, tag in sorted(tags.items()):
        cells = (tag.clip, key.class_, tag.tag or "", tag.note or "", key.model)
        writer.writerow([*map(guarded, cells), key.sound])
    return text.getvalue()


def decode(data: bytes, file_name: str) -> Tags:
    """The tags of a CSV file, as changes: an empty cell changes nothing. ValueError in one sentence
    where a line is not as exported: nothing of such a file is taken."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"{file_name} is larger than 16 MB; a file of tags is far smaller.")
    table = Table(Path(file_name), data, exact=True)
    if missing := [name for name in _NEEDED if name not in table.names]:
        raise ValueError(
            f"{file_name} is no file of tags: it lacks the column “{missing[0]}”; choose one that "
            "was exported here."
        )
    found: Tags = {}
    for number, line in table:
        cells = {name: unguarded(text) for name, text in line.items()}
        sound, tag = cells["sound"].lower(), cells["tag"].lower()
        where = f"{file_name}, line {number}"
        if not _DIGEST.fullmatch(sound):
            raise ValueError(
                f"{where}: “sound” must hold a SHA-256, 64 hexadecimal digits, received "
                f"“{sound[:20]}”."
            )
        if tag not in ("", *TAGS):
            raise ValueError(f"{where}: “{tag[:20]}” is no tag; accepted: {', '.join(TAGS)}.")
        if not (cells["class"] and cells["model"]):
            raise ValueError(f"{where} lacks the class or the model; export it again.")
        try:
            note = cleaned(cells.get("note", ""))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        key = Decision(sound, cells["model"], cells["class"])
        found[key] = Tag(tag or None, note or None, cells.get("clip", ""))
    if not found:
        raise ValueError(f"{file_name} holds no tags; choose a file that was exported here.")
    return found


@contextlib.contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    """The file's connection for one job; what SQLite cannot do is one sentence."""
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path(), timeout=_WAIT, isolation_level=None)
        with contextlib.closing(connection) as database:
            with _turn:  # turning WAL on waits for nobody, whatever the timeout
                _prepare(database)
            yield database
    except (sqlite3.Error, OSError) as error:
        raise ValueError(
            f"the tags in {path()} cannot be read or written ({error}). Free the file, or move it "
            "away to begin anew."
        ) from error


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    [version] = database.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise sqlite3.DatabaseError(f"a newer program made it: its format is {version}")
    if version == 0:
        database.execute(
            "CREATE TABLE IF NOT EXISTS tags (sound TEXT NOT NULL, model TEXT NOT NULL, class TEXT "
            "NOT NULL, tag TEXT NOT NULL, note TEXT NOT NULL, clip TEXT NOT NULL, "
            "PRIMARY KEY (sound, model, class)) WITHOUT ROWID"
        )
        database.execute(f"PRAGMA user_version = {_VERSION}")
