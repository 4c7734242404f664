"""The window of a long clip that is listened to: chosen by f's opinion of each, by hand, by class."""

import re
from collections.abc import Iterable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from l2i_core import L2I
from l2i_core.classifiers.hearing import WINDOWED_ABOVE_SECONDS
from l2i_core.signal.audio import MIN_SECONDS
from pages.shell import cached, state
from pages.shell.cached import Key, Overview
from pages.shell.clips import ClipSource
from pages.show.words import class_name, clock, number

_WINDOW = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


def window(engine: L2I, overview: Overview) -> tuple[str, tuple[float, float], DeltaGenerator]:
    """The stretch of a long clip that is listened to: its name in the URL, start and end in
    seconds; and the place for `offer_best`, once the class is known.

    At first f's window most like its decision; any stretch of 0.1 to 30 s can be had.
    """
    names = [_name(start, end) for start, end in overview.windows]
    decision = int(overview.logits.argmax())
    probabilities = engine.probabilities(overview.window_logits)
    chosen = _settle_window(overview, names[int(probabilities[:, decision].argmax())])
    start, end = _parse(chosen) or overview.windows[0]
    labels = dict(zip(names, _labels(engine, overview, probabilities), strict=True))
    listed = names if chosen in names else [chosen, *names]
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    state.select(
        row,
        f"Window of this clip of {clock(overview.seconds)} min",
        "window",
        listed,
        lambda name: labels.get(name, f"{span(start, end)} · your own"),
        reset=["class", "own"],
        relabelled=True,
    )
    length = round(end - start, 2)
    latest = int(10 * (overview.seconds - length)) / 10
    if latest > 0:
        row.slider(
            "Start in seconds",
            0.0,
            latest,
            step=0.1,
            key=state.control("start", min(start, latest)),
            on_change=_moved,
            args=(start, overview.seconds),
        )
    row.number_input(
        "Length in seconds",
        MIN_SECONDS,
        WINDOWED_ABOVE_SECONDS,
        step=1.0,
        format="%.1f",
        key=state.control("length", length),
        on_change=_moved,
        args=(start, overview.seconds),
        width=130,
    )
    return chosen, (start, end), row.container(width="content")


def offer_best(
    place: DeltaGenerator,
    key: Key,
    engine: L2I,
    source: ClipSource,
    overview: Overview,
    target: str,
) -> None:
    """The button that goes to the five seconds that f scores highest for the class explained."""
    if place.button(
        f"The {cached.BEST_SECONDS:g} s most like “{class_name(target)}”",
        key="best window",
        help="Where f's logit for the class is highest, in and around its highest window.",
    ):
        best = cached.best_window(key, engine, source, overview, target)
        listen_to(*best, target)
        st.rerun()


def listen_to(start: float, end: float, target: str | None = None) -> None:
    """The user chose a stretch, seconds, and the class to explain there, f's decision for None."""
    state.chose(window=_name(start, end), own=None, **{"class": target})


def _settle_window(overview: Overview, default: str) -> str:
    """The window that the URL asks for if the clip has it, else the default and a notice."""
    asked = state.value("window")
    span = _parse(str(asked or ""))
    if span is not None:
        start, end = span
        fits = end <= overview.seconds + 0.01 and end - start >= MIN_SECONDS - 1e-6
        if fits and end - start <= WINDOWED_ABOVE_SECONDS + 1e-6:
            state.put(window=_name(start, end))
            return _name(start, end)
    if asked is not None:
        state.notice(
            f"The window “{str(asked)[:40]}” does not fit this clip of {number(overview.seconds, 3)} "
            f"s; give start and end in seconds, {MIN_SECONDS:g} to {WINDOWED_ABOVE_SECONDS:g} s "
            f"apart. Showing {default} instead."
        )
    state.put(window=default)
    return default


def _parse(name: str) -> tuple[float, float] | None:
    match = _WINDOW.fullmatch(name)
    return (float(match[1]), float(match[2])) if match else None


def _name(start: float, end: float) -> str:
    return f"{round(start, 2):g}-{round(end, 2):g}"


def span(start: float, end: float) -> str:
    """ "0:05–0:10"."""
    return f"{clock(start)}–{clock(end)}"


def _labels(engine: L2I, overview: Overview, probabilities: Any) -> Iterable[str]:
    for (start, end), chances in zip(overview.windows, probabilities, strict=True):
        best = int(chances.argmax())
        share = float(chances[best])
        yield f"{span(start, end)} · {class_name(engine.classes[best])} {share:.2f}"


def _moved(start: float, seconds: float) -> None:
    """Callback: another start, or another length: the start moves where the clip ends before."""
    length = min(float(st.session_state["control_length"]), seconds)
    start = float(st.session_state.get("control_start", start))
    start = max(0.0, min(start, seconds - length))
    listen_to(start, start + length)
