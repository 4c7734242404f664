"""Figures of the dictionary: one spectral shape, one component's class weights, all class weights."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.show.pictures import Palette
from pages.show.plots import DOTTED, NAMES, add_bars, figure_of


def spectral_shape(
    places: Sequence[float],
    weights: Sequence[float],
    hover: Sequence[str],
    ticks: Sequence[tuple[float, str]],
    band: tuple[float, float],
    centre: tuple[float, str],
    colours: Palette,
) -> go.Figure:
    """One column of W over an axis where frequencies lie at `places` in [0, 1].

    band: the ends of the middle half of the weight, shaded in the accent colour. centre: place and
    text of the line at the centre frequency.
    """
    figure = figure_of(
        colours,
        230,
        {
            "title": "frequency in Hz, mel scale",
            "range": [0, 1],
            "tickvals": [place for place, _ in ticks],
            "ticktext": [text for _, text in ticks],
            "ticks": "outside",
        },
        {"title": "weight in w, of norm 1", "rangemode": "tozero", "ticks": "outside", "nticks": 4},
        hovermode="x",
    )
    inside = [w if band[0] <= x <= band[1] else None for x, w in zip(places, weights, strict=True)]
    for heights, shade, texts in (
        (list(weights), colours.neutral, list(hover)),
        (inside, colours.accent, None),
    ):
        figure.add_scatter(
            x=list(places),
            y=heights,
            mode="lines",
            fill="tozeroy",
            line={"width": 1.5, "color": shade},
            text=texts,
            hovertemplate="%{text}<extra></extra>" if texts else None,
            hoverinfo=None if texts else "skip",
        )
    left = centre[0] < 0.6
    figure.add_vline(x=centre[0], line={"color": colours.ink, **DOTTED})
    figure.add_annotation(
        x=centre[0],
        y=1,
        yref="paper",
        text=centre[1],
        showarrow=False,
        xanchor="left" if left else "right",
        xshift=6 if left else -6,
    )
    return figure


def signed_bars(
    names: Sequence[str], values: Sequence[float], marked: str, largest: float, colours: Palette
) -> go.Figure:
    """Horizontal bars on both sides of zero, each with its number; `marked` in the accent colour.

    largest: the absolute value at which the axis ends, so that figures can be compared.
    """
    figure = figure_of(
        colours,
        24 * len(names) + 44,
        {
            "title": "θ, logits per unit of z",
            "range": [-1.3 * largest, 1.3 * largest],
            "zeroline": True,
            "zerolinecolor": colours.ink,
            "nticks": 5,
        },
        NAMES,
    )
    shades = [colours.accent if name == marked else colours.neutral for name in names]
    add_bars(figure, names, values, shades, sign="+", width=0.6)
    return figure


def weight_matrix(
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    marked: tuple[int, int],
    colours: Palette,
) -> go.Figure:
    """θ (C, K) as cells: accent for, neutral against, paper at zero. marked: row and column."""
    row, column = marked
    figure = figure_of(
        colours,
        20 * len(rows) + 120,
        {"title": "components, in the order of the wall", "side": "top", "showticklabels": False},
        {
            "tickvals": list(range(len(rows))),
            "ticktext": [f"<b>{name}</b>" if i == row else name for i, name in enumerate(rows)],
            "autorange": "reversed",
            "ticksuffix": "  ",
        },
        margin={"t": 26, "b": 4},
    )
    largest = max((abs(v) for row in values for v in row), default=1.0) or 1.0
    figure.add_heatmap(
        z=[list(r) for r in values],
        customdata=[list(columns)] * len(rows),
        text=[[name] * len(columns) for name in rows],
        hovertemplate="%{customdata}<br>%{text}: θ = %{z:+.3f}<extra></extra>",
        colorscale=[[0, colours.neutral], [0.5, colours.paper], [1, colours.accent]],
        zmin=-largest,
        zmax=largest,
        colorbar={
            "orientation": "h",
            "title": {
                "text": "θ: grey speaks against the class, blue for it",
                "side": "top",
                "font": {"size": 12},
            },
            "thickness": 10,
            "len": 0.6,
            "x": 0,
            "xanchor": "left",
            "y": -0.02,
            "yanchor": "top",
            "outlinewidth": 0,
            "nticks": 5,
        },
    )
    if column >= 0:
        figure.add_vrect(column - 0.5, column + 0.5, line={"color": colours.ink, "width": 1.5})
    return figure
