"""The Audit page's table: a line per decision; a tick chooses."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.measure import audit
from l2i_core.measure.records import CaseRow
from pages.audit.decisions import Decisions
from pages.shell import results, state
from pages.show.words import class_name

_YES = {True: "yes", False: "no", None: "–"}


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
    note = f"{told} at τ = {decisions.threshold:.2f}."
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
    return {
        "clip": row.clip,
        **({"tag": row.tag} if tagged else {}),
        "label": results.labelled(row.label),
        **said,
        "confidence": row.probability,
        "interpreter agrees": _YES[row.agrees],
        "FF": row.faithfulness,
        "Random": row.random_energy,
        "FF > 0 and Random": _YES[row.beats_random],
        "|L|": row.components,
        **({"note": row.note} if tagged else {}),
    }
