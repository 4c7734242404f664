"""Dictionary: the components that every explanation is made of, to be seen, heard and named."""

from functools import partial

import streamlit as st

from l2i_core.measure import usage
from l2i_core.measure.records import to_csv
from pages.dictionary import component, use, wall, weights
from pages.shell import clips, components, state, uploads
from pages.shell.view import View, current
from pages.show import players, terms
from pages.show.files import download


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title(
        f"Which {view.engine.dictionary.n_components} sounds can an explanation be made of?",
        anchor=False,
    )
    own = view.own_dictionary
    learned = "this clip alone" if own else "the training clips"
    st.markdown(
        f"A component is a column of W: the shape of a spectrum, learned from {learned}.",
        help=terms.told("Component", "Activation", "Pooled z", "θ", "Relevance"),
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
    names_and_data(view)
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


def names_and_data(view: View) -> None:
    """Names out and in, and θ as a file."""
    engine, total = view.engine, view.engine.dictionary.n_components
    names = components.names_of(engine)
    stem = engine.bundle.name
    with view.corner, st.popover("Names and data", width="stretch"):
        where = "in this session only" if clips.shared() else "on this machine"
        st.caption(f"You have named {len(names)} of {total} components. Names are kept {where}.")
        download(
            "Export names (JSON)",
            components.exported(engine),
            f"{stem}-component-names.json",
            disabled=not names,
        )
        uploads.table_uploader(
            "Import names (JSON exported here); they replace names of the same components",
            "json",
            "names-file",
            partial(_import, view),
        )
        download(
            "Class weights θ (CSV)",
            lambda: to_csv(usage.class_weight_rows(engine, names)),
            f"{stem}-{engine.interpreter_name}-theta.csv",
        )


def _import(view: View, name: str, data: bytes) -> None:
    """All names of the file; ValueError in one sentence."""
    found = components.imported(view.engine, name, data)
    known = components.names_of(view.engine)
    replaced = sum(known.get(k, name) != name for k, name in found.items())
    problem = components.rename(view.engine, found)
    if problem:
        state.notice(f"Names are kept for this session only: {problem}", "error")
    st.toast(f"{len(found)} names imported, {replaced} of them in place of others.")


page()
