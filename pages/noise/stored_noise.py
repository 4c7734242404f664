"""The stored noise experiment: the class's survival over SNRs, and the energies in B."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.measure import metrics, noise_lab
from l2i_core.measure.experiments import PAPERS_SNR
from l2i_core.measure.study import Row
from pages.noise import figures
from pages.noise.figures import ENERGY, curve, level, maybe
from pages.shell import results
from pages.shell.view import View
from pages.show import pictures
from pages.show.words import logit, percent

QUESTION = "What does white noise do to the whole test set?"
DEFINITION = (
    "Class: f's decision on the clean clip. Passing: the share of the sound energy that the "
    "filter |B| / |A| of the noisy clip lets through. r: Pearson's, of B's waveform with the "
    "clip's and the noise's."
)
_SHARES = {
    "in its top 5": "top5",
    "its first": "top1",
    "f keeps its class": "decision",
    "f's new decision in its top 5": "noisy_top5",
    "clip passing": "followed_passed",
    "noise passing": "rest_passed",
}
_CORRELATIONS = {"r with clip": "followed_correlation", "r with noise": "rest_correlation"}


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
            "components": passing["components"],
            "empty": passing["empty"],
            **figures.quartiles(passing),
        }
        for clips, snr, table in levels
        for threshold, passing in table["thresholds"].items()
    ]


def draw(view: View, shown: Sequence[Row], tau: float) -> None:
    """The paper's 0 dB on all clips, then the curve over SNRs."""
    mine = [row for row in shown if row["interpreter"] == view.engine.interpreter_name]
    own = next((row for row in mine if row["clips"] == "all"), None)
    if own is not None:
        st.markdown(survival(view, own, own["interpreter"], "0 dB"))
    st.markdown(f"**Every interpreter at 0 dB, τ = {tau:.2f}, medians over clips**")
    whole = [row for row in shown if row["clips"] == "all"]
    lines = {
        "interpreter": [results.title(view.engine.bundle, row["interpreter"]) for row in whole],
        "n": [row["n"] for row in whole],
    }
    for columns, write in ((_SHARES, percent), (_CORRELATIONS, logit)):
        lines |= {title: [maybe(row[c], write) for row in whole] for title, c in columns.items()}
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        alt="Every interpreter at 0 dB: shares of clips, sound energy passing, correlations",
    )
    if swept := [row for row in mine if row["clips"] == "swept"]:
        _over_snr(swept, tau)


def survival(view: View, table: Mapping[str, Any], interpreter: str, where: str) -> str:
    """How often the class survives by a table of the experiment (`experiments.noise_table`)."""
    n, total = table["n"], len(view.engine.classes)
    keeps = f"f itself keeps its class on {percent(table['decision'])}"
    if table["top5"] is None:
        return f"**{keeps} of {n} clips** ({where}); this explainer has no order of classes."
    kept = round(table["top5"] * n)
    low, high = metrics.wilson_interval(kept, n)
    title = results.title(view.engine.bundle, interpreter)
    return (
        f"**The class survives among the top 5 of {title} on {kept} of {n} clips** ({where}; "
        f"{percent(table['top5'])}, 95 % interval {results.interval(low, high)}). Without noise: "
        f"{percent(table['clean_top5'])}; by chance, five of {total} classes: "
        f"{percent(min(noise_lab.TOP, total) / total)}. {keeps}: where f gives it up, an "
        "interpreter that follows f should too."
    )


def _over_snr(swept: Sequence[Row], tau: float) -> None:
    colours, first, last, n = pictures.palette(), swept[0], swept[-1], swept[0]["n"]
    quiet = next((row for row in swept if row["snr_db"] == PAPERS_SNR), first)
    axis_x = "the clip's level above the noise's, dB"
    places = maybe(first["top5"], percent), maybe(last["top5"], percent)
    left, right = st.columns(2, gap="large")
    with left:
        figures.chart(
            f"At {level(first['snr_db'])} the class is in the top 5 on {places[0]} of {n} clips, at "
            f"{level(last['snr_db'])} on {places[1]}; f keeps it on {percent(first['decision'])} "
            f"and {percent(last['decision'])}",
            [
                curve("in the interpreter's top 5", swept, "top5", colours.accent),
                curve("its first", swept, "top1", colours.accent, "dash", "diamond"),
                curve("f keeps it", swept, "decision", colours.neutral),
            ],
            "share of the clips",
            axis_x,
        )
    with right:
        figures.chart(
            f"At 0 dB {percent(quiet['followed_passed'])} of the clip's sound energy passes into B "
            f"and {percent(quiet['rest_passed'])} of the noise's (medians, n = {n}, τ = {tau:.2f})",
            [
                curve("clip", swept, "followed_passed", colours.accent),
                curve("noise", swept, "rest_passed", colours.neutral),
            ],
            ENERGY,
            axis_x,
        )
