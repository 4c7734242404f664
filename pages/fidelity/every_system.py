"""One clip explained by every system of the model at once: what each kind can show of it, an entry in
`ENTRIES` for each, and the section that shows them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from l2i_core.bundle import Bundle
from l2i_core.explainers import flint, vibi
from l2i_core.words import counted
from pages.shell import cached, decisions, models, results, state
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.choice import Choice
from pages.show.sounds import Sound, hear
from pages.show.words import class_name, logit, percent, sentence

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
    choice, window = Choice(view.threshold, view.domain), view.key.window
    bundle, given = view.key.bundle, view.key.dictionary
    known = models.dictionaries(models.bundle(bundle), name)
    w = given if given in known else known[0]
    explained = cached.of_clip(
        bundle, name, w, view.source, view.target, choice, view.window, window
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


_ABREAST = 3  # systems in a row: narrower, the pictures' numbers could not be read
_ALL = "all"


def draw(view: View) -> None:
    """The section: a switch, a choice of systems, a table, a player for all, and each system's picture."""
    st.subheader("One clip, every system", anchor=False)
    bundle = view.engine.bundle
    titles = {n: results.title(bundle, n) for n in (*bundle.explainers(), *bundle.baseline_info)}
    names = _choose(view, titles)
    if not names:
        return
    found: dict[str, Said] = {}
    refused: dict[str, str] = {}
    for name in names:
        try:
            found[name] = said(view, name)
        except ValueError as error:  # the others still have something to say
            refused[name] = sentence(str(error))
    target, heard = class_name(view.target), decisions.said(view.engine, view.analysis.logits)
    told = f"hears {heard}" if view.engine.task.multi_label else f"says “{heard}”"
    st.markdown(f"**For “{target}” at τ {view.threshold:.2f}: f {told}.**")
    if found:
        rows = {titles[n]: _row(view, found[n]) if n in found else {} for n in names}
        st.table(
            pd.DataFrame.from_dict(rows, orient="index").reindex(list(rows)).fillna("–"),
            border="horizontal",
            alt="What every system of this model says of the clip, and f of what each keeps",
        )
    kept = [Sound(titles[n], s.kept.sound) for n, s in found.items() if s.kept]
    if kept:
        hear(
            "systems",
            [Sound("the clip", view.analysis.waveform), *kept],
            view.engine.audio.sample_rate,
            subject=view.key[-2:],
            label="Listen to the clip, and to what each system keeps",
        )
    for index, name in enumerate(names):
        if index % _ABREAST == 0:
            columns = st.columns(_ABREAST, gap="medium")
        with columns[index % _ABREAST]:
            st.markdown(f"**{titles[name]}**")
            if name in refused:
                st.error(refused[name])
            else:
                _one(titles[name], found[name])
    if kept:
        st.caption("Colours in dB below the clip's loudest band.")


def _one(title: str, said: Said) -> None:
    """A system's picture and plain statement, in its column."""
    if isinstance(said.shown, bytes):
        st.image(said.shown, width="stretch", alt=said.alt)
    elif said.shown is not None:
        plots.chart(said.shown, f"system {title}", said.alt)
    st.caption(said.remark)


def _row(view: View, said: Said) -> dict[str, str]:
    """A system's row of the table: its own decision and how near that is to f's, and what f makes
    of what it keeps, "–" where nothing can be played."""
    engine, analysis, kept = view.engine, view.analysis, said.kept
    index, task = engine.class_index(view.target), engine.task
    own, near = "it hears", f"its probability of {class_name(view.target)}"
    if not task.multi_label:
        own, near = "its first choice", "rank of f's class"
    row = dict.fromkeys((own, near), "–")
    if said.logits is not None:
        row[own] = decisions.said(engine, said.logits)
        place = int((said.logits > said.logits[analysis.predicted]).sum()) + 1
        chance = float(engine.probabilities(said.logits)[index])
        row[near] = f"{chance:.2f}" if task.multi_label else str(place)
    drop = float(task.drop(analysis.logits, kept.without[None], index)) if kept else None
    return {
        **row,
        "keeps": said.units,
        "sound energy kept": percent(kept.energy) if kept else "–",
        f"FF, {task.unit.name}": "–" if drop is None else logit(drop),
        "f on what is kept": decisions.with_chances(engine, kept.logits) if kept else "–",
    }


def _choose(view: View, titles: Mapping[str, str]) -> list[str]:
    """The switch, and the choice of systems by name; none where the section is switched off. Both
    are one setting, so that what they show is a link."""
    there = list(titles)
    names = _chosen(there)

    def put(chosen: Sequence[str]) -> None:
        state.chose(systems=_setting(chosen, there))

    bundle = view.engine.bundle

    st.toggle(
        f"Explain “{view.source.title}” by the systems of this model",
        key=state.control("systems", bool(names)),
        on_change=lambda: put(_quick(bundle, there) if st.session_state["control_systems"] else []),
    )
    if names:
        st.pills(
            "Systems",
            there,
            selection_mode="multi",
            key=state.control("systems_shown", names),
            format_func=titles.__getitem__,
            on_change=lambda: put(st.session_state["control_systems_shown"]),
            wrap=True,
            label_visibility="collapsed",
        )
    return names


def _quick(bundle: Bundle, there: Sequence[str]) -> list[str]:
    """The systems that answer within a second, with which the section opens; all where none does."""
    slow = {name for name in bundle.explainers() if bundle.explainer(name).seconds > 1}
    return [name for name in there if name not in slow] or list(there)


def _chosen(there: Sequence[str]) -> list[str]:
    """The systems to show, in the model's order."""
    named = [name for name in str(state.value("systems") or "").split(",") if name]
    if not named or named == [_ALL]:
        return list(there) if named else []
    shown = [name for name in there if name in named]
    if unknown := [name for name in named if name not in there]:
        shown = shown or list(there)
        state.put(systems=_setting(shown, there))
        state.notice(f"This model has no system “{unknown[0][:40]}”; showing those that it has.")
        state.show_messages()
    return shown


def _setting(names: Sequence[str], there: Sequence[str]) -> str | None:
    return _ALL if set(names) == set(there) else ",".join(names) or None
