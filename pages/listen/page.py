"""Listen: why did the model say this? Sound first, then picture, then number."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from l2i_core import Interpretation, Verdict
from l2i_core.measure.records import to_csv
from l2i_core.report.report import make_report
from l2i_core.words import TITLES
from pages.listen import pins, side_by_side, truths
from pages.shell import cached, components, decisions, evidence, state, verdicts
from pages.shell.view import View, current
from pages.show import live, pictures, players, plots
from pages.show.files import download
from pages.show.words import class_name, clock, number, percent

FILES = ("input", "interpretation", "residual")
N_TOP = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """One interpretation with the sounds of A, B and C, at the clip's own level (n,)."""

    interpretation: Interpretation
    sounds: tuple[np.ndarray, np.ndarray, np.ndarray]
    gain: float


def page() -> None:
    """The whole page."""
    view = current()
    state.write_url()
    view.head.title(_question(view), anchor=False)
    decision(view)
    panels = side_by_side.draw(view) if view.multi_label else []
    if panels:
        st.subheader(f"“{class_name(view.target)}” in detail", anchor=False)
    with st.container(key="live-area"):
        plain = live.live_interpretation(
            view.engine,
            view.analysis,
            view.target,
            view.choice,
            clip_key=view.key,
            labels=components.labels(view.engine),
            start=view.window[0] if view.window else 0.0,
            on_change=_took,
        )
    st.caption(
        "An interpretation is what the model used, not clean source separation: "
        "the table below says whether the claim holds."
    )
    # While the component plays another choice, its style sheet shows this container as pending.
    with st.container(key=live.verdict_key(view.choice)):
        heard = listen(view)
        if plain:
            plain_players(view, heard)
        verdict = judged(view, heard)
        three_pictures(view, heard)
    comparison(view, heard, verdict)
    downloads(view, heard, verdict)
    players.take_turns()
    side_by_side.judge(view, panels)
    truths.draw(view)


def _took() -> None:
    """Callback: the user let go of τ, a component or the mask domain in the live component."""
    choice = live.released()
    if choice is not None:
        state.touch()
        state.put(tau=choice.tau, domain=choice.domain, own=choice.own or None)


def _question(view: View) -> str:
    target = class_name(view.target)
    if view.multi_label:
        if view.target in view.decided:
            return f"Why did the model hear “{target}”?"
        heard = decisions.said(view.engine, view.analysis.logits)
        return f"The model heard {heard}. What speaks for “{target}”?"
    said = class_name(view.decided[0])
    if target == said:
        return f"Why did the model say “{said}”?"
    return f"The model said “{said}”. What speaks for “{target}”?"


def decision(view: View) -> None:
    """What f says, and what must be known before anybody listens."""
    if view.overview is not None:
        _long_clip(view)
    assert view.said is not None  # the router knows this page as the one that listens
    with view.said:
        _top_classes(view)
    _short_clip(view)
    if warning := decisions.disagreement(view.engine, view.analysis, view.target):
        st.warning(warning)


def listen(view: View) -> Heard:
    """The interpretation at hand, from the cache where this selection was heard before."""
    made = cached.interpretation(view.key, view.engine, view.analysis, view.target, view.choice)
    sounds = (view.analysis.waveform.numpy(), made.audio.numpy(), made.residual.numpy())
    return Heard(made, sounds, players.common_gain(sounds))


def plain_players(view: View, heard: Heard) -> None:
    """Players of the browser's own, where it cannot compute sound while τ is dragged."""
    rate = view.engine.audio.sample_rate
    with st.container(key="players"):
        columns = st.columns(3, gap="medium")
        for column, title, sound in zip(columns, TITLES, heard.sounds, strict=True):
            column.markdown(f"**{title}**")
            column.audio(players.wav(sound, rate, heard.gain), alt=f"Player: {title}")
    st.caption(f"One gain for all three: {players.decibels(heard.gain)} on the clip's own level.")


def three_pictures(view: View, heard: Heard) -> None:
    """A, B and C side by side, on one scale."""
    with st.container(key="pictures"):
        columns = st.columns(3, gap="medium")
        drawn = _pictures(view, heard)
        for column, title, picture in zip(columns, TITLES, drawn, strict=True):
            column.markdown(f"**{title}**")
            column.image(picture, width="stretch", alt=_alternative(view, heard, title))
    left, right = st.columns([2, 1], gap="large", vertical_alignment="top")
    left.caption(
        "Colours in dB below the clip's loudest band; in B, bands that keep less than a tenth "
        "of their magnitude are grey."
    )
    pictures.draw_legend(right)


def judged(view: View, heard: Heard) -> Verdict:
    """f's verdict on the three sounds, and FF beside chance."""
    left, right = st.columns([3, 2], gap="large", vertical_alignment="top")
    verdict = cached.verdict(view.key, view.engine, view.analysis, heard.interpretation)
    with left:
        st.subheader("Does the claim hold?", anchor=False)
        verdicts.table(view, verdict)
    with right:
        drop = decisions.unit_of(view.engine).amount(verdict.faithfulness)
        st.subheader(f"FF {drop}", anchor=False)
        st.markdown(_selection(view, heard))
        st.markdown(" ".join(verdicts.told(view, heard.interpretation)))
        if heard.interpretation.selected:
            verdicts.more_draws(view, heard.interpretation)
    return verdict


def comparison(view: View, heard: Heard, verdict: Verdict) -> None:
    """The pinned view beside this one: numbers, and both interpretations at one gain."""
    pins.offer(view, heard.interpretation, verdict)


def downloads(view: View, heard: Heard, verdict: Verdict) -> None:
    """WAV files at the clip's own level, and the report."""
    stem = f"{view.source.stem}-{view.target}-tau{view.threshold:.2f}"
    stem += "-own" if view.choice.overrides else ""
    rate = view.engine.audio.sample_rate
    with view.corner, st.popover("Download", width="stretch"):
        st.caption(f"At the clip's own level, {rate / 1000:g}\u202fkHz, 32-bit float.")
        for title, name, sound in zip(TITLES, FILES, heard.sounds, strict=True):
            download(
                f"{title} (WAV)", partial(players.float_wav, sound, rate), f"{stem}-{name}.wav"
            )
        report = make_report(
            view.engine, view.analysis, heard.interpretation, verdict, view.source.file_name
        )
        download("Report (JSON)", json.dumps(report, indent=1), f"{stem}-report.json")
        download(
            "Every τ (CSV)",
            lambda: to_csv(
                cached.every_threshold(view.engine, view.analysis, view.target, view.domain)
            ),
            f"{view.source.stem}-{view.target}-every-tau.csv",
            help="Components, sound energy kept and FF for each τ in steps of 0.05, by τ alone.",
        )
        evidence.evidence_button(view, heard.interpretation, verdict)
        st.caption("The address of this page is a link to this view.")


def _long_clip(view: View) -> None:
    overview, window = view.overview, view.window
    assert overview is not None  # by construction of the view
    assert window is not None
    st.info(
        f"This clip lasts {clock(overview.seconds)} min, so f hears it in {len(overview.windows)} "
        f"windows; over all of them it {_overall(view, overview)}. Everything below is about one "
        f"window, {clock(window[0])}–{clock(window[1])}."
    )


def _overall(view: View, overview: cached.Overview) -> str:
    if view.multi_label:
        heard = decisions.with_chances(view.engine, overview.logits)
        return f"hears {heard}, by the mean of the logits"
    best = int(overview.logits.argmax())
    chance = float(view.engine.probabilities(overview.logits)[best])
    return f"says “{class_name(view.engine.classes[best])}” ({chance:.2f}, mean of the logits)"


def _top_classes(view: View) -> None:
    chances = view.engine.probabilities(view.analysis.logits).tolist()
    shown = max(N_TOP, len(view.decided))
    order = view.analysis.logits.argsort(descending=True, stable=True).tolist()[:shown]
    target = view.engine.classes.index(view.target)
    order += [target] if target not in order else []
    names = [class_name(view.engine.classes[c]) for c in order]
    st.markdown(_headline(view))
    plots.chart(
        _bars(
            (*view.key, view.target, pictures.theme()),
            names,
            [chances[c] for c in order],
            decisions.LIMIT if view.multi_label else None,
        ),
        "classes",
        "f's probabilities: "
        + ", ".join(f"{n} {chances[c]:.2f}" for n, c in zip(names, order, strict=True)),
    )


def _headline(view: View) -> str:
    if not view.multi_label:
        return "**f says**"
    heard = decisions.said(view.engine, view.analysis.logits)
    return f"**f hears {heard}**: whatever has a probability above {decisions.LIMIT:g} (dotted)"


@st.cache_resource(show_spinner=False, max_entries=64)
def _bars(
    key: tuple[Any, ...], _names: list[str], _chances: list[float], limit: float | None
) -> go.Figure:
    return plots.class_bars(_names, _chances, class_name(key[-2]), pictures.palette(), limit)


def _short_clip(view: View) -> None:
    rate = view.engine.audio.sample_rate
    if len(view.analysis.waveform) < view.engine.min_length:
        st.caption(
            f"The clip lasts {number(len(view.analysis.waveform) / rate)} s; f needs "
            f"{number(view.engine.min_length / rate)} s, so it hears silence after it."
        )


def _selection(view: View, heard: Heard) -> str:
    made, target = heard.interpretation, class_name(view.target)
    count, total = len(made.selected), len(made.relevance)
    if count:
        how = "by your own choice" if view.choice.overrides else f"at τ = {view.threshold:.2f}"
        return (
            f"{count} of {total} components, {percent(made.energy_kept)} of the sound energy, "
            f"for “{target}” {how}."
        )
    if not bool(view.analysis.waveform.any()):
        return "**Nothing is selected:** the clip is silent, so A, B and C are silence."
    if view.choice.overrides:
        reason = "is left on by your own choice; switch one on"
    elif float(made.relevance.max()) > 0:
        reason = f"has a relevance above τ = {view.threshold:.2f} for “{target}”; lower τ"
    else:
        reason = f"speaks for “{target}” in this clip; choose another class"
    return (
        f"**Nothing is selected:** no component {reason} to hear something. "
        "B is silence, and C is the whole clip."
    )


def _pictures(view: View, heard: Heard) -> tuple[bytes, bytes, bytes]:
    """PNGs of A, B and C on one scale; A is drawn once per clip."""
    made = heard.interpretation
    what = cached.named(made)
    return (
        view.picture("A", view.analysis.spectrogram.log_magnitude),
        view.picture(("B", what), made.log_magnitude, dim=True),
        view.picture(("C", what), made.residual_log_magnitude),
    )


def _alternative(view: View, heard: Heard, title: str) -> str:
    length = len(view.analysis.waveform) / view.engine.audio.sample_rate
    made = heard.interpretation
    of_them = components.listed(view.engine, made.selected, live.LISTED)
    return (
        f"Spectrogram of {title}: {number(length)} s on a mel scale, clip {view.source.title}, "
        f"{len(made.selected)} components for {class_name(view.target)}"
        f"{': ' + of_them if of_them else ''}."
    )


page()
