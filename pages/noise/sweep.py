"""The comparison of one clip over SNRs and seeds, measured on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from l2i_core.measure import noise_lab
from l2i_core.measure.study import Row
from pages.noise import comparison, figures, settings
from pages.noise.comparison import Comparison, Corruption
from pages.noise.figures import Curve
from pages.noise.stored import ENERGY
from pages.shell import jobs, results
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import THIN, class_name, decibels, number, percent, sentence

SEEDS = 3  # from the chosen one on


def draw(view: View, corruption: Corruption) -> None:
    """The tab."""
    compared = settings.compared(view, corruption)
    if compared is None:
        return
    engine, clip, levels = view.engine, view.analysis.waveform.numpy(), noise_lab.SNRS
    st.subheader(f"How much of it can “{class_name(view.target)}” bear?", anchor=False)
    seeds: tuple[int, ...] = (0,)  # an overlap has nothing to draw
    drawn = "one mixture each"
    if corruption.other is None:
        seeds = tuple(range(corruption.seed, corruption.seed + SEEDS))
        drawn = f"noises of seeds {seeds[0]} to {seeds[-1]}"
    st.markdown(
        f"From {decibels(levels[0])} to {decibels(levels[-1])} in steps of "
        f"{levels[1] - levels[0]:g}{THIN}dB, {drawn}, at τ = {view.threshold:.2f}."
    )
    what = (view.target, view.threshold, view.domain, compared.follows_other)
    job = jobs.control(
        ("sweep", view.key, corruption.token, *what),
        len(seeds) * len(levels),
        lambda: noise_lab.sweep(
            engine,
            clip,
            lambda seed: comparison.added(engine, len(clip), replace(corruption, seed=seed)),
            compared.target,
            view.threshold,
            view.domain,
            snrs=levels,
            seeds=seeds,
            name=corruption.what,
            follow_added=compared.follows_other,
        ),
        f"Measure {len(seeds) * len(levels)} mixtures",
    )
    if job is None:
        return
    grouped = _grouped(job.rows, len(seeds))
    if not grouped:
        st.markdown("Not one SNR is complete yet.")
        return
    _curves(view, corruption, compared, grouped)
    with view.corner, st.popover("Download", width="stretch"):
        stem = f"{view.source.id}-{corruption.kind}-sweep"
        results.csv_buttons([("Rows", view.target, job.rows)], stem)


def _grouped(rows: Sequence[Row], seeds: int) -> dict[float, list[Row]]:
    """Rows by the SNR that was asked for, those alone that have all seeds."""
    groups: dict[float, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["snr_asked"], []).append(row)
    return {level: group for level, group in groups.items() if len(group) == seeds}


def _curves(
    view: View, corruption: Corruption, compared: Comparison, grouped: Mapping[float, Sequence[Row]]
) -> None:
    """Four figures over SNR: f's probability, the two decisions, sound energy passing, FF."""

    def values(column: str) -> np.ndarray:
        """A value per SNR and seed."""
        return np.array([[row[column] for row in group] for group in grouped.values()], dtype=float)

    task, alone, (followed_name, rest_name) = view.engine.task, compared.alone, compared.names
    name, total = class_name(view.target), len(view.engine.classes)
    decision, ff, rest, followed = (
        values(column) for column in ("decision", "faithfulness", "rest_passed", "followed_passed")
    )
    n = decision.size
    top = (values("place") <= noise_lab.TOP).astype(float)
    near = int(np.abs(np.array(list(grouped)) - corruption.snr).argmin())
    medians = [percent(float(np.median(passed[near]))) for passed in (rest, followed)]
    clean = float(view.engine.probabilities(alone.analysis.logits)[compared.target])
    span, shares = (-0.03, 1.03), {"shares": True}
    four: list[tuple[str, list[Curve], str, dict[str, Any]]] = [
        (
            f"f {task.decides} {name} in {int(decision.sum())} of {n} mixtures",
            [Curve("probability", values("probability"), clean)],
            f"f's probability of {name}",
            {"span": span},
        ),
        (
            f"{sentence(name)} is among the interpreter's top 5 of {total} in {int(top.sum())} of {n}",
            [
                Curve("interpreter's top 5", top.mean(axis=1, keepdims=True)),
                Curve("f's decision", decision.mean(axis=1, keepdims=True)),
            ],
            "share of the mixtures",
            {"span": span, **shares},
        ),
        (
            f"At {decibels(list(grouped)[near])} {medians[0]} of the sound energy of {rest_name} "
            f"passes into B, {medians[1]} of {followed_name}",
            [
                Curve(rest_name, rest),
                Curve(followed_name, followed, alone.interpretation.energy_kept),
            ],
            ENERGY,
            shares,
        ),
        (
            f"FF is above zero in {int((ff > task.resolution).sum())} of {n} mixtures",
            [Curve("FF", ff, alone.verdict.faithfulness)],
            f"FF in {task.unit.name}",
            {},
        ),
    ]
    if compared.alone.analysis.interpreter_logits is None:  # no order of classes
        del four[1]
    for index, (title, curves, axis, more) in enumerate(four):
        if index % 2 == 0:
            columns = st.columns(2, gap="large")
        with columns[index % 2]:
            _figure(list(grouped), corruption.snr, title, curves, axis, more)
    each = (
        "Lines: medians over the seeds; dots: every seed"
        if corruption.other is None
        else ("One mixture for each SNR")
    )
    st.caption(
        f"{each}. Dashed: {compared.heads[0]}. Dotted: the SNR chosen above. With five places of "
        f"{total}, chance alone puts a class among the top 5 in "
        f"{percent(min(noise_lab.TOP, total) / total)} of cases."
    )


def _figure(
    levels: Sequence[float],
    chosen: float,
    title: str,
    curves: Sequence[Curve],
    axis: str,
    more: dict[str, Any],
) -> None:
    st.markdown(f"**{title}**")
    axis_x = "the clip's level above the added sound's, dB"
    figure = figures.over_snr(levels, curves, axis, chosen, pictures.palette(), axis_x, **more)
    medians = "; ".join(
        f"{c.name} {', '.join(number(float(m)) for m in np.median(c.values, 1))}" for c in curves
    )
    at = ", ".join(decibels(level) for level in levels)
    plots.chart(figure, f"sweep {axis}", f"{title}. {axis} at {at}: {medians}", lively=True)
