"""An audit: which of a model's decisions deserve doubt, clip by clip, from an evaluation's rows.

Three grounds for doubt: the decision is wrong, the interpreter does not follow f there, or taking
out what the interpreter chose hurts f no more than chance does (energy-matched Random). Where all
other components together hold less log energy than L, Random cannot remove as much: FF above it
shows nothing there, so such a clip is untested, neither in doubt nor cleared.

Of a multi-label model every pair of clip and class is a decision that f hears or that the label
holds: f is wrong in a false alarm and in a miss. There is nothing to take out of a miss.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from l2i_core.data.clips import Clip, classes_of, load_clip
from l2i_core.data.spreadsheet import guarded
from l2i_core.data.tags import Tag
from l2i_core.measure import records, tables
from l2i_core.measure.evaluation import Evaluation, Settings
from l2i_core.measure.records import ALARM, MISSED, CaseRow, ClipRow, LevelRow
from l2i_core.signal import audio, condition
from l2i_core.signal.spectra import AudioConfig
from l2i_core.words import WEAK, class_name, compared, counted, joined

SETTINGS = Settings(random_draws=10)  # of an evaluation of one's own recordings
LONGEST = 30.0  # seconds of a clip of one's own
_COLUMNS = (
    *("clip", "label", "predicted", "probability", "right", "interpreter_predicted", "agrees"),
    *("threshold", "faithfulness", "random_energy", "energy_matched", "beats_random", "components"),
)

GROUNDS: dict[str, Callable[[CaseRow], bool]] = {
    "wrong": lambda row: row.right is False,
    "disagrees": lambda row: row.agrees is False,
    "chance": lambda row: row.beats_random is False,
}


def doubtful(row: CaseRow) -> bool:
    """Whether any of the GROUNDS speaks against a decision."""
    return any(doubt(row) for doubt in GROUNDS.values())


def audit_rows(
    clips: Sequence[ClipRow], levels: Sequence[LevelRow], threshold: float
) -> list[CaseRow]:
    """The decisions at a τ, most doubtful first: misclassified, then where the interpreter
    disagrees, then where FF is not above Random; the most confident first. Of a multi-label model
    also a row for each miss. ValueErrors are `tables.at_threshold`'s.
    """
    rows = tables.at_threshold(clips, levels, threshold)
    if rows and rows[0].task.multi_label:
        rows += [row for clip in clips for row in tables.misses(clip, threshold)]
    doubts = list(GROUNDS.values())
    return sorted(rows, key=lambda row: ([not doubt(row) for doubt in doubts], -row.probability))


def audited_threshold(levels: Sequence[LevelRow], threshold: float) -> float:
    """The measured τ nearest to one: among those with Random, where there are any."""
    return tables.nearest(
        tables.thresholds_with_random(levels) or tables.thresholds(levels), threshold
    )


def load(clip: Clip, config: AudioConfig) -> np.ndarray:
    """`load_clip` of one's own recording; ValueError for one that is too long."""
    if clip.path and (seconds := audio.header(clip.path).seconds) > LONGEST:
        raise ValueError(
            f"{clip.path.name} lasts {seconds:.0f} s; this evaluation takes clips of up to "
            f"{LONGEST:.0f} s. Cut it into shorter ones."
        )
    return load_clip(clip, config)


class Ear:
    """`load` for an evaluation that keeps what is wrong with the sounds: by clip, sentences."""

    def __init__(self) -> None:
        self.warnings: dict[str, tuple[str, ...]] = {}

    def __call__(self, clip: Clip, config: AudioConfig) -> np.ndarray:
        sound = load(clip, config)
        if clip.path and clip.name not in self.warnings:
            self.warnings[clip.name] = condition.of_file(clip.path).all
        return sound


def about(
    data: str,
    bundle: str,
    interpreter: str,
    made: Evaluation,
    left_out: Sequence[str],
    notes: Sequence[str] = (),
    warnings: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """What an evaluation of one's own recordings was made of and with. notes: on its labels;
    warnings: on its sounds, by clip."""
    return {
        "data": data,
        "bundle": bundle,
        "interpreter": interpreter,
        "clips": len(made.clips),
        "left_out": list(left_out),
        "notes": list(notes),
        "warnings": {name: list(told) for name, told in (warnings or {}).items() if told},
        "random_draws": SETTINGS.random_draws,
        "mask_domain": SETTINGS.mask_domain,
        "seed": SETTINGS.seed,
    }


def measured(about: Mapping[str, Any]) -> str:
    """How many of the clips were measured, what was made of their folders' names, and how many are
    not fit to be heard; an older evaluation says less."""
    left_out, clips = about.get("left_out", ()), about.get("clips", 0)
    told = [f"{clips} of {counted(clips + len(left_out), 'clip')} measured."]
    told += about.get("notes", ())
    if warned := about.get("warnings"):
        told.append(f"The sound of {counted(len(warned), 'clip')} has its own warning.")
    return " ".join(told)


def tagged(rows: Sequence[CaseRow], tags: Mapping[str, Tag]) -> list[CaseRow]:
    """The rows with the listener's tags, by case."""
    none = Tag()
    found = ((row, tags.get(row.case, none)) for row in rows)
    return [replace(row, tag=tag.tag or "", note=tag.note or "") for row, tag in found]


def only(
    rows: Sequence[CaseRow],
    shown: Sequence[str],
    label: str | None = None,
    tags: Sequence[str] = (),
    cell: tuple[str, str] | None = None,
) -> list[CaseRow]:
    """The rows to which all of the filters apply: names of GROUNDS, or "right", MISSED or ALARM;
    `label`: clips of this class, by their label or by f; a multi-label model's rows about it; any
    of these `tags`, "" being none, all where none is given; `cell`: of this label, and called so.
    """
    tests = {
        **GROUNDS,
        "right": lambda row: row.right is True,
        MISSED: lambda row: row.kind == MISSED,
        ALARM: lambda row: row.kind == ALARM,
    }

    def names(row: CaseRow) -> tuple[str, ...]:
        return (row.predicted,) if row.task.multi_label else (row.predicted, row.label)

    return [
        row
        for row in rows
        if all(tests[name](row) for name in shown)
        and (label is None or label in names(row))
        and (not tags or row.tag in tags)
        and (cell is None or cell == (row.label, row.predicted))
    ]


def finding(rows: Sequence[CaseRow]) -> str:
    """The headline: how many decisions are in doubt, how many could not be put to the test of
    chance, and the grounds, each out of those that have what it needs."""
    total, first = len(rows), rows[0]
    counts = {name: sum(doubt(row) for row in rows) for name, doubt in GROUNDS.items()}
    doubted = sum(map(doubtful, rows))
    labelled = sum(row.right is not None for row in rows)
    tested = sum(row.beats_random is not None for row in rows)
    parts = ["labels unknown"]
    of = "" if labelled == total else f" of {labelled} with a label"
    if labelled and first.task.multi_label:
        missed = sum(row.kind == MISSED for row in rows)
        alarms = counted(counts["wrong"] - missed, "false alarm")
        parts = [f"{alarms} and {counted(missed, 'miss', 'misses')}{of}"]
    elif labelled:
        parts = [f"{counts['wrong']}{of} misclassified"]
    if first.agrees is not None:
        parts.append(f"on {counts['disagrees'] or 'none'} the interpreter disagrees with f")
    at = f"(τ = {first.threshold:.2f})"
    of = "" if tested == total else f" of {tested} tested"
    if counts["chance"]:
        parts.append(
            f"on {counts['chance']}{of} removing what it heard costs f nothing, or no more than "
            f"chance would {at}"
        )
    elif tested:
        every = "the one tested" if tested == 1 else f"all {tested}{' tested' if of else ''}"
        parts.append(f"on {every} removing what it heard costs f more than chance would {at}")
    verb = "deserves" if doubted == 1 else "deserve"
    return (
        f"{doubted} of {counted(total, 'decision')} {verb} doubt{_untested(rows, tested)}: "
        f"{'; '.join(parts)}."
    )


def _untested(rows: Sequence[CaseRow], tested: int) -> str:
    """How many of the decisions cannot be tested against chance, and why, "" for none; of a miss
    there is nothing to take out, and it is in doubt already."""
    untested = [row for row in rows if row.beats_random is None and row.kind != MISSED]
    if not untested:
        return ""
    why = {
        False: WEAK,
        True: "Random was not drawn",
    }
    reasons = [why[undrawn] for undrawn in sorted({row.random_energy is None for row in untested})]
    many = f"{len(untested)} cannot" if tested else "none can"
    return f", but {many} be tested, because {' or '.join(reasons)}"


def doubts(row: CaseRow) -> str:
    """One clip's grounds for doubt as a sentence."""
    said, verb = class_name(row.predicted), row.task.decides
    if row.kind == MISSED:
        also = {
            None: "",
            True: "; the interpreter does not hear it either",
            False: "; the interpreter hears it",
        }
        return f"f misses “{said}”, which the label holds{also[row.agrees]}."
    grounds = []
    if row.right is False:
        names = [f"“{class_name(label)}”" for label in classes_of(row.label)]
        grounds.append(f"its label is {joined(names)}" if names else "its label names no class")
    if row.agrees is False:
        theirs = class_name(row.interpreter_predicted)
        grounds.append(
            "the interpreter does not hear it"
            if row.task.multi_label
            else f"the interpreter's first choice is “{theirs}”"
        )
    if row.beats_random is False:
        drops = row.faithfulness, row.random_energy or 0.0
        grounds.append(compared(*drops, False, row.task.resolution))
    if grounds:
        return f"f {verb} “{said}”, but {joined(grounds)}."
    untested = ["its label is unknown"] if row.right is None else []
    if row.beats_random is None:
        untested.append("chance could not be tested")
    if untested:
        return f"f {verb} “{said}”; no ground for doubt, but {joined(untested)}."
    return f"f {verb} “{said}”; there is no ground for doubt."


def to_csv(rows: Sequence[CaseRow]) -> str:
    """The rows as CSV, yes / no for what holds and nothing for what is unknown.

    A name that a spreadsheet would take for a formula gets an apostrophe.
    """
    return records.to_csv([{k: _cell(v) for k, v in line.items()} for line in _table(rows)])


def _table(rows: Sequence[CaseRow]) -> list[dict[str, Any]]:
    """By column, and `in_words`: `doubts`; `heard` of a multi-label model alone, tag and note where
    there are any."""
    several = any(row.task.multi_label for row in rows)
    own = [name for name in ("tag", "note") if any(getattr(row, name) for row in rows)]
    columns = (*_COLUMNS, *(["heard"] if several else []), *own)
    measured = dict.fromkeys(name for row in rows for name in row.measured)
    return [
        {name: _plain(getattr(row, name)) for name in columns}
        | {name: _plain(row.measured.get(name)) for name in measured}
        | {"in_words": doubts(row)}
        for row in rows
    ]


def to_json(
    about: Mapping[str, Any],
    summary: Mapping[str, Any],
    clips: Sequence[ClipRow],
    levels: Sequence[LevelRow],
    rows: Sequence[CaseRow],
) -> str:
    """The audit as JSON: what was measured on what, the finding, the table (rows of `audit_rows`),
    and every figure of the evaluation."""
    return json.dumps(
        {
            "about": dict(about),
            "finding": finding(rows),
            "rows": _table(rows),
            "summary": dict(summary),
            "clips": [_known(row) for row in clips],
            "levels": [_known(row) for row in levels],
        },
        indent=1,
        ensure_ascii=False,
    )


def _known(row: ClipRow | LevelRow) -> dict[str, Any]:
    return {name: value for name, value in records.flat(row).items() if value is not None}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return guarded(value) if isinstance(value, str) else value
