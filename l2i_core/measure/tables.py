"""A bundle's per-clip rows as what a reader compares: FF at one τ, per class, beside Random; and
how closely an interpreter follows f.

Rows are those of `records`: c is f's own decision on each clip, of a multi-label model each
class above 0.5, a row for each (a "case"). FF on the scale "share" is FF / (f(x)_c − f(silence)_c),
NaN where a clip has nothing to lose; the other scale is FF's own unit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from l2i_core.data.clips import classes_of, written
from l2i_core.measure import metrics
from l2i_core.measure.metrics import Detection, PairedTest, quartiles
from l2i_core.measure.metrics.registry import metrics_of
from l2i_core.measure.random import as_much
from l2i_core.measure.records import (
    CaseRow,
    ClipRow,
    LevelRow,
    case_name,
    cases_of,
    matrix,
)
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES, Task

SHARE = "share"
TOPS = (1, 3, 5)
ERROR = "‖X − W H‖ / ‖X‖"  # the column, of a class its median


# Metrics that rows have in a scale of their own.
FIELDS = ("faithfulness", "relative_faithfulness")


def scales(task: Task) -> tuple[str, str]:
    """The scales of FF: its own unit, and the share of what silence takes away."""
    return task.unit.name, SHARE


def thresholds(levels: Iterable[LevelRow]) -> tuple[float, ...]:
    """The τ grid of an evaluation, rising."""
    return tuple(sorted({row.threshold for row in levels}))


def thresholds_with_random(levels: Iterable[LevelRow]) -> tuple[float, ...]:
    """Those τ at which the Random Baselines were drawn, rising."""
    return thresholds(row for row in levels if row.random is not None)


def nearest(grid: Sequence[float], threshold: float) -> float:
    """The grid's τ closest to one; ValueError for an empty grid."""
    if not grid:
        raise ValueError("the evaluation has no τ.")
    return min(grid, key=lambda t: abs(t - threshold))


def at_threshold(
    clips: Sequence[ClipRow],
    levels: Sequence[LevelRow],
    threshold: float,
    scale: str | None = None,
) -> list[CaseRow]:
    """A row per case at this τ, in the scale, by default FF's own unit.

    ValueError for an unknown scale, and where the two tables do not name the same clips.
    """
    task = levels[0].task if levels else ONE_CLASS
    accepted = scales(task)
    scale = accepted[0] if scale is None else scale
    if scale not in accepted:
        raise ValueError(f"unknown scale {scale!r}; accepted: {', '.join(accepted)}.")
    by_name = {row.clip: row for row in clips}
    at = {row.case: row for row in levels if row.threshold == threshold}
    # A clip in which a multi-label model hears nothing has no row at any τ.
    wanted = {row.case for row in levels} if task.multi_label else set(by_name)
    if set(at) != wanted or not {row.clip for row in at.values()} <= set(by_name):
        raise ValueError(f"the metrics are damaged: not every clip has a row at τ = {threshold:g}.")
    rows = list(at.values()) if task.multi_label else [at[clip.clip] for clip in clips]
    asked = metrics_of(task, without=FIELDS)
    found = []
    for level, case in zip(rows, cases_of(clips, rows), strict=True):
        span, matched = case.span if scale == SHARE else 1.0, level.random_energy_log_energy
        values, drawn = {m.name: m.value(case) for m in asked}, (level.random_energy, level.random)
        energy, count = (None if drop is None else _scaled(drop, span) for drop in drawn)
        equal = None if matched is None else int(as_much(matched, level.log_energy_removed))
        found.append(
            _decision(
                by_name[level.clip],
                level.class_,
                threshold=threshold,
                scale=scale,
                faithfulness=_scaled(level.faithfulness, span),
                random_energy=energy,
                random=count,
                components=level.components,
                same_class=level.same_class,
                energy_matched=equal,
                resolution=_scaled(task.resolution, span),
                measured={name: value for name, value in values.items() if value is not None},
            )
        )
    return found


def heard(logits: Mapping[str, float]) -> tuple[str, ...]:
    """The classes above 0.5 by a clip's logits, the most probable first: what a multi-label model
    hears, or its interpreter."""
    return tuple(sorted((c for c in logits if logits[c] > 0), key=lambda c: -logits[c]))


def misses(clip: ClipRow, threshold: float) -> list[CaseRow]:
    """A row for each class of the label that a multi-label model does not hear."""
    ours, resolution = heard(clip.logits), SEVERAL_CLASSES.resolution
    about = {"threshold": threshold, "scale": SEVERAL_CLASSES.unit.name, "resolution": resolution}
    # A label may be of a class that the model does not know: it cannot miss that.
    missed = [c for c in classes_of(clip.label) if c not in ours and c in clip.logits]
    return [_decision(clip, label, missed=True, **about) for label in missed]


def _decision(clip: ClipRow, class_: str | None, *, missed: bool = False, **about: Any) -> CaseRow:
    """f's one decision, or on `class_` that of a multi-label model, with these further fields."""
    theirs: tuple[str, ...] = (clip.interpreter_predicted,)
    held: tuple[str, ...] = (clip.label,)
    told, probability = clip.interpreter_predicted, clip.probability
    if class_ is not None:
        theirs, held = heard(clip.interpreter_logits), classes_of(clip.label)
        told = "+".join(theirs) if missed else written(theirs)
        probability = float(expit(clip.logits[class_]))
    predicted = class_ or clip.predicted
    assert probability is not None  # `cases_of` looks
    return CaseRow(
        clip=clip.clip,
        label=clip.label,
        predicted=predicted,
        interpreter_predicted=told,
        class_=class_,
        agrees=(predicted in theirs) != missed if clip.interpreter_logits else None,
        case=case_name(clip.clip, class_),
        probability=probability,
        right=(predicted in held) != missed if clip.label != "" else None,
        heard=not missed,
        **about,
    )


def _scaled(value: float, span: float) -> float:
    return value / span if span > 0 else math.nan


def faithfulness_by_class(rows: Sequence[CaseRow], classes: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each class that f gives to some of the rows of `at_threshold` (in which a
    multi-label model hears it), in the order of `classes`: n clips, the `spread` of their FF (own)
    and of the Randoms, FF's share above 0, the mean |L|, the summary of every metric that is no
    field (measured), and what two drops must differ by at the median (resolution).

    tested: clips beside energy-matched Random, on above_energy of those FF beats it
    (`CaseRow.beats_random`); None where it was not drawn.
    """
    asked = metrics_of(rows[0].task, without=FIELDS) if rows else ()
    found = []
    for label in classes:
        mine = [row for row in rows if row.predicted == label]
        # Clips without a share count everywhere but in the shares.
        finite = [row for row in mine if not math.isnan(row.faithfulness)]
        drawn = any(row.random_energy is not None for row in finite)
        above = sum(row.faithfulness > 0 for row in finite)
        if mine:
            found.append(
                {
                    "class": label,
                    "n": len(mine),
                    "own": spread(mine, "faithfulness"),
                    "random_energy": spread(mine, "random_energy"),
                    "random": spread(mine, "random"),
                    "positive_fraction": above / len(finite) if finite else math.nan,
                    "tested": sum(r.beats_random is not None for r in mine) if drawn else None,
                    "above_energy": sum(r.beats_random is True for r in mine) if drawn else None,
                    "resolution": spread(finite, "resolution")["median"],
                    "components": float(column(mine, "components").mean()),
                    "measured": {m: m.over([r.measured.get(m.name) for r in mine]) for m in asked},
                }
            )
    return found


def class_figures(
    clips: Sequence[ClipRow], levels: Sequence[LevelRow], threshold: float
) -> dict[str, dict[str, float | None]]:
    """By class, in f's order, what a table over folds needs of an evaluation at one τ: n clips that
    f gives to the class, FF's median and share above 0 and the Randoms' medians in logits, and the
    medians of FF and energy-matched Random as shares. None where there is no number.

    Empty at a τ that is not on the grid, and for a multi-label model, whose rows are not f's one
    decision. ValueErrors are `at_threshold`'s.
    """
    if threshold not in thresholds(levels) or levels[0].task.multi_label:
        return {}
    plain, share = (
        faithfulness_by_class(at_threshold(clips, levels, threshold, scale), list(clips[0].logits))
        for scale in scales(ONE_CLASS)
    )
    return {
        own["class"]: {
            "n": own["n"],
            "median": own["own"]["median"],
            "relative_median": relative["own"]["median"],
            "positive_fraction": own["positive_fraction"],
            "random": own["random"]["median"],
            "random_energy": own["random_energy"]["median"],
            "random_energy_relative": relative["random_energy"]["median"],
        }
        for own, relative in zip(plain, share, strict=True)
    }


def spread(rows: Sequence[CaseRow], name: str) -> dict[str, Any]:
    """Of a field's n numbers, those that are not NaN: low, q25, median, q75 and high; None for
    none."""
    numbers = column(rows, name)
    numbers = numbers[~np.isnan(numbers)]
    ends = (numbers.min(), numbers.max()) if numbers.size else (None, None)
    return {**quartiles(numbers), "low": ends[0], "high": ends[1], "n": numbers.size}


def compare(
    ours: Sequence[CaseRow], theirs: Sequence[CaseRow], opponent: str = "faithfulness"
) -> PairedTest | None:
    """FF against what other rows of the same clips have in the field `opponent`, a Random or FF;
    over the clips that have both drops, None where there are none."""
    first, second = column(ours, "faithfulness"), column(theirs, opponent)
    both = ~(np.isnan(first) | np.isnan(second))
    if not both.any():
        return None
    return metrics.paired_test(first[both], second[both], column(ours, "resolution")[both])


def column(rows: Sequence[CaseRow] | Sequence[ClipRow], name: str) -> np.ndarray:
    """One field as numbers (n,), NaN where there is none."""
    return np.array([getattr(row, name) for row in rows], dtype=float)


def ranks(clips: Sequence[ClipRow], classes: Sequence[str]) -> np.ndarray:
    """Where f's class stands in the interpreter's order (n,); 1 where they agree."""
    ours, theirs = matrix(clips, "logits", classes), matrix(clips, "interpreter_logits", classes)
    order = np.argsort(-theirs, axis=1, kind="stable")
    return 1 + (order == ours.argmax(axis=1)[:, None]).argmax(axis=1)


def confusion(clips: Sequence[ClipRow], classes: Sequence[str]) -> np.ndarray:
    """Counts (C, C): rows f's decision, columns the interpreter's first choice."""
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    ours, theirs = matrix(clips, "logits", classes), matrix(clips, "interpreter_logits", classes)
    np.add.at(counts, (ours.argmax(axis=1), theirs.argmax(axis=1)), 1)
    return counts


def fidelity_by_class(clips: Sequence[ClipRow], classes: Sequence[str]) -> list[dict[str, Any]]:
    """A row per class, in the order of `classes`: how many clips f gives to it, on what share of
    those the interpreter has it among its first 1 / 3 / 5; how many clips bear its label, how many
    of those f gets right. None for a share of none."""
    places = ranks(clips, classes)
    said = np.array([r.predicted for r in clips])
    label = np.array([r.label for r in clips])
    found = []
    for name in classes:
        mine, true = said == name, label == name
        labelled, right = int(true.sum()), int((mine & true).sum())
        tops = {f"top-{k}": places[mine] <= k for k in TOPS}
        found.append(
            {
                "class": name,
                "n by f": int(mine.sum()),
                **{top: float(met.mean()) if met.size else None for top, met in tops.items()},
                "n labelled": labelled,
                "f right": right,
                "f's accuracy": right / labelled if labelled else None,
                ERROR: _error(clips, mine),
            }
        )
    return found


def _error(clips: Sequence[ClipRow], mine: np.ndarray) -> float | None:
    """The median over some of the clips."""
    return float(np.median(column(clips, "reconstruction_error")[mine])) if mine.any() else None


def co_occurrence(clips: Sequence[ClipRow], classes: Sequence[str]) -> np.ndarray:
    """Counts (C, C) of a multi-label model's clips: rows the classes that f hears, columns those
    that the interpreter hears, the diagonal where both hear one."""
    ours, theirs = matrix(clips, "logits", classes), matrix(clips, "interpreter_logits", classes)
    return (ours > 0).T.astype(int) @ (theirs > 0).astype(int)


def detection_by_class(clips: Sequence[ClipRow], classes: Sequence[str]) -> list[dict[str, Any]]:
    """A row per class of a multi-label model, in the order of `classes`: in how many clips f and
    the interpreter hear it, and how many are labelled with it; how well the interpreter's
    probability finds f's decisions (AUPRC), and f's the labels, None for nothing to find."""
    logits, others = matrix(clips, "logits", classes), matrix(clips, "interpreter_logits", classes)
    ours, theirs = logits > 0, others > 0
    known = np.array([r.label != "" for r in clips])
    labelled = [set(classes_of(row.label)) for row in clips]
    present = np.array([[c in mine for c in classes] for mine in labelled])
    return [
        {
            "class": name,
            "AUPRC": _auprc(others[:, c], ours[:, c]),
            "n by f": int(ours[:, c].sum()),
            "both hear": int((ours & theirs)[:, c].sum()),
            "only f": int((ours & ~theirs)[:, c].sum()),
            "only the interpreter": int((theirs & ~ours)[:, c].sum()),
            "f's AUPRC": _auprc(logits[known, c], present[known, c]),
            "n labelled": int(present[:, c].sum()),
            "f's misses": int((present & ~ours)[:, c].sum()),
            "f's false alarms": int((ours & ~present)[:, c].sum()),
            ERROR: _error(clips, ours[:, c]),
        }
        for c, name in enumerate(classes)
    ]


def _auprc(logits: np.ndarray, present: np.ndarray) -> float | None:
    if not present.any():
        return None
    return metrics.detection(expit(logits)[:, None], present[:, None]).macro_auprc


def guessing(clips: Sequence[ClipRow], classes: Sequence[str]) -> Detection | None:
    """What one probability for everything reaches at finding f's decisions: the AUPRCs are then how
    frequent they are, and F1 is best where everything is named. None where f hears nothing."""
    ours = matrix(clips, "logits", classes) > 0
    if not ours.any():
        return None
    share, each = float(ours.mean()), ours.mean(axis=0)
    return Detection(float(each[each > 0].mean()), share, 2 * share / (1 + share))
