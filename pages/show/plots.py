"""Plotly figures in the app's manner: no clutter, a number beside every bar. What all share, and the
figures of several pages: bars, and curves over thresholds and levels of noise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import plotly.graph_objects as go
import streamlit as st

from pages.show.pictures import Palette
from pages.show.words import number

T = TypeVar("T")
MOST_CLASSES = 60  # in one figure
MANY_CLASSES = 12  # from more on they are searched, and an axis stands at both ends
CONFIG = {"displayModeBar": False, "staticPlot": True, "responsive": True}
# Points answer: hover and click, but no zoom to get lost in.
LIVELY = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
LEGEND = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.0,
    "yanchor": "bottom",
    "entrywidth": 0,
    "traceorder": "normal",
    "font": {"size": 13},
    "itemclick": False,
    "itemdoubleclick": False,
}
# An axis of named rows, the first on top; Plotly would take “#10” for a number.
NAMES = {"autorange": "reversed", "ticksuffix": "  ", "type": "category"}
DOTTED = {"width": 1, "dash": "dot"}


def chart(figure: go.Figure, key: str, alt: str, lively: bool = False, **more: Any) -> Any:
    """Draw a figure, `alt` being the same in words; `lively`: its points answer. More as
    `st.plotly_chart` takes it, which also says what is returned."""
    config = LIVELY if lively else CONFIG
    return st.plotly_chart(figure, key=key, theme=None, config=config, alt=alt, **more)


def finding(
    text: str, figure: go.Figure, key: str, note: str = "", lively: bool = True, **more: Any
) -> Any:
    """A figure under what it says, a note behind; its alternative is the same with its numbers."""
    st.markdown(f"**{text}**{note}")
    return chart(figure, key, f"{text}{note}: {numbers(figure)}", lively, **more)


def numbers(figure: go.Figure) -> str:
    """What a figure's bars and lines hold, but for those that only decorate, in words."""
    told = []
    for trace in figure.data:
        drawn = trace.type == "bar" or (trace.type == "scatter" and trace.mode != "markers")
        if drawn and trace.hoverinfo != "skip":
            flat = trace.orientation == "h"
            names, values = (trace.y, trace.x) if flat else (trace.x, trace.y)
            each = [
                f"{a if isinstance(a, str) else number(a)} {number(b)}"
                for a, b in zip(names, values, strict=True)
                if b is not None
            ]
            told.append(f"{trace.name or ''} {', '.join(each)}".strip())
    return "; ".join(told)


def most(rows: Sequence[T], count: Callable[[T], float]) -> list[T]:
    """The MOST_CLASSES rows that count most, in their order: more of them nobody could read."""
    ranked = sorted(range(len(rows)), key=lambda i: -count(rows[i]))[:MOST_CLASSES]
    return [rows[i] for i in sorted(ranked)]


def cut(drawn: int, of: int) -> str:
    """What a caption begins with where classes are left out, else ""."""
    return f"Drawn: the {drawn} of {of} classes with most to show. " if drawn < of else ""


def figure_of(
    colours: Palette,
    height: int,
    x: dict[str, Any] | None = None,
    y: dict[str, Any] | None = None,
    **layout: Any,
) -> go.Figure:
    """An empty figure of the app's: pixels high, with these axes and this layout beside what all
    share; a legend where `showlegend` is true."""
    font = {"family": "Source Sans, Source Sans Pro, sans-serif", "size": 14, "color": colours.ink}
    axis = {
        "showgrid": False,
        "gridcolor": colours.line,
        "zeroline": False,
        "zerolinecolor": colours.line,
        "linecolor": colours.line,
        "fixedrange": True,
        "automargin": True,
        "title": {"font": {"size": 14}, "standoff": 10},
    }
    shared = {
        "font": font,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": [colours.accent, colours.neutral, colours.warning],
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "xaxis": axis,
        "yaxis": axis,
        "showlegend": False,
        "legend": LEGEND,
        "dragmode": False,
        "hovermode": "closest",
    }
    template = go.layout.Template(layout=shared)
    return go.Figure(layout=dict(template=template, height=height, xaxis=x, yaxis=y, **layout))


def both_ends(figure: go.Figure, rows: int) -> go.Figure:
    """The same with its x axis above as well, where so many rows lie between that nobody sees the
    one below."""
    if rows > MANY_CLASSES:
        figure.add_scatter(
            x=[None], y=[None], xaxis="x2", showlegend=False, hoverinfo="skip", mode="markers"
        )
        figure.update_layout(
            xaxis2={"overlaying": "x", "side": "top", "matches": "x", "ticks": "outside"},
            margin_t=64,
            legend_y=1 + 34 / (figure.layout.height - 112),
        )
    return figure


def faded(colour: str, opacity: float) -> str:
    """A colour #rrggbb as rgba(…) with this opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def add_bars(
    figure: go.Figure,
    names: Sequence[str],
    values: Sequence[float],
    colour: str | Sequence[str],
    decimals: int = 2,
    sign: str = "-",
    **more: Any,
) -> None:
    """Horizontal bars by name, each with its number (sign "+": always signed); none for a NaN. More
    as `go.Bar` takes it."""
    written = [f"{round(v, decimals) + 0.0:{sign}.{decimals}f}".replace("-", "−") for v in values]
    figure.add_bar(
        **{
            "x": list(values),
            "y": list(names),
            "orientation": "h",
            "marker": {"color": colour},
            "text": [text.replace("nan", "") for text in written],
            "textposition": "outside",
            "cliponaxis": False,
        }
        | more
    )


def class_bars(
    names: Sequence[str],
    probabilities: Sequence[float],
    marked: str,
    colours: Palette,
    limit: float | None = None,
) -> go.Figure:
    """Horizontal bars of probabilities, the largest on top, each with its number.

    The class `marked` is in the accent colour, the others in the neutral one. limit: where a dotted
    line stands.
    """
    axis = {"range": [0, 1.12], "visible": False}
    figure = figure_of(colours, 26 * len(names) + 6, axis, NAMES)
    shades = [colours.accent if name == marked else colours.neutral for name in names]
    add_bars(figure, names, probabilities, shades, width=0.55)
    if limit is not None:
        figure.add_vline(x=limit, line={"color": colours.ink, **DOTTED})
    return figure


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


def grouped_bars(
    names: Sequence[str],
    series: Mapping[str, Sequence[float]],
    axis: str,
    colours: Palette,
    reaches: float = 0.0,
    limit: float | None = None,
    decimals: int = 2,
) -> go.Figure:
    """Horizontal bars by name with their numbers, one for each of at most two series: the first in
    the neutral colour, the second in the accent, none for a NaN. reaches: what the axis does at
    least; limit: where a dotted line stands."""
    every = [value for values in series.values() for value in values]
    low, high = min(0.0, *every), max(reaches, *every)
    room = 0.15 * (high - low)
    scale = {"range": [low - room * (low < 0), high + room], "ticks": "outside", "zeroline": True}
    figure = figure_of(
        colours,
        110 + 38 * len(names),
        {"title": axis, "nticks": 6, **scale},
        NAMES,
        bargap=0.35,
        showlegend=True,
        margin={"t": 40},
    )
    shades = (colours.neutral, colours.accent)
    for (name, values), shade in zip(series.items(), shades, strict=False):
        hover = f"%{{y}}, {name}: %{{x:.2f}}<extra></extra>"
        add_bars(figure, names, values, shade, decimals, name=name, hovertemplate=hover)
    if limit is not None:
        figure.add_vline(x=limit, line={"color": colours.ink, **DOTTED})
    return figure
