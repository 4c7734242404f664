"""The paper's noise experiment on the model's own test set, measured on request."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core.data.sets import held_out
from l2i_core.measure.experiments import Settings, noise_rows, noise_table
from l2i_core.measure.study import Row, measured
from pages.noise.comparison import Corruption
from pages.noise.figures import ENERGY, maybe
from pages.noise.stored_noise import survival
from pages.shell import jobs, results, state
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name, decibels, masked, percent, sentence

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
    text = (
        "The paper adds white noise at 0 dB to its test clips: is the class, f's decision on the "
        "clean clip, still among the interpreter's five highest?"
    )
    if corruption.kind != "white" or corruption.snr != 0:
        text += f" **Here: {what}, not the paper's setting.**"
    if view.engine.task.multi_label:
        text += " Each clip counts for its most probable class."
    st.markdown(text)
    engine, threshold, domain = view.engine, view.threshold, view.domain
    try:
        data, clips = held_out(engine.bundle.training, engine.bundle.name)
    except ValueError as error:
        st.info(sentence(str(error)))
        return
    key = ("batch", view.key[:4], data, corruption.token, corruption.snr, threshold, domain)
    settings = Settings(corruption.seed, (threshold,), domain, kind=corruption.kind)

    def rows() -> Iterator[Row]:
        for index in range(len(clips)):
            yield from noise_rows(engine, clips, (index, float(corruption.snr)), settings)

    job = jobs.control(key, len(clips), rows, f"Measure {len(clips)} clips of {data}")
    if job is None:
        return
    try:
        good = measured(job.rows)
    except ValueError as error:
        st.error(sentence(str(error)))
        return
    table = noise_table(good)
    (passing,) = table["thresholds"].values()
    told = f"{data}, {what}; τ = {threshold:.2f}, masks on {masked(domain)}"
    st.markdown(survival(view, table, engine.interpreter_name, told))
    _figures(view, good, table, passing)
    _energy(good, passing, [row for row in job.rows if "error" in row])
    _clips(good)
    with view.corner, st.popover("Download", width="stretch"):
        stem = f"{engine.bundle.name}-{engine.interpreter_name}-{corruption.file_name}"
        folds = {clip.name: clip.fold for clip in clips}
        rows_with_folds = [{**row, "fold": folds[row["clip"]]} for row in job.rows]
        results.csv_buttons([("Rows", f"tau{threshold:.2f}", rows_with_folds)], stem)


def _figures(
    view: View, good: Sequence[Row], table: dict[str, Any], passing: dict[str, Any]
) -> None:
    """The numbers in one row."""
    verb, follows = view.engine.task.decides, None
    if table["top5"] is not None:
        follows = np.mean([row["predicted"] == row["interpreter_predicted"] for row in good])
    shown = {
        "In interpreter's top 5": table["top5"],
        "Interpreter's first": table["top1"],
        "f keeps its class": table["decision"],
        f"Interpreter {verb} what f {verb}": follows,
        "Sound energy of the noise in B": passing["rest_passed"]["median"],
        "Sound energy of the clip in B": passing["followed_passed"]["median"],
    }
    with st.container(horizontal=True, gap="medium", key="noise-batch"):
        for label, value in shown.items():
            st.metric(label, maybe(value, percent), width="content")


def _energy(good: Sequence[Row], passing: dict[str, Any], left_out: Sequence[Row]) -> None:
    """What of the noise and of the clip passes into B, clip by clip: a dot each, jittered by a fixed
    seed, over a box of median and quartiles."""
    low, middle, high = (percent(passing["rest_passed"][q]) for q in ("q25", "median", "q75"))
    text = (
        f"Of the noise's sound energy {middle} passes into B at the median, of the clip's "
        f"{percent(passing['followed_passed']['median'])} (noise's quartiles {low} and {high}; "
        f"n = {len(good)})"
    )
    colours = pictures.palette()
    axis = {"title": ENERGY, "tickformat": ".0%", "rangemode": "tozero", "showgrid": True}
    figure = plots.figure_of(colours, 230, axis, plots.NAMES, margin={"t": 10, "r": 12})
    for name, column, colour in (
        ("noise", "rest_passed", colours.accent),
        ("clip", "followed_passed", colours.neutral),
    ):
        figure.add_box(
            x=[row[column] for row in good],
            name=name,
            orientation="h",
            boxpoints="all",
            jitter=0.6,
            pointpos=0,
            marker={"color": plots.faded(colour, 0.5), "size": 5},
            line={"color": colour, "width": 1.5},
            fillcolor="rgba(0,0,0,0)",
            hoverinfo="x",
        )
    plots.finding(text, figure, "batch-energy")
    notes = []
    if passing["empty"]:
        notes.append(f"In {passing['empty']} nothing is selected for the class: B is silent.")
    if left_out:
        first = left_out[0]
        notes.append(f"{len(left_out)} left out, the first: {first['clip']}, {first['error']}")
    if notes:
        st.caption(" ".join(notes))


def _clips(good: Sequence[Row]) -> None:
    """A line per clip, those that survive least first; the chosen one can be heard with the very
    noise that it was measured with."""
    good = sorted(good, key=lambda r: (-(r["place"] or 0), r["probability"]))
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
        alt="Every clip: f's class clean and noisy, its place by the interpreter, what passes",
    )
    picked = chosen["selection"]["rows"]
    if not picked or picked[0] >= len(good):
        return
    row = good[picked[0]]
    here = results.sources([str(row["clip"])])[0]
    if here is None:
        st.caption(f"{row['clip']} is not among the clips that can be chosen here.")
        return
    anew = {"tab": "clip", "seed": str(row["seed"]), **dict.fromkeys(("window", "own", "class"))}
    label = f"Hear {row['clip']} with this noise"
    st.button(label, on_click=state.chose, kwargs={"clip": here.id, **anew})
