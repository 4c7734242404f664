"""What f says, before anybody listens."""

import streamlit as st

from pages.shell import decisions, verdicts
from pages.shell.cached import Overview
from pages.shell.view import View
from pages.show.words import class_name, clock

N_TOP = 3
N_HEARD = 12  # bars of a model that hears many classes at once


def question(view: View) -> str:
    target = class_name(view.target)
    if view.heard.nothing and view.decided:
        heard = decisions.said(view.engine, view.analysis.logits)
        return f"There is nothing to hear, yet the model says “{heard}”"
    if view.engine.task.multi_label:
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
    if view.overview is not None and view.window is not None:
        _long_clip(view, view.overview, view.window)
    assert view.said is not None  # the router knows this page as the one that listens
    with view.said:
        _top_classes(view)
    if warning := decisions.disagreement(view.engine, view.analysis, view.target):
        st.warning(warning)


def _long_clip(view: View, overview: Overview, window: tuple[float, float]) -> None:
    if view.engine.task.multi_label:
        heard = decisions.with_chances(view.engine, overview.logits)
        told = f"hears {heard}, by the mean of the logits"
    else:
        best = int(overview.logits.argmax())
        chance = float(view.engine.probabilities(overview.logits)[best])
        told = f"says “{class_name(view.engine.classes[best])}” ({chance:.2f}, mean of the logits)"
    st.info(
        f"This clip lasts {clock(overview.seconds)} min, so f hears it in {len(overview.windows)} "
        f"windows; over all of them it {told}. Below the lanes everything is about one window, "
        f"{clock(window[0])}–{clock(window[1])}."
    )


def _top_classes(view: View) -> None:
    shown = min(max(N_TOP, len(view.decided)), N_HEARD)
    order = view.analysis.logits.argsort(descending=True, stable=True).tolist()[:shown]
    st.markdown(_headline(view))
    target = view.engine.class_index(view.target)
    verdicts.classes(view, list(dict.fromkeys([*order, target])), "classes")


def _headline(view: View) -> str:
    if not view.engine.task.multi_label:
        return f"**f says**{view.unsupported}"
    heard = decisions.said(view.engine, view.analysis.logits)
    return f"**f hears {heard}**{view.unsupported}: whatever has a probability above {decisions.LIMIT:g} (dotted)"
