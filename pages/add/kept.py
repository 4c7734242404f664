"""A model that was given: opened, and kept as a small bundle that explains without training."""

import dataclasses
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from l2i_core.bundle import save_bundle
from l2i_core.classifiers.opening import opened, timed
from l2i_core.classifiers.protocol import SoundClassifier
from l2i_core.data import archives
from l2i_core.dictionary import choice
from pages.add.given import Given
from pages.shell import models
from pages.shell.clips import ClipSource

# Settings that mean something else with another model.
OF_A_MODEL = (
    *("interpreter", "dictionary", "class", "own", "component", "evaluated", "compare", "scale"),
)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """A classifier as it answers: what it is called, `name` as a folder, the seconds of one pass
    over `heard` seconds of sound. place: where it becomes a bundle; an upload lies there already.
    """

    title: str
    name: str
    classifier: SoundClassifier
    seconds: float
    heard: float
    place: tempfile.TemporaryDirectory[str]


def look(asked: Given, source: ClipSource) -> Found:
    """Open what was given and let it hear the clip; ValueError, in a sentence, where it cannot be
    used, with nothing left on disk."""
    place = _place()
    try:
        spec = asked.path or _unpacked(asked.upload, Path(place.name) / "model")
        with models.turn:
            f = opened(
                spec,
                classes=asked.classes,
                rate=asked.rate,
                multi_label=asked.several,
                outputs=asked.outputs,
            )
            seconds, heard = timed(f, *source.read())
    except BaseException:
        place.cleanup()
        raise
    title = PurePosixPath(asked.name).name
    stem = PurePosixPath(title.rpartition(":")[0] or title).stem
    return Found(title, _free(stem), f, seconds, heard, place)


def keep(found: Found, name: str) -> None:
    """Make it a bundle of this name, where the app finds it; ValueError where that cannot be."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"“{name[:40]}” is no name for a model; give letters, digits, '.', '_' and '-'."
        )
    if name in models.folders():
        raise ValueError(f"there is a model “{name}” already; give another name.")
    part = Path(found.place.name)
    base = models.bundle(models.bundle_names()[0])
    bundle = base.explaining(found.classifier, name).with_dictionary(choice.CLIP)
    save_bundle(dataclasses.replace(bundle, title=found.title), part)
    try:
        part.chmod(0o755)
        os.rename(part, part.parent / name)
    except OSError as error:
        raise ValueError(f"cannot write {part.parent / name} ({error.strerror}).") from error
    if lasting() is None:
        models.add(part.parent / name)


def lasting() -> Path | None:
    """The folder that outlives the session, the first of L2I_BUNDLES; None where there is none."""
    named = [part for part in os.environ.get("L2I_BUNDLES", "").split(os.pathsep) if part]
    return Path(named[0]) if named else None


def _place() -> tempfile.TemporaryDirectory[str]:
    root = lasting() or models.session_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".add-", dir=root, ignore_cleanup_errors=True)
    except OSError as error:
        raise ValueError(f"cannot write into {root} ({error.strerror}).") from error


def _unpacked(upload: object, folder: Path) -> str:
    """An uploaded file as `opened` takes it: its path, of a zip its folder's."""
    folder.mkdir()
    name = PurePosixPath(str(getattr(upload, "name", ""))).name
    if name.lower().endswith(".zip"):
        archives.unpack_model(upload, folder)  # type: ignore[arg-type]
        return str(folder)
    path = folder / name
    path.write_bytes(upload.getbuffer())  # type: ignore[attr-defined]
    return str(path)


def _free(stem: str) -> str:
    """A name like this that no model has."""
    name, number = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:30] or "model", 2
    taken = models.folders()
    while name in taken:
        name, number = f"{name.rstrip('0123456789').rstrip('-')}-{number}", number + 1
    return name
