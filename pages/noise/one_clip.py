"""A sound alone and in the mixture: heard, seen, counted."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import streamlit as st
from torch import Tensor

from l2i_core.measure import noise_lab
from l2i_core.measure.explained import Explained
from l2i_core.measure.random import KINDS
from l2i_core.words import TITLES
from pages.noise import comparison, files, settings
from pages.noise.comparison import Comparison, Corruption
from pages.shell import cached, components, decisions
from pages.shell.view import View
from pages.show import pictures, plots, sounds, terms
from pages.show.sounds import Question, Sound
from pages.show.words import class_name, decibels, logit, percent, sentence

_SIDES = ("alone", "mixture")
_PARTS = [
    ("input", "A", "input"),
    ("interpretation", "B", "what it listened to"),
    ("residual", "C", "what is left"),
]
_SHOWN = 8  # components in the figure of relevances


def draw(view: View, corruption: Corruption) -> None:
    """The tab."""
    compared = settings.compared(view, corruption)
    if compared is None:
        return
    found, place = finding(view, compared), st.empty()
    place.markdown(found)
    # Where the interpreter does not follow f, before anybody hears what it says f listened to.
    heads = (compared.heads[0], f"the mixture {compared.heads[1]}")
    for side, head in zip(compared.sides, heads, strict=True):
        if warning := decisions.disagreement(view.engine, side.analysis, view.target, head):
            st.warning(warning)
    _figures(view, compared)
    if not compared.sides[1].interpretation.selected:
        _nothing_selected(view, compared)
    _hear(view, compared)
    left, right = st.columns([6, 5], gap="large")
    with left:
        above = st.container()
        energy(compared)
    with right:
        relevances(view, compared)
    with above:
        changes(view, compared)
    place.markdown(f"{found} {comparison.bearable(view, corruption, compared)}")
    files.downloads(view, corruption, compared)


def finding(view: View, compared: Comparison) -> str:
    """Whether `Comparison.decision` survives in f and in the interpreter."""
    engine, says = view.engine, view.engine.task.decides
    clean, mixed = (side.analysis for side in compared.sides)
    c = compared.decision
    name, total = class_name(engine.classes[c]), len(engine.classes)
    before, after = (_chance(view, a.logits, c) for a in (clean, mixed))
    was, now = (c in engine.decided(a.logits) for a in (clean, mixed))
    told = {
        (True, True): f"f still {says} **{name}**",
        (True, False): f"f no longer {says} **{name}**",
        (False, True): f"f {says} **{name}**, which it did not before",
        (False, False): f"f {says} **{name}** as little as before",
    }[was, now]
    text = (
        f"With {compared.names[1]} added at {decibels(compared.mixture.snr_db)} SNR {told} "
        f"({before:.2f} → {after:.2f})"
    )
    if engine.decided(mixed.logits) != (c,):
        text += f"; it {says} {decisions.with_chances(engine, mixed.logits)}"
    theirs = mixed.interpreter_logits
    if theirs is None:
        return f"{text}."
    if engine.task.multi_label:
        hears = "hears" if c in engine.decided(theirs) else "does not hear"
        return f"{text}. The interpreter {hears} {name} there ({_chance(view, theirs, c):.2f})."
    place = noise_lab.place(theirs, c)
    assert place is not None  # it has logits
    if place == 1:
        return f"{text}. For the interpreter {name} is still the first of {total} classes."
    where = "among" if place <= noise_lab.TOP else "outside"
    return (
        f"{text}. The interpreter has {name} at place {place} of {total}: {where} its top "
        f"{noise_lab.TOP}."
    )


def _figures(view: View, compared: Comparison) -> None:
    """The numbers that the page is about, in one row."""
    c = compared.target
    ours = [f"{_chance(view, side.analysis.logits, c):.2f}" for side in compared.sides]
    followed, rest = compared.names
    passing = {rest: compared.passed.rest, followed: compared.passed.target}
    with st.container(horizontal=True, gap="medium", key="noise-figures"):
        title = f"f's probability of {class_name(view.target)}"
        st.metric(title, " → ".join(ours), width="content")
        for name, part in passing.items():
            title, why = f"{sentence(name)} in B", terms.told("Passing")
            st.metric(title, percent(part.share), width="content", help=why)


def _chance(view: View, logits: Tensor, c: int) -> float:
    return float(view.engine.probabilities(logits)[c])


def _nothing_selected(view: View, compared: Comparison) -> None:
    now = view.engine.classes[compared.sides[1].analysis.predicted]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            "**Nothing is selected in the mixture:** no component has a relevance above "
            f"τ = {view.threshold:.2f} for “{class_name(view.target)}”, so B is silence there. Raise "
            "the SNR to find where the sound comes back."
        )
        if now != view.target:
            st.button(
                f"Explain “{class_name(now)}” instead",
                on_click=settings.explain,
                args=(now,),
                help=f"f's decision on the mixture with {compared.names[1]}",
            )


def changes(view: View, compared: Comparison) -> None:
    """The decision and the faithfulness of both explanations; Random's draws come last."""
    st.subheader(
        "What changed in the decision?",
        anchor=False,
        help=terms.told("FF", "Energy-matched Random"),
    )
    place = st.empty()

    def table(random: Sequence[str]) -> None:
        sides = zip(compared.heads, compared.sides, random, strict=True)
        rows = {head: _changes(side, drop) for head, side, drop in sides}
        alt = f"f and the interpreter on both, for {class_name(view.target)}"
        place.table(pd.DataFrame(rows), border="horizontal", alt=alt)

    table(("…", "…"))
    draws = [
        cached.randoms(side, KINDS[1:])[0] if side.interpretation.selected else None
        for side in compared.sides
    ]
    less = " (all others hold less)"
    told = [few and logit(few.median) + ("" if few.as_much else less) for few in draws]
    table([text or "–" for text in told])


def _changes(side: Explained, random: str) -> dict[str, str]:
    engine, verdict, made = side.engine, side.verdict, side.interpretation
    index, name = made.target_index, class_name(made.target)
    unit, says = engine.task.unit, engine.task.decides
    three = (verdict.logits, verdict.logits_interpretation, verdict.logits_without)
    told = [decisions.with_chances(engine, x) for x in three]
    scores = [logit(float(engine.task.score(x)[index])) for x in three]
    if not made.selected:
        told[1], scores[1] = "B is silence", "–"
    return {
        **{f"{sound}: f {says}": text for sound, text in zip("ABC", told, strict=True)},
        f"f's {unit.of} {name}: A / B / C": " / ".join(scores),
        f"FF in {unit.name}": logit(verdict.faithfulness),
        f"FF of Random at equal log energy, {cached.FEW_DRAWS} draws": random,
        "components in B": f"{len(made.selected)} of {len(made.relevance)}",
    }


def energy(compared: Comparison) -> None:
    """What of either sound passes, and how near B is to it."""
    st.subheader("How near is B to either sound?", anchor=False, help=terms.told("SI-SDR"))
    passed, names = compared.passed, compared.names
    table = {}
    for name, part in zip(names, (passed.target, passed.rest), strict=True):
        silent = np.isneginf(part.sdr_after)
        table[sentence(name)] = {
            "SI-SDR of A": decibels(part.sdr_before),
            "SI-SDR of B": "–" if silent else decibels(part.sdr_after),
        }
    alt = "SI-SDR of both sounds in A and in B"
    st.table(pd.DataFrame(table).T, border="horizontal", alt=alt)
    gain, text = passed.snr_gain, "B is silence: nothing passes."
    if not np.isnan(gain):
        way = "further above" if gain > 0 else "less far above"
        text = f"In B {names[0]} stands {decibels(abs(gain))} {way} {names[1]} than in A."
    st.caption(text)


def relevances(view: View, compared: Comparison) -> None:
    """The most relevant components of both sides as paired bars."""
    st.subheader(
        "Do the same components carry it?",
        anchor=False,
        help=terms.told("Relevance", "τ", "Rank correlation"),
    )
    if view.own_dictionary:
        st.markdown(
            "Either sound has components of its own, learned from it alone: they cannot be compared "
            "one by one. With the model's dictionary they can."
        )
        return
    first, second = (side.interpretation.relevance for side in compared.sides)
    shift = noise_lab.relevance_shift(first, second, view.threshold)
    before, after = first.numpy(), second.numpy()
    if not before.any() and not after.any():
        st.markdown(f"No component speaks for “{class_name(view.target)}” in either.")
        return
    order = np.argsort(-np.maximum(before, after), kind="stable")[:_SHOWN]
    order = order[np.argsort(-before[order], kind="stable")]
    kept = "nothing was selected before"
    if shift.before:
        kept = f"{shift.stayed} of {shift.before} selected components stay"
    plots.finding(
        f"Relevance for {class_name(view.target)}: {kept}, {shift.after - shift.stayed} join; "
        f"rank correlation {logit(shift.correlation)}",
        plots.grouped_bars(
            components.ticks(view.engine, order.tolist()),
            dict(zip(compared.heads, (before[order].tolist(), after[order].tolist()), strict=True)),
            "relevance r, 1 for the largest of a side",
            pictures.palette(),
            1.0,
            view.threshold,
        ),
        "relevances",
        lively=False,
    )
    st.caption(f"Dotted: τ. The {len(order)} largest of either side, of {len(before)}.")


def _hear(view: View, compared: Comparison) -> None:
    """The player, then the pictures."""
    added = f"{compared.names[1]} alone"
    pairs = product(zip(_SIDES, compared.heads, compared.sides, strict=True), _PARTS)
    heard = {
        f"{side}-{part}": Sound(f"{letter} · {title}, {head}", made.sounds[part])
        for (side, head, made), (part, letter, title) in pairs
    } | {"added": Sound(added, compared.mixture.rest)}
    sides = [*zip(_SIDES, "12", compared.heads, strict=True), ("added", "3", added)]
    sounds.mounted(
        "compared",
        heard,
        view.engine.audio.sample_rate,
        [Question("With or without the added sound", sides), Question("Sound", _PARTS)],
        [_SIDES[1], _PARTS[0][0]],
        (view.key[-2:], compared.names),  # clip and window, whatever the model
        label=f"Listen to {compared.heads[0]}, and {compared.heads[1]}",
    )
    _pictures(view, compared)


def _pictures(view: View, compared: Comparison) -> None:
    drawn = iter(comparison.drawn(view, compared))
    for column, title in zip(st.columns(3, gap="medium"), TITLES, strict=True):
        for head in compared.heads:
            column.markdown(f"**{title[0]}**, {head}")
            alt = f"Spectrogram: {title}, {head}, on a mel scale"
            column.image(next(drawn), width="stretch", alt=alt)
    pictures.draw_legend(f"0 dB is the loudest band of the two inputs; {pictures.DIMMED}.")
