"""θ: what one component says about the classes, and what all of them say."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.dictionary.use import Facts, signed
from pages.dictionary.wall import Chosen
from pages.shell import components
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name, percent

N_CLASSES = 10  # bars of one component's θ


def of_one(view: View, component: int) -> None:
    """θ of one component as bars."""
    st.subheader(f"What #{component} says about the classes", anchor=False)
    if (weights := view.engine.class_weights) is None:
        st.info(f"{view.engine.explainer.title} has no class weights θ: no layer mimics f.")
        return
    theta, classes = weights.numpy(), view.engine.classes
    values = theta[:, component]
    order = sorted(range(len(classes)), key=lambda c: -abs(values[c]))[:N_CLASSES]
    order = sorted({*order, classes.index(view.target)}, key=lambda c: -values[c])
    names = [class_name(classes[c]) for c in order]
    sides = [f"for “{names[0]}”"] if values.max() > 0 else []
    if values.min() < 0 or not sides:
        sides.append(f"against “{names[-1]}”")
    left_out = len(order) < len(classes)
    cut = f" (the {len(order)} largest of {len(classes)} classes)" if left_out else ""
    colours = pictures.palette()
    # One scale for all components, so that they can be compared.
    most = 1.3 * float(np.abs(theta).max())
    axis = {"title": "θ, logits per unit of z", "range": [-most, most], "nticks": 5}
    zero = {"zeroline": True, "zerolinecolor": colours.ink}
    figure = plots.figure_of(colours, 24 * len(names) + 44, axis | zero, plots.NAMES)
    marked = class_name(view.target)
    shades = [colours.accent if name == marked else colours.neutral for name in names]
    plots.add_bars(figure, names, values[order].tolist(), shades, sign="+", width=0.6)
    plots.finding(f"Most {', most '.join(sides)}", figure, "theta", cut, lively=False)


def of_all(facts: Facts, chosen: Chosen) -> None:
    """θ of all classes and of the components on the wall."""
    engine = facts.view.engine
    if (weights := engine.class_weights) is None:
        return
    theta = weights.numpy()
    st.subheader("Class weights of all components", anchor=False)
    if not chosen.shown:
        st.info("The filter leaves no component.")
        return
    target = engine.class_index(facts.view.target)
    strength = np.abs(theta[:, chosen.shown]).max(axis=1)
    strength[target] = np.inf
    kept = plots.most(range(len(theta)), lambda c: float(strength[c]))
    classes, part = [engine.classes[c] for c in kept], theta[np.ix_(kept, chosen.shown)]
    c, j = np.unravel_index(int(np.abs(part).argmax()), part.shape)
    largest = components.escaped(facts.label(chosen.shown[j]))
    if groups := engine.dictionary.groups:
        own = sum(engine.classes[int(theta[:, k].argmax())] == groups[k] for k in chosen.shown)
        st.markdown(
            f"{own} of {len(chosen.shown)} speak most for the class on whose clips they were learned."
        )
    plots.finding(
        f"The largest: {largest} with θ = {signed(float(part[c, j]))} for “{class_name(classes[c])}”; "
        f"{percent(float((part > 0).mean()))} are positive",
        _matrix(facts, chosen, part, classes),
        "matrix",
        f" ({len(classes)} classes × {len(chosen.shown)} components; grey speaks against, blue for)",
    )
    with st.expander("The numbers as a table"):
        names = [class_name(name) for name in classes]
        table = pd.DataFrame(part.T, columns=names)
        table.insert(0, "component", [f"#{k}" for k in chosen.shown])
        table.insert(1, "name", [facts.names.get(k, "") for k in chosen.shown])
        table.insert(2, "centre", [facts.hertz(k) for k in chosen.shown])
        st.dataframe(
            table,
            hide_index=True,
            column_config=dict.fromkeys(names, st.column_config.NumberColumn(format="%+.3f")),
            alt="Class weights of the components on the wall",
        )


def _matrix(facts: Facts, chosen: Chosen, theta: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """θ (C, shown) of the classes `labels` as cells: accent for, neutral against, paper at zero; the class to explain in
    bold, the chosen component framed."""
    view, colours = facts.view, pictures.palette()
    rows = [class_name(name) for name in labels]
    bold = class_name(view.target)
    columns = {"title": "components, in the order of the wall", "side": "top", "type": "category"}
    classes = {"tickvals": rows, "ticktext": [f"<b>{r}</b>" if r == bold else r for r in rows]}
    figure = plots.figure_of(
        colours,
        20 * len(rows) + 60,
        columns | {"showticklabels": False, "ticks": ""},
        plots.NAMES | classes | {"ticks": ""},
        margin={"t": 26, "b": 4},
    )
    largest = float(np.abs(theta).max()) or 1.0
    figure.add_heatmap(
        z=theta.tolist(),
        x=components.ticks(view.engine, chosen.shown),
        y=rows,
        hovertemplate="%{x}<br>%{y}: θ = %{z:+.3f}<extra></extra>",
        colorscale=[[0, colours.neutral], [0.5, colours.paper], [1, colours.accent]],
        zmin=-largest,
        zmax=largest,
        colorbar={"title": "θ", "thickness": 10, "outlinewidth": 0, "nticks": 5},
    )
    if chosen.component in chosen.shown:
        place = chosen.shown.index(chosen.component)
        figure.add_vrect(place - 0.5, place + 0.5, line={"color": colours.ink, "width": 1.5})
    return figure
