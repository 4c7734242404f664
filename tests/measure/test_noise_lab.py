"""The noise experiment: what is added, what passes, how relevances shift, sweeps and test sets."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from l2i_core import L2I, Analysis, Interpretation
from l2i_core.data import synth
from l2i_core.measure import noise_lab
from l2i_core.measure.stems import Mixture, Part, Passed, gather, mix
from l2i_core.signal.corrupt import coloured_noise

RATE = 44100


@pytest.fixture(scope="module")
def bark() -> np.ndarray:
    return synth.clip("dog", 3, RATE, 2.0)


@pytest.fixture(scope="module")
def mixture(bark: np.ndarray) -> Mixture:
    return mix(bark, coloured_noise("white", len(bark), 1, RATE), 6.0)


def _passed(engine: L2I, analysis: Analysis, made: Interpretation, mixture: Mixture) -> Passed:
    return gather(engine, analysis, mixture.sounds).into(made)


def test_the_parts_of_a_mixture_add_up(mixture: Mixture, bark: np.ndarray) -> None:
    np.testing.assert_array_equal(mixture.followed, bark)
    np.testing.assert_allclose(mixture.followed + mixture.rest, mixture.mixed, atol=1e-6)
    assert mixture.swapped().swapped() == mixture
    assert mixture.swapped().snr_db == pytest.approx(-mixture.snr_db, abs=1e-9)


@pytest.mark.parametrize("asked", [-20.0, 0.0, 12.0, 40.0])
def test_the_snr_is_measured_and_is_the_one_asked_for(bark: np.ndarray, asked: float) -> None:
    made = mix(3.0 * bark, coloured_noise("pink", 500, 0, RATE), asked)
    added = made.mixed.astype(float) - 3.0 * bark
    measured = 10 * np.log10(np.sum(np.square(3.0 * bark, dtype=float)) / np.sum(added**2))
    assert made.snr_db == pytest.approx(measured, abs=0.01)
    assert made.snr_db == pytest.approx(asked, abs=0.05)


def test_a_short_sound_is_repeated_and_a_long_one_cut() -> None:
    clip = np.ones(4410, np.float32)
    short = np.arange(1.0, 101.0, dtype=np.float32)
    rest = mix(clip, short, 0.0).rest
    np.testing.assert_allclose(rest[100:200], rest[:100], rtol=1e-3)
    long = np.concatenate([np.full(4410, 2.0), np.full(4410, 99.0)])
    assert np.ptp(mix(clip, long, 0.0).rest) == pytest.approx(0, abs=1e-6)


def test_silence_has_no_ratio(bark: np.ndarray) -> None:
    nothing = np.zeros(len(bark), np.float32)
    with pytest.raises(ValueError, match="the clip is silent"):
        mix(nothing, bark, 0.0)
    late = np.concatenate([nothing, bark])  # the part that would be used is silent
    with pytest.raises(ValueError, match="other clip is silent in the part"):
        mix(bark, late, 0.0, "other clip")


@pytest.mark.parametrize("domain", ["log", "linear"])
def test_everything_passes_where_everything_is_kept(
    engine: L2I, mixture: Mixture, domain: str
) -> None:
    analysis = engine.analyse(mixture.mixed, RATE)
    made = engine.interpret(analysis, 0, mask_domain=domain, gains=np.ones(12))
    passed = _passed(engine, analysis, made, mixture)
    assert passed.target.share == pytest.approx(made.energy_kept, abs=0.05)
    assert passed.rest.share > 0.8  # all but the bins where W H is zero
    nothing = engine.interpret(analysis, 0, mask_domain=domain, gains=np.zeros(12))
    none = _passed(engine, analysis, nothing, mixture)
    assert none.target.share == none.rest.share == 0
    assert none.target.sdr_after == -math.inf
    assert math.isnan(none.snr_gain)


def test_shares_do_not_depend_on_the_level(engine: L2I, mixture: Mixture) -> None:
    """f meets a mixture on the mixture's own scale, and its parts are measured on that scale."""
    shares = []
    for level in (1.0, 0.01, 40.0):  # 40: far above full scale, and nothing clips
        louder = Mixture(
            *(level * part for part in (mixture.followed, mixture.rest, mixture.mixed))
        )
        analysis = engine.analyse(louder.mixed, RATE)
        made = engine.interpret(analysis, 1, 0.1)
        passed = _passed(engine, analysis, made, louder)
        shares.append((passed.target.share, passed.rest.share, passed.target.sdr_after))
        assert float(np.abs(louder.mixed).max()) * analysis.gain == pytest.approx(1.0)
    np.testing.assert_allclose(shares[1], shares[0], rtol=1e-3)
    np.testing.assert_allclose(shares[2], shares[0], rtol=1e-3)


def test_a_mask_that_parts_two_tones_is_seen_in_the_shares(engine: L2I) -> None:
    """By hand: a filter that keeps what lies above bin 100 keeps all of one tone and none of the
    other, so the energy shares are 1 and 0 and SI-SDR rises."""
    time = np.arange(RATE * 3) / RATE
    low = np.sin(2 * np.pi * 500 * time).astype(np.float32)
    high = np.sin(2 * np.pi * 8000 * time).astype(np.float32)
    mixture = mix(high, low, 0.0)
    analysis = engine.analyse(mixture.mixed, RATE)
    kept = analysis.spectrogram.log_magnitude.clone()
    kept[:100] = 0.0
    made = engine.interpret(analysis, 0, 0.0)
    made = replace(made, log_magnitude=kept, audio=torch.from_numpy(high))
    passed = _passed(engine, analysis, made, mixture)
    assert passed.target.share == pytest.approx(1.0, abs=0.01)
    assert passed.rest.share == pytest.approx(0.0, abs=1e-3)
    assert passed.target.sdr_before == pytest.approx(0.0, abs=0.1)
    assert passed.target.sdr_gain > 60
    assert passed.rest.sdr_gain < -20


def test_snr_gain_is_the_ratio_of_the_shares() -> None:
    passed = Passed(Part(0.5, 0.0, 0.0, 0.7), (Part(0.05, 0.0, 0.0, 0.1),))
    assert passed.snr_gain == pytest.approx(10.0)


def test_relevance_shift_by_hand() -> None:
    before, after = torch.tensor([1.0, 0.5, 0.4, 0.0]), torch.tensor([0.9, 0.1, 1.0, 0.0])
    shift = noise_lab.relevance_shift(before, after, 0.3)
    # Ranks 4 3 2 1 and 3 2 4 1: ρ = 1 − 6 · (1 + 1 + 4 + 0) / (4 · 15).
    assert shift.correlation == pytest.approx(1 - 36 / 60)
    assert (shift.before, shift.stayed, shift.after) == (3, 2, 2)
    assert noise_lab.relevance_shift(before, before, 0.3).correlation == pytest.approx(1.0)
    assert math.isnan(noise_lab.relevance_shift(before, torch.zeros(4), 0.3).correlation)


def test_places_count_from_one() -> None:
    logits = torch.tensor([0.1, 3.0, -1.0])
    assert [noise_lab.place(logits, c) for c in range(3)] == [2, 1, 3]


def test_measure_says_what_the_engine_says(engine: L2I, mixture: Mixture) -> None:
    row = noise_lab.measure(engine, mixture, 2, 0.1, "linear")
    analysis = engine.analyse(mixture.mixed, RATE)
    made = engine.interpret(analysis, 2, 0.1, "linear")
    assert row["predicted"] == engine.classes[analysis.predicted]
    assert row["decision"] == int(analysis.predicted == 2)
    assert row["components"] == len(made.selected)
    assert row["faithfulness"] == pytest.approx(engine.judge(analysis, made).faithfulness, abs=1e-4)
    assert row["probability"] == pytest.approx(
        float(engine.probabilities(analysis.logits)[2]), abs=1e-6
    )


def test_sweep_is_one_measure_per_level_and_seed(engine: L2I, bark: np.ndarray) -> None:
    def added(seed: int) -> np.ndarray:
        return coloured_noise("brown", len(bark), seed, RATE)

    rows = noise_lab.sweep(engine, bark, added, 0, snrs=(0.0, 20.0), seeds=(4, 5))
    first = next(rows)  # nothing is computed before it is asked for
    same = noise_lab.measure(engine, mix(bark, added(4), 0.0), 0)
    assert (first["snr_asked"], first["seed"]) == (0.0, 4)
    for name, value in same.items():
        assert str(first[name]) == str(value), name  # as text: NaN is no equal of itself
    rest = list(rows)
    assert [(r["snr_asked"], r["seed"]) for r in rest] == [(0.0, 5), (20.0, 4), (20.0, 5)]
    for row in rest:
        assert row["snr_db"] == pytest.approx(row["snr_asked"], abs=0.05)
    swapped = noise_lab.sweep(engine, bark, added, 0, snrs=(7.0,), follow_added=True)
    assert next(swapped)["snr_db"] == pytest.approx(-7.0, abs=0.05)
