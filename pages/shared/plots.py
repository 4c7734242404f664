"""Plotly figures in the app's manner: no clutter, a number beside every bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from pages.shared.pictures import Palette
from pages.shared.words import percent

# Only for types: the tables need scipy.stats, which would slow the app's start.
if TYPE_CHECKING:
    from l2i_core.evaluation import Row
    from l2i_core.tables import ClassFaithfulness, ClassFidelity, Spread

CONFIG = {"displayModeBar": False, "staticPlot": True, "responsive": True}
# For figures whose points answer: hover and click, but no zoom to get lost in.
LIVELY = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
_LEGEND = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.0,
    "yanchor": "bottom",
    "entrywidth": 0,
    "font": {"size": 13},
    "itemclick": False,
    "itemdoubleclick": False,
}


def template(colours: Palette) -> go.layout.Template:
    """What every figure shares."""
    font = {"family": "Source Sans, Source Sans Pro, sans-serif", "size": 14, "color": colours.ink}
    axis = {"showgrid": False, "zeroline": False, "linecolor": colours.line}
    return go.layout.Template(
        layout={
            "font": font,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [colours.accent, colours.neutral, colours.warning],
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "xaxis": axis,
            "yaxis": axis,
            "showlegend": False,
        }
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
    shades = [colours.accent if name == marked else colours.neutral for name in names]
    figure = go.Figure(
        go.Bar(
            x=list(probabilities),
            y=list(names),
            orientation="h",
            marker={"color": shades},
            text=[f"{p:.2f}" for p in probabilities],
            textposition="outside",
            cliponaxis=False,
            width=0.55,
        )
    )
    if limit is not None:
        figure.add_vline(x=limit, line={"color": colours.ink, "width": 1, "dash": "dot"})
    figure.update_layout(template=template(colours), height=26 * len(names) + 6)
    figure.update_xaxes(range=[0, 1.12], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="", automargin=True)
    figure.update_yaxes(ticksuffix="  ", linewidth=0, showline=False)
    return figure


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
    largest = max((max(row, default=0.0) for row in rows), default=0.0)
    figure = go.Figure()
    for index, row in enumerate(rows):
        floor, top = len(rows) - 1 - index, max(row, default=0.0) if own_scale else largest
        height = [floor + 0.9 * value / max(top, 1e-12) for value in row]
        shade = colours.accent if marked is not None and marked[index] else colours.neutral
        figure.add_scatter(
            x=[x[0], x[-1]], y=[floor, floor], mode="lines", line={"width": 0}, hoverinfo="skip"
        )
        figure.add_scatter(
            x=list(x),
            y=height,
            mode="lines",
            line={"color": shade, "width": 1.5},
            fill="tonexty",
            hoverinfo="skip",
        )
    figure.update_layout(
        template=template(colours),
        height=52 * len(rows) + 60,
        margin={"l": 0, "r": 12, "t": 4, "b": 44},
    )
    figure.update_xaxes(
        title={"text": axis, "font": {"size": 14}},
        range=[x[0], x[-1]],
        fixedrange=True,
        ticks="outside",
    )
    if ticks is not None:
        figure.update_xaxes(tickvals=list(ticks[0]), ticktext=list(ticks[1]))
    figure.update_yaxes(
        tickvals=[len(rows) - 1 - index + 0.3 for index in range(len(rows))],
        ticktext=[f"{name}  " for name in names],
        range=[-0.05, len(rows)],
        showline=False,
        fixedrange=True,
        automargin=True,
    )
    return figure


def attention(
    seconds: Sequence[float], weights: Sequence[float], uniform: float, colours: Palette
) -> go.Figure:
    """Attention in % per frame over seconds, with the level of equal attention dotted."""
    figure = go.Figure(
        go.Scatter(
            x=list(seconds),
            y=[100 * value for value in weights],
            mode="lines",
            line={"color": colours.accent, "width": 1.5},
            fill="tozeroy",
        )
    )
    figure.add_hline(
        y=100 * uniform, line={"color": colours.ink, "width": 1, "dash": "dot"}, opacity=0.7
    )
    figure.update_layout(
        template=template(colours), height=210, margin={"l": 58, "r": 12, "t": 8, "b": 44}
    )
    figure.update_xaxes(
        title={"text": "seconds", "font": {"size": 14}},
        range=[seconds[0], seconds[-1]],
        fixedrange=True,
        ticks="outside",
    )
    figure.update_yaxes(
        title={"text": "a, % per frame", "font": {"size": 14}},
        fixedrange=True,
        rangemode="tozero",
    )
    return figure


def logit_pairs(
    names: Sequence[str],
    first: Sequence[float],
    second: Sequence[float],
    titles: tuple[str, str],
    colours: Palette,
) -> go.Figure:
    """Two logits for each class, side by side with their numbers: neutral, then accent."""
    figure = go.Figure()
    for title, values, shade in (
        (titles[0], first, colours.neutral),
        (titles[1], second, colours.accent),
    ):
        figure.add_bar(
            x=list(values),
            y=list(names),
            orientation="h",
            name=title,
            marker={"color": shade},
            text=[f"{value:.1f}".replace("-", "−") for value in values],
            textposition="outside",
            cliponaxis=False,
        )
    low, high = min(0.0, *first, *second), max(0.0, *first, *second)
    room = 0.12 * max(high - low, 1e-6)
    figure.update_layout(
        template=template(colours),
        height=40 * len(names) + 80,
        bargap=0.28,
        barmode="group",
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
        margin={"l": 0, "r": 8, "t": 34, "b": 44},
    )
    figure.update_xaxes(
        title={"text": "logit", "font": {"size": 14}},
        range=[low - room, high + room],
        fixedrange=True,
        zeroline=True,
    )
    figure.update_xaxes(zerolinecolor=colours.line)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, showline=False)
    figure.update_yaxes(ticksuffix="  ")
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
    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=list(names),
            orientation="h",
            marker={"color": [colours.accent if c else colours.neutral for c in chosen]},
            text=[f"{value:.2f}".replace("-", "−") for value in values],
            textposition="outside",
            cliponaxis=False,
            width=0.6,
        )
    )
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
    low = min(0.0, *values)
    figure.update_layout(
        template=template(colours),
        height=27 * len(names) + 78,
        margin={"l": 0, "r": 8, "t": 26, "b": 44},
    )
    figure.update_xaxes(
        title={"text": "relevance r", "font": {"size": 14}},
        range=[low - (0.14 if low < 0 else 0), 1.14],
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, showline=False)
    figure.update_yaxes(ticksuffix="  ")
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
) -> go.Figure:
    """Curves over one axis, a vertical line at `marked`, the bands of those that have one.

    point: what is said of a point under the pointer. shares: y is in per cent, and x is marked at
    the first curve's points.
    """
    figure = go.Figure()
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
    figure.add_vline(x=marked, line={"color": colours.ink, "width": 1, "dash": "dot"})
    figure.update_layout(
        template=template(colours), height=330, showlegend=True, legend=_LEGEND, dragmode=False
    )
    figure.update_layout(margin={"t": 30, "b": 48}, hovermode="closest")
    figure.update_xaxes(title=_title(x_title), fixedrange=True, showline=True, ticks="outside")
    figure.update_yaxes(title=_title(y_title), fixedrange=True, rangemode="tozero", nticks=6)
    figure.update_yaxes(showgrid=True, gridcolor=colours.line, automargin=True)
    if shares:
        figure.update_xaxes(tickvals=list(curves[0].x))
        figure.update_yaxes(tickformat=".0%")
    return figure


def _title(text: str) -> dict:
    return {"text": text, "font": {"size": 14}, "standoff": 10}


def faithfulness_by_class(
    rows: Sequence[Row],
    tables: Sequence[ClassFaithfulness],
    names: Sequence[str],
    marked: str | None,
    x_title: str,
    colours: Palette,
) -> go.Figure:
    """A row per class: FF of every clip over its box (quartiles, whiskers to the extremes), below
    it the boxes of the two Randoms. Clips on which the interpreter disagrees with f are in the
    warning colour; the case `marked` is ringed. `customdata` of a point begins with its case.
    """
    figure = go.Figure()
    figure.add_vline(x=0, line={"color": colours.line, "width": 1})
    own = [(place - 0.16, table.own) for place, table in enumerate(tables)]
    energy = [(place + 0.16, table.random_energy) for place, table in enumerate(tables)]
    count = [(place + 0.34, table.random) for place, table in enumerate(tables)]
    _boxes(figure, "FF, quartiles", own, colours.accent, 0.1, 0.34)
    _boxes(figure, "Random, equal energy", energy, colours.neutral, 0.5, 0.13)
    _boxes(figure, "Random, equal count", count, colours.neutral, 0.0, 0.13)
    for agrees, name, colour in (
        (True, "a clip", colours.accent),
        (False, "a clip, interpreter disagrees with f", colours.warning),
    ):
        _points(figure, rows, tables, agrees, name, colour, marked, colours.ink)
    figure.update_layout(
        template=template(colours),
        height=120 + 46 * len(tables),
        showlegend=True,
        legend=_LEGEND,
        dragmode=False,
        hovermode="closest",
        boxmode="overlay",
        margin={"t": 30, "b": 48},
    )
    figure.update_xaxes(title=_title(x_title), fixedrange=True, ticks="outside", nticks=8)
    figure.update_xaxes(showgrid=True, gridcolor=colours.line)
    figure.update_yaxes(
        tickvals=list(range(len(tables))),
        ticktext=[f"{name}  " for name in names],
        range=[len(tables) - 0.45, -0.55],
        fixedrange=True,
        automargin=True,
    )
    return figure


def _boxes(
    figure: go.Figure,
    name: str,
    spreads: Sequence[tuple[float, Spread | None]],
    colour: str,
    fill: float,
    width: float,
) -> None:
    found = [(place, spread) for place, spread in spreads if spread is not None]
    if found:
        figure.add_box(
            y=[place for place, _ in found],
            lowerfence=[s.low for _, s in found],
            q1=[s.q25 for _, s in found],
            median=[s.median for _, s in found],
            q3=[s.q75 for _, s in found],
            upperfence=[s.high for _, s in found],
            orientation="h",
            name=name,
            line={"color": colour, "width": 1.5},
            fillcolor=faded(colour, fill),
            width=width,
            hoverinfo="skip",
        )


def _points(
    figure: go.Figure,
    rows: Sequence[Row],
    tables: Sequence[ClassFaithfulness],
    agrees: bool,
    name: str,
    colour: str,
    marked: str | None,
    ring: str,
) -> None:
    shown: list[tuple[float, Row]] = []
    for place, table in enumerate(tables):
        mine = [r for r in rows if r["predicted"] == table.label and r["faithfulness"] is not None]
        # Side by side in their order, so that equal values do not hide each other.
        offsets = np.linspace(-0.12, 0.12, max(len(mine), 2)) - 0.16
        for offset, row in zip(offsets, mine, strict=False):
            if bool(row["agrees"]) == agrees:
                shown.append((place + float(offset), row))
    if not shown:
        return
    figure.add_scatter(
        x=[row["faithfulness"] for _, row in shown],
        y=[place for place, _ in shown],
        name=name,
        mode="markers",
        customdata=[
            [row["case"], row["clip"], row["label"].replace("_", " ").replace("+", " + ")]
            for _, row in shown
        ],
        marker={
            "color": colour,
            "size": 8,
            "symbol": "circle" if agrees else "diamond",
            "opacity": 0.85,
            "line": {
                "color": ring,
                "width": [2 if row["case"] == marked else 0 for _, row in shown],
            },
        },
        unselected={"marker": {"opacity": 0.85}},
        hovertemplate="%{customdata[1]}<br>labelled %{customdata[2]}<br>FF %{x:.3g}<extra></extra>",
    )


def agreement_by_class(
    tables: Sequence[ClassFidelity], names: Sequence[str], colours: Palette
) -> go.Figure:
    """A bar of clips per class that f names: interpreter's first, among its 3, among its 5, not."""
    steps = [(t.top[0], t.top[1] - t.top[0], t.top[2] - t.top[1], t.n - t.top[2]) for t in tables]
    looks = (
        ("its first choice", colours.accent),
        ("among its first 3", faded(colours.accent, 0.5)),
        ("among its first 5", faded(colours.accent, 0.22)),
        ("further down", colours.warning),
    )
    figure = go.Figure()
    for step, (name, colour) in enumerate(looks):
        figure.add_bar(
            x=[counts[step] for counts in steps],
            y=list(names),
            orientation="h",
            name=name,
            marker={"color": colour},
            hovertemplate=f"%{{y}}: %{{x}} clips, {name}<extra></extra>",
        )
    figure.update_layout(
        template=template(colours),
        barmode="stack",
        bargap=0.45,
        height=110 + 36 * len(tables),
        showlegend=True,
        legend={**_LEGEND, "traceorder": "normal"},
        dragmode=False,
        margin={"t": 30, "b": 48},
    )
    figure.update_xaxes(title=_title("clips that f gives to the class"), fixedrange=True, nticks=6)
    figure.update_xaxes(showgrid=True, gridcolor=colours.line, ticks="outside")
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticksuffix="  ")
    return figure


def confusion(
    counts: np.ndarray, names: Sequence[str], colours: Palette, together: bool = False
) -> go.Figure:
    """Counts (C, C), rows f, columns the interpreter: agreement in the accent colour, disagreement
    in the warning one, deeper for more clips; the number in each cell where it can be read.

    together: classes that sound together, so that what is off the diagonal is no disagreement.
    """
    diagonal = np.eye(len(names), dtype=bool)
    apart = colours.neutral if together else colours.warning
    figure = go.Figure()
    for part, colour in ((diagonal, colours.accent), (~diagonal, apart)):
        shown = np.where(part & (counts > 0), counts, np.nan)
        figure.add_heatmap(
            z=shown.tolist(),
            x=list(names),
            y=list(names),
            zmin=0,
            zmax=max(int(counts.max()), 1),
            colorscale=[[0, faded(colour, 0.3)], [1, faded(colour, 0.8)]],
            showscale=False,
            hoverongaps=False,
            xgap=1,
            ygap=1,
            texttemplate="%{z}" if len(names) <= 25 else None,
            textfont={"color": colours.ink},
            hovertemplate="f: %{y}<br>interpreter: %{x}<br>%{z} clips<extra></extra>",
        )
    side = 34 if len(names) <= 25 else 18
    figure.update_layout(template=template(colours), height=130 + side * len(names))
    figure.update_layout(dragmode=False, margin={"t": 10})
    theirs = "classes that the interpreter hears" if together else "the interpreter's first choice"
    figure.update_xaxes(title=_title(theirs), tickangle=-45)
    ours = "classes that f hears" if together else "f's decision"
    figure.update_yaxes(title=_title(ours), autorange="reversed")
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(showline=True, mirror=True, automargin=True, fixedrange=True, ticks="")
    return figure


def faded(colour: str, opacity: float) -> str:
    """A colour #rrggbb as rgba(…) with this opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


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
    inside = [w if band[0] <= x <= band[1] else None for x, w in zip(places, weights, strict=True)]
    common = {"mode": "lines", "fill": "tozeroy", "line": {"width": 1.5}}
    figure = go.Figure(
        [
            go.Scatter(
                x=list(places),
                y=list(weights),
                text=list(hover),
                hovertemplate="%{text}<extra></extra>",
                **{**common, "line": {"width": 1.5, "color": colours.neutral}},
            ),
            go.Scatter(
                x=list(places),
                y=inside,
                hoverinfo="skip",
                **{**common, "line": {"width": 1.5, "color": colours.accent}},
            ),
        ]
    )
    left = centre[0] < 0.6
    figure.add_vline(x=centre[0], line={"color": colours.ink, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=centre[0],
        y=1,
        yref="paper",
        text=centre[1],
        showarrow=False,
        xanchor="left" if left else "right",
        xshift=6 if left else -6,
    )
    figure.update_layout(template=template(colours), height=230, hovermode="x")
    figure.update_xaxes(
        range=[0, 1],
        tickvals=[place for place, _ in ticks],
        ticktext=[text for _, text in ticks],
        title=_title("frequency in Hz, mel scale"),
        fixedrange=True,
        ticks="outside",
        automargin=True,
    )
    figure.update_yaxes(
        title=_title("weight in w, of norm 1"),
        rangemode="tozero",
        fixedrange=True,
        ticks="outside",
        nticks=4,
        automargin=True,
    )
    return figure


def signed_bars(
    names: Sequence[str], values: Sequence[float], marked: str, largest: float, colours: Palette
) -> go.Figure:
    """Horizontal bars on both sides of zero, each with its number; `marked` in the accent colour.

    largest: the absolute value at which the axis ends, so that figures can be compared.
    """
    shades = [colours.accent if name == marked else colours.neutral for name in names]
    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=list(names),
            orientation="h",
            marker={"color": shades},
            text=[f"{v:+.2f}".replace("-", "−") for v in values],
            textposition="outside",
            cliponaxis=False,
            width=0.6,
        )
    )
    figure.update_layout(template=template(colours), height=24 * len(names) + 44)
    figure.update_xaxes(
        range=[-1.3 * largest, 1.3 * largest],
        fixedrange=True,
        title=_title("θ, logits per unit of z"),
        zeroline=True,
        zerolinecolor=colours.ink,
        nticks=5,
        automargin=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticksuffix="  ")
    return figure


def weight_matrix(
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    marked: tuple[int, int],
    colours: Palette,
) -> go.Figure:
    """θ (C, K) as cells: accent for, neutral against, paper at zero. marked: row and column."""
    largest = max((abs(v) for row in values for v in row), default=1.0) or 1.0
    row, column = marked
    figure = go.Figure(
        go.Heatmap(
            z=[list(r) for r in values],
            x=list(range(len(columns))),
            y=list(range(len(rows))),
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
    )
    frame = {"line": {"color": colours.ink, "width": 1.5}, "fillcolor": "rgba(0,0,0,0)"}
    if column >= 0:
        figure.add_shape(
            x0=column - 0.5, x1=column + 0.5, y0=-0.5, y1=len(rows) - 0.5, type="rect", **frame
        )
    figure.update_layout(
        template=template(colours), height=20 * len(rows) + 120, margin={"t": 26, "b": 4}
    )
    figure.update_xaxes(
        title=_title("components, in the order of the wall"),
        side="top",
        showticklabels=False,
        fixedrange=True,
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[f"<b>{name}</b>" if i == row else name for i, name in enumerate(rows)],
        autorange="reversed",
        fixedrange=True,
        automargin=True,
        ticksuffix="  ",
    )
    return figure


def _small(text: str) -> dict[str, object]:
    """An axis's title in the size of its numbers."""
    return {"text": text, "font": {"size": 13}, "standoff": 10}


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
    figure = go.Figure()
    pairs = zip((before, after), labels, (colours.neutral, colours.accent), strict=True)
    for values, label, colour in pairs:
        figure.add_bar(
            x=list(values),
            y=list(names),
            orientation="h",
            name=label,
            marker={"color": colour},
            text=["" if np.isnan(v) else f"{v:.2f}".replace("-", "−") for v in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{y}}, {label}: %{{x:.2f}}<extra></extra>",
        )
    figure.add_vline(x=limit, line={"color": colours.ink, "width": 1, "dash": "dot"})
    figure.update_layout(
        template=template(colours),
        barmode="group",
        bargap=0.35,
        height=110 + 38 * len(names),
        showlegend=True,
        legend={**_LEGEND, "traceorder": "normal"},
        margin={"t": 40},
    )
    low = min(0.0, *before, *after)
    figure.update_xaxes(
        range=[1.25 * low, 1.15], title=_small(axis), fixedrange=True, automargin=True
    )
    figure.update_xaxes(ticks="outside", zeroline=True, zerolinecolor=colours.line, nticks=6)
    figure.update_yaxes(type="category")  # Plotly takes “#10” for a number
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticksuffix="  ")
    return figure


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve over signal-to-noise ratios: a value per SNR and seed (n, seeds), and the value
    without the added sound."""

    name: str
    values: np.ndarray
    clean: float | None = None


def over_snr(
    levels: Sequence[float],
    curves: Sequence[Curve],
    axis: str,
    chosen: float,
    colours: Palette,
    axis_x: str = "SNR in dB",
    span: tuple[float, float] | None = None,
    shares: bool = False,
) -> go.Figure:
    """Medians over the seeds as lines, each seed as a dot; dashed: without the added sound.

    The first curve has the accent colour, the second the neutral one. chosen: the SNR at which a
    dotted line stands.
    """
    figure = go.Figure()
    looks = ((colours.accent, 3.5), (colours.neutral, 1.5))  # two equal curves both show
    for curve, (colour, width) in zip(curves, looks, strict=False):
        seeds = curve.values.shape[1]
        figure.add_scatter(
            x=np.repeat(levels, seeds).tolist(),
            y=curve.values.ravel().tolist(),
            mode="markers",
            marker={"color": faded(colour, 0.45), "size": 6},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=list(levels),
            y=np.median(curve.values, axis=1).tolist(),
            mode="lines",
            line={"color": colour, "width": width},
            name=curve.name,
            hovertemplate=f"%{{x}} dB: {curve.name} %{{y:{'.1%' if shares else '.2f'}}}<extra></extra>",
        )
        if curve.clean is not None:
            figure.add_hline(y=curve.clean, line={"color": colour, "width": 1, "dash": "dash"})
    figure.add_vline(x=chosen, line={"color": colours.ink, "width": 1, "dash": "dot"})
    figure.update_layout(
        template=template(colours),
        height=270,
        showlegend=len(curves) > 1,
        legend=_LEGEND,
        margin={"t": 36 if len(curves) > 1 else 12, "r": 12},
        hovermode="closest",
        dragmode=False,
    )
    figure.update_xaxes(title=_small(axis_x), tickvals=list(levels), ticks="outside")
    figure.update_xaxes(fixedrange=True, automargin=True)
    figure.update_yaxes(title=_small(axis), fixedrange=True, automargin=True, nticks=6)
    figure.update_yaxes(ticks="outside", tickformat=".0%" if shares else None)
    figure.update_yaxes(showgrid=True, gridcolor=colours.line)
    if span is not None:
        figure.update_yaxes(range=list(span))
    return figure


def quartile_bars(
    names: Sequence[str],
    values: Sequence[np.ndarray],
    axis: str,
    colours: Palette,
) -> go.Figure:
    """Every clip's share as a dot, jittered by a fixed seed, with median and quartiles as a box;
    the first row in the accent colour, the second in the neutral one."""
    figure = go.Figure()
    for name, row, colour in zip(names, values, (colours.accent, colours.neutral), strict=True):
        figure.add_box(
            x=list(row),
            name=name,
            orientation="h",
            boxpoints="all",
            jitter=0.6,
            pointpos=0,
            marker={"color": faded(colour, 0.5), "size": 5},
            line={"color": colour, "width": 1.5},
            fillcolor="rgba(0,0,0,0)",
            hoverinfo="x",
        )
    figure.update_layout(template=template(colours), height=230, margin={"t": 10, "r": 12})
    figure.update_xaxes(title=_small(axis), tickformat=".0%", fixedrange=True, rangemode="tozero")
    figure.update_xaxes(ticks="outside", showgrid=True, gridcolor=colours.line, automargin=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticksuffix="  ")
    return figure


def share_bars(
    names: Sequence[str], shares: Mapping[str, Sequence[float]], colours: Palette
) -> go.Figure:
    """Shares of energy by name, a horizontal bar for each system: the first in the accent colour,
    the second in the neutral one, the third an outline (a bound, not a result). NaN is no bar."""
    figure = go.Figure()
    looks = (
        {"color": colours.accent},
        {"color": colours.neutral},
        {"color": "rgba(0,0,0,0)", "line": {"color": colours.ink, "width": 1.5}},
    )
    for (system, values), look in zip(shares.items(), looks, strict=False):
        figure.add_bar(
            x=list(values),
            y=list(names),
            orientation="h",
            name=system,
            marker=look,
            text=["" if np.isnan(v) else percent(v) for v in values],
            textposition="outside",
            cliponaxis=False,
        )
    figure.update_layout(
        template=template(colours),
        barmode="group",
        bargap=0.3,
        height=70 + 72 * len(names),
        showlegend=True,
        legend={**_LEGEND, "traceorder": "normal"},
        margin={"t": 52, "r": 12},
    )
    most = max((v for values in shares.values() for v in values if not np.isnan(v)), default=0.0)
    figure.update_xaxes(range=[0, 1.2 * max(most, 0.01)], visible=False, fixedrange=True)
    figure.update_yaxes(type="category", autorange="reversed", fixedrange=True, automargin=True)
    figure.update_yaxes(ticksuffix="  ", showline=False)
    return figure
