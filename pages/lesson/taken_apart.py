"""Steps 1 to 5, from sound to W·H: each draws its pictures and returns its words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from l2i_core import Interpretation
from l2i_core.classifiers.protocol import Seen, Spectral
from l2i_core.dictionary import shapes
from l2i_core.explainers.protocol import LAYERS
from l2i_core.measure import usage
from l2i_core.words import counted
from pages.lesson import material
from pages.lesson.material import Told, Try
from pages.shell import cached, clips, components, decisions, state, verdicts
from pages.shell.view import View
from pages.show import pictures, players, plots
from pages.show.pictures import Palette
from pages.show.sounds import Sound, hear
from pages.show.words import THIN, class_name, logit, number, percent


def sound(view: View, made: Interpretation) -> Told:
    """x → STFT → X."""
    config, samples = view.engine.audio, view.analysis.waveform.numpy()
    rate, (bins, frames) = config.sample_rate, material.parts(view).x.shape
    players.alone("players-lesson-1", "the clip", samples, rate)
    st.markdown("**The sound x: air pressure over time**")
    st.image(
        pictures.once(
            ("waveform", *view.key),
            lambda shown: pictures.waveform(samples, config, shown, view.start),
        ),
        width="stretch",
        alt=f"Waveform of {view.source.title}, {number(len(samples) / rate)} s.",
    )
    st.markdown(f"**The picture X: {bins} frequencies in {frames} frames**")
    material.magnitudes(view, "X", lambda: material.parts(view).x)
    return Told(
        "A sound is one long row of numbers. Cut into short, overlapping pieces, it shows which "
        "frequencies each piece holds; side by side, the pieces make a picture.",
        r"X = \log\left(1 + |S|\right), \qquad S = \mathrm{STFT}(x)",
        "Section 3 of the paper. Right: seconds; up: Hz, spaced as the ear hears; bright: much of it.",
        f"**{len(samples):,} samples** at {rate / 1000:g}{THIN}kHz become **{frames} frames** of "
        f"**{bins} frequencies**. A piece lasts {number(1000 * config.win_length / rate)}{THIN}ms; the "
        f"next starts {number(1000 * config.hop_length / rate, 3)}{THIN}ms later, a hop length of "
        f"{config.hop_length} samples.",
        material.try_clips(
            "Play it and follow the picture: how do a bark, a tone and a hiss look?",
            (clips.FIRST, "rooster-1", "rain-1"),
        ),
    )


def classifier(view: View, made: Interpretation) -> Told:
    """What f receives, if it tells → f → probabilities."""
    engine, logits, count = view.engine, view.analysis.logits, len(view.engine.classes)
    several, received = engine.task.multi_label, "the sound"
    if isinstance(engine.classifier, Seen):
        received = _seen(view, engine.classifier)
        if not isinstance(engine.classifier, Spectral):
            st.caption("The Hz beside it are the dictionary's; f may space its bands otherwise.")
    else:
        st.info("What f makes of the sound before its first layer is its own business.")
    order = logits.argsort(descending=True, stable=True).tolist()[: material.CLASSES]
    said = decisions.said(engine, logits)
    st.markdown(f"**What f {engine.task.decides}: {said}** (probabilities)")
    verdicts.classes(view, order, "lesson-classes")
    best = view.analysis.predicted
    return Told(
        f"The classifier f gets {received} and answers with one number for each of its {count} "
        "classes. Why, it does not say: that is what the next steps are for.",
        r"\begin{gathered} f(x) = \text{logits} \in \mathbb{R}^{C} \\ p = "
        + (r"\sigma" if several else r"\mathrm{softmax}")
        + r"(\text{logits}) \end{gathered}",
        f"Section 3. C = {count} classes. f is frozen and stays as it is.",
        f"f hears **{decisions.with_chances(engine, logits)}**: each class with a probability above "
        f"{decisions.LIMIT:g}."
        if several
        else f"f says **{class_name(engine.classes[best])}**: a logit of "
        f"**{logit(float(logits[best]))}**, a probability of "
        f"**{float(engine.probabilities(logits)[best]):.2f}**.",
        material.try_mixtures(
            f"Two sounds at once: {'does f hear both' if several else 'which does f name'}, how surely?"
        ),
    )


def _seen(view: View, classifier: Seen) -> str:
    """What f's first layer receives of the clip, without a short clip's padding."""
    sound = view.analysis.waveform
    padded = view.engine.hearing.padded(sound * view.analysis.gain)
    bands, caption = classifier.seen(padded)
    last = len(sound) / len(padded) * (bands.shape[1] - 1)
    frames = np.linspace(0, last, len(material.parts(view).seconds)).round().astype(int)
    rows = bands.detach().numpy()[:, frames]
    low, top = float(rows.min()), float(rows.max())
    st.markdown(f"**What f receives: {caption}**")
    material.heat(view, ("seen",), lambda: rows, low, top, f"{caption}, {low:.0f} to {top:.0f}")
    return caption


def dictionary(view: View, made: Interpretation) -> Told:
    """W."""
    known, config, w = material.parts(view), view.engine.audio, view.engine.dictionary.patterns
    bins = np.linspace(0, config.sample_rate / 2, config.n_bins)
    marked = pictures.ticks(config)
    axis = {
        "title": "frequency in Hz, mel axis",
        "tickvals": [place for _, place, _ in marked],
        "ticktext": [text for *_, text in marked],
    }
    title = f"**Shapes of the {len(known.main)} components that cover most of this clip**"
    places = shapes.mel_places(bins, config).tolist()
    rows = w[:, list(known.main)].T.tolist()
    _ridges(view, made, f"{title}, each on a scale of its own", places, rows, axis, True)
    covered = percent(float(known.energy[list(known.main)].sum()))
    return Told(
        f"{w.shape[1]} typical shapes of a spectrum were learned from "
        + (
            "this clip alone: its own alphabet."
            if view.own_dictionary
            else "the training sounds, once. They are the alphabet that every sound is spelled with."
        ),
        r"\begin{gathered} \min_{W,\,H \ge 0} D\left(X"
        + r"_\text{train}" * (not view.own_dictionary)
        + r" \mid WH\right)"
        r" + \mu \lVert H \rVert_1 \\ \lVert w_k \rVert = 1 \end{gathered}",
        f"Eq. 5, sparse NMF. W has a row for each of {config.n_bins} frequencies and a column w for "
        f"each of K = {w.shape[1]} components. Nothing is negative: components only add up.",
        f"The {len(known.main)} drawn account for **{covered}** of the clip's log energy, ‖X‖²."
        if known.main
        else "",
        Try(
            "Which shapes are tones, which are noise? All of them can be heard.", more=_shape_alone
        ),
    )


@st.fragment
def _shape_alone(view: View) -> None:
    """A column of W, played as long as it sounds in the clip; the way to all of them."""
    if main := material.parts(view).main:
        chosen = _choose(view, "Shape to hear", "shape")
        sound = cached.template_audio(view.key, view.engine, view.analysis, chosen)
        hear(
            "lesson-shape",
            [Sound("the shape alone", sound)],
            view.engine.audio.sample_rate,
            subject=(view.key, main),
            gain=players.common_gain([view.analysis.waveform.numpy()]),
            label="Listen to one shape",
        )
    k = view.engine.dictionary.n_components
    if st.button(f"See all {k} on the Dictionary page", key="to-dictionary"):
        state.go("dictionary")


def activations(view: View, made: Interpretation) -> Told:
    """H."""
    known, engine = material.parts(view), view.engine
    rows = known.activations[list(known.main)].tolist()
    highest = number(max((max(row) for row in rows), default=0.0))
    title = f"**When the {len(known.main)} components sound**, on one scale; the highest value is"
    seconds, axis = known.seconds.tolist(), {"title": "seconds"}
    _ridges(view, made, f"{title} {highest}", seconds, rows, axis, False)
    k, reads = engine.dictionary.n_components, LAYERS in engine.explainer.needs
    active = int((known.activations.amax(dim=1) > 0).sum())
    return Told(
        "For each shape, H says when it sounds and how strongly. "
        + (
            "The network Ψ reads this out of f's own hidden layers: H tells what f has noticed."
            if reads
            else f"{engine.explainer.title} reads none of f's hidden layers: H describes the "
            "sound, not what f has noticed of it."
        ),
        r"H = \Psi\left(f_{\mathcal{I}}(x)\right) \in \mathbb{R}_{+}^{K \times T}"
        if reads
        else r"X \approx W H, \qquad H \in \mathbb{R}_{+}^{K \times T}",
        "Section 3.1. "
        + f"Ψ sees the outputs of {len(engine.classifier.layers)} hidden layers of f, nothing else. "
        * reads
        + f"K = {k} rows h, T = {len(known.seconds)} frames.",
        f"**{active} of {k}** components are active at some time in this clip.",
        Try(
            "Choose a component and play it: does it sound where its curve rises?",
            more=_component_alone,
        )
        if known.main
        else None,
    )


@st.fragment
def _component_alone(view: View) -> None:
    """One component of the clip, to be chosen and played."""
    chosen = _choose(view, "Component to hear alone", "component")
    names = dict(zip((chosen,), material.names(view, (chosen,)), strict=True))
    alone = cached.component_audio(view.key, view.engine, view.analysis, chosen, view.domain)
    rate, title = view.engine.audio.sample_rate, f"component {names[chosen]} alone"
    gain = players.common_gain([view.analysis.waveform.numpy()])
    with st.container(key="players-lesson-4"):
        st.audio(players.wav(alone, rate, gain), alt=f"Player: {title}")
    st.caption("Cut out of the clip as step 8 shows, at the clip's gain.")


def _choose(view: View, label: str, name: str) -> int:
    """One of the main components."""
    main = material.parts(view).main
    names = dict(zip(main, material.names(view, main), strict=True))
    return st.selectbox(label, main, key=f"lesson {name} {view.key}", format_func=names.__getitem__)


def _ridges(
    view: View,
    made: Interpretation,
    title: str,
    x: Sequence[float],
    rows: Sequence[Sequence[float]],
    axis: Mapping[str, object],
    own_scale: bool,
) -> None:
    """A curve for each main component."""
    main = material.parts(view).main
    if not main:
        st.info("The clip is silent: no component is active, and there is nothing to draw.")
        return
    st.markdown(title)
    names = material.names(view, main)
    labels = [components.escaped_html(name) for name in names]
    marked = [k in made.selected for k in main]
    figure = ridges(x, rows, labels, axis, pictures.palette(), marked, own_scale)
    plots.chart(figure, f"lesson {axis['title']}", f"{title}: {', '.join(names)}.")
    st.caption(
        f"Blue: chosen for “{class_name(view.target)}” at τ = {view.threshold:.2f} (step 7). Beside "
        "its number: a component's centre frequency."
    )


def ridges(
    x: Sequence[float],
    rows: Sequence[Sequence[float]],
    names: Sequence[str],
    axis: Mapping[str, Any],
    colours: Palette,
    marked: Sequence[bool],
    own_scale: bool = False,
) -> go.Figure:
    """Filled curves over one x axis, one below the other, the first on top, those that are `marked`
    in the accent colour. own_scale: each curve fills its row; else one scale holds for all."""
    floors = range(len(rows) - 1, -1, -1)
    figure = plots.figure_of(
        colours,
        52 * len(rows) + 60,
        {"range": [x[0], x[-1]], "ticks": "outside", **axis},
        {
            "tickvals": [floor + 0.3 for floor in floors],
            "ticktext": [f"{name}  " for name in names],
            "range": [-0.05, len(rows)],
        },
        margin={"r": 12, "t": 4},
    )
    largest = max((max(row, default=0.0) for row in rows), default=0.0)
    for floor, row, one in zip(floors, rows, marked, strict=True):
        top = max(max(row, default=0.0) if own_scale else largest, 1e-12)
        height = [floor + 0.9 * value / top for value in row]
        shade = colours.accent if one else colours.neutral
        figure.add_scatter(x=[x[0], x[-1]], y=[floor, floor], mode="lines", line={"width": 0})
        curve = {"mode": "lines", "line": {"color": shade, "width": 1.5}, "fill": "tonexty"}
        figure.add_scatter(x=list(x), y=height, **curve)
    return figure


def product(view: View, made: Interpretation) -> Told:
    """W H ≈ X."""
    known, engine = material.parts(view), view.engine
    st.markdown("**X, the clip**")
    material.magnitudes(view, "X", lambda: known.x)
    st.markdown("**W·H, what the dictionary makes of it**, on the scale of X")
    if known.main:
        _sums(view)
    else:
        material.magnitudes(view, "W·H", lambda: known.model)
    return Told(
        "Shapes times activations must give back the picture of the whole clip. What W·H "
        "misses, no explanation can speak about.",
        r"X \approx W H, \qquad \mathcal{L}_\text{NMF} = \lVert X - W H \rVert_2^2",
        "Eq. 3. "
        + "Ψ is trained for it (Eq. 4), beside imitating f and keeping H sparse."
        * (engine.class_weights is not None),
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


@st.fragment
def _sums(view: View) -> None:
    """W·H of the first k components, the largest first: its picture, and its sound beside the clip's."""
    known, analysis, k = material.parts(view), view.analysis, view.engine.dictionary.n_components
    steps = sorted({*range(1, min(len(known.main), k) + 1), k})
    count = st.select_slider(
        "Components added up, those that cover most of the clip first",
        steps,
        value=k,
        key=f"lesson sums {view.key}",
    )
    chosen = known.energy.argsort(descending=True, stable=True)[:count].tolist()

    def model() -> Tensor:
        return usage.part(analysis, chosen)[:, : known.x.shape[1]]

    material.magnitudes(view, "W·H", model, (count,))
    what = f"W·H of {counted(count, 'component')}"
    sounds = [
        Sound("X, the clip", analysis.waveform),
        Sound(what, usage.spelled(view.engine, analysis, chosen)),
    ]
    rate = view.engine.audio.sample_rate
    hear(
        "lesson-product", sounds, rate, subject=view.key, label=f"Listen to the clip and to {what}"
    )
