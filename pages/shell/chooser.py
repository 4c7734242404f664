"""Choosing what to listen to: source, label, f right or wrong, clip; the window of a long one.

The clip alone is in the URL. What it was chosen through follows from it, but for a source that
has no clips yet: that one is remembered while the last clip stays on screen.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from l2i_core import L2I
from l2i_core.bundle import Bundle
from l2i_core.classifiers.hearing import WINDOWED_ABOVE_SECONDS
from l2i_core.data import download, scenes
from l2i_core.signal.audio import MIN_SECONDS
from l2i_core.words import joined
from pages.shell import clips, engines, jobs, recipes, scene_maker, state
from pages.shell.clips import SETS, ClipSource, Collection
from pages.shell.engines import Key, Overview
from pages.show.words import THIN, class_name, clock, folds, number, sentence

_MANY = 30  # clips from which on there are filters
_LOOK = 0.5  # seconds between two looks at a download
_WINDOW = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")
_ANEW = {"class": None, "window": None, "own": None}  # what hangs on the clip
_CREDITS = {
    "esc10": "400 clips of ten classes; CC BY",
    "esc50": "2,000 clips of fifty classes; CC BY-NC",
}


def choose(place: DeltaGenerator, panel: DeltaGenerator, engine: L2I) -> ClipSource | None:
    """The chosen clip, or None where a link names one that is not here.

    `place` takes the row of controls, `panel` what there is to do about a source without clips.
    """
    found = {collection.kind: collection for collection in clips.collections()}
    known = {**clips.uploads()}
    for collection in found.values():
        known.update(collection.clips)
    scene_maker.add_to(found, known)
    if problem := found["demo"].problem:
        state.notice(sentence(problem), "error")
    asked = _asked(known, found)
    here = asked in known
    kind = _browsed(found) or clips.kind_of(asked)
    if kind not in found:  # a folder that L2I_CLIPS does not name any more
        kind = "demo"
    told = clips.predictions(engine.bundle)
    row = place.container(horizontal=True, vertical_alignment="bottom", gap="small")
    _source(row, kind, found)
    options = _filters(row, found[kind], told, asked) or [asked]
    if asked not in options:
        options = [asked, *options]
    row.selectbox(
        "Clip",
        options,
        key=state.control("clip", asked, relabelled=True),
        format_func=lambda clip: (
            _line(known[clip], engine.bundle, told) if clip in known else _GONE
        ),
        on_change=state.changed,
        args=("clip", *_ANEW),
        width="stretch",
    )
    own = kind == "yours" and not found[kind].clips
    with panel:
        if own and here:
            st.info("Nothing of yours is here yet: upload a clip, or record one.")
        if kind in SETS and not found[kind].clips:
            _offer(kind, found[kind])
        elif kind == "folder" and found[kind].problem:
            st.warning(sentence(found[kind].problem))
        elif kind == recipes.KIND and (here or not recipes.is_scene(asked)):
            scene_maker.draw(engine, asked)
    key = f"add {kind == recipes.KIND}"  # another key: closed again where it led to the maker
    with panel if own or not here else row.popover("Add a clip", width="content", key=key):
        _take_in(engine)
    return known.get(asked)


def ask(head: DeltaGenerator) -> None:
    """What a page says instead of a view whose clip is not here."""
    asked = str(state.value("clip"))
    kind = clips.kind_of(asked)
    if kind in SETS:
        head.title("Which sound is this link about?", anchor=False)
        st.info(
            f"The link shows a clip of {SETS[kind]} ({asked}), which is not on this machine. "
            f"{_GET.get(kind, 'Download')} {SETS[kind]}, name its folder in L2I_{kind.upper()}, or "
            "choose another clip."
        )
    elif kind == recipes.KIND:
        head.title("Which sounds is this scene made of?", anchor=False)
        st.info(scene_maker.ask(asked))
    elif kind == "folder":
        head.title("Which sound is this link about?", anchor=False)
        st.info(
            f"The link shows a clip of a local folder ({asked}), which is not on this machine. "
            "Name that folder in L2I_CLIPS, or choose another clip."
        )
    else:
        what = "a recording" if asked.startswith("recording") else "an uploaded clip"
        head.title("Which file is this link about?", anchor=False)
        st.info(
            f"The link shows {what} ({asked}), and uploads and recordings stay with their "
            "owner. Upload the same file to restore the view, or choose another clip."
        )


def facts(source: ClipSource, bundle: Bundle, decided: Sequence[str]) -> str:
    """What is known of a clip beside f's opinion: its label, and whether training heard it."""
    parts = []
    if source.labels:
        names = " + ".join(class_name(label) for label in source.labels)
        known = [scenes.class_of(label, bundle.classes) for label in source.labels]
        mine = list(dict.fromkeys(label for label in known if label))
        text = f"Labelled **{names}**"
        if not mine or (None in known and not bundle.multi_label):
            text += ", not a class of this model"
        elif bundle.multi_label:  # backgrounds are of no class
            text += _apart(mine, decided)
        elif decided[0] not in mine:
            text += ": :orange[f is wrong here]"
        parts.append(text)
    role = clips.role(source, bundle)
    where = "" if source.fold is None else folds(clips.kind_of(source.id), [source.fold])
    if role == "train":
        parts.append(
            f":orange[Training clip] ({where}): f learned from it, so its being right "
            "here says little about new sounds"
        )
    elif role == "test":
        parts.append(f"Test clip ({where}): not used in training")
    elif clips.kind_of(source.id) == "demo" and source.labels:
        parts.append("Synthesised demo clip, not used in training")
    return " · ".join(parts)


def _apart(labels: Sequence[str], decided: Sequence[str]) -> str:
    """How what a multi-label model hears differs from the labels, "" where it does not."""
    missed = joined([class_name(label) for label in labels if label not in decided])
    more = joined([class_name(label) for label in decided if label not in labels])
    parts = [f"misses {missed}"] if missed else []
    parts += [f"hears {more} as well"] if more else []
    return f": :orange[f {joined(parts)}]" if parts else ""


# --- the row ----------------------------------------------------------------------------------

_GONE = "A clip that is not here"
_GET = {"scenes": "Make (python -m pipelines.make_scenes)"}


def _asked(known: Mapping[str, ClipSource], found: Mapping[str, Collection]) -> str:
    """The clip that the session is about; a name that could be at hand elsewhere is kept."""
    asked = str(state.value("clip") or "")
    asked = asked if asked in known else asked.replace(" ", "+")  # "+" in a hand-written link
    kind = clips.kind_of(asked)
    elsewhere = kind in (*SETS, "folder") and not (kind in found and found[kind].clips)
    if asked in known:
        state.put(clip=asked)
    elif known and not (clips.is_upload(asked) or recipes.is_scene(asked) or elsewhere):
        default = clips.FIRST if clips.FIRST in known else next(iter(known))
        return state.settle("clip", list(known), default, "clip")
    return asked


def _browsed(found: Mapping[str, Collection]) -> str | None:
    """A source that was chosen and has no clips: its panel shows what to do about it."""
    kind = str(state.value("source") or "")
    if kind in found and not found[kind].clips:
        return kind
    state.put(source=None)
    return None


def _source(row: DeltaGenerator, kind: str, found: Mapping[str, Collection]) -> None:
    row.selectbox(
        "Source",
        list(found),
        key=state.control("source", kind),
        format_func=lambda k: found[k].title,
        on_change=_to_source,
        width=140,
    )


def _to_source() -> None:
    """Callback: the first clip of another source, or what there is to do about having none."""
    state.touch()
    kind = st.session_state["control_source"]
    state.put(source=kind, labelled=None, was=None)
    there = next((c.clips for c in clips.collections() if c.kind == kind), {})
    if kind == recipes.KIND and (scene := scene_maker.latest()):
        state.put(clip=scene, **_ANEW)
    if there:
        last = list(there)[-1]  # of one's own, the latest
        first = clips.FIRST if clips.FIRST in there else next(iter(there))
        state.put(clip=last if kind == "yours" else first, **_ANEW)


def _filters(
    row: DeltaGenerator, collection: Collection, told: Mapping[str, tuple[str, ...]], asked: str
) -> list[str]:
    """The clips to choose from, after the filters of a large collection."""
    everything = collection.clips
    # The demo clips' titles say what they are, and the way on from them should not move.
    if len(everything) < _MANY or collection.kind == "demo":
        return list(everything)
    labels = sorted({label for clip in everything.values() for label in clip.labels})
    known = [clip for clip in everything if clip in told]
    for name in ("labelled", "was"):  # a clip that a link names is shown, whatever the filters say
        if asked in everything and asked not in _matching(everything, told, only=name):
            state.put(**{name: None})
    if labels:
        row.selectbox(
            "Labelled",
            ["", *labels],
            key=state.control("labelled", str(state.value("labelled") or "")),
            format_func=lambda label: class_name(label) or "any label",
            on_change=_narrow,
            args=("labelled", collection, told),
            width=125,
        )
    if known:
        names = {"": "any decision", "right": "right", "wrong": "wrong"}
        row.selectbox(
            "f was",
            list(names),
            key=state.control("was", str(state.value("was") or "")),
            format_func=names.__getitem__,
            on_change=_narrow,
            args=("was", collection, told),
            width=130,
        )
    return _matching(everything, told)


def _matching(
    everything: Mapping[str, ClipSource], told: Mapping[str, tuple[str, ...]], only: str = ""
) -> list[str]:
    """The clips that pass the filters, or only one of them."""
    label = state.value("labelled") if only != "was" else None
    was = state.value("was") if only != "labelled" else None
    return [
        name
        for name, clip in everything.items()
        if (not label or label in clip.labels)
        and (not was or (name in told and _right(clip, told) == (was == "right")))
    ]


def _right(source: ClipSource, told: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether f decided for the clip's labels, all and no others."""
    return set(told[source.id]) == set(source.labels)


def _narrow(name: str, collection: Collection, told: Mapping[str, tuple[str, ...]]) -> None:
    """Callback of a filter: goes on to the first clip that passes."""
    state.changed(name)
    left = _matching(collection.clips, told)
    if not left:
        state.put(**{name: None})
        state.notice(
            f"No clip of {collection.title} passes both filters; the last one was taken back."
        )
    elif state.value("clip") not in left:
        state.put(clip=left[0], **_ANEW)


def _line(source: ClipSource, bundle: Bundle, told: Mapping[str, tuple[str, ...]]) -> str:
    """A clip in the list: what it is, whether training heard it, and where f was wrong."""
    text = source.title
    if clips.role(source, bundle) == "train":
        text += " · training"
    if source.id in told and not _right(source, told):
        named = joined([class_name(label) for label in told[source.id]])
        text += f" · f {'heard' if bundle.multi_label else 'said'} {named or 'nothing'}"
    return text


# --- what is not here yet ---------------------------------------------------------------------


def _take_in(engine: L2I) -> None:
    st.file_uploader(
        "Upload a clip",
        clips.SUFFIXES,
        key="upload",
        help="It stays on this server, in this session, until you close the page.",
        on_change=_take,
        args=(engine, "upload"),
        max_upload_size=clips.max_upload_mb(),
    )
    st.caption(clips.limits())
    st.button(
        "Make a scene of several clips",
        on_click=_to_maker,
        help="Two to four clips on a time line: then the truth is known.",
    )
    st.audio_input(
        "Record with the microphone",
        sample_rate=44100,
        key="recording",
        on_change=_take,
        args=(engine, "recording"),
    )
    st.caption(
        "If nothing is recorded: allow the microphone for this page in the browser's address bar, "
        "then reload. Browsers offer it on https and localhost only."
    )


def _to_maker() -> None:
    """Callback: as choosing the scene maker among the sources."""
    st.session_state["control_source"] = recipes.KIND
    _to_source()


def _take(engine: L2I, key: str) -> None:
    """Callback: switch to a new sound; one that cannot be used changes nothing but the message."""
    state.touch()
    file: Any = st.session_state.get(key)
    if file is None:
        return
    try:
        source = clips.from_upload(
            file.name, file.getvalue(), engine.audio, recorded=key == "recording"
        )
    except ValueError as error:
        state.notice(f"{file.name}: {error}", "error")
        return
    asked = str(state.value("clip"))
    part = scene_maker.lacks(asked, source)
    if part:
        source = dataclasses.replace(source, id=part)
    elif clips.is_upload(asked) and asked not in clips.uploads():
        if clips.same_content(asked, source):
            source = dataclasses.replace(source, id=asked)
        else:
            state.notice(f"The link is about another file ({asked}); this is {file.name}.")
    if gone := scene_maker.keep(source):
        state.notice(gone)
    state.put(source=None)
    if source.id != asked and not part:
        state.put(clip=source.id, **_ANEW)


def _offer(kind: str, collection: Collection) -> None:
    """How to get a data set: the download, its progress, or what went wrong."""
    job, title = jobs.find(("download", kind)), collection.title
    if collection.problem:
        st.warning(sentence(collection.problem))
        return
    if job is not None and job.running:
        st.fragment(_watch, run_every=_LOOK)(kind)
        return
    if job is not None and job.error:
        st.error(sentence(job.error))
    if clips.shared():
        st.info(f"{title} is not on this server; ask those who run it to add it.")
        return
    published = download.PUBLISHED[kind]
    text, button = st.columns([4, 1.3], vertical_alignment="center")
    text.markdown(
        f"**{title} is not on this machine.** {_CREDITS[kind]}, "
        f"{published.size / 1e6:.0f}{THIN}MB from github.com/{published.repository}; recordings "
        f"from freesound.org. Or name its folder in `L2I_{kind.upper()}`."
    )
    button.button(
        f"Download {title}", on_click=_download, args=(kind,), type="primary", width="stretch"
    )


def _download(kind: str) -> None:
    jobs.start(("download", kind), 0, lambda: download.download(kind), computes=False)


def _watch(kind: str) -> None:
    job = jobs.find(("download", kind))
    if job is None or not job.running:
        there = next(c.clips for c in clips.collections() if c.kind == kind)
        if there and clips.kind_of(str(state.value("clip"))) != kind:
            state.touch()
            state.put(clip=next(iter(there)), source=None, **_ANEW)
        st.rerun()
    bar, button = st.columns([5, 1], vertical_alignment="center")
    doing, share = job.rows[-1] if job.rows else ("Starting", 0.0)
    bar.progress(share, f"{doing}: {100 * share:.0f}{THIN}%")
    button.button("Cancel", on_click=job.cancel, key=f"cancel {kind}", width="stretch")


# --- the window of a long clip ----------------------------------------------------------------


def window(engine: L2I, overview: Overview) -> tuple[str, tuple[float, float], DeltaGenerator]:
    """The stretch of a long clip that is listened to: its name in the URL, start and end in
    seconds; and the place for `offer_best`, once the class is known.

    At first f's window most like its decision; any stretch of 0.1 to 30 s can be had.
    """
    names = [_name(start, end) for start, end in overview.windows]
    decision = int(overview.logits.argmax())
    probabilities = engine.probabilities(overview.window_logits)
    chosen = _settle_window(overview, names[int(probabilities[:, decision].argmax())])
    start, end = _parse(chosen) or overview.windows[0]
    labels = dict(zip(names, _labels(engine, overview, probabilities), strict=True))
    listed = names if chosen in names else [chosen, *names]
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    row.selectbox(
        f"Window of this clip of {clock(overview.seconds)} min",
        listed,
        key=state.control("window", chosen, relabelled=True),
        format_func=lambda name: labels.get(name, f"{_span(start, end)} · your own"),
        on_change=state.changed,
        args=("window", "class", "own"),
    )
    length = round(end - start, 2)
    latest = int(10 * (overview.seconds - length)) / 10
    if latest > 0:
        row.slider(
            "Start in seconds",
            0.0,
            latest,
            step=0.1,
            key=state.control("start", min(start, latest)),
            on_change=_scroll,
            args=(length, overview.seconds),
        )
    row.number_input(
        "Length in seconds",
        MIN_SECONDS,
        WINDOWED_ABOVE_SECONDS,
        step=1.0,
        format="%.1f",
        key=state.control("length", length),
        on_change=_stretch,
        args=(start, overview.seconds),
        width=130,
    )
    return chosen, (start, end), row.container(width="content")


def offer_best(
    place: DeltaGenerator,
    key: Key,
    engine: L2I,
    source: ClipSource,
    overview: Overview,
    target: str,
) -> None:
    """The button that goes to the five seconds that f scores highest for the class explained."""
    if place.button(
        f"The {engines.BEST_SECONDS:g} s most like “{class_name(target)}”",
        key="best window",
        help="Where f's logit for the class is highest, looked for in steps of half a second in "
        "and around its highest window.",
    ):
        best = engines.best_window(key, engine, source, overview, target)
        state.touch()
        state.put(window=_name(*best), own=None, **{"class": target})
        st.rerun()


def _settle_window(overview: Overview, default: str) -> str:
    """The window that the URL asks for if the clip has it, else the default and a notice."""
    asked = state.value("window")
    span = _parse(str(asked or ""))
    if span is not None:
        start, end = span
        fits = end <= overview.seconds + 0.01 and end - start >= MIN_SECONDS - 1e-6
        if fits and end - start <= WINDOWED_ABOVE_SECONDS + 1e-6:
            state.put(window=_name(start, end))
            return _name(start, end)
    if asked is not None:
        state.notice(
            f"The window “{str(asked)[:40]}” does not fit this clip of {number(overview.seconds, 3)} "
            f"s; give start and end in seconds, {MIN_SECONDS:g} to {WINDOWED_ABOVE_SECONDS:g} s "
            f"apart. Showing {default} instead."
        )
    state.put(window=default)
    return default


def _parse(name: str) -> tuple[float, float] | None:
    match = _WINDOW.fullmatch(name)
    return (float(match[1]), float(match[2])) if match else None


def _name(start: float, end: float) -> str:
    return f"{round(start, 2):g}-{round(end, 2):g}"


def _span(start: float, end: float) -> str:
    return f"{clock(start)}–{clock(end)}"


def _labels(engine: L2I, overview: Overview, probabilities: Any) -> Iterable[str]:
    for (start, end), chances in zip(overview.windows, probabilities, strict=True):
        best = int(chances.argmax())
        share = float(chances[best])
        yield f"{_span(start, end)} · {class_name(engine.classes[best])} {share:.2f}"


def _scroll(length: float, seconds: float) -> None:
    """Callback: another start, the same length."""
    state.touch()
    start = min(float(st.session_state["control_start"]), max(0.0, seconds - length))
    state.put(window=_name(start, start + length), own=None, **{"class": None})


def _stretch(start: float, seconds: float) -> None:
    """Callback: another length; the start moves where the clip ends before."""
    state.touch()
    length = min(float(st.session_state["control_length"]), seconds)
    start = max(0.0, min(start, seconds - length))
    state.put(window=_name(start, start + length), own=None, **{"class": None})
