"""Bringing in what is not here yet: an upload, a recording, a data set to download."""

import dataclasses
from collections.abc import Callable

import streamlit as st

from l2i_core.data import download
from pages.shell import clips, jobs, scene_maker, state, uploads
from pages.shell.clips import ClipSource, Collection
from pages.show.words import THIN, sentence

_LOOK = 0.5  # seconds between two looks at a download
_CREDITS = {
    "esc10": "400 clips of ten classes; CC BY",
    "esc50": "2,000 clips of fifty classes; CC BY-NC",
}
ANEW = {"class": None, "window": None, "own": None}  # what hangs on the clip


def take_in(to_maker: Callable[[], None]) -> None:
    """Upload, record, or make a scene: `to_maker` is the callback that goes there."""
    uploads.uploader("Upload a clip", "upload", _take, refuse)
    st.button(
        "Make a scene of several clips",
        on_click=to_maker,
        help="Two to four clips on a time line: then the truth is known.",
    )
    st.audio_input(
        "Record with the microphone",
        sample_rate=44100,
        key="recording",
        on_change=uploads.taken,
        args=("recording", _take, refuse),
    )
    st.caption(
        "If nothing is recorded: allow the microphone for this page in the browser's address bar, "
        "then reload. Browsers offer it on https and localhost only."
    )


def refuse(text: str) -> None:
    """What cannot be used changes nothing but the message."""
    state.touch()
    state.notice(text, "error")


def _take(source: ClipSource) -> None:
    """Switch to a new sound."""
    state.touch()
    asked = str(state.value("clip"))
    part = scene_maker.lacks(asked, source)
    if part:
        source = dataclasses.replace(source, id=part)
    elif clips.is_upload(asked) and asked not in clips.uploads():
        if clips.same_content(asked, source):
            source = dataclasses.replace(source, id=asked)
        else:
            state.notice(f"The link is about another file ({asked}); this is {source.file_name}.")
    if gone := scene_maker.keep(source):
        state.notice(gone)
    state.put(source=None)
    if source.id != asked and not part:
        state.put(clip=source.id, **ANEW)


def offer(kind: str, collection: Collection) -> None:
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
            state.chose(clip=next(iter(there)), source=None, **ANEW)
        st.rerun()
    bar, button = st.columns([5, 1], vertical_alignment="center")
    doing, share = job.rows[-1] if job.rows else ("Starting", 0.0)
    bar.progress(share, f"{doing}: {100 * share:.0f}{THIN}%")
    button.button("Cancel", on_click=job.cancel, key=f"cancel {kind}", width="stretch")
