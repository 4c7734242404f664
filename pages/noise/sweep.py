"""The comparison of one clip over SNRs and seeds, measured on request."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import streamlit as st

from l2i_core.measure import noise_lab
from pages.noise import comparison, figures, settings
from pages.noise.comparison import Comparison, Corruption
from pages.noise.figures import ENERGY
from pages.shell import jobs, results, state
from pages.shell.view import View
from pages.show import pictures
from pages.show.plots import Line
from pages.show.words import THIN, class_name, decibels, logit, percent, sentence

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
        f"{comparison.bearable(view, corruption, compared)} Measured from {decibels(levels[0])} to "
        f"{decibels(levels[-1])} in steps of {levels[1] - levels[0]:g}{THIN}dB, {drawn}, at τ = {view.threshold:.2f}."
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
    frame = pd.DataFrame(job.rows)
    whole = frame[frame.groupby("snr_asked")["seed"].transform("size") == len(seeds)]
    if whole.empty:
        st.markdown("Not one SNR is complete yet.")
        return
    _cards(view, whole)
    _curves(view, corruption, compared, whole)
    with view.corner, st.popover("Download", width="stretch"):
        stem = f"{view.source.id}-{corruption.kind}-sweep"
        results.csv_buttons([("Rows", view.target, job.rows)], stem)


def _cards(view: View, rows: pd.DataFrame) -> None:
    """One for each SNR, which opens there."""
    st.markdown(
        f"Mixtures in which f {view.engine.task.decides} {class_name(view.target)}; choose a level "
        "to hear it:"
    )
    with st.container(horizontal=True, gap="small", key="noise-cards"):
        for snr, decisions in rows.groupby("snr_asked")["decision"]:
            st.button(
                f"**{figures.level(snr)}** · {decisions.sum()} of {len(decisions)}",
                on_click=state.chose,
                kwargs={"snr": f"{snr:.0f}", "tab": "clip"},
            )


def _curves(view: View, corruption: Corruption, compared: Comparison, rows: pd.DataFrame) -> None:
    """Four figures over SNR: f's probability, the two decisions, sound energy passing, FF."""
    rows = rows.assign(top=rows["place"].astype(float) <= noise_lab.TOP)
    levels = sorted(rows["snr_asked"].unique().tolist())
    colours, task, n = pictures.palette(), view.engine.task, len(rows)
    name, total = class_name(view.target), len(view.engine.classes)
    alone, (followed, rest) = compared.sides[0], compared.names
    clean = float(view.engine.probabilities(alone.analysis.logits)[compared.target])
    near = rows[rows["snr_asked"] == min(levels, key=lambda snr: abs(snr - corruption.snr))]
    passing, other = (percent(near[c].median()) for c in ("followed_passed", "rest_passed"))

    def over(title: str, column: str, colour: str) -> Line:
        """Medians over the seeds, with the band of all seeds."""
        table = rows.groupby("snr_asked")[column].agg(["median", "min", "max"])
        middle, *band = (table[c].tolist() for c in table)
        return Line(title, levels, middle, colour, band=(band[0], band[1]))

    def share(title: str, column: str, colour: str, dash: str) -> Line:
        y = rows.groupby("snr_asked")[column].mean().tolist()
        return Line(title, levels, y, colour, dash)

    def without(value: float) -> Line:
        return Line(compared.heads[0], levels, [value] * len(levels), colours.accent, "dash")

    four: list[tuple[str, list[Line], str, Callable[[float], str]]] = [
        (
            f"f {task.decides} {name} in {rows['decision'].sum()} of {n} mixtures",
            [over("probability", "probability", colours.accent), without(clean)],
            f"f's probability of {name}",
            logit,
        ),
        (
            f"{sentence(name)} is among the interpreter's top 5 of {total} in {rows['top'].sum()} "
            f"of {n} (by chance: {percent(min(noise_lab.TOP, total) / total)})",
            [
                share("interpreter's top 5", "top", colours.accent, "solid"),
                share("f's decision", "decision", colours.neutral, "dot"),
            ],
            "share of the mixtures",
            percent,
        ),
        (
            f"At {decibels(near['snr_asked'].iloc[0])} {other} of the sound energy of {rest} passes "
            f"into B, {passing} of {followed}",
            [
                over(rest, "rest_passed", colours.neutral),
                over(followed, "followed_passed", colours.accent),
                without(alone.interpretation.energy_kept),
            ],
            ENERGY,
            percent,
        ),
        (
            f"FF is above zero in {(rows['faithfulness'] > task.resolution).sum()} of {n} mixtures",
            [
                over("FF", "faithfulness", colours.accent),
                without(alone.verdict.faithfulness),
            ],
            f"FF in {task.unit.name}",
            logit,
        ),
    ]
    if alone.analysis.interpreter_logits is None:  # no order of classes
        del four[1]
    axis_x = "the clip's level above the added sound's, dB"
    for index, (title, curves, axis, write) in enumerate(four):
        if index % 2 == 0:
            places = st.columns(2, gap="large")
        with places[index % 2]:
            limit = comparison.limit(view, corruption, compared) if index == 0 else None
            figures.chart(title, curves, axis, axis_x, corruption.snr, write, limit)
    each = "Medians and bands of all seeds" if corruption.other is None else "One mixture per SNR"
    st.caption(f"{each}. Dotted upright: the SNR chosen above.")
