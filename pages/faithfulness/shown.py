"""One evaluation at one τ in one scale, and what it says in words: FF beside both Randoms, with tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from l2i_core.measure import tables
from l2i_core.measure.records import CaseRow
from l2i_core.words import Unit, moved
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


def finding(shown: Shown) -> None:
    """The statement over all clips and over those of the class to explain, and the tests."""
    view, rows, level, scale = shown.view, shown.rows, shown.level, shown.scale
    if abs(level - view.threshold) > 1e-9:
        st.caption(
            f"The evaluation has no τ = {view.threshold:.2f}; all figures are at its nearest, "
            f"**τ = {level:.2f}**."
        )
    st.markdown(
        f"**{statement(rows, f'Over all {shown.n}', scale)}**",
        help=terms.told("FF", "Random", "Energy-matched Random", "‖X‖²"),
    )
    mine = [r for r in rows if r.predicted == view.target]
    name, decides = class_name(view.target), view.engine.task.decides
    if mine:
        st.markdown(statement(mine, f"For “{name}” (f {decides} it in {len(mine)} clips)", scale))
    else:
        st.markdown(f"f {decides} “{name}” in none of these clips.")
    notes = []
    if rows[0].random is None:
        _without_random(shown)
    else:
        tests = (
            _energy_verdict(rows),
            _verdict(rows, "random", "At equal count (the paper's test)"),
        )
        st.markdown("  \n".join(filter(None, tests)))
        summary, at = shown.found.summary, f"{level:g}"
        removed = summary.get("log_energy_removed", {}).get(at)
        matched = summary.get("random_energy", {}).get(at, {}).get("log_energy_removed")
        if removed is not None and matched is not None:
            notes.append(
                f"On average the interpretation takes {percent(removed)} of ‖X‖², energy-matched "
                f"Random {percent(matched)}."
            )
    if lost := sum(math.isnan(r.faithfulness) for r in rows):
        notes.append(
            f"{lost} of {len(rows)} {rows[0].task.cases} have no share: silence takes nothing from them."
        )
    notes.append(results.provenance(shown.found))
    st.caption(" ".join(notes))


def statement(rows: Sequence[CaseRow], opening: str, scale: Scale) -> str:
    """What taking the interpretation out does to f at the median of the rows, and what both Randoms
    do instead, as a sentence."""
    resolution = median(rows, "resolution")

    def done(column: str, it: str, of: str = "") -> str:
        drawn = tables.spread(rows, column)["median"]
        if drawn is None:
            return ""
        share = (lambda drop: percent(drop) + of) if scale.is_share else None
        return moved(drawn, resolution, it, share)

    score = f"f's {scale.unit.of} the class"
    text = done("faithfulness", score, " of what silence would take away")
    if not text:
        return f"{opening}, silence would take nothing away from f: there is no share."
    energy = "random components of equal log energy"
    if not all(r.energy_matched for r in rows):
        energy += " (all others, where they hold less)"
    others = {"random_energy": energy, "random": "as many random components"}
    told = [f"removing {name} {did}" for key, name in others.items() if (did := done(key, "it"))]
    return (
        f"{opening}, removing what the interpretation holds {text} at the median"
        f"{'; ' if told else ''}{', '.join(told)}."
    )


def _energy_verdict(rows: Sequence[CaseRow]) -> str:
    """The test at equal log energy, over the clips where chance can be given as much of it as L."""
    matched = [r for r in rows if r.energy_matched]
    if not matched:
        return (
            "In no clip do the other components hold as much log energy as the interpretation: "
            "**equal log energy cannot be tested** here; a higher τ selects less."
        )
    where = "At equal log energy"
    if len(matched) < len(rows):
        where += (
            f", on the {len(matched)} of {len(rows)} {rows[0].task.cases} whose other components "
            "hold as much"
        )
    return _verdict(matched, "random_energy", where)


def _verdict(rows: Sequence[CaseRow], opponent: str, where: str) -> str:
    """Whether FF and a Random can be told apart, with the test."""
    test = tables.compare(rows, rows, opponent)
    if test is None:
        return ""
    if test.p > EVEN:
        claim = "**cannot be told from chance**"
    elif test.greater * 2 > test.n:
        claim = "is **better than chance**"
    else:
        claim = "is :orange[**worse than chance**]"
    return (
        f"{where}, the choice {claim}: FF is larger on {test.greater} of {test.n} "
        f"{rows[0].task.cases} (Wilcoxon signed-rank, two-sided, {results.p_value(test.p)})."
    )


def _without_random(shown: Shown) -> None:
    """Randoms are drawn at fewer τ than FF: say so, and offer the nearest ones."""
    drawn = tables.thresholds_with_random(shown.found.levels)
    if not drawn:
        st.caption("This evaluation drew no Random Baseline, so FF stands alone.")
        return
    nearest = sorted(sorted(drawn, key=lambda t: abs(t - shown.level))[:2])
    text = f"No Random was drawn at τ = {shown.level:.2f}. Compare FF with chance at:"
    offer_tau(text, nearest, "tau")
