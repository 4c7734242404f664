"""Zip files from strangers: audio or a model's data only, bounded, never outside the folder."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
import zlib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from l2i_core.data.clips import AUDIO_SUFFIXES, is_side
from l2i_core.data.esc import TABLE
from l2i_core.data.folders import MAPPING

MODEL_SUFFIXES = frozenset({".json", ".safetensors", ".txt"})
MOST_FILES = 2000
WHOLE = 1 << 10  # parts of a path
_TABLES = frozenset({TABLE.name, MAPPING})  # which tell labels
MOST_BYTES = 2_000_000_000  # unpacked
# What zipfile raises for an archive that is damaged, cut off, or packed by a method it lacks.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
_BLOCK = 1 << 20
_LONGEST = 200  # bytes of a file's name


def unpack_audio(
    archive: BinaryIO | Path,
    folder: Path,
    most_files: int = MOST_FILES,
    most_bytes: int = MOST_BYTES,
    parts: int = 2,
) -> int:
    """Unpack the audio files of a zip to `folder/CLASS/file` or `folder/file`; returns how many.

    Of a path so many `parts` are kept, from its end: WHOLE keeps all. The tables that tell labels
    are taken too; other files, those that systems leave and links are left out.
    Memory is bounded by a block: sizes are counted as they come, not as the zip states them.
    Raises ValueError in one sentence for what is no zip, is damaged, encrypted or too large, has a
    path that leads out of the folder, or holds no audio; `folder` may then hold a part.
    """
    kind = _Kind("audio files", "give a folder of them per class", AUDIO_SUFFIXES, parts, _TABLES)
    return _unpack_all(archive, folder, kind, most_files, most_bytes)


def unpack_model(archive: BinaryIO | Path, folder: Path, most_bytes: int = MOST_BYTES) -> int:
    """Unpack a Hugging Face folder's settings and weights to `folder/file`, wherever in the zip
    they lie, as `unpack_audio` does; code and pickles are left out. Returns how many."""
    kind = _Kind("model files", "give config.json and safetensors", MODEL_SUFFIXES, 1)
    return _unpack_all(archive, folder, kind, MOST_FILES, most_bytes)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Files that are wanted, by their suffixes, what to give where there are none, and how many
    parts of their paths are kept, from the end; `beside`: names of others that come with them."""

    name: str
    give: str
    suffixes: Container[str]
    parts: int
    beside: Container[str] = ()


def _unpack_all(
    archive: BinaryIO | Path, folder: Path, kind: _Kind, most_files: int, most_bytes: int
) -> int:
    try:
        with zipfile.ZipFile(archive) as file:
            taken = [entry for entry in file.infolist() if _allowed(entry)]
            entries = [entry for entry in taken if _suffix(entry) in kind.suffixes]
            if not entries:
                raise ValueError(f"the zip holds no {kind.name}; {kind.give}.")
            if len(entries) > most_files:
                raise ValueError(
                    f"the zip holds {len(entries)} {kind.name}; at most {most_files} are accepted."
                )
            left = most_bytes
            for entry in [*entries, *(e for e in taken if _parts(e)[-1] in kind.beside)]:
                left = _unpack(file, entry, folder, kind.parts, left, most_bytes)
    except UNREADABLE as error:
        raise ValueError(f"this is not a zip that can be read ({error}); zip it again.") from error
    except RuntimeError as error:  # zipfile's word for a missing password
        raise ValueError("the zip is encrypted; give one without a password.") from error
    except OSError as error:
        raise ValueError(f"the zip cannot be unpacked ({error.strerror or error}).") from error
    return len(entries)


def _allowed(entry: zipfile.ZipInfo) -> bool:
    parts = _parts(entry)
    link = entry.external_attr >> 16 & 0o170000 == 0o120000
    side = any(is_side(part) for part in parts if part != "..")
    return bool(parts) and not link and not side and not entry.is_dir()


def _suffix(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(_parts(entry)[-1]).suffix.lower()


def _short(name: str) -> str:
    """A part of a path that is not too long for a file system."""
    if len(name.encode()) <= _LONGEST:
        return name
    suffix = PurePosixPath(name).suffix[:10]
    return f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}{suffix}"


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(entry.filename.replace("\\", "/")).parts


def _unpack(
    file: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, kept: int, left: int, most: int
) -> int:
    parts = _parts(entry)
    if ".." in parts or parts[0] == "/" or re.match("[A-Za-z]:", parts[0]):
        raise ValueError(f"the zip has a path that leads out of its folder ({entry.filename}).")
    path = folder.joinpath(*map(_short, parts[-kept:]))
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"the zip has a path that leads out of its folder ({entry.filename}).")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise ValueError(f"the zip holds {'/'.join(parts[-kept:])} twice; rename one of them.")
    with file.open(entry) as source, path.open("xb") as target:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise ValueError(
                    f"the zip unpacks to more than {most / 1e9:.3g} GB; give a smaller one."
                )
            target.write(block)
    return left


def keep_upload(name: str, data: BinaryIO, folder: Path) -> None:
    """Copy one uploaded audio file into the folder under its bare name; ValueError if it is there
    already or is no audio file by its name."""
    bare = PurePosixPath(name.replace("\\", "/")).name
    if PurePosixPath(bare).suffix.lower() not in AUDIO_SUFFIXES or bare.startswith("."):
        accepted = ", ".join(sorted(AUDIO_SUFFIXES))
        raise ValueError(f"{name} is not an audio file; accepted: {accepted}, or a zip of them.")
    path = folder / bare
    if path.exists():
        raise ValueError(f"{bare} was given twice; rename one of them.")
    with path.open("xb") as target:
        shutil.copyfileobj(data, target, _BLOCK)
