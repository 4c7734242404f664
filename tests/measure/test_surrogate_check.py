"""L2I beside a local surrogate: rows whose counts and energies are as stated, and their tables."""

from __future__ import annotations

import numpy as np
import pytest

from l2i_core import L2I, Analysis
from l2i_core.dictionary import masking
from l2i_core.measure import surrogate, surrogate_check
from l2i_core.measure.study import Row


def test_rows_have_equal_counts_and_energies_and_fs_drops(engine: L2I, analysis: Analysis) -> None:
    thresholds = (0.0, 0.4, 0.99)
    rows = surrogate_check.check_clip(
        engine, analysis, np.random.default_rng(1), 40, thresholds, random_draws=2
    )
    made = surrogate.explain_clip(engine, analysis, np.random.default_rng(1), samples=40)
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
        return surrogate_check.check_clip(
            engine, analysis, np.random.default_rng(seed), 12, (0.3,), 2
        )

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_no_rows_make_no_table() -> None:
    with pytest.raises(ValueError, match="no rows"):
        surrogate_check.summarise([])


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
    made = surrogate_check.summarise(
        [*rows, row("a", 0.5, 0.0, 0.0, 0.0), row("b", 0.5, 0.0, 0.0, 0.0)]
    )
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
