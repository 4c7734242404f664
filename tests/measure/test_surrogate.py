"""The surrogate recovers what is linear; its sets have the counts and energies that they state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from l2i_core import L2I, Analysis
from l2i_core.dictionary import masking
from l2i_core.explainers import surrogate as explainer
from l2i_core.explainers.ask import Ask
from l2i_core.explainers.surrogate import Surrogate
from l2i_core.measure import surrogate
from l2i_core.measure.study import Row
from l2i_core.measure.surrogate import Settings

TRUE = np.array([0.5, -1.0, 3.0, 0.0, 2.0, -0.2, 1.0, 0.1, -3.0, 4.0, 0.7, 1.6])


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch, analysis: Analysis) -> Analysis:
    """An f that loses TRUE[k] of every logit when component k is removed; all are active."""

    def lost(self: Ask, gains: Tensor) -> Tensor:
        rows = 1.0 - gains @ torch.from_numpy(TRUE).float()
        return rows[:, None].expand(-1, 10)

    monkeypatch.setattr(Ask, "left", lost)
    monkeypatch.setattr(explainer, "ACTIVE", 0.0)
    return replace(analysis, logits=torch.eye(10)[3])


def _made(coefficients: Sequence[float], active: Sequence[int] | None = None) -> Surrogate:
    chosen = range(len(coefficients)) if active is None else active
    return Surrogate(0, tuple(chosen), np.array(coefficients), 0.0, 1.0)


# Masks and weights


def test_masks_are_fair_and_begin_with_the_clip(generator: np.random.Generator) -> None:
    masks = explainer.draw_masks(20, 4000, generator)
    assert masks.shape == (4000, 20)
    assert masks[0].all()
    assert masks[1:].mean(axis=0) == pytest.approx(np.full(20, 0.5), abs=0.04)


def test_kernel_by_hand() -> None:
    weights = explainer.kernel([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]])
    expected = [1.0, np.exp(-0.5 * (0.5 / 0.25) ** 2), np.exp(-0.5 * (1 / 0.25) ** 2)]
    np.testing.assert_allclose(weights, expected)


# The fit


def test_fit_recovers_a_linear_function(generator: np.random.Generator) -> None:
    masks = explainer.draw_masks(12, 2000, generator)
    found, intercept, score = explainer.fit(masks, masks @ TRUE + 7.0)
    np.testing.assert_allclose(found, TRUE, atol=0.05)
    assert intercept == pytest.approx(7.0, abs=0.1)
    assert score > 0.999
    assert np.argsort(-found).tolist() == np.argsort(-TRUE).tolist()


def test_fit_refuses_what_does_not_match() -> None:
    masks = np.ones((3, 2))
    for logits in ([1.0, 2.0], [1.0, 2.0, np.nan]):
        with pytest.raises(ValueError, match=r"masks \(3, 2\) need as many finite logits"):
            explainer.fit(masks, logits)


def test_surrogate_of_a_linear_f_has_its_order(
    engine: L2I, linear: Analysis, generator: np.random.Generator
) -> None:
    made = explainer.fitted(linear, linear.predicted, engine.ask(linear), generator, 600)
    assert made.target_index == 3
    assert made.active == tuple(range(12))
    assert made.order == np.argsort(-TRUE, kind="stable").tolist()
    assert surrogate.agreement(TRUE, made) == (pytest.approx(1.0), pytest.approx(1.0))
    assert surrogate.agreement(-TRUE, made) == (pytest.approx(-1.0), pytest.approx(-1.0))


def test_surrogate_asks_f_about_the_clip_without_what_is_off(
    engine: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Tensor] = []
    real = Ask.left

    def spied(self: Ask, gains: Tensor) -> Tensor:
        asked.append(gains)
        return real(self, gains)

    monkeypatch.setattr(Ask, "left", spied)
    made = explainer.fitted(
        analysis, engine.class_index("rain"), engine.ask(analysis), np.random.default_rng(4), 30
    )
    energy = masking.component_log_energy(
        analysis.spectrogram.log_magnitude, engine.dictionary.patterns, analysis.activations
    )
    active = [k for k in range(12) if float(energy[k]) >= explainer.ACTIVE]
    assert made.active == tuple(active)
    masks = explainer.draw_masks(len(active), 30, np.random.default_rng(4))
    removed = [torch.nonzero(row)[:, 0].tolist() for row in torch.cat(asked)]
    assert removed == [[k for k, on in zip(active, row, strict=True) if not on] for row in masks]  # fmt: skip
    logits = engine.logits_without(analysis, removed)[:, engine.class_index("rain")].numpy()
    np.testing.assert_allclose(made.coefficients[active], explainer.fit(masks, logits)[0])
    assert not np.delete(made.coefficients, active).any()


# Agreement


def test_agreement_is_over_the_active_components() -> None:
    made = _made([1.0, 2.0, 3.0, 9.0], active=(0, 1, 2))
    assert surrogate.agreement([0.1, 0.2, 0.3, -1.0], made)[0] == pytest.approx(1.0)
    # One of three pairs is the other way round: τ = 1/3, ρ = 1 − 6 · 2 / (3 · 8).
    spearman, kendall = surrogate.agreement([0.2, 0.1, 0.3, -1.0], made)
    assert spearman == pytest.approx(0.5)
    assert kendall == pytest.approx(1 / 3)


def test_agreement_needs_something_to_order() -> None:
    for made in (_made([1.0, 2.0], active=(1,)), _made([2.0, 2.0])):
        assert np.isnan(surrogate.agreement([0.1, 0.2], made)).all()
    assert np.isnan(surrogate.agreement([0.2, 0.2], _made([1.0, 2.0]))).all()


# Sets of equal count and of equal energy


def test_sets_by_hand() -> None:
    made = _made([0.5, 0.0, 2.0, -1.0, 1.0])
    energy = [0.1, 0.3, 0.05, 0.4, 0.1]
    assert made.order == [2, 4, 0, 1, 3]
    assert surrogate.equal_energy(made, energy, 0.0) == []
    assert surrogate.equal_energy(made, energy, 0.05) == [2]
    assert surrogate.equal_energy(made, energy, 0.06) == [2, 4]
    assert surrogate.equal_energy(made, energy, 0.25) == [2, 4, 0]
    assert surrogate.equal_energy(made, energy, 0.26) == [2, 4, 0, 1]
    assert surrogate.equal_energy(made, energy, 2.0) == [2, 4, 0, 1, 3]


def test_the_surrogates_choice_costs_a_linear_f_the_most(engine: L2I, linear: Analysis) -> None:
    for row in surrogate.check_clip(
        engine, linear, np.random.default_rng(2), Settings(600), (0.0, 0.5)
    ):
        most = np.sort(TRUE)[::-1][: row["components"]].sum()
        assert row["surrogate_count"] == pytest.approx(most, abs=1e-4)
        assert row["surrogate_count"] >= row["faithfulness"] - 1e-4


# Refusals


def test_impossible_requests_are_refused(
    engine: L2I, analysis: Analysis, generator: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match="at least 2 samples, received 1"):
        explainer.fitted(analysis, 0, engine.ask(analysis), generator, 1)
    silence = engine.analyse(np.zeros(88200, np.float32), 44100)
    with pytest.raises(ValueError, match="no component is active"):
        explainer.fitted(silence, 0, engine.ask(silence), generator)


# Rows and tables


def test_rows_have_equal_counts_and_energies_and_fs_drops(engine: L2I, analysis: Analysis) -> None:
    thresholds = (0.0, 0.4, 0.99)
    rows = surrogate.check_clip(
        engine, analysis, np.random.default_rng(1), Settings(40, random_draws=2), thresholds
    )
    made = explainer.fitted(
        analysis, analysis.predicted, engine.ask(analysis), np.random.default_rng(1), 40
    )
    relevance = engine.relevance(analysis, analysis.predicted)
    energy = masking.component_log_energy(
        analysis.spectrogram.log_magnitude, engine.dictionary.patterns, analysis.activations
    ).numpy()
    assert [r["threshold"] for r in rows] == list(thresholds)
    for row in rows:
        selected = masking.select(relevance, row["threshold"])
        first = made.order[: row["surrogate_energy_components"]]
        assert row["components"] == len(selected)
        assert row["log_energy_removed"] == pytest.approx(energy[selected].sum(), rel=1e-5)
        assert row["surrogate_energy_log_energy"] == pytest.approx(energy[first].sum(), rel=1e-5)
        assert row["surrogate_energy_log_energy"] >= row["log_energy_removed"] * (1 - 1e-5)
        assert energy[first[:-1]].sum() < row["log_energy_removed"]
        sets = [selected, made.order[: len(selected)], first]
        logits = engine.logits_without(analysis, sets)[:, analysis.predicted]
        expected = (analysis.logits[analysis.predicted] - logits).tolist()
        ours = [row[k] for k in ("faithfulness", "surrogate_count", "surrogate_energy")]
        assert ours == pytest.approx(expected, abs=1e-4)
        assert row["surrogate_count_log_energy"] == pytest.approx(energy[sets[1]].sum(), rel=1e-5)
        assert (row["spearman"], row["kendall"]) == surrogate.agreement(relevance, made)


def test_generator_decides_everything(engine: L2I, analysis: Analysis) -> None:
    def once(seed: int) -> list[Row]:
        return surrogate.check_clip(
            engine, analysis, np.random.default_rng(seed), Settings(12, random_draws=2), (0.3,)
        )

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_no_rows_make_no_table() -> None:
    with pytest.raises(ValueError, match="no rows"):
        surrogate.summarise([])


def test_summary_by_hand() -> None:
    def row(clip: str, threshold: float, own: float, other: float, random_energy: float) -> Row:
        return {
            "clip": clip,
            "threshold": threshold,
            "span": 4.0,
            "active": 10,
            "score": 0.9,
            "spearman": 0.5 if clip == "a" else float("nan"),
            "kendall": 0.4,
            "components": 3,
            "surrogate_energy_components": 5,
            "log_energy_removed": 0.3,
            "surrogate_count_log_energy": 0.2,
            "surrogate_energy_log_energy": 0.35,
            "random_energy_log_energy": random_energy,
            "faithfulness": own,
            "surrogate_count": other,
            "surrogate_energy": other,
            "random_energy": 0.0,
        }

    rows = [row("a", 0.3, 2.0, 3.0, 0.3), row("b", 0.3, 1.0, 0.5, 0.1)]
    made = surrogate.summarise([*rows, row("a", 0.5, 0.0, 0.0, 0.0), row("b", 0.5, 0.0, 0.0, 0.0)])
    assert made["n"] == 2
    assert made["spearman"] == {"median": 0.5, "q25": 0.5, "q75": 0.5}, "NaN is left out"
    assert list(made["levels"]) == ["0.3", "0.5"]
    level = made["levels"]["0.3"]
    assert (level["components"], level["surrogate_energy_components"]) == (3, 5)
    assert level["faithfulness"] == {
        "median": 1.5,
        "relative_median": 0.375,
        "log_energy_removed": 0.3,
    }
    assert level["surrogate_count"]["log_energy_removed"] == 0.2
    assert level["surrogate_count"]["test"]["greater"] == 1
    assert level["surrogate_count"]["test"]["median_difference"] == -0.25
    assert level["random_energy"]["test"]["n"] == 1, "Random could remove as much in one clip"
    assert made["levels"]["0.5"]["random_energy"]["test"] is None
