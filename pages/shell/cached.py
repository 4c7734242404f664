"""Results, each computed once: what the pages ask of an engine, behind caches.

Keys are names, never arrays (`Key`); results add class, mask domain and the number of selected components, because x_int is piecewise
constant in τ. What holds arrays is kept within a bound of bytes, so that neither long clips nor
many users fill the server.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
import torch

from l2i_core import L2I, Analysis, Interpretation
from l2i_core.classifiers.hearing import WINDOWED_ABOVE_SECONDS
from l2i_core.measure import timeline as timelines
from l2i_core.measure import usage
from l2i_core.measure.explained import Explained
from l2i_core.measure.random import KINDS, RandomDrops
from l2i_core.measure.timeline import Timeline
from l2i_core.signal import audio
from l2i_core.signal.condition import Condition
from pages.shell import models
from pages.shell.clips import ClipSource
from pages.shell.memory import MEGABYTE, Memory
from pages.shell.models import turn
from pages.show.choice import Choice

RANDOM_DRAWS = 20
SLOW_SECONDS = 0.5  # an explainer that takes longer says how far it is
FEW_DRAWS = 5  # of a Random that stands beside every FF
BEST_SECONDS = 5.0  # f's favourite stretch of a long clip, found to this step:
BEST_STEP = 0.5


class Key(NamedTuple):
    """An analysis by name: bundle and its date, interpreter, which W, the clip file's hash, and the
    window of it ("" where it is heard at once)."""

    bundle: str
    stamp: float
    interpreter: str
    dictionary: str
    clip: str
    window: str = ""

    @property
    def measured(self) -> tuple[str, str, str]:
        """What a bundle's metrics are of: bundle, interpreter, which W."""
        return self.bundle, self.interpreter, self.dictionary

    @property
    def of_f(self) -> Key:
        """What f says of the clip, whatever explains it and by which W."""
        return self._replace(interpreter="", dictionary="")

    def of(self, clip: str, window: str = "") -> Key:
        """The same model and interpreter on another clip."""
        return self._replace(clip=clip, window=window)


_sounds: Memory[torch.Tensor] = Memory(512 * MEGABYTE)
_analyses: Memory[Analysis] = Memory(256 * MEGABYTE)
_interpretations: Memory[tuple[Interpretation, dict[Any, Any]]] = Memory(256 * MEGABYTE)
_components: Memory[np.ndarray] = Memory(64 * MEGABYTE)
_overviews: Memory[Overview] = Memory(MEGABYTE)
_timelines: Memory[Timeline] = Memory(32 * MEGABYTE)


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


@st.cache_resource(show_spinner=False, max_entries=1024)
def condition(digest: str, _source: ClipSource) -> Condition:
    """What must be known of a clip's file before f's decision."""
    return _source.condition()


def sound(engine: L2I, source: ClipSource) -> torch.Tensor:
    """The clip (n,) at the model's rate and its own level: read, mixed down, resampled once."""
    return _sounds.get(
        (source.digest, engine.audio.sample_rate),
        lambda: audio.prepare(*source.read(), engine.audio),
    )


def is_long(source: ClipSource) -> bool:
    """Whether a clip is heard in windows."""
    return seconds(source) > WINDOWED_ABOVE_SECONDS


def stretch(
    engine: L2I, source: ClipSource, start: float, end: float
) -> tuple[torch.Tensor | np.ndarray, int, float]:
    """Sound that holds these seconds of a clip, its rate, and the second at which it begins: the
    whole clip, but of one that is not held in memory a second more on both sides."""
    if seconds(source) <= audio.MAX_SECONDS:
        return sound(engine, source), engine.audio.sample_rate, 0.0
    begins = max(0.0, math.floor(start) - 1.0)
    return *audio.read_part(source.file(), begins, end + 1.0), begins


def overview(
    key: Key,
    engine: L2I,
    source: ClipSource,
    progress: Callable[[int, int], None] = lambda number, of: None,
) -> Overview:
    """f's opinion of every window of a long clip; `progress` is told before each."""
    if seconds(source) > audio.MAX_SECONDS:
        found = timeline(key, engine, source, progress)
        return Overview(found.seconds, found.windows, found.logits, found.logits.mean(0))
    return _overviews.get(key.of_f, lambda: _overview(engine, sound(engine, source), progress))


def timeline(
    key: Key,
    engine: L2I,
    source: ClipSource,
    progress: Callable[[int, int], object] = lambda number, of: None,
) -> Timeline:
    """f on short windows of a clip of any length; a turn for each batch: others are served in
    between. `progress` is told before each."""

    def make() -> Timeline:
        steps, made = timelines.grid(engine), list[timelines.Part]()
        of, number = len(steps.starts(seconds(source))), 0
        parts = timelines.heard(engine, source.file(), steps)
        while True:
            progress(min(number, of - 1), of)
            with turn:
                part = next(parts, None)
            if part is None:
                return timelines.joined(engine, made)
            made.append(part)
            number += len(part.starts)

    return _timelines.get(key.of_f, make)


@st.cache_resource(show_spinner="Looking for the best five seconds …", max_entries=64)
def best_window(
    key: Key, _engine: L2I, _source: ClipSource, _overview: Overview, target: str
) -> tuple[float, float]:
    """The five seconds that f scores highest for a class, looked for in steps of half a second in
    and around the window that it scores highest."""
    index = _engine.class_index(target)
    start, end = _overview.windows[int(_overview.window_logits[:, index].argmax())]
    last = int(100 * (_overview.seconds - BEST_SECONDS)) / 100
    first = max(0.0, start - BEST_SECONDS / 2)
    starts = np.arange(first, min(end - BEST_SECONDS / 2, last) + 1e-6, BEST_STEP)
    found = [(round(float(s), 2), round(float(s) + BEST_SECONDS, 2)) for s in starts]
    held, rate, begins = stretch(_engine, _source, found[0][0], found[-1][1])
    clip = audio.prepare(held, rate, _engine.audio)
    with turn:
        scores = _engine.logits_at(clip, [(s - begins, e - begins) for s, e in found])[:, index]
    return found[int(scores.argmax())]


def analysis(
    key: Key, engine: L2I, source: ClipSource, window: tuple[float, float] | None
) -> Analysis:
    """One pass of f and Ψ over the clip, or over one window of it."""

    def make() -> Analysis:
        clip, rate, begins = stretch(engine, source, *(window or (0.0, seconds(source))))
        part = window and (window[0] - begins, window[1] - begins)
        with turn:
            made = engine.analyse(clip, rate, window=part)
        start, end = made.seconds
        return dataclasses.replace(made, seconds=(start + begins, end + begins))

    return _analyses.get((key, window), make)


def is_analysed(key: Key, window: tuple[float, float] | None) -> bool:
    """Whether `analysis` will answer at once."""
    return (key, window) in _analyses


def explained(key: Key, engine: L2I, analysis: Analysis, target: str, choice: Choice) -> Explained:
    """What f listened to, and what f says of that. Sounds and answers are shared by all τ that
    select the same components."""
    found = relevance(engine, analysis, target)
    count = int((found > choice.tau).sum())
    made, answers = _interpretations.get(
        (key, target, choice.domain, count, choice.own),
        lambda: (
            engine.interpret(
                analysis, target, choice.tau, choice.domain, gains=choice.gains(found)
            ),
            {},
        ),
    )
    made = dataclasses.replace(made, threshold=choice.tau)
    return Explained(on(engine, analysis), analysis, made, turn, answers)


def on(engine: L2I, analysis: Analysis) -> L2I:
    """`engine.on(analysis)`, one object for each clip: what caches know of W goes by its engine."""
    own = engine.on(analysis)
    return engine if own is engine else analysis.memory.setdefault("engine", own)


def of_clip(
    bundle: str,
    interpreter: str,
    dictionary: str,
    source: ClipSource,
    target: str,
    choice: Choice,
    window: tuple[float, float] | None = None,
    tag: str = "",
) -> Explained:
    """What an interpreter of a model says of a clip with the W of this name, or of one window of
    it; `tag` is the window's name in keys."""
    engine = models.engine(bundle, interpreter, dictionary)
    stamp = models.bundle_stamp(bundle)
    key = Key(bundle, stamp, interpreter, dictionary, source.digest, tag)
    made = explained(key, engine, analysis(key, engine, source, window), target, choice)
    return dataclasses.replace(made, condition=condition(source.digest, source))


def relevance(engine: L2I, analysis: Analysis, target: str) -> torch.Tensor:
    """r (K,) of a class; an explainer that asks f takes turns, and shows how far it is where it may
    take long: choosing something else ends the run, and with it the search."""
    known = analysis.memory
    if not engine.explainer.seconds:
        return engine.relevance(analysis, target)
    if ("in turn", target) not in known:
        explainer = engine.explainer
        slow = explainer.seconds > SLOW_SECONDS
        with telling(f"{explainer.title} asks f", slow) as tell, turn:
            known["in turn", target] = engine.relevance(analysis, target, tell=tell)
    return known["in turn", target]


@contextlib.contextmanager
def telling(text: str, slow: bool = True) -> Iterator[Callable[[int, int], object]]:
    """A place that shows how far something is, while it works; nothing for what is not slow."""
    if not slow:
        yield lambda done, total: None
        return
    place = st.empty()
    place.progress(0.0, f"{text} …")
    yield lambda done, total: place.progress(done / total, f"{text}: {done} of {total}")
    place.empty()


def randoms(
    made: Explained, kinds: Sequence[str] = KINDS, draws: int = FEW_DRAWS
) -> tuple[RandomDrops, ...]:
    """FF after removing random components that are not in L: as many, and of equal log energy."""
    with st.spinner("Removing random components …"):
        return made.randoms(kinds, draws)


def component_audio(key: Key, engine: L2I, analysis: Analysis, k: int, domain: str) -> np.ndarray:
    """x_k (n,) at the clip's own level."""
    return _components.get(
        (key, k, domain), lambda: engine.component_audio(analysis, k, domain).numpy()
    )


def template_audio(key: Key, engine: L2I, analysis: Analysis, k: int) -> np.ndarray:
    """`usage.template_audio` (n,), whose phase is searched for."""

    def make() -> np.ndarray:
        with turn, st.spinner("Finding a phase for the template …"):
            return usage.template_audio(engine, analysis, k).numpy()

    return _components.get((key, k), make)


@st.cache_resource(show_spinner=False, max_entries=1024)
def _seconds(digest: str, _source: ClipSource) -> float:
    return _source.header().seconds


def _overview(engine: L2I, clip: torch.Tensor, progress: Callable[[int, int], None]) -> Overview:
    """A turn for each window: others are served in between."""
    frames, gain, logits = engine.hearing.windows(len(clip)), audio.peak_gain(clip), []
    for number, (start, end) in enumerate(frames):
        progress(number, len(frames))
        with turn:
            logits.append(engine.hearing.window_logits(clip * gain, start, end))
    hop = engine.audio.hop_length / engine.audio.sample_rate
    length = len(clip) / engine.audio.sample_rate
    windows = tuple(
        (round(start * hop, 2), min(round(end * hop, 2), int(length * 100) / 100))
        for start, end in frames
    )
    window_logits = torch.stack(logits)
    return Overview(length, windows, window_logits, window_logits.mean(0))
