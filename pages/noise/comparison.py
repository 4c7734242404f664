"""What the Noise lab compares, each computed once: a sound alone, and the same sound in a mixture.

Both are ordinary analyses with a key of their own, so that interpretation, verdict and Random
come from the caches that every page uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from l2i_core import L2I, Analysis
from l2i_core.measure import noise_lab
from l2i_core.measure.explained import Explained
from l2i_core.measure.noise_lab import HIGHEST, LOWEST
from l2i_core.measure.stems import Mixture, Passed, gather, mix
from l2i_core.signal.corrupt import coloured_noise
from pages.noise.figures import level
from pages.shell import cached, models
from pages.shell.cached import Key
from pages.shell.clips import ClipSource
from pages.shell.memory import MEGABYTE, Memory
from pages.shell.view import View
from pages.show import pictures
from pages.show.choice import Choice
from pages.show.words import class_name

_mixtures: Memory[Mixture] = Memory(64 * MEGABYTE)
_analyses: Memory[Analysis] = Memory(128 * MEGABYTE)


@dataclass(frozen=True, slots=True)
class Corruption:
    """What is added: a colour of noise and its seed, or another clip; the clip is `snr` dB above."""

    kind: str
    snr: int
    seed: int
    other: ClipSource | None = None

    @property
    def name(self) -> str:
        """What the added sound is called."""
        return self.other.title if self.other else f"{self.kind} noise"

    @property
    def what(self) -> str:
        """What it is, for messages."""
        return "other clip" if self.other else "noise"

    @property
    def token(self) -> str:
        """Its name in caches, without the SNR."""
        return f"{self.kind} {self.other.digest if self.other else self.seed}"

    @property
    def file_name(self) -> str:
        """Its part of a file's name."""
        what = self.other.stem if self.other else f"seed{self.seed}"
        return f"{self.kind}-{what}-{self.snr}dB"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The followed sound alone and in the mixture, each with its key in caches; names: what it and
    the rest are called."""

    mixture: Mixture
    sides: tuple[Explained, Explained]
    keys: tuple[Key, Key]
    passed: Passed
    follows_other: bool
    names: tuple[str, str]

    @property
    def target(self) -> int:
        """The class that both are explained for."""
        return self.sides[0].interpretation.target_index

    @property
    def decision(self) -> int:
        """The class whose survival is in question: f's decision on the sound alone, of a model that
        hears several classes at once the class to explain."""
        side = self.sides[0]
        return self.target if side.engine.task.multi_label else side.analysis.predicted

    @property
    def heads(self) -> tuple[str, str]:
        """What the sides are called."""
        return f"{self.names[0]} alone", f"with {self.names[1]}"


def mixture(view: View, corruption: Corruption) -> Mixture:
    """Clip and added sound at the clip's own level, the clip followed; ValueError for silence."""
    clip = view.analysis.waveform.numpy()

    def make() -> Mixture:
        made = added(view.engine, len(clip), corruption)
        return mix(clip, made, corruption.snr, corruption.what)

    return _mixtures.get((view.key, corruption.token, corruption.snr), make)


def other_analysis(view: View, corruption: Corruption) -> Analysis:
    """f and Ψ on the other clip alone, as it is mixed in."""
    mixed = mixture(view, corruption)
    return _analysis(_key(view, corruption, "other"), view.engine, mixed.rest)


def compare(view: View, corruption: Corruption, follow_other: bool) -> Comparison:
    """Both sides for the class that is explained, components following τ: gains that were set by
    ear for the clip say nothing about the mixture."""
    mixed = mixture(view, corruption)
    names = (view.source.title if corruption.other else "the clip", corruption.name)
    keys, alone = (view.key, _key(view, corruption, "mixture")), view.analysis
    if follow_other:
        mixed, names = mixed.swapped(), (names[1], names[0])
        keys, alone = (_key(view, corruption, "other"), keys[1]), other_analysis(view, corruption)
    choice = Choice(view.threshold, view.domain)
    first, second = (
        cached.explained(key, view.engine, analysis, view.target, choice)
        for key, analysis in zip(
            keys, (alone, _analysis(keys[1], view.engine, mixed.mixed)), strict=True
        )
    )
    passed = _passed((keys[1], follow_other, second.name), second, mixed)
    return Comparison(mixed, (first, second), keys, passed, follow_other, names)


def drawn(view: View, compared: Comparison) -> list[bytes]:
    """PNGs of A, B and C, each alone and in the mixture."""
    names = tuple((key, s.name) for key, s in zip(compared.keys, compared.sides, strict=True))
    return pictures.once(names, lambda shown: _drawn(compared.sides, shown, view.start))


def added(engine: L2I, length: int, corruption: Corruption) -> np.ndarray:
    """The sound to add: the other clip, or `length` samples of noise."""
    if corruption.other is not None:
        return cached.sound(engine, corruption.other).numpy()
    return coloured_noise(corruption.kind, length, corruption.seed, engine.audio.sample_rate)


def _key(view: View, corruption: Corruption, part: str) -> Key:
    tag = f"{view.key.window}|{part}|{corruption.token}|{corruption.snr}"
    return view.key.of(view.key.clip, tag)


def _analysis(key: Key, engine: L2I, sound: np.ndarray) -> Analysis:
    def make() -> Analysis:
        with models.turn:
            return engine.analyse(sound, engine.audio.sample_rate)

    return _analyses.get(key, make)


@st.cache_resource(show_spinner=False, max_entries=64)
def _passed(key: tuple[Any, ...], _side: Explained, _mixture: Mixture) -> Passed:
    return gather(_side.engine, _side.analysis, _mixture.sounds).into(_side.interpretation)


def _drawn(sides: Sequence[Explained], shown: str, start: float) -> list[bytes]:
    """One scale for all six, at the level that is heard: each side met f at a gain of its own."""
    config, levels = sides[0].engine.audio, []
    for side in sides:
        made, frames = side.interpretation, config.n_frames(len(side.analysis.waveform))
        three = (
            side.analysis.spectrogram.log_magnitude,
            made.log_magnitude,
            made.residual_log_magnitude,
        )
        gain = 20 * np.log10(side.analysis.gain)
        levels.append([pictures.decibels(x[:, :frames], config) - gain for x in three])
    loudest = max(pictures.reference(whole) for whole, _, _ in levels)
    return [
        pictures.spectrogram(
            three[part], loudest, config, shown, start, three[0] if part == 1 else None
        )
        for part in range(3)
        for three in levels
    ]


def bearable(view: View, corruption: Corruption, compared: Comparison) -> str:
    """The sentence, "" where f does not decide for the class without the added sound."""
    if not _decided(compared):
        return ""
    snr = most_noise(view, corruption, compared)
    name = class_name(view.engine.classes[compared.decision])
    if snr is None:
        return f"f's “{name}” does not hold even at **{level(HIGHEST)}**."
    lowest = "the lowest, " if snr == LOWEST else ""
    return f"f's “{name}” holds down to {lowest}**{level(snr)}**."


def limit(view: View, corruption: Corruption, compared: Comparison) -> tuple[float, str] | None:
    """Where it stands on an axis of the clip's level above the added sound's, with its words."""
    snr = most_noise(view, corruption, compared) if _decided(compared) else None
    if snr is None:
        return None
    return float(-snr if compared.follows_other else snr), f"holds to {level(snr)}"


def most_noise(view: View, corruption: Corruption, compared: Comparison) -> int | None:
    """The SNR of the followed sound, see `noise_lab.most_noise`; it is no matter at which SNR the
    two were mixed."""
    key = (view.key, corruption.token, compared.follows_other, compared.decision)
    return _most_noise(key, compared)


def _decided(compared: Comparison) -> bool:
    alone = compared.sides[0]
    return compared.decision in alone.engine.decided(alone.analysis.logits)


@st.cache_resource(show_spinner=False, max_entries=1024)
def _most_noise(key: tuple[Any, ...], _compared: Comparison) -> int | None:
    mixed, engine = _compared.mixture, _compared.sides[0].engine
    with models.turn:
        return noise_lab.most_noise(engine, mixed.followed, mixed.rest, _compared.decision)
