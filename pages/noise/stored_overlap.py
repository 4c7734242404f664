"""The stored overlap experiment: what of either of two clips is in B, beside chance."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.measure.experiments import GROUPS
from l2i_core.measure.study import Row
from l2i_core.report import paper
from pages.noise import figures
from pages.noise.figures import ENERGY, curve, level, maybe
from pages.shell import results, state
from pages.shell.view import View
from pages.show import pictures
from pages.show.words import decibels, logit, percent

QUESTION = "Two clips at once: which one does B hold?"
DEFINITION = (
    "Each pair is explained for the class of either clip: the target. Random: components that "
    "B does not hold and that carry as much of ‖X‖². r with either clip is high without any "
    "choice: the mixture itself has 0.71 with both at equal level."
)
HEARD = {"all": "All", "top2": "Among f's first two", "top1": "f's first"}
_COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("r with target", "followed_correlation", logit),
    ("r with other", "rest_correlation", logit),
    ("target passing", "followed_passed", percent),
    ("other passing", "rest_passed", percent),
    ("target passes more", "more", percent),
    ("SI-SDR gain", "si_sdr_gain", decibels),
)


def rows(interpreter: str, block: Mapping[str, Any]) -> list[Row]:
    """An interpreter's figures, a row per level, τ and whether f hears the class."""
    return [
        {
            "interpreter": interpreter,
            "snr_db": float(level),
            "threshold": float(threshold),
            "heard": heard,
            "n": table["n"],
            "components": table["components"],
            "empty": table["empty"],
            **figures.quartiles(table),
            "more": table["more"],
            **{f"random_{k}": v for k, v in figures.quartiles(table["random"]).items()},
            "random_more": table["random"]["more"],
            "random_matched": table["random"]["matched"],
            **{f"test_{k}": (table["test"] or {}).get(k) for k in ("n", "greater", "p")},
        }
        for level, thresholds in block["levels"].items()
        for threshold, groups in thresholds.items()
        for heard, table in groups.items()
    ]


def draw(view: View, rows: Sequence[Row], tau: float) -> None:
    """Target against the other clip, at every level, beside chance and the paper's samples."""
    heard = state.settle("heard", list(GROUPS), "all", "choice of mixtures")
    label, control = "Mixtures in which the explained class is, for f,", "segmented_control"
    state.select(st, label, "heard", list(GROUPS), HEARD, widget=control, required=True)
    shown = [row for row in rows if row["heard"] == heard]
    mine = [row for row in shown if row["interpreter"] == view.engine.interpreter_name]
    if (row := next((row for row in mine if row["snr_db"] == 0), None)) is not None:
        st.markdown(_against(view, row))
    st.markdown(f"**Every interpreter and level, τ = {tau:.2f}, medians; Random in brackets**")
    st.dataframe(
        pd.DataFrame(_told(view, row) for row in shown),
        hide_index=True,
        alt="Every interpreter and level: correlations, what passes and SI-SDR, beside Random",
    )
    left, right = st.columns([2, 1], gap="large")
    with left:
        if mine:
            _over_levels(mine, tau)
    with right:
        _papers()


def _papers() -> None:
    st.markdown("**The paper's four samples**, r of B with either")
    pairs = paper.OVERLAP_CORRELATIONS
    st.table(
        pd.DataFrame(
            [[f"{a:.2f}", f"{b:.2f}"] for a, b in pairs],
            columns=["target", "the other"],
            index=[f"sample {i + 1}" for i in range(len(pairs))],
        ),
        border="horizontal",
        alt="Correlations of the paper's four overlap samples with target and other sound",
    )
    st.caption(
        "ESC-50, from the companion website: pairs and levels chosen by hand; ours are drawn."
    )


def _against(view: View, row: Row) -> str:
    text = (
        f"**At equal level more of the target's sound energy passes into B than of the other clip's "
        f"in {percent(row['more'])} of {row['n']} explanations by {view.engine.explainer.title}; with "
        f"Random in {percent(row['random_more'])}.** "
    )
    if row["test_p"] is None:
        return text + "Random could never carry as much log energy."
    return text + (
        f"The difference between the two shares is larger than Random's in {row['test_greater']} "
        f"of the {row['test_n']} in which Random could carry as much log energy "
        f"({results.p_value(row['test_p'])})."
    )


def _told(view: View, row: Row) -> dict[str, Any]:
    """A row of the table, with Random's figure behind each."""
    told = {
        "interpreter": results.title(view.engine.bundle, row["interpreter"]),
        "target's level": level(row["snr_db"]),
        "n": row["n"],
    }
    for title, name, write in _COLUMNS:
        own, random = (maybe(row[f"{of}{name}"], write) for of in ("", "random_"))
        told[title] = f"{own} ({random})"
    return told


def _over_levels(mine: Sequence[Row], tau: float) -> None:
    colours, last = pictures.palette(), mine[-1]
    lines = (
        ("target", "followed_passed", colours.accent),
        ("other clip", "rest_passed", colours.neutral),
    )
    figures.chart(
        f"Where the target is {level(last['snr_db'])} above the other, "
        f"{percent(last['followed_passed'])} of its sound energy passes and "
        f"{percent(last['rest_passed'])} of the other's; Random: "
        f"{percent(last['random_followed_passed'])} and {percent(last['random_rest_passed'])} "
        f"(medians, n = {last['n']}, τ = {tau:.2f})",
        [curve(name, mine, measure, colour) for name, measure, colour in lines]
        + [
            curve(f"{name}, Random", mine, f"random_{measure}", colour, "dash", "diamond-open")
            for name, measure, colour in lines
        ],
        ENERGY,
        "the target's level above the other clip's, dB",
    )
