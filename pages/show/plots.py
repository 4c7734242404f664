"""Plotly figures in the app's manner: no clutter, a number beside every bar. What all share, and the
figures of one clip and of the model's components."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.show.pictures import Palette

CONFIG = {"displayModeBar": False, "staticPlot": True, "responsive": True}
# For figures whose points answer: hover and click, but no zoom to get lost in.
LIVELY = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
LEGEND = {
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


def axis_title(text: str) -> dict:
    return {"text": text, "font": {"size": 14}, "standoff": 10}


def small_title(text: str) -> dict[str, object]:
    """An axis's title in the size of its numbers."""
    return {"text": text, "font": {"size": 13}, "standoff": 10}


def faded(colour: str, opacity: float) -> str:
    """A colour #rrggbb as rgba(…) with this opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


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


def attribute_bars(
    names: Sequence[str],
    attributes: Sequence[float],
    relevance: Sequence[float],
    colours: Palette,
) -> go.Figure:
    """FLINT's attributes and beside them their relevances as horizontal bars with their numbers,
    the first on top; those that speak for the class in the accent colour."""
    shades = [colours.accent if r > 0 else colours.neutral for r in relevance]
    figure = go.Figure()
    for axis, values, shade in (("x", attributes, colours.neutral), ("x2", relevance, shades)):
        figure.add_bar(
            x=list(values),
            y=list(names),
            orientation="h",
            xaxis=axis,
            marker={"color": shade},
            text=[f"{round(value, 2) + 0.0:.2f}".replace("-", "−") for value in values],
            textposition="outside",
            cliponaxis=False,
            width=0.6,
        )
    low, most = min(0.0, *relevance), max(attributes)
    axis = {"fixedrange": True, "showticklabels": False, "side": "top", "showgrid": False}
    figure.update_layout(
        template=template(colours),
        height=27 * len(names) + 40,
        margin={"l": 0, "r": 8, "t": 32, "b": 4},
        xaxis={
            **axis,
            "title": small_title("attribute"),
            "domain": [0, 0.42],
            "range": [0, 1.4 * most],
        },
        xaxis2={
            **axis,
            "title": small_title("relevance r"),
            "domain": [0.5, 1],
            "range": [1.45 * low, 1.4],
            "anchor": "y",
        },
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, showline=False)
    figure.update_yaxes(ticksuffix="  ", type="category")
    return figure


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
        title=axis_title("frequency in Hz, mel scale"),
        fixedrange=True,
        ticks="outside",
        automargin=True,
    )
    figure.update_yaxes(
        title=axis_title("weight in w, of norm 1"),
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
        title=axis_title("θ, logits per unit of z"),
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
        title=axis_title("components, in the order of the wall"),
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
