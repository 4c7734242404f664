"""SONYC-UST v2: many annotators, several classes a clip (Cartwright et al. 2020).

    ROOT/annotations.csv    one row per clip and annotator
    ROOT/…/NAME.wav         the clips, in any folders below it but those named "stems"

Our own scenes (`pipelines.make_scenes`) are written in the same format. The classes are the coarse
ones that the header names (`5_alert-signal_presence` → alert_signal), in its order.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path

from l2i_core.data.clips import Clip, DataSet
from l2i_core.data.sets import KINDS, Kind
from l2i_core.data.spreadsheet import Table, inside

TABLE = "annotations.csv"
SPLITS = {"train": 1, "validate": 2, "test": 3}  # the folds that configs name
NEEDED = ("split", "audio_filename", "annotator_id")
ABOUT = ("sensor_id", "borough", "block", "latitude", "longitude", "year", "week", "day", "hour")
_COARSE = re.compile(r"(\d+)_(.+)_presence")
_FINE = re.compile(r"\d+-[\dX]+_.+_(?:presence|proximity)")
_PRESENCE = {"-1": None, "0": False, "1": True, "-1.0": None, "0.0": False, "1.0": True}
AGREED = 0  # the annotator_id of what SONYC's team agreed on

Answers = dict[str, bool | None]


def sonyc(root: Path) -> DataSet:
    """The clips of SONYC-UST v2, or of scenes in its format; folds 1, 2, 3 are its splits.

    A training clip has every class that at least one volunteer heard (the minority vote of the
    paper); validation and test clips have those of the agreed truth (annotator 0), and are left
    out where there is none. Classes that nobody was asked about (−1) count as absent.

    Raises ValueError for another layout, missing or unknown columns, and values that are not −1,
    0 or 1. Files are looked for when a clip is loaded.
    """
    table = root / TABLE
    if not table.is_file():
        raise ValueError(f"{root} is not laid out as SONYC-UST: {TABLE} is missing.")
    rows = Table(table)
    classes = _classes(rows.names, table)
    answers: dict[tuple[str, str], list[tuple[int, Answers]]] = defaultdict(list)
    for number, row in rows:
        split, name, who = (row[key] for key in NEEDED)
        if split not in SPLITS:
            raise ValueError(
                f"{TABLE}, line {number}: the split must be train, validate or test, received "
                f"{split!r}."
            )
        inside(root, name, f"{TABLE}, line {number}")
        heard = {label: _presence(row[column], column, number) for label, column in classes.items()}
        answers[split, name].append((_annotator(who, number), heard))
    paths, clips = _audio_files(root), []
    for (split, name), given in answers.items():
        if (labels := _labels(given, split)) is not None:
            present = tuple(label for label in classes if labels[label])
            path = paths.get(name, root / "audio" / name)
            clips.append(Clip(Path(name).stem, "", SPLITS[split], name, path, labels=present))
    if not clips:
        raise ValueError(f"{table} lists no clip that can be used.")
    return DataSet(root.name, tuple(classes), tuple(clips), multi_label=True)


def _classes(header: list[str], table: Path) -> dict[str, str]:
    """Class names and their columns, in the order of their numbers."""
    if missing := [name for name in NEEDED if name not in header]:
        raise ValueError(f"{table.name} lacks the column {missing[0]!r}.")
    coarse = {name: found for name in header if (found := _COARSE.fullmatch(name))}
    unknown = [
        name
        for name in header
        if name not in (*NEEDED, *ABOUT, *coarse) and not _FINE.fullmatch(name)
    ]
    if unknown:
        raise ValueError(
            f"{table.name} has the unknown column {unknown[0]!r}; accepted are those of "
            "SONYC-UST v2."
        )
    if not coarse:
        raise ValueError(
            f"{table.name} names no class: it lacks columns such as '1_engine_presence'."
        )
    ordered = sorted(coarse.items(), key=lambda item: int(item[1][1]))
    return {found[2].replace("-", "_"): name for name, found in ordered}


def _presence(text: str | None, column: str, line: int) -> bool | None:
    if text is None or text.strip() not in _PRESENCE:
        raise ValueError(f"{TABLE}, line {line}: {column} must be −1, 0 or 1, received {text!r}.")
    return _PRESENCE[text.strip()]


def _annotator(text: str | None, line: int) -> int:
    try:
        return int(text or "")
    except ValueError as error:
        raise ValueError(
            f"{TABLE}, line {line}: annotator_id must be a whole number, received {text!r}."
        ) from error


def _labels(given: list[tuple[int, Answers]], split: str) -> Answers | None:
    """Of a training clip heard by any volunteer (a positive id), or by anyone, where no volunteer
    was asked; else the agreed truth, None where there is none."""
    if split != "train":
        return next((heard for who, heard in given if who == AGREED), None)
    volunteers = [heard for who, heard in given if who > AGREED]
    asked = volunteers or [heard for _, heard in given]
    return {label: any(heard[label] for heard in asked) for label in asked[0]}


def _audio_files(root: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if name != "stems")
        found |= {name: Path(folder, name) for name in names if name not in found}
    return found


KINDS.add("sonyc")(Kind(sonyc, "SONYC-UST", "get it from its authors", splits=True))
