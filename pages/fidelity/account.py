"""What one evaluation says of fidelity in the measures of its task, and every measured system beside
the paper's figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from l2i_core.measure import metrics
from l2i_core.measure.tables import ERROR
from l2i_core.report import paper
from l2i_core.task import Task
from pages.shell import results
from pages.shell.results import Results
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name, logit, percent

Chart = tuple[str, go.Figure]  # what it says, and the figure


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper's figures: on which data, in which table, by system; how far they compare."""

    data: str
    table: str
    figures: Mapping[str, Sequence[float]]
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """One clip: the class to explain of it, whether the two decide alike on it, what is said of it
    in the list, its row in the table of disagreements, its further columns of the CSV, and the cells
    (f's class, the interpreter's) of the matrix that count it."""

    clip: str
    predicted: str
    alike: bool
    told: str
    cells: dict[str, Any]
    columns: dict[str, Any]
    pairs: Sequence[tuple[str, str]]

    @property
    def case(self) -> str:
        return self.clip


@dataclass(frozen=True, slots=True)
class Account:
    """Made by `top_k` where f decides for one class a clip, by `detection` for several.

    finding: sentences, the main one first; terms: the glossary's entries on its measures.
    measures: titles, and the keys of a summary's "fidelity"; chance: what guessing reaches.
    charts: of some of the `labels`.
    counts (C, C): clips, rows f's classes, columns the interpreter's, of the `labels`.
    classes: a row for each; legend: what its columns count.
    clips: a line for each, the worst disagreements first.
    """

    finding: Sequence[str]
    terms: Sequence[str]
    measures: Mapping[str, str]
    chance: Mapping[str, float | None]
    paper: Paper
    charts: Callable[[Sequence[str]], Sequence[Chart]]
    counts: np.ndarray
    labels: Sequence[str]
    classes: results.Table
    legend: str
    clips: Sequence[Line]


def share(successes: int, n: int) -> str:
    """ "92 %, 95 % interval 65–99 %"."""
    low, high = metrics.wilson_interval(successes, n)
    return f"{percent(successes / n)}, 95 % interval {results.interval(low, high)}"


def occurring(
    labels: Sequence[str], counts: np.ndarray, by_class: list[dict[str, Any]]
) -> tuple[list[str], np.ndarray, list[dict[str, Any]]]:
    """Of more classes than a figure holds those that anybody names in a clip."""
    if len(labels) <= plots.MOST_CLASSES:
        return list(labels), counts, by_class
    said = counts.sum(axis=0) + counts.sum(axis=1) > 0
    kept = [c for c, row in enumerate(by_class) if said[c] or row["n labelled"]]
    return [labels[c] for c in kept], counts[np.ix_(kept, kept)], [by_class[c] for c in kept]


def matrix(
    counts: np.ndarray, labels: Sequence[str], n: int, task: Task, wanted: Sequence[str]
) -> Chart:
    """Counts (C, C) of `n` clips, rows f's classes, columns the interpreter's, of the classes
    `wanted` and those that they stand for: the diagonal in the accent colour; off it what is a
    disagreement, where one class a clip is said, in the warning one; deeper for more clips, the
    number in each cell where it can be read. `customdata` of a point: both classes."""
    mine = [c for c, label in enumerate(labels) if label in wanted]
    kept: list[int] = np.flatnonzero(
        np.isin(np.arange(len(labels)), mine) | (counts[mine].sum(0) + counts[:, mine].sum(1) > 0)
    ).tolist()
    counts, labels = counts[np.ix_(kept, kept)], [labels[c] for c in kept]
    off = counts * ~np.eye(len(labels), dtype=bool)
    i, j = np.unravel_index(int(off.argmax()), off.shape)
    names, colours = [class_name(label) for label in labels], pictures.palette()
    told = f"Nothing off the diagonal in {n} clips"
    if off.any():
        both = f"f “{names[i]}”, interpreter “{names[j]}”, {off[i, j]} of {n} clips"
        told = f"Off the diagonal most often: {both}"
    drawn = plots.most(range(len(names)), lambda c: counts[c].sum() + counts[:, c].sum())
    counts, names = counts[np.ix_(drawn, drawn)], [names[c] for c in drawn]
    labels = [labels[c] for c in drawn]
    diagonal = np.eye(len(names), dtype=bool)
    apart = colours.neutral if task.multi_label else colours.warning
    readable = len(names) <= 25
    axis = {"showline": True, "mirror": True, "ticks": ""}
    figure = plots.figure_of(
        colours,
        130 + (34 if readable else 18) * len(names),
        {**axis, "title": f"the interpreter {task.decides}", "tickangle": -45},
        {**axis, "title": f"f {task.decides}", "autorange": "reversed"},
        margin={"t": 10},
    )
    for part, colour in ((diagonal, colours.accent), (~diagonal, apart)):
        figure.add_heatmap(
            z=np.where(part & (counts > 0), counts, np.nan).tolist(),
            x=names,
            y=names,
            zmin=0,
            zmax=max(int(counts.max()), 1),
            colorscale=[[0, plots.faded(colour, 0.3)], [1, plots.faded(colour, 0.8)]],
            showscale=False,
            hoverongaps=False,
            xgap=1,
            ygap=1,
            texttemplate="%{z}" if readable else None,
            textfont={"color": colours.ink},
            hoverinfo="skip",
        )
    # A heatmap tells nobody of clicks; points that are not seen do.
    rows, columns = (found.tolist() for found in np.nonzero(counts))
    figure.add_scatter(
        x=[names[c] for c in columns],
        y=[names[r] for r in rows],
        mode="markers",
        marker={"size": 22 if readable else 13, "symbol": "square", "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[
            [labels[r], labels[c], int(counts[r, c])] for r, c in zip(rows, columns, strict=True)
        ],
        hovertemplate="f: %{y}<br>interpreter: %{x}<br>%{customdata[2]} clips<extra></extra>",
    )
    return told, figure


LEVELS = ("0.9", "0.7", "0.5", "0.3", "0.1")


def systems(view: View, found: Results, account: Account) -> None:
    """Fidelity of every system; beside the paper's, and FF at the paper's τ, where the reader asks."""
    _table(st, fidelity_rows(view, account), _three, f"{view.key.bundle}, fidelity to f")
    with st.expander("The paper's figures beside ours"):
        left, right = st.columns(2, gap="medium")
    paper_of, ours = account.paper, f"Ours: model {view.key.bundle}"
    unit = f"median FF in {view.engine.task.unit.name}"
    theirs: results.Table = [
        {"system": name, **dict(zip(account.measures, values, strict=False))}
        for name, values in paper_of.figures.items()
    ]
    heading = f"The paper's: {paper_of.data}"
    tables = [
        (left, f"**{ours}**, {unit}", faithfulness_rows(view, found), logit),
        (right, f"**{heading}**, fidelity to f ({paper_of.table})", theirs, _three),
    ]
    if not view.engine.task.multi_label:
        lines = {"L2I + Θ_ATT": paper.FAITHFULNESS, "Random (count-matched)": paper.RANDOM}
        drops: results.Table = [
            {"system": name} | {f"τ {t}": line.get(t) for t in paper.FAITHFULNESS}
            for name, line in lines.items()
        ]
        title = "**The paper's: ESC-50, fold 1**, median FF in logits (Table 2)"
        tables.append((right, title, drops, logit))
    for place, title, rows, written in tables:
        place.markdown(title)
        _table(place, rows, written, title.replace("**", ""))
    right.caption(f"Another test: {paper_of.note}")


def _table(place: Any, rows: results.Table, written: Callable[[float], str], alt: str) -> None:
    cells = [{k: _cell(v, written) for k, v in row.items()} for row in rows]
    place.table(pd.DataFrame(cells).set_index("system"), border="horizontal", alt=alt)


def fidelity_rows(view: View, account: Account) -> results.Table:
    """Fidelity of every measured system, and of guessing."""
    name = view.key.bundle
    blocks = {**results.systems(name), **results.figures(name, "baselines")}
    rows = [
        {
            "system": results.title(view.engine.bundle, system),
            **{title: block["fidelity"].get(key) for title, key in account.measures.items()},
            ERROR: block.get("reconstruction_error"),
            "n": block.get("n"),
        }
        for system, block in blocks.items()
        if block.get("fidelity")
    ]
    return [*rows, {"system": "guessing", **account.chance, ERROR: None, "n": None}]


def faithfulness_rows(view: View, found: Results) -> results.Table:
    """Median FF of every measured system at some τ, and of both Randoms beside the chosen one."""
    lines: dict[str, Mapping[str, Any]] = {
        results.title(view.engine.bundle, name): block["faithfulness"]
        for name, block in results.systems(view.key.bundle).items()
        if block.get("faithfulness")
    }
    mine = view.engine.explainer.title
    for kind, name in (("random_energy", "energy-matched"), ("random", "count-matched")):
        lines[f"{name} Random beside {mine}"] = found.summary.get(kind, {})
    return [
        {"system": name} | {f"τ {level}": table.get(level, {}).get("median") for level in LEVELS}
        for name, table in lines.items()
    ]


def _cell(value: Any, written: Callable[[float], str]) -> str:
    return value if isinstance(value, str) else "–" if value is None else written(value)


def _three(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
