"""What a first visit hears: a clip and a noise for which the question has an answer.

Nothing here is chosen by hand: models, demo clips and noises are tried in their order, and f and
the interpreter say which is the first that serves. So a model that comes along needs no line here.
"""

from collections.abc import Iterator
from typing import Any

import streamlit as st

from l2i_core import L2I
from l2i_core.data import scenes
from l2i_core.measure import noise_lab
from l2i_core.measure.stems import mix
from l2i_core.signal.corrupt import COLOURS
from pages.noise import comparison
from pages.noise.comparison import Corruption
from pages.noise.settings import FIRST_SNR
from pages.shell import cached, clips, models, state
from pages.shell.bring import ANEW
from pages.shell.clips import ClipSource
from pages.shell.view import View


def settle(view: View) -> None:
    """Where neither clip, class nor noise were chosen, go on to one that has an answer, and begin
    the run again; to another model only where the first has none and was not chosen either."""
    ours = ("clip", "class", "window", "own", "snr", "seed", "masks", "tab")
    if state.value("kind") or not state.is_default(*ours):
        return
    domain = view.domain
    for engine, key in _engines(view):
        with st.spinner("Looking for a clip …"):
            found = _answer((*key, view.threshold, domain), engine, view.threshold, domain)
        if found is None:
            continue
        clip, kind = found
        state.put(kind=kind)
        if (clip, engine) != (view.source.id, view.engine):
            state.put(bundle=key[0], interpreter=engine.interpreter_name, clip=clip)
            state.put(**ANEW)
            state.write_url()
            st.rerun()
        return


def _engines(view: View) -> Iterator[tuple[L2I, tuple[Any, ...]]]:
    """The model on screen, then the others, where it was not chosen."""
    yield view.engine, view.key[:-2]
    if not state.is_default("bundle", "interpreter"):
        return
    for name in models.bundle_names():
        if name != state.value("bundle"):
            interpreter = models.bundle(name).default_interpreter
            engine = models.engine(name, interpreter)
            yield engine, (name, models.bundle_stamp(name), interpreter)


@st.cache_resource(show_spinner=False, max_entries=64)
def _answer(
    key: tuple[Any, ...], _engine: L2I, threshold: float, domain: str
) -> tuple[str, str] | None:
    """Clip and noise at FIRST_SNR: f says what the clip is, still says so in the noise, and B is
    not silent. The first of these for which the interpreter agrees and more of the clip than of the
    noise passes into B, else the first; noises in their order, the paper's white before others."""
    right: dict[str, int | None] = {}
    for kind in COLOURS:
        second = None
        for source in clips.bundled():
            if source.id not in right:
                right[source.id] = _right(_engine, source)
            row = _measured(_engine, source, right[source.id], kind, threshold, domain)
            if row is None or not row["decision"] or not row["followed_passed"]:
                continue
            if row["place"] in (None, 1) and row["followed_passed"] > row["rest_passed"]:
                return source.id, kind
            second = second or (source.id, kind)
        if second is not None:
            return second
    return None


def _right(engine: L2I, source: ClipSource) -> int | None:
    """The class that f decides for first, where it is the clip's."""
    clip, classes = cached.sound(engine, source).numpy(), engine.classes
    with models.turn:
        said = noise_lab.decided(engine, clip)
    labels = {scenes.class_of(label, classes) for label in source.labels}
    return said[0] if said and classes[said[0]] in labels else None


def _measured(
    engine: L2I, source: ClipSource, target: int | None, kind: str, threshold: float, domain: str
) -> dict[str, Any] | None:
    """`noise_lab.measure` of a clip in noise; None without a class, where f, which is asked first,
    does not hold, and for what cannot be explained."""
    if target is None:
        return None
    clip, corruption = cached.sound(engine, source).numpy(), Corruption(kind, FIRST_SNR, 0)
    try:
        mixture = mix(clip, comparison.added(engine, len(clip), corruption), corruption.snr)
        with models.turn:
            if target not in noise_lab.decided(engine, mixture.mixed):
                return None
            return noise_lab.measure(engine, mixture, target, threshold, domain)
    except ValueError:
        return None
