"""FF and the size of the interpretation against τ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.faithfulness.shown import Shown
from pages.shell import results
from pages.show import comparisons, pictures, plots
from pages.show.comparisons import Line
from pages.show.words import number

Curves = Mapping[str, Sequence[Line]]


def draw(shown: Shown, other: str | None) -> Curves:
    """Both figures, the interpreter `other` in them; returns what is drawn."""
    ff, size = _lines(shown, other)
    left, right = st.columns(2, gap="large")
    with left:
        _chart(shown, "Median FF and quartiles", ff, shown.scale.axis)
    with right:
        _chart(shown, "Mean size of the interpretation", size, "components, mean |L|")
    return {f"median FF, {shown.scale.key}": ff, "mean |L|": size}


def _chart(shown: Shown, what: str, lines: Sequence[Line], axis: str) -> None:
    st.markdown(f"**{what} against τ** (n = {shown.n})")
    at = {line.name: dict(zip(line.x, line.y, strict=True)).get(shown.level) for line in lines}
    axis_x = "τ, the relevance a component needs"
    plots.chart(
        comparisons.lines(lines, shown.level, axis_x, axis, pictures.palette()),
        f"curve {what}",
        f"{what} at τ = {shown.level:.2f}: "
        + ", ".join(f"{k} {number(v)}" for k, v in at.items() if v is not None),
        lively=True,
    )


def _lines(shown: Shown, other: str | None) -> tuple[list[Line], list[Line]]:
    """FF of the interpreter, of the other one and of both Randoms; |L| of the two interpreters."""
    view, summary, colours = shown.view, shown.found.summary, pictures.palette()
    own, random = (
        ("relative_faithfulness", "relative_median")
        if shown.scale.is_share
        else ("faithfulness", "median")
    )
    systems = [(shown.title, summary, colours.accent, "solid", "circle")]
    if other is not None:
        title, block = results.title(view.engine.bundle, other), results.systems(view.key[0])[other]
        systems.append((title, block, colours.ink, "dash", "diamond"))
    ff: list[Line] = []
    size: list[Line] = []
    for name, block, *look in systems:
        ff.append(_line(name, block[own], "median", look, band=not ff))
        size.append(_line(name, block["faithfulness"], "mean_components", look))
    for kind, name, *look in (
        ("random_energy", "energy-matched Random", colours.neutral, "solid", "square"),
        ("random", "count-matched Random (the paper's)", colours.neutral, "dot", "square-open"),
    ):
        ff.append(_line(name, summary.get(kind, {}), random, look))
    return [line for line in ff if line.x], size


def _line(
    name: str, table: Mapping[str, Any], key: str, look: Sequence[str], band: bool = False
) -> Line:
    """A column of a summary's table by τ, where it is not None."""
    colour, dash, symbol = look
    grid = sorted((t for t in table if table[t].get(key) is not None), key=float)
    low, middle, high = ([table[t].get(k) for t in grid] for k in ("q25", key, "q75"))
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
