"""Noise lab: does the explanation survive an added sound? One clip, a sweep, a whole test set, and
what the paper's experiments gave."""

import streamlit as st

from pages.noise import batch, first_view, one_clip, settings, stored, sweep
from pages.shell import state
from pages.shell.view import current
from pages.show import players

TABS = {"clip": "One clip", "sweep": "Sweep", "batch": "Batch", "experiments": "Experiments"}


def page() -> None:
    """The whole page."""
    view = settings.with_masks(current())
    first_view.settle(view)
    view.head.title(
        "Two sounds at once: which one does the explanation follow?"
        if state.value("kind") == "clip"
        else "Does the explanation survive added noise?",
        anchor=False,
    )
    corruption = settings.draw(view)
    tab = state.settle("tab", list(TABS), "clip", "tab")
    state.show_messages()
    state.write_url()
    opened = st.tabs(list(TABS.values()), key=state.control("tab", TABS[tab]), on_change=_turned)
    for place, draw in zip(opened, (one_clip.draw, sweep.draw, batch.draw), strict=False):
        if place.open and corruption is not None:
            with place:
                draw(view, corruption)
    if opened[-1].open:
        with opened[-1]:
            stored.draw(view)
    players.take_turns()


def _turned() -> None:
    """Callback: another tab."""
    titles = {title: name for name, title in TABS.items()}
    state.chose(tab=titles[st.session_state["control_tab"]])


page()
