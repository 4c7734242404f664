"""What the parts of the page share: one evaluation at one τ, and the scale that FF is shown in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from l2i_core.measure import tables
from l2i_core.measure.records import CaseRow
from l2i_core.measure.tables import ClassFaithfulness
from l2i_core.words import Unit
from pages.shell import state
from pages.shell.results import Results
from pages.shell.view import View
from pages.show.words import logit, percent


@dataclass(frozen=True, slots=True)
class Scale:
    """What FF is shown in: its own unit, or the share of what silence takes away."""

    unit: Unit
    is_share: bool

    @property
    def key(self) -> str:
        """As in `tables.scales`."""
        return tables.SHARE if self.is_share else self.unit.name

    @property
    def name(self) -> str:
        """For the choice of scales and for headings."""
        return "share of f(x)_c − f(silence)_c" if self.is_share else self.key

    @property
    def axis(self) -> str:
        """For axes."""
        return "FF / (f(x)_c − f(silence)_c)" if self.is_share else f"FF in {self.key}"

    def value(self, value: float | None) -> str:
        """A drop in this scale: "1.26", "41 %", "–" for NaN, "not drawn" for None."""
        if value is None:
            return "not drawn"
        return percent(value) if self.is_share else logit(value)

    def median(self, rows: Sequence[CaseRow], column: str) -> str:
        """The median of a column of drops."""
        return self.value(None if getattr(rows[0], column) is None else median(rows, column))


def median(rows: Sequence[CaseRow], column: str) -> float:
    """The median of the numbers in a column, NaN where there are none."""
    found = tables.spread(tables.column(rows, column))
    return found.median if found else math.nan


@dataclass(frozen=True, slots=True)
class Shown:
    """One interpreter's FF at the τ of its grid that is nearest to the view's.

    rows: one for each clip, of a multi-label model for each clip and class above 0.5; classes: the
    same by class, by falling median.
    """

    view: View
    found: Results
    scale: Scale
    level: float
    rows: Sequence[CaseRow]
    classes: Sequence[ClassFaithfulness]

    @classmethod
    def of(cls, view: View, found: Results, scale: Scale) -> Shown:
        """ValueError where the metrics are damaged."""
        level = tables.nearest(tables.thresholds(found.levels), view.threshold)
        rows = tables.at_threshold(found.clips, found.levels, level, scale.key)
        classes = tables.faithfulness_by_class(rows, view.engine.classes)
        classes.sort(key=lambda c: -(c.own.median if c.own else -math.inf))
        return cls(view, found, scale, level, rows, classes)

    @property
    def n(self) -> str:
        """ "80 clips", "123 pairs of clip and class"."""
        return tables.counted_cases(self.rows)


def offer_tau(text: str, thresholds: Sequence[float], key: str) -> None:
    """A sentence, and buttons that set τ; `key` begins the buttons' keys."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(text)
        for tau in thresholds:
            st.button(f"τ = {tau:.2f}", key=f"{key} {tau}", on_click=_go_to, args=(tau,))


def _go_to(threshold: float) -> None:
    state.touch()
    state.put(tau=threshold)
