"""The user's own sounds: uploads and recordings, checked as the engine will, kept in the session."""

import hashlib
import os
from collections.abc import Callable, Container
from typing import Any

import streamlit as st

from l2i_core.signal import audio
from pages.shell import cached, state
from pages.shell.clips import SUFFIXES, ClipSource, uploads
from pages.show.words import sentence

Took = Callable[[ClipSource], None]
Say = Callable[[str], None]
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000  # Hz
DEFAULT_UPLOAD_MB = 200
LONGEST_HOURS = 3  # what is longer than `audio.MAX_SECONDS` is never held in memory as a whole
_KEPT_UPLOADS = 4  # per session
_LARGEST_DECODED = 512 << 20  # bytes of samples, as float32 of all channels


def max_upload_mb() -> int:
    """The largest upload in MB: L2I_MAX_UPLOAD_MB, and not more than Streamlit's own limit."""
    text = os.environ.get("L2I_MAX_UPLOAD_MB", "")
    asked = int(text) if text.isdecimal() and int(text) > 0 else DEFAULT_UPLOAD_MB
    return min(asked, int(st.get_option("server.maxUploadSize")))


def limits() -> str:
    """What an upload may be, in one sentence."""
    return (
        f"Up to {max_upload_mb()} MB, {audio.MIN_SECONDS:g} s to {LONGEST_HOURS} h, "
        f"{LOWEST_RATE // 1000} to {HIGHEST_RATE // 1000} kHz. The last {_KEPT_UPLOADS} are kept "
        "while the page is open; nobody else can hear them."
    )


def uploader(label: str, key: str, took: Took, say: Say) -> None:
    """A place for a file: `took` is called with one that can be used, `say` with what is wrong."""
    st.file_uploader(
        label,
        SUFFIXES,
        key=key,
        on_change=taken,
        args=(key, took, say),
        max_upload_size=max_upload_mb(),
    )
    st.caption(limits())


def table_uploader(label: str, kind: str, key: str, took: Callable[[str, bytes], None]) -> None:
    """A place for a small file that is read at once, and empty after it: `took` is given its name
    and bytes; a ValueError is one message, and nothing of the file counts."""
    times = f"l2i_times {key}"

    def read() -> None:
        state.touch()
        file: Any = st.session_state.get(f"{key} {st.session_state[times]}")
        if file is None:
            return
        st.session_state[times] += 1  # the next uploader is empty
        try:
            took(file.name, file.getvalue())
        except ValueError as error:
            state.notice(sentence(str(error)), "error")

    number = st.session_state.setdefault(times, 0)
    st.file_uploader(label, [kind], key=f"{key} {number}", on_change=read)


def taken(key: str, took: Took, say: Say) -> None:
    """Callback of the widget `key`: a file, or the recording of "recording"."""
    file: Any = st.session_state.get(key)
    if file is None:
        return
    try:
        source = from_upload(file.name, file.getvalue(), recorded=key == "recording")
    except ValueError as error:
        say(f"{file.name}: {error}")
    else:
        took(source)


def from_upload(name: str, data: bytes, recorded: bool = False) -> ClipSource:
    """An upload or a recording, checked as the engine will: ValueError in one sentence for
    anything unusable."""
    if len(data) > max_upload_mb() << 20:
        raise ValueError(
            f"the file has {len(data) / 2**20:.0f} MB; at most {max_upload_mb()} are accepted. "
            "Cut out the part that you want explained."
        )
    digest = hashlib.sha256(data).hexdigest()
    kind = "recording" if recorded else "upload"
    source = ClipSource(f"{kind}-{digest[:16]}", f"{name} ({kind})", name, data=data, known=digest)
    header = source.header()
    if header.frames and not LOWEST_RATE <= header.sample_rate <= HIGHEST_RATE:
        raise ValueError(
            f"the file has {header.sample_rate / 1000:g} kHz; {LOWEST_RATE // 1000} to "
            f"{HIGHEST_RATE // 1000} kHz are accepted. Export it at another sampling rate."
        )
    if header.seconds <= audio.MAX_SECONDS and (
        4 * header.frames * header.channels > _LARGEST_DECODED
    ):
        raise ValueError(
            f"the file holds {header.seconds / 60:.0f} min of {header.channels} channels at "
            f"{header.sample_rate / 1000:g} kHz, more than this server unpacks. Export it to mono "
            "or cut out the part that you want explained."
        )
    if header.seconds > LONGEST_HOURS * 3600:
        raise ValueError(
            f"the file lasts {header.seconds / 3600:.1f} hours; at most {LONGEST_HOURS} are "
            "accepted here. Cut it, or use the command line: python -m l2i_core timeline."
        )
    cached.condition(digest, source)  # reads all of it, and keeps what it found for the page
    return source


def keep(source: ClipSource, needed: Container[str] = ()) -> list[ClipSource]:
    """Remember an upload for this session; returns those that went for it.

    The last few are kept, and together not more than two of the largest size; `needed` ones, of
    which a scene is made, go last.
    """
    own, gone = uploads(), []
    own.pop(source.id, None)
    own[source.id] = source
    most = 2 * max_upload_mb() << 20
    while len(own) > 1 and (
        len(own) > _KEPT_UPLOADS or sum(len(clip.data or b"") for clip in own.values()) > most
    ):
        others = [name for name in own if name != source.id]
        gone.append(own.pop(next((name for name in others if name not in needed), others[0])))
    return gone
