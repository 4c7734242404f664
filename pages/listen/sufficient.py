"""The button beside τ: the fewest components with which f still says the class."""

from __future__ import annotations

import streamlit as st

from l2i_core.measure import fewest
from pages.shell import cached, models, state
from pages.shell.view import View
from pages.show.choice import Choice
from pages.show.words import class_name, sentence


def offer(view: View) -> None:
    """Draw it below the class to explain; it sets τ, and single components where no τ does it."""
    assert view.below is not None  # the router knows this page as the one that listens
    with view.below:
        if st.button(
            "Fewest components",
            help=f"Sets τ so that the fewest of the most relevant components are left with which f "
            f"still {view.engine.task.decides} “{class_name(view.target)}”.",
        ):
            _choose(view)


def _choose(view: View) -> None:
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
    st.rerun()
