"""Figures of a noisy clip: what is measured over SNR, and shares of energy over a test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from pages.show.pictures import Palette
from pages.show.plots import DOTTED, NAMES, faded, figure_of


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
    figure = figure_of(
        colours,
        270,
        {"title": axis_x, "tickvals": list(levels), "ticks": "outside"},
        {
            "title": axis,
            "range": span,
            "nticks": 6,
            "ticks": "outside",
            "tickformat": ".0%" if shares else None,
            "showgrid": True,
        },
        showlegend=len(curves) > 1,
        margin={"t": 36 if len(curves) > 1 else 12, "r": 12},
    )
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
    figure.add_vline(x=chosen, line={"color": colours.ink, **DOTTED})
    return figure


def quartile_bars(
    names: Sequence[str], values: Sequence[np.ndarray], axis: str, colours: Palette
) -> go.Figure:
    """Every clip's share as a dot, jittered by a fixed seed, with median and quartiles as a box;
    the first row in the accent colour, the second in the neutral one."""
    figure = figure_of(
        colours,
        230,
        {
            "title": axis,
            "tickformat": ".0%",
            "rangemode": "tozero",
            "ticks": "outside",
            "showgrid": True,
        },
        NAMES,
        margin={"t": 10, "r": 12},
    )
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
    return figure
