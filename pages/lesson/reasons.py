"""Steps 6 to 9, from Θ to the test: each draws its pictures and returns its words."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from l2i_core import Interpretation
from l2i_core.dictionary import masking, shapes
from l2i_core.words import TITLES
from pages.lesson import material
from pages.lesson.material import Told, Try
from pages.shell import components, decisions, verdicts
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.pictures import Palette
from pages.show.sounds import Sound, hear
from pages.show.words import THIN, class_name, number, percent

LEVELS = {tau: f"τ {tau}" for tau in ("0.05", "0.30", "0.70")}
# How Θ pools: in words, as a formula, and what gathers in time.
POOLINGS = {
    "attention": (
        ", giving more weight to the moments that matter,",
        r"z = \sum_{t} a_t h_t",
        "attention a over time; dotted, equal attention",
    ),
    "max": (
        ", its maximum,",
        r"z_k = \max_t h_{k,t}",
        "share of components that reach their maximum in a frame; dotted, equal shares",
    ),
}


def pooling(view: View, made: Interpretation) -> Told:
    """a, z, Θ's logits beside f's, as far as there are any."""
    engine, analysis = view.engine, view.analysis
    how, formula, gathers = POOLINGS.get(material.pooling(view), ("", "z", "weight"))
    half = _attention(view, gathers)
    _logits(view, made)
    if analysis.interpreter_logits is None:
        return Told(
            "A trained interpreter has a Θ, which tries to give f's own answer from one number for "
            f"each activation. {engine.explainer.title} has none.",
            r"\mathrm{logits}' = \theta z",
            "Section 3.1. Agreement with f is called fidelity; here the test of step 9 alone says "
            "whether the claim holds.",
            decisions.follows(engine, analysis),
        )
    several, found = engine.task.multi_label, half
    if several:
        found.append(decisions.follows(engine, analysis))
    elif view.agrees:
        said = class_name(view.decided[0])
        found.append(f"On this clip the interpreter agrees: both say **{said}** first.")
    return Told(
        f"Θ boils each activation down to one number{how} and tries to give f's own answer from "
        "these numbers alone.",
        formula + r", \qquad \mathrm{logits}' = \theta z",
        f"Section 3.1; trained with {'Eq. 2' if several else 'Eq. 1'} to agree with f. Agreement is "
        "called fidelity and comes first: an interpreter that disagrees explains itself, not f.",
        "\n\n".join(found),
        material.try_mixtures(
            "Mixtures are harder. "
            + (
                "Does Θ still hear what f hears?"
                if several
                else "Is Θ's first class still that of f?"
            )
        ),
        decisions.disagreement(engine, analysis, view.target),
    )


def _attention(view: View, what: str) -> list[str]:
    """Attention over time, where there is one; in how little time half of it lies."""
    known, audio, colours = material.parts(view), view.engine.audio, pictures.palette()
    if known.attention is None:
        return []
    weights = known.attention.numpy()
    st.markdown(f"**Which moments count**: {what}")
    figure = plots.figure_of(
        colours,
        210,
        {"title": "seconds", "range": [known.seconds[0], known.seconds[-1]], "ticks": "outside"},
        {"title": "a, % per frame", "rangemode": "tozero"},
        margin={"r": 12, "t": 8},
    )
    line = {"color": colours.accent, "width": 1.5}
    x, y = known.seconds.tolist(), (100 * weights).tolist()
    figure.add_scatter(x=x, y=y, mode="lines", line=line, fill="tozeroy")
    figure.add_hline(y=100 / len(weights), line={"color": colours.ink, **plots.DOTTED}, opacity=0.7)
    alt = f"Attention over time; the highest is {percent(float(weights.max()))}."
    plots.chart(figure, "lesson-attention", alt)
    if not known.main:
        return []
    summed = np.cumsum(np.sort(weights)[::-1])
    frames = int(np.searchsorted(summed, 0.5 * weights.sum())) + 1
    span = number(frames * audio.hop_length / audio.sample_rate)
    return [f"Half of it lies within **{span}{THIN}s** of the clip."]


def _logits(view: View, made: Interpretation) -> None:
    """Θ's logits beside f's."""
    engine, logits, theirs = view.engine, view.analysis.logits, view.analysis.interpreter_logits
    order = logits.argsort(descending=True, stable=True).tolist()[: material.CLASSES]
    order += [made.target_index] if theirs is None else [int(theirs.argmax()), made.target_index]
    order = list(dict.fromkeys(order))
    series, title, note = (
        {"f": logits[order].tolist()},
        "What there is to mimic",
        ": f's own logits",
    )
    if theirs is not None:
        series["Θ, the interpreter"] = theirs[order].tolist()
        title, note = "Does Θ answer as f does?", " Logits: their order matters, not their offset"
        if engine.task.multi_label:
            note = " Logits: a class is heard where they are above 0"
    names = [class_name(engine.classes[c]) for c in order]
    figure = plots.grouped_bars(names, series, "logit", pictures.palette(), decimals=1)
    plots.finding(title, figure, "lesson-logits", note, lively=False)


def relevance(view: View, made: Interpretation) -> Told:
    """r and L."""
    target, explainer = class_name(view.target), view.engine.explainer
    if bool((made.relevance != 0).any()):
        drawn, total = material.ranked(made), len(made.relevance)
        names = material.names(view, tuple(drawn))
        figure = relevance_bars(
            [components.escaped_html(name) for name in names],
            made.relevance[drawn].tolist(),
            [k in made.selected for k in drawn],
            view.threshold,
            pictures.palette(),
        )
        against = int((made.relevance < 0).sum())
        plots.finding(
            f"{len(made.selected)} of {total} components are chosen for “{target}”",
            figure,
            "lesson-relevance",
            f"; drawn are {len(drawn)}, {against} of all speak against it",
            lively=False,
        )
    else:
        st.info("Every relevance is 0: no component contributes to this class in this clip.")
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
        "the class. A higher τ is stricter.",
        _chosen(view, made),
        Try(
            "Move τ: which components come and go? Then choose another class in the bar"
            + (": z stays, θ changes." if theta else "."),
            "tau",
            LEVELS,
        ),
    )


def relevance_bars(
    names: Sequence[str],
    values: Sequence[float],
    chosen: Sequence[bool],
    threshold: float,
    colours: Palette,
) -> go.Figure:
    """Relevances as bars with their numbers, and τ as a dashed line; those in L in the accent
    colour."""
    low = min(0.0, *values)
    axis = {"title": "relevance r", "range": [low - (0.14 if low < 0 else 0), 1.14]}
    figure = plots.figure_of(
        colours, 27 * len(names) + 78, axis, plots.NAMES, margin={"r": 8, "t": 26}
    )
    shades = [colours.accent if one else colours.neutral for one in chosen]
    plots.add_bars(figure, names, values, shades, width=0.6)
    figure.add_vline(
        x=threshold,
        layer="below",
        line={"color": colours.ink, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"τ = {threshold:.2f}",
            "y": 1,
            "yanchor": "bottom",
            "showarrow": False,
        },
        annotation_position="top",
    )
    return figure


def mask(view: View, made: Interpretation) -> Told:
    """M, X_int, x_int, x_2."""
    three, symbols = view.explained().sounds.values(), ("x", "x_int", "x₂")
    titles = (f"{title[len('A · ') :]}: {s}" for title, s in zip(TITLES, symbols, strict=True))
    hear(
        "lesson-8",
        [Sound(title, sound) for title, sound in zip(titles, three, strict=True)],
        view.engine.audio.sample_rate,
        subject=view.key[-2:],
        keys="ABC",
        label="Listen to A, B and C",
    )
    linear, known = made.mask_domain == "linear", material.parts(view)
    if not made.selected:
        st.info("Nothing is chosen, so the mask is 0 everywhere: B is silence, C the clip.")

    def masked() -> np.ndarray:
        patterns = view.engine.dictionary.patterns
        values = masking.soft_masks(patterns, known.activations, made.gains)[0]
        return shapes.mel_rows(values.numpy(), view.engine.audio)

    st.markdown("**The mask M**: 0 nothing passes, 1 everything")
    name = ("mask", made.gains.numpy().tobytes())
    material.heat(view, name, masked, 0.0, 1.0, "the soft mask, 0 to 1")
    st.markdown("**X_int, what the mask leaves of X**, on the scale of X")
    frames = known.x.shape[1]
    material.magnitudes(
        view, "X_int", lambda: made.log_magnitude[:, :frames], view.explained().name
    )
    return Told(
        "At every point of the picture, which share belongs to the chosen components? This soft mask "
        "is laid over X, and the inverse STFT makes sound of it, with the clip's own phase.",
        r"\begin{gathered} M = \frac{\sum_{k \in L} w_k h_k}{W H}, \qquad "
        + (r"|S_\text{int}| = M \odot |S|" if linear else r"X_\text{int} = M \odot X")
        + r" \\ x_\text{int} = \mathrm{INV}(X_\text{int}, P_x) \end{gathered}",
        "Algorithm 2. "
        + (
            "Here the mask works on magnitudes, so that B and C add up to A; the paper's works on X."
            if linear
            else "The residual C is what is left of X."
        ),
        f"{_chosen(view, made)} **{percent(made.energy_kept)}** of the sound energy passes the mask.",
        Try(
            "Play A, go to B while it plays, then to C. What changes in C with the other mask?",
            "domain",
            {"log": "Mask on X, as in the paper", "linear": "Mask on magnitudes"},
        ),
    )


def test(view: View, made: Interpretation) -> Told:
    """f on x, x_int, x_2; FF beside Random."""
    target = class_name(view.target)
    st.markdown(f"**What f says of the three sounds**, for “{target}”")
    explained = view.explained()
    verdicts.table(explained)
    verdicts.judged(view, explained)
    return Told(
        "If f really used these components, taking them away must weaken its decision, and "
        "more than taking away as much of anything else.",
        r"\mathrm{FF}_x = f(x)_c - f(x_2)_c",
        f"Eq. 6, faithfulness, in f's {view.engine.task.unit.of} “{target}”. The paper compares with "
        "as many random components; ours of equal log energy are a harder opponent.",
        prompt=Try(
            "Move τ: from where on can chance take out as much, and where is FF furthest above it?",
            "tau",
            LEVELS,
        ),
    )


def _chosen(view: View, made: Interpretation) -> str:
    how = "by your own choice" if view.choice.overrides else f"at τ = {view.threshold:.2f}"
    names = components.listed(view.engine, made.selected, 2 * material.SHOWN)
    listed = f": {components.escaped(names)}" if names else ""
    return f"L holds **{len(made.selected)}** components {how}{listed}."
