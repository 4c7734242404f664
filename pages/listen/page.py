"""Listen: why did the model say this? Sound first, then picture, then number."""

import streamlit as st

from l2i_core.measure import fewest
from pages.listen import heard, pins, said, side_by_side, timeline, truths
from pages.listen.downloads import downloads
from pages.shell import cached, components, models, state
from pages.shell.view import View, current
from pages.show import live, players
from pages.show.choice import Choice
from pages.show.words import class_name, sentence


def page() -> None:
    """The whole page."""
    view = current()
    state.write_url()
    view.head.title(said.question(view), anchor=False)
    said.decision(view)
    where = st.container()
    _offer_fewest(view)
    panels = side_by_side.draw(view) if view.engine.task.multi_label else []
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
    st.caption("What the model used, not clean source separation.")
    pinned = st.container()
    # While the component plays another choice, its style sheet shows this container as pending.
    with st.container(key=live.verdict_key(view.choice)):
        made = view.explained()
        if plain:
            heard.plain_players(made)
        heard.judged(view, made)
        heard.three_pictures(view, made)
    downloads(view, made, pins.offer(view, made, pinned))
    players.take_turns()
    side_by_side.judge(view, panels)
    truths.draw(view)
    with where:
        timeline.draw(view)


def _took() -> None:
    """Callback: the user let go of τ, a component or the mask domain in the live component."""
    choice = live.released()
    if choice is not None:
        state.chose(tau=choice.tau, domain=choice.domain, own=choice.own or None)


def _offer_fewest(view: View) -> None:
    """Draw it below the class to explain; it sets τ, and single components where no τ does it."""
    assert view.below is not None  # the router knows this page as the one that listens
    with view.below:
        if st.button(
            "Fewest components",
            help=f"Sets τ so that the fewest of the most relevant components are left with which f "
            f"still {view.engine.task.decides} “{class_name(view.target)}”.",
        ):
            _choose_fewest(view)


def _choose_fewest(view: View) -> None:
    engine, analysis, target = view.engine, view.analysis, view.target
    state.touch()
    with cached.telling("f hears more and more of the components") as tell, models.turn:
        found = fewest.fewest(engine, analysis, target, view.domain, tell)
    if found is None:
        state.notice(sentence(fewest.none_suffice(engine, analysis, target)))
    elif not found.components:
        says = engine.task.decides
        state.notice(f"f {says} “{class_name(target)}” of silence: it needs no component.")
    else:
        relevance = cached.relevance(engine, analysis, target)
        choice = Choice.of(relevance, found.components, view.domain)
        state.put(tau=choice.tau, own=choice.own or None)
        says, n = engine.task.decides, len(found.components)
        st.toast(
            f"τ = {choice.tau:.2f}: with {n}, and no fewer, f still {says} “{class_name(target)}”."
        )
    st.rerun()


page()
