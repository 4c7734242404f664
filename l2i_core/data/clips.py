"""A labelled clip, and a data set of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2i_core.signal import audio, spectra
from l2i_core.signal.decoding import SUFFIXES as AUDIO_SUFFIXES

NOTHING = "(none)"


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
        raise ValueError(f"{clip.path.name}: {error}") from error


def _audio_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in AUDIO_SUFFIXES)
