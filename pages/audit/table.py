"""The Audit page's table: a line per decision, which filters narrow and a tick chooses."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.data.tags import TAGS
from l2i_core.measure import audit
from l2i_core.measure.records import CaseRow
from pages.audit.decisions import Decisions
from pages.shell import results, state
from pages.show.words import class_name

_DOUBTS = {"disagrees": "interpreter disagrees", "chance": "FF ≤ 0 or ≤ Random"}
KINDS = {"wrong": "misclassified", "right": "classified right", **_DOUBTS}
MANY = {audit.ALARM: "false alarms", audit.MISSED: "misses", "right": "found", **_DOUBTS}
ANY = "any class"
_CLASS = "class:"
_TAGGED = {f"tag-{name or 'none'}": name or "untagged" for name in (*TAGS, "")}
_YES = {True: "yes", False: "no", None: "–"}


def filtered(decisions: Decisions) -> list[CaseRow]:
    """The rows that the filters leave; kinds and class together are the setting "show"."""
    many = decisions.task.multi_label
    names = MANY if many else KINDS
    told = [row.predicted for row in decisions.rows]
    if not many:
        told += [row.label for row in decisions.found.clips]
    labels = sorted({label for label in told if label})
    kinds, label, tags = _shown(labels, names)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.pills(
        "Show only" if many else "Show only clips that are",
        list(names),
        selection_mode="multi",
        key=state.control("show_kinds", kinds),
        format_func=names.__getitem__,
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
    st.pills(
        "Tagged",
        list(_TAGGED),
        selection_mode="multi",
        key=state.control("show_tags", tags),
        format_func=_TAGGED.__getitem__,
        on_change=_filter,
        wrap=True,
    )
    wanted = ["" if tag == "tag-none" else _TAGGED[tag] for tag in tags]
    return audit.only(decisions.rows, kinds, label, wanted)


def table(decisions: Decisions, shown: Sequence[CaseRow], chosen: CaseRow) -> None:
    """One line per clip, of a multi-label model also per class; the chosen one is ticked."""
    what = "probability of the class" if decisions.task.multi_label else "logit for its decision"
    tagged = any(row.tag or row.note for row in decisions.rows)
    frame = pd.DataFrame([_line(row, tagged) for row in shown]).astype({"|L|": "Int64"})
    figures = ["FF", "Random"]
    frame[figures] = frame[figures].astype(float).round(2) + 0.0  # no minus before a zero
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
    cases = [row.case for row in shown]
    name = f"audit-table {decisions.key}"
    ticked = {"selection": {"rows": [cases.index(chosen.case)], "columns": [], "cells": []}}
    told = f"{len(shown)} of {decisions.task.counted(len(decisions.rows))}"

    def tick() -> None:
        state.touch()
        if rows := st.session_state[f"control_{name}"].selection.rows:
            decisions.choose(cases[rows[0]])

    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        key=state.control(name, ticked),
        on_select=tick,
        selection_mode="single-row-required",
        alt=f"{told} with f's decision, the interpreter's, FF and Random",
    )
    note = f"{told} at τ = {decisions.threshold:.2f}, the most doubtful first."
    if decisions.task.multi_label:
        note += " A line for each class that f hears in a clip or that its label holds."
    st.caption(note)


def _line(row: CaseRow, tagged: bool) -> dict[str, Any]:
    """What f says, and whether it is right; of a multi-label model the class, and what f makes of
    it. tagged: whether the reader has tags and notes."""
    if row.task.multi_label:
        known = {audit.ALARM: "false alarm", audit.MISSED: "missed"}
        made = known.get(row.kind) or {True: "found", None: "heard"}[row.right]
        said = {"class": class_name(row.predicted), "f": made}
    else:
        said = {"f says": class_name(row.predicted), "right": _YES[row.right]}
    own = {"tag": row.tag, "note": row.note} if tagged else {}
    return {
        "clip": row.clip,
        **own,
        "label": results.labelled(row.label),
        **said,
        "confidence": row.probability,
        "interpreter agrees": _YES[row.agrees],
        "FF": row.faithfulness,
        "Random": row.random_energy,
        "FF > 0 and Random": _YES[row.beats_random],
        "|L|": row.components,
    }


def _filter() -> None:
    """Callback of the filters."""
    label = st.session_state["control_show_class"]
    kinds = [
        name for part in ("kinds", "tags") for name in st.session_state[f"control_show_{part}"]
    ]
    state.chose(show=_joined(kinds, None if label == ANY else label))


def _shown(
    labels: Sequence[str], names: Mapping[str, str]
) -> tuple[list[str], str | None, list[str]]:
    """The setting "show" as kinds, class and tags: "wrong.chance.tag-unsure.class:dog"."""
    text, _, label = str(state.value("show") or "").partition(_CLASS)
    kinds = [part for part in text.split(".") if part]
    accepted = [*names, *_TAGGED]
    if unknown := [kind for kind in kinds if kind not in accepted]:
        state.notice(
            f"There is no filter “{unknown[0][:40]}” here; accepted: {', '.join(accepted)}, "
            f"{_CLASS}NAME. All clips are shown."
        )
        kinds, label = [], ""
    elif label and label not in labels:
        state.notice(f"No clip is of the class “{label[:40]}” here; all classes are shown.")
        label = ""
    state.put(show=_joined(kinds, label))
    tags = [kind for kind in kinds if kind in _TAGGED]
    return [kind for kind in kinds if kind in names], label or None, tags


def _joined(kinds: Sequence[str], label: str | None) -> str | None:
    parts = [kind for kind in (*KINDS, audit.ALARM, audit.MISSED, *_TAGGED) if kind in kinds]
    return ".".join([*parts, *([_CLASS + label] if label else [])]) or None
