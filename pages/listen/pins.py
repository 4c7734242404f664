"""Pin a view, go on, and compare: two interpretations beside each other at one gain."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core import Interpretation, Verdict
from l2i_core.measure.explained import Explained
from pages.shell import state
from pages.shell.view import View
from pages.show import players
from pages.show.words import class_name, logit, masked, percent

_KEY = "l2i_pin"


@dataclass(frozen=True, slots=True)
class Pin:
    """A view as it was: its settings, its sound x_int (n,) with the rate in Hz, its figures."""

    settings: dict[str, str | float]
    sound: np.ndarray
    rate: int
    column: dict[str, str]


def offer(view: View, made: Explained) -> None:
    """Draw the pinned view, if there is one, beside the present one, and the control to pin."""
    now = Pin(
        state.settings(),
        made.interpretation.audio.numpy(),
        view.engine.audio.sample_rate,
        _column(view, made.interpretation, made.verdict),
    )
    pinned: Pin | None = st.session_state.get(_KEY)
    with view.corner:
        st.button(
            "Pin to compare" if pinned is None else "Pin this instead",
            on_click=_pin,
            args=(now,),
            width="stretch",
        )
    if pinned is None or pinned.settings == now.settings:
        return
    st.subheader("Pinned view and this view", anchor=False)
    st.table(
        pd.DataFrame({"pinned": pinned.column, "now": now.column}).fillna("–"),
        border="horizontal",
        alt="Settings and figures of the pinned view beside those of the present one",
    )
    louder = max(pinned.sound, now.sound, key=lambda sound: float(np.abs(sound).max(initial=0.0)))
    gain = players.common_gain([louder])
    with st.container(key="players-pins"):
        for column, title, pin in zip(st.columns(2), ("Pinned", "Now"), (pinned, now), strict=True):
            with column:
                sound = {f"{title} · what it listened to": pin.sound}
                players.beside(f"players-{title}", sound, pin.rate, gain)
    st.caption(players.one_gain(gain, "each clip's"))
    with st.container(horizontal=True):
        st.button("Go to the pinned view", on_click=_go, args=(pinned, now))
        st.button("Remove the pin", on_click=_pin, args=(None,))


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


def _pin(pin: Pin | None) -> None:
    state.touch()
    st.session_state[_KEY] = pin


def _go(pinned: Pin, now: Pin) -> None:
    state.touch()
    state.replace(pinned.settings)
    st.session_state[_KEY] = now
