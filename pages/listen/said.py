"""What f says, before anybody listens."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.shell import cached, decisions
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name, clock, number

N_TOP = 3


def question(view: View) -> str:
    target = class_name(view.target)
    if view.multi_label:
        if view.target in view.decided:
            return f"Why did the model hear “{target}”?"
        heard = decisions.said(view.engine, view.analysis.logits)
        return f"The model heard {heard}. What speaks for “{target}”?"
    said = class_name(view.decided[0])
    if target == said:
        return f"Why did the model say “{said}”?"
    return f"The model said “{said}”. What speaks for “{target}”?"


def decision(view: View) -> None:
    """What f says, and what must be known before anybody listens."""
    if view.overview is not None:
        _long_clip(view)
    assert view.said is not None  # the router knows this page as the one that listens
    with view.said:
        _top_classes(view)
    _short_clip(view)
    if warning := decisions.disagreement(view.engine, view.analysis, view.target):
        st.warning(warning)


def _long_clip(view: View) -> None:
    overview, window = view.overview, view.window
    assert overview is not None  # by construction of the view
    assert window is not None
    st.info(
        f"This clip lasts {clock(overview.seconds)} min, so f hears it in {len(overview.windows)} "
        f"windows; over all of them it {_overall(view, overview)}. Everything below is about one "
        f"window, {clock(window[0])}–{clock(window[1])}."
    )


def _overall(view: View, overview: cached.Overview) -> str:
    if view.multi_label:
        heard = decisions.with_chances(view.engine, overview.logits)
        return f"hears {heard}, by the mean of the logits"
    best = int(overview.logits.argmax())
    chance = float(view.engine.probabilities(overview.logits)[best])
    return f"says “{class_name(view.engine.classes[best])}” ({chance:.2f}, mean of the logits)"


def _top_classes(view: View) -> None:
    chances = view.engine.probabilities(view.analysis.logits).tolist()
    shown = max(N_TOP, len(view.decided))
    order = view.analysis.logits.argsort(descending=True, stable=True).tolist()[:shown]
    target = view.engine.classes.index(view.target)
    order += [target] if target not in order else []
    names = [class_name(view.engine.classes[c]) for c in order]
    st.markdown(_headline(view))
    plots.chart(
        _bars(
            (*view.key, view.target, pictures.theme()),
            names,
            [chances[c] for c in order],
            decisions.LIMIT if view.multi_label else None,
        ),
        "classes",
        "f's probabilities: "
        + ", ".join(f"{n} {chances[c]:.2f}" for n, c in zip(names, order, strict=True)),
    )


def _headline(view: View) -> str:
    if not view.multi_label:
        return "**f says**"
    heard = decisions.said(view.engine, view.analysis.logits)
    return f"**f hears {heard}**: whatever has a probability above {decisions.LIMIT:g} (dotted)"


@st.cache_resource(show_spinner=False, max_entries=64)
def _bars(
    key: tuple[Any, ...], _names: list[str], _chances: list[float], limit: float | None
) -> go.Figure:
    return plots.class_bars(_names, _chances, class_name(key[-2]), pictures.palette(), limit)


def _short_clip(view: View) -> None:
    rate = view.engine.audio.sample_rate
    if len(view.analysis.waveform) < view.engine.min_length:
        st.caption(
            f"The clip lasts {number(len(view.analysis.waveform) / rate)} s; f needs "
            f"{number(view.engine.min_length / rate)} s, so it hears silence after it."
        )
