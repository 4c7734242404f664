"""Folders of recordings: one folder per class, files side by side, or a tree of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from l2i_core.data.clips import AUDIO_SUFFIXES, Clip, DataSet, _audio_files
from l2i_core.data.esc import ESC10_FOLDERS, esc50
from l2i_core.data.sets import KINDS, Kind


def class_folders(root: Path, n_folds: int = 5) -> DataSet:
    """One folder per class with any audio files; folds go round the files of a class in turn."""
    clips, classes = [], []
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        paths = _audio_files(folder)
        if not paths:
            continue
        classes.append(folder.name)
        for index, path in enumerate(paths):
            name = f"{folder.name}/{path.name}"
            clips.append(Clip(name, folder.name, index % n_folds + 1, name, path))
    if not clips:
        raise ValueError(f"{root} holds no folder with audio files; give one folder per class.")
    return DataSet(root.name, tuple(classes), tuple(clips))


def any_folder(root: str | os.PathLike[str], classes: Sequence[str] = ()) -> DataSet:
    """A user's recordings: ESC-50's layout, a folder per class, or files side by side.

    A folder's name is its label, written as in `classes` where it differs by case, spaces or
    hyphens alone, or is ESC-10's; files beside the folders have the label "" (unknown). Without
    ESC-50's table, which names folds, all are in fold 1. Raises ValueError for a path that is no
    folder and a folder without audio files.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise ValueError(f"there is no folder {root}; give the path of a folder of audio files.")
    try:
        if (folder / "meta" / "esc50.csv").is_file():
            return esc50(folder)
        clips = [Clip(path.name, "", 1, path.name, path) for path in _audio_files(folder)]
        for inner in sorted(p for p in folder.iterdir() if p.is_dir()):
            label = _label(inner.name, classes)
            for path in _audio_files(inner):
                name = f"{inner.name}/{path.name}"
                clips.append(Clip(name, label, 1, name, path))
    except OSError as error:
        raise ValueError(f"the folder {root} cannot be read ({error.strerror}).") from error
    if not clips:
        accepted = ", ".join(sorted(AUDIO_SUFFIXES))
        raise ValueError(
            f"the folder {root} holds no audio files ({accepted}), neither side by side nor in a "
            "folder per class."
        )
    return DataSet(
        folder.name, tuple(dict.fromkeys(c.label for c in clips if c.label)), tuple(clips)
    )


def recordings(root: Path) -> DataSet:
    """All audio files below a folder, however deep: fold 1 is held out, a fifth; fold 2 trains.

    A file's label is the name of the folder that it lies in, "" of those beside the folders: see
    `labelled`. The files of each label are put in the order of their names' SHA-256, and every
    fifth is held out, the same on every machine. ValueError for fewer than two audio files.
    """
    found = []
    for path in root.rglob("*"):
        inner = path.relative_to(root)
        hidden = any(part.startswith(".") for part in inner.parts)
        if path.suffix.lower() in AUDIO_SUFFIXES and not hidden and path.is_file():
            label = path.parent.name if len(inner.parts) > 1 else ""
            found.append((label, inner.as_posix(), path))
    if len(found) < 2:
        holds = "one audio file" if found else "no audio files"
        raise ValueError(
            f"the folder {root} holds {holds} ({', '.join(sorted(AUDIO_SUFFIXES))}); give two or "
            "more, since some are held out to measure on."
        )
    found.sort(key=lambda one: (one[0], hashlib.sha256(one[1].encode()).hexdigest()))
    clips = [
        Clip(name, label, 2 if index % 5 else 1, name, path)
        for index, (label, name, path) in enumerate(found)
    ]
    labels = tuple(dict.fromkeys(clip.label for clip in clips if clip.label))
    return DataSet(root.name, labels, tuple(clips))


def labelled(clips: Sequence[Clip], classes: Sequence[str]) -> list[Clip]:
    """Clips whose label, a folder's name, is read as one of `classes`, see `any_folder`, or else
    unknown."""
    read = {label: _label(label, classes) for label in {clip.label for clip in clips}}
    known = {label: name if name in classes else "" for label, name in read.items()}
    return [replace(clip, label=known[clip.label]) for clip in clips]


def _label(name: str, classes: Sequence[str]) -> str:
    plain = {_plain(label): label for label in classes}
    plain |= {_plain(theirs): ours for theirs, ours in ESC10_FOLDERS.items() if ours in classes}
    _, _, bare = name.rpartition(" - ")  # "001 - Dog bark"
    return plain.get(_plain(bare), name)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


KINDS.add("folder")(Kind(class_folders, "a folder of clips", get=None))
KINDS.add("recordings")(Kind(recordings, "a folder of recordings", get=None))
