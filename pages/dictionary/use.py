"""What the page knows of the components: facts of W and θ, and who uses which."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from l2i_core import L2I, Analysis
from l2i_core.data import scenes
from l2i_core.dictionary import names, shapes
from l2i_core.dictionary.names import Names
from l2i_core.measure import records, usage
from l2i_core.measure.records import ClipRow
from l2i_core.measure.usage import Usage
from pages.shell import cached, clips, components, models, results, state
from pages.shell.cached import Key
from pages.shell.clips import ClipSource
from pages.shell.memory import MEGABYTE, Memory
from pages.shell.view import View
from pages.show.words import class_name, hertz, sentence

Pooled = tuple[np.ndarray, int]  # z (K,) of a clip, and f's class
_pooled: Memory[Pooled | None] = Memory(MEGABYTE)


@dataclass(frozen=True, slots=True)
class AtHand:
    """The clips that can be played, and how they use the components (rows follow `sources`)."""

    sources: tuple[ClipSource, ...]
    usage: Usage
    predicted: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page knows of all K components: the user's names, θ (K,) for the class to explain
    (relevances in this clip where the explainer has no θ), centres (K,) and bands (K, 2) in Hz. `usage` is of the test clips `rows` where the model brings
    them, else of the demo and own clips, with a W of the clip's own of that clip; `basis` says
    which. audio: of each of the `rows`, None
    where it is not at hand."""

    view: View
    names: Names
    weights: np.ndarray
    centres: np.ndarray
    bands: np.ndarray
    usage: Usage
    rows: list[ClipRow]
    audio: list[ClipSource | None]
    basis: str

    @property
    def clips(self) -> str:
        """ "80 test clips", "this clip"."""
        return self.basis if self.view.own_dictionary else f"{len(self.usage.pooled)} {self.basis}"

    @property
    def whose(self) -> str:
        """Whose relevance the tables of clips hold."""
        return "f's most probable class" if self.view.engine.task.multi_label else "f's decision"

    def label(self, component: int) -> str:
        """ "#17 · bark", plain text."""
        return names.label(self.names, component)

    def hertz(self, component: int) -> str:
        """The centre frequency."""
        return hertz(float(self.centres[component]))

    @property
    def symbol(self) -> str:
        """What `weights` holds."""
        return "relevance" if self.view.engine.class_weights is None else "θ"

    def weight(self, component: int) -> str:
        """θ or the relevance for the class to explain."""
        return signed(float(self.weights[component]))

    def used(self, component: int) -> str:
        """ "used in 12 of 80 test clips"."""
        if not self.usage.active[component]:
            return f"never active in {'' if self.view.own_dictionary else 'the '}{self.clips}"
        how = "active" if self.view.engine.class_weights is None else "used"
        if self.view.own_dictionary:
            return f"{how} in this clip"
        return f"{how} in {self.usage.counts[component]} of {self.clips}"

    def learned(self, component: int) -> str:
        """The class on whose clips it was learned, "" where W was learned from all at once."""
        groups = self.view.engine.dictionary.groups
        return f", learned on clips of “{class_name(groups[component])}”" if groups else ""


def signed(value: float) -> str:
    """A weight with its sign and two decimals; no sign before a zero."""
    text = f"{value:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def facts(view: View) -> Facts:
    """The facts; where the metrics cannot be read, a notice says so."""
    engine, theta = view.engine, view.engine.class_weights
    index = engine.class_index(view.target)
    try:
        path = Path(engine.bundle.folder or "", "metrics", f"clips-{engine.interpreter_name}.csv")
        there = path.is_file() and not view.own_dictionary
        rows = _rows(str(path), path.stat().st_mtime_ns) if there else []
        used = usage.usage_of_rows(rows, engine, view.threshold) if rows else None
    except ValueError as error:
        state.notice(f"{sentence(str(error))} Use is counted over demo and own clips instead.")
        rows, used = [], None
    basis = "this clip" if view.own_dictionary else "demo and own clips"
    return Facts(
        view,
        components.names_of(engine),
        (
            cached.relevance(engine, view.analysis, view.target) if theta is None else theta[index]
        ).numpy(),
        shapes.centres(engine.dictionary.patterns, engine.audio),
        shapes.spread(engine.dictionary.patterns, engine.audio),
        at_hand(view).usage if used is None else used,
        rows,
        results.sources([row.clip for row in rows]),
        basis if used is None else "test clips",
    )


def at_hand(view: View) -> AtHand:
    """How the clips at hand use the components, with its progress; long ones, heard in windows, are
    left out. With a W of the clip's own it is that clip."""
    if view.own_dictionary:
        return _at_hand(view, [(view.source, _of(view.analysis))])
    try:
        sources = clips.few_at_hand()
    except ValueError:  # the context bar says what is wrong with the demo clips
        sources = dict(clips.uploads())
    classes = view.engine.classes
    # A clip of a class that f does not know is no good example of what a component is for.
    usable = [
        (view.key.of(source.digest), source)
        for source in sources.values()
        if not source.labels or any(scenes.class_of(label, classes) for label in source.labels)
    ]
    _listen(view.engine, {key: source for key, source in usable if key not in _pooled})
    heard = [(source, pooled_in(key, view.engine, source)) for key, source in usable]
    return _at_hand(view, heard)


def analysed(view: View, source: ClipSource) -> tuple[Key, Analysis]:
    """One of the clips at hand, with its key in caches."""
    if view.own_dictionary:
        return view.key, view.analysis
    key = view.key.of(source.digest)
    return key, cached.analysis(key, view.engine, source, None)


def _at_hand(view: View, heard: Sequence[tuple[ClipSource, Pooled | None]]) -> AtHand:
    found = [(source, *pooled) for source, pooled in heard if pooled is not None]
    kept, pooled, predicted = zip(*found, strict=True) if found else ((), (), ())
    k = view.engine.dictionary.n_components
    matrix = np.stack(pooled) if found else np.zeros((0, k), dtype=np.float32)
    used = usage.usage(matrix, predicted, view.engine.class_weights, view.threshold)
    return AtHand(tuple(kept), used, tuple(predicted))


def pooled_in(key: Key, engine: L2I, source: ClipSource) -> Pooled | None:
    """z and f's class of a clip; None for a long one."""

    def make() -> Pooled | None:
        samples, rate = source.read()
        if samples.shape[-1] / rate > cached.WINDOWED_ABOVE_SECONDS:
            return None
        with models.turn:
            return _of(engine.analyse(samples, rate))

    return _pooled.get(key, make)


def _of(analysis: Analysis) -> Pooled:
    return analysis.pooled.numpy(), analysis.predicted


def _listen(engine: L2I, new: dict[Key, ClipSource]) -> None:
    """Clips on all cores at once; a run that ends early leaves those that have not begun."""
    place, pool = st.empty(), ThreadPoolExecutor(models.workers())
    text = "Looking for each component's strongest clip"
    try:
        waiting = [pool.submit(pooled_in, key, engine, source) for key, source in new.items()]
        for done, _ in enumerate(as_completed(waiting), 1):
            place.progress(done / len(new), f"{text}: {done} of {len(new)}")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    place.empty()


@st.cache_resource(show_spinner=False, max_entries=16)
def _rows(path: str, stamp: int) -> list[ClipRow]:
    try:
        rows = records.read(path, ClipRow)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read; evaluate the model again.") from error
    if not rows:
        raise ValueError(f"{path} has no rows; evaluate the model again.")
    return rows
