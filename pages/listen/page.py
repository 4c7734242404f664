"""Listen: why did the model say this? Sound first, then picture, then number."""

from __future__ import annotations

import streamlit as st

from pages.listen import heard, pins, said, side_by_side, sufficient, truths
from pages.listen.downloads import downloads
from pages.shell import components, state
from pages.shell.view import current
from pages.show import live, players
from pages.show.words import class_name


def page() -> None:
    """The whole page."""
    view = current()
    state.write_url()
    view.head.title(said.question(view), anchor=False)
    said.decision(view)
    sufficient.offer(view)
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
        made = view.explained()
        if plain:
            heard.plain_players(made)
        heard.judged(view, made)
        heard.three_pictures(view, made)
    pins.offer(view, made)
    downloads(view, made)
    players.take_turns()
    side_by_side.judge(view, panels)
    truths.draw(view)


def _took() -> None:
    """Callback: the user let go of τ, a component or the mask domain in the live component."""
    choice = live.released()
    if choice is not None:
        state.touch()
        state.put(tau=choice.tau, domain=choice.domain, own=choice.own or None)


page()
