"""What each step shows: players, pictures and figures of the clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from l2i_core import Interpretation
from l2i_core.classifiers.protocol import Spectral
from l2i_core.words import TITLES
from pages.lesson import figures, material
from pages.shell import cached, components, decisions, verdicts
from pages.shell.view import View
from pages.show import pictures, players, plots
from pages.show.words import class_name, logit, number, percent

SYMBOLS = ("x", "x_int", "x₂")
EQUAL_ATTENTION = "attention a over time; dotted, equal attention"
EQUAL_SHARES = "share of components that reach their maximum in a frame; dotted, equal shares"


def sound(view: View, made: Interpretation) -> None:
    """x and X."""
    samples, known = view.analysis.waveform.numpy(), material.parts(view)
    with st.container(key="players-lesson-1"):
        _player(view, samples, "the clip", players.common_gain([samples]))
    st.markdown("**The sound x: air pressure over time**")
    st.image(
        material.waveform(view),
        width="stretch",
        alt=f"Waveform of {view.source.title}, "
        f"{number(len(samples) / view.engine.audio.sample_rate)} s.",
    )
    bins, frames = known.x.shape
    st.markdown(f"**The picture X: {bins} frequencies in {frames} frames**")
    _clip(view)


def classifier(view: View, made: Interpretation) -> None:
    """What f receives, if it tells, and its probabilities."""
    engine, logits = view.engine, view.analysis.logits
    if received := material.seen(view):
        picture, caption, scale = received
        st.markdown(f"**What f receives: {caption}**")
        _image(view, picture, f"{caption}, {scale}")
        if not isinstance(engine.classifier, Spectral):
            st.caption("The Hz beside it are the dictionary's; f may space its bands otherwise.")
    else:
        st.info("What f makes of the sound before its first layer is its own business.")
    said = decisions.said(engine, logits)
    st.markdown(f"**What f {engine.task.decides}: {said}** (probabilities)")
    order = logits.argsort(descending=True, stable=True).tolist()[: material.CLASSES]
    verdicts.classes(view, order, "lesson-classes")


def dictionary(view: View, made: Interpretation) -> None:
    """Columns of W."""
    main = material.parts(view).main
    title = f"**Shapes of the {len(main)} components that cover most of this clip**"
    places, rows = material.columns(view, main)
    _ridges(view, made, f"{title}, each on a scale of its own", places, rows, shapes=True)


def activations(view: View, made: Interpretation) -> None:
    """Rows of H."""
    known = material.parts(view)
    rows = known.activations[list(known.main)].tolist()
    title = f"**When the {len(known.main)} components sound**, on one scale; the highest value is"
    highest = number(max((max(row) for row in rows), default=0.0))
    _ridges(view, made, f"{title} {highest}", known.seconds.tolist(), rows, shapes=False)


@st.fragment
def component_alone(view: View) -> None:
    """One component of the clip, to be chosen and played."""
    known = material.parts(view)
    names = dict(zip(known.main, material.names(view, known.main), strict=True))
    chosen = st.selectbox(
        "Component to hear alone",
        known.main,
        key=f"lesson component {view.key}",
        format_func=names.__getitem__,
    )
    alone = cached.component_audio(view.key, view.engine, view.analysis, chosen, view.domain)
    gain = players.common_gain([view.analysis.waveform.numpy()])
    with st.container(key="players-lesson-4"):
        _player(view, alone, f"component {names[chosen]} alone", gain)
    st.caption("Cut out of the clip as step 8 shows, at the clip's gain.")


def product(view: View, made: Interpretation) -> None:
    """X above W H."""
    known = material.parts(view)
    st.markdown("**X, the clip**")
    _clip(view)
    st.markdown("**W·H, what the dictionary makes of it**, on the scale of X")
    picture = material.magnitudes(view, "W·H", lambda: known.model)
    _image(view, picture, f"W·H, 0 to {known.top:.1f}")


def pooling(view: View, made: Interpretation) -> None:
    """Attention over time, and Θ's logits beside f's, as far as there are any."""
    known, engine = material.parts(view), view.engine
    logits, theirs = view.analysis.logits, view.analysis.interpreter_logits
    if known.attention is not None:
        title = EQUAL_SHARES if material.pooling(view) == "max" else EQUAL_ATTENTION
        st.markdown(f"**Which moments count**: {title}")
        weights = known.attention.tolist()
        plots.chart(
            figures.attention(
                known.seconds.tolist(), weights, 1 / len(weights), pictures.palette()
            ),
            "lesson-attention",
            f"Attention over time; the highest is {percent(max(weights))}.",
        )
    order = logits.argsort(descending=True, stable=True).tolist()[: material.CLASSES]
    order += [made.target_index] if theirs is None else [int(theirs.argmax()), made.target_index]
    order = list(dict.fromkeys(order))
    names = [class_name(engine.classes[c]) for c in order]
    series = {"f": logits[order].tolist()}
    if theirs is None:
        st.markdown("**What there is to mimic**: f's own logits")
    else:
        series["Θ, the interpreter"] = theirs[order].tolist()
        st.markdown(
            "**Does Θ answer as f does?** Logits; "
            + (
                "a class is heard where they are above 0"
                if view.multi_label
                else "their order matters, not their offset"
            )
        )
    plots.chart(
        figures.logits(names, series, pictures.palette()),
        "lesson-logits",
        f"Logits of {' and of '.join(series)}: "
        + ", ".join(
            f"{name} {' and '.join(logit(value) for value in values)}"
            for name, *values in zip(names, *series.values(), strict=True)
        ),
    )


def relevance(view: View, made: Interpretation) -> None:
    """The relevances, τ, and which are in L."""
    target, drawn = class_name(view.target), material.ranked(made)
    if not bool((made.relevance != 0).any()):
        st.info("Every relevance is 0: no component contributes to this class in this clip.")
        return
    total, against = len(made.relevance), int((made.relevance < 0).sum())
    st.markdown(
        f"**{len(made.selected)} of {total} components are chosen for “{target}”**; drawn are "
        f"{len(drawn)} of {total}, {against} speak against it"
    )
    names, values = material.names(view, tuple(drawn)), made.relevance[drawn].tolist()
    plots.chart(
        figures.relevance_bars(
            [components.escaped_html(name) for name in names],
            values,
            [k in made.selected for k in drawn],
            view.threshold,
            pictures.palette(),
        ),
        "lesson-relevance",
        f"Relevances for {target}, τ {view.threshold:.2f}: "
        + ", ".join(f"{name} {number(value)}" for name, value in zip(names, values, strict=True)),
    )


def mask(view: View, made: Interpretation) -> None:
    """A, B and C, the mask, and X_int."""
    three, known = view.explained().sounds.values(), material.parts(view)
    sounds = {f"{t}: {s}": x for t, s, x in zip(TITLES, SYMBOLS, three, strict=True)}
    gain = players.common_gain(list(three))
    players.beside("players-lesson-8", sounds, view.engine.audio.sample_rate, gain)
    st.caption(players.one_gain(gain))
    if not made.selected:
        st.info("Nothing is chosen, so the mask is 0 everywhere: B is silence, C the clip.")
    st.markdown("**The mask M**: 0 nothing passes, 1 everything")
    _image(view, material.mask(view, made), "the soft mask, 0 to 1")
    st.markdown("**X_int, what the mask leaves of X**, on the scale of X")
    left = material.magnitudes(
        view, "X_int", lambda: made.log_magnitude[:, : known.x.shape[1]], view.explained().name
    )
    _image(view, left, f"X_int, 0 to {known.top:.1f}")


def test(view: View, made: Interpretation) -> None:
    """What f says of A, B and C."""
    st.markdown(f"**What f says of the three sounds**, for “{class_name(view.target)}”")
    explained = view.explained()
    verdicts.table(explained)
    st.markdown(" ".join(verdicts.told(explained)))
    if made.selected:
        verdicts.more_draws(view, explained)


def _ridges(
    view: View,
    made: Interpretation,
    title: str,
    x: Sequence[float],
    rows: Sequence[Sequence[float]],
    shapes: bool,
) -> None:
    """A curve for each main component, its shape over frequency or its activation over time."""
    main = material.parts(view).main
    if not main:
        st.info("The clip is silent: no component is active, and there is nothing to draw.")
        return
    st.markdown(title)
    names = material.names(view, main)
    figure = figures.ridges(
        x,
        rows,
        [components.escaped_html(name) for name in names],
        "frequency in Hz, mel axis" if shapes else "seconds",
        material.frequency_ticks(view) if shapes else None,
        pictures.palette(),
        [k in made.selected for k in main],
        own_scale=shapes,
    )
    what = "Spectral shapes" if shapes else "Activations over time"
    key = "lesson-shapes" if shapes else "lesson-activations"
    plots.chart(figure, key, f"{what} of components {', '.join(names)}.")
    st.caption(
        f"Blue: chosen for “{class_name(view.target)}” at τ = {view.threshold:.2f} (step 7). "
        "Grey: not chosen. The number beside # is the component's centre frequency."
    )


def _clip(view: View) -> None:
    known = material.parts(view)
    _image(view, material.magnitudes(view, "X", lambda: known.x), f"X, 0 to {known.top:.1f}")


def _player(view: View, sound: np.ndarray, title: str, gain: float) -> None:
    st.audio(players.wav(sound, view.engine.audio.sample_rate, gain), alt=f"Player: {title}")


def _image(view: View, picture: bytes, what: str) -> None:
    st.image(
        picture,
        width="stretch",
        alt=f"Picture of {what}, dark to bright, over seconds and Hz on a mel axis; clip "
        f"{view.source.title}.",
    )
