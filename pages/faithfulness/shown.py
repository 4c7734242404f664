"""One evaluation at one τ in one scale, and what it says in words: FF beside both Randoms, with tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from l2i_core.measure import tables
from l2i_core.measure.records import CaseRow
from l2i_core.words import Unit
from pages.shell import results, state
from pages.shell.results import Results
from pages.shell.view import View
from pages.show import plots, terms
from pages.show.words import class_name, logit, percent


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
    found = tables.spread(rows, column)["median"]
    return math.nan if found is None else found


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
    classes: results.Table

    @classmethod
    def of(cls, view: View, found: Results, scale: Scale) -> Shown:
        """ValueError where the metrics are damaged."""
        level = tables.nearest(tables.thresholds(found.levels), view.threshold)
        rows = tables.at_threshold(found.clips, found.levels, level, scale.key)
        classes = tables.faithfulness_by_class(rows, view.engine.classes)
        classes.sort(key=lambda c: -(c["own"]["median"] if c["own"]["n"] else -math.inf))
        return cls(view, found, scale, level, rows, classes)

    def of_classes(self, wanted: Sequence[str]) -> Shown:
        """The same with these classes alone."""
        return replace(self, classes=[c for c in self.classes if c["class"] in wanted])

    @property
    def largest(self) -> Shown:
        """The same with the classes of most cases alone, as many as can be drawn."""
        return replace(self, classes=plots.most(self.classes, lambda c: c["n"]))

    @property
    def n(self) -> str:
        """ "80 clips", "123 pairs of clip and class"."""
        return self.view.engine.task.counted(len(self.rows))


def offer_tau(text: str, thresholds: Sequence[float], key: str) -> None:
    """A sentence, and buttons that set τ; `key` begins the buttons' keys."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(text)
        for tau in thresholds:
            st.button(
                f"τ = {tau:.2f}", key=f"{key} {tau}", on_click=state.chose, kwargs={"tau": tau}
            )


EVEN = 0.05  # two-sided p above which FF and a Random count as not told apart
RANDOMS = {"random_energy": "equal log energy", "random": "equal count"}


def finding(shown: Shown) -> None:
    """Whether the choice beats chance, and FF beside both Randoms: over all clips, and over those of
    the class to explain."""
    view, rows, level = shown.view, shown.rows, shown.level
    if abs(level - view.threshold) > 1e-9:
        st.caption(
            f"The evaluation has no τ = {view.threshold:.2f}; all figures are at its nearest, "
            f"**τ = {level:.2f}**."
        )
    table = _medians(shown)
    if rows[0].random is None:
        _without_random(shown)
    else:
        tests = _tests(rows)
        told = terms.told("FF", "Random", "Energy-matched Random", "p", "‖X‖²")
        st.markdown(f"**The choice is {_verdict(rows, tests)}.**", help=told)
        table["FF is larger on"] = ["", *map(_tested, tests.values())]
        table["‖X‖² removed, mean"] = _removed(shown)
    columns = ["the interpretation", *(f"Random, {name}" for name in RANDOMS.values())]
    st.table(
        pd.DataFrame.from_dict(table, orient="index", columns=columns),
        border="horizontal",
        alt="FF of the interpretation and of both Randoms",
    )
    notes = [results.provenance(shown.found)]
    if lost := sum(math.isnan(r.faithfulness) for r in rows):
        notes.insert(
            0, f"{lost} of {len(rows)} {rows[0].task.cases} have no share: silence takes nothing."
        )
    st.caption(" ".join(notes))


def _medians(shown: Shown) -> dict[str, list[str]]:
    """Of FF and of both Randoms, over all cases, and over those whose class is the one to explain."""
    view, rows = shown.view, shown.rows
    mine = [r for r in rows if r.predicted == view.target]
    named = f"f {view.engine.task.decides} {class_name(view.target)}"
    sets = {f"median FF, {shown.n}": rows, f"{named} in {len(mine)}": mine}
    return {
        name: [shown.scale.median(part, c) if part else "–" for c in ("faithfulness", *RANDOMS)]
        for name, part in sets.items()
    }


def _tests(rows: Sequence[CaseRow]) -> dict[str, tables.PairedTest | None]:
    """FF beside either Random; at equal log energy where chance can be given as much of it as L."""
    matched = [r for r in rows if r.energy_matched]
    return {
        name: tables.compare(part, part, name)
        for name, part in zip(RANDOMS, (matched, rows), strict=True)
    }


def _verdict(rows: Sequence[CaseRow], tests: Mapping[str, tables.PairedTest | None]) -> str:
    """What the tests say, the harder one first."""
    claims: dict[str, str] = {}
    for name, test in tests.items():
        if test is None:
            claim = "untested"
        elif test.p > EVEN:
            claim = "not told from chance"
        else:
            claim = "better" if test.greater * 2 > test.n else ":orange[worse]"
            claim += " than chance"
        where = f"at {RANDOMS[name]}"
        if name == "random_energy" and (test is None or test.n < len(rows)):
            able = sum(bool(r.energy_matched) for r in rows)
            where += f" ({able} of {len(rows)} {rows[0].task.cases} can be tested)"
        claims[claim] = f"{claims[claim]} and {where}" if claim in claims else f"{claim} {where}"
    return ", ".join(claims.values())


def _tested(test: tables.PairedTest | None) -> str:
    return f"{test.greater} of {test.n}, {results.p_value(test.p)}" if test else "–"


def _removed(shown: Shown) -> list[str]:
    summary, at = shown.found.summary, f"{shown.level:g}"
    shares = [summary.get("log_energy_removed", {}).get(at)] + [
        summary.get(name, {}).get(at, {}).get("log_energy_removed") for name in RANDOMS
    ]
    return ["–" if share is None else percent(share) for share in shares]


def _without_random(shown: Shown) -> None:
    """Randoms are drawn at fewer τ than FF: say so, and offer the nearest ones."""
    drawn = tables.thresholds_with_random(shown.found.levels)
    if not drawn:
        st.caption("This evaluation drew no Random Baseline, so FF stands alone.")
        return
    nearest = sorted(sorted(drawn, key=lambda t: abs(t - shown.level))[:2])
    text = f"No Random was drawn at τ = {shown.level:.2f}. Compare FF with chance at:"
    offer_tau(text, nearest, "tau")
