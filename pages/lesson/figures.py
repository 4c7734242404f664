"""Figures of one clip: shapes and activations, attention, logits, relevances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pages.show.pictures import Palette
from pages.show.plots import DOTTED, NAMES, add_bars, figure_of


def ridges(
    x: Sequence[float],
    rows: Sequence[Sequence[float]],
    names: Sequence[str],
    axis: str,
    ticks: tuple[Sequence[float], Sequence[str]] | None,
    colours: Palette,
    marked: Sequence[bool] | None = None,
    own_scale: bool = False,
) -> go.Figure:
    """Filled curves over one x axis, one below the other, the first on top.

    ticks: places and texts on x. marked: which are in the accent colour. own_scale: each curve
    fills its row; else one scale holds for all.
    """
    places, texts = ticks or (None, None)
    figure = figure_of(
        colours,
        52 * len(rows) + 60,
        {
            "title": axis,
            "range": [x[0], x[-1]],
            "ticks": "outside",
            "tickvals": places,
            "ticktext": texts,
        },
        {
            "tickvals": [len(rows) - 1 - index + 0.3 for index in range(len(rows))],
            "ticktext": [f"{name}  " for name in names],
            "range": [-0.05, len(rows)],
        },
        margin={"r": 12, "t": 4},
    )
    largest = max((max(row, default=0.0) for row in rows), default=0.0)
    for index, row in enumerate(rows):
        floor, top = len(rows) - 1 - index, max(row, default=0.0) if own_scale else largest
        height = [floor + 0.9 * value / max(top, 1e-12) for value in row]
        shade = colours.accent if marked is not None and marked[index] else colours.neutral
        figure.add_scatter(x=[x[0], x[-1]], y=[floor, floor], mode="lines", line={"width": 0})
        curve = {"mode": "lines", "line": {"color": shade, "width": 1.5}, "fill": "tonexty"}
        figure.add_scatter(x=list(x), y=height, **curve)
    return figure


def attention(
    seconds: Sequence[float], weights: Sequence[float], uniform: float, colours: Palette
) -> go.Figure:
    """Attention in % per frame over seconds, with the level of equal attention dotted."""
    figure = figure_of(
        colours,
        210,
        {"title": "seconds", "range": [seconds[0], seconds[-1]], "ticks": "outside"},
        {"title": "a, % per frame", "rangemode": "tozero"},
        margin={"r": 12, "t": 8},
    )
    figure.add_scatter(
        x=list(seconds),
        y=[100 * value for value in weights],
        mode="lines",
        line={"color": colours.accent, "width": 1.5},
        fill="tozeroy",
    )
    figure.add_hline(y=100 * uniform, line={"color": colours.ink, **DOTTED}, opacity=0.7)
    return figure


def logits(
    names: Sequence[str], series: Mapping[str, Sequence[float]], colours: Palette
) -> go.Figure:
    """Logits for each class with their numbers, by whose they are: neutral, then accent."""
    every = [0.0, *(value for values in series.values() for value in values)]
    low, high = min(every), max(every)
    room = 0.12 * max(high - low, 1e-6)
    figure = figure_of(
        colours,
        40 * len(names) + 80,
        {"title": "logit", "range": [low - room, high + room], "zeroline": True},
        NAMES,
        bargap=0.28,
        showlegend=True,
        margin={"r": 8, "t": 34},
    )
    for (title, values), colour in zip(
        series.items(), (colours.neutral, colours.accent), strict=False
    ):
        add_bars(figure, names, values, colour, 1, name=title)
    return figure


def relevance_bars(
    names: Sequence[str],
    values: Sequence[float],
    chosen: Sequence[bool],
    threshold: float,
    colours: Palette,
) -> go.Figure:
    """Relevances as horizontal bars with their numbers, and τ as a dashed line; those that are in
    L in the accent colour."""
    low = min(0.0, *values)
    figure = figure_of(
        colours,
        27 * len(names) + 78,
        {"title": "relevance r", "range": [low - (0.14 if low < 0 else 0), 1.14]},
        NAMES,
        margin={"r": 8, "t": 26},
    )
    shades = [colours.accent if one else colours.neutral for one in chosen]
    add_bars(figure, names, values, shades, width=0.6)
    figure.add_vline(
        x=threshold,
        layer="below",
        line={"color": colours.ink, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"τ = {threshold:.2f}",
            "yref": "paper",
            "y": 1,
            "yanchor": "bottom",
            "xanchor": "center",
            "showarrow": False,
        },
    )
    return figure
