"""Plotly figures in the app's manner: no clutter, a number beside every bar."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.shared.pictures import Palette

CONFIG = {"displayModeBar": False, "staticPlot": True, "responsive": True}


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
    names: Sequence[str], probabilities: Sequence[float], marked: str, colours: Palette
) -> go.Figure:
    """Horizontal bars of probabilities, the largest on top, each with its number.

    The class `marked` is in the accent colour, the others in the neutral one.
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
    figure.update_layout(template=template(colours), height=26 * len(names) + 6)
    figure.update_xaxes(range=[0, 1.12], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="", automargin=True)
    figure.update_yaxes(ticksuffix="  ", linewidth=0, showline=False)
    return figure
