"""Results, each computed once: what the pages ask of an engine, behind caches.

Keys are names, never arrays: bundle and its date, interpreter, the clip file's hash and window;
results add class, mask domain and the number of selected components, because x_int is piecewise
constant in τ. What holds arrays is kept within a bound of bytes, so that neither long clips nor
many users fill the server.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from l2i_core import L2I, Analysis, Interpretation, Verdict
from l2i_core.classifiers.hearing import WINDOWED_ABOVE_SECONDS
from l2i_core.measure.random import KINDS, RandomDrops, draw
from l2i_core.signal import audio
from pages.shell.clips import ClipSource
from pages.shell.memory import MEGABYTE, Memory
from pages.shell.models import turn
from pages.show.choice import Choice

RANDOM_DRAWS = 20
FEW_DRAWS = 5  # of a Random that stands beside every FF
BEST_SECONDS = 5.0  # f's favourite stretch of a long clip, found to this step:
BEST_STEP = 0.5

Key = tuple[str, float, str, str, str]  # bundle, its date, interpreter, clip hash, window

_sounds: Memory[torch.Tensor] = Memory(512 * MEGABYTE)
_analyses: Memory[Analysis] = Memory(256 * MEGABYTE)
_interpretations: Memory[Interpretation] = Memory(256 * MEGABYTE)
_components: Memory[np.ndarray] = Memory(64 * MEGABYTE)
_overviews: Memory[Overview] = Memory(MEGABYTE)


@dataclass(frozen=True, slots=True)
class Overview:
    """A long clip as f hears it: windows in seconds, f's logits for each (n, C), their mean."""

    seconds: float
    windows: tuple[tuple[float, float], ...]
    window_logits: torch.Tensor
    logits: torch.Tensor


def seconds(source: ClipSource) -> float:
    """How long a clip lasts."""
    return _seconds(source.digest, source)


def sound(engine: L2I, source: ClipSource) -> torch.Tensor:
    """The clip (n,) at the model's rate and its own level: read, mixed down, resampled once."""
    return _sounds.get(
        (source.digest, engine.audio.sample_rate),
        lambda: audio.prepare(*source.read(), engine.audio),
    )


def is_long(source: ClipSource) -> bool:
    """Whether a clip is heard in windows."""
    return seconds(source) > WINDOWED_ABOVE_SECONDS


def overview(
    key: Key,
    engine: L2I,
    source: ClipSource,
    progress: Callable[[int, int], None] = lambda number, of: None,
) -> Overview:
    """f's opinion of every window of a long clip; `progress` is told before each."""
    return _overviews.get(key, lambda: _overview(engine, sound(engine, source), progress))


@st.cache_resource(show_spinner="Looking for the best five seconds …", max_entries=64)
def best_window(
    key: Key, _engine: L2I, _source: ClipSource, _overview: Overview, target: str
) -> tuple[float, float]:
    """The five seconds that f scores highest for a class, looked for in steps of half a second in
    and around the window that it scores highest."""
    index, clip = _engine.class_index(target), sound(_engine, _source)
    start, end = _overview.windows[int(_overview.window_logits[:, index].argmax())]
    last = int(100 * (_overview.seconds - BEST_SECONDS)) / 100
    first = max(0.0, start - BEST_SECONDS / 2)
    starts = np.arange(first, min(end - BEST_SECONDS / 2, last) + 1e-6, BEST_STEP)
    found = [(round(float(s), 2), round(float(s) + BEST_SECONDS, 2)) for s in starts]
    with turn:
        scores = _engine.logits_at(clip, found)[:, index]
    return found[int(scores.argmax())]


def analysis(
    key: Key, engine: L2I, source: ClipSource, window: tuple[float, float] | None
) -> Analysis:
    """One pass of f and Ψ over the clip, or over one window of it."""

    def make() -> Analysis:
        clip = sound(engine, source)
        with turn:
            return engine.analyse(clip, engine.audio.sample_rate, window=window)

    return _analyses.get((key, window), make)


def is_analysed(key: Key, window: tuple[float, float] | None) -> bool:
    """Whether `analysis` will answer at once."""
    return (key, window) in _analyses


def interpretation(
    key: Key, engine: L2I, analysis: Analysis, target: str, choice: Choice
) -> Interpretation:
    """What f listened to. Sounds are shared by all τ that select the same components."""
    relevance = engine.relevance(analysis, target)
    count = int((relevance > choice.tau).sum())
    made = _interpretations.get(
        (key, target, choice.domain, count, choice.own),
        lambda: engine.interpret(
            analysis, target, choice.tau, choice.domain, gains=choice.gains(relevance)
        ),
    )
    return dataclasses.replace(made, threshold=choice.tau)


def named(made: Interpretation) -> tuple[str, str, bytes]:
    """What tells one interpretation of a clip from every other, in caches."""
    return made.target, made.mask_domain, made.gains.numpy().tobytes()


@st.cache_resource(show_spinner=False, max_entries=512, hash_funcs={Interpretation: named})
def verdict(key: Key, _engine: L2I, _analysis: Analysis, made: Interpretation) -> Verdict:
    """What f says of the interpretation and of the residual."""
    with turn:
        return _engine.judge(_analysis, made)


def random_drops(
    key: Key, engine: L2I, analysis: Analysis, made: Interpretation
) -> tuple[RandomDrops, RandomDrops]:
    """FF after removing random components that are not in L: as many, and of equal log energy."""
    counted, matched = _drawn(key, engine, analysis, made, KINDS, RANDOM_DRAWS)
    return counted, matched


def energy_matched(key: Key, engine: L2I, analysis: Analysis, made: Interpretation) -> RandomDrops:
    """A few draws of the energy-matched Random alone: soon enough for every FF."""
    return _drawn(key, engine, analysis, made, KINDS[1:], FEW_DRAWS)[0]


def count_matched(key: Key, engine: L2I, analysis: Analysis, made: Interpretation) -> RandomDrops:
    """The same of the paper's Random: as many components as L holds."""
    return _drawn(key, engine, analysis, made, KINDS[:1], FEW_DRAWS)[0]


@st.cache_resource(
    show_spinner="Removing random components …",
    max_entries=1024,
    hash_funcs={Interpretation: named},
)
def _drawn(
    key: Key,
    _engine: L2I,
    _analysis: Analysis,
    made: Interpretation,
    kinds: tuple[str, ...],
    draws: int,
) -> tuple[RandomDrops, ...]:
    with turn:
        return draw(
            _engine,
            _analysis,
            made.target_index,
            made.gains,
            kinds,
            draws=draws,
            generator=np.random.default_rng(0),
            mask_domain=made.mask_domain,
        )


def every_threshold(
    engine: L2I, analysis: Analysis, target: str, domain: str
) -> list[dict[str, float | None]]:
    """What τ decides on one clip, a row for each τ of an evaluation: |L|, sound energy kept, f's logit
    and probability of the class on what is kept, its logit on what is left, FF."""
    index = engine.class_index(target)
    with turn:
        swept = engine.sweep(analysis, index, mask_domain=domain)
    span = engine.span(analysis, index)
    chances = engine.probabilities(swept.logits_interpretation)[:, index]
    return [
        {
            "threshold": threshold,
            "components": int(swept.counts[i]),
            "energy_kept": float(swept.energy_kept[i]),
            "logit_interpretation": float(swept.logits_interpretation[i, index]),
            "probability_interpretation": float(chances[i]),
            "logit_residual": float(swept.logits_without[i, index]),
            "faithfulness": float(swept.faithfulness[i]),
            "relative_faithfulness": float(swept.faithfulness[i]) / span if span > 0 else None,
        }
        for i, threshold in enumerate(swept.thresholds)
    ]


def component_audio(key: Key, engine: L2I, analysis: Analysis, k: int, domain: str) -> np.ndarray:
    """x_k (n,) at the clip's own level."""
    return _components.get(
        (key, k, domain), lambda: engine.component_audio(analysis, k, domain).numpy()
    )


@st.cache_resource(show_spinner=False, max_entries=1024)
def _seconds(digest: str, _source: ClipSource) -> float:
    return _source.header().seconds


def _overview(engine: L2I, clip: torch.Tensor, progress: Callable[[int, int], None]) -> Overview:
    """A turn for each window: others are served in between."""
    frames, gain, logits = engine.windows(len(clip)), audio.peak_gain(clip), []
    for number, (start, end) in enumerate(frames):
        progress(number, len(frames))
        with turn:
            logits.append(engine.window_logits(clip, start, end, gain))
    hop = engine.audio.hop_length / engine.audio.sample_rate
    length = len(clip) / engine.audio.sample_rate
    windows = tuple(
        (round(start * hop, 2), min(round(end * hop, 2), int(length * 100) / 100))
        for start, end in frames
    )
    window_logits = torch.stack(logits)
    return Overview(length, windows, window_logits, window_logits.mean(0))
