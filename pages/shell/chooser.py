"""Choosing what to listen to: source, label, f right or wrong, clip.

The clip alone is in the URL. What it was chosen through follows from it, but for a source that
has no clips yet: that one is remembered while the last clip stays on screen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from l2i_core import L2I
from l2i_core.bundle import Bundle
from l2i_core.data import scenes
from l2i_core.words import joined
from pages.shell import bring, clips, recipes, scene_maker, state
from pages.shell.bring import ANEW
from pages.shell.clips import SETS, ClipSource, Collection
from pages.show.words import class_name, folds, sentence

_MANY = 30  # clips from which on there are filters
_FILE = 60  # characters of a file name in the address
_GONE = "A clip that is not here"
_GET = {"scenes": "Make (python -m pipelines.make_scenes)"}


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
    state.select(
        row,
        "Clip",
        "clip",
        options,
        lambda clip: _line(known[clip], engine.bundle, told) if clip in known else _GONE,
        shown=asked,
        reset=tuple(ANEW),
        relabelled=True,
        width="stretch",
    )
    own = kind == "yours" and not found[kind].clips
    with panel:
        if own and here:
            st.info("Nothing of yours is here yet: upload a clip, or record one.")
        if kind in SETS and not found[kind].clips:
            bring.offer(kind, found[kind])
        elif kind == "folder" and found[kind].problem:
            st.warning(sentence(found[kind].problem))
        elif kind == recipes.KIND and (here or not recipes.is_scene(asked)):
            scene_maker.draw(engine, asked)
    brought = asked if clips.is_upload(asked) else ""
    if here:
        state.put(file=known[asked].file_name[:_FILE] if brought else None)
    key = f"add {kind == recipes.KIND} {brought}"  # another key: closed where the clip is here
    with panel if own or not here else row.popover("Add a clip", width="content", key=key):
        bring.take_in(_to_maker)
    return known.get(asked)


def ask(head: DeltaGenerator) -> None:
    """What a page says instead of a view whose clip is not here."""
    asked = str(state.value("clip"))
    kind, question = clips.kind_of(asked), "Which sound is this link about?"
    what, mend = "a clip of a local folder", "Name that folder in L2I_CLIPS"
    if kind in SETS:
        what = f"a clip of {SETS[kind]}"
        mend = f"{_GET.get(kind, 'Download')} {SETS[kind]}, name its folder in L2I_{kind.upper()}"
    elif kind != "folder":
        question = "Which file is this link about?"
        what = "a recording" if asked.startswith("recording") else "an uploaded clip"
        if file := str(state.value("file") or ""):
            what = f"the upload “{file}”"
        mend = "Such clips stay with their owner: upload the same file to restore the view"
    told = f"The link shows {what} ({asked}), which is not on this machine. {mend}, or choose another clip."
    if kind == recipes.KIND:
        question, told = "Which sounds is this scene made of?", scene_maker.ask(asked)
    head.title(question, anchor=False)
    st.info(told)


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
        parts.append(f"Test clip ({where})")
    elif clips.kind_of(source.id) == "demo" and source.labels:
        parts.append("Synthesised, not trained on")
    return " · ".join(parts)


def _apart(labels: Sequence[str], decided: Sequence[str]) -> str:
    """How what a multi-label model hears differs from the labels, "" where it does not."""
    missed = joined([class_name(label) for label in labels if label not in decided])
    more = joined([class_name(label) for label in decided if label not in labels])
    parts = [f"misses {missed}"] if missed else []
    parts += [f"hears {more} as well"] if more else []
    return f": :orange[f {joined(parts)}]" if parts else ""


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
    titles = {k: collection.title for k, collection in found.items()}
    state.select(
        row, "Source", "source", list(found), titles,
        shown=kind, on_change=_to_source, args=(), width=140,
    )  # fmt: skip


def _to_source() -> None:
    """Callback: the first clip of another source, or what there is to do about having none."""
    state.touch()
    kind = st.session_state["control_source"]
    state.put(source=kind, labelled=None, was=None)
    there = next((c.clips for c in clips.collections() if c.kind == kind), {})
    if kind == recipes.KIND and (scene := scene_maker.latest()):
        state.put(clip=scene, **ANEW)
    if there:
        last = list(there)[-1]  # of one's own, the latest
        first = clips.FIRST if clips.FIRST in there else next(iter(there))
        state.put(clip=last if kind == "yours" else first, **ANEW)


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
        words = {"": "any label"} | {label: class_name(label) for label in labels}
        narrow: dict[str, Any] = {"on_change": _narrow, "args": ("labelled", collection, told)}
        state.select(row, "Labelled", "labelled", list(words), words, **narrow, width=125)
    if known:
        names = {"": "any decision", "right": "right", "wrong": "wrong"}
        narrow = {"on_change": _narrow, "args": ("was", collection, told)}
        state.select(row, "f was", "was", list(names), names, **narrow, width=130)
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
        state.put(clip=left[0], **ANEW)


def _line(source: ClipSource, bundle: Bundle, told: Mapping[str, tuple[str, ...]]) -> str:
    """A clip in the list: what it is, whether training heard it, and where f was wrong."""
    text = source.title
    if clips.role(source, bundle) == "train":
        text += " · training"
    if source.id in told and not _right(source, told):
        named = joined([class_name(label) for label in told[source.id]])
        text += f" · f {'heard' if bundle.multi_label else 'said'} {named or 'nothing'}"
    return text


def _to_maker() -> None:
    """Callback: as choosing the scene maker among the sources."""
    st.session_state["control_source"] = recipes.KIND
    _to_source()
