"""The dictionary by itself: shapes, use, and a component's sound."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from l2i_core import L2I, Analysis, AudioConfig
from l2i_core.dictionary import shapes
from l2i_core.explainers.explained import Analysis as _Analysis
from l2i_core.measure import usage
from l2i_core.measure.records import ClipRow, to_csv
from l2i_core.signal import audio, spectra

CD = AudioConfig()


@pytest.fixture(scope="module")
def strongest(analysis: Analysis) -> int:
    return int(analysis.pooled.argmax())


def test_template_sounds_like_its_column(engine: L2I, analysis: Analysis, strongest: int) -> None:
    made = usage.alone(engine, analysis, strongest)
    example, template, cut = made.sounds
    assert torch.equal(example, analysis.waveform)
    assert torch.equal(cut, engine.component_audio(analysis, strongest))
    assert len(template) == len(example)
    wanted = usage.template(engine, analysis, strongest)
    found = made.log_magnitudes[1]
    assert float((found - wanted).norm() / wanted.norm()) < 0.35
    again = usage.alone(engine, analysis, strongest)
    assert torch.equal(again.sounds[1], template), "seeded"


def test_template_has_the_example_s_level(engine: L2I, dog: np.ndarray, strongest: int) -> None:
    loud, quiet = (engine.analyse(level * dog, 44100) for level in (1.0, 0.1))
    one, other = (usage.alone(engine, a, strongest).sounds[1] for a in (loud, quiet))
    np.testing.assert_allclose(other, 0.1 * one, atol=2e-3 * float(one.abs().max()))


def test_a_component_without_activations_is_silence(engine: L2I, analysis: Analysis) -> None:
    h = analysis.activations.clone()
    h[3] = 0.0
    fields = {name: getattr(analysis, name) for name in _Analysis.__slots__} | {"activations": h}
    silent = _Analysis(**fields)
    for sound in usage.alone(engine, silent, 3).sounds[1:]:
        assert float(sound.abs().max()) < 1e-6


def test_all_components_spell_w_h_and_none_spell_silence(engine: L2I, analysis: Analysis) -> None:
    x = analysis.spectrogram
    modelled = analysis.patterns @ analysis.activations
    whole = spectra.invert(modelled, x.phase, x.length, engine.audio) / analysis.gain
    every = usage.spelled(engine, analysis, range(len(analysis.activations)))
    assert torch.allclose(every, whole[: len(analysis.waveform)], atol=1e-6)
    assert len(every) == len(analysis.waveform)
    assert not usage.spelled(engine, analysis, []).any()


@pytest.mark.parametrize("component", [-1, 12, 1000])
def test_a_component_that_does_not_exist(engine: L2I, analysis: Analysis, component: int) -> None:
    with pytest.raises(ValueError, match="numbered from 0 to 11"):
        usage.alone(engine, analysis, component)


def _line(bin_index: int) -> torch.Tensor:
    patterns = torch.zeros(CD.n_bins, 1)
    patterns[bin_index] = 1.0
    return patterns


def test_outlines_miss_no_narrow_line() -> None:
    for bin_index in (1, 7, 40, 311, 500):
        shape = shapes.outlines(_line(bin_index), CD)[0]
        place = shapes.mel_places(np.array([bin_index * 44100 / 1024]), CD)[0]
        assert shape.max() == 1.0
        assert abs(int(shape.argmax()) - min(int(place * 40), 39)) <= 1


def test_outlines_of_a_flat_column_are_flat() -> None:
    np.testing.assert_allclose(shapes.outlines(torch.full((CD.n_bins, 2), 0.3), CD), 1.0)


def test_spread_holds_the_middle_half() -> None:
    flat = torch.ones(CD.n_bins, 1)
    low, high = shapes.spread(flat, CD)[0]
    assert low == pytest.approx(22050 / 4, abs=50)
    assert high == pytest.approx(22050 * 3 / 4, abs=50)
    low, high = shapes.spread(_line(100), CD)[0]
    assert low == high == pytest.approx(100 * 44100 / 1024)


def test_usage_by_hand() -> None:
    pooled = np.array([[2.0, 1.0, 0.0], [4.0, 0.0, 0.001]])
    theta = torch.tensor([[1.0, 1.0, 5.0], [0.5, 1.0, -1.0]])
    used = usage.usage(pooled, [0, 1], theta, 0.3)
    np.testing.assert_allclose(used.relevance, [[1.0, 0.5, 0.0], [1.0, 0.0, -0.0005]], atol=1e-7)
    assert used.counts.tolist() == [2, 1, 0]
    np.testing.assert_allclose(used.strength, [3.0, 0.5, 0.0005])
    assert used.active.tolist() == [True, True, False]  # 0.001 is below a thousandth of 4
    assert used.strongest(0, 5) == [1, 0]
    assert used.strongest(0, 1) == [1]
    assert used.strongest(1, 5) == [0]
    assert used.strongest(2, 5) == []
    assert usage.usage(pooled, [0, 1], theta, 0.6).counts.tolist() == [2, 0, 0]


def test_usage_of_nothing() -> None:
    used = usage.usage(np.zeros((0, 3)), [], torch.ones(2, 3), 0.3)
    assert used.counts.tolist() == [0, 0, 0]
    assert not used.active.any()
    assert used.strongest(1, 3) == []
    still = usage.usage(np.zeros((2, 3)), [0, 1], torch.ones(2, 3), 0.3)
    assert not still.active.any()


Z = {str(k): float(k) for k in range(12)}


def _rows(change: dict[str, Any]) -> list[ClipRow]:
    row = ClipRow(clip="a", label="dog", fold=1, predicted="dog", pooled=Z)
    return [row, replace(row, **change)]


def test_usage_of_rows(engine: L2I) -> None:
    used = usage.usage_of_rows(_rows({"predicted": "rain"}), engine, 0.3)
    z = torch.arange(12.0)
    for row, label in enumerate(("dog", "rain")):
        contribution = z * engine.class_weights[engine.class_index(label)]
        expected = contribution / contribution.abs().max()
        np.testing.assert_allclose(used.relevance[row], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pooled": {**Z, "12": 1.0}}, "exactly 12"),
        ({"pooled": {}}, "exactly 12"),
        ({"predicted": "unicorn"}, "unicorn"),
    ],
)
def test_rows_of_another_model(engine: L2I, change: dict[str, Any], said: str) -> None:
    rows = _rows(change)
    with pytest.raises(ValueError, match=said):
        usage.usage_of_rows([rows[1], rows[0]], engine, 0.3)
    with pytest.raises(ValueError, match="no rows"):
        usage.usage_of_rows([], engine, 0.3)


def test_class_weights_as_a_table(engine: L2I) -> None:
    text = to_csv(usage.class_weight_rows(engine, {3: 'a "bark", deep'}))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 12
    assert rows[3]["name"] == 'a "bark", deep'
    assert rows[2]["name"] == ""
    found = [[float(row[f"theta:{c}"]) for row in rows] for c in engine.classes]
    np.testing.assert_allclose(found, engine.class_weights, rtol=1e-5)
    bins = np.arange(513) * 44100 / 1024
    weight = engine.dictionary.patterns.numpy()
    centres = bins @ weight / weight.sum(axis=0)
    np.testing.assert_allclose([float(r["centre_hz"]) for r in rows], centres, rtol=1e-4)


def test_silence_stays_silence(engine: L2I) -> None:
    quiet = engine.analyse(np.zeros(44100, dtype="f4"), 44100)
    for sound in usage.alone(engine, quiet, 0).sounds:
        assert float(sound.abs().max()) == pytest.approx(0.0, abs=1e-7)
    assert audio.peak_gain(quiet.waveform) == 1.0
