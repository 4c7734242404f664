"""The page's figures, each with its finding: agreement by class, AUPRC by class, f against the
interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from l2i_core.measure.tables import TOPS, ClassDetection, ClassFidelity
from l2i_core.task import Task
from pages.show import comparisons, pictures, plots
from pages.show.words import class_name, number


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure under its finding, and the same in words (`alt`)."""

    finding: str
    figure: go.Figure
    alt: str


def agreement(tables: Sequence[ClassFidelity], n: int) -> Chart:
    """A bar of clips per class that f names: interpreter's first, among its 3, among its 5, not."""
    tables, colours = [t for t in tables if t.n], pictures.palette()
    names = [class_name(t.label) for t in tables]
    steps = np.diff([(0, *t.top, t.n) for t in tables]).T
    looks = (
        ("its first choice", colours.accent),
        (f"among its first {TOPS[1]}", plots.faded(colours.accent, 0.5)),
        (f"among its first {TOPS[2]}", plots.faded(colours.accent, 0.22)),
        ("further down", colours.warning),
    )
    figure = plots.figure_of(
        colours,
        110 + 36 * len(tables),
        {
            "title": "clips that f gives to the class",
            "nticks": 6,
            "showgrid": True,
            "ticks": "outside",
        },
        plots.NAMES,
        barmode="stack",
        bargap=0.45,
        showlegend=True,
        margin={"t": 30, "b": 48},
    )
    for counts, (name, colour) in zip(steps.tolist(), looks, strict=True):
        hover = f"%{{y}}: %{{x}} clips, {name}<extra></extra>"
        plots.add_bars(figure, names, counts, colour, name=name, text=None, hovertemplate=hover)
    whole = sum(t.top[0] == t.n for t in tables)
    return Chart(
        f"The interpreter's first choice is f's on every clip in {whole} of {len(tables)} classes "
        f"(n = {n} clips)",
        figure,
        "Clips whose class by f is the interpreter's first choice: "
        + "; ".join(f"{name} {t.top[0]} of {t.n}" for name, t in zip(names, tables, strict=True)),
    )


def auprc(tables: Sequence[ClassDetection], n: int) -> Chart | None:
    """Two bars per class: f against the labels, the interpreter against f, whose mean is dotted.
    None where f hears nothing."""
    shown = [t for t in tables if t.auprc is not None or t.truth is not None]
    if not any(t.n for t in shown):
        return None
    names = [class_name(t.label) for t in shown]
    truth, ours = np.array([(t.truth, t.auprc) for t in shown], dtype=float).T
    labels = ("f finds the labels", "the interpreter finds what f hears")
    worst, macro = int(np.nanargmin(ours)), float(np.nanmean(ours))
    return Chart(
        f"The interpreter finds “{names[worst]}” worst, with an AUPRC of {number(ours[worst])} "
        f"(dotted: the mean, {macro:.3f}; n = {n} clips)",
        comparisons.paired_bars(
            names, truth.tolist(), ours.tolist(), labels, macro, "AUPRC", pictures.palette()
        ),
        "AUPRC of f against the labels and of the interpreter against f: "
        + "; ".join(
            f"{name} {number(t)} and {number(a)}"
            for name, t, a in zip(names, truth, ours, strict=True)
        ),
    )


def matrix(counts: np.ndarray, labels: Sequence[str], n: int, task: Task) -> Chart:
    """Counts (C, C) of `n` clips, rows f's classes, columns the interpreter's: the diagonal in the
    accent colour; off it what is a disagreement, where one class a clip is said, in the warning
    one; deeper for more clips, the number in each cell where it can be read."""
    names, colours = [class_name(label) for label in labels], pictures.palette()
    diagonal = np.eye(len(names), dtype=bool)
    apart = colours.neutral if task.multi_label else colours.warning
    readable = len(names) <= 25
    axis = {"showline": True, "mirror": True, "ticks": ""}
    figure = plots.figure_of(
        colours,
        130 + (34 if readable else 18) * len(names),
        {**axis, "title": f"the interpreter {task.decides}", "tickangle": -45},
        {**axis, "title": f"f {task.decides}", "autorange": "reversed"},
        margin={"t": 10},
    )
    for part, colour in ((diagonal, colours.accent), (~diagonal, apart)):
        figure.add_heatmap(
            z=np.where(part & (counts > 0), counts, np.nan).tolist(),
            x=names,
            y=names,
            zmin=0,
            zmax=max(int(counts.max()), 1),
            colorscale=[[0, plots.faded(colour, 0.3)], [1, plots.faded(colour, 0.8)]],
            showscale=False,
            hoverongaps=False,
            xgap=1,
            ygap=1,
            texttemplate="%{z}" if readable else None,
            textfont={"color": colours.ink},
            hovertemplate="f: %{y}<br>interpreter: %{x}<br>%{z} clips<extra></extra>",
        )
    cells = zip(*np.nonzero(counts * ~diagonal), strict=True)
    most = sorted(cells, key=lambda cell: -counts[cell])
    if most:
        i, j = most[0]
        told = f"f “{names[i]}”, interpreter “{names[j]}”, {counts[i, j]} of {n} clips"
    return Chart(
        f"Off the diagonal most often: {told}"
        if most
        else f"Nothing off the diagonal in {n} clips",
        figure,
        "f's classes against the interpreter's, off the diagonal: "
        + ("; ".join(f"{names[i]} as {names[j]} {counts[i, j]}" for i, j in most) or "nothing"),
    )


def attributes(
    shown: Sequence[int], values: Sequence[float], relevance: Sequence[float]
) -> go.Figure:
    """Those of FLINT's attributes (J,) that are `shown`, and beside them their relevances (J,), as
    bars with their numbers, the first on top; those that speak for the class in the accent colour.
    """
    colours, names = pictures.palette(), [str(k) for k in shown]
    sizes, weights = [values[k] for k in shown], [relevance[k] for k in shown]
    shades = [colours.accent if r > 0 else colours.neutral for r in weights]
    axis = {"showticklabels": False, "side": "top"}
    figure = plots.figure_of(
        colours,
        27 * len(names) + 40,
        {**axis, "title": "attribute", "domain": [0, 0.42], "range": [0, 1.4 * max(sizes)]},
        {**plots.NAMES, "showline": False},
        xaxis2={
            **axis,
            "title": "relevance r",
            "domain": [0.5, 1],
            "range": [1.45 * min(0.0, *weights), 1.4],
            "anchor": "y",
        },
        margin={"r": 8, "t": 32, "b": 4},
    )
    plots.add_bars(figure, names, sizes, colours.neutral, width=0.6)
    plots.add_bars(figure, names, weights, shades, width=0.6, xaxis="x2")
    return figure
