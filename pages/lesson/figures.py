"""Figures of one clip: shapes and activations, logits, relevances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from pages.show.pictures import Palette
from pages.show.plots import NAMES, add_bars, figure_of


def ridges(
    x: Sequence[float],
    rows: Sequence[Sequence[float]],
    names: Sequence[str],
    axis: Mapping[str, Any],
    colours: Palette,
    marked: Sequence[bool],
    own_scale: bool = False,
) -> go.Figure:
    """Filled curves over one x axis, one below the other, the first on top, those that are `marked`
    in the accent colour. own_scale: each curve fills its row; else one scale holds for all."""
    floors = range(len(rows) - 1, -1, -1)
    figure = figure_of(
        colours,
        52 * len(rows) + 60,
        {"range": [x[0], x[-1]], "ticks": "outside", **axis},
        {
            "tickvals": [floor + 0.3 for floor in floors],
            "ticktext": [f"{name}  " for name in names],
            "range": [-0.05, len(rows)],
        },
        margin={"r": 12, "t": 4},
    )
    largest = max((max(row, default=0.0) for row in rows), default=0.0)
    for floor, row, one in zip(floors, rows, marked, strict=True):
        top = max(max(row, default=0.0) if own_scale else largest, 1e-12)
        height = [floor + 0.9 * value / top for value in row]
        shade = colours.accent if one else colours.neutral
        figure.add_scatter(x=[x[0], x[-1]], y=[floor, floor], mode="lines", line={"width": 0})
        curve = {"mode": "lines", "line": {"color": shade, "width": 1.5}, "fill": "tonexty"}
        figure.add_scatter(x=list(x), y=height, **curve)
    return figure


def logits(
    names: Sequence[str], series: Mapping[str, Sequence[float]], colours: Palette
) -> go.Figure:
    """Logits for each class with their numbers, by whose they are: neutral, then accent."""
    every = [0.0, *(value for values in series.values() for value in values)]
    low, high = min(every), max(every)
    room = 0.12 * max(high - low, 1e-6)
    axis = {"title": "logit", "range": [low - room, high + room], "zeroline": True}
    layout = {"bargap": 0.28, "showlegend": True, "margin": {"r": 8, "t": 34}}
    figure = figure_of(colours, 40 * len(names) + 80, axis, NAMES, **layout)
    shades = (colours.neutral, colours.accent)
    for (title, values), shade in zip(series.items(), shades, strict=False):
        add_bars(figure, names, values, shade, 1, name=title)
    return figure


def relevance_bars(
    names: Sequence[str],
    values: Sequence[float],
    chosen: Sequence[bool],
    threshold: float,
    colours: Palette,
) -> go.Figure:
    """Relevances as bars with their numbers, and τ as a dashed line; those in L in the accent
    colour."""
    low = min(0.0, *values)
    axis = {"title": "relevance r", "range": [low - (0.14 if low < 0 else 0), 1.14]}
    figure = figure_of(colours, 27 * len(names) + 78, axis, NAMES, margin={"r": 8, "t": 26})
    shades = [colours.accent if one else colours.neutral for one in chosen]
    add_bars(figure, names, values, shades, width=0.6)
    figure.add_vline(
        x=threshold,
        layer="below",
        line={"color": colours.ink, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"τ = {threshold:.2f}",
            "y": 1,
            "yanchor": "bottom",
            "showarrow": False,
        },
        annotation_position="top",
    )
    return figure
