"""The stored noise experiment: the class's survival over SNRs, and the energies in B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.measure import metrics, noise_lab
from l2i_core.measure.experiments import PAPERS_SNR
from l2i_core.measure.study import Row
from pages.noise import stored
from pages.noise.stored import Blocks, maybe
from pages.shell import results
from pages.shell.view import View
from pages.show import pictures
from pages.show.words import logit, percent

QUESTION = "What does white noise do to the whole test set?"
TELLS = (
    "how often the class survives white noise from −10 to 30 dB, and how much of clip and noise "
    "passes into B"
)


def rows(interpreter: str, block: Mapping[str, Any]) -> list[Row]:
    """An interpreter's figures, a row per set of clips, SNR and τ; "all" is the whole test set."""
    levels = [("all", PAPERS_SNR, block["test_set"])]
    levels += [("swept", float(snr), table) for snr, table in block["levels"].items()]
    shares = ("n", "top5", "top1", "clean_top5", "decision", "noisy_top5")
    return [
        {
            "interpreter": interpreter,
            "clips": clips,
            "snr_db": snr,
            **{name: table[name] for name in shares},
            "threshold": float(threshold),
            **stored.figures(figures),
        }
        for clips, snr, table in levels
        for threshold, figures in table["thresholds"].items()
    ]


def draw(view: View, blocks: Blocks, rows: Sequence[Row]) -> None:
    """The paper's 0 dB on all clips, then the curve over SNRs."""
    tau = stored.nearest(view, rows)
    shown = [row for row in rows if row["threshold"] == tau]
    whole = [row for row in shown if row["clips"] == "all"]
    mine = [row for row in shown if row["interpreter"] == view.engine.interpreter_name]
    own = next((row for row in mine if row["clips"] == "all"), None)
    if own is not None:
        st.markdown(_finding(view, own))
    st.markdown(f"**Every interpreter at 0 dB, τ = {tau:.2f}, medians over clips**")
    st.dataframe(
        pd.DataFrame(
            {
                "interpreter": stored.title(view, row),
                "n": row["n"],
                "in its top 5": percent(row["top5"]),
                "its first": percent(row["top1"]),
                "f keeps its class": percent(row["decision"]),
                "f's new decision in its top 5": percent(row["noisy_top5"]),
                "clip passing": maybe(row["followed_passed"], percent),
                "noise passing": maybe(row["rest_passed"], percent),
                "r with clip": maybe(row["followed_correlation"], logit),
                "r with noise": maybe(row["rest_correlation"], logit),
            }
            for row in whole
        ),
        hide_index=True,
        alt="Every interpreter at 0 dB: shares of clips, sound energy passing, correlations",
    )
    swept = [row for row in mine if row["clips"] == "swept"]
    if own is None:
        st.caption(stored.not_measured(view))
    elif swept:
        _over_snr(swept, tau)
    stored.provenance(
        view,
        blocks,
        "Class: f's decision on the clean clip. Passing: the share of the sound energy that the "
        "filter |B| / |A| of the noisy clip lets through. r: Pearson's, of B's waveform with the "
        "clip's and the noise's.",
    )


def _finding(view: View, own: Row) -> str:
    kept, n, total = round(own["top5"] * own["n"]), own["n"], len(view.engine.classes)
    low, high = metrics.wilson_interval(kept, n)
    return (
        f"**At 0 dB the class survives among the top 5 of {stored.title(view, own)} on {kept} of "
        f"{n} clips** ({percent(own['top5'])}, 95 % interval {results.interval(low, high)}). "
        f"Without noise: {percent(own['clean_top5'])}; by chance, five of {total} classes: "
        f"{percent(min(noise_lab.TOP, total) / total)}. f itself keeps its class on "
        f"{percent(own['decision'])}: where f gives it up, an interpreter that follows f should too."
    )


def _over_snr(swept: Sequence[Row], tau: float) -> None:
    colours, first, last, n = pictures.palette(), swept[0], swept[-1], swept[0]["n"]
    quiet = next((row for row in swept if row["snr_db"] == PAPERS_SNR), first)
    axis_x = "the clip's level above the noise's, dB"
    left, right = st.columns(2, gap="large")
    with left:
        stored.chart(
            "noise-shares",
            f"At {stored.level(first['snr_db'])} the class is in the top 5 on "
            f"{percent(first['top5'])} of {n} clips, at {stored.level(last['snr_db'])} on "
            f"{percent(last['top5'])}; f keeps it on {percent(first['decision'])} and "
            f"{percent(last['decision'])}",
            [
                stored.curve("in the interpreter's top 5", swept, "top5", colours.accent),
                stored.curve("its first", swept, "top1", colours.accent, "dash", "diamond"),
                stored.curve("f keeps it", swept, "decision", colours.neutral),
            ],
            "share of the clips",
            axis_x,
        )
    with right:
        stored.chart(
            "noise-energy",
            f"At 0 dB {percent(quiet['followed_passed'])} of the clip's sound energy passes into B "
            f"and {percent(quiet['rest_passed'])} of the noise's (medians, n = {n}, τ = {tau:.2f})",
            [
                stored.curve("clip", swept, "followed_passed", colours.accent),
                stored.curve("noise", swept, "rest_passed", colours.neutral),
            ],
            stored.ENERGY,
            axis_x,
        )
