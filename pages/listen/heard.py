"""A, B and C: sounds and pictures on one scale, and f's verdict on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from l2i_core import Interpretation
from l2i_core.measure.explained import Explained
from l2i_core.words import TITLES
from pages.shell import components, verdicts
from pages.shell.view import View
from pages.show import live, pictures, players
from pages.show.words import class_name, number, percent


@dataclass(frozen=True, slots=True)
class Heard:
    """One interpretation with the sounds of A, B and C, at the clip's own level (n,)."""

    made: Explained
    sounds: tuple[np.ndarray, np.ndarray, np.ndarray]
    gain: float


def listen(view: View) -> Heard:
    """The interpretation at hand, from the cache where this selection was heard before."""
    made = view.explained()
    left = made.interpretation.residual
    sounds = (view.analysis.waveform.numpy(), made.interpretation.audio.numpy(), left.numpy())
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


def _pictures(view: View, heard: Heard) -> tuple[bytes, bytes, bytes]:
    """PNGs of A, B and C on one scale; A is drawn once per clip."""
    what, made = heard.made.name, heard.made.interpretation
    return (
        view.picture("A", view.analysis.spectrogram.log_magnitude),
        view.picture(("B", what), made.log_magnitude, dim=True),
        view.picture(("C", what), made.residual_log_magnitude),
    )


def _alternative(view: View, heard: Heard, title: str) -> str:
    length = len(view.analysis.waveform) / view.engine.audio.sample_rate
    made = heard.made.interpretation
    of_them = components.listed(view.engine, made.selected, live.LISTED)
    return (
        f"Spectrogram of {title}: {number(length)} s on a mel scale, clip {view.source.title}, "
        f"{len(made.selected)} components for {class_name(view.target)}"
        f"{': ' + of_them if of_them else ''}."
    )


def judged(view: View, made: Explained) -> None:
    """f's verdict on the three sounds, and FF beside chance."""
    left, right = st.columns([3, 2], gap="large", vertical_alignment="top")
    with left:
        st.subheader("Does the claim hold?", anchor=False)
        verdicts.table(made)
    with right:
        drop = view.engine.task.unit.amount(made.verdict.faithfulness)
        st.subheader(f"FF {drop}", anchor=False)
        st.markdown(_selection(view, made.interpretation))
        st.markdown(" ".join(verdicts.told(made)))
        if made.interpretation.selected:
            verdicts.more_draws(view, made)


def _selection(view: View, made: Interpretation) -> str:
    target, count, total = class_name(view.target), len(made.selected), len(made.relevance)
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
