"""Plotly figures that compare: systems, classes, thresholds, levels of noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from pages.shared.pictures import Palette
from pages.shared.plots import LEGEND, axis_title, faded, small_title, template
from pages.shared.words import percent

# Only for types: the tables need scipy.stats, which would slow the app's start.
if TYPE_CHECKING:
    from l2i_core.evaluation import Row
    from l2i_core.tables import ClassFaithfulness, ClassFidelity, Spread


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
        template=template(colours), height=330, showlegend=True, legend=LEGEND, dragmode=False
    )
    figure.update_layout(margin={"t": 30, "b": 48}, hovermode="closest")
    figure.update_xaxes(title=axis_title(x_title), fixedrange=True, showline=True, ticks="outside")
    figure.update_yaxes(title=axis_title(y_title), fixedrange=True, rangemode="tozero", nticks=6)
    figure.update_yaxes(showgrid=True, gridcolor=colours.line, automargin=True)
    if shares:
        figure.update_xaxes(tickvals=list(curves[0].x))
        figure.update_yaxes(tickformat=".0%")
    return figure


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
    _boxes(figure, "Random, equal log energy", energy, colours.neutral, 0.5, 0.13)
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
        legend=LEGEND,
        dragmode=False,
        hovermode="closest",
        boxmode="overlay",
        margin={"t": 30, "b": 48},
    )
    figure.update_xaxes(title=axis_title(x_title), fixedrange=True, ticks="outside", nticks=8)
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
    _lay_out_bars(figure, colours, "stack", 0.45, 110 + 36 * len(tables))
    figure.update_layout(dragmode=False, margin={"t": 30, "b": 48})
    figure.update_xaxes(
        title=axis_title("clips that f gives to the class"), fixedrange=True, nticks=6
    )
    figure.update_xaxes(showgrid=True, gridcolor=colours.line, ticks="outside")
    return figure


def _lay_out_bars(figure: go.Figure, colours: Palette, mode: str, gap: float, height: int) -> None:
    """Named rows of horizontal bars, the first name on top, the legend in the bars' order."""
    figure.update_layout(
        template=template(colours),
        barmode=mode,
        bargap=gap,
        height=height,
        showlegend=True,
        legend={**LEGEND, "traceorder": "normal"},
    )
    figure.update_yaxes(type="category")  # Plotly takes “#10” for a number
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticksuffix="  ")


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
    figure.update_xaxes(title=axis_title(theirs), tickangle=-45)
    ours = "classes that f hears" if together else "f's decision"
    figure.update_yaxes(title=axis_title(ours), autorange="reversed")
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(showline=True, mirror=True, automargin=True, fixedrange=True, ticks="")
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
    _lay_out_bars(figure, colours, "group", 0.35, 110 + 38 * len(names))
    figure.update_layout(margin={"t": 40})
    low = min(0.0, *before, *after)
    figure.update_xaxes(
        range=[1.25 * low, 1.15], title=small_title(axis), fixedrange=True, automargin=True
    )
    figure.update_xaxes(ticks="outside", zeroline=True, zerolinecolor=colours.line, nticks=6)
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
        legend=LEGEND,
        margin={"t": 36 if len(curves) > 1 else 12, "r": 12},
        hovermode="closest",
        dragmode=False,
    )
    figure.update_xaxes(title=small_title(axis_x), tickvals=list(levels), ticks="outside")
    figure.update_xaxes(fixedrange=True, automargin=True)
    figure.update_yaxes(title=small_title(axis), fixedrange=True, automargin=True, nticks=6)
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
    figure.update_xaxes(
        title=small_title(axis), tickformat=".0%", fixedrange=True, rangemode="tozero"
    )
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
    _lay_out_bars(figure, colours, "group", 0.3, 70 + 72 * len(names))
    figure.update_layout(margin={"t": 52, "r": 12})
    most = max((v for values in shares.values() for v in values if not np.isnan(v)), default=0.0)
    figure.update_xaxes(range=[0, 1.2 * max(most, 0.01)], visible=False, fixedrange=True)
    figure.update_yaxes(showline=False)
    return figure
