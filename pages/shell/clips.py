"""Where sounds come from, behind one interface: demo clips, data sets, a folder, the user's own.

A clip is named in the URL by its `id`: the file's stem for a demo clip; `esc10:`, `esc50:`,
`scenes:` or `folder:` and the clip's name for one of a data set or of the folder in L2I_CLIPS; `upload-` or
`recording-` and the first 16 digits of the file's SHA-256 for a user's own, so that a link asks
for exactly that file; `scene:` and a recipe for what is made of others (`recipes`). Uploads and
recordings live in the session's state and nowhere else.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from l2i_core.bundle import Bundle
from l2i_core.data import clips, folders, scenes, sets
from l2i_core.data.clips import AUDIO_SUFFIXES
from l2i_core.measure import tables
from l2i_core.measure.records import ClipRow, read
from l2i_core.signal import audio, condition
from l2i_core.signal.condition import Condition
from pages.show.words import class_name, sentence

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "clips"
FIRST = "dog-1"  # what a first visit hears
SUFFIXES = sorted(suffix.removeprefix(".") for suffix in AUDIO_SUFFIXES)
SETS = {"esc10": "ESC-10", "esc50": "ESC-50", "scenes": "Scenes"}
_OWN_ID = re.compile(r"(?:upload|recording)-([0-9a-f]{16})")
_TABLES = {"demo": "clips.json", "esc50": "meta/esc50.csv", "scenes": "annotations.csv"}


@dataclass(frozen=True, slots=True)
class ClipSource:
    """One sound: how the URL and the reader name it, and where its bytes are.

    `labels` says what it is, where that is known; `fold` its place in a data set; `parts` are the
    sounds that add up to it, where they are known (`stems`). `known` is the content's hash where
    it was computed already.
    """

    id: str
    title: str
    file_name: str
    path: Path | None = None
    data: bytes | None = None
    known: str = ""
    labels: tuple[str, ...] = ()
    fold: int | None = None
    parts: tuple[ClipSource, ...] = ()

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return self.file_name.rsplit(".", 1)[0]

    @property
    def digest(self) -> str:
        """SHA-256 of the content: read when it is asked for, not when clips are listed."""
        if self.known or self.path is None:
            return self.known
        try:
            status = self.path.stat()
            return _file_digest(self.path, status.st_mtime_ns, status.st_size)
        except OSError as error:
            raise ValueError(f"{self.path.name} cannot be read ({error.strerror}).") from error

    def header(self) -> audio.Header:
        """Length, rate and channels; ValueError says what is wrong with the file."""
        return audio.header(self.file())

    def read(self) -> tuple[np.ndarray, int]:
        """Samples (1, n), the channels' mean, and rate; ValueError says what is wrong."""
        return audio.read(self.file(), mono=True)

    def condition(self) -> Condition:
        """What must be known of the sound before f's decision."""
        return condition.of_file(self.file())

    def stems(self) -> tuple[ClipSource, ...]:
        """The true sounds in a mixture, as they are in it; none where they are not known."""
        return self.parts

    def file(self) -> Path | io.BytesIO:
        """Where its bytes are: a path, or those of an upload."""
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self.path is not None  # by construction
        return self.path


@dataclass(frozen=True, slots=True)
class SceneFile(ClipSource):
    """A scene of `pipelines.make_scenes`; its stems lie beside it, where they were kept."""

    def stems(self) -> tuple[ClipSource, ...]:
        """As a `ClipSource`'s; looked for when they are asked for, not when clips are listed."""
        return _stems(self.path) if self.path and self.labels else ()


@dataclass(frozen=True, slots=True)
class Collection:
    """Clips of one kind by id; `problem` is one sentence where they cannot be listed."""

    kind: str
    title: str
    clips: Mapping[str, ClipSource]
    problem: str = ""


def collections() -> list[Collection]:
    """Everything that clips can be chosen from, the empty ones too; demo clips first."""
    found = [_collection("demo", "Demo clips", FOLDER)]
    for kind, title in SETS.items():
        folder = sets.data_folder(kind)
        if folder is not None or kind != "scenes":  # scenes are made, not downloaded
            found.append(_collection(kind, title, folder))
    if named := os.environ.get("L2I_CLIPS"):
        path = Path(named).expanduser()
        found.append(_collection("folder", path.name or "Folder", path))
    found.append(Collection("yours", "Yours", uploads()))
    return found


def at_hand() -> dict[str, ClipSource]:
    """Everything that can be chosen, by id; listing it reads no sound file. A collection that
    cannot be listed adds nothing: the chooser says why."""
    found: dict[str, ClipSource] = {**uploads()}
    for collection in collections():
        found.update(collection.clips)
    return found


def few_at_hand() -> dict[str, ClipSource]:
    """The demo clips and the session's own: few enough to listen to all of them."""
    return {**uploads(), **{clip.id: clip for clip in bundled()}}


def bundled() -> list[ClipSource]:
    """The demo clips in the order of `clips.json`; none where they cannot be listed."""
    return list(_collection("demo", "Demo clips", FOLDER).clips.values())


def shared() -> bool:
    """Whether this server is for many, who may not write to its disk: L2I_SHARED=1."""
    return os.environ.get("L2I_SHARED") == "1"


def is_upload(clip_id: str) -> bool:
    """Whether a name from a URL has the form of an upload's or a recording's."""
    return _OWN_ID.fullmatch(clip_id) is not None


def same_content(clip_id: str, source: ClipSource) -> bool:
    """Whether the name from a URL means this file, recorded or uploaded."""
    named = _OWN_ID.fullmatch(clip_id)
    return named is not None and source.digest.startswith(named[1])


def uploads() -> dict[str, ClipSource]:
    """The uploads and recordings of this session by id, oldest first."""
    return st.session_state.setdefault("l2i_uploads", {})


def kind_of(clip_id: str) -> str:
    """The kind of the collection that an id belongs to."""
    kind, colon, _ = clip_id.partition(":")
    if colon and kind in (*SETS, "folder", "scene"):
        return kind
    return "yours" if is_upload(clip_id) else "demo"


def role(source: ClipSource, bundle: Bundle) -> str:
    """What a clip was to a model: "train", "test", or "" where its training record is silent.

    ESC-10 is a part of ESC-50 with the same folds: a model of one knows the clips of the other.
    """
    record = bundle.training.get("config")
    record = record.get("data") if isinstance(record, Mapping) else None
    kind = kind_of(source.id)
    if not isinstance(record, Mapping) or source.fold is None:
        return ""
    trained_on = record.get("kind")
    if kind in SETS:
        same = trained_on in SETS and set(source.labels) <= set(bundle.classes)
        same = same and (trained_on == kind or "scenes" not in (trained_on, kind))
    else:
        root, here = record.get("root"), os.environ.get("L2I_CLIPS")
        same = trained_on == "folder" and bool(root and here) and _same_folder(str(root), str(here))
    for name, folds in (("train", "train_folds"), ("test", "test_folds")):
        if same and source.fold in (record.get(folds) or ()):
            return name
    return ""


def predictions(bundle: Bundle) -> Mapping[str, tuple[str, ...]]:
    """What f decided on the clips that the bundle's metrics know, by clip id: one class, or of a
    multi-label model those it hears; empty without any."""
    path = (
        bundle.folder / "metrics" / f"clips-{bundle.default_interpreter}.csv"
        if bundle.folder
        else None
    )
    record = bundle.training.get("config")
    kind = record.get("data", {}).get("kind") if isinstance(record, Mapping) else None
    if path is None or kind not in (*SETS, "folder") or not path.is_file():
        return {}
    return _predictions(str(path), path.stat().st_mtime_ns, str(kind), bundle.multi_label)


@st.cache_resource(show_spinner=False, max_entries=16)
def _predictions(
    path: str, stamp: int, kind: str, multi_label: bool
) -> Mapping[str, tuple[str, ...]]:
    try:
        return {
            f"{kind}:{row.clip}": tables.heard(row.logits) if multi_label else (row.predicted,)
            for row in read(path, ClipRow)
        }
    except (OSError, ValueError):
        return {}


def _same_folder(one: str, other: str) -> bool:
    return Path(one).expanduser().resolve() == Path(other).expanduser().resolve()


@functools.lru_cache(maxsize=4096)
def _file_digest(path: Path, stamp: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _collection(kind: str, title: str, folder: Path | None) -> Collection:
    if folder is None:
        return Collection(kind, title, {})
    try:
        return Collection(kind, title, _listed(kind, str(folder), _stamp(kind, folder)))
    except ValueError as error:
        return Collection(kind, title, {}, str(error))


def _stamp(kind: str, folder: Path) -> tuple[int, ...]:
    """Changes when a clip comes or goes."""
    try:
        if kind in _TABLES:
            return ((folder / _TABLES[kind]).stat().st_mtime_ns,)
        with os.scandir(folder) as entries:
            inside = [entry.stat().st_mtime_ns for entry in entries if entry.is_dir()]
        return (folder.stat().st_mtime_ns, *sorted(inside))
    except OSError:
        return (0,)


@st.cache_resource(show_spinner=False, max_entries=8)
def _listed(kind: str, folder: str, stamp: tuple[int, ...]) -> Mapping[str, ClipSource]:
    root = Path(folder)
    found = {"demo": _demo, "folder": _folder}.get(kind, lambda root: _data_set(kind, root))(root)
    return {clip.id: clip for clip in found}


def _demo(folder: Path) -> list[ClipSource]:
    try:
        entries = json.loads((folder / "clips.json").read_text())
        return [_demo_clip(folder, entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"the demo clips in {folder} cannot be read ({error}); restore them or run "
            "python -m pipelines.make_clips."
        ) from error


def _demo_clip(folder: Path, entry: dict) -> ClipSource:
    path = folder / entry["file"]
    labels = tuple(entry["labels"])
    names = [class_name(label) for label in labels]
    if len(names) == 1:
        title = f"{names[0]} {path.stem.rsplit('-', 1)[-1]}"
    else:
        title = f"{' + '.join(names)} (mixture)"
    parts = tuple(
        ClipSource(stem, sentence(class_name(label)), stem, folder / stem, labels=(label,))
        for label, stem in entry["stems"].items()
    )
    return ClipSource(path.stem, sentence(title), path.name, path, labels=labels, parts=parts)


def _data_set(kind: str, folder: Path) -> list[ClipSource]:
    return [
        _of(
            kind,
            clip,
            sentence(f"{' + '.join(map(class_name, clip.held)) or 'no source'} {clip.name}"),
            SceneFile if kind == "scenes" else ClipSource,
        )
        for clip in sets.open_data_set(kind, folder).clips
    ]


def _of(
    kind: str, clip: clips.Clip, title: str, source: type[ClipSource] = ClipSource
) -> ClipSource:
    assert clip.path is not None  # only synthesised clips have none
    name = clip.path.name
    return source(f"{kind}:{clip.name}", title, name, clip.path, labels=clip.held, fold=clip.fold)


def _stems(mixture: Path) -> tuple[ClipSource, ...]:
    """The sounds that a scene of `pipelines.make_scenes` was mixed of, where they were kept."""
    try:
        found = scenes.stem_files(mixture)
    except ValueError:
        return ()
    return tuple(
        ClipSource(f"{mixture.stem}/{name}", sentence(class_name(name)), p.name, p, labels=(name,))
        for name, p in found.items()
    )


def _folder(folder: Path) -> list[ClipSource]:
    """Any sounds: in the folder itself without a label, one level below with the folder's name."""
    if not folder.is_dir():
        raise ValueError(f"L2I_CLIPS names {folder}, which is not a folder.")
    loose = clips.sounds(folder)
    found = [ClipSource(f"folder:{path.name}", path.name, path.name, path) for path in loose]
    try:
        labelled = folders.class_folders(folder).clips
    except ValueError:
        labelled = ()
    found += [_of("folder", clip, clip.name) for clip in labelled]
    if not found:
        raise ValueError(
            f"{folder}, which L2I_CLIPS names, holds no sounds; put files there, or a folder of "
            "files for each class."
        )
    return found
