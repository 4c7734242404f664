"""A labelled clip, and a data set of them."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2i_core.signal import audio, spectra
from l2i_core.signal.decoding import SUFFIXES as AUDIO_SUFFIXES
from l2i_core.words import printable

NOTHING = "(none)"
_LEFT = "__macosx @eadir #recycle @recycle #snapshot $recycle.bin recycler recycled lost+found"
_SIDE = frozenset([*_LEFT.split(), "system volume information"])
_KNOWN = mimetypes.MimeTypes()  # Python's own list, the same on every machine
_NO_SOUND = frozenset({".md", ".yaml", ".yml", ".safetensors", ".onnx", ".npz", ".npy", ".log"})


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled clip. `source` names the recording it was cut from: splits keep it whole.

    Synthesised clips have no path: `seed` makes them. part: the seconds, start and end, of a longer
    file; None for all of it. In a multi-label set `labels` holds the
    classes that are present, maybe none, and `label` is "".
    """

    name: str
    label: str
    fold: int
    source: str
    path: Path | None = None
    seed: int | None = None
    labels: tuple[str, ...] | None = None
    part: tuple[float, float] | None = None

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
    """Clips and their classes, in the order of f's outputs. notes: what was made of the folders'
    names, sentences."""

    name: str
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    multi_label: bool = False
    notes: tuple[str, ...] = ()

    def in_folds(self, folds: Sequence[int]) -> tuple[Clip, ...]:
        """The clips of these folds, in order. Raises ValueError for a fold that has none."""
        present = {clip.fold for clip in self.clips}
        absent = [fold for fold in folds if fold not in present]
        if absent:
            raise ValueError(f"{self.name} has no fold {absent[0]}; it has {sorted(present)}.")
        return tuple(clip for clip in self.clips if clip.fold in set(folds))


def load_clip(clip: Clip, config: spectra.AudioConfig) -> np.ndarray:
    """Mono float32 (n,) at the model's rate, at its own level; ValueError names a bad file."""
    if clip.path is None:
        from l2i_core.data import synth  # scipy.signal: a second of the app's start

        assert clip.seed is not None  # by construction in `synthesised`
        return synth.clip(clip.label, clip.seed, config.sample_rate)
    try:
        given = audio.read_part(clip.path, *clip.part) if clip.part else audio.read(clip.path)
        return audio.prepare(*given, config).numpy()
    except ValueError as error:
        raise ValueError(f"{printable(clip.path.name)}: {error}") from error


def sounds(folder: Path) -> list[Path]:
    """The files of sound that lie in a folder, by name."""
    return sorted(path for path in folder.iterdir() if is_sound(path) and not path.is_dir())


def walked(root: Path) -> list[Path]:
    """The files of sound below a folder, however deep, by path."""
    found, seen = [], set()
    for folder, inner, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        inner[:] = [] if real in seen else [name for name in inner if not is_side(name)]
        seen.add(real)
        found += [path for name in names if is_sound(path := Path(folder, name))]
    return sorted(found)


def is_side(name: str) -> bool:
    """Whether a file or folder is one that systems and editors leave beside others."""
    return name.startswith((".", "~$")) or name.lower() in _SIDE


def is_sound(path: Path) -> bool:
    """Whether a file is sound, by its ending; one whose ending says nothing is looked into."""
    if is_side(path.name):
        return False
    if path.suffix.lower() in AUDIO_SUFFIXES:
        return True
    if _KNOWN.guess_type(path.name)[0] or path.suffix.lower() in _NO_SOUND or not path.is_file():
        return False
    try:
        return audio.header(path).frames > 0
    except ValueError:
        return False
