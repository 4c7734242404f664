"""Explainers on equal footing: the same share of ‖X‖², and figures that are their rows'."""

from pathlib import Path

import numpy as np
import pytest
import torch

from l2i_core import L2I
from l2i_core.data.clips import Clip
from l2i_core.measure import comparison
from l2i_core.measure.comparison import STUDY, Settings, reaching
from pipelines.tables.comparison import comparison_table

CLIPS = Path(__file__).parents[2] / "assets" / "clips"


@pytest.mark.parametrize("wanted", [0.0, 0.1, 0.35, 0.6, 0.9, 2.0])
def test_what_is_wanted_is_reached_by_the_highest_relevances(wanted: float) -> None:
    generator = np.random.default_rng(0)
    shares = torch.from_numpy(generator.dirichlet(np.ones(12)))
    shares[3] = 0.0
    relevance = torch.from_numpy(generator.normal(size=12))
    gains = reaching(relevance, shares, wanted)
    assert float(gains @ shares) == pytest.approx(min(wanted, float(shares.sum())))
    order = relevance.argsort(descending=True)
    assert (gains[order][shares[order] > 0].diff() <= 0).all()
    assert ((gains > 0) & (gains < 1)).sum() <= 1


def _clips(n: int) -> list[Clip]:
    paths = sorted(CLIPS.glob("*.flac"))[:n]
    return [Clip(path.stem, path.stem.split("-")[0], 1, path.stem, path) for path in paths]


def test_levels_compare_what_they_say(engine: L2I) -> None:
    clips = _clips(2)
    assert len(clips) == 2
    wanted = {"att at τ 0.3": {clips[0].name: 0.2, clips[1].name: 0.4}}
    settings = Settings((0.3,), 2, 0, wanted)
    rows = [row for step in STUDY.plan(clips, settings) for row in
            STUDY.measure(engine, clips, step, settings)]  # fmt: skip
    assert [row["level"] for row in rows] == ["τ 0.3", "as att at τ 0.3"] * 2
    matched = [row["log_energy_removed"] for row in rows if row["level"] != "τ 0.3"]
    assert matched == pytest.approx([0.2, 0.4], abs=1e-4)
    analysis = engine.analyse(
        comparison.load_clip(clips[0], engine.audio), engine.audio.sample_rate
    )
    made = engine.interpret(analysis, threshold=0.3)
    verdict = engine.judge(analysis, made)
    assert rows[0]["components"] == len(made.selected)
    assert rows[0]["faithfulness"] == pytest.approx(verdict.faithfulness, abs=1e-3)
    assert rows[0]["energy_kept"] == pytest.approx(made.energy_kept, abs=1e-5)
    block = STUDY.summarise(rows)
    assert block["n"] == 2
    assert block["levels"]["τ 0.3"]["faithfulness"]["median"] == pytest.approx(
        np.median([row["faithfulness"] for row in rows if row["level"] == "τ 0.3"])
    )


def test_a_clip_without_a_reference_is_left_out_with_its_reason(engine: L2I) -> None:
    (clip,) = _clips(1)
    settings = Settings((0.3,), 2, 0, {"att at τ 0.3": {}})
    (row,) = STUDY.measure(engine, [clip], (0,), settings)
    assert row["error"] == f"{clip.name}: the evaluation has no row of it for att at τ 0.3."


def test_a_clip_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="no clip"):
        STUDY.summarise([{"clip": "a", "error": "a: it is silent"}])


def test_a_model_without_a_comparison_has_no_table(engine: L2I) -> None:
    assert (
        not comparison_table(engine.bundle)
        or "On equal footing" in comparison_table(engine.bundle)[0]
    )
