"""What the Noise lab compares, each computed once: a sound alone, and the same sound in a mixture.

Both are ordinary analyses with a key of their own, so that interpretation, verdict and Random
come from the caches that every page uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from l2i_core import L2I, Analysis
from l2i_core.measure import noise_lab
from l2i_core.measure.explained import Explained
from l2i_core.measure.noise_lab import Shift
from l2i_core.measure.stems import Mixture, Passed, gather, into, mix
from l2i_core.signal.corrupt import coloured_noise
from pages.shell import cached, models
from pages.shell.cached import Key
from pages.shell.clips import ClipSource
from pages.shell.memory import MEGABYTE, Memory
from pages.shell.view import View
from pages.show import pictures
from pages.show.choice import Choice

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
    """The followed sound alone and in the mixture; names: what it and the rest are called."""

    mixture: Mixture
    alone: Explained
    mixed: Explained
    keys: tuple[Key, Key]
    passed: Passed
    shift: Shift
    target: int
    follows_other: bool
    names: tuple[str, str]

    @property
    def sides(self) -> tuple[Explained, Explained]:
        return self.alone, self.mixed

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
    """Both sides for the class that is explained; f's verdicts included."""
    mixed = mixture(view, corruption)
    key, analysis = view.key, view.analysis
    if follow_other:
        mixed = mixed.swapped()
        key, analysis = _key(view, corruption, "other"), other_analysis(view, corruption)
    alone = _side(view, key, analysis)
    both_key = _key(view, corruption, "mixture")
    both = _side(view, both_key, _analysis(both_key, view.engine, mixed.mixed))
    through = _passed(
        (both_key, follow_other, view.target, view.domain, both.interpretation.selected),
        both,
        mixed,
    )
    shift = noise_lab.relevance_shift(
        alone.interpretation.relevance, both.interpretation.relevance, view.threshold
    )
    names = (view.source.title if corruption.other else "the clip", corruption.name)
    return Comparison(
        mixed,
        alone,
        both,
        (key, both_key),
        through,
        shift,
        alone.interpretation.target_index,
        follow_other,
        (names[1], names[0]) if follow_other else names,
    )


def drawn(view: View, comparison: Comparison, shown: str) -> list[tuple[bytes, bytes]]:
    """PNGs of A, B and C, each alone and in the mixture: one scale for all six."""
    wholes = [_level(view, side, "A") for side in comparison.sides]
    loudest = max(pictures.reference(whole) for whole in wholes)

    def draw(part: str, key: Key, side: Explained, whole: np.ndarray) -> bytes:
        what = () if part == "A" else side.name
        name = (key, part, what, round(loudest, 6), shown)
        level = whole if part == "A" else _level(view, side, part)
        dimmed = whole if part == "B" else None
        return _picture(name, level, loudest, view.engine, view.start, dimmed)

    pairs = [
        [draw(part, *side) for side in zip(comparison.keys, comparison.sides, wholes, strict=True)]
        for part in "ABC"
    ]
    return [(alone, mixed) for alone, mixed in pairs]


def added(engine: L2I, length: int, corruption: Corruption) -> np.ndarray:
    """The sound to add: the other clip, or `length` samples of noise."""
    if corruption.other is not None:
        return cached.sound(engine, corruption.other).numpy()
    return coloured_noise(corruption.kind, length, corruption.seed, engine.audio.sample_rate)


def _key(view: View, corruption: Corruption, part: str) -> Key:
    bundle, stamp, interpreter, digest, window = view.key
    tag = f"{window}|{part}|{corruption.token}|{corruption.snr}"
    return bundle, stamp, interpreter, digest, tag


def _side(view: View, key: Key, analysis: Analysis) -> Explained:
    # Gains that were set by ear for the clip say nothing about the mixture: τ alone decides here.
    choice = Choice(view.threshold, view.domain)
    return cached.explained(key, view.engine, analysis, view.target, choice)


def _level(view: View, side: Explained, part: str) -> np.ndarray:
    """Mel spectrogram of A, B or C in dB (n_mels, T) at the level that is heard: each side met f
    at a gain of its own."""
    config = view.engine.audio
    frames = config.n_frames(len(side.analysis.waveform))  # without a short clip's padding
    x = {
        "A": side.analysis.spectrogram.log_magnitude,
        "B": side.interpretation.log_magnitude,
        "C": side.interpretation.residual_log_magnitude,
    }[part]
    return pictures.decibels(x[:, :frames], config) - 20 * np.log10(side.analysis.gain)


def _analysis(key: Key, engine: L2I, sound: np.ndarray) -> Analysis:
    def make() -> Analysis:
        with models.turn:
            return engine.analyse(sound, engine.audio.sample_rate)

    return _analyses.get(key, make)


@st.cache_resource(show_spinner=False, max_entries=64)
def _passed(key: tuple[Any, ...], _side: Explained, _mixture: Mixture) -> Passed:
    stems = gather(_side.engine, _side.analysis, _mixture.sounds)
    return into(stems, _side.analysis, _side.interpretation)


@st.cache_resource(show_spinner=False, max_entries=48)
def _picture(
    key: tuple[Any, ...],
    _level: np.ndarray,
    _reference: float,
    _engine: L2I,
    _start: float,
    _whole: np.ndarray | None,
) -> bytes:
    return pictures.spectrogram(_level, _reference, _engine.audio, key[-1], _start, _whole)
