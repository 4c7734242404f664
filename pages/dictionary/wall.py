"""The wall: every component that the filter leaves, its spectral shape as a button."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from l2i_core.dictionary import shapes
from pages.dictionary import chosen as settings
from pages.dictionary.chosen import OF_GROUPS, SORTS, Chosen
from pages.dictionary.use import Facts
from pages.shell.view import View
from pages.show import live
from pages.show.words import class_name

_KEY = "wall"  # of the mounted component


def draw(facts: Facts, chosen: Chosen) -> None:
    """The controls, the wall, and how to read it."""
    settings.controls(facts)
    target, total = class_name(facts.view.target), len(facts.weights)
    heading = f"{len(chosen.shown)} of {total} components, by {SORTS[chosen.sort].split(',')[0]}"
    st.markdown(f"**{heading}**")
    if not chosen.shown:
        st.info("No component is left by this choice. Widen the band or choose all components.")
    cells = _cells(facts, chosen)
    data = {"label": f"{heading}; arrow keys move", "chosen": chosen.component, "cells": cells}
    _mounted()(key=_KEY, data=data, on_chosen_change=_take, height="content")
    figure = f"{facts.basis} that use it" if chosen.sort == "use" else f"θ for “{target}”"
    colours, below = f"speaks for “{target}”, grey against it", "centre frequency"
    if chosen.sort == OF_GROUPS:
        colours, below = f"was learned on clips of “{target}”, grey on others", "that class"
    silent = int((~facts.usage.active).sum())
    dashed = (
        f" Dashed: the {silent} of {total} never active in the {facts.clips}." if silent else ""
    )
    st.caption(
        f"Mel axis, each on a scale of its own. Blue {colours}; the paler, the smaller its weight. "
        f"Above: number and {figure}; below: {'your name or ' if facts.names else ''}{below}.{dashed}"
    )


def _cells(facts: Facts, chosen: Chosen) -> list[dict[str, Any]]:
    """What `wall.js` draws of each component, all texts plain."""
    outlines = np.round(100 * _outlines(facts.view.key[:2], facts.view)).astype(int).tolist()
    strength = 0.35 + 0.65 * np.abs(facts.weights) / (np.abs(facts.weights).max() or 1.0)
    by_use, by_group = chosen.sort == "use", chosen.sort == OF_GROUPS
    blue = settings.learned_on(facts) if by_group else facts.weights > 0
    said = class_name(facts.view.target)

    def cell(k: int) -> dict[str, Any]:
        name, group = facts.names.get(k, ""), ""
        if by_group:
            group = class_name(facts.view.engine.dictionary.groups[k])
        return {
            "k": k,
            "number": f"#{k}",
            "figure": str(facts.usage.counts[k]) if by_use else facts.weight(k),
            "below": name or group or facts.hertz(k),
            "named": bool(name),
            "shape": outlines[k],
            "sign": 1 if blue[k] else -1,
            "strength": round(float(strength[k]), 2),
            "silent": not facts.usage.active[k],
            "title": f"#{k}{f', {name}' if name else ''}: centre {facts.hertz(k)}, "
            f"θ {facts.weight(k)} for {said}, {facts.used(k)}{facts.learned(k)}",
        }

    return [cell(k) for k in chosen.shown]


def _take() -> None:
    sent = st.session_state[_KEY].get("chosen")
    if isinstance(sent, int):
        settings.choose(sent)


@st.cache_resource(show_spinner=False, max_entries=8)
def _outlines(key: tuple[Any, ...], _view: View) -> np.ndarray:
    return shapes.outlines(_view.engine.dictionary.patterns, _view.engine.audio)


# Registered anew where Streamlit's registry is, as in `show.live`.
def _mounted() -> Callable[..., Any]:
    html = '<div class="wall" role="group" data-testid="wall"></div>'
    script, style = live.script("nodes.js") + _text("wall.js"), _text("wall.css")
    return st.components.v2.component("l2i_wall", html=html, css=style, js=script)


@functools.cache
def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
