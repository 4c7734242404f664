"""The paper's noise experiment on the model's own test set, measured on request."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core.measure import noise_lab
from l2i_core.measure.noise_lab import BatchSummary, Row
from pages.noise import figures
from pages.noise.comparison import Corruption
from pages.noise.stored import ENERGY
from pages.shell import jobs, results, state
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name, decibels, percent, sentence

_COLUMNS = {
    "clip": "clip",
    "class": "f, clean clip",
    "predicted": "f, noisy clip",
    "place": "place by the interpreter",
    "probability": "probability of the class",
    "rest_passed": "noise passing",
    "followed_passed": "clip passing",
}


def draw(view: View, corruption: Corruption) -> None:
    """The tab."""
    st.subheader("Does it hold for the whole test set?", anchor=False)
    if corruption.other is not None:
        st.info("A test set is mixed with noise: choose white, pink or brown noise above.")
        return
    what = f"{corruption.kind} noise at {decibels(corruption.snr)}"
    own = corruption.kind != "white" or corruption.snr != 0
    st.markdown(
        "The paper adds white noise at 0 dB to its test clips and explains those whose class, "
        "f's decision on the clean clip, is among the interpreter's five highest on the noisy one"
        + (f". **Here: {what}, not the paper's setting.**" if own else ".")
        + (
            " This model hears several classes at once: each clip counts for its most probable one."
            if view.multi_label
            else ""
        )
    )
    try:
        data, test_clips = noise_lab.held_out(view.engine.bundle)
    except ValueError as error:
        st.info(sentence(str(error)))
        return
    engine, threshold, domain = view.engine, view.threshold, view.domain
    key = ("batch", view.key[:3], data, corruption.token, corruption.snr, threshold, domain)
    job = jobs.control(
        key,
        len(test_clips),
        lambda: noise_lab.batch(
            engine, test_clips, corruption.kind, corruption.snr, corruption.seed, threshold, domain
        ),
        f"Measure {len(test_clips)} clips of {data}",
    )
    if job is None:
        return
    try:
        summary = noise_lab.summarise(job.rows)
    except ValueError as error:
        st.error(sentence(str(error)))
        return
    _figures(view, summary, f"{data}, {what}")
    _energy(summary, job.rows)
    _clips(job.rows)
    with view.corner, st.popover("Download", width="stretch"):
        stem = f"{engine.bundle.name}-{engine.interpreter_name}-{corruption.file_name}"
        results.csv_buttons([("Rows", f"tau{threshold:.2f}", job.rows)], stem)


def _figures(view: View, summary: BatchSummary, what: str) -> None:
    """The paper's figure as a sentence, and the numbers in one row."""
    n, total = summary.n, len(view.engine.classes)
    interpreter = results.title(view.engine.bundle, view.engine.interpreter_name)
    about = f"({what}; τ = {view.threshold:.2f}; {interpreter})"
    if math.isnan(summary.top5):
        st.markdown(
            f"**f keeps its class in {round(summary.decision * n)} of {n} clips** {about}. This "
            "explainer has no order of classes among which one could survive."
        )
    else:
        st.markdown(
            f"**In {round(summary.top5 * n)} of {n} clips the class survives among the interpreter's "
            f"top 5** {about}. Without noise: {percent(summary.clean_top5)}; by chance, five of "
            f"{total} classes: {percent(min(noise_lab.TOP, total) / total)}."
        )
    shown = {
        "In interpreter's top 5": summary.top5,
        "Interpreter's first": summary.top1,
        "f keeps its class": summary.decision,
        f"Interpreter {view.engine.task.decides} what f {view.engine.task.decides}": summary.fidelity,
        "Sound energy of the noise in B": summary.rest_passed[1],
        "Sound energy of the clip in B": summary.followed_passed[1],
    }
    with st.container(horizontal=True, gap="medium", key="noise-batch"):
        for label, value in shown.items():
            st.metric(label, percent(value), width="content")


def _energy(summary: BatchSummary, rows: Sequence[Row]) -> None:
    """What of the noise and of the clip passes into B, clip by clip."""
    low, middle, high = (percent(share) for share in summary.rest_passed)
    text = (
        f"Of the noise's sound energy {middle} passes into B at the median, quartiles {low} and {high}; "
        f"n = {summary.n}"
    )
    st.markdown(f"**{text}**")
    shares = [
        np.array([row[c] for row in rows if "error" not in row])
        for c in ("rest_passed", "followed_passed")
    ]
    plots.chart(
        figures.quartile_bars(("noise", "clip"), shares, ENERGY, pictures.palette()),
        "batch-energy",
        f"{text}; of the clip's {percent(summary.followed_passed[1])}.",
        lively=True,
    )
    notes = [
        "Energies in B are medians. Where f itself gives up the class, an interpreter that follows "
        "f should give it up too; its agreement with f on the noisy clips says whether it does."
    ]
    if summary.empty:
        notes.append(f"In {summary.empty} nothing is selected for the class: B is silent.")
    if summary.left_out:
        first = next(row for row in rows if "error" in row)
        notes.append(f"{summary.left_out} left out, the first: {first['clip']}, {first['error']}")
    st.caption(" ".join(notes))


def _clips(rows: Sequence[Row]) -> None:
    """A line per clip, those that survive least first; the chosen one can be heard."""
    good = sorted(
        (row for row in rows if "error" not in row),
        key=lambda r: (-(r["place"] or 0), r["probability"]),
    )
    table = pd.DataFrame(good)[list(_COLUMNS)]
    table["predicted"] = table["predicted"].map(results.labelled)
    table["class"] = table["class"].map(class_name)
    share = st.column_config.NumberColumn(format="percent")
    chosen = st.dataframe(
        table.rename(columns=_COLUMNS),
        hide_index=True,
        key="batch-table",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "probability of the class": results.DECIMALS,
            "noise passing": share,
            "clip passing": share,
        },
        alt="Every clip: f's class clean and noisy, its place by the interpreter, sound energy passing",
    )
    picked = chosen["selection"]["rows"]
    if picked and picked[0] < len(good):
        _offer_clip(good[picked[0]])


def _offer_clip(row: Row) -> None:
    """A row's clip in the first tab, with the very noise that it was measured with."""
    here = results.sources([str(row["clip"])])[0]
    if here is None:
        st.caption(f"{row['clip']} is not among the clips that can be chosen here.")
        return
    st.button(f"Hear {row['clip']} with this noise", on_click=_hear, args=(here.id, row["seed"]))


def _hear(clip: str, seed: int) -> None:
    """Callback: another clip, explained for f's decision."""
    state.touch()
    state.put(clip=clip, seed=str(seed), tab="clip", window=None, own=None, **{"class": None})
