"""Pin a view, go on, and compare: two interpretations beside each other at one gain."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from l2i_core import AudioConfig, Interpretation, Verdict
from l2i_core.measure.explained import Explained
from l2i_core.report.html_report import Pinned
from pages.shell import state
from pages.shell.view import View
from pages.show import pictures, players
from pages.show.sounds import Sound, hear
from pages.show.words import class_name, logit, masked, percent

_KEY = "l2i_pin"


@dataclass(frozen=True, slots=True)
class Pin:
    """A view as it was: its settings, its sound x_int (n,), its figures, and
    X_int and the clip's X in dB at the clip's own level (n_mels, T), from `start` seconds on."""

    settings: dict[str, str | float]
    sound: np.ndarray
    column: dict[str, str]
    picture: np.ndarray
    whole: np.ndarray
    audio: AudioConfig
    start: float

    def drawn(self, loudest: float, shown: str) -> bytes:
        """Its picture on a scale that it shares; 0 dB is `loudest`."""
        return pictures.spectrogram(
            self.picture, loudest, self.audio, shown, self.start, self.whole
        )


def offer(view: View, made: Explained, place: DeltaGenerator) -> Callable[[], Pinned] | None:
    """Draw the pinned view in its place, if there is one, beside the present one, and the control
    to pin; returns what the evidence of the present view is compared with, None for nothing."""
    pinned: Pin | None = st.session_state.get(_KEY)
    # A pin has pictures: they are made where they are wanted, not in each run.
    make = partial(_now, view, made, state.settings())
    with view.corner:
        st.button(
            "Pin to compare" if pinned is None else "Pin this instead",
            on_click=_pin,
            args=(make,),
            width="stretch",
        )
    if pinned is None:
        return None
    now = make()
    with place:
        _beside(pinned, now)
    return None if pinned.settings == now.settings else partial(_for_evidence, pinned, now)


def _for_evidence(pinned: Pin, now: Pin) -> Pinned:
    figures = {
        name: (pinned.column.get(name, "–"), now.column.get(name, "–"))
        for name in dict.fromkeys([*pinned.column, *now.column])
    }
    picture = pinned.drawn(pictures.reference(pinned.whole), "light")
    return Pinned(torch.from_numpy(pinned.sound), pinned.audio.sample_rate, picture, figures)


def _beside(pinned: Pin, now: Pin) -> None:
    same = pinned.settings == now.settings
    two = {"pinned": pinned} if same else {"pinned": pinned, "now": now}
    st.subheader("Pinned" if same else "Pinned view and this view", anchor=False)
    louder = max(two.values(), key=lambda pin: float(np.abs(pin.sound).max(initial=0.0)))
    loudest = max(pictures.reference(pin.whole) for pin in two.values())
    heard = [
        Sound(
            title.capitalize(),
            pin.sound,
            pin.drawn(loudest, pictures.theme()),
            f"Spectrogram of what f used, {title}: {pin.column['explained']}",
            f"{pin.column['explained']}, τ {pin.column['τ']}",
            pin.audio.sample_rate,
        )
        for title, pin in two.items()
    ]
    hear(
        "pins",
        heard,
        now.audio.sample_rate,
        subject="pins",
        gain=players.common_gain([louder.sound]),
        label="Pinned view and this view",
        whose="each clip's",
    )
    if same:
        st.caption("Change τ, class, model or clip to compare.")
    else:
        st.caption("One scale for both pictures.")
        st.table(
            pd.DataFrame({title: pin.column for title, pin in two.items()}).fillna("–"),
            border="horizontal",
            alt="Settings and figures of the pinned view beside those of the present one",
        )
    with st.container(horizontal=True):
        if not same:
            st.button("Go to the pinned view", on_click=_go, args=(pinned, now))
        st.button("Remove the pin", on_click=_pin, args=(None,))


def _now(view: View, made: Explained, settings: dict[str, str | float]) -> Pin:
    config, analysis, interpretation = view.engine.audio, view.analysis, made.interpretation
    frames = config.n_frames(len(analysis.waveform))  # without a short clip's padding
    gain = 20 * np.log10(analysis.gain)  # f meets each clip at a gain of its own
    picture, whole = (
        pictures.decibels(x[:, :frames], config) - gain
        for x in (interpretation.log_magnitude, analysis.spectrogram.log_magnitude)
    )
    column = _column(view, interpretation, made.verdict)
    sound = interpretation.audio.numpy()
    return Pin(settings, sound, column, picture, whole, config, view.start)


def _column(view: View, made: Interpretation, verdict: Verdict) -> dict[str, str]:
    index, chances = made.target_index, view.engine.probabilities(verdict.logits_interpretation)
    own = " and own choice" if view.choice.overrides else ""
    title = view.engine.explainer.title
    return {
        "clip": view.source.title,
        **({"seconds": f"{view.window[0]:g}–{view.window[1]:g}"} if view.window else {}),
        "explained": class_name(made.target),
        "model": view.key.bundle,
        "interpreter": title,
        **({"dictionary": "the clip's own"} if view.own_dictionary else {}),
        "masks on": masked(view.domain),
        "τ": f"{view.threshold:.2f}{own}",
        "components": f"{len(made.selected)} of {len(made.relevance)}",
        "sound energy kept": percent(made.energy_kept),
        "f's probability on B": f"{float(chances[index]):.2f}",
        f"FF in {view.engine.task.unit.name}": logit(verdict.faithfulness),
        "FF as a share": percent(verdict.relative),
    }


def _pin(make: Callable[[], Pin] | None) -> None:
    state.touch()
    st.session_state[_KEY] = make and make()


def _go(pinned: Pin, now: Pin) -> None:
    state.touch()
    state.replace(pinned.settings)
    st.session_state[_KEY] = now
