"""One clip explained by every system of the model at once: interpreters, FLINT, VIBI."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from torch import Tensor

from l2i_core.baselines import explanations
from l2i_core.baselines.explanations import FlintExplanation
from l2i_core.baselines.flint import Flint
from l2i_core.baselines.vibi import Vibi
from pages.shared import decisions, engines, players, results, state
from pages.shared.context import View
from pages.shared.live import Choice
from pages.shared.words import class_name, logit, percent, sentence

_MOST = 5  # attributes that are named


@dataclass(frozen=True, slots=True)
class Said:
    """What one system says of the clip. logits (C,) are its own; sound (n,) and log_magnitude X_int
    (F, T) are what it keeps, None where nothing of it can be played; kept (C,) are f's logits on that sound, left (C,) on the
    rest."""

    title: str
    logits: Tensor
    units: str
    sound: np.ndarray | None = None
    log_magnitude: Tensor | None = None
    energy: float | None = None
    kept: Tensor | None = None
    left: Tensor | None = None
    remark: str = ""


def draw(view: View) -> None:
    """The section: a switch, a table, and a player for whatever can be played."""
    st.subheader("One clip, every system", anchor=False)
    shown = state.value("systems") == "all"
    st.toggle(
        f"Explain “{view.source.title}” by all systems of this model at once",
        key=state.control("systems", shown),
        on_change=_switched,
    )
    if not shown:
        return
    try:
        said = [_interpreter(view, name) for name in view.engine.bundle.interpreters]
        said += [_baseline(view, name) for name in view.engine.bundle.baselines]
    except ValueError as error:
        st.error(sentence(str(error)))
        return
    target, heard = class_name(view.target), decisions.said(view.engine, view.analysis.logits)
    told = f"hears {heard}" if view.multi_label else f"says “{heard}”"
    st.markdown(
        f"**For “{target}” at τ {view.threshold:.2f}: f {told}.** VIBI explains f's output as a "
        "whole, whatever class is chosen, and has no τ."
    )
    st.table(
        pd.DataFrame({s.title: _row(view, s) for s in said}).T,
        border="horizontal",
        alt="What every system of this model says of the clip, and f of what each keeps",
    )
    playable = [s for s in said if s.sound is not None]
    chosen = (view.target, view.threshold, view.domain)
    gain = players.common_gain([view.analysis.waveform.numpy(), *(s.sound for s in playable)])
    columns = st.container(key="players-systems").columns(len(said))
    for column, each in zip(columns, said, strict=True):
        with column:
            st.markdown(f"**{each.title}**")
            if each.log_magnitude is not None:
                st.image(
                    view.picture(("system", each.title, chosen), each.log_magnitude, dim=True),
                    width="stretch",
                    alt=f"Spectrogram of what {each.title} keeps, the rest of the input grey",
                )
            if each.sound is not None:
                st.audio(
                    players.wav(each.sound, view.engine.audio.sample_rate, gain),
                    format="audio/wav",
                    alt=f"Player: what {each.title} keeps",
                )
            if each.remark:
                st.caption(each.remark)
    players.take_turns()
    st.caption(
        f"One gain for all: {players.decibels(gain)} on the clip's own level. Colours in dB below "
        "the clip's loudest band; grey: less than a tenth of the magnitude is kept."
    )


def _switched() -> None:
    """Callback: the switch is a setting, so that what it shows is a link."""
    state.touch()
    state.put(systems="all" if st.session_state["control_systems"] else None)


def _row(view: View, said: Said) -> dict[str, str]:
    """A system's row of the table, "–" where it has no such figure."""
    engine, index = view.engine, view.engine.class_index(view.target)
    ff = f"FF, {decisions.unit_of(engine).name}"
    row = {
        **_answer(view, said, index),
        "keeps": said.units,
        "energy kept": "–",
        ff: "–",
        "f on what is kept": "–",
    }
    if said.kept is not None and said.left is not None and said.energy is not None:
        drop = engine.score(view.analysis.logits)[index] - engine.score(said.left)[index]
        row["energy kept"] = percent(said.energy)
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


def _interpreter(view: View, name: str) -> Said:
    bundle, stamp, _, clip, window = view.key
    engine, key = engines.engine(bundle, name), (bundle, stamp, name, clip, window)
    analysis = engines.analysis(key, engine, view.source, view.window)
    choice = Choice(view.threshold, view.domain)
    made = engines.interpretation(key, engine, analysis, view.target, choice)
    verdict = engines.verdict(key, engine, analysis, made)
    count = len(made.selected)
    return Said(
        results.title(engine.bundle, name),
        analysis.interpreter_logits,
        f"{count} component{'s' * (count != 1)}",
        made.audio.numpy(),
        made.log_magnitude,
        made.energy_kept,
        verdict.logits_interpretation,
        verdict.logits_without,
    )


def _baseline(view: View, name: str) -> Said:
    engine, model = view.engine, view.engine.bundle.baseline(name)
    info = engine.bundle.baseline_info[name]
    if isinstance(model, Flint):
        with engines.turn:
            explained = explanations.flint(model, engine, view.analysis, view.target)
        active = int((explained.attributes > 0).sum())
        remark = f"{_attributes(explained)} {info.description}"
        return Said(info.title, explained.logits, f"{active} active attributes", remark=remark)
    assert isinstance(model, Vibi)
    with engines.turn:
        seen = explanations.vibi(model, engine, view.analysis)
    return Said(
        info.title,
        seen.logits,
        f"{int(seen.chunks.sum())} of {seen.chunks.numel()} chunks",
        seen.audio.numpy(),
        seen.log_magnitude,
        seen.energy_kept,
        seen.logits_interpretation,
        seen.logits_without,
        info.description,
    )


def _attributes(explained: FlintExplanation) -> str:
    order = explained.relevance.argsort(descending=True)[:_MOST].tolist()
    best = [k for k in order if float(explained.relevance[k]) > 0]
    if not best:
        return "No attribute speaks for this class."
    named = ", ".join(f"{k} ({float(explained.relevance[k]):.2f})" for k in best)
    return f"Most relevant attributes: {named}."
