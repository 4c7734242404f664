"""One clip explained by every system of the model at once: all explainers, FLINT, VIBI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from pages.fidelity.entries import Said, said
from pages.shell import decisions, results, state
from pages.shell.view import View
from pages.show import players, plots
from pages.show.words import class_name, logit, percent, sentence

_ABREAST = 3  # systems in a row: narrower, the pictures' numbers could not be read
_ALL = "all"


def draw(view: View) -> None:
    """The section: a switch, a choice of systems, a table, and each system's picture and player."""
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
    sounds = [s.kept.sound for s in found.values() if s.kept]
    gain = players.common_gain([view.analysis.waveform.numpy(), *sounds])
    with st.container(key="players-systems"):
        for index, name in enumerate(names):
            if index % _ABREAST == 0:
                columns = st.columns(_ABREAST, gap="medium")
            with columns[index % _ABREAST]:
                st.markdown(f"**{titles[name]}**")
                if name in refused:
                    st.error(refused[name])
                else:
                    _one(view, titles[name], found[name], gain)
    players.take_turns()
    if sounds:
        st.caption(
            f"{players.one_gain(gain)} Colours in dB "
            "below the clip's loudest band; grey: less than a tenth of the magnitude is kept."
        )


def _one(view: View, title: str, said: Said, gain: float) -> None:
    """A system's picture, player and plain statement, in its column."""
    if isinstance(said.shown, bytes):
        st.image(said.shown, width="stretch", alt=said.alt)
    elif said.shown is not None:
        plots.chart(said.shown, f"system {title}", said.alt)
    if said.kept:
        data = players.wav(said.kept.sound, view.engine.audio.sample_rate, gain)
        st.audio(data, alt=f"Player: what {title} keeps")
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
    st.toggle(
        f"Explain “{view.source.title}” by the systems of this model",
        key=state.control("systems", bool(names)),
        on_change=lambda: _put(there if st.session_state["control_systems"] else [], there),
    )
    if names:
        st.pills(
            "Systems",
            there,
            selection_mode="multi",
            key=state.control("systems_shown", names),
            format_func=titles.__getitem__,
            on_change=lambda: _put(st.session_state["control_systems_shown"], there),
            wrap=True,
            label_visibility="collapsed",
        )
    return names


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


def _put(names: Sequence[str], there: Sequence[str]) -> None:
    """Callback of both."""
    state.touch()
    state.put(systems=_setting(names, there))
