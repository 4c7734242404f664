"""What the reader settled on: the component, and which are on the wall in which order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.dictionary.use import Facts
from pages.shell import components, state

SORTS = {
    "frequency": "centre frequency",
    "weight": "class weight, for the class first",
    "use": "use, most used first",
    "number": "number",
    "learned": "class it was learned on",
}
_AMONG = {
    "all": "all components",
    "for": "those that speak for the class",
    "against": "those that speak against it",
    "used": "those used at this τ",
    "silent": "those never active",
    "named": "those with a name of yours",
    "learned": "those learned on clips of the class",
}
OF_GROUPS = "learned"  # the order and the filter that a dictionary learned class by class has
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
    view = facts.view
    sort = state.settle("sort", _offered(facts, SORTS), "frequency", "order of components")
    among = state.settle("among", _offered(facts, _AMONG), "all", "group of components")
    band = state.settle("band", list(_BANDS), "all", "band")
    best = int(view.engine.relevance(view.analysis, view.target).argmax())
    every = [str(k) for k in range(len(facts.weights))]
    component = int(state.settle("component", every, str(best), "component"))
    if problem := components.names_problem(view.engine):
        state.notice(f"Your names are not shown: {problem}", "error")
    state.write_url()
    state.show_messages()
    order = _order(facts, sort)
    kept = _kept(facts, among, band)
    return Chosen(component, sort, order, [k for k in order if kept[k]])


def controls(facts: Facts) -> None:
    """Order and filters."""
    sort, among, band = st.columns([1, 1, 1.2], vertical_alignment="bottom")
    state.select(sort, "Sort by", "sort", _offered(facts, SORTS), SORTS)
    state.select(among, "Show", "among", _offered(facts, _AMONG), _AMONG)
    titles = {name: title for name, (title, *_) in _BANDS.items()}
    state.select(band, "Centre frequency", "band", list(titles), titles)


def choose(component: int) -> None:
    """Callback: another component."""
    state.touch()
    state.put(component=str(component))


def learned_on(facts: Facts) -> np.ndarray:
    """Whether each component was learned on clips of the class to explain (K,)."""
    groups = facts.view.engine.dictionary.groups or [""] * len(facts.weights)
    return np.array([group == facts.view.target for group in groups])


def _offered(facts: Facts, settings: dict[str, str]) -> list[str]:
    engine = facts.view.engine
    without = {OF_GROUPS} if not engine.dictionary.groups else set()
    if engine.class_weights is None:
        without |= {"weight", "for", "against"}
    return [name for name in settings if name not in without]


def _order(facts: Facts, sort: str) -> list[int]:
    numbers, engine = np.arange(len(facts.weights)), facts.view.engine
    places = {label: place for place, label in enumerate(engine.classes)}
    learned = np.array([places.get(g, len(places)) for g in engine.dictionary.groups] or numbers)
    keys = {
        "frequency": (numbers, facts.centres),
        "weight": (numbers, -facts.weights),
        "use": (numbers, -facts.usage.strength, -facts.usage.counts),
        "number": (numbers,),
        "learned": (numbers, facts.centres, learned),
    }
    return [int(k) for k in np.lexsort(keys[sort])]


def _kept(facts: Facts, among: str, band: str) -> np.ndarray:
    named = np.zeros(len(facts.weights), dtype=bool)
    named[list(facts.names)] = True
    groups = {
        "all": np.ones_like(named),
        "for": facts.weights > 0,
        "against": facts.weights < 0,
        "used": facts.usage.counts > 0,
        "silent": ~facts.usage.active,
        "named": named,
        "learned": learned_on(facts),
    }
    _, low, high = _BANDS[band]
    return groups[among] & (facts.centres >= low) & (facts.centres < high)
