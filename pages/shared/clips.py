"""Where sounds come from, behind one interface: bundled demo clips and the user's uploads.

A clip is named in the URL by its `id`: the file's stem for a bundled one, `upload-` and the first
16 digits of the file's SHA-256 for an upload, so that a link asks for exactly that file.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from l2i_core import audio
from l2i_core.audio import AudioConfig
from l2i_core.data import AUDIO_SUFFIXES
from pages.shared.words import class_name

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "clips"
FIRST = "dog-1"  # what a first visit hears
SUFFIXES = sorted(suffix.removeprefix(".") for suffix in AUDIO_SUFFIXES)
_UPLOAD_ID = re.compile(r"upload-[0-9a-f]{16}")
_KEPT_UPLOADS = 4  # per session


@dataclass(frozen=True, slots=True)
class ClipSource:
    """One sound: how the URL and the reader name it, the content's hash, and its bytes."""

    id: str
    title: str
    file_name: str
    digest: str
    path: Path | None = None
    data: bytes | None = None

    def read(self) -> tuple[np.ndarray, int]:
        """Samples (channels, n) and rate; ValueError says what is wrong with the file."""
        if self.data is not None:
            return audio.read(io.BytesIO(self.data))
        assert self.path is not None  # by construction
        return audio.read(self.path)


def bundled(folder: Path = FOLDER) -> list[ClipSource]:
    """The demo clips that `clips.json` lists, scenes last; ValueError if it is unreadable."""
    table = folder / "clips.json"
    return list(_bundled(str(folder), table.stat().st_mtime if table.is_file() else 0.0))


def from_upload(name: str, data: bytes, config: AudioConfig) -> ClipSource:
    """An upload, checked as the engine will: ValueError in one sentence for anything unusable."""
    digest = hashlib.sha256(data).hexdigest()
    source = ClipSource(f"upload-{digest[:16]}", f"{name} (upload)", name, digest, data=data)
    audio.prepare(*source.read(), config)
    return source


def is_upload(clip_id: str) -> bool:
    """Whether a name from a URL has the form of an upload's."""
    return _UPLOAD_ID.fullmatch(clip_id) is not None


def uploads() -> dict[str, ClipSource]:
    """The uploads of this session by id, oldest first."""
    return st.session_state.setdefault("l2i_uploads", {})


def keep(source: ClipSource) -> None:
    """Remember an upload for this session; only the last few are kept."""
    at_hand = uploads()
    at_hand[source.id] = source
    while len(at_hand) > _KEPT_UPLOADS:
        del at_hand[next(iter(at_hand))]


def at_hand() -> dict[str, ClipSource]:
    """Everything that can be chosen, by id."""
    return {source.id: source for source in [*uploads().values(), *bundled()]}


@st.cache_resource(show_spinner=False, max_entries=4)
def _bundled(folder: str, stamp: float) -> tuple[ClipSource, ...]:
    table = Path(folder) / "clips.json"
    try:
        entries = json.loads(table.read_text())
        found = [_source(Path(folder), entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"the demo clips in {folder} cannot be read ({error}); restore them or run "
            "python -m pipelines.make_clips."
        ) from error
    return tuple(sorted(found, key=lambda clip: "+" in clip.id))


def _source(folder: Path, entry: dict) -> ClipSource:
    path = folder / entry["file"]
    labels = [class_name(label) for label in entry["labels"]]
    if len(labels) == 1:
        title = f"{labels[0]} {path.stem.rsplit('-', 1)[-1]}"
    else:
        title = f"{' + '.join(labels)} (mixture)"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ClipSource(path.stem, title[:1].upper() + title[1:], path.name, digest, path=path)
