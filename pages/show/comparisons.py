"""Plotly figures that compare: systems, classes, thresholds, levels of noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.show.pictures import Palette
from pages.show.plots import DOTTED, NAMES, add_bars, faded, figure_of


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name, y over x, perhaps a band, and how it is drawn."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dash: str = "solid"
    symbol: str = "circle"
    band: tuple[Sequence[float], Sequence[float]] | None = None


def lines(
    curves: Sequence[Line],
    marked: float,
    x_title: str,
    y_title: str,
    colours: Palette,
    point: str = "τ = %{x:.2f}: %{y:.3g}",
    shares: bool = False,
    limit: tuple[float, str] | None = None,
) -> go.Figure:
    """Curves over one axis, a dotted vertical line at `marked` and a solid one at `limit` with its
    words, the bands of those that have one.

    point: what is said of a point under the pointer. shares: y is in per cent, and x is marked at
    the first curve's points.
    """
    figure = figure_of(
        colours,
        330,
        {
            "title": x_title,
            "showline": True,
            "ticks": "outside",
            "tickvals": list(curves[0].x) if shares else None,
        },
        {
            "title": y_title,
            "rangemode": "tozero",
            "nticks": 6,
            "showgrid": True,
            "tickformat": ".0%" if shares else None,
        },
        showlegend=True,
        margin={"t": 30, "b": 48},
    )
    for curve in curves:
        if curve.band is not None:
            low, high = curve.band
            figure.add_scatter(
                x=[*curve.x, *reversed(curve.x)],
                y=[*high, *reversed(low)],
                mode="lines",
                fill="toself",
                fillcolor=faded(curve.colour, 0.15),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
            )
        figure.add_scatter(
            x=list(curve.x),
            y=list(curve.y),
            name=curve.name,
            mode="lines+markers",
            line={"color": curve.colour, "dash": curve.dash, "width": 2},
            marker={"symbol": curve.symbol, "size": 6, "color": curve.colour},
            hovertemplate=f"{curve.name}<br>{point}<extra></extra>",
        )
    figure.add_vline(x=marked, line={"color": colours.ink, **DOTTED})
    if limit is not None:
        place, words = limit
        side = "right" if 2 * place <= min(curves[0].x) + max(curves[0].x) else "left"
        figure.add_vline(
            place,
            line={"color": colours.ink, "width": 1},
            annotation={"text": words},
            annotation_position=f"bottom {side}",
        )
    return figure


def paired_bars(
    names: Sequence[str],
    before: Sequence[float],
    after: Sequence[float],
    labels: tuple[str, str],
    limit: float,
    axis: str,
    colours: Palette,
) -> go.Figure:
    """Two horizontal bars per name, before in the neutral colour, after in the accent, none for a
    NaN; a dotted line at `limit`."""
    figure = figure_of(
        colours,
        110 + 38 * len(names),
        {
            "title": axis,
            "range": [1.25 * min(0.0, *before, *after), 1.15],
            "ticks": "outside",
            "zeroline": True,
            "nticks": 6,
        },
        NAMES,
        bargap=0.35,
        showlegend=True,
        margin={"t": 40},
    )
    shades = (colours.neutral, colours.accent)
    for values, label, colour in zip((before, after), labels, shades, strict=True):
        hover = f"%{{y}}, {label}: %{{x:.2f}}<extra></extra>"
        add_bars(figure, names, values, colour, name=label, hovertemplate=hover)
    figure.add_vline(x=limit, line={"color": colours.ink, **DOTTED})
    return figure
