"""The Noise lab's series of mixtures, measured on request: one clip over SNRs, a whole test set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core import noise_lab
from l2i_core.evaluation import to_csv
from l2i_core.metrics import drop_resolution
from l2i_core.noise_lab import BatchSummary, Row
from pages.shared import comparisons, decisions, jobs, noises, pictures, plots, results, state
from pages.shared.context import View
from pages.shared.noises import Comparison, Corruption
from pages.shared.words import THIN, class_name, decibels, number, percent, sentence


def sweep(
    view: View, corruption: Corruption, comparison: Comparison, names: tuple[str, str]
) -> None:
    """The measures of one clip over SNRs and seeds, on request."""
    follow = comparison.mixture.followed is not noises.mixture(view, corruption).followed
    name = class_name(view.target)
    levels = noise_lab.SNRS
    st.subheader(f"How much of it can “{name}” bear?", anchor=False)
    seeds = noises.sweep_seeds(corruption)
    drawn = f"noises of seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else "one mixture each"
    st.markdown(
        f"From {decibels(levels[0])} to {decibels(levels[-1])} in steps of "
        f"{levels[1] - levels[0]:g}{THIN}dB, {drawn}, at τ = {view.threshold:.2f}."
    )
    key = noises.sweep_key(view, corruption, follow)
    total, rows = noises.sweep(view, corruption, follow)
    job = jobs.control(key, total, rows, f"Measure {total} mixtures")
    if job is None:
        return
    grouped = _grouped(job.rows, len(seeds))
    if not grouped:
        st.markdown("Not one SNR is complete yet.")
        return
    _curves(view, corruption, comparison, names, grouped)
    st.download_button(
        "Rows (CSV)",
        to_csv(job.rows),
        f"{view.source.id}-{corruption.kind}-sweep-{view.target}.csv",
        "text/csv",
        on_click="ignore",
    )


def _grouped(rows: Sequence[Row], seeds: int) -> dict[float, list[Row]]:
    """Rows by the SNR that was asked for, those alone that have all seeds."""
    groups: dict[float, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["snr_asked"], []).append(row)
    return {level: group for level, group in groups.items() if len(group) == seeds}


def _curves(
    view: View,
    corruption: Corruption,
    comparison: Comparison,
    names: tuple[str, str],
    grouped: dict[float, list[Row]],
) -> None:
    levels, name = list(grouped), class_name(view.target)

    def values(column: str) -> np.ndarray:
        return np.array([[float(row[column]) for row in group] for group in grouped.values()])

    chance, decision, place = values("probability"), values("decision"), values("place")
    rest, followed, ff = values("rest_passed"), values("followed_passed"), values("faithfulness")
    alone, n = comparison.alone, place.size
    near = int(np.abs(np.array(levels) - corruption.snr).argmin())
    total = len(view.engine.classes)
    clean = float(view.engine.probabilities(alone.analysis.logits)[comparison.target])
    top = (place <= noise_lab.TOP).astype(float)
    four = (
        (
            f"f {'hears' if view.multi_label else 'decides for'} {name} in {int(decision.sum())} of "
            f"{n} mixtures",
            [comparisons.Curve("probability", chance, clean)],
            f"f's probability of {name}",
            {"span": (-0.03, 1.03)},
        ),
        (
            f"{sentence(name)} is among the interpreter's top 5 of {total} in {int(top.sum())} of {n}",
            [
                comparisons.Curve("interpreter's top 5", top.mean(axis=1, keepdims=True)),
                comparisons.Curve("f's decision", decision.mean(axis=1, keepdims=True)),
            ],
            "share of the mixtures",
            {"span": (-0.03, 1.03), "shares": True},
        ),
        (
            f"At {decibels(levels[near])} {percent(float(np.median(rest[near])))} of the sound energy of "
            f"{names[1]} passes into B, {percent(float(np.median(followed[near])))} of {names[0]}",
            [
                comparisons.Curve(names[1], rest),
                comparisons.Curve(names[0], followed, alone.made.energy_kept),
            ],
            "share of the sound energy",
            {"shares": True},
        ),
        (
            f"FF is above zero in {int((ff > drop_resolution(view.multi_label)).sum())} of {n} "
            "mixtures",
            [comparisons.Curve("FF", ff, alone.verdict.faithfulness)],
            f"FF in {decisions.unit_of(view.engine).name}",
            {},
        ),
    )
    sources = "the clip's level above the added sound's, dB"
    for row in range(2):
        pair = zip(st.columns(2, gap="large"), four[2 * row : 2 * row + 2], strict=True)
        for index, (column, (title, curves, axis, more)) in enumerate(pair):
            column.markdown(f"**{title}**")
            column.plotly_chart(
                comparisons.over_snr(
                    levels, curves, axis, corruption.snr, pictures.palette(), sources, **more
                ),
                key=f"sweep-{row}-{index}",
                theme=None,
                config=plots.LIVELY,
                alt=f"{title}. {axis} at {', '.join(decibels(level) for level in levels)}: "
                + "; ".join(
                    f"{curve.name} {', '.join(number(float(m)) for m in np.median(curve.values, 1))}"
                    for curve in curves
                ),
            )
    st.caption(
        f"{'Lines: medians over the seeds; dots: every seed' if place.shape[1] > 1 else 'One mixture for each SNR'}"
        f". Dashed: {names[0]} alone. Dotted: the SNR chosen above. With five places of {total}, chance "
        f"alone puts a class among the top 5 in {percent(min(noise_lab.TOP, total) / total)} of cases."
    )


def batch(view: View, corruption: Corruption) -> None:
    """The paper's noise experiment on the model's own test set."""
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
    _batch_figures(view, summary, job.rows, f"{data}, {what}", job.complete)
    st.download_button(
        "Rows (CSV)",
        to_csv(job.rows),
        f"{engine.bundle.name}-{engine.interpreter_name}-{corruption.file_name}"
        f"-tau{threshold:.2f}.csv",
        "text/csv",
        on_click="ignore",
    )


def _batch_figures(
    view: View, summary: BatchSummary, rows: Sequence[Row], what: str, complete: bool
) -> None:
    n, total = summary.n, len(view.engine.classes)
    many = f"{n} clips" if complete else f"the first {n} clips"
    counted = f"{round(summary.top5 * n)} of {n}"
    chance = min(noise_lab.TOP, total) / total
    interpreter = view.engine.bundle.interpreter_info[view.engine.interpreter_name].title
    st.markdown(
        f"**In {counted} clips the class survives among the interpreter's top 5** "
        f"({what}; τ = {view.threshold:.2f}; {interpreter}). "
        f"Without noise: {percent(summary.clean_top5)}; by chance, five of {total} classes: "
        f"{percent(chance)}."
    )
    with st.container(horizontal=True, gap="medium", key="noise-batch"):
        for label, value in (
            ("In interpreter's top 5", percent(summary.top5)),
            ("Interpreter's first", percent(summary.top1)),
            ("f keeps its class", percent(summary.decision)),
            (
                "Interpreter hears what f hears"
                if view.multi_label
                else "Interpreter agrees with f",
                percent(summary.fidelity),
            ),
            ("Sound energy of the noise in B", percent(summary.rest_passed[1])),
            ("Sound energy of the clip in B", percent(summary.followed_passed[1])),
        ):
            st.metric(label, value, width="content")
    good = [row for row in rows if "error" not in row]
    low, middle, high = summary.rest_passed
    st.markdown(
        f"**Of the noise's sound energy {percent(middle)} passes into B at the median, quartiles "
        f"{percent(low)} and {percent(high)}; n = {n}**"
    )
    shares = [np.array([row[c] for row in good]) for c in ("rest_passed", "followed_passed")]
    st.plotly_chart(
        comparisons.quartile_bars(
            ("noise", "clip"), shares, "share of the sound energy", pictures.palette()
        ),
        key="batch-energy",
        theme=None,
        config=plots.LIVELY,
        alt=f"Sound energy passing into B over {many}: noise {percent(middle)} at the median "
        f"({percent(low)} to {percent(high)}), clip {percent(summary.followed_passed[1])}.",
    )
    notes = [
        "Energies in B are medians. Where f itself gives up the class, an interpreter that follows "
        "f should give it up too; its agreement with f on the noisy clips says whether it does."
    ]
    if summary.empty:
        notes.append(
            f"In {summary.empty} of {n} nothing is selected for the class: B is silent, and 0 % "
            "passes."
        )
    if summary.left_out:
        first = next(row for row in rows if "error" in row)
        notes.append(f"{summary.left_out} left out, the first: {first['clip']}, {first['error']}")
    st.caption(" ".join(notes))
    table = pd.DataFrame(good)[
        ["clip", "class", "predicted", "place", "probability", "rest_passed", "followed_passed"]
    ]
    table["predicted"] = table["predicted"].map(results.labelled)
    table["class"] = table["class"].map(class_name)
    table = table.sort_values(["place", "probability"], ascending=[False, True])
    chosen = st.dataframe(
        table,
        hide_index=True,
        key="batch-table",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "class": "f, clean clip",
            "predicted": "f, noisy clip",
            "place": "place by the interpreter",
            "probability": st.column_config.NumberColumn("probability of the class", format="%.2f"),
            "rest_passed": st.column_config.NumberColumn("noise passing", format="percent"),
            "followed_passed": st.column_config.NumberColumn("clip passing", format="percent"),
        },
        alt="Every clip: f's class clean and noisy, its place by the interpreter, sound energy passing",
    )
    picked = chosen["selection"]["rows"]
    if picked and picked[0] < len(table):
        row = good[table.index[picked[0]]]
        _offer_clip(row)


def _offer_clip(row: Row) -> None:
    """A row's clip in the first tab, with the very noise that it was measured with."""
    here = results.sources([row])[0]
    if here is None:
        st.caption(f"{row['clip']} is not among the clips that can be chosen here.")
        return
    st.button(f"Hear {row['clip']} with this noise", on_click=_hear, args=(here.id, row["seed"]))


def _hear(clip: str, seed: int) -> None:
    """Callback: another clip, explained for f's decision."""
    state.touch()
    state.put(clip=clip, seed=str(seed), tab="clip", window=None, own=None, **{"class": None})
