"""Hearing the chosen decision and tagging it, and the file of tags that comes and goes."""

import streamlit as st

from l2i_core.data import tags as kept
from l2i_core.data.tags import TAGS, Tag
from l2i_core.measure.records import CaseRow
from l2i_core.words import counted, joined
from pages.audit.decisions import Decisions
from pages.shell import cached, models, state, tags, uploads
from pages.shell.clips import ClipSource, shared
from pages.show import players
from pages.show.files import download
from pages.show.words import class_name, sentence


def heard(decisions: Decisions, row: CaseRow, source: ClipSource) -> None:
    """The clip's player, and beside it the reader's tag of the decision and a note."""
    about = tags.decision(source, decisions.bundle, row.predicted)
    if about is None:
        return
    names = {field: f"audit-{field} {decisions.key} {row.case}" for field in ("tag", "note")}

    def tag() -> None:
        state.touch()
        tags.change({about: Tag(st.session_state[names["tag"]] or "", clip=row.clip)})

    def note() -> None:
        state.touch()
        try:
            text = kept.cleaned(st.session_state[names["note"]])
        except ValueError as error:
            state.notice(sentence(str(error)), "error")
        else:
            tags.change({about: Tag(note=text, clip=row.clip)})

    left, middle, right = st.columns([3, 3, 4], vertical_alignment="bottom")
    engine = models.engine(decisions.bundle, decisions.found.interpreter, decisions.dictionary)
    try:
        sound = cached.sound(engine, source)
    except ValueError as error:
        left.caption(sentence(str(error)))
    else:
        players.alone("audit-player", row.clip, sound, engine.audio.sample_rate, left)
    middle.pills(
        f"“{class_name(row.predicted)}” is",
        TAGS,
        key=state.hold(names["tag"], row.tag or None),
        on_change=tag,
        wrap=True,
    )
    right.text_input(
        "Note", key=state.hold(names["note"], row.note), max_chars=kept.MAX_NOTE, on_change=note
    )


def exchange(decisions: Decisions, stem: str) -> None:
    """The model's tags as a file, and those of a file."""
    known = tags.of(decisions.bundle)
    download(
        f"Tags as CSV ({len(known)})",
        kept.encode(known),
        f"{stem}.csv",
        width="content",
        disabled=not known,
        help="They go with the session: this server keeps none." if shared() else None,
    )
    with st.popover("Import tags"):
        label = "Tags (CSV exported here); they replace yours of the same decisions"
        uploads.table_uploader(label, "csv", "tags-file", _import)


def _import(name: str, data: bytes) -> None:
    found = kept.decode(data, name)
    tags.change(found)
    models = joined(sorted({key.model for key in found}))
    st.toast(f"{counted(len(found), 'tag')} imported, of {models}.")
