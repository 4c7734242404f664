"""One clip explained by every system of the model at once: interpreters, FLINT, VIBI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from l2i_core.baselines import explanations
from l2i_core.baselines.explanations import FlintExplanation
from l2i_core.baselines.flint import Flint
from l2i_core.baselines.vibi import Vibi
from pages.shared import decisions, engines, pictures, players, plots, results, state
from pages.shared.context import View
from pages.shared.live import Choice
from pages.shared.words import class_name, logit, percent, sentence

_MOST = 8  # attributes that are drawn
_ABREAST = 3  # systems in a row: narrower, the pictures' numbers could not be read
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Said:
    """What one system says of the clip. logits (C,) are its own; of what can be played, sound (n,)
    is what it keeps, kept (C,) are f's logits on that, left (C,) on the rest; `shown` (with `alt`
    in words) is its picture as PNG, or a figure."""

    title: str
    logits: Tensor
    units: str
    remark: str
    shown: bytes | go.Figure | None
    alt: str
    sound: np.ndarray | None = None
    energy: float | None = None
    kept: Tensor | None = None
    left: Tensor | None = None


def draw(view: View) -> None:
    """The section: a switch, a choice of systems, a table, and each system's picture and player."""
    st.subheader("One clip, every system", anchor=False)
    titles = _titles(view)
    names = _chosen(titles)
    st.toggle(
        f"Explain “{view.source.title}” by the systems of this model",
        key=state.control("systems", bool(names)),
        on_change=_switched,
    )
    if not names:
        return
    st.pills(
        "Systems",
        list(titles),
        selection_mode="multi",
        key=state.control("systems_shown", names),
        format_func=titles.__getitem__,
        on_change=_picked,
        args=(list(titles),),
        wrap=True,
        label_visibility="collapsed",
    )
    said: dict[str, Said] = {}
    refused: dict[str, str] = {}
    for name in names:
        try:
            said[name] = _said(view, name)
        except ValueError as error:  # the others still have something to say
            refused[name] = sentence(str(error))
    target, heard = class_name(view.target), decisions.said(view.engine, view.analysis.logits)
    told = f"hears {heard}" if view.multi_label else f"says “{heard}”"
    st.markdown(f"**For “{target}” at τ {view.threshold:.2f}: f {told}.**")
    if said:
        rows = {titles[n]: _row(view, said[n]) if n in said else {} for n in names}
        st.table(
            pd.DataFrame.from_dict(rows, orient="index").reindex(list(rows)).fillna("–"),
            border="horizontal",
            alt="What every system of this model says of the clip, and f of what each keeps",
        )
    sounds = [s.sound for s in said.values() if s.sound is not None]
    gain = players.common_gain([view.analysis.waveform.numpy(), *sounds])
    with st.container(key="players-systems"):
        for first in range(0, len(names), _ABREAST):
            columns = st.columns(_ABREAST, gap="medium")
            for name, column in zip(names[first : first + _ABREAST], columns, strict=False):
                with column:
                    st.markdown(f"**{titles[name]}**")
                    if name in said:
                        _one(view, name, said[name], gain)
                    else:
                        st.error(refused[name])
    players.take_turns()
    if sounds:
        st.caption(
            f"One gain for all: {players.decibels(gain)} on the clip's own level. Colours in dB "
            "below the clip's loudest band; grey: less than a tenth of the magnitude is kept."
        )


def _one(view: View, name: str, said: Said, gain: float) -> None:
    """A system's picture, player and plain statement, in its column."""
    if isinstance(said.shown, bytes):
        st.image(said.shown, width="stretch", alt=said.alt)
    elif said.shown is not None:
        st.plotly_chart(
            said.shown, key=f"system {name}", theme=None, config=plots.CONFIG, alt=said.alt
        )
    if said.sound is not None:
        st.audio(
            players.wav(said.sound, view.engine.audio.sample_rate, gain),
            format="audio/wav",
            alt=f"Player: what {said.title} keeps",
        )
    st.caption(said.remark)


def _titles(view: View) -> dict[str, str]:
    """Name and title of each of the model's systems."""
    bundle = view.engine.bundle
    ours = {name: results.title(bundle, name) for name in bundle.interpreters}
    return ours | {name: info.title for name, info in bundle.baseline_info.items()}


def _chosen(there: Sequence[str]) -> list[str]:
    """The systems to show, in the model's order; none where the section is switched off."""
    named = [name for name in str(state.value("systems") or "").split(",") if name]
    if not named or named == [_ALL]:
        return list(there) if named else []
    if unknown := [name for name in named if name not in there]:
        state.put(systems=_setting([name for name in there if name in named] or there, there))
        state.notice(f"This model has no system “{unknown[0][:40]}”; showing those that it has.")
        state.show_messages()
        return _chosen(there)
    return [name for name in there if name in named]


def _setting(names: Sequence[str], there: Sequence[str]) -> str | None:
    return _ALL if set(names) == set(there) else ",".join(names) or None


def _switched() -> None:
    """Callback: the switch is a setting, so that what it shows is a link."""
    state.touch()
    state.put(systems=_ALL if st.session_state["control_systems"] else None)


def _picked(there: Sequence[str]) -> None:
    """Callback of the choice; without any system the section is switched off."""
    state.touch()
    state.put(systems=_setting(st.session_state["control_systems_shown"], there))


def _row(view: View, said: Said) -> dict[str, str]:
    """A system's row of the table, "–" where it has no such figure."""
    engine, index = view.engine, view.engine.class_index(view.target)
    ff = f"FF, {decisions.unit_of(engine).name}"
    row = {
        **_answer(view, said, index),
        "keeps": said.units,
        "sound energy kept": "–",
        ff: "–",
        "f on what is kept": "–",
    }
    if said.kept is not None and said.left is not None and said.energy is not None:
        drop = engine.score(view.analysis.logits)[index] - engine.score(said.left)[index]
        row["sound energy kept"] = percent(said.energy)
        row[ff] = logit(float(drop))
        row["f on what is kept"] = decisions.with_chances(engine, said.kept)
    return row


def _answer(view: View, said: Said, index: int) -> dict[str, str]:
    """A system's own decision, and how near it is to f's."""
    heard = decisions.said(view.engine, said.logits)
    if view.multi_label:
        chance = float(view.engine.probabilities(said.logits)[index])
        return {"it hears": heard, f"its probability of {class_name(view.target)}": f"{chance:.2f}"}
    place = int((said.logits > said.logits[view.analysis.predicted]).sum()) + 1
    return {"its first choice": heard, "rank of f's class": str(place)}


def _said(view: View, name: str) -> Said:
    """What a system says of the clip; ValueError where it cannot explain it."""
    model = view.engine.bundle.baselines.get(name)
    if model is None:
        return _interpreter(view, name)
    return _flint(view, name, model) if isinstance(model, Flint) else _vibi(view, name, model)


def _interpreter(view: View, name: str) -> Said:
    bundle, stamp, _, clip, window = view.key
    engine, key = engines.engine(bundle, name), (bundle, stamp, name, clip, window)
    analysis = engines.analysis(key, engine, view.source, view.window)
    choice = Choice(view.threshold, view.domain)
    made = engines.interpretation(key, engine, analysis, view.target, choice)
    verdict = engines.verdict(key, engine, analysis, made)
    count, title = len(made.selected), results.title(engine.bundle, name)
    what = ("system", title, view.target, view.threshold, view.domain)
    return Said(
        title,
        analysis.interpreter_logits,
        f"{count} component{'s' * (count != 1)}",
        "Its components together; on Listen each can be played alone.",
        view.picture(what, made.log_magnitude, dim=True),
        f"Spectrogram of what {title} keeps, the rest of the input grey",
        made.audio.numpy(),
        made.energy_kept,
        verdict.logits_interpretation,
        verdict.logits_without,
    )


def _flint(view: View, name: str, model: Flint) -> Said:
    info = view.engine.bundle.baseline_info[name]
    with engines.turn:
        explained = explanations.flint(model, view.engine, view.analysis, view.target)
    order = _drawn(explained)
    attributes, relevance = (
        [float(values[k]) for k in order] for values in (explained.attributes, explained.relevance)
    )
    figure = None
    if order:
        figure = plots.attribute_bars(
            [str(k) for k in order], attributes, relevance, pictures.palette()
        )
    active = int((explained.attributes > 0).sum())
    return Said(
        info.title,
        explained.logits,
        f"{active} active attribute{'s' * (active != 1)}",
        f"{_most_relevant(explained)} {info.description} It has no τ.",
        figure,
        f"Attributes of {info.title} and their relevances: "
        + "; ".join(
            f"{k} {a:.2f}, r {r:.2f}" for k, a, r in zip(order, attributes, relevance, strict=True)
        ),
    )


def _drawn(explained: FlintExplanation) -> list[int]:
    """The active attributes that weigh most for or against the class, by falling relevance."""
    order = explained.relevance.abs().argsort(descending=True).tolist()
    most = [k for k in order if float(explained.attributes[k]) > 0][:_MOST]
    return sorted(most, key=lambda k: -float(explained.relevance[k]))


def _most_relevant(explained: FlintExplanation) -> str:
    target, best = class_name(explained.target), int(explained.relevance.abs().argmax())
    count, active = explained.attributes.numel(), int((explained.attributes > 0).sum())
    r = float(explained.relevance[best])
    weighs = f"{best} weighs most, {'for' if r > 0 else 'against'}" if r else "none speaks for"
    more = f"; drawn: the {_MOST} that weigh most" if active > _MOST else ""
    return f"Of {count} attributes {active} are active; {weighs} “{target}”{more}."


def _vibi(view: View, name: str, model: Vibi) -> Said:
    engine, info = view.engine, view.engine.bundle.baseline_info[name]
    with engines.turn:
        seen = explanations.vibi(model, engine, view.analysis)
    count, total = int(seen.chunks.sum()), seen.chunks.numel()
    padded = engine.audio.n_frames(len(view.analysis.waveform)) < seen.log_magnitude.shape[1]
    beyond = " The chunks that are not seen lie in the short clip's padding." if padded else ""
    return Said(
        info.title,
        seen.logits,
        f"{count} of {total} chunks",
        f"Framed: the chunks it keeps.{beyond} {info.description} Neither the class nor τ changes "
        "them.",
        pictures.chunks(view.analysis, seen.chunks, engine.audio, pictures.theme(), view.start),
        f"Spectrogram of the clip, {count} of {total} chunks of time and mel framed as kept, the "
        "rest grey",
        seen.audio.numpy(),
        seen.energy_kept,
        seen.logits_interpretation,
        seen.logits_without,
    )
