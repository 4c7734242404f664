"""An audit: which of a model's decisions deserve doubt, clip by clip, from an evaluation's rows.

Three grounds for doubt: the decision is wrong, the interpreter does not follow f there, or taking
out what the interpreter chose hurts f no more than chance does (energy-matched Random). Where all
other components together hold less energy than L, Random cannot remove as much: FF above it shows
nothing there, so such a clip is untested, neither in doubt nor cleared.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from l2i_core import tables
from l2i_core.evaluation import Evaluation, Row, Settings
from l2i_core.words import class_name, counted, logit

SETTINGS = Settings(random_draws=10)  # of an evaluation of one's own recordings
LONGEST = 30.0  # seconds of a clip of one's own
GROUNDS: dict[str, Callable[[Row], bool]] = {
    "wrong": lambda row: row["right"] is False,
    "disagrees": lambda row: not row["agrees"],
    "chance": lambda row: row["beats_random"] is False,
}
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
)


def audit_rows(clips: Sequence[Row], levels: Sequence[Row], threshold: float) -> list[Row]:
    """Rows of `tables.at_threshold` in logits, most doubtful first: misclassified, then where the
    interpreter disagrees, then where FF is not above Random; the most confident first.

    Added: `probability` of f's decision; `right`, None for a clip without a label; `agrees`: the
    interpreter's first choice is f's; `beats_random`: FF above 0 and above energy-matched
    Random, None where none was drawn at this τ, or where it removed less energy than L and FF is
    above it.
    """
    chances = {clip["clip"]: clip["probability"] for clip in clips}
    rows = [
        {
            **row,
            "probability": chances[row["clip"]],
            "right": row["predicted"] == row["label"] if row["label"] != "" else None,
            "agrees": row["interpreter_predicted"] == row["predicted"],
            "beats_random": _beats(row),
        }
        for row in tables.at_threshold(clips, levels, threshold)
    ]
    doubts = list(GROUNDS.values())
    return sorted(rows, key=lambda row: ([not doubt(row) for doubt in doubts], -row["probability"]))


def _beats(row: Row) -> bool | None:
    if row["random_energy"] is None:
        return None
    if row["faithfulness"] <= max(row["random_energy"], 0.0):
        return False  # all the more where Random removed less
    return True if row["energy_matched"] else None


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
    """The rows to which all of the filters apply: names of GROUNDS, or "right"; `label`: clips of
    this class, by their label or by f."""
    tests = {**GROUNDS, "right": lambda row: row["right"] is True}
    return [
        row
        for row in rows
        if all(tests[name](row) for name in shown)
        and (label is None or label in (row["label"], row["predicted"]))
    ]


def finding(rows: Sequence[Row]) -> str:
    """The headline: how many decisions are in doubt, and on which grounds."""
    total = len(rows)
    doubtful = sum(any(doubt(row) for doubt in GROUNDS.values()) for row in rows)
    counts = {name: sum(doubt(row) for row in rows) for name, doubt in GROUNDS.items()}
    labelled = sum(row["right"] is not None for row in rows)
    tested = [row for row in rows if row["beats_random"] is not None]
    untested = [
        row for row in rows if row["beats_random"] is None and row["random_energy"] is not None
    ]
    if labelled:
        of = "" if labelled == total else f" of {labelled} with a label"
        parts = [f"{counts['wrong']}{of} misclassified"]
    else:
        parts = ["labels unknown"]
    parts.append(f"on {counts['disagrees'] or 'none'} the interpreter disagrees with f")
    at = f"energy-matched Random at τ = {rows[0]['threshold']:.2f}"
    of = "" if len(tested) == total else f" of {len(tested)} tested"
    if counts["chance"]:
        parts.append(
            f"on {counts['chance']}{of} removing what it heard costs f nothing, or no more than "
            f"chance would (FF ≤ 0 or ≤ {at})"
        )
    elif tested:
        every = (
            f"all {len(tested)}{' tested' if of else ''}" if len(tested) > 1 else "the one tested"
        )
        parts.append(
            f"on {every} removing what it heard costs f more than chance would (FF > {at})"
        )
    if untested:
        parts.append(
            f"{len(untested)} cannot be tested against chance, because all other components "
            "together hold less energy than what it heard"
        )
    verb = "deserves" if doubtful == 1 else "deserve"
    return f"{doubtful} of {counted(total, 'decision')} {verb} doubt: {'; '.join(parts)}."


def doubts(row: Row) -> str:
    """One clip's grounds for doubt as a sentence."""
    said = class_name(row["predicted"])
    grounds = []
    if row["right"] is False:
        grounds.append(f"its label is “{class_name(row['label'])}”")
    if not row["agrees"]:
        theirs = class_name(row["interpreter_predicted"])
        grounds.append(f"the interpreter's first choice is “{theirs}”")
    if row["faithfulness"] <= 0:
        grounds.append(
            f"it loses nothing without its interpretation (FF {logit(row['faithfulness'])})"
        )
    elif row["beats_random"] is False:
        grounds.append(
            f"FF {logit(row['faithfulness'])} is not above Random's {logit(row['random_energy'])}"
        )
    if not grounds:
        if row["beats_random"] is None and row["random_energy"] is not None:
            return f"f says “{said}”; no ground for doubt, but chance could not be tested."
        return f"f says “{said}”; there is no ground for doubt."
    listed = " and ".join([", ".join(grounds[:-1]), grounds[-1]] if grounds[1:] else grounds)
    return f"f says “{said}”, but {listed}."


def to_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV, yes / no for what holds and nothing for what is unknown.

    A name that a spreadsheet would take for a formula gets an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in _COLUMNS])
    return text.getvalue()


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
            "rows": [{name: _plain(row[name]) for name in _COLUMNS} for row in rows],
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
