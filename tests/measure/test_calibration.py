"""Reliability and thresholds: by hand, and the laws that they keep."""

import numpy as np
import pytest
from scipy.special import logit
from sklearn.calibration import calibration_curve
from sklearn.metrics import f1_score

from l2i_core.data.clips import NOTHING
from l2i_core.measure import calibration
from l2i_core.measure.records import ClipRow
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES

CLASSES = ("dog", "rain", "cat")


def _clip(label: str, *probabilities: float, number: int = 0) -> ClipRow:
    """A clip with these probabilities of CLASSES, of one class a clip."""
    logits = dict(zip(CLASSES, np.log(probabilities).tolist(), strict=True))
    said = max(logits, key=logits.__getitem__)
    return ClipRow(clip=f"{label}-{number}", label=label, predicted=said, logits=logits)


def _several(label: str, *probabilities: float) -> ClipRow:
    logits = dict(zip(CLASSES, logit(probabilities).tolist(), strict=True))
    return ClipRow(clip=label, label=label, predicted="dog", logits=logits)


def test_ece_by_hand() -> None:
    clips = [
        _clip("dog", 0.95, 0.03, 0.02),
        _clip("rain", 0.93, 0.04, 0.03),  # sure, and wrong
        _clip("rain", 0.2, 0.65, 0.15),
        _clip("", 0.5, 0.3, 0.2),
    ]
    made = calibration.reliability(clips, ONE_CLASS)
    assert made is not None
    assert [(b.n, b.right) for b in made.bins] == [(1, 1.0), (2, 0.5)]
    assert made.bins[1].confidence == pytest.approx(0.94)
    assert made.ece == pytest.approx((0.35 + 2 * 0.44) / 3)
    assert (made.n, made.right) == (3, pytest.approx(2 / 3))


def test_of_a_calibrated_model_it_is_small_and_of_a_boastful_one_the_gap() -> None:
    draw = np.random.default_rng(0)
    confidence = draw.uniform(0.4, 1, 4000)
    right = draw.random(4000) < confidence
    rows = [
        _clip("dog" if hit else "rain", p, (1 - p) * 0.6, (1 - p) * 0.4)
        for p, hit in zip(confidence, right, strict=True)
    ]
    made = calibration.reliability(rows, ONE_CLASS)
    assert made is not None
    assert made.n == 4000
    assert made.ece < 0.03
    hit, mean = calibration_curve(right, confidence, n_bins=calibration.BINS)
    np.testing.assert_allclose([b.right for b in made.bins], hit)
    np.testing.assert_allclose([b.confidence for b in made.bins], mean, atol=1e-9)
    sure = [_clip("dog" if i % 2 else "rain", 0.999, 0.0005, 0.0005) for i in range(100)]
    boastful = calibration.reliability(sure, ONE_CLASS)
    assert boastful is not None
    assert boastful.ece == pytest.approx(0.499)


@pytest.mark.parametrize("task", [ONE_CLASS, SEVERAL_CLASSES])
def test_without_labels_there_is_nothing_to_say(task: object) -> None:
    for clips in ([], [_clip("", 0.5, 0.3, 0.2)]):
        assert calibration.reliability(clips, task) is None  # type: ignore[arg-type]
        assert calibration.cuts(clips, task) == []  # type: ignore[arg-type]


def test_the_confidence_that_gives_ninety_per_cent() -> None:
    sure = [_clip("dog", 0.9 + i / 1000, 0.05, 0.05 - i / 1000) for i in range(9)]
    clips = [*sure, _clip("rain", 0.85, 0.1, 0.05), _clip("rain", 0.6, 0.3, 0.1)]
    clips.append(_clip("dog", 0.1, 0.8, 0.1))
    dog, rain = calibration.cuts(clips, ONE_CLASS)
    assert (dog.class_, dog.n) == ("dog", 11)
    assert dog.threshold == pytest.approx(0.85), "9 of 10 are right from there"
    assert (dog.precision, dog.recall) == (pytest.approx(0.9), 1.0)
    assert (rain.class_, rain.n, rain.threshold, rain.f1) == ("rain", 1, None, None)


def test_the_threshold_with_the_best_f1_of_each_class() -> None:
    draw = np.random.default_rng(1)
    probabilities = draw.uniform(0.01, 0.99, (60, 3))
    held = draw.random((60, 2)) < probabilities[:, :2]
    labels = [
        "+".join(c for c, h in zip(CLASSES, row, strict=False) if h) or NOTHING for row in held
    ]
    clips = [_several(name, *row) for name, row in zip(labels, probabilities, strict=True)]
    found = calibration.cuts(clips, SEVERAL_CLASSES)
    assert [cut.class_ for cut in found] == ["dog", "rain"], "no clip holds a cat"
    for c, cut in enumerate(found):
        scores = [
            f1_score(held[:, c], probabilities[:, c] >= p - 1e-9) for p in probabilities[:, c]
        ]
        assert cut.f1 == pytest.approx(max(scores))
        assert cut.n == held[:, c].sum()
    made = calibration.reliability(clips, SEVERAL_CLASSES)
    assert made is not None
    assert made.n == 180, "every class of every clip"
