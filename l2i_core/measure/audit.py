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
from typing import Any

from scipy.special import expit

from l2i_core.data.clips import classes_of
from l2i_core.measure import tables
from l2i_core.measure.evaluation import Evaluation, Row, Settings
from l2i_core.words import class_name, compared, counted, joined

SETTINGS = Settings(random_draws=10)  # of an evaluation of one's own recordings
LONGEST = 30.0  # seconds of a clip of one's own
GROUNDS: dict[str, Callable[[Row], bool]] = {
    "wrong": lambda row: row["right"] is False,
    "disagrees": lambda row: not row["agrees"],
    "chance": lambda row: row["beats_random"] is False,
}
MISSED, ALARM = "missed", "alarm"  # the two ways in which a multi-label model is wrong
_COLUMNS = (
    "clip",
    "label",
    "predicted",
    "probability",
    "right",
    "interpreter_predicted",
    "agrees",
    "threshold",
    "faithfulness",
    "random_energy",
    "energy_matched",
    "beats_random",
    "components",
    "energy_kept",
    "in_words",
)


def audit_rows(clips: Sequence[Row], levels: Sequence[Row], threshold: float) -> list[Row]:
    """Rows of `tables.at_threshold` in FF's own unit, most doubtful first: misclassified, then
    where the interpreter disagrees, then where FF is not above Random; the most confident first.

    Added: `probability` of f's decision; `right`, None for a clip without a label; `agrees`: the
    interpreter decides as f does; `in_words`: `doubts`. Of a multi-label model also a row for each
    miss, and `heard`: whether f hears the class.
    """
    by_name = {clip["clip"]: clip for clip in clips}
    rows = [
        {
            **row,
            **_answer(by_name[row["clip"]], row),
            "agrees": bool(row["agrees"]),
        }
        for row in tables.at_threshold(clips, levels, threshold)
    ]
    if rows and "class" in rows[0]:
        rows += [row for clip in clips for row in _misses(clip, rows[0])]
    rows = [{**row, "in_words": doubts(row)} for row in rows]
    grounds = list(GROUNDS.values())
    return sorted(
        rows, key=lambda row: ([not doubt(row) for doubt in grounds], -row["probability"])
    )


def _answer(clip: Row, row: Row) -> Row:
    """How sure f is, and whether it is right."""
    known = clip["label"] != ""
    if "class" in row:
        label = row["class"]
        return {
            "probability": float(expit(clip[f"logit:{label}"])),
            "right": label in classes_of(clip["label"]) if known else None,
            "heard": True,
        }
    return {
        "probability": clip["probability"],
        "right": row["predicted"] == clip["label"] if known else None,
    }


def _misses(clip: Row, like: Row) -> list[Row]:
    """A row for each class of the label that f does not hear: there is nothing to take out."""
    heard, theirs = tables.heard(clip), tables.heard(clip, "interpreter_logit")
    # A label may be of a class that the model does not know: it cannot miss that.
    missed = [c for c in classes_of(clip["label"]) if c not in heard and f"logit:{c}" in clip]
    return [
        {
            **dict.fromkeys(like),
            "clip": clip["clip"],
            "label": clip["label"],
            "predicted": label,
            "class": label,
            "interpreter_predicted": "+".join(theirs),
            "case": tables.case({"clip": clip["clip"], "class": label}),
            "threshold": like["threshold"],
            "probability": float(expit(clip[f"logit:{label}"])),
            "right": False,
            "heard": False,
            "agrees": label not in theirs,
        }
        for label in missed
    ]


def kind(row: Row) -> str:
    """How a multi-label model is wrong in a row: MISSED or ALARM; "" where it is not."""
    if row["right"] is not False or "class" not in row:
        return ""
    return ALARM if row["heard"] else MISSED


def audited_threshold(levels: Sequence[Row], threshold: float) -> float:
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


def only(rows: Sequence[Row], shown: Sequence[str], label: str | None = None) -> list[Row]:
    """The rows to which all of the filters apply: names of GROUNDS, or "right", MISSED or ALARM;
    `label`: clips of this class, by their label or by f; a multi-label model's rows about it."""
    tests = {
        **GROUNDS,
        "right": lambda row: row["right"] is True,
        MISSED: lambda row: kind(row) == MISSED,
        ALARM: lambda row: kind(row) == ALARM,
    }
    return [
        row
        for row in rows
        if all(tests[name](row) for name in shown)
        and (label is None or label == row["predicted"] or _labelled(row, label))
    ]


def _labelled(row: Row, label: str) -> bool:
    return "class" not in row and row["label"] == label


def finding(rows: Sequence[Row]) -> str:
    """The headline: how many decisions are in doubt, how many could not be put to the test of
    chance, and the grounds, each out of those that have what it needs."""
    total, first = len(rows), rows[0]
    counts = {name: sum(doubt(row) for row in rows) for name, doubt in GROUNDS.items()}
    doubtful = sum(any(doubt(row) for doubt in GROUNDS.values()) for row in rows)
    labelled = sum(row["right"] is not None for row in rows)
    tested = sum(row["beats_random"] is not None for row in rows)
    parts = ["labels unknown"]
    of = "" if labelled == total else f" of {labelled} with a label"
    if labelled and "class" in first:
        missed = sum(kind(row) == MISSED for row in rows)
        alarms = counted(counts["wrong"] - missed, "false alarm")
        parts = [f"{alarms} and {counted(missed, 'miss', 'misses')}{of}"]
    elif labelled:
        parts = [f"{counts['wrong']}{of} misclassified"]
    parts.append(f"on {counts['disagrees'] or 'none'} the interpreter disagrees with f")
    at = f"energy-matched Random at τ = {first['threshold']:.2f}"
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


def _untested(rows: Sequence[Row], tested: int) -> str:
    """How many of the decisions cannot be tested against chance, and why, "" for none; of a miss
    there is nothing to take out, and it is in doubt already."""
    untested = [row for row in rows if row["beats_random"] is None and kind(row) != MISSED]
    if not untested:
        return ""
    why = {
        False: "all other components together hold less energy than what it heard",
        True: "Random was not drawn",
    }
    reasons = [why[undrawn] for undrawn in sorted({r["random_energy"] is None for r in untested})]
    many = f"{len(untested)} cannot" if tested else "none can"
    return f", but {many} be tested against chance, because {' or '.join(reasons)}"


def doubts(row: Row) -> str:
    """One clip's grounds for doubt as a sentence."""
    said, verb = class_name(row["predicted"]), "hears" if "class" in row else "says"
    if kind(row) == MISSED:
        also = "does not hear it either" if row["agrees"] else "hears it"
        return f"f misses “{said}”, which the label holds; the interpreter {also}."
    grounds = []
    if row["right"] is False:
        names = [f"“{class_name(label)}”" for label in classes_of(row["label"])]
        grounds.append(f"its label is {joined(names)}" if names else "its label names no class")
    if not row["agrees"]:
        theirs = class_name(row["interpreter_predicted"])
        grounds.append(
            "the interpreter does not hear it"
            if "class" in row
            else f"the interpreter's first choice is “{theirs}”"
        )
    if row["beats_random"] is False:
        drops = row["faithfulness"], row["random_energy"]
        grounds.append(compared(*drops, False, row["resolution"]))
    if grounds:
        return f"f {verb} “{said}”, but {joined(grounds)}."
    untested = ["its label is unknown"] if row["right"] is None else []
    if row["beats_random"] is None:
        untested.append("chance could not be tested")
    if untested:
        return f"f {verb} “{said}”; no ground for doubt, but {joined(untested)}."
    return f"f {verb} “{said}”; there is no ground for doubt."


def to_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV, yes / no for what holds and nothing for what is unknown.

    A name that a spreadsheet would take for a formula gets an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_columns(rows))
    for row in rows:
        writer.writerow([_cell(row[name]) for name in _columns(rows)])
    return text.getvalue()


def _columns(rows: Sequence[Row]) -> tuple[str, ...]:
    return (*_COLUMNS, "heard") if rows and "heard" in rows[0] else _COLUMNS


def to_json(
    about: Mapping[str, Any],
    summary: Mapping[str, Any],
    clips: Sequence[Row],
    levels: Sequence[Row],
    rows: Sequence[Row],
) -> str:
    """The audit as JSON: what was measured on what, the finding, the table (rows of `audit_rows`),
    and every figure of the evaluation."""
    return json.dumps(
        {
            "about": dict(about),
            "finding": finding(rows),
            "rows": [{name: _plain(row[name]) for name in _columns(rows)} for row in rows],
            "summary": dict(summary),
            "clips": list(clips),
            "levels": list(levels),
        },
        indent=1,
        ensure_ascii=False,
    )


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
