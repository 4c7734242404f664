"""The wall: every component that the filter leaves, its spectral shape as a button; what the reader
settled on there."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.dictionary.use import Facts
from pages.shell import cached, components, state
from pages.show import live
from pages.show.files import read_beside
from pages.show.words import class_name

_KEY = "wall"  # of the mounted component
_POINTS = 40  # of a spectral shape
# Orders: what each is called, and what components are sorted by, the last first.
SORTS: dict[str, tuple[str, Callable[[Facts], tuple[np.ndarray, ...]]]] = {
    "frequency": ("centre frequency", lambda f: (f.centres,)),
    "weight": ("class weight, for the class first", lambda f: (-f.weights,)),
    "use": ("use, most used first", lambda f: (-f.usage.strength, -f.usage.counts)),
    "number": ("number", lambda f: ()),
    "learned": ("class it was learned on", lambda f: (f.centres, _place_of_group(f))),
}
# Groups: what each is called, and which components are in it (K,).
_AMONG: dict[str, tuple[str, Callable[[Facts], np.ndarray]]] = {
    "all": ("all components", lambda f: np.ones(len(f.weights), dtype=bool)),
    "for": ("those that speak for the class", lambda f: f.weights > 0),
    "against": ("those that speak against it", lambda f: f.weights < 0),
    "used": ("those used at this τ", lambda f: f.usage.counts > 0),
    "silent": ("those never active", lambda f: ~f.usage.active),
    "named": (
        "those with a name of yours",
        lambda f: np.isin(np.arange(len(f.weights)), list(f.names)),
    ),
    "learned": ("those learned on clips of the class", lambda f: _learned_on(f)),
}
OF_GROUPS = "learned"  # the order and the group that a dictionary learned class by class has
_BANDS = {
    "all": ("any", 0.0, float("inf")),
    "0-250": ("below 250 Hz", 0.0, 250.0),
    "250-1000": ("250 Hz to 1 kHz", 250.0, 1000.0),
    "1000-4000": ("1 to 4 kHz", 1000.0, 4000.0),
    "4000-up": ("above 4 kHz", 4000.0, float("inf")),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The component, the order's name, all components in that order, and those that are shown."""

    component: int
    sort: str
    order: list[int]
    shown: list[int]


def settled(facts: Facts) -> Chosen:
    """Component, order and filter from the URL; by default the clip's most relevant component."""
    view, numbers = facts.view, np.arange(len(facts.weights))
    sort = state.settle("sort", _offered(facts, SORTS), "frequency", "order of components")
    among = state.settle("among", _offered(facts, _AMONG), "all", "group of components")
    band = state.settle("band", list(_BANDS), "all", "band")
    best = int(cached.relevance(view.engine, view.analysis, view.target).argmax())
    component = int(state.settle("component", [*map(str, numbers)], str(best), "component"))
    if problem := components.names_problem(view.engine):
        state.notice(f"Your names are not shown: {problem}", "error")
    state.write_url()
    state.show_messages()
    order = np.lexsort((numbers, *SORTS[sort][1](facts))).tolist()
    _, low, high = _BANDS[band]
    kept = _AMONG[among][1](facts) & (facts.centres >= low) & (facts.centres < high)
    return Chosen(component, sort, order, [k for k in order if kept[k]])


def _offered(facts: Facts, settings: Iterable[str]) -> list[str]:
    engine = facts.view.engine
    without = {OF_GROUPS} if not engine.dictionary.groups else set()
    if engine.class_weights is None:
        without |= {"weight", "for", "against"}
    return [name for name in settings if name not in without]


def _learned_on(facts: Facts) -> np.ndarray:
    """Whether each component was learned on clips of the class to explain (K,)."""
    groups = facts.view.engine.dictionary.groups or [""] * len(facts.weights)
    return np.array([group == facts.view.target for group in groups])


def _place_of_group(facts: Facts) -> np.ndarray:
    engine = facts.view.engine
    places = {label: place for place, label in enumerate(engine.classes)}
    return np.array([places.get(group, len(places)) for group in engine.dictionary.groups])


def draw(facts: Facts, chosen: Chosen) -> None:
    """The controls, the wall, and how to read it."""
    sort, among, band = st.columns([1, 1, 1.2], vertical_alignment="bottom")
    for place, label, name, offered, settings in (
        (sort, "Sort by", "sort", _offered(facts, SORTS), SORTS),
        (among, "Show", "among", _offered(facts, _AMONG), _AMONG),
        (band, "Centre frequency", "band", list(_BANDS), _BANDS),
    ):
        titles = {one: title for one, (title, *_) in settings.items()}
        state.select(place, label, name, offered, titles)
    target, total = class_name(facts.view.target), len(facts.weights)
    heading = f"{len(chosen.shown)} of {total} components, by {SORTS[chosen.sort][0].split(',')[0]}"
    st.markdown(f"**{heading}**")
    if not chosen.shown:
        st.info("No component is left by this choice. Widen the band or choose all components.")
    cells = _cells(facts, chosen)
    view = facts.view
    digest, content = live.of_clip(view.key, view.engine, view.analysis)
    live.store(_KEY, content)
    data = {
        "label": f"{heading}; arrow keys move",
        "chosen": chosen.component,
        "cells": cells,
        "digest": digest,
        "clip": view.source.title,
        "domain": view.domain,
    }
    live.player("l2i_wall", _script(), read_beside(__file__, "wall.css"))(
        key=_KEY, data=data, on_chosen_change=_take, height="content"
    )
    figure = (
        f"{facts.basis} that use it" if chosen.sort == "use" else f"{facts.symbol} for “{target}”"
    )
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
    outlines = np.round(100 * live.outlines(facts.view.engine, _POINTS)).astype(int).tolist()
    strength = 0.35 + 0.65 * np.abs(facts.weights) / (np.abs(facts.weights).max() or 1.0)
    by_use, by_group = chosen.sort == "use", chosen.sort == OF_GROUPS
    blue = _learned_on(facts) if by_group else facts.weights > 0
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
            f"{facts.symbol} {facts.weight(k)} for {said}, {facts.used(k)}{facts.learned(k)}",
        }

    return [cell(k) for k in chosen.shown]


def _take() -> None:
    sent = st.session_state[_KEY].get("chosen")
    if isinstance(sent, int):
        state.chose(component=str(sent))


@functools.cache
def _script() -> str:
    sound = live.script("stft.js", "core.js", "loudness.js", *live.PLAYER)
    return sound + read_beside(__file__, "wall.js")
