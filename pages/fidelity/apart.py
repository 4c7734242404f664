"""The clips on which the interpreter and f do not decide alike, or those of one cell of the matrix."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.fidelity.account import Account, Line
from pages.shell import results, state
from pages.shell.results import Results
from pages.show.words import class_name


def look_into(cell: str, key: str, clips: Sequence[Line]) -> None:
    """Callback: the cell of the matrix `key` that was clicked on, and the first of its clips."""
    event: Any = st.session_state.get(key)
    points = event["selection"]["points"] if event else []
    if points:
        pair = st.session_state[cell] = tuple(points[0]["customdata"][:2])
        state.chose(evaluated=next((line.case for line in clips if pair in line.pairs), None))


def disagreements(found: Results, account: Account, cell: str) -> None:
    """The clips whose interpretation should not be taken for f's reasons, or those of one cell."""
    pair: tuple[str, str] | None = st.session_state.get(cell)
    lines = [line for line in account.clips if pair in line.pairs]
    if pair and lines:
        f, theirs = (class_name(label) for label in pair)
        st.subheader(f"f “{f}”, interpreter “{theirs}”", anchor=False)
        st.button("All disagreements", on_click=lambda: st.session_state.pop(cell, None))
    else:
        st.subheader("Where they disagree", anchor=False)
    shown = lines or [line for line in account.clips if not line.alike]
    left, right = st.columns([3, 1.25], gap="large")
    with right:
        results.choose(
            found,
            account.clips,
            "Clip, disagreements first",
            lambda line: f"{line.clip} · {line.told}",
        )
    left.markdown(f"{len(shown)} of {len(account.clips)} clips.")
    if shown:
        key = f"apart {found.interpreter} {pair if lines else ''}"
        left.dataframe(
            pd.DataFrame([line.cells for line in shown]),
            hide_index=True,
            column_config={"probability": results.DECIMALS},
            key=key,
            on_select=lambda: results.row_clicked([line.clip for line in shown], key),
            selection_mode="single-row",
            alt="Clips of that cell" if lines else "Clips on which the two do not decide alike",
        )
