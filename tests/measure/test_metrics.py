"""Every metric against a table worked out by hand, or against numpy."""

import math
from typing import Any

import numpy as np
import pytest

from l2i_core.measure import metrics
from l2i_core.measure.metrics.registry import metrics_of
from l2i_core.measure.records import Case
from l2i_core.task import ONE_CLASS

# Four clips, three classes: f names 0, 1, 2, 2.
F = np.array([[5.0, 1.0, 0.0], [0.0, 3.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 4.0]])
# The interpreter's ranking: 0 1 2, 2 1 0, 0 1 2, 2 1 0.
THETA = np.array([[9.0, 2.0, 1.0], [0.0, 3.0, 7.0], [5.0, 4.0, 3.0], [0.0, 1.0, 2.0]])


def test_top_k_fidelity_by_hand() -> None:
    assert metrics.top_k_fidelity(F, THETA, 1) == 0.5
    assert metrics.top_k_fidelity(F, THETA, 2) == 0.75
    assert metrics.top_k_fidelity(F, THETA, 3) == 1.0
    assert metrics.top_k_fidelity(F, THETA, 99) == 1.0


def test_accuracy_by_hand() -> None:
    assert metrics.accuracy(F, [0, 1, 2, 0]) == 0.75
    assert metrics.accuracy(F, [-1, -1, -1, -1]) == 0.0


def case(p: float, o: float, drop: float = 0.0, span: float = 1.0) -> Case:
    return Case(
        clip="c",
        class_="dog",
        probability=p,
        probability_interpretation=o,
        same_class=1,
        faithfulness=drop,
        span=span,
        energy_kept=0.5,
    )


def figure(name: str, cases: list[Case]) -> Any:
    (metric,) = (m for m in metrics_of(ONE_CLASS) if m.name == name)
    return metric.over([metric.value(each) for each in cases])


def average(name: str, p: list[float], o: list[float]) -> float:
    return figure(f"average_{name}", [case(*pair) for pair in zip(p, o, strict=True)])


def test_faithfulness_quartiles_are_numpys() -> None:
    drops = np.random.default_rng(0).normal(size=37)
    ours = figure("faithfulness", [case(0.5, 0.5, float(drop)) for drop in drops])
    assert ours["median"] == pytest.approx(np.median(drops))
    assert ours["q25"] == pytest.approx(np.percentile(drops, 25))
    assert ours["q75"] == pytest.approx(np.percentile(drops, 75))
    assert ours["positive_fraction"] == pytest.approx(np.mean(drops > 0))


def test_faithfulness_by_hand() -> None:
    ours = figure("faithfulness", [case(0.5, 0.5, drop) for drop in (3.0, 0.0, -1.0, 2.0)])
    assert ours == {"median": 1.0, "q25": -0.25, "q75": 2.25, "positive_fraction": 0.5}


def test_faithfulness_on_the_common_scale() -> None:
    spans = [4.0, 2.0, 0.0, -5.0, np.nan]
    ours = metrics.relative_faithfulness([2.0, -1.0, 3.0, 1.0, 0.0], spans)
    np.testing.assert_allclose(ours, [0.5, -0.5, np.nan, np.nan, np.nan])


def test_increase_drop_and_gain_by_hand() -> None:
    p, o = [0.4, 0.8, 0.2, 1.0], [0.7, 0.4, 0.2, 0.9]
    assert average("increase", p, o) == pytest.approx(25.0)
    assert average("drop", p, o) == pytest.approx(100 * (0 + 0.5 + 0 + 0.1) / 4)
    assert average("gain", p, o) == pytest.approx(100 * (0.3 / 0.6) / 4)


def test_full_half_and_no_drop_stay_what_they_are() -> None:
    """A peer applies softmax twice: 100, 50 and 10 % come out as 63, 39 and 9 %."""
    for drop in (1.0, 0.5, 0.1):
        assert average("drop", [0.9], [0.9 * (1 - drop)]) == pytest.approx(100 * drop)


def test_certain_and_impossible_classes_do_not_divide_by_zero() -> None:
    assert average("gain", [1.0], [1.0]) == 0.0
    assert average("drop", [0.0], [0.0]) == 0.0


@pytest.mark.parametrize("db", [-10.0, 0.0, 7.5, 40.0])
def test_si_sdr_of_orthogonal_noise_is_its_level(db: float) -> None:
    time = np.arange(8000) / 8000
    source, noise = np.sin(2 * np.pi * 100 * time), np.sin(2 * np.pi * 333 * time)
    mixed = source + noise * 10 ** (-db / 20)
    assert metrics.si_sdr(mixed, source) == pytest.approx(db, abs=1e-6)
    assert metrics.si_sdr(-17.0 * mixed, source) == pytest.approx(db, abs=1e-6)
    assert metrics.si_sdr(mixed, 0.03 * source) == pytest.approx(db, abs=1e-6)


def test_si_sdr_at_its_ends() -> None:
    source = np.array([1.0, -1.0, 1.0, -1.0])
    assert metrics.si_sdr(2 * source, source) == math.inf
    assert metrics.si_sdr(np.zeros(4), source) == -math.inf
    assert metrics.si_sdr(np.ones(4), source) == -math.inf
    with pytest.raises(ValueError, match="not silent"):
        metrics.si_sdr(source, np.zeros(4))
    with pytest.raises(ValueError, match="4 samples, reference 3"):
        metrics.si_sdr(source, source[:3])


def test_correlation_by_hand() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 3.0])
    # Without their means: −1.5 −0.5 0.5 1.5 and −0.5 −1.5 1.5 0.5; product 3, squared norms 5.
    assert metrics.correlation(a, b) == pytest.approx(3 / 5)
    assert metrics.correlation(0.01 * a + 7, b) == pytest.approx(3 / 5), "level and mean are free"
    assert metrics.correlation(-a, b) == pytest.approx(-3 / 5)
    assert metrics.correlation(a, a) == pytest.approx(1.0)
    assert math.isnan(metrics.correlation(np.zeros(4), b))
    assert math.isnan(metrics.correlation(a, np.full(4, 2.0)))
    with pytest.raises(ValueError, match="3 samples against 4"):
        metrics.correlation(a[:3], b)


def test_impossible_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        metrics.top_k_fidelity(F, THETA[:, :2], 1)
    with pytest.raises(ValueError, match="at least 1"):
        metrics.top_k_fidelity(F, THETA, 0)
    for bad in (np.zeros((0, 3)), np.zeros(3), np.full((2, 3), np.nan)):
        with pytest.raises(ValueError, match="finite logits"):
            metrics.accuracy(bad, [0, 0])
    with pytest.raises(ValueError, match="2 drops but spans"):
        metrics.relative_faithfulness([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="vector"):
        metrics.relative_faithfulness([], [])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        average("drop", [0.5], [1.5])
    with pytest.raises(ValueError, match="4 clips but labels"):
        metrics.accuracy(F, [0, 1])
