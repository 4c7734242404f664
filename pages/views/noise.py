"""Noise lab: does the explanation survive an added sound? One clip, a sweep, a whole test set, and
what the paper's experiments gave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from l2i_core import noise_lab
from l2i_core.baselines.random import RandomDrops
from l2i_core.noise_lab import Part
from l2i_core.words import TITLES
from pages.shared import (
    clips,
    comparisons,
    components,
    context,
    decisions,
    engines,
    experiments,
    noise_files,
    noise_tests,
    noises,
    pictures,
    players,
    plots,
    scene_maker,
    state,
)
from pages.shared.clips import ClipSource
from pages.shared.context import View
from pages.shared.noises import Comparison, Corruption
from pages.shared.words import (
    THIN,
    class_name,
    decibels,
    logit,
    number,
    percent,
    sentence,
)

TABS = {"clip": "One clip", "sweep": "Sweep", "batch": "Batch", "experiments": "Experiments"}
_KINDS = {"white": "White noise", "pink": "Pink noise", "brown": "Brown noise", "clip": "A clip"}
_MOST_SEED = 9999
_SHOWN = 8  # components in the figure of relevances


def page() -> None:
    """The whole page."""
    view = context.current()
    overlap = state.value("kind") == "clip"
    view.head.title(
        "Two sounds at once: which one does the explanation follow?"
        if overlap
        else "Does the explanation survive added noise?",
        anchor=False,
    )
    corruption = settings(view)
    tab = state.settle("tab", list(TABS), "clip", "tab")
    state.show_messages()
    state.write_url()
    opened = st.tabs(list(TABS.values()), key=state.control("tab", TABS[tab]), on_change=_turned)
    pages = (one_clip, sweep, noise_tests.batch)
    for place, draw in zip(opened, pages, strict=False):
        if place.open and corruption is not None:
            with place:
                draw(view, corruption)
    if opened[-1].open:
        with opened[-1]:
            experiments.draw(view)
    players.take_turns()


# --- what is added ----------------------------------------------------------------------------


def settings(view: View) -> Corruption | None:
    """The controls; None where the link mixes in an upload that is not here."""
    kind = state.settle("kind", noises.KINDS, "white", "kind of added sound")
    snr = _whole("snr", noises.LOWEST, noises.HIGHEST, noises.FIRST_SNR, "the SNR in dB")
    seed = _whole("seed", 0, _MOST_SEED, 0, "the seed")
    widths = [3, 3, 3] if kind == "clip" else [3, 3, 2]
    what, level, detail = st.columns(widths, gap="medium", vertical_alignment="bottom")
    what.segmented_control(
        "Sound to add: noise, or a clip",
        noises.KINDS,
        key=state.control("kind", kind),
        format_func=lambda k: _KINDS[k].removesuffix(" noise"),
        required=True,
        on_change=_chose,
        args=("kind",),
    )
    level.slider(
        "SNR in dB: the clip's level above the added sound's",
        noises.LOWEST,
        noises.HIGHEST,
        step=1,
        key=state.control("snr", snr),
        on_change=_chose,
        args=("snr",),
    )
    if kind != "clip":
        detail.number_input(
            "Seed of the noise",
            0,
            _MOST_SEED,
            step=1,
            key=state.control("seed", seed),
            on_change=_chose,
            args=("seed",),
        )
        return Corruption(kind, snr, seed)
    with detail:
        other = _other(view)
    return Corruption(kind, snr, seed, other) if other else None


def _other(view: View) -> ClipSource | None:
    """The clip to mix in, chosen or uploaded; None where a link names one that is not here."""
    everything = clips.at_hand()
    asked = str(state.value("other") or "")
    asked = asked if asked in everything else asked.replace(" ", "+")  # "+" in a hand-written link
    options = [name for name in _nearby(view) if name != view.source.id]
    if asked == view.source.id:  # the two have become the same clip
        state.put(other=None)
        asked = ""
    elsewhere = clips.is_upload(asked) or clips.kind_of(asked) != "demo"
    if asked in everything:
        state.put(other=asked)
    elif not asked or not elsewhere:
        first = next(name for name in ("rain-1", clips.FIRST, *options) if name in options)
        asked = state.settle("other", options, first, "clip")
    if asked not in options:
        options.append(asked)
    choose, own = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    choose.selectbox(
        "Clip to mix in",
        options,
        key=state.control("other", asked),
        format_func=lambda c: everything[c].title if c in everything else "A clip that is not here",
        on_change=_chose,
        args=("other",),
    )
    with own.popover("Upload", width="stretch", help="Upload a clip to mix in"):
        st.file_uploader(
            "A clip to mix in",
            clips.SUFFIXES,
            key="upload_other",
            on_change=_take_other,
            args=(view,),
        )
        st.caption(f"{clips.limits()} It stays in this session.")
    if asked not in everything:
        state.notice(
            f"The link mixes in a clip that is not here ({asked}); bring it to this machine "
            "(“Upload” takes the same file), or choose another clip to mix in."
        )
    return everything.get(asked)


def _nearby(view: View) -> list[str]:
    """The demo clips, the session's own, and the collection that the clip comes from."""
    kind = clips.kind_of(view.source.id)
    same = next((c.clips for c in clips.collections() if c.kind == kind), {})
    return list({**clips.few_at_hand(), **same})


def _take_other(view: View) -> None:
    """Callback: mix in an upload; one that cannot be used changes nothing but the message."""
    state.touch()
    file: Any = st.session_state.get("upload_other")
    if file is None:
        return
    try:
        source = clips.from_upload(file.name, file.getvalue(), view.engine.audio)
    except ValueError as error:
        state.notice(f"{file.name}: {error}", "error")
        return
    if gone := scene_maker.keep(source):
        state.notice(gone)
    state.put(other=source.id)


def _whole(name: str, low: int, high: int, default: int, what: str) -> int:
    """A whole number from the URL; a wrong one gives a notice and the default."""
    given = state.value(name)
    if given is not None:
        if re.fullmatch(r"-?\d{1,6}", str(given)) and low <= int(str(given)) <= high:
            default = int(str(given))
        else:
            shown = str(given)[:40]
            state.notice(
                f"{sentence(what)} must be a whole number from {low} to {high}, the link says "
                f"“{shown}”; showing {default} instead.".replace(" -", " −")
            )
    state.put(**{name: str(default)})
    return default


def _chose(name: str) -> None:
    """Callback: take a control's value as the URL has it."""
    state.touch()
    state.put(**{name: str(st.session_state[f"control_{name}"])})


def _turned() -> None:
    """Callback: another tab."""
    state.touch()
    titles = {title: name for name, title in TABS.items()}
    state.put(tab=titles[st.session_state["control_tab"]])


# --- one clip ---------------------------------------------------------------------------------


def one_clip(view: View, corruption: Corruption) -> None:
    """A sound alone and in the mixture: heard, seen, counted."""
    compared = _compared(view, corruption)
    if compared is None:
        return
    comparison, names = compared
    st.markdown(finding(view, comparison, names))
    _disagreement(view, comparison, names)
    _figures(view, comparison, names)
    _nothing_selected(view, comparison, names)
    listening(view, comparison, names)
    left, right = st.columns([6, 5], gap="large")
    with left:
        place = st.container()
        energy(comparison, names)
    with right:
        relevances(view, comparison, names)
    with place:
        changes(view, comparison, names)
    noise_files.downloads(view, corruption, comparison, names)


def _compared(view: View, corruption: Corruption) -> tuple[Comparison, tuple[str, str]] | None:
    """The comparison and what its two sounds are called: the one that is followed, the rest.
    None, with a sentence, where there is nothing to compare."""
    try:
        follow = _follow(view, corruption)
        comparison = noises.compare(view, corruption, follow)
    except ValueError as error:
        st.info(sentence(str(error)))
        return None
    if view.choice.overrides:
        st.caption("Your own gains of components are left aside here: components follow τ.")
    if corruption.other is None:
        return comparison, ("the clip", _KINDS[corruption.kind].lower())
    names = (view.source.title, corruption.other.title)
    return comparison, (names[1], names[0]) if follow else names


def _follow(view: View, corruption: Corruption) -> bool:
    """Whether the other clip's class is explained; in an overlap draws the switch."""
    if corruption.other is None:
        return False
    classes = view.engine.classes
    ours = classes[view.analysis.predicted]
    theirs = classes[noises.other_analysis(view, corruption).predicted]
    title = corruption.other.title
    st.caption(_fitted(view, corruption))
    if ours == theirs:
        st.markdown(
            f"f hears “{class_name(ours)}” in either clip alone, so the class does not tell them "
            f"apart; what follows is about {view.source.title}."
        )
        return False
    labels = {ours: f"{class_name(ours)} ({view.source.title})"}
    labels[theirs] = f"{class_name(theirs)} ({title})"
    st.segmented_control(
        "Explain the mixture for",
        list(labels),
        key=state.control("follow", view.target if view.target in labels else None),
        format_func=labels.__getitem__,
        on_change=_chose_class,
    )
    return view.target == theirs


def _fitted(view: View, corruption: Corruption) -> str:
    """How the two lengths were brought together."""
    assert corruption.other is not None
    rate = view.engine.audio.sample_rate
    ours = len(view.analysis.waveform) / rate
    theirs = noises.seconds_of_other(view, corruption)
    title = corruption.other.title
    if abs(ours - theirs) < 0.01:
        return f"Both clips last {number(ours, 3)}{THIN}s."
    how = "repeated to fill" if theirs < ours else "cut to"
    return f"{title} lasts {number(theirs, 3)}{THIN}s and is {how} the clip's {number(ours, 3)}{THIN}s."


def _chose_class() -> None:
    """Callback of the switch between both classes: the context bar's class follows."""
    chosen = st.session_state["control_follow"]
    if chosen is not None:
        state.touch()
        state.put(**{"class": chosen, "own": None})


def finding(view: View, comparison: Comparison, names: tuple[str, str]) -> str:
    """Whether f's decision on the sound alone survives in f and in the interpreter."""
    if view.multi_label:
        return _heard(view, comparison, names)
    engine, classes = view.engine, view.engine.classes
    alone, mixed = (side.analysis for side in comparison.sides)
    said, now = comparison.said, mixed.predicted
    before, after = (float(engine.probabilities(a.logits)[said]) for a in (alone, mixed))
    with_what = f"With {names[1]} added at {decibels(comparison.mixture.snr_db)} SNR"
    name = class_name(classes[said])
    if now == said:
        text = f"{with_what} f still says **{name}** ({before:.2f} → {after:.2f}). "
    else:
        chance = float(engine.probabilities(mixed.logits)[now])
        text = (
            f"{with_what} f no longer says **{name}** ({before:.2f} → {after:.2f}): it says "
            f"**{class_name(classes[now])}** ({chance:.2f}). "
        )
    place, total = noise_lab.place(mixed.interpreter_logits, said), len(classes)
    if place == 1:
        text += f"For the interpreter {name} is still the first of {total} classes."
    elif place <= noise_lab.TOP:
        text += f"The interpreter has {name} at place {place} of {total}: among its top 5."
    else:
        text += f"The interpreter has {name} at place {place} of {total}: outside its top 5."
    return text


def _heard(view: View, comparison: Comparison, names: tuple[str, str]) -> str:
    """The same of a model that hears several classes at once: of the class to explain."""
    engine, c, name = view.engine, comparison.target, class_name(view.target)
    clean, mixed = (side.analysis for side in comparison.sides)
    before, after, theirs = (
        float(engine.probabilities(logits)[c])
        for logits in (clean.logits, mixed.logits, mixed.interpreter_logits)
    )
    hears = [c in engine.decided(a.logits) for a in (clean, mixed)]
    follows = c in engine.decided(mixed.interpreter_logits)
    told = {
        (True, True): f"f still hears **{name}**",
        (True, False): f"f no longer hears **{name}**",
        (False, True): f"f hears **{name}**, which it did not before",
        (False, False): f"f hears **{name}** as little as before",
    }[hears[0], hears[1]]
    everything = decisions.said(engine, comparison.mixed.analysis.logits)
    return (
        f"With {names[1]} added at {decibels(comparison.mixture.snr_db)} SNR {told} ({before:.2f} → "
        f"{after:.2f}); it hears {everything}. The interpreter "
        f"{'hears' if follows else 'does not hear'} {name} there ({theirs:.2f})."
    )


def _disagreement(view: View, comparison: Comparison, names: tuple[str, str]) -> None:
    """Where the interpreter does not follow f, before anybody hears what it says f listened to."""
    heads = (f"{names[0]} alone", f"the mixture with {names[1]}")
    for side, head in zip(comparison.sides, heads, strict=True):
        if warning := decisions.disagreement(view.engine, side.analysis, view.target, head):
            st.warning(warning)


def _figures(view: View, comparison: Comparison, names: tuple[str, str]) -> None:
    """The numbers that the page is about, in one row."""
    target, engine = comparison.target, view.engine
    name = class_name(view.target)
    chances, places = [], []
    for side in comparison.sides:
        chances.append(f"{float(engine.probabilities(side.analysis.logits)[target]):.2f}")
        theirs = side.analysis.interpreter_logits
        places.append(
            f"{float(engine.probabilities(theirs)[target]):.2f}"
            if view.multi_label
            else str(noise_lab.place(theirs, target))
        )
    passed = comparison.passed
    shown = (
        (f"SNR of {names[0]}, measured", decibels(comparison.mixture.snr_db)),
        (f"f's probability of {name}", " → ".join(chances)),
        (
            f"Interpreter's {'probability' if view.multi_label else 'place'} of it",
            " → ".join(places),
        ),
        (f"Sound energy of {names[1]} in B", percent(passed.rest.share)),
        (f"Sound energy of {names[0]} in B", percent(passed.followed.share)),
    )
    with st.container(horizontal=True, gap="medium", key="noise-figures"):
        for label, value in shown:
            st.metric(label, value, width="content")


def _nothing_selected(view: View, comparison: Comparison, names: tuple[str, str]) -> None:
    if comparison.mixed.made.selected:
        return
    now = view.engine.classes[comparison.mixed.analysis.predicted]
    target = class_name(view.target)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            f"**Nothing is selected in the mixture:** no component has a relevance above "
            f"τ = {view.threshold:.2f} for “{target}”, so B is silence there and C is the whole "
            "mixture. Raise the SNR to find where the sound comes back; the sweep shows it."
        )
        if now != view.target:
            st.button(
                f"Explain “{class_name(now)}” instead",
                on_click=_explain,
                args=(now,),
                help=f"f's decision on the mixture with {names[1]}",
            )


def _explain(label: str) -> None:
    """Callback: explain another class."""
    state.touch()
    state.put(**{"class": label, "own": None})


def listening(view: View, comparison: Comparison, names: tuple[str, str]) -> None:
    """Players in two columns, then the pictures: every sound is on its way before the first."""
    heads = (f"{names[0]} alone", f"with {names[1]}")
    sounds = [
        (side.analysis.waveform.numpy(), side.made.audio.numpy(), side.made.residual.numpy())
        for side in comparison.sides
    ]
    gain = players.common_gain([sound for three in sounds for sound in three])
    rate = view.engine.audio.sample_rate
    slots: list[tuple[DeltaGenerator, str]] = []
    with st.container(key="players-noise"):
        for row, title in enumerate(TITLES):
            for side, column in enumerate(st.columns(2, gap="medium")):
                label = f"{title}, {heads[side]}"
                column.markdown(f"**{title}**, {heads[side]}")
                column.audio(
                    players.wav(sounds[side][row], rate, gain),
                    format="audio/wav",
                    alt=f"Player: {label}",
                )
                slots.append((column.container(), label))
    drawn = [one for pair in noises.drawn(view, comparison, pictures.theme()) for one in pair]
    for (slot, label), picture in zip(slots, drawn, strict=True):
        slot.image(picture, width="stretch", alt=f"Spectrogram: {label}, on a mel scale")
    left, right = st.columns([2, 1], gap="large", vertical_alignment="top")
    left.caption(
        f"One gain for all six sounds: {players.decibels(gain)} on the clip's own level; nothing "
        "clips. One scale for all pictures: 0 dB is the loudest band of the two inputs; in B, "
        "bands that keep less than a tenth of their magnitude are grey. f meets either input "
        "with its peak at 1, and B and C at their input's scale. B is what the model used, not "
        "the sound cleaned of noise; C says whether the claim holds."
    )
    right.image(
        pictures.legend(pictures.theme()),
        width="stretch",
        alt="Colour scale from black at −80 dB over purple and orange to pale yellow at 0 dB.",
    )


def changes(view: View, comparison: Comparison, names: tuple[str, str]) -> None:
    """The decision and the faithfulness of both explanations; Random's draws come last."""
    st.subheader("What changed in the decision?", anchor=False)
    place = st.empty()
    columns = (f"{names[0]} alone", f"with {names[1]}")
    name = class_name(view.target)

    def draw(random: Sequence[str]) -> None:
        rows = [
            _changes(view, side, drop) for side, drop in zip(comparison.sides, random, strict=True)
        ]
        table = pd.DataFrame(
            {column: list(row.values()) for column, row in zip(columns, rows, strict=True)},
            index=list(rows[0]),
        )
        place.table(table, border="horizontal", alt=f"f and the interpreter on both, for {name}")

    draw(("…", "…"))
    draws = [
        noises.energy_matched(view, side) if side.made.selected else None
        for side in comparison.sides
    ]
    draw(["–" if few is None else _at_energy(few) for few in draws])
    why = (
        "A probability loses no more than it has"
        if view.multi_label
        else "Logits shrink where f is unsure"
    )
    st.caption(
        f"FF: what f's {decisions.unit_of(view.engine).of} the class loses when B is taken out of A "
        f"(Eq. 6). {why}, so compare FF as a share. Random: components not in B that carry as much log energy, "
        f"median of {engines.FEW_DRAWS} draws"
        + (
            "; “less log energy”: all of them together hold less of ‖X‖², so chance cannot take as much."
            if any(few is not None and not few.as_much for few in draws)
            else "."
        )
    )


def _at_energy(few: RandomDrops) -> str:
    return logit(few.median) if few.as_much else f"{logit(few.median)} (less log energy)"


def _changes(view: View, side: noises.Side, random: str) -> dict[str, str]:
    verdict, index = side.verdict, side.made.target_index
    name = class_name(view.target)
    three = (verdict.logits, verdict.logits_interpretation, verdict.logits_without)
    theirs = side.analysis.interpreter_logits
    heard = bool(side.made.selected)
    unit, verb = decisions.unit_of(view.engine), decisions.verb(view.engine)
    scores = [logit(float(view.engine.score(x)[index])) for x in three]
    if not heard:
        scores[1] = "–"
    what = f"f {verb} {'in' if view.multi_label else 'of'}"
    first = "interpreter hears" if view.multi_label else "interpreter's first choice"
    return {
        f"{what} A": decisions.with_chances(view.engine, three[0]),
        f"{what} B": decisions.with_chances(view.engine, three[1]) if heard else "B is silence",
        f"{what} C": decisions.with_chances(view.engine, three[2]),
        f"f's {unit.of} {name}: A / B / C": " / ".join(scores),
        f"FF in {unit.name}": logit(verdict.faithfulness),
        "FF, share of what silence takes": percent(verdict.relative),
        "FF of Random at equal log energy": random,
        f"the {first}": decisions.said(view.engine, theirs),
        f"{name} in the interpreter's order": f"{noise_lab.place(theirs, index)} of {len(theirs)}",
        "components in B": f"{len(side.made.selected)} of {len(side.made.relevance)}",
        "sound energy of A in B": percent(side.made.energy_kept),
    }


def energy(comparison: Comparison, names: tuple[str, str]) -> None:
    """What of either sound passes, and how near B is to it."""
    st.subheader("What of the mixture passes into B?", anchor=False)
    passed = comparison.passed
    table = pd.DataFrame.from_dict(
        {
            sentence(name): _part(part)
            for name, part in zip(names, (passed.followed, passed.rest), strict=True)
        },
        orient="index",
        columns=["sound energy passing", "SI-SDR of A", "SI-SDR of B", "change"],
    )
    st.table(table, border="horizontal", alt="Share of sound energy and SI-SDR of both sounds")
    gain = passed.snr_gain
    if np.isnan(gain):
        text = "B is silence: nothing passes. "
    else:
        way = "further above" if gain > 0 else "less far above"
        text = f"In B {names[0]} stands {decibels(abs(gain))} {way} {names[1]} than in A. "
    st.caption(
        f"{text}Sound energy passing: the mixture's own filter |B| / |A| applied to each sound as it was "
        "mixed. SI-SDR: how near a signal is to that sound alone, whatever its level; an "
        "interpretation is no source separation, and a fall is no fault in itself."
    )


def _part(part: Part) -> tuple[str, str, str, str]:
    if np.isneginf(part.sdr_after):  # B is silence
        return percent(part.share), decibels(part.sdr_before), "–", "–"
    change = decibels(part.sdr_gain)
    return (
        percent(part.share),
        decibels(part.sdr_before),
        decibels(part.sdr_after),
        f"+{change}" if part.sdr_gain > 0 else change,
    )


def relevances(view: View, comparison: Comparison, names: tuple[str, str]) -> None:
    """The most relevant components of both sides as paired bars."""
    shift = comparison.shift
    before, after = (side.made.relevance.numpy() for side in comparison.sides)
    st.subheader("Do the same components carry it?", anchor=False)
    if not before.any() and not after.any():
        st.markdown(f"No component speaks for “{class_name(view.target)}” in either.")
        return
    order = np.argsort(-np.maximum(before, after), kind="stable")[:_SHOWN]
    order = order[np.argsort(-before[order], kind="stable")]
    kept = (
        f"{shift.stayed} of {shift.before} selected components stay"
        if shift.before
        else ("nothing was selected before")
    )
    correlation = "–" if np.isnan(shift.correlation) else logit(shift.correlation)
    st.markdown(
        f"**Relevance for {class_name(view.target)}: {kept}, {shift.after - shift.stayed} join; "
        f"rank correlation {correlation}**"
    )
    labels = (f"{names[0]} alone", f"with {names[1]}")
    st.plotly_chart(
        comparisons.paired_bars(
            [components.tick(view.engine, int(k)) for k in order],
            before[order].tolist(),
            after[order].tolist(),
            labels,
            view.threshold,
            "relevance r, 1 for the largest of a side",
            pictures.palette(),
        ),
        key="relevances",
        theme=None,
        config=plots.CONFIG,
        alt=f"Relevance of {len(order)} components, {labels[0]} and {labels[1]}: "
        + ", ".join(
            f"{components.label(view.engine, int(k))} {before[k]:.2f} and {after[k]:.2f}"
            for k in order
        ),
    )
    st.caption(
        f"The {len(order)} most relevant of either side; dotted: τ = {view.threshold:.2f}. Rank "
        f"correlation: Spearman's, over all {len(before)} components."
    )


# --- sweep ------------------------------------------------------------------------------------


def sweep(view: View, corruption: Corruption) -> None:
    """The comparison over SNRs and seeds."""
    compared = _compared(view, corruption)
    if compared is not None:
        noise_tests.sweep(view, corruption, *compared)


page()
