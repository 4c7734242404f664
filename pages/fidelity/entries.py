"""What each kind of system can show of one clip: an entry in `ENTRIES` for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from l2i_core.explainers import flint, vibi
from l2i_core.words import counted
from pages.shell import cached, models, results
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.choice import Choice
from pages.show.words import class_name

_MOST = 8  # attributes that are drawn


@dataclass(frozen=True, slots=True)
class Kept:
    """What can be played: the sound (n,) that a system keeps, its share of the clip's energy, and
    f's logits (C,) on it and on the rest."""

    sound: np.ndarray
    energy: float
    logits: Tensor
    without: Tensor


@dataclass(frozen=True, slots=True)
class Said:
    """What one system says of the clip: its own logits (C,) if it has any, how much it names
    (`units`), a remark, a picture as PNG or a figure, with `alt` in words, and what it keeps."""

    logits: Tensor | None
    units: str
    remark: str
    shown: bytes | go.Figure | None
    alt: str
    kept: Kept | None = None


def said(view: View, name: str) -> Said:
    """What a system of the model says of the clip; ValueError where it cannot explain it."""
    info = view.engine.bundle.baseline_info.get(name)
    kind = info.kind if info else "interpreter"
    if kind not in ENTRIES:
        raise ValueError(f"no picture is known of {kind!r}; known: {', '.join(ENTRIES)}.")
    return ENTRIES[kind](view, name)


def _interpreter(view: View, name: str) -> Said:
    """Components, as sound and as a spectrogram."""
    choice, window = Choice(view.threshold, view.domain), view.key[4]
    explained = cached.of_clip(
        view.key[0], name, view.source, view.target, choice, view.window, window
    )
    engine, made, verdict = explained.engine, explained.interpretation, explained.verdict
    title = results.title(engine.bundle, name)
    what = ("system", title, view.target, view.threshold, view.domain)
    return Said(
        explained.analysis.interpreter_logits,
        counted(len(made.selected), "component"),
        "Its components together; on Listen each can be played alone.",
        view.picture(what, made.log_magnitude, dim=True),
        f"Spectrogram of what {title} keeps, the rest of the input grey",
        Kept(
            made.audio.numpy(),
            made.energy_kept,
            verdict.logits_interpretation,
            verdict.logits_without,
        ),
    )


def _flint(view: View, name: str) -> Said:
    """Attributes and their relevances, as bars: the active ones that weigh most for or against the
    class, by falling relevance."""
    engine, info = view.engine, view.engine.bundle.baseline_info[name]
    with models.turn:
        model, c = engine.bundle.baseline(name), engine.class_index(view.target)
        assert isinstance(model, flint.Flint)  # by its kind
        made = flint.explain(model, engine.hearing, view.analysis, c)
    values, relevance = made.attributes.tolist(), made.relevance.tolist()
    order = sorted(range(len(values)), key=lambda k: -abs(relevance[k]))
    active = [k for k in order if values[k] > 0]
    drawn = sorted(active[:_MOST], key=lambda k: -relevance[k])
    best, target = order[0], class_name(view.target)
    r = relevance[best]
    weighs = f"{best} weighs most, {'for' if r > 0 else 'against'}" if r else "none speaks for"
    more = f"; drawn: the {_MOST} that weigh most" if len(active) > _MOST else ""
    return Said(
        made.logits,
        counted(len(active), "active attribute"),
        f"Of {len(values)} attributes {len(active)} are active; {weighs} “{target}”{more}. "
        f"{info.description} It has no τ.",
        _attributes(drawn, values, relevance) if drawn else None,
        f"Attributes of {info.title} and their relevances: "
        + "; ".join(f"{k} {values[k]:.2f}, r {relevance[k]:.2f}" for k in drawn),
    )


def _attributes(
    shown: Sequence[int], values: Sequence[float], relevance: Sequence[float]
) -> go.Figure:
    """Those of FLINT's attributes (J,) that are `shown`, and beside them their relevances (J,), as
    bars with their numbers, the first on top; those that speak for the class in the accent colour.
    """
    colours, names = pictures.palette(), [str(k) for k in shown]
    sizes, weights = [values[k] for k in shown], [relevance[k] for k in shown]
    shades = [colours.accent if r > 0 else colours.neutral for r in weights]
    axis = {"showticklabels": False, "side": "top"}
    figure = plots.figure_of(
        colours,
        27 * len(names) + 40,
        {**axis, "title": "attribute", "domain": [0, 0.42], "range": [0, 1.4 * max(sizes)]},
        {**plots.NAMES, "showline": False},
        xaxis2={
            **axis,
            "title": "relevance r",
            "domain": [0.5, 1],
            "range": [1.45 * min(0.0, *weights), 1.4],
            "anchor": "y",
        },
        margin={"r": 8, "t": 32, "b": 4},
    )
    plots.add_bars(figure, names, sizes, colours.neutral, width=0.6)
    plots.add_bars(figure, names, weights, shades, width=0.6, xaxis="x2")
    return figure


def _vibi(view: View, name: str) -> Said:
    """Chunks of time and mel, as sound and as a spectrogram in which they are framed."""
    engine, info = view.engine, view.engine.bundle.baseline_info[name]
    with models.turn:
        model = engine.bundle.baseline(name)
        assert isinstance(model, vibi.Vibi)  # by its kind
        made = vibi.explain(model, engine.hearing, view.analysis)
    units = f"{int(made.chunks.sum())} of {made.chunks.numel()} chunks"
    padded = engine.audio.n_frames(len(view.analysis.waveform)) < made.log_magnitude.shape[1]
    beyond = " The chunks that are not seen lie in the short clip's padding." if padded else ""
    return Said(
        made.logits,
        units,
        f"Framed: the chunks it keeps.{beyond} {info.description} Neither the class nor τ changes "
        "them.",
        pictures.chunks(view.analysis, made.chunks, engine.audio, pictures.theme(), view.start),
        f"Spectrogram of the clip, {units} of time and mel framed as kept, the rest grey",
        Kept(made.audio.numpy(), made.energy_kept, made.logits_interpretation, made.logits_without),
    )


# By `BaselineInfo.kind`.
ENTRIES: Mapping[str, Callable[[View, str], Said]] = {
    "interpreter": _interpreter,
    "flint": _flint,
    "vibi": _vibi,
}
