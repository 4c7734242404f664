"""Data sets by name, and where they lie. A file of this folder that reads one adds it to KINDS."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2i_core.data.clips import Clip, DataSet, is_side
from l2i_core.files import home
from l2i_core.registry import Registry
from l2i_core.words import joined


@dataclass(frozen=True, slots=True)
class Kind:
    """A data set as configs name it. read: its folder (any path, where it is `made`) → its clips;
    title: how a reader is told of it; get: how one comes by it, None where only its user knows its
    folder; splits: whether its folds are fixed splits."""

    read: Callable[[Path], DataSet]
    title: str
    get: str | None = "download it"
    splits: bool = False
    made: bool = False


KINDS: Registry[Kind] = Registry("l2i_core.data", "data set")


def title(kind: str) -> str:
    """How a reader is told of a data set; its name, where that is unknown here."""
    return KINDS[kind].title if kind in KINDS else kind


def has_splits(kind: str) -> bool:
    """Whether a data set's folds are fixed splits."""
    return kind in KINDS and KINDS[kind].splits


def data_folder(kind: str) -> Path | None:
    """Where a named data set lies: the folder that L2I_ESC10, L2I_ESC50, L2I_SONYC or L2I_SCENES
    names, else the one that was downloaded; None where neither is there."""
    if named := os.environ.get(f"L2I_{kind.upper()}"):
        return Path(named).expanduser()
    downloaded = home() / kind
    return downloaded if downloaded.is_dir() else None


def how_to_get(kind: str) -> str:
    """What makes a named data set be found, as the end of a sentence."""
    get = KINDS[kind].get if kind in KINDS else None
    return f"{get or 'get it'}, or set the environment variable L2I_{kind.upper()} to its folder"


def open_data_set(kind: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """The data set `kind`, "esc10" say, in the folder `root`; without one, in its `data_folder`.

    Raises ValueError for an unknown kind and a folder that is absent or of another layout.
    """
    known = KINDS[kind]
    folder = root or (data_folder(kind) if known.get else None)
    if known.made:
        return known.read(Path())
    if not folder:
        hint = f", or {how_to_get(kind)}" if known.get else ""
        raise ValueError(f"no folder given for the data set {kind!r}: set data.root{hint}.")
    if not Path(folder).is_dir():
        raise ValueError(f"the data folder {folder} does not exist; give the folder of {kind}.")
    return _read(known, Path(folder))


def _read(known: Kind, folder: Path) -> DataSet:
    """The data set in this folder, or in the one folder, up to two levels below, that holds it."""
    try:
        return known.read(folder)
    except ValueError:
        below = [p for depth in ("*", "*/*") for p in sorted(folder.glob(depth)) if p.is_dir()]
        found: dict[Path, DataSet] = {}
        for path in below:
            if not any(is_side(name) for name in path.relative_to(folder).parts):
                with contextlib.suppress(ValueError):
                    found[path] = known.read(path)
        if len(found) > 1:
            raise ValueError(
                f"{folder} holds several data sets; give the folder of one: "
                f"{joined([str(path) for path in found])}."
            ) from None
        if not found:
            raise
        return next(iter(found.values()))


def held_out(
    training: Mapping[str, Any], model: str, root: str | None = None
) -> tuple[str, tuple[Clip, ...]]:
    """Name and clips of the test set that a model's training record names.

    root: the data set's folder; without it the recorded one is looked for, and named data sets by
    `data_folder`. Raises ValueError where the model, called `model`, records no test set or its
    data are not at hand.
    """
    recorded: Mapping[str, Any] = training.get("config", {}).get("data", {})
    kind, folds = (recorded.get(name) for name in ("kind", "test_folds"))
    if not kind or not folds:
        raise ValueError(
            f"the model {model} does not record its test set, so there are no clips to "
            "measure; choose a model that was trained by the pipelines."
        )
    known = recorded.get("root")
    if root is None and known and Path(known).is_dir():  # the path may be another machine's
        root = known
    if root is None and kind in KINDS and not KINDS[kind].get and not KINDS[kind].made:
        raise ValueError(
            f"the model {model!r} was tested on a folder that it does not name, so its clips "
            "are not at hand; give it with --data to a command."
        )
    if root is None and kind != "synth" and data_folder(kind) is None:
        raise ValueError(
            f"this model's test set, {kind}, is not at hand; {how_to_get(kind)} and start again."
        )
    data = open_data_set(kind, root)
    listed = ", ".join(str(fold) for fold in folds)
    return f"{data.name}, fold {listed}", data.in_folds(folds)
