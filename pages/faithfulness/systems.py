"""The model's interpreters side by side: over τ beside both Randoms, and at one τ with a paired test."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.measure import tables
from l2i_core.measure.metrics.registry import metrics_of
from l2i_core.measure.records import CaseRow
from pages.faithfulness.shown import Scale, Shown
from pages.shell import results
from pages.show import pictures, plots
from pages.show.plots import Line
from pages.show.words import number, percent

Curves = Mapping[str, Sequence[Line]]


def with_ff(bundle: str, level: float | None = None) -> list[str]:
    """The bundle's systems whose FF was measured, at this τ."""
    blocks = {name: block.get("faithfulness") for name, block in results.systems(bundle).items()}
    return [n for n, block in blocks.items() if block and (level is None or f"{level:g}" in block)]


def curves(shown: Shown, other: str | None) -> Curves:
    """FF and the mean |L| against τ, of the interpreter, the `other` one and, for FF, both Randoms;
    returns what is drawn."""
    summary, colours = shown.found.summary, pictures.palette()
    own, random = ("faithfulness", "median")
    if shown.scale.is_share:
        own, random = ("relative_faithfulness", "relative_median")
    look = (colours.accent, "solid", "circle")
    ff = [_line(shown.view.engine.explainer.title, summary[own], "median", look, band=True)]
    size = [_line(ff[0].name, summary["faithfulness"], "mean_components", look)]
    if other is not None:
        title = results.title(shown.view.engine.bundle, other)
        block, look = (
            results.systems(shown.view.key.bundle)[other],
            (colours.ink, "dash", "diamond"),
        )
        ff.append(_line(title, block[own], "median", look))
        size.append(_line(title, block["faithfulness"], "mean_components", look))
    for kind, name, dash, symbol in (
        ("random_energy", "energy-matched Random", "solid", "square"),
        ("random", "count-matched Random (the paper's)", "dot", "square-open"),
    ):
        look = (colours.neutral, dash, symbol)
        ff.append(_line(name, summary.get(kind, {}), random, look))
    ff = [line for line in ff if line.x]
    for place, what, lines, axis in zip(
        st.columns(2, gap="large"),
        ("Median FF and quartiles", "Mean size of the interpretation"),
        (ff, size),
        (shown.scale.axis, "components, mean |L|"),
        strict=True,
    ):
        axis_x = "τ, the relevance a component needs"
        figure = plots.lines(lines, shown.level, axis_x, axis, pictures.palette())
        with place:
            plots.finding(f"{what} against τ", figure, what, f" (n = {shown.n})")
    return {f"median FF, {shown.scale.key}": ff, "mean |L|": size}


def _line(
    name: str, table: Mapping[str, Any], key: str, look: Sequence[str], band: bool = False
) -> Line:
    """A column of a summary's table by τ, where it is not None."""
    grid = sorted((t for t in table if table[t].get(key) is not None), key=float)
    low, middle, high = ([table[t].get(k) for t in grid] for k in ("q25", key, "q75"))
    colour, dash, symbol = look
    x = [float(t) for t in grid]
    return Line(name, x, middle, colour, dash, symbol, (low, high) if band else None)


def curve_rows(drawn: Curves) -> results.Table:
    """The curves as rows."""
    return [
        {
            "curve": what,
            "system": line.name,
            "threshold": threshold,
            "value": line.y[i],
            "25 %": line.band[0][i] if line.band else None,
            "75 %": line.band[1][i] if line.band else None,
        }
        for what, lines in drawn.items()
        for line in lines
        for i, threshold in enumerate(line.x)
    ]


def table(shown: Shown) -> None:
    """A column for every system of the bundle that has FF at this τ."""
    name, columns, task = shown.view.key.bundle, {}, shown.view.engine.task
    mine = shown.view.engine.explainer.title
    for system in with_ff(name, shown.level):
        theirs, block = results.read(name, system), results.systems(name)[system]
        assert theirs is not None  # it has a block
        rows = tables.at_threshold(theirs.clips, theirs.levels, shown.level, shown.scale.key)
        columns[results.title(shown.view.engine.bundle, system)] = {
            **_figures(rows, shown.scale),
            **{
                m.symbol: m.words(block[m.name].get(f"{shown.level:g}"))
                for m in metrics_of(task, without=tables.FIELDS)
                if m.name in block
            },
            f"FF beside {mine}'s": "the interpreter shown"
            if system == shown.found.interpreter
            else _test(shown, rows),
        }
    st.table(
        pd.DataFrame(columns),
        border="horizontal",
        alt=f"Faithfulness, size and Fid-In of every interpreter at τ = {shown.level:.2f}",
    )
    st.caption("A larger |L| or more sound energy kept makes FF easier: read them together.")


def _figures(rows: Sequence[CaseRow], scale: Scale) -> dict[str, str]:
    ff = tables.spread(rows, "faithfulness")
    positive = sum(r.faithfulness > 0 for r in rows)
    return {
        f"median FF, {scale.key}": scale.median(rows, "faithfulness"),
        "quartiles": f"{scale.value(ff['q25'])} … {scale.value(ff['q75'])}" if ff["n"] else "–",
        "FF > 0": percent(positive / ff["n"]) if ff["n"] else "–",
        "energy-matched Random": scale.median(rows, "random_energy"),
        "count-matched Random": scale.median(rows, "random"),
        "mean |L|": number(float(tables.column(rows, "components").mean())),
    }


def _test(shown: Shown, rows: Sequence[CaseRow]) -> str:
    """Whether another interpreter's FF is larger than that of the one shown."""
    if [r.case for r in rows] != [r.case for r in shown.rows]:
        return "other clips"
    test = tables.compare(rows, shown.rows)
    if test is None:
        return "–"
    return f"larger on {test.greater} of {test.n}, {results.p_value(test.p)}"
