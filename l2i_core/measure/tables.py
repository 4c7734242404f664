"""A bundle's per-clip rows as what a reader compares: FF at one τ, per class, beside Random; and
how closely an interpreter follows f.

Rows are those of `evaluation`: c is f's own decision on each clip, of a multi-label model each
class above 0.5, a row for each (a "case"). FF on the scale "share" is FF / (f(x)_c − f(silence)_c),
NaN where a clip has nothing to lose; the other scale is FF's own unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from l2i_core.data.clips import NOTHING, classes_of
from l2i_core.measure import metrics
from l2i_core.measure.evaluation import Row
from l2i_core.measure.metrics import Detection, PairedTest
from l2i_core.measure.random import as_much, beats_chance
from l2i_core.words import counted, unit

SHARE = "share"
RANDOMS = ("random_energy", "random")  # energy-matched (ours), count-matched (the paper's)
TOPS = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, lower quartile, median, upper quartile and greatest of n numbers."""

    low: float
    q25: float
    median: float
    q75: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ClassFaithfulness:
    """FF of the clips that f gives to one class (in which a multi-label model hears it), and of the
    Randoms, in one scale.

    None where no Random was drawn, or where no clip has a number in this scale. `n` clips,
    `tested` of them beside energy-matched Random, on `above_energy` of those FF beats it
    (`beats_chance`); resolution: the median of what two of their drops must differ by.
    """

    label: str
    n: int
    own: Spread | None
    random_energy: Spread | None
    random: Spread | None
    positive_fraction: float
    tested: int | None
    above_energy: int | None
    resolution: float
    fid_in: float
    components: float
    energy_kept: float


@dataclass(frozen=True, slots=True)
class ClassFidelity:
    """One class: how many clips f gives to it, how many of those the interpreter has among its
    first 1 / 3 / 5; how many clips bear its label, and how many of those f gets right."""

    label: str
    n: int
    top: tuple[int, int, int]
    labelled: int
    right: int
    reconstruction_error: float


@dataclass(frozen=True, slots=True)
class ClassDetection:
    """One class of a multi-label model: in how many clips f hears it, the interpreter, both; how
    many are labelled with it, and in how many of those f hears it.

    auprc: how well the interpreter's probability finds f's decisions; truth: how well f's finds the
    labels; None where there is nothing to find. reconstruction_error: median over f's clips.
    """

    label: str
    n: int
    theirs: int
    both: int
    labelled: int
    right: int
    auprc: float | None
    truth: float | None
    reconstruction_error: float


def scales(multi_label: bool) -> tuple[str, str]:
    """The scales of FF: its own unit, and the share of what silence takes away."""
    return unit(multi_label).name, SHARE


def thresholds(levels: Iterable[Row]) -> tuple[float, ...]:
    """The τ grid of an evaluation, rising."""
    return tuple(sorted({r["threshold"] for r in levels}))


def thresholds_with_random(levels: Iterable[Row]) -> tuple[float, ...]:
    """Those τ at which the Random Baselines were drawn, rising."""
    return thresholds(r for r in levels if r.get("random") not in (None, ""))


def nearest(grid: Sequence[float], threshold: float) -> float:
    """The grid's τ closest to one; ValueError for an empty grid."""
    if not grid:
        raise ValueError("the evaluation has no τ.")
    return min(grid, key=lambda t: abs(t - threshold))


def at_threshold(
    clips: Sequence[Row], levels: Sequence[Row], threshold: float, scale: str | None = None
) -> list[Row]:
    """One row per clip at this τ: FF and the Randoms (None where not drawn) in the scale, by
    default FF's own unit. Of a multi-label model one row per clip and class above 0.5, `class`:
    `predicted` is then that class, and `interpreter_predicted` all that the interpreter hears.

    `energy_matched`: whether all draws of energy-matched Random could remove as much of ‖X‖² as L
    does (1), or all other components together hold less (0); None where it was not drawn.
    `resolution`: what two drops must differ by, `metrics.drop_resolution` in the scale.
    `beats_random`: `beats_chance` of FF and energy-matched Random.
    `case`: the row's own name; `agrees`: whether the interpreter decides for the class as well.
    ValueError for an unknown scale, and where the two tables do not name the same clips.
    """
    multi_label = bool(levels) and "class" in levels[0]
    accepted = scales(multi_label)
    scale = accepted[0] if scale is None else scale
    if scale not in accepted:
        raise ValueError(f"unknown scale {scale!r}; accepted: {', '.join(accepted)}.")
    by_name = {r["clip"]: r for r in clips}
    at = {case(r): r for r in levels if r["threshold"] == threshold}
    # A clip in which a multi-label model hears nothing has no row at any τ.
    wanted = {case(r) for r in levels} if multi_label else set(by_name)
    if set(at) != wanted or not {r["clip"] for r in at.values()} <= set(by_name):
        raise ValueError(f"the metrics are damaged: not every clip has a row at τ = {threshold:g}.")
    if multi_label:
        return [_at(by_name[level["clip"]], level, scale) for level in at.values()]
    return [_at(clip, at[clip["clip"]], scale) for clip in clips]


def case(row: Row) -> str:
    """What a row is about, for links and choices: a clip, of a multi-label model with the class."""
    return f"{row['clip']}:{row['class']}" if "class" in row else str(row["clip"])


def counted_cases(rows: Sequence[Row]) -> str:
    """ "80 clips", or "123 pairs of clip and class"."""
    if cases(rows) == "pairs":
        return counted(len(rows), "pair of clip and class", "pairs of clip and class")
    return counted(len(rows), "clip")


def cases(rows: Sequence[Row]) -> str:
    """What rows are called: "clips", or "pairs" of a clip and a class."""
    return "pairs" if rows and "class" in rows[0] else "clips"


def heard(clip: Row, prefix: str = "logit") -> tuple[str, ...]:
    """The classes above 0.5 in a row of a multi-label model, the most probable first: f's, or the
    interpreter's by "interpreter_logit"."""
    logits = {k.partition(":")[2]: v for k, v in clip.items() if k.startswith(f"{prefix}:")}
    return tuple(sorted((c for c in logits if logits[c] > 0), key=lambda c: -logits[c]))


def _at(clip: Row, level: Row, scale: str) -> Row:
    row = {k: clip[k] for k in ("clip", "label", "predicted", "interpreter_predicted")}
    theirs: tuple[str, ...] = (clip["interpreter_predicted"],)
    about = clip
    if "class" in level:
        theirs, about = heard(clip, "interpreter_logit"), level
        row |= {"predicted": level["class"], "interpreter_predicted": "+".join(theirs) or NOTHING}
        row["class"] = level["class"]
    span = about["span"] if scale == SHARE else 1.0
    resolution, matched = metrics.drop_resolution("class" in level), _matched(level)
    drops = level["faithfulness"], _scaled(level.get("random_energy"), 1.0)
    return {
        **row,
        "threshold": level["threshold"],
        "scale": scale,
        "faithfulness": _scaled(level["faithfulness"], span),
        **{k: _scaled(level.get(k), span) for k in RANDOMS},
        "components": int(level["components"]),
        "same_class": int(level["same_class"]),
        "energy_kept": level["energy_kept"],
        "energy_matched": matched,
        "resolution": _scaled(resolution, span),
        "beats_random": beats_chance(*drops, bool(matched), resolution),
        "agrees": int(row["predicted"] in theirs),
        "case": case(level),
    }


def _matched(level: Row) -> int | None:
    random, own = level.get("random_energy_log_energy"), level.get("log_energy_removed")
    if not isinstance(random, float) or not isinstance(own, float):
        return None
    return int(as_much(random, own))


def _scaled(value: float | str | None, span: float) -> float | None:
    if value is None or isinstance(value, str):
        return None
    return value / span if span > 0 else math.nan


def faithfulness_by_class(rows: Sequence[Row], classes: Sequence[str]) -> list[ClassFaithfulness]:
    """Rows of `at_threshold` by f's decision, in the order of `classes`; empty classes left out."""
    found = []
    for label in classes:
        mine = [r for r in rows if r["predicted"] == label]
        if mine:
            found.append(_class_faithfulness(label, mine))
    return found


def _class_faithfulness(label: str, rows: Sequence[Row]) -> ClassFaithfulness:
    # Clips without a share count everywhere but in the shares.
    finite = [r for r in rows if not math.isnan(r["faithfulness"])]
    drawn = rows[0]["random_energy"] is not None
    return ClassFaithfulness(
        label,
        len(rows),
        spread(column(rows, "faithfulness")),
        spread(column(rows, "random_energy")),
        spread(column(rows, "random")),
        float(np.mean([r["faithfulness"] > 0 for r in finite])) if finite else math.nan,
        sum(r["beats_random"] is not None for r in rows) if drawn else None,
        sum(r["beats_random"] is True for r in rows) if drawn else None,
        float(np.median([r["resolution"] for r in finite])) if finite else math.nan,
        float(np.mean(column(rows, "same_class"))),
        float(np.mean(column(rows, "components"))),
        float(np.mean(column(rows, "energy_kept"))),
    )


def class_figures(
    clips: Sequence[Row], levels: Sequence[Row], threshold: float
) -> dict[str, dict[str, float | None]]:
    """By class, in f's order, what a table over folds needs of an evaluation at one τ: n clips that
    f gives to the class, FF's median and share above 0 and the Randoms' medians in logits, and the
    medians of FF and energy-matched Random as shares. None where there is no number.

    Empty at a τ that is not on the grid, and for a multi-label model, whose rows are not f's one
    decision. ValueErrors are `at_threshold`'s.
    """
    if threshold not in thresholds(levels) or "class" in levels[0]:
        return {}
    classes = [k.removeprefix("logit:") for k in clips[0] if k.startswith("logit:")]
    plain, share = (
        faithfulness_by_class(at_threshold(clips, levels, threshold, scale), classes)
        for scale in scales(False)
    )
    return {
        own.label: {
            "n": own.n,
            "median": _median(own.own),
            "relative_median": _median(relative.own),
            "positive_fraction": own.positive_fraction,
            "random": _median(own.random),
            "random_energy": _median(own.random_energy),
            "random_energy_relative": _median(relative.random_energy),
        }
        for own, relative in zip(plain, share, strict=True)
    }


def _median(values: Spread | None) -> float | None:
    return None if values is None else values.median


def spread(values: np.ndarray) -> Spread | None:
    """Of the numbers that are not NaN; None where there is none."""
    numbers = values[~np.isnan(values)]
    if numbers.size == 0:
        return None
    least, q25, median, q75, most = np.quantile(numbers, (0, 0.25, 0.5, 0.75, 1)).tolist()
    return Spread(least, q25, median, q75, most, numbers.size)


def compare(rows: Sequence[Row], opponent: str) -> PairedTest | None:
    """FF against a Random of the same clips; None where it was not drawn or nothing is left."""
    ours, theirs, resolution = (column(rows, k) for k in ("faithfulness", opponent, "resolution"))
    return compare_columns(ours, theirs, resolution)


def compare_columns(
    ours: np.ndarray, theirs: np.ndarray, resolution: np.ndarray
) -> PairedTest | None:
    """A paired test over the clips (n,) that have both drops; None where there are none.

    resolution (n,): below which a difference is none.
    """
    both = ~(np.isnan(ours) | np.isnan(theirs))
    if not both.any():
        return None
    return metrics.paired_test(ours[both], theirs[both], resolution[both])


def column(rows: Sequence[Row], name: str) -> np.ndarray:
    """One column as numbers (n,), NaN where there is none."""
    return np.array([math.nan if r[name] is None else float(r[name]) for r in rows])


def ranks(clips: Sequence[Row], classes: Sequence[str]) -> np.ndarray:
    """Where f's class stands in the interpreter's order (n,); 1 where they agree."""
    ours, theirs = _logits(clips, "logit", classes), _logits(clips, "interpreter_logit", classes)
    order = np.argsort(-theirs, axis=1, kind="stable")
    return 1 + (order == ours.argmax(axis=1)[:, None]).argmax(axis=1)


def confusion(clips: Sequence[Row], classes: Sequence[str]) -> np.ndarray:
    """Counts (C, C): rows f's decision, columns the interpreter's first choice."""
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    ours, theirs = _logits(clips, "logit", classes), _logits(clips, "interpreter_logit", classes)
    np.add.at(counts, (ours.argmax(axis=1), theirs.argmax(axis=1)), 1)
    return counts


def fidelity_by_class(clips: Sequence[Row], classes: Sequence[str]) -> list[ClassFidelity]:
    """Agreement by f's decision and accuracy by label, in the order of `classes`."""
    places = ranks(clips, classes)
    said = np.array([r["predicted"] for r in clips])
    label = np.array([r["label"] for r in clips])
    error = column(clips, "reconstruction_error")
    found = []
    for name in classes:
        mine, true = said == name, label == name
        first, third, fifth = (int((places[mine] <= k).sum()) for k in TOPS)
        found.append(
            ClassFidelity(
                name,
                int(mine.sum()),
                (first, third, fifth),
                int(true.sum()),
                int((mine & true).sum()),
                float(np.median(error[mine])) if mine.any() else math.nan,
            )
        )
    return found


def co_occurrence(clips: Sequence[Row], classes: Sequence[str]) -> np.ndarray:
    """Counts (C, C) of a multi-label model's clips: rows the classes that f hears, columns those
    that the interpreter hears, the diagonal where both hear one."""
    ours, theirs = (_logits(clips, p, classes) > 0 for p in ("logit", "interpreter_logit"))
    return ours.T.astype(int) @ theirs.astype(int)


def detection_by_class(clips: Sequence[Row], classes: Sequence[str]) -> list[ClassDetection]:
    """Agreement with f and with the labels of a multi-label model, in the order of `classes`."""
    logits, others = (_logits(clips, p, classes) for p in ("logit", "interpreter_logit"))
    ours, theirs = logits > 0, others > 0
    known = np.array([r["label"] != "" for r in clips])
    present = np.array([[c in classes_of(r["label"]) for c in classes] for r in clips])
    error = column(clips, "reconstruction_error")
    return [
        ClassDetection(
            name,
            int(ours[:, c].sum()),
            int(theirs[:, c].sum()),
            int((ours & theirs)[:, c].sum()),
            int(present[:, c].sum()),
            int((ours & present)[:, c].sum()),
            _auprc(others[:, c], ours[:, c]),
            _auprc(logits[known, c], present[known, c]),
            float(np.median(error[ours[:, c]])) if ours[:, c].any() else math.nan,
        )
        for c, name in enumerate(classes)
    ]


def _auprc(logits: np.ndarray, present: np.ndarray) -> float | None:
    if not present.any():
        return None
    return metrics.detection(expit(logits)[:, None], present[:, None]).macro_auprc


def guessing(clips: Sequence[Row], classes: Sequence[str]) -> Detection | None:
    """What one probability for everything reaches at finding f's decisions: the AUPRCs are then how
    frequent they are, and F1 is best where everything is named. None where f hears nothing."""
    ours = _logits(clips, "logit", classes) > 0
    if not ours.any():
        return None
    share, each = float(ours.mean()), ours.mean(axis=0)
    return Detection(float(each[each > 0].mean()), share, 2 * share / (1 + share))


def _logits(clips: Sequence[Row], prefix: str, classes: Sequence[str]) -> np.ndarray:
    try:
        return np.array([[float(r[f"{prefix}:{name}"]) for name in classes] for r in clips])
    except KeyError as error:
        raise ValueError(f"the metrics are damaged: they lack the column {error}.") from error
