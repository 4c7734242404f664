"""Folders of recordings: a folder per class, files side by side, or a tree of them.

Files and folders that systems and editors leave beside others are neither clips nor classes.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from l2i_core.data.clips import AUDIO_SUFFIXES, Clip, DataSet, is_side, walked
from l2i_core.data.esc import ESC10_FOLDERS, TABLE, esc50
from l2i_core.data.sets import KINDS, Kind
from l2i_core.data.spreadsheet import Table
from l2i_core.words import joined, printable

MAPPING = (
    "classes.csv"  # of a folder: its columns "folder" and "class" say what a folder's name means
)
# Folders that a data set is cut into or lies in; they name no class.
_SPLIT = re.compile(
    r"(train|test|val|valid|dev|eval|fold|split|part)(ing|ation|uation)?[\s_-]*\d*|audio|data|clips|"
    r"sounds|wavs?|recordings",
    re.IGNORECASE,
)
_NAMED = 5  # folders that a note names


def class_folders(root: Path, n_folds: int = 5) -> DataSet:
    """One folder per class with any audio files, however deep; folds go round the files of a class
    in turn. A class is the first folder of a path that is no split ("train", "fold1") of the data
    set."""
    base, by_class = _base(root), dict[str, list[Path]]()
    for path in walked(base):
        folders = path.relative_to(base).parts[:-1]
        named = [name for name in folders if not _SPLIT.fullmatch(name)]
        if folders:
            by_class.setdefault((named or folders[-1:])[0], []).append(path)
    clips = []
    for label in sorted(by_class):
        for index, path in enumerate(by_class[label]):
            name = printable(path.relative_to(base).as_posix())
            clips.append(Clip(name, label, index % n_folds + 1, name, path))
    if not clips:
        raise ValueError(f"{root} holds no folder with audio files; give one folder per class.")
    return DataSet(root.name, tuple(sorted(by_class)), tuple(clips))


def any_folder(root: str | os.PathLike[str], classes: Sequence[str] = ()) -> DataSet:
    """A user's recordings: ESC-50's layout, folders for classes, however deep, or loose files.

    The label of a file is the nearest folder above it that names one of `classes`, written as there
    but for case, spaces, hyphens and underscores, by ESC-10's names or by the folder's own MAPPING;
    "" (unknown) where none does, and `notes` say so. Without `classes` a folder's name is the
    label. Without ESC-50's table, which names folds, all are in fold 1. Raises ValueError for a
    path that is no folder and a folder without audio files.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise ValueError(f"there is no folder {root}; give the path of a folder of audio files.")
    try:
        found = _any(folder, classes)
    except OSError as error:
        raise ValueError(f"the folder {root} cannot be read ({error.strerror}).") from error
    if not found.clips:
        accepted = ", ".join(sorted(AUDIO_SUFFIXES))
        raise ValueError(
            f"the folder {root} holds no audio files ({accepted}), neither side by side nor in "
            "folders."
        )
    return found


def _any(folder: Path, classes: Sequence[str]) -> DataSet:
    if table := esc50_in(folder):
        data = esc50(table)
        clips = labelled(data.clips, classes) if classes else data.clips
        named = {
            (before.label, after.label) for before, after in zip(data.clips, clips, strict=True)
        }
    else:
        means, clips, named = _mapping(folder, classes), [], set()
        paths = [path.relative_to(folder) for path in walked(folder)]
        short = Counter(path.parts[-2:] for path in paths)
        for path in paths:
            once = short[path.parts[-2:]] == 1  # then its folder and file name it well enough
            name = printable("/".join(path.parts[-2:] if once else path.parts))
            above = path.parts[:-1]
            label, by = _label(above, classes, means)
            clips.append(Clip(name, label, 1, name, folder / path))
            if above:
                named.add((by, label))
    labels = tuple(dict.fromkeys(clip.label for clip in clips if clip.label))
    return DataSet(folder.name, labels, tuple(clips), notes=_notes(named))


def _notes(named: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """What is said of names of folders that were read as labels, and of those that were not."""
    unknown = sorted({by for by, label in named if not label})
    known = sorted({label for _, label in named if label})
    if not unknown:
        return ()
    told = f"{_listed(unknown)} {'are' if len(unknown) > 1 else 'is'} no class of this model"
    if not known:
        return (f"{told}: labels unknown.",)
    return (f"Labels are taken from {_listed(known)}; {told}: labels unknown there.",)


def _listed(names: Sequence[str]) -> str:
    few = [f"“{name}”" for name in names[:_NAMED]]
    return joined(few + [f"{len(names) - _NAMED} more"] * (len(names) > _NAMED))


def esc50_in(folder: Path) -> Path | None:
    """The folder of a data set laid out as ESC-50: this one, the one above (of "audio") or one up
    to two levels below; ValueError names them where there are several."""
    for near in (folder, folder.parent):
        if (near / TABLE).is_file() and (near == folder or folder.name == "audio"):
            return near
    below = [
        p.parents[1] for depth in ("*", "*/*") for p in sorted(folder.glob(f"{depth}/{TABLE}"))
    ]
    below = [p for p in below if not any(is_side(name) for name in p.relative_to(folder).parts)]
    if len(below) > 1:
        raise ValueError(
            f"{folder} holds several data sets; give the folder of one: "
            f"{joined([str(path) for path in below])}."
        )
    return below[0] if below else None


def recordings(root: Path) -> DataSet:
    """All audio files below a folder, however deep: fold 1 is held out, a fifth; fold 2 trains.

    A file's label is the name of the folder that it lies in, "" of those beside the folders: see
    `labelled`. The files of each label are put in the order of their names' SHA-256, and every
    fifth is held out, the same on every machine. ValueError for fewer than two audio files.
    """
    found = []
    for path in walked(root):
        inner = path.relative_to(root)
        label = path.parent.name if len(inner.parts) > 1 else ""
        found.append((printable(label), printable(inner.as_posix()), path))
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
    """Clips whose label, or a folder in whose name they lie, is read as one of `classes`, see
    `any_folder`, or else unknown."""

    def read(clip: Clip) -> str:
        above = Path(clip.name).parts[:-1] if "/" in clip.name else ()
        return _label((*above, clip.label), classes, {})[0] if classes else ""

    return [replace(clip, label=read(clip)) for clip in clips]


def _label(
    above: Sequence[str], classes: Sequence[str], means: Mapping[str, str]
) -> tuple[str, str]:
    """The label of a file by the folders above it, and the folder that told it, or did not."""
    if not above or not classes:
        return (above[-1], above[-1]) if above else ("", "")
    plain = {_plain(theirs): ours for theirs, ours in ESC10_FOLDERS.items() if ours in classes}
    plain |= {_plain(label): label for label in classes}
    plain |= means
    for name in reversed(above):
        if _SPLIT.fullmatch(name) and name != above[-1]:
            continue  # "train" is a class too
        for written in (name, name.rpartition(" - ")[2]):  # "001 - Dog bark"
            if _plain(written) in plain:
                return plain[_plain(written)], name
    return "", above[-1]


def _mapping(folder: Path, classes: Sequence[str]) -> dict[str, str]:
    """What names of folders mean by the folder's MAPPING, by their plain form."""
    path = next((p for p in (folder / MAPPING, _base(folder) / MAPPING) if p.is_file()), None)
    if path is None or not classes:
        return {}
    table = Table(path)
    if not {"folder", "class"} <= set(table.names):
        raise ValueError(f'{MAPPING} needs the columns "folder" and "class".')
    means = {}
    for number, row in table:
        label, _ = _label([row["class"]], classes, {})
        if row["class"] and not label:
            raise ValueError(
                f"{MAPPING}, line {number}: {row['class']!r} is no class of this model; it knows: "
                f"{', '.join(classes)}. Leave it empty for an unknown label."
            )
        means[_plain(row["folder"])] = label
    return means


def _base(root: Path) -> Path:
    """The folder that holds the classes: below a folder that holds nothing but one other, which
    holds folders (the folder above a data set, a zip's top folder)."""
    while True:
        entries = [entry for entry in sorted(root.iterdir()) if not is_side(entry.name)]
        inner = [entry for entry in entries if entry.is_dir()]
        loose = any(entry.suffix.lower() in AUDIO_SUFFIXES for entry in entries if entry.is_file())
        if loose or len(inner) != 1 or not any(p.is_dir() for p in inner[0].iterdir()):
            return root
        root = inner[0]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFKC", name).strip().casefold())


KINDS.add("folder")(Kind(class_folders, "a folder of clips", get=None))
KINDS.add("recordings")(Kind(recordings, "a folder of recordings", get=None))
