"""Noise: its colour by its spectrum's slope, its level by the definition of the SNR."""

import numpy as np
import pytest
from scipy import signal

from l2i_core.data import synth
from l2i_core.signal.corrupt import COLOURS, add_at_snr, coloured_noise, snr


@pytest.mark.parametrize(("kind", "exponent"), [("white", 0), ("pink", 1), ("brown", 2)])
def test_power_falls_as_the_colour_says(kind: str, exponent: int) -> None:
    noise = coloured_noise(kind, 2**18, seed=3)
    frequency, power = signal.welch(noise, nperseg=4096)
    band = (frequency > 0.003) & (frequency < 0.2)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.1)


@pytest.mark.parametrize("kind", ["pink", "brown"])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_coloured_noise_can_be_heard(kind: str, rate: int) -> None:
    power = np.abs(np.fft.rfft(coloured_noise(kind, 3 * rate, 1, rate).astype(float))) ** 2
    inaudible = np.fft.rfftfreq(3 * rate, 1 / rate) < 20
    assert power[inaudible].sum() < 1e-6 * power.sum()


@pytest.mark.parametrize("kind", COLOURS)
@pytest.mark.parametrize("length", [4411, 44100])
def test_noise_has_unit_power_and_its_seed(kind: str, length: int) -> None:
    noise = coloured_noise(kind, length, seed=3)
    assert noise.shape == (length,)
    assert noise.dtype == np.float32
    assert np.mean(np.square(noise, dtype=float)) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_array_equal(noise, coloured_noise(kind, length, seed=3))
    assert not np.array_equal(noise, coloured_noise(kind, length, seed=4))


@pytest.mark.parametrize("db", [-5.0, 0.0, 12.5, 40.0])
@pytest.mark.parametrize("level", [1.0, 0.01])
def test_clip_and_noise_have_the_asked_ratio(db: float, level: float) -> None:
    clip = level * synth.clip("dog", 1, 16000, 2.0)
    added = add_at_snr(clip, coloured_noise("pink", len(clip)), db).astype(float) - clip
    ratio = 10 * np.log10(np.sum(np.square(clip, dtype=float)) / np.sum(added**2))
    assert ratio == pytest.approx(db, abs=0.02)
    assert snr(clip, added) == pytest.approx(ratio, abs=1e-6)


def test_short_noise_is_repeated_and_long_noise_is_cut() -> None:
    clip = np.ones(10, np.float32)
    short, long = np.array([1.0, -1.0, 2.0]), np.arange(1.0, 20.0)
    added = add_at_snr(clip, short, 0.0) - clip
    np.testing.assert_allclose(added / added[0], np.resize(short, 10), rtol=1e-4)
    added = add_at_snr(clip, long, 0.0) - clip
    np.testing.assert_allclose(added / added[0], long[:10], rtol=1e-4)


def test_ratios_that_no_gain_gives_are_refused() -> None:
    clip, nothing = np.ones(10, np.float32), np.zeros(10, np.float32)
    with pytest.raises(ValueError, match="the clip is silent"):
        add_at_snr(nothing, clip, 3.0)
    with pytest.raises(ValueError, match="the noise is silent"):
        add_at_snr(clip, nothing, 3.0)
    for db in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="between"):
            add_at_snr(clip, clip, db)
    with pytest.raises(ValueError, match="between −120 and 120 dB"):
        add_at_snr(clip, clip, 121.0)
    with pytest.raises(ValueError, match="'blue'.*white, pink, brown"):
        coloured_noise("blue", 10)
