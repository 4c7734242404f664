"""Below the steps: limits, glossary, and the way back to the tour."""

import streamlit as st

from l2i_core.data import sets
from pages.shell import tour
from pages.shell.view import View
from pages.show import terms
from pages.show.files import read_beside
from pages.show.words import folds


def draw(view: View, everything: bool) -> None:
    """`everything`: limits and glossary unfolded."""
    st.space("small")
    with st.expander("Limits: what this is not", expanded=everything):
        known = [
            f"- **The interpreter {title}.** {text}"
            for title, text in view.engine.bundle.explainers().values()
        ]
        st.markdown(
            "\n".join(
                [read_beside(__file__, "limits.md").strip(), *known, f"- {_trained_on(view)}"]
            )
        )
    with st.expander("Glossary", expanded=everything):
        entries = list(terms.entries().values())
        half = -(-len(entries) // 2)
        left, right = st.columns(2, gap="large")
        left.markdown("\n\n".join(entries[:half]))
        right.markdown("\n\n".join(entries[half:]))
    left, right = st.columns([4, 1.2], vertical_alignment="center")
    left.caption(
        "After Parekh et al., “Listen to Interpret: Post-hoc Interpretability for Audio Networks "
        "with NMF”, NeurIPS 2022, whose numbers of sections, equations and algorithms these are."
    )
    right.button("Show the tour", on_click=tour.reopen, width="stretch")


def _trained_on(view: View) -> str:
    """What the bundle says of its training data, in a sentence or two."""
    data = view.engine.bundle.training.get("config", {}).get("data", {})
    other = "names any other sound as one of them"
    if view.engine.task.multi_label:
        other = "hears any other sound as one of them or not at all"
    text = f"**The model knows {len(view.engine.classes)} classes only**, and {other}."
    if kind := data.get("kind"):
        train, test = data.get("train_folds"), data.get("test_folds")
        text += f" It learned from {sets.title(kind)}"
        text += f", {folds(kind, train)}" if train else ""
        text += ", with synthesised clips added" if data.get("synth_seeds") else ""
        text += f"; {folds(kind, test)} kept for testing." if test else "."
    return text
