"""ESC-10 and ESC-50 from their public repositories: one commit each, complete or not at all.

The archive is unpacked beside its final place, every file that the data set's own table lists must
be there and nothing else, and only then is the folder moved to where `data.data_folder` finds it.
"""

from __future__ import annotations

import contextlib
import csv
import http.client
import io
import re
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2i_core.data.archives import UNREADABLE
from l2i_core.data.clips import AUDIO_SUFFIXES
from l2i_core.data.sets import open_data_set
from l2i_core.files import home

Opener = Callable[[str], Any]  # an address → what urllib.request.urlopen returns
Progress = tuple[str, float]  # what is being done, the share of it that is done
_CHUNK = 1 << 18
_SECONDS = 30  # without a byte
_LARGEST_UNPACKED = 3 * 10**9


@dataclass(frozen=True, slots=True)
class Published:
    """Where a data set was published: a repository's commit, and its archive's size in bytes."""

    title: str
    repository: str
    commit: str
    size: int

    @property
    def address(self) -> str:
        """Of the archive."""
        return f"https://github.com/{self.repository}/archive/{self.commit}.zip"


PUBLISHED = {
    "esc10": Published(
        "ESC-10", "karolpiczak/ESC-10", "553c8f1743b9dba6b282e1323c3ca8fa76923448", 42_100_000
    ),
    "esc50": Published(
        "ESC-50", "karolpiczak/ESC-50", "33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6", 645_832_161
    ),
}


def open_address(address: str) -> Any:
    """The default opener: https, through the proxy that the environment names."""
    return urllib.request.urlopen(address, timeout=_SECONDS)


def download(kind: str, opener: Opener | None = None) -> Generator[Progress, None, None]:
    """Fetch "esc10" or "esc50" into the user's own folder, as one goes through its progress.

    Raises ValueError, one sentence, where there is no network, no space, or the archive is not
    what it should be. Nothing is left behind then, nor where the iterator is closed midway.
    """
    published, target = PUBLISHED[kind], home() / kind
    if target.is_dir():
        return
    try:
        home().mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=home()))
    except OSError as error:
        raise ValueError(
            f"cannot write to {home()} ({error.strerror}). Name another folder in L2I_HOME."
        ) from error
    try:
        needed, free = 3 * published.size, shutil.disk_usage(part).free
        if free < needed:
            raise ValueError(
                f"{published.title} needs {needed / 1e9:.1f} GB while it is unpacked and {home()} "
                f"has {free / 1e9:.1f} GB. Free some space, or name another folder in L2I_HOME."
            )
        archive, unpacked = part / "archive.zip", part / "unpacked"
        yield from _fetch(published, archive, opener or open_address)
        yield from _unpack(kind, archive, unpacked)
        open_data_set(kind, unpacked)
        if not target.is_dir():  # another process may have been faster
            unpacked.replace(target)
    except OSError as error:
        raise ValueError(
            f"{published.title} could not be written to {home()} ({error.strerror or error}). "
            "Free some space, or name another folder in L2I_HOME."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _fetch(published: Published, archive: Path, opener: Opener) -> Iterator[Progress]:
    doing = f"Downloading {published.title}"
    yield doing, 0.0
    with _network(published), opener(published.address) as response:
        length = response.headers.get("Content-Length")
        total, received = int(length) if length else published.size, 0
        with archive.open("wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                received += len(chunk)
                yield doing, min(received / total, 1.0)
    if length and received != total:
        raise ValueError(
            f"the download of {published.title} broke off after {received / 1e6:.0f} of "
            f"{total / 1e6:.0f} MB. Try again."
        )


@contextlib.contextmanager
def _network(published: Published) -> Iterator[None]:
    """Anything that goes wrong between here and the data set's server, in one sentence."""
    try:
        yield
    except urllib.error.HTTPError as error:
        reason = f"the server answered {error.code}"
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError):
        reason = "there is no connection to github.com"
    else:
        return
    variable = f"L2I_{published.title.upper().replace('-', '')}"
    raise ValueError(
        f"{published.title} could not be downloaded: {reason}. Try again with a network, or name "
        f"a folder that holds the data set in {variable}."
    )


def _unpack(kind: str, archive: Path, folder: Path) -> Iterator[Progress]:
    """Every file that the table lists, the table itself and the licence; ValueError otherwise."""
    title = PUBLISHED[kind].title
    try:
        with zipfile.ZipFile(archive) as packed:
            members = {
                name.split("/", 1)[1]: info
                for name, info in packed.NameToInfo.items()
                if "/" in name and not info.is_dir()
            }
            expected = (_esc10_table if kind == "esc10" else _esc50_table)(packed, members)
            _compare(title, expected, members)
            kept = [*sorted(expected), *(n for n in members if re.fullmatch(r"[A-Z]+(\.\w+)?", n))]
            kept += ["meta/esc50.csv"] if kind == "esc50" else []
            if sum(members[name].file_size for name in kept) > _LARGEST_UNPACKED:
                raise ValueError(f"the archive of {title} is larger than it can be. Try again.")
            for done, name in enumerate(kept):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(packed.read(members[name]))
                yield f"Unpacking {title}", (done + 1) / len(kept)
    except (*UNREADABLE, KeyError, UnicodeDecodeError) as error:
        raise ValueError(
            f"what was downloaded as {title} is not its archive ({error}). Try again."
        ) from error


def _esc10_table(packed: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> set[str]:
    """README.txt credits each clip, `- [1-100032-A.ogg]: …` below its class, `001 - Dog bark:`."""
    text = packed.read(members["README.txt"]).decode()
    names, folder = set(), ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\d{3} - [\w ]+):", line.strip()):
            folder = heading[1]
        elif clip := re.match(r"- \[(\d+-\d+-[A-Z]\.ogg)\]", line):
            names.add(f"{folder}/{clip[1]}")
    return names


def _esc50_table(packed: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> set[str]:
    """meta/esc50.csv names the files in audio/."""
    text = packed.read(members["meta/esc50.csv"]).decode()
    names = {row["filename"] for row in csv.DictReader(io.StringIO(text))}
    return {f"audio/{name}" for name in names if re.fullmatch(r"[\w-]+\.wav", name)}


def _compare(title: str, expected: set[str], members: dict[str, zipfile.ZipInfo]) -> None:
    present = {n for n in members if Path(n).suffix.lower() in AUDIO_SUFFIXES}
    if expected and present == expected:
        return
    missing, more = sorted(expected - present), sorted(present - expected)
    if missing:
        what = f"lacks {len(missing)} of the {len(expected)} clips, first {missing[0]}"
    elif more:
        what = f"holds {len(more)} clips that its table does not list, first {more[0]}"
    else:
        what = "lists no clips"
    raise ValueError(f"the archive of {title} {what}. Try again.")
