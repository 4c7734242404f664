"""Below the steps: limits, glossary, and the way back to the tour."""

from __future__ import annotations

import streamlit as st

from l2i_core.data import sets
from l2i_core.words import LOG_ENERGY, SOUND_ENERGY
from pages.shell import tour
from pages.shell.view import View
from pages.show.words import folds

GLOSSARY = {
    "STFT": "Short-time Fourier transform: the spectrum of short, overlapping pieces of a sound. A "
    "picture of its magnitudes is a spectrogram.",
    "Hop length": "How many samples lie between the starts of two such pieces.",
    "Phase": "Where in its cycle each frequency is. The eye can spare it, the inverse STFT cannot.",
    "Log-mel": "A spectrogram in bands as the ear spaces them (mel), in dB. What f receives.",
    "Logit": "A classifier's score for a class, before it becomes a probability.",
    "NMF": "Non-negative matrix factorisation: a matrix as a product of two without negative "
    "numbers, so that parts only add up, never cancel.",
    "Component": "A column w of W with its row h of H: a spectral shape and when it sounds.",
    "Activation": "h, how strongly a component sounds in each frame.",
    "Pooled z": "One number per component: its activations averaged by the attention, or their "
    "maximum.",
    "θ": "The weights of the interpreter's last layer; z·θ, added up, is its logit.",
    "τ": "The threshold: components whose relevance is above it are chosen.",
    "L": "The chosen components of a clip and a class; |L| is how many.",
    "Attention": "Weights over time that sum to one: which frames count for the pooled z.",
    "Relevance": "A component's part z·θ of the interpreter's logit for a class, as a share of the "
    "largest one; negative where it speaks against the class.",
    "Fidelity": "How often f's class is among the k first of the interpreter.",
    "Faithfulness": "How much f's logit, where several classes may sound at once its probability, "
    "drops when the components in L are removed (FF, Eq. 6): whether f itself used them.",
    "Soft mask": "Which share of every frequency and frame belongs to the chosen components, 0 to 1.",
    "Residual": "What is left of the clip without the interpretation; x₂.",
    "Random Baseline": "FF when as many components that are not in L are removed: chance.",
    SOUND_ENERGY.capitalize(): "|S|² added up: how much of a sound there is. A mask lets a share pass.",
    LOG_ENERGY.capitalize(): "‖X‖², of the logarithms: quiet points count for more. Components hold "
    "shares of it.",
    "Energy-matched Random": "Random, but removed until they cover as much of the clip's log energy "
    "as L does: a fairer opponent, as most components are silent in a clip. Ours, not the paper's.",
}

# What another word means where several classes may sound at once.
GLOSSARY_OF_MANY = {
    "Fidelity": "How well the interpreter's probabilities find the classes that f hears (AUPRC, F1).",
    "AUPRC": "The area under the curve of precision over recall as the limit goes from 1 to 0: 1 if "
    "every clip that holds a class is ranked above all others.",
}

LIMITS = (
    "**It is not source separation.** The interpretation is what the model used, as far as the "
    "dictionary can express it. Other sounds of its time and pitch come along; parts of the source "
    "that the model ignored are missing.",
    "**Component sounds do not add up.** The paper masks logarithms of magnitudes; with the mask on "
    "magnitudes, B and C do add up to A.",
    "**The phase is the input's.** It leaves artefacts, and f may react to them.",
    "**Fidelity comes first.** Clips on which the interpreter disagrees with f are marked in the bar.",
    "**Faithfulness is one number for one clip.** Removing sound makes clips unlike any that f has "
    "heard: the paper, and the Faithfulness page, take the median of FF over a test set.",
)


def draw(view: View, everything: bool) -> None:
    """`everything`: limits and glossary unfolded."""
    st.space("small")
    with st.expander("Limits: what this is not", expanded=everything):
        known = [
            f"**The interpreter {title}.** {text}"
            for title, text in view.engine.bundle.explainers().values()
        ]
        st.markdown("\n".join(f"- {line}" for line in (*LIMITS, *known, _trained_on(view))))
    with st.expander("Glossary", expanded=everything):
        terms = GLOSSARY | (GLOSSARY_OF_MANY if view.engine.task.multi_label else {})
        entries = [f"**{term}.** {text}" for term, text in terms.items()]
        half = -(-len(entries) // 2)
        for place, some in zip(
            st.columns(2, gap="large"), (entries[:half], entries[half:]), strict=True
        ):
            place.markdown("\n\n".join(some))
    left, right = st.columns([4, 1.2], vertical_alignment="center")
    left.caption(
        "After J. Parekh, S. Parekh, P. Mozharovskyi, F. d'Alché-Buc, G. Richard, “Listen to "
        "Interpret: Post-hoc Interpretability for Audio Networks with NMF”, NeurIPS 2022. "
        "Section, equation and algorithm numbers are the paper's."
    )
    right.button("Show the tour", on_click=tour.reopen, width="stretch")


def _trained_on(view: View) -> str:
    """What the bundle says of its training data, in a sentence or two."""
    data = view.engine.bundle.training.get("config", {}).get("data", {})
    several = view.engine.task.multi_label
    other = "hears any other sound as one of them or not at all"
    if not several:
        other = "names any other sound as one of them"
    text = f"**The model knows {len(view.engine.classes)} classes only**, and {other}."
    if kind := data.get("kind"):
        train, test = data.get("train_folds"), data.get("test_folds")
        text += f" It learned from {sets.title(kind)}"
        text += f", {folds(kind, train)}" if train else ""
        text += ", with synthesised clips added" if data.get("synth_seeds") else ""
        text += f"; {folds(kind, test)} kept for testing." if test else "."
    return text
