"""FF class by class: every clip as a point over the boxes of both Randoms, and as a table."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from l2i_core.measure.metrics.registry import single
from l2i_core.measure.random import beats_chance
from l2i_core.measure.records import CaseRow
from l2i_core.report import paper
from pages.faithfulness.shown import Shown, offer_tau
from pages.shell import results, state
from pages.show import pictures, plots
from pages.show.pictures import Palette
from pages.show.words import class_name

_COUNTS = ("class", "n", "n above 0 and it", "of tested")
_HOVER = "%{customdata[1]}<br>labelled %{customdata[2]}<br>FF %{x:.3g}<extra></extra>"


def figure(shown: Shown) -> None:
    """The figure; a click on a point opens its clip."""
    key = f"ff {shown.found.interpreter} {shown.level} {shown.scale.key} {pictures.theme()}"

    def opened() -> None:
        event: Any = st.session_state.get(key)
        points = event["selection"]["points"] if event else []
        if points and points[0].get("customdata"):
            results.clicked(str(points[0]["customdata"][0]))

    title, every, shown = _title(shown), len(shown.classes), shown.largest
    drawn = _figure(shown, str(state.value("evaluated") or ""), pictures.palette())
    medians = ", ".join(
        f"{class_name(c['class'])} {shown.scale.value(c['own']['median']) if c['own']['n'] else '–'}"
        for c in shown.classes
    )
    st.markdown(f"**{title}**")
    alt, mode = f"FF by class, medians: {medians}", "points"
    plots.chart(drawn, key, alt, lively=True, on_select=opened, selection_mode=mode)
    st.caption(
        plots.cut(len(shown.classes), every)
        + "Boxes: quartiles, whiskers to the extremes. A click on a point opens its clip."
    )
    if shown.view.engine.task.multi_label and shown.level != paper.CLASSWISE_TAU:
        text = "The paper's Fig. 2 shows the same on SONYC-UST, at:"
        offer_tau(text, [paper.CLASSWISE_TAU], "fig2")


def _title(shown: Shown) -> str:
    ending = f"(τ = {shown.level:.2f}, n = {shown.n})"
    found = [
        beats_chance(c["own"]["median"], c["random_energy"]["median"], True, c["resolution"])
        for c in shown.classes
        if c["own"]["n"] and c["random_energy"]["n"]
    ]
    if not found:
        return f"How much does f lose in each class? {ending}"
    above = f"In {found.count(True)} of {len(found)} classes the median FF is above"
    return f"{above} energy-matched Random's {ending}"


def _figure(shown: Shown, marked: str, colours: Palette) -> go.Figure:
    """A row per class: FF of every clip over its box (quartiles, whiskers to the extremes), below
    it the boxes of the two Randoms. Clips on which the interpreter disagrees with f are in the
    warning colour; the case `marked` is ringed. `customdata` of a point begins with its case.
    """
    count = len(shown.classes)
    figure = plots.figure_of(
        colours,
        120 + (46 if count <= plots.MANY_CLASSES else 34) * count,
        {"title": shown.scale.axis, "ticks": "outside", "nticks": 8, "showgrid": True},
        {
            "tickvals": list(range(count)),
            "ticktext": [f"{class_name(c['class'])}, n {c['n']}  " for c in shown.classes],
            "range": [count - 0.45, -0.55],
        },
        showlegend=True,
        boxmode="overlay",
        margin={"t": 30, "b": 48},
    )
    figure.add_vline(x=0, line={"color": colours.line, "width": 1})
    for name, part, offset, colour, fill, width in (
        ("FF, quartiles", "own", -0.16, colours.accent, 0.1, 0.34),
        ("Random, equal log energy", "random_energy", 0.16, colours.neutral, 0.5, 0.13),
        ("Random, equal count", "random", 0.34, colours.neutral, 0.0, 0.13),
    ):
        spreads = {i + offset: c[part] for i, c in enumerate(shown.classes) if c[part]["n"]}
        fences = ("lowerfence", "q1", "median", "q3", "upperfence")
        parts = zip(fences, ("low", "q25", "median", "q75", "high"), strict=True)
        if spreads:
            figure.add_box(
                y=list(spreads),
                **{fence: [s[name] for s in spreads.values()] for fence, name in parts},
                orientation="h",
                name=name,
                line={"color": colour, "width": 1.5},
                fillcolor=plots.faded(colour, fill),
                width=width,
                hoverinfo="skip",
            )
    places: list[tuple[float, float, CaseRow]] = []
    for place, c in enumerate(shown.classes):
        mine = [
            r for r in shown.rows if r.predicted == c["class"] and not math.isnan(r.faithfulness)
        ]
        # Side by side in their order, so that equal values do not hide each other.
        offsets = np.linspace(-0.12, 0.12, max(len(mine), 2)) - 0.16
        places += [
            (r.faithfulness, place + y, r) for r, y in zip(mine, offsets.tolist(), strict=False)
        ]
    for agrees, name, colour, symbol in (
        (True, "a clip", colours.accent, "circle"),
        (False, "a clip, interpreter disagrees with f", colours.warning, "diamond"),
    ):
        points = [(x, y, row) for x, y, row in places if (row.agrees != 0) == agrees]
        widths = [2 if row.case == marked else 0 for *_, row in points]
        look = {"color": colour, "size": 8, "symbol": symbol, "opacity": 0.85}
        if points:
            figure.add_scatter(
                x=[x for x, _, _ in points],
                y=[y for _, y, _ in points],
                name=name,
                mode="markers",
                customdata=[[r.case, r.clip, results.labelled(r.label)] for *_, r in points],
                marker=look | {"line": {"color": colours.ink, "width": widths}},
                unselected={"marker": {"opacity": 0.85}},
                hovertemplate=_HOVER,
            )
    return plots.both_ends(figure, count)


def table(shown: Shown) -> None:
    """The figure as numbers."""
    rows, others = class_rows(shown.classes), shown.classes[0]["measured"]
    shares = ["FF > 0", *(m.symbol for m in others if m.unit == "share")]
    decimals = [name for name in rows[0] if name not in (*shares, *_COUNTS)]
    with st.expander(f"The {len(rows)} classes as a table"):
        alt = "FF, both Randoms, |L| and what else was measured"
        results.class_table(rows, decimals, shares, alt)


def class_rows(by_class: results.Table) -> results.Table:
    """The table by class as rows, for the screen and for the CSV."""
    return [
        {
            "class": c["class"],
            "n": c["n"],
            "median FF": c["own"]["median"],
            "25 %": c["own"]["q25"],
            "75 %": c["own"]["q75"],
            "energy-matched Random": c["random_energy"]["median"],
            "n above 0 and it": c["above_energy"],
            "of tested": c["tested"],
            "count-matched Random": c["random"]["median"],
            "FF > 0": c["positive_fraction"],
            "mean |L|": c["components"],
            **{m.symbol: single(figure) for m, figure in c["measured"].items()},
        }
        for c in by_class
    ]
