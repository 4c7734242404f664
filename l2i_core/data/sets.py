"""Data sets by name, and where they lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from l2i_core.data import sonyc
from l2i_core.data.clips import Clip, DataSet
from l2i_core.data.esc import esc10, esc50
from l2i_core.data.folders import class_folders
from l2i_core.files import home


def data_folder(kind: str) -> Path | None:
    """Where a named data set lies: the folder that L2I_ESC10, L2I_ESC50, L2I_SONYC or L2I_SCENES
    names, else the one that was downloaded; None where neither is there."""
    if named := os.environ.get(f"L2I_{kind.upper()}"):
        return Path(named).expanduser()
    downloaded = home() / kind
    return downloaded if downloaded.is_dir() else None


def how_to_get(kind: str) -> str:
    """What makes a named data set be found, as the end of a sentence."""
    ways = {
        "scenes": "make it with python -m pipelines.make_scenes",
        "sonyc": "get it from its authors",
    }
    named = f"set the environment variable L2I_{kind.upper()} to its folder"
    return f"{ways.get(kind, 'download it')}, or {named}"


def open_data_set(kind: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """kind: "esc10", "esc50", "sonyc", "scenes" (ours, in SONYC's format), "folder" or "synth";
    root: its folder.

    Without a root, all but "folder" are found by `data_folder`. Raises ValueError for an unknown
    kind and a folder that is absent or of another layout.
    """
    if kind == "synth":
        return synthesised(range(8))
    loaders = {
        "esc10": esc10,
        "esc50": esc50,
        "sonyc": sonyc.sonyc,
        "scenes": sonyc.sonyc,
        "folder": class_folders,
    }
    if kind not in loaders:
        raise ValueError(f"unknown data set {kind!r}; accepted: {', '.join(loaders)}, synth.")
    folder = root or (None if kind == "folder" else data_folder(kind))
    if not folder:
        hint = "" if kind == "folder" else f", or {how_to_get(kind)}"
        raise ValueError(f"no folder given for the data set {kind!r}: set data.root{hint}.")
    if not Path(folder).is_dir():
        raise ValueError(f"the data folder {folder} does not exist; give the folder of {kind}.")
    return loaders[kind](Path(folder))


def synthesised(seeds: Sequence[int], n_folds: int = 4) -> DataSet:
    """Procedural clips (`synth`), one per class and seed; folds go round the seeds in turn."""
    from l2i_core.data import synth  # as in `clips`

    clips = [
        Clip(f"{label}-{seed}", label, index % n_folds + 1, f"synth-{seed}", seed=seed)
        for index, seed in enumerate(seeds)
        for label in synth.LABELS
    ]
    return DataSet("synthesised", synth.LABELS, tuple(clips))
