"""The words of each step: its idea, its formula, how to read them, what they say of this clip, and
what to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from l2i_core import Interpretation
from l2i_core.explainers.protocol import LAYERS
from pages.lesson import material, shown
from pages.shell import clips, components, decisions, state
from pages.shell.view import View
from pages.show.words import class_name, logit, number, percent

LEVELS = {tau: f"τ {tau}" for tau in ("0.05", "0.30", "0.70")}
# How Θ pools: in words, as a formula, and what gathers in time.
POOLINGS = {
    "attention": (
        ", giving more weight to the moments that matter,",
        r"z = \sum_{t} a_t h_t",
        "attention",
    ),
    "max": (", its maximum,", r"z_k = \max_t h_{k,t}", "maxima"),
}


@dataclass(frozen=True, slots=True)
class Try:
    """What to try: buttons that set one of the bar's settings, or what `more` draws."""

    text: str
    setting: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    more: Callable[[View], None] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A step's words; `found` and `warning` are about this clip."""

    idea: str
    formula: str
    reading: str
    found: str = ""
    prompt: Try | None = None
    warning: str = ""


def sound(view: View, made: Interpretation) -> Told:
    """x → STFT → X."""
    config, samples = view.engine.audio, len(view.analysis.waveform)
    bins, frames = material.parts(view).x.shape
    rate = config.sample_rate
    return Told(
        "A sound is one long row of numbers. Cut into short pieces that overlap, it shows which "
        "frequencies each piece holds; side by side, the pieces make a picture.",
        r"X = \log\left(1 + |S|\right), \qquad S = \mathrm{STFT}(x)",
        "Section 3 of the paper. Time runs to the right in seconds; frequency runs upwards in Hz, "
        "spaced as the ear hears it; brightness says how much of it there is.",
        f"**{samples:,} samples** at {rate / 1000:g}\u202fkHz become **{frames} frames** of "
        f"**{bins} frequencies**. A piece lasts {number(1000 * config.win_length / rate)}"
        f"\u202fms, the next one starts {number(1000 * config.hop_length / rate, 3)}\u202fms "
        f"later: a hop length of {config.hop_length} samples.",
        _try_clips(
            "Play it and follow the picture: how do a bark, a tone and a hiss look?",
            (clips.FIRST, "rooster-1", "rain-1"),
        ),
    )


def classifier(view: View, made: Interpretation) -> Told:
    """What f receives → f → probabilities."""
    engine, logits, count = view.engine, view.analysis.logits, len(view.engine.classes)
    if view.multi_label:
        found = (
            f"f hears **{decisions.with_chances(engine, logits)}**: whatever has a probability "
            f"above {decisions.LIMIT:g}, each class by itself."
        )
    else:
        best = view.analysis.predicted
        found = (
            f"f says **{class_name(engine.classes[best])}**: a logit of "
            f"**{logit(float(logits[best]))}**, a probability of "
            f"**{float(engine.probabilities(logits)[best]):.2f}**."
        )
    received = material.seen(view)
    return Told(
        f"The classifier f gets {received[1] if received else 'the sound'} and answers with one "
        f"number for each of its {count} classes. Why it gives this answer, it does not say: that "
        "is what the next steps are for.",
        r"\begin{gathered} f(x) = \text{logits} \in \mathbb{R}^{C} \\ p = "
        + (r"\sigma" if view.multi_label else r"\mathrm{softmax}")
        + r"(\text{logits}) \end{gathered}",
        f"Section 3. C = {count} classes. f is frozen and stays as it is.",
        found,
        _try_mixtures(
            "Two sounds at once: does f hear both, and how sure is it?"
            if view.multi_label
            else "Two sounds at once: which of them does f name, and how sure is it?"
        ),
    )


def dictionary(view: View, made: Interpretation) -> Told:
    """W."""
    known, k = material.parts(view), view.engine.dictionary.n_components
    covered = percent(float(known.energy[list(known.main)].sum()))
    return Told(
        f"{k} typical shapes of a spectrum were learned from the training sounds, once. They "
        "are the alphabet: every sound is spelled with the same shapes, as well as it goes.",
        r"\begin{gathered} \min_{W,\,H \ge 0} D\left(X_\text{train} \mid WH\right)"
        r" + \mu \lVert H \rVert_1 \\ \lVert w_k \rVert = 1 \end{gathered}",
        f"Eq. 5, sparse NMF. W has {view.engine.audio.n_bins} rows, one for each frequency, and "
        f"K = {k} columns w, one for each component. Nothing is negative, so components only add "
        "up and never cancel.",
        f"The {len(known.main)} components that cover most of this clip account for "
        f"**{covered}** of its log energy, ‖X‖²."
        if known.main
        else "",
        Try("Which shapes are tones, which are noise? All of them can be heard.", more=_see_all),
    )


def activations(view: View, made: Interpretation) -> Told:
    """H."""
    known, engine = material.parts(view), view.engine
    k, reads = engine.dictionary.n_components, LAYERS in engine.explainer.needs
    active = int((known.activations.amax(dim=1) > 0).sum())
    return Told(
        "For each shape, H says when it sounds and how strongly. "
        + (
            "The network Ψ reads this out of f's own hidden layers, so H tells what f has noticed, "
            "in words of the dictionary."
            if reads
            else f"{engine.explainer.title} reads none of f's hidden layers: H describes the "
            "sound, not what f has noticed of it."
        ),
        r"H = \Psi\left(f_{\mathcal{I}}(x)\right) \in \mathbb{R}_{+}^{K \times T}"
        if reads
        else r"X \approx W H, \qquad H \in \mathbb{R}_{+}^{K \times T}",
        "Section 3.1. "
        + f"Ψ sees the outputs of {len(engine.classifier.layers)} hidden layers of f and nothing "
        "else of the clip. " * reads + f"K = {k} rows h, T = {len(known.seconds)} frames.",
        f"**{active} of {k}** components are active at some time in this clip.",
        Try(
            "Choose a component and play it: does it sound where its curve rises?",
            more=shown.component_alone,
        )
        if known.main
        else None,
    )


def product(view: View, made: Interpretation) -> Told:
    """W H ≈ X."""
    known, engine = material.parts(view), view.engine
    return Told(
        "Shapes times activations must give back the picture of the whole clip. What W·H "
        "misses, no explanation can speak about.",
        r"X \approx W H, \qquad \mathcal{L}_\text{NMF} = \lVert X - W H \rVert_2^2",
        "Eq. 3. "
        + "It is part of what Ψ is trained for (Eq. 4), beside imitating f and keeping H sparse."
        * (LAYERS in engine.explainer.needs),
        f"Relative error of this clip, ‖X − W H‖ / ‖X‖: **{known.error:.2f}**. "
        "0 would be perfect, 1 is no better than silence."
        if known.main
        else "",
        Try(
            "Another interpreter finds other activations. Does it miss less?",
            "interpreter",
            {name: title for name, (title, _) in engine.bundle.explainers().items()},
        ),
    )


def pooling(view: View, made: Interpretation) -> Told:
    """a, z, Θ's logits beside f's."""
    engine, analysis = view.engine, view.analysis
    if analysis.interpreter_logits is None:
        return Told(
            "A trained interpreter has a Θ, which tries to give f's own answer from one number for "
            f"each activation. {engine.explainer.title} has none.",
            r"\mathrm{logits}' = \theta z",
            "Section 3.1. Agreement with f is called fidelity; here the test of step 9 alone says "
            "whether the claim holds.",
            decisions.follows(engine, analysis),
        )
    how, formula, gathers = POOLINGS.get(material.pooling(view), ("", "z", "attention"))
    found = []
    if material.parts(view).main and analysis.attention is not None:
        span = number(material.half_of_attention(view))
        found.append(f"Half of the {gathers} lies within **{span}\u202fs** of the clip.")
    if view.multi_label:
        found.append(decisions.follows(engine, analysis))
    elif view.agrees:
        said = class_name(view.decided[0])
        found.append(f"On this clip the interpreter agrees: both say **{said}** first.")
    return Told(
        f"Θ boils each activation down to one number{how} and tries to give f's own answer from "
        "these numbers alone.",
        formula + r", \qquad \mathrm{logits}' = \theta z",
        f"Section 3.1; trained with {'Eq. 2' if view.multi_label else 'Eq. 1'} to agree with f. "
        "Agreement is called fidelity, and it comes first: an interpreter that disagrees explains "
        "itself, not f.",
        "\n\n".join(found),
        _try_mixtures(
            "Mixtures are harder. Does Θ still hear what f hears?"
            if view.multi_label
            else "Mixtures are harder. Is Θ's first class still that of f?"
        ),
        decisions.disagreement(engine, analysis, view.target),
    )


def relevance(view: View, made: Interpretation) -> Told:
    """r and L."""
    target, explainer = class_name(view.target), view.engine.explainer
    theta = explainer.class_weights is not None
    return Told(
        f"How much does each component speak for “{target}”? "
        + (
            "Its relevance is its part of the interpreter's logit, as a share of the largest part; "
            if theta
            else f"{explainer.title} gives it a relevance, at most 1; "
        )
        + "those above τ are chosen.",
        r"\begin{gathered} r_{k,c} = \frac{z_k\,\theta_{c,k}}"
        r"{\max_l \left|z_l\,\theta_{c,l}\right|} \\ L = \{k : r_{k,c} > \tau\} \end{gathered}"
        if theta
        else r"L = \{k : r_{k,c} > \tau\}",
        f"{'Section 3.2.' if theta else explainer.description} A negative relevance speaks against "
        "the class. τ is yours to choose: higher is stricter.",
        _chosen(view, made),
        Try(
            "Move τ, in the bar above or here: which components come and go? Then choose another "
            "class in the bar" + (": z stays, θ changes." if theta else "."),
            "tau",
            LEVELS,
        ),
    )


def mask(view: View, made: Interpretation) -> Told:
    """M, X_int, x_int, x_2."""
    linear = made.mask_domain == "linear"
    return Told(
        "At every point of the picture, which share belongs to the chosen components? This "
        "soft mask is laid over X, and the inverse STFT turns the result into sound again, "
        "with the clip's own phase.",
        r"\begin{gathered} M = \frac{\sum_{k \in L} w_k h_k}{W H}, \qquad "
        + (r"|S_\text{int}| = M \odot |S|" if linear else r"X_\text{int} = M \odot X")
        + r" \\ x_\text{int} = \mathrm{INV}(X_\text{int}, P_x) \end{gathered}",
        "Algorithm 2. "
        + (
            "Here the mask works on magnitudes, so that B and C add up to A; the paper's works on X."
            if linear
            else "The residual C is what is left of X."
        ),
        f"{_chosen(view, made)} **{percent(made.energy_kept)}** of the clip's sound energy passes "
        "the mask.",
        Try(
            "Play A, go to B while it plays, then to C. Let the mask work on magnitudes instead: "
            "what changes in C?",
            "domain",
            {"log": "Mask on X, as in the paper", "linear": "Mask on magnitudes"},
        ),
    )


def test(view: View, made: Interpretation) -> Told:
    """f on x, x_int, x_2; FF beside Random."""
    return Told(
        "If f really used these components, taking them away must weaken its decision, and "
        "more than taking away as much of anything else.",
        r"\mathrm{FF}_x = f(x)_c - f(x_2)_c",
        f"Eq. 6, faithfulness, in f's {view.engine.task.unit.of} "
        f"“{class_name(view.target)}”. The paper compares with removing as many random components; "
        "beside that we remove random ones of equal log energy, a harder opponent.",
        prompt=Try(
            "Lower τ: more of the sound is taken away. Does FF rise faster than Random? Where is "
            "the distance largest?",
            "tau",
            LEVELS,
        ),
    )


def _try_clips(text: str, wanted: tuple[str, ...]) -> Try:
    at_hand = clips.at_hand()
    return Try(text, "clip", {c: at_hand[c].title for c in wanted if c in at_hand})


def _try_mixtures(text: str) -> Try:
    return _try_clips(text, tuple(c.id for c in clips.bundled() if "+" in c.id)[:3])


def _see_all(view: View) -> None:
    k = view.engine.dictionary.n_components
    if st.button(f"See all {k} on the Dictionary page", key="to-dictionary"):
        state.go("dictionary")


def _chosen(view: View, made: Interpretation) -> str:
    how = "by your own choice" if view.choice.overrides else f"at τ = {view.threshold:.2f}"
    names = components.listed(view.engine, made.selected, 2 * material.SHOWN)
    listed = f": {components.escaped(names)}" if names else ""
    return f"L holds **{len(made.selected)}** components {how}{listed}."
