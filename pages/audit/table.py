"""The Audit page's table: a line per decision, which filters narrow and a tick chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from l2i_core.measure import audit
from l2i_core.measure.audit import Decision
from pages.audit.decisions import Decisions
from pages.shell import results, state
from pages.show.words import class_name

KINDS = {
    "wrong": "misclassified",
    "right": "classified right",
    "disagrees": "interpreter disagrees",
    "chance": "FF ≤ 0 or ≤ Random",
}
MANY = {
    audit.ALARM: "false alarms",
    audit.MISSED: "misses",
    "right": "found",
    "disagrees": "interpreter disagrees",
    "chance": "FF ≤ 0 or ≤ Random",
}
ANY = "any class"
_CLASS = "class:"
_YES = {True: "yes", False: "no", None: "–"}


def filtered(decisions: Decisions) -> list[Decision]:
    """The rows that the filters leave; kinds and class together are the setting "show"."""
    names = MANY if decisions.task.multi_label else KINDS
    if decisions.task.multi_label:
        labels = sorted({row.predicted for row in decisions.rows})
    else:
        told = (label for row in decisions.found.clips for label in (row.label, row.predicted))
        labels = sorted({label for label in told if label})
    kinds, label = _shown(labels, names)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.pills(
        "Show only" if decisions.task.multi_label else "Show only clips that are",
        list(names),
        selection_mode="multi",
        key=state.control("show_kinds", kinds),
        format_func=lambda kind: names[kind],
        on_change=_filter,
        wrap=True,
    )
    right.selectbox(
        "Labelled or heard as",
        [ANY, *labels],
        key=state.control("show_class", label or ANY),
        format_func=class_name,
        on_change=_filter,
    )
    return audit.only(decisions.rows, kinds, label)


def table(decisions: Decisions, shown: Sequence[Decision], chosen: Decision) -> None:
    """One line per clip, of a multi-label model also per class; the chosen one is ticked."""
    what = "probability of the class" if decisions.task.multi_label else "logit for its decision"
    columns = {
        "clip": [row.clip for row in shown],
        "label": [results.labelled(row.label) for row in shown],
        **_decided(shown, decisions.task.multi_label),
        "confidence": [row.probability for row in shown],
        "interpreter agrees": [_YES[row.agrees] for row in shown],
        "FF": _figures(shown, "faithfulness"),
        "Random": _figures(shown, "random_energy"),
        "FF > 0 and Random": [_YES[row.beats_random] for row in shown],
        "|L|": pd.Series([row.components for row in shown], dtype="Int64"),
    }
    number, column = st.column_config.NumberColumn, st.column_config.Column
    config = {
        "confidence": results.DECIMALS,
        "FF": number(format="%.2f", help=f"What f's {what} loses without the interpretation"),
        "Random": number(
            format="%.2f",
            help="The same for random other components of equal log energy, median of draws",
        ),
        "FF > 0 and Random": column(
            help="“–”: all others together hold less log energy, or none was drawn: not tested"
        ),
        "|L|": column(help="Components in the interpretation"),
    }
    total = decisions.task.counted(len(decisions.rows))
    cases = [row.case for row in shown]
    name = f"audit-table {decisions.key}"
    ticked = {"selection": {"rows": [cases.index(chosen.case)], "columns": [], "cells": []}}
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        column_config=config,
        key=state.control(name, ticked),
        on_select=lambda: _tick(decisions, cases, f"control_{name}"),
        selection_mode="single-row-required",
        alt=f"{len(shown)} of {total} with f's decision, the interpreter's, FF and Random",
    )
    st.caption(
        f"{len(shown)} of {total} at τ = {decisions.threshold:.2f}, the most doubtful first."
        + (_OF_PAIRS if decisions.task.multi_label else "")
    )


_OF_PAIRS = (
    " A line for each class that f hears in a clip or that its label holds; where f misses it, there "
    "is nothing to take out. The label of a folder's clips is one class: what f hears besides counts "
    "as a false alarm."
)


def _figures(rows: Sequence[Decision], name: str) -> pd.Series:
    return pd.Series([getattr(row, name) for row in rows], dtype=float).round(2) + 0.0


def _decided(rows: Sequence[Decision], many: bool) -> dict[str, list[str]]:
    """What f says, and whether it is right; of a multi-label model the class, and what f makes of it."""
    if not many:
        said = [class_name(row.predicted) for row in rows]
        return {"f says": said, "right": [_YES[row.right] for row in rows]}
    marks = {audit.ALARM: "false alarm", audit.MISSED: "missed"}
    known = {True: "found", None: "heard"}
    made = [marks.get(row.kind) or known[row.right] for row in rows]
    return {"class": [class_name(row.predicted) for row in rows], "f": made}


def _tick(decisions: Decisions, cases: Sequence[str], key: str) -> None:
    """Callback of the table."""
    state.touch()
    if rows := st.session_state[key].selection.rows:
        decisions.choose(cases[rows[0]])


def _filter() -> None:
    """Callback of both filters."""
    state.touch()
    label = st.session_state["control_show_class"]
    kinds = st.session_state["control_show_kinds"]
    state.put(show=_joined(kinds, None if label == ANY else label))


def _shown(labels: Sequence[str], names: Mapping[str, str]) -> tuple[list[str], str | None]:
    """The setting "show" as kinds and class: "wrong.chance.class:dog"."""
    text, _, label = str(state.value("show") or "").partition(_CLASS)
    kinds = [part for part in text.split(".") if part]
    if unknown := [kind for kind in kinds if kind not in names]:
        state.notice(
            f"There is no filter “{unknown[0][:40]}” here; accepted: {', '.join(names)}, "
            f"{_CLASS}NAME. All clips are shown."
        )
        kinds, label = [], ""
    elif label and label not in labels:
        state.notice(f"No clip is of the class “{label[:40]}” here; all classes are shown.")
        label = ""
    state.put(show=_joined(kinds, label))
    return kinds, label or None


def _joined(kinds: Sequence[str], label: str | None) -> str | None:
    parts = [kind for kind in (*KINDS, audit.ALARM, audit.MISSED) if kind in kinds]
    return ".".join([*parts, *([_CLASS + label] if label else [])]) or None
