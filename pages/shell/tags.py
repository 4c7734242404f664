"""The reader's tags of decisions (`l2i_core.data.tags`): kept on this machine, on a server for many
users in the session only, as is what cannot be kept."""

from collections.abc import Mapping

import streamlit as st

from l2i_core.data import tags
from l2i_core.data.tags import Decision, Tag, Tags
from pages.shell import state
from pages.shell.clips import ClipSource, shared
from pages.show.words import sentence


def decision(source: ClipSource, bundle: str, class_: str) -> Decision | None:
    """What a tag of this sound is about; None where its file is gone."""
    try:
        return Decision(source.digest, bundle, class_)
    except ValueError:
        return None


def of(bundle: str) -> Tags:
    """The tags of a model's decisions; a notice where those that are kept cannot be read."""
    kept: Tags = {}
    if not shared():
        try:
            kept = tags.load(bundle)
        except ValueError as error:
            state.notice(sentence(str(error)))
    own = {key: tag for key, tag in _session().items() if key.model == bundle}
    return tags.merged(kept, own)


def change(changes: Mapping[Decision, Tag]) -> None:
    """Make changes: a callback's part."""
    waiting = tags.after(_session(), changes)
    try:
        if not shared():
            tags.keep(waiting)
            waiting = {}
    except ValueError as error:
        state.notice(sentence(str(error)))
    st.session_state["l2i_tags"] = waiting


def _session() -> Tags:
    return st.session_state.setdefault("l2i_tags", {})
