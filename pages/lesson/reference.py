"""Below the steps: limits, glossary, the model's card, and the way back to the tour."""

from __future__ import annotations

import streamlit as st

from l2i_core.data import sets
from l2i_core.words import LOG_ENERGY, SOUND_ENERGY
from pages.shell import tour
from pages.shell.view import View
from pages.show.words import folds

GLOSSARY = {
    "STFT": "Short-time Fourier transform: the spectrum of short, overlapping pieces of a sound, "
    "one after the other. A picture of it, magnitude by colour, is a spectrogram.",
    "Hop length": "How many samples lie between the starts of two such pieces.",
    "Phase": "Where in its cycle each frequency is at each moment. The eye can spare it, the "
    "inverse STFT cannot.",
    "Log-mel": "A spectrogram whose frequencies are gathered into bands as the ear spaces them "
    "(mel), with levels in dB. What f receives.",
    "Logit": "A classifier's score for a class, before it becomes a probability.",
    "NMF": "Non-negative matrix factorisation: a matrix as a product of two without negative "
    "numbers, so that parts can only add up, never cancel.",
    "Component": "One column w of W together with its row h of H: a spectral shape and when it "
    "sounds.",
    "Activation": "h, how strongly a component sounds in each frame.",
    "Pooled z": "One number per component for the whole clip: its activations averaged by the "
    "attention, or their maximum.",
    "θ": "The weights of the interpreter's last layer, one for every component and class; z·θ, "
    "added up, is its logit.",
    "τ": "The threshold: components whose relevance is above it are chosen.",
    "L": "The chosen components of a clip and a class; |L| is how many.",
    "Attention": "Weights over time that sum to one: which frames count for the pooled z.",
    "Relevance": "A component's contribution z·θ to the interpreter's logit for a class, as a "
    "share of the largest one; negative where it speaks against the class.",
    "Fidelity": "How well the interpreter imitates f: how often f's class is among the k first of "
    "the interpreter.",
    "Faithfulness": "How much f's logit, where several classes may sound at once its probability, "
    "drops when the components in L are removed (FF, Eq. 6): whether f itself used them.",
    "Soft mask": "A number from 0 to 1 for every frequency and frame, by which the spectrogram is "
    "multiplied: which share of it belongs to the chosen components.",
    "Residual": "What is left of the clip without the interpretation; x₂.",
    "Random Baseline": "FF when components that are not in L are removed, as many as L holds: what "
    "chance would achieve.",
    SOUND_ENERGY.capitalize(): "|S|² added up over all frequencies and frames: how much of a sound "
    "there is. A mask lets a share of it pass.",
    LOG_ENERGY.capitalize(): "The same of X, the logarithms: ‖X‖². Quiet points count for more in "
    "it. Components hold shares of it.",
    "Energy-matched Random": "Random, but removed until they cover as much of the clip's log energy "
    "as L does. A fairer opponent, as most components are silent in any one clip. Ours, not the "
    "paper's.",
}

# What another word means where several classes may sound at once.
GLOSSARY_OF_MANY = {
    "Fidelity": "How well the interpreter imitates f: how well its probabilities find the classes "
    "that f hears (AUPRC, F1).",
    "AUPRC": "The area under the curve of precision over recall as the limit goes from 1 to 0: 1 if "
    "every clip that holds a class is ranked above all others.",
}

LIMITS = (
    "**It is not source separation.** The interpretation is the part of the clip that the model "
    "used, as far as the dictionary can express it. Other sounds that share its time and pitch "
    "come along; parts of the source that the model ignored are missing.",
    "**Component sounds do not add up.** The paper masks logarithms of magnitudes. Parts that add "
    "up there do not add up as sound; with the mask on magnitudes, B and C do add up to A.",
    "**The phase is the input's.** Only magnitudes are masked; every part is played with the phase "
    "of the whole clip, which leaves artefacts, and f may react to them.",
    "**Fidelity comes first.** Clips on which the interpreter disagrees with f are marked in the "
    "bar before anything is played.",
    "**Faithfulness is one number for one clip.** Removing sound makes clips unlike any that f "
    "has heard. The paper therefore reports the median of FF over a test set; so does the "
    "Faithfulness page.",
)


def draw(view: View, everything: bool) -> None:
    """`everything`: limits and glossary unfolded."""
    st.space("small")
    bundle = view.engine.bundle
    with st.expander("Limits: what this is not", expanded=everything):
        known = [
            f"**The interpreter {title}.** {text}" for title, text in bundle.explainers().values()
        ]
        st.markdown("\n".join(f"- {line}" for line in (*LIMITS, *known, _trained_on(view))))
    with st.expander("Glossary", expanded=everything):
        terms = {**GLOSSARY, **GLOSSARY_OF_MANY} if view.multi_label else GLOSSARY
        entries = [f"**{term}.** {text}" for term, text in terms.items()]
        half = -(-len(entries) // 2)
        left, right = st.columns(2, gap="large")
        left.markdown("\n\n".join(entries[:half]))
        right.markdown("\n\n".join(entries[half:]))
    if card := bundle.card():
        with st.expander(f"The model: card of {bundle.name}"):
            st.markdown(card.partition("\n")[2] if card.startswith("# ") else card)
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
    classes = len(view.engine.classes)
    other = (
        "hears any other sound as one of them or not at all"
        if view.multi_label
        else "names any other sound as one of them"
    )
    text = f"**The model knows {classes} classes only**, and {other}."
    if kind := data.get("kind"):
        train, test = data.get("train_folds"), data.get("test_folds")
        text += f" It learned from {sets.title(kind)}"
        text += f", {folds(kind, train)}" if train else ""
        text += ", with synthesised clips added" if data.get("synth_seeds") else ""
        text += f"; {folds(kind, test)} kept for testing." if test else "."
    return text
