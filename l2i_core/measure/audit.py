"""An audit: which of a model's decisions deserve doubt, clip by clip, from an evaluation's rows.

Three grounds for doubt: the decision is wrong, the interpreter does not follow f there, or taking
out what the interpreter chose hurts f no more than chance does (energy-matched Random). Where all
other components together hold less log energy than L, Random cannot remove as much: FF above it
shows nothing there, so such a clip is untested, neither in doubt nor cleared.

Of a multi-label model every pair of clip and class is a decision that f hears or that the label
holds: f is wrong in a false alarm and in a miss. There is nothing to take out of a miss.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from scipy.special import expit

from l2i_core.data.clips import classes_of
from l2i_core.measure import records, tables
from l2i_core.measure.evaluation import Evaluation, Settings
from l2i_core.measure.records import CaseRow, ClipRow, LevelRow, Series, case_name
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES, Task
from l2i_core.words import class_name, compared, counted, joined

SETTINGS = Settings(random_draws=10)  # of an evaluation of one's own recordings
LONGEST = 30.0  # seconds of a clip of one's own
MISSED, ALARM = "missed", "alarm"  # the two ways in which a multi-label model is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision of f: of a `CaseRow` in FF's own unit, or of a multi-label model a miss, of
    which there is nothing to take out.

    probability: of the decision; right: None for a clip without a label; agrees: the interpreter
    decides as f does, None where it has no logits of its own; beats_random: FF above 0 and above
    energy-matched Random, None where none was drawn at this τ, or where it removed less energy than
    L and FF is above it; heard: whether a multi-label model hears the class; random: count-matched
    Random.
    """

    clip: str
    label: str
    predicted: str
    probability: float
    right: bool | None
    interpreter_predicted: str
    agrees: bool | None
    threshold: float
    faithfulness: float | None = None
    random_energy: float | None = None
    energy_matched: int | None = None
    beats_random: bool | None = None
    components: int | None = None
    heard: bool | None = None
    random: float | None = field(default=None, metadata={"column": False})
    measured: Annotated[Mapping[str, float], Series("")] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        return ONE_CLASS if self.heard is None else SEVERAL_CLASSES

    @property
    def case(self) -> str:
        """The decision's own name."""
        return case_name(self.clip, self.predicted if self.task.multi_label else None)

    @property
    def kind(self) -> str:
        """How a multi-label model is wrong: MISSED or ALARM; "" where it is not."""
        if self.right is not False or self.heard is None:
            return ""
        return ALARM if self.heard else MISSED

    @property
    def untested(self) -> bool:
        """Whether Random was drawn and could not remove as much."""
        return self.beats_random is None and self.random_energy is not None


GROUNDS: dict[str, Callable[[Decision], bool]] = {
    "wrong": lambda row: row.right is False,
    "disagrees": lambda row: row.agrees is False,
    "chance": lambda row: row.beats_random is False,
}


def audit_rows(
    clips: Sequence[ClipRow], levels: Sequence[LevelRow], threshold: float
) -> list[Decision]:
    """The decisions at a τ, most doubtful first: misclassified, then where the interpreter
    disagrees, then where FF is not above Random; the most confident first. Of a multi-label model
    also a row for each miss. ValueErrors are `tables.at_threshold`'s.
    """
    by_name = {clip.clip: clip for clip in clips}
    cases = tables.at_threshold(clips, levels, threshold)
    rows = [_decision(by_name[case.clip], case) for case in cases]
    if rows and rows[0].task.multi_label:
        rows += [row for clip in clips for row in _misses(clip, threshold)]
    doubts = list(GROUNDS.values())
    return sorted(rows, key=lambda row: ([not doubt(row) for doubt in doubts], -row.probability))


def _decision(clip: ClipRow, case: CaseRow) -> Decision:
    several = case.task.multi_label
    held = classes_of(clip.label) if several else (clip.label,)
    probability = clip.probability or 0.0  # `at_threshold` refuses a clip without one
    return Decision(
        clip=case.clip,
        label=case.label,
        predicted=case.predicted,
        probability=float(expit(clip.logits[case.predicted])) if several else probability,
        right=case.predicted in held if clip.label != "" else None,
        interpreter_predicted=case.interpreter_predicted,
        agrees=None if case.agrees is None else bool(case.agrees),
        threshold=case.threshold,
        faithfulness=case.faithfulness,
        random_energy=case.random_energy,
        random=case.random,
        energy_matched=case.energy_matched,
        beats_random=case.beats_random,
        components=case.components,
        heard=True if several else None,
        measured=case.measured,
    )


def _misses(clip: ClipRow, threshold: float) -> list[Decision]:
    """A row for each class of the label that f does not hear."""
    heard, theirs = tables.heard(clip.logits), tables.heard(clip.interpreter_logits)
    # A label may be of a class that the model does not know: it cannot miss that.
    missed = [c for c in classes_of(clip.label) if c not in heard and c in clip.logits]
    return [
        Decision(
            clip=clip.clip,
            label=clip.label,
            predicted=label,
            probability=float(expit(clip.logits[label])),
            right=False,
            interpreter_predicted="+".join(theirs),
            agrees=label not in theirs if clip.interpreter_logits else None,
            threshold=threshold,
            heard=False,
        )
        for label in missed
    ]


def audited_threshold(levels: Sequence[LevelRow], threshold: float) -> float:
    """The measured τ nearest to one: among those with Random, where there are any."""
    return tables.nearest(
        tables.thresholds_with_random(levels) or tables.thresholds(levels), threshold
    )


def about(
    data: str, bundle: str, interpreter: str, made: Evaluation, left_out: Sequence[str]
) -> dict[str, Any]:
    """What an evaluation of one's own recordings was made of and with."""
    return {
        "data": data,
        "bundle": bundle,
        "interpreter": interpreter,
        "clips": len(made.clips),
        "left_out": list(left_out),
        "random_draws": SETTINGS.random_draws,
        "mask_domain": SETTINGS.mask_domain,
        "seed": SETTINGS.seed,
    }


def only(
    rows: Sequence[Decision], shown: Sequence[str], label: str | None = None
) -> list[Decision]:
    """The rows to which all of the filters apply: names of GROUNDS, or "right", MISSED or ALARM;
    `label`: clips of this class, by their label or by f; a multi-label model's rows about it."""
    tests = {
        **GROUNDS,
        "right": lambda row: row.right is True,
        MISSED: lambda row: row.kind == MISSED,
        ALARM: lambda row: row.kind == ALARM,
    }
    return [
        row
        for row in rows
        if all(tests[name](row) for name in shown)
        and (label is None or label == row.predicted or _labelled(row, label))
    ]


def _labelled(row: Decision, label: str) -> bool:
    return not row.task.multi_label and row.label == label


def finding(rows: Sequence[Decision]) -> str:
    """The headline: how many decisions are in doubt, how many could not be put to the test of
    chance, and the grounds, each out of those that have what it needs."""
    total, first = len(rows), rows[0]
    counts = {name: sum(doubt(row) for row in rows) for name, doubt in GROUNDS.items()}
    doubtful = sum(any(doubt(row) for doubt in GROUNDS.values()) for row in rows)
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
    at = f"energy-matched Random at τ = {first.threshold:.2f}"
    of = "" if tested == total else f" of {tested} tested"
    if counts["chance"]:
        parts.append(
            f"on {counts['chance']}{of} removing what it heard costs f nothing, or no more than "
            f"chance would (FF ≤ 0 or ≤ {at})"
        )
    elif tested:
        every = "the one tested" if tested == 1 else f"all {tested}{' tested' if of else ''}"
        parts.append(
            f"on {every} removing what it heard costs f more than chance would (FF > {at})"
        )
    verb = "deserves" if doubtful == 1 else "deserve"
    return (
        f"{doubtful} of {counted(total, 'decision')} {verb} doubt{_untested(rows, tested)}: "
        f"{'; '.join(parts)}."
    )


def _untested(rows: Sequence[Decision], tested: int) -> str:
    """How many of the decisions cannot be tested against chance, and why, "" for none; of a miss
    there is nothing to take out, and it is in doubt already."""
    untested = [row for row in rows if row.beats_random is None and row.kind != MISSED]
    if not untested:
        return ""
    why = {
        False: "all other components together hold less log energy than what it heard",
        True: "Random was not drawn",
    }
    reasons = [why[undrawn] for undrawn in sorted({row.random_energy is None for row in untested})]
    many = f"{len(untested)} cannot" if tested else "none can"
    return f", but {many} be tested against chance, because {' or '.join(reasons)}"


def doubts(row: Decision) -> str:
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
    assert row.faithfulness is not None  # only a miss has none
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


def to_csv(rows: Sequence[Decision]) -> str:
    """The rows as CSV, yes / no for what holds and nothing for what is unknown.

    A name that a spreadsheet would take for a formula gets an apostrophe.
    """
    table, text = _table(rows), io.StringIO()
    writer = csv.DictWriter(text, list(table[0]) if table else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in table)
    return text.getvalue()


def _table(rows: Sequence[Decision]) -> list[dict[str, Any]]:
    """By column, and `in_words`: `doubts`; `heard` of a multi-label model alone."""
    table = [{**records.flat(row), "in_words": doubts(row)} for row in rows]
    names = dict.fromkeys(name for line in table for name in line)
    if rows and not rows[0].task.multi_label:
        del names["heard"]
    return [{name: line.get(name) for name in names} for line in table]


def to_json(
    about: Mapping[str, Any],
    summary: Mapping[str, Any],
    clips: Sequence[ClipRow],
    levels: Sequence[LevelRow],
    rows: Sequence[Decision],
) -> str:
    """The audit as JSON: what was measured on what, the finding, the table (rows of `audit_rows`),
    and every figure of the evaluation."""
    return json.dumps(
        {
            "about": dict(about),
            "finding": finding(rows),
            "rows": [{k: _plain(v) for k, v in line.items()} for line in _table(rows)],
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
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
