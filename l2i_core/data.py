"""Labelled clips on disk behind one interface: ESC-10, ESC-50, SONYC-UST, a folder per class,
synthesised.

A `Clip` says where a sound is and what it is; nothing is read before `load_clip`. A missing or
damaged file is reported by its name.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2i_core import audio, sonyc, synth
from l2i_core.files import home

NOTHING = "(none)"
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"})

# ESC-10's folder names → the class names that ESC-50 uses.
ESC10_FOLDERS = {
    "Dog bark": "dog",
    "Rain": "rain",
    "Sea waves": "sea_waves",
    "Baby cry": "crying_baby",
    "Clock tick": "clock_tick",
    "Person sneeze": "sneezing",
    "Helicopter": "helicopter",
    "Chainsaw": "chainsaw",
    "Rooster": "rooster",
    "Fire crackling": "crackling_fire",
}


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled clip. `source` names the recording it was cut from: splits keep it whole.

    Synthesised clips have no path: `seed` makes them. In a multi-label set `labels` holds the
    classes that are present, maybe none, and `label` is "".
    """

    name: str
    label: str
    fold: int
    source: str
    path: Path | None = None
    seed: int | None = None
    labels: tuple[str, ...] | None = None

    @property
    def held(self) -> tuple[str, ...]:
        """The classes that the clip is known to hold."""
        if self.labels is not None:
            return self.labels
        return (self.label,) if self.label else ()

    @property
    def written(self) -> str:
        """The label as tables hold it: classes joined by "+", NOTHING for a clip that is known to
        hold none, "" for an unknown label."""
        return self.label if self.labels is None else written(self.labels)


def written(classes: Sequence[str]) -> str:
    """A set of classes as tables hold it: joined by "+", NOTHING for none."""
    return "+".join(classes) or NOTHING


def classes_of(written: str) -> tuple[str, ...]:
    """The classes of a label that `written` gave."""
    return () if written in ("", NOTHING) else tuple(written.split("+"))


@dataclass(frozen=True, slots=True)
class DataSet:
    """Clips and their classes, in the order of f's outputs."""

    name: str
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    multi_label: bool = False

    def in_folds(self, folds: Sequence[int]) -> tuple[Clip, ...]:
        """The clips of these folds, in order. Raises ValueError for a fold that has none."""
        present = {clip.fold for clip in self.clips}
        absent = [fold for fold in folds if fold not in present]
        if absent:
            raise ValueError(f"{self.name} has no fold {absent[0]}; it has {sorted(present)}.")
        return tuple(clip for clip in self.clips if clip.fold in set(folds))


def load_clip(clip: Clip, config: audio.AudioConfig) -> np.ndarray:
    """Mono float32 (n,) at the model's rate, at its own level; ValueError names a bad file."""
    if clip.path is None:
        assert clip.seed is not None  # by construction in `synthesised`
        return synth.clip(clip.label, clip.seed, config.sample_rate)
    try:
        return audio.prepare(*audio.read(clip.path), config).numpy()
    except ValueError as error:
        raise ValueError(f"{clip.path.name}: {error}") from error


def data_folder(kind: str) -> Path | None:
    """Where a named data set lies: the folder that L2I_ESC10, L2I_ESC50, L2I_SONYC or L2I_SCENES
    names, else the one that was downloaded; None where neither is there."""
    if named := os.environ.get(f"L2I_{kind.upper()}"):
        return Path(named).expanduser()
    downloaded = home() / kind
    return downloaded if downloaded.is_dir() else None


def how_to_get(kind: str) -> str:
    """What makes a named data set be found, as the end of a sentence."""
    ways = {
        "scenes": "make it with python -m pipelines.make_scenes",
        "sonyc": "get it from its authors",
    }
    named = f"set the environment variable L2I_{kind.upper()} to its folder"
    return f"{ways.get(kind, 'download it')}, or {named}"


def open_data_set(kind: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """kind: "esc10", "esc50", "sonyc", "scenes" (ours, in SONYC's format), "folder" or "synth";
    root: its folder.

    Without a root, all but "folder" are found by `data_folder`. Raises ValueError for an unknown
    kind and a folder that is absent or of another layout.
    """
    if kind == "synth":
        return synthesised(range(8))
    loaders = {
        "esc10": esc10,
        "esc50": esc50,
        "sonyc": sonyc.sonyc,
        "scenes": sonyc.sonyc,
        "folder": class_folders,
    }
    if kind not in loaders:
        raise ValueError(f"unknown data set {kind!r}; accepted: {', '.join(loaders)}, synth.")
    folder = root or (None if kind == "folder" else data_folder(kind))
    if not folder:
        hint = "" if kind == "folder" else f", or {how_to_get(kind)}"
        raise ValueError(f"no folder given for the data set {kind!r}: set data.root{hint}.")
    if not Path(folder).is_dir():
        raise ValueError(f"the data folder {folder} does not exist; give the folder of {kind}.")
    return loaders[kind](Path(folder))


def esc10(root: Path) -> DataSet:
    """ESC-10 as published: `NNN - Class/fold-freesoundID-take.ogg`."""
    clips, classes = [], []
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and " - " in p.name):
        label = ESC10_FOLDERS.get(folder.name.split(" - ", 1)[1])
        if label is None:
            continue
        classes.append(label)
        for path in _audio_files(folder):
            parts = path.stem.split("-")
            if len(parts) < 3 or not parts[0].isdigit():
                raise ValueError(f"{path.name} is not named fold-freesoundID-take as in ESC-10.")
            clips.append(Clip(path.stem, label, int(parts[0]), parts[1], path))
    if not clips:
        raise ValueError(f"{root} is not laid out as ESC-10 (folders such as '001 - Dog bark').")
    return DataSet("ESC-10", tuple(classes), tuple(clips))


def esc50(root: Path) -> DataSet:
    """ESC-50's layout: `meta/esc50.csv` and `audio/`; the csv names the files."""
    table = root / "meta" / "esc50.csv"
    if not table.is_file():
        raise ValueError(f"{root} is not laid out as ESC-50: meta/esc50.csv is missing.")
    clips: list[Clip] = []
    names: dict[int, str] = {}
    targets: dict[str, int] = {}
    with table.open(newline="") as file:
        rows = csv.DictReader(file)
        needed = ("filename", "fold", "target", "category", "src_file")
        if missing := sorted(set(needed) - set(rows.fieldnames or [])):
            raise ValueError(f"{table.name} lacks the column {missing[0]!r}.")
        for row in rows:
            where = f"{table.name}, line {rows.line_num}"
            if empty := [column for column in needed if not row[column]]:
                given = ",".join(value for value in row.values() if isinstance(value, str))
                raise ValueError(
                    f"{where}: {given!r} has no {empty[0]}; give every row {', '.join(needed)}."
                )
            path = root / "audio" / row["filename"]
            try:
                fold, target = int(row["fold"]), int(row["target"])
            except ValueError as error:
                raise ValueError(
                    f"{where}: fold and target of {path.name} must be whole numbers, received "
                    f"{row['fold']!r} and {row['target']!r}."
                ) from error
            category = row["category"]
            names.setdefault(target, category)
            targets.setdefault(category, target)
            if (names[target], targets[category]) != (category, target):
                raise ValueError(
                    f"{where}: {path.name} has target {target} and category {category!r}, an "
                    "earlier row has one of them with another; give each target one category."
                )
            clips.append(Clip(path.stem, category, fold, row["src_file"], path))
    if not clips:
        raise ValueError(f"{table.name} lists no clips.")
    return DataSet("ESC-50", tuple(names[t] for t in sorted(names)), tuple(clips))


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


def _label(name: str, classes: Sequence[str]) -> str:
    plain = {_plain(label): label for label in classes}
    plain |= {_plain(theirs): ours for theirs, ours in ESC10_FOLDERS.items() if ours in classes}
    _, _, bare = name.rpartition(" - ")  # "001 - Dog bark"
    return plain.get(_plain(bare), name)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def synthesised(seeds: Sequence[int], n_folds: int = 4) -> DataSet:
    """Procedural clips (`synth`), one per class and seed; folds go round the seeds in turn."""
    clips = [
        Clip(f"{label}-{seed}", label, index % n_folds + 1, f"synth-{seed}", seed=seed)
        for index, seed in enumerate(seeds)
        for label in synth.LABELS
    ]
    return DataSet("synthesised", synth.LABELS, tuple(clips))


def _audio_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in AUDIO_SUFFIXES)
