"""What a confidence means: how often f is right at it, and from which on it can be relied upon.

Both on clips with labels alone. Of a model of one class a clip the confidence is that of f's
decision, the largest of its softmax; of a multi-label model every class of every clip has one, σ of
its logit, and "right" is that the label holds the class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from l2i_core.data.clips import classes_of
from l2i_core.measure.records import ClipRow, matrix
from l2i_core.task import Task

BINS = 10
PRECISION = 0.9  # that a confidence must give, of a model of one class a clip


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions with a confidence in (low, high], the lowest bin with 0: their number n, their mean
    confidence, and the share of them that is right."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The bins that hold decisions, and the expected calibration error, ECE = Σ n_b / n ·
    |right_b − confidence_b| (Guo et al. 2017, "On Calibration of Modern Neural Networks", Eq. 3, on
    BINS bins of equal width). Few decisions in a bin bias it upwards: n stands beside it."""

    bins: tuple[Bin, ...]

    @property
    def n(self) -> int:
        return sum(one.n for one in self.bins)

    @property
    def ece(self) -> float:
        return sum(one.n * abs(one.right - one.confidence) for one in self.bins) / self.n

    @property
    def confidence(self) -> float:
        """The mean of all."""
        return sum(one.n * one.confidence for one in self.bins) / self.n

    @property
    def right(self) -> float:
        """The share of all that is right."""
        return sum(one.n * one.right for one in self.bins) / self.n


@dataclass(frozen=True, slots=True)
class Cut:
    """From which confidence on f is relied upon in a class; None where there is no such one.

    n: f's decisions for the class on labelled clips, of a multi-label model clips whose label holds
    it. precision and recall of what has the threshold or more: the share that is right, and what
    share of all that is right it has. They are of the clips that chose the threshold, and better
    than they will be on others.
    """

    class_: str
    n: int
    threshold: float | None = None
    precision: float | None = None
    recall: float | None = None

    @property
    def f1(self) -> float | None:
        if self.precision is None or self.recall is None:
            return None
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def reliability(clips: Sequence[ClipRow], task: Task) -> Reliability | None:
    """The reliability diagram's figures; None without labelled clips. ValueError where the rows
    lack a class."""
    known = _Known.of(clips, task)
    if known is None:
        return None
    if task.multi_label:
        confidence, right = known.probabilities.ravel(), known.held.ravel()
    else:
        confidence = known.probabilities.max(axis=1)
        right = known.held[np.arange(len(confidence)), known.probabilities.argmax(axis=1)]
    edges = np.linspace(0, 1, BINS + 1)
    place = np.searchsorted(edges[1:-1], confidence)  # the bin above an edge is open there
    n = np.bincount(place, minlength=BINS)
    sums = (np.bincount(place, values, BINS) for values in (confidence, right))
    confident, hit = (total / np.maximum(n, 1) for total in sums)
    return Reliability(
        tuple(
            Bin(
                edges[b].item(),
                edges[b + 1].item(),
                n[b].item(),
                confident[b].item(),
                hit[b].item(),
            )
            for b in np.flatnonzero(n)
        )
    )


def cuts(clips: Sequence[ClipRow], task: Task) -> list[Cut]:
    """A cut for each class that has labelled clips, in the model's order; [] without any.

    Of one class a clip: the lowest confidence at which PRECISION of f's decisions for the class are
    right. Of a multi-label model: the threshold with the best F1, for the best balance of false
    alarms and misses is what a threshold of its own is for.
    """
    known = _Known.of(clips, task)
    if known is None:
        return []
    decided = known.probabilities.argmax(axis=1)
    found = []
    for c, class_ in enumerate(known.classes):
        rows = np.full(len(decided), True) if task.multi_label else decided == c
        held, confidence = known.held[rows, c], known.probabilities[rows, c]
        n = int(held.sum()) if task.multi_label else len(held)
        if n:
            found.append(_cut(class_, n, held, confidence, task))
    return found


def _cut(class_: str, n: int, held: np.ndarray, confidence: np.ndarray, task: Task) -> Cut:
    from sklearn.metrics import precision_recall_curve

    if not held.any():
        return Cut(class_, n)
    # One more precision and recall than thresholds: the last has nothing above it.
    precision, recall, thresholds = precision_recall_curve(held, confidence)
    precision, recall = precision[:-1], recall[:-1]
    if task.multi_label:
        best = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-12)))
    else:
        good = np.flatnonzero(precision >= PRECISION)
        if not len(good):
            return Cut(class_, n)
        best = int(good[0])
    return Cut(class_, n, *(float(values[best]) for values in (thresholds, precision, recall)))


@dataclass(frozen=True, slots=True)
class _Known:
    """The labelled clips: classes, f's probabilities and what the labels hold, both (n, C)."""

    classes: tuple[str, ...]
    probabilities: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, clips: Sequence[ClipRow], task: Task) -> "_Known | None":
        known = [row for row in clips if row.label != "" and row.logits]
        if not known:
            return None
        classes = tuple(known[0].logits)
        logits = matrix(known, "logits", classes)
        probabilities = expit(logits) if task.multi_label else softmax(logits, axis=1)
        labels = [classes_of(row.label) if task.multi_label else (row.label,) for row in known]
        held = np.array([[class_ in label for class_ in classes] for label in labels])
        return cls(classes, probabilities, held)
