"""A, B and C: sounds and pictures on one scale, and f's verdict on them."""

import streamlit as st

from l2i_core import Interpretation
from l2i_core.measure.explained import Explained
from l2i_core.words import TITLES
from pages.shell import components, verdicts
from pages.shell.view import View
from pages.show import live, pictures, players, terms
from pages.show.sounds import Sound, plain
from pages.show.words import class_name, number, percent


def plain_players(made: Explained) -> None:
    """Players of the browser's own, where it cannot compute sound while τ is dragged."""
    sounds = [*map(Sound, TITLES, made.sounds.values())]
    gain = players.common_gain([sound.samples for sound in sounds])
    plain("abc", sounds, made.engine.audio.sample_rate, gain)


def three_pictures(view: View, explained: Explained) -> None:
    """A, B and C side by side, on one scale; A is drawn once per clip."""
    made, what = explained.interpretation, explained.name
    drawn = (
        view.picture("A", view.analysis.spectrogram.log_magnitude),
        view.picture(("B", what), made.log_magnitude, dim=True),
        view.picture(("C", what), made.residual_log_magnitude),
    )
    length = len(view.analysis.waveform) / view.engine.audio.sample_rate
    of_them = components.listed(view.engine, made.selected, live.LISTED)
    with st.container(key="pictures"):
        columns = st.columns(3, gap="medium")
        for column, title, picture in zip(columns, TITLES, drawn, strict=True):
            column.markdown(f"**{title}**")
            column.image(
                picture,
                width="stretch",
                alt=f"Spectrogram of {title}: {number(length)} s on a mel scale, clip "
                f"{view.source.title}, {len(made.selected)} components for "
                f"{class_name(view.target)}{of_them and f': {of_them}'}.",
            )
    pictures.draw_legend(f"Colours in dB below the clip's loudest band; {pictures.DIMMED}.")


def judged(view: View, made: Explained) -> None:
    """f's verdict on the three sounds, and FF beside chance."""
    with st.container(key="claim"):
        left, right = st.columns([3, 2], gap="large", vertical_alignment="top")
    with left:
        st.subheader(
            "Does the claim hold?", anchor=False, help=terms.told("Logit", "x_int", "Residual")
        )
        verdicts.table(made)
    with right:
        drop = view.engine.task.unit.amount(made.verdict.faithfulness)
        st.subheader(f"FF {drop}", anchor=False, help=terms.told("FF", "Random", "‖X‖²"))
        if view.choice.overrides or not made.interpretation.selected:
            st.markdown(_selection(view, made.interpretation))
        verdicts.judged(view, made)


def _selection(view: View, made: Interpretation) -> str:
    target, count, total = class_name(view.target), len(made.selected), len(made.relevance)
    if count:
        return (
            f"{count} of {total} components, {percent(made.energy_kept)} of the sound energy, "
            f"for “{target}” by your own choice."
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
