"""Dictionary: the components that every explanation is made of, to be seen, heard and named."""

from __future__ import annotations

import streamlit as st

from pages.dictionary import component, files, use, wall, weights
from pages.shell.view import current
from pages.show import players


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title(
        f"Which {view.engine.dictionary.n_components} sounds can an explanation be made of?",
        anchor=False,
    )
    own = view.own_dictionary
    st.markdown(
        f"A component is a column of W: the shape of a spectrum over "
        f"{view.engine.audio.n_bins} frequencies, scaled to unit norm and learned from "
        f"{'this clip alone' if own else 'the training clips'}. H says when it sounds"
        f"{'' if view.engine.class_weights is None else ', θ what it says about a class'}."
    )
    facts = use.facts(view)
    settled = wall.settled(facts)
    k = settled.component
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        wall.draw(facts, settled)
    with right:
        component.about(facts, settled)
        heard = st.container()
        component.shape(facts, k)
    seen = st.container()
    if own:
        st.caption("No other clip has these components, and f's classes have no weights for them.")
        others = None
    else:
        by_class, tested, others = st.columns([1, 1.5, 1], gap="medium")
        with by_class:
            weights.of_one(view, k)
        with tested:
            component.of_the_test(facts, k)
        weights.of_all(facts, settled)
    files.names_and_data(view)
    # What needs every clip at hand comes last: the rest is there at once.
    with heard:
        hand = use.at_hand(view)
        example = component.sounds(facts, hand, k)
    if example is not None:
        with seen:
            component.spectrograms(view, example, k)
    if others is not None:
        with others:
            component.of_those_at_hand(view, hand, k)
    players.take_turns()


page()
