"""Laws of the synthetic clips: form, determinism, mixtures, and what makes each class itself."""

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy import signal

from l2i_core.data import synth
from l2i_core.data.synth import ALL_LABELS, LABELS, OTHER_LABELS
from l2i_core.data.synth.blocks import struck
from pipelines import make_clips

RATE = 44100
SEEDS = range(200, 206)


@cache
def _clip(label: str, seed: int, rate: int = RATE) -> np.ndarray:
    samples = synth.clip(label, seed, rate)
    samples.setflags(write=False)
    return samples


def _envelope(samples: np.ndarray, rate: int = RATE, seconds: float = 0.01) -> np.ndarray:
    """RMS per `seconds`-long frame: (frames,)."""
    size = int(rate * seconds)
    frames = samples[: samples.size // size * size].astype(float).reshape(-1, size)
    return np.sqrt(np.mean(frames**2, axis=1))


def _rhythm(
    envelope: np.ndarray, slowest: float, fastest: float, frames_per_second: float
) -> float:
    """The largest local maximum of the autocorrelation between two rates in Hz, at most 1."""
    x = envelope - envelope.mean()
    whole = np.correlate(x, x, "full")[x.size - 1 :]
    whole = whole / whole[0] * x.size / np.arange(x.size, 0, -1)
    first, last = int(frames_per_second / fastest), int(frames_per_second / slowest) + 2
    part = whole[first : last + 1]
    peaks = (part[1:-1] >= part[:-2]) & (part[1:-1] >= part[2:])
    return float(part[1:-1][peaks].max(initial=0))


def _beat(samples: np.ndarray) -> float:
    """How regularly the level beats at 8–25 Hz, at most 1; slower changes of level are left out."""
    highpass = signal.butter(4, 5, "highpass", fs=200, output="sos")
    return _rhythm(signal.sosfiltfilt(highpass, _envelope(samples, seconds=0.005)), 8, 25, 200)


def _spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return signal.welch(samples, RATE, nperseg=4096)


def _quantile(samples: np.ndarray, share: float) -> float:
    """The frequency in Hz below which `share` of the energy lies."""
    frequencies, power = _spectrum(samples)
    return float(frequencies[np.searchsorted(np.cumsum(power) / power.sum(), share)])


# Form


@pytest.mark.parametrize("label", ALL_LABELS)
@pytest.mark.parametrize(
    ("rate", "seconds"),
    [(44100, 5.0), (44100, 0.5), (16000, 5.0), (16000, 0.1), (8000, 0.5), (8000, 30.0)],
)
def test_form(label: str, rate: int, seconds: float) -> None:
    for seed in (0, synth.DEMO_SEEDS[label][0]):
        samples = synth.clip(label, seed, rate, seconds)
        assert samples.dtype == np.float32
        assert samples.shape == (round(rate * seconds),)
        assert np.isfinite(samples).all()
        assert 0.05 <= np.abs(samples).max() <= 0.95


@pytest.mark.parametrize("label", ALL_LABELS)
def test_seed_decides_everything(label: str) -> None:
    once, again, other = (synth.clip(label, seed, 16000, 2.0) for seed in (3, 3, 4))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)
    assert abs(np.corrcoef(once, other)[0, 1]) < 0.5


def test_labels_do_not_share_their_randomness() -> None:
    rain, sea = synth.clip("rain", 5, 16000), synth.clip("sea_waves", 5, 16000)
    assert abs(np.corrcoef(rain, sea)[0, 1]) < 0.2


def test_demo_seeds_are_set_apart() -> None:
    assert tuple(synth.DEMO_SEEDS) == ALL_LABELS
    for label, seeds in synth.DEMO_SEEDS.items():
        assert len(set(seeds)) == (2 if label in LABELS else 1)
        assert min(seeds) >= synth.FIRST_DEMO_SEED == 1_000_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("cat", 0), "no class is named 'cat'; choose one of dog, rain"),
        (("dog", -1), "seed must be a whole number from 0 on, not -1"),
        (("dog", 1.5), "seed must be a whole number from 0 on, not 1.5"),
        (("dog", 0, 0), "sample rate must be a whole number from 8000 to 96000 Hz, not 0"),
        (("dog", 0, 10**9), "from 8000 to 96000 Hz, not 1000000000"),
        (("dog", 0, 44100, 0.0), "duration must be from 0.1 to 120 seconds, not 0.0"),
        (("dog", 0, 44100, -3.0), "duration must be from 0.1 to 120 seconds, not -3.0"),
        (("dog", 0, 44100, float("nan")), "duration must be from 0.1 to 120 seconds, not nan"),
    ],
)
def test_bad_arguments(arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        synth.clip(*arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape(sentence)):
        synth.scene([arguments[0]], arguments[1], None, *arguments[2:])  # type: ignore


# Mixtures


@pytest.mark.parametrize(
    "labels", [("dog", "rain"), ("chainsaw",) * 2, ("rooster", *LABELS[:3]), OTHER_LABELS[:2]]
)
@pytest.mark.parametrize("level", [-20.0, 0.0, 15.0])
def test_scene(labels: tuple[str, ...], level: float) -> None:
    levels = [3.0] + [level] * (len(labels) - 1)
    made = synth.scene(labels, 8, levels, 16000)
    assert made.labels == labels
    assert made.sample_rate == 16000
    assert made.mixture.dtype == np.float32
    assert made.mixture.shape == (80000,)
    assert np.abs(np.sum(made.stems, axis=0) - made.mixture).max() <= 1e-6
    assert np.abs(made.mixture).max() <= 0.95
    loudness = [20 * np.log10(np.sqrt(np.mean(x.astype(float) ** 2))) for x in made.stems]
    assert np.allclose(np.subtract(loudness, loudness[0]), np.subtract(levels, 3), atol=0.1)
    for i, stem in enumerate(made.stems):
        assert all(not np.allclose(stem, other) for other in made.stems[:i])


def test_stems_are_clips_with_one_gain() -> None:
    made = synth.scene(("dog", "rain"), 4, None, 16000)
    dog = synth.clip("dog", 4, 16000)
    gain = made.stems[0] @ dog / (dog @ dog)
    assert 0 < gain <= 1 + 1e-6
    assert np.allclose(made.stems[0], gain * dog, atol=1e-6)


def test_bad_scenes() -> None:
    with pytest.raises(ValueError, match="at least one label"):
        synth.scene((), 0)
    with pytest.raises(ValueError, match=r"one finite number of dB per label \(2\)"):
        synth.scene(("dog", "rain"), 0, (0.0,))
    with pytest.raises(ValueError, match="one finite number of dB per label"):
        synth.scene(("dog", "rain"), 0, (0.0, float("nan")))


# What makes each class itself


@pytest.mark.parametrize("seed", SEEDS)
def test_dog_barks_in_a_few_bursts(seed: int) -> None:
    energy = np.sort(_envelope(_clip("dog", seed)) ** 2)[::-1]
    assert energy[: energy.size // 3].sum() > 0.9 * energy.sum()
    assert 300 < _quantile(_clip("dog", seed), 0.5) < 2000


@pytest.mark.parametrize("seed", SEEDS)
def test_rain_is_steady_and_broad(seed: int) -> None:
    samples = _clip("rain", seed)
    seconds = _envelope(samples, seconds=0.5)
    assert seconds.max() < 2 * seconds.min()
    assert _quantile(samples, 0.99) > 2500
    # No tones: neighbouring bands differ little anywhere in the middle of the spectrum.
    frequencies, power = _spectrum(samples)
    middle = np.log10(power[(frequencies > 500) & (frequencies < 6000)])
    assert np.abs(np.diff(middle)).max() < 0.8


def _swell(samples: np.ndarray) -> tuple[float, float]:
    """The share of the level's changes that is slower than 1 Hz, and its smoothed range in dB."""
    # Above the wind's rumble, whose few bands flicker as narrow noise does.
    highpass = signal.butter(4, 300, "highpass", fs=RATE, output="sos")
    level = 20 * np.log10(_envelope(signal.sosfilt(highpass, samples), seconds=0.05)[1:])
    power = np.abs(np.fft.rfft(level - level.mean())) ** 2
    slow = np.fft.rfftfreq(level.size, 0.05) < 1
    return power[slow].sum() / power.sum(), np.ptp(signal.savgol_filter(level, 11, 1))


def test_sea_waves_swell_slowly() -> None:
    """Most do, and every one rises and falls further than rain; a calm sea is nearly even."""
    sea = np.array([_swell(_clip("sea_waves", seed)) for seed in SEEDS])
    rain = np.array([_swell(_clip("rain", seed)) for seed in SEEDS])
    assert np.mean((sea[:, 0] > 0.6) & (sea[:, 1] > 4)) >= 0.75
    assert sea[:, 1].min() > np.median(rain[:, 1])


@pytest.mark.parametrize("seed", SEEDS)
def test_baby_cries_on_a_harmonic_pitch(seed: int) -> None:
    samples = _clip("crying_baby", seed).astype(float)
    loudest = int(np.argmax(_envelope(samples, seconds=0.1))) * RATE // 10
    frame = samples[loudest : loudest + RATE // 10]
    # 250–800 Hz: the range of pitches with melody arc, and its octave slips.
    assert _rhythm(frame, 250, 800, RATE) > 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_clock_ticks_regularly(seed: int) -> None:
    envelope = _envelope(np.diff(_clip("clock_tick", seed)))
    # Two ticks make one whole swing, whose period is what repeats even when ticks are uneven.
    assert _rhythm(envelope, 0.45, 5.5, 100) > 0.5
    assert envelope.max() > 5 * np.median(envelope)


@pytest.mark.parametrize("seed", SEEDS)
def test_sneeze_is_an_early_burst_then_quiet(seed: int) -> None:
    energy = _envelope(_clip("sneezing", seed)) ** 2
    assert np.sort(energy)[::-1][: energy.size // 4].sum() > 0.95 * energy.sum()
    assert int(np.argmax(energy > 0.2 * energy.max())) < 200
    assert energy[-50:].max() < 1e-3 * energy.max()


@pytest.mark.parametrize("seed", SEEDS)
def test_helicopter_beats_8_to_25_times_a_second(seed: int) -> None:
    samples = _clip("helicopter", seed)
    beat = _beat(samples)
    assert beat > 0.2
    assert beat > _beat(_clip("rain", seed))
    assert _quantile(samples, 0.5) < 800


@pytest.mark.parametrize("seed", SEEDS)
def test_chainsaw_is_harmonic_and_never_stops(seed: int) -> None:
    samples = _clip("chainsaw", seed)
    envelope = _envelope(samples, seconds=0.1)
    assert envelope.min() > 0.02 * envelope.max()
    loudest = int(np.argmax(envelope)) * RATE // 10
    assert _rhythm(samples[loudest : loudest + RATE // 5].astype(float), 55, 200, RATE) > 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_rooster_calls_once_for_one_to_three_seconds(seed: int) -> None:
    samples = _clip("rooster", seed)
    loud = np.flatnonzero(_envelope(samples) > 0.1 * _envelope(samples).max())
    assert 0.8 < (loud[-1] - loud[0]) * 0.01 < 3.5
    assert 500 < _quantile(samples, 0.5) < 2500


@pytest.mark.parametrize("seed", SEEDS)
def test_fire_crackles_irregularly(seed: int) -> None:
    treble = signal.sosfilt(
        signal.butter(4, 2000, "highpass", fs=RATE, output="sos"), _clip("crackling_fire", seed)
    )
    # Gaussian noise has kurtosis 3.
    assert np.mean(treble**4) / np.mean(treble**2) ** 2 > 6
    assert _rhythm(_envelope(treble), 0.5, 5, 100) < 0.5


# What makes each of ESC-50's other classes itself


def _loudest_tone(samples: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Per 46 ms frame the strongest frequency in Hz between two bounds, and its power."""
    frequencies, _, power = signal.spectrogram(samples.astype(float), RATE, nperseg=4096)
    inside = (frequencies >= low) & (frequencies <= high)
    part = power[inside]
    return frequencies[inside][part.argmax(axis=0)], part.max(axis=0)


def _tonality(samples: np.ndarray) -> float:
    """How far the strongest line stands above the median between 100 Hz and 6 kHz, in dB."""
    frequencies, power = _spectrum(samples)
    part = power[(frequencies > 100) & (frequencies < 6000)]
    return float(10 * np.log10(part.max() / np.median(part)))


def _reach(samples: np.ndarray) -> float:
    """The ratio of the highest to the lowest tone among the loud frames, outliers left out."""
    tones, power = _loudest_tone(samples, 200, 1800)
    low, high = np.quantile(tones[power > 0.05 * power.max()], (0.1, 0.9))
    return float(high / low)


def test_sirens_sweep_and_horns_keep_their_pitch() -> None:
    sirens = [_reach(_clip("siren", seed)) for seed in SEEDS]
    assert np.median(sirens) > 1.2
    steady = []
    for seed in SEEDS:
        samples = _clip("car_horn", seed)
        assert _tonality(samples) > 20
        # The loudest line may change between the two tones and their harmonics; each line stays.
        tones, power = _loudest_tone(samples, 200, 6000)
        loud = tones[power > 0.05 * power.max()]
        steady.append(np.max(np.unique(loud, return_counts=True)[1]) / loud.size)
    assert np.median(steady) > 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_bells_ring_in_lines(seed: int) -> None:
    assert _tonality(_clip("church_bells", seed)) > _tonality(_clip("clapping", seed)) + 10


def test_a_mode_falls_to_1_e_in_its_time_and_none_is_aliased() -> None:
    rng = np.random.default_rng(0)
    high, low = (
        struck(rng, RATE, RATE, np.array([f]), np.array([d]), np.array([1.0]))
        for f, d in ((3000.0, 0.1), (300.0, 0.4))
    )
    for ring, decay in ((high, 0.1), (low, 0.4)):
        level = _envelope(ring, seconds=0.02)
        assert level[round(decay / 0.02)] == pytest.approx(level[0] / np.e, rel=0.1)
    above = struck(rng, 100, RATE, np.array([0.49 * RATE]), np.array([0.1]), np.array([1.0]))
    assert not above.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_alarms_and_crickets_sing_high(seed: int) -> None:
    for label in ("clock_alarm", "crickets"):
        samples = _clip(label, seed)
        high = signal.sosfilt(signal.butter(4, 1200, "highpass", fs=RATE, output="sos"), samples)
        assert np.mean(high**2) > 0.3 * np.mean(samples.astype(float) ** 2), label


@pytest.mark.parametrize("seed", SEEDS)
def test_footsteps_keep_a_walking_pace(seed: int) -> None:
    highpass = signal.butter(4, 200, "highpass", fs=RATE, output="sos")
    samples = signal.sosfilt(highpass, _clip("footsteps", seed))
    assert _rhythm(_envelope(samples), 1.2, 2.6, 100) > 0.3


def _blows(samples: np.ndarray) -> int:
    """How often the level above 500 Hz jumps by 10 dB within 20 ms."""
    highpass = signal.butter(4, 500, "highpass", fs=RATE, output="sos")
    level = 20 * np.log10(_envelope(signal.sosfilt(highpass, samples)) + 1e-5)
    rises = np.maximum(level[2:] - level[:-2], 0) > 10
    return int(np.sum(np.diff(rises.astype(int)) == 1))


def test_typing_has_more_blows_than_clicks_and_knocks() -> None:
    count = {
        label: np.median([_blows(_clip(label, seed)) for seed in SEEDS])
        for label in ("keyboard_typing", "mouse_click", "door_wood_knock", "wind", "engine")
    }
    assert max(count["wind"], count["engine"]) <= 3
    assert 3 <= count["door_wood_knock"] < count["keyboard_typing"]
    assert 4 <= count["mouse_click"] < count["keyboard_typing"]


@pytest.mark.parametrize("seed", SEEDS)
def test_drops_are_few_and_most_of_the_clip_is_quiet(seed: int) -> None:
    energy = np.sort(_envelope(_clip("water_drops", seed)) ** 2)[::-1]
    assert energy[: energy.size // 3].sum() > 0.8 * energy.sum()


def test_wind_and_thunder_are_low_and_unsteady() -> None:
    for seed in SEEDS:
        assert _quantile(_clip("wind", seed), 0.5) < _quantile(_clip("vacuum_cleaner", seed), 0.5)
        assert _quantile(_clip("thunderstorm", seed), 0.5) < 300
        # Thunder rises out of nothing and dies; a vacuum cleaner runs on.
        thunder, vacuum = (
            _envelope(_clip(label, seed), seconds=0.25)[8:]
            for label in ("thunderstorm", "vacuum_cleaner")
        )
        assert thunder.max() / thunder.min() > vacuum.max() / vacuum.min()


@pytest.mark.parametrize("seed", SEEDS)
def test_laughter_comes_in_syllables_of_a_voice(seed: int) -> None:
    samples = _clip("laughing", seed).astype(float)
    assert _rhythm(_envelope(samples), 3.5, 7.5, 100) > 0.15
    loudest = int(np.argmax(_envelope(samples, seconds=0.05))) * RATE // 20
    assert _rhythm(samples[loudest : loudest + RATE // 20], 130, 900, RATE) > 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_an_engine_fires_at_14_to_45_hertz(seed: int) -> None:
    fired = _rhythm(_envelope(_clip("engine", seed), seconds=0.002), 13, 48, 500)
    assert fired > 0.1
    assert fired > _rhythm(_envelope(_clip("wind", seed), seconds=0.002), 13, 48, 500)


@pytest.mark.parametrize("seed", SEEDS)
def test_crows_caw_between_pauses_in_the_middle_of_the_spectrum(seed: int) -> None:
    band = signal.butter(4, (800, 3000), "bandpass", fs=RATE, output="sos")
    level = _envelope(signal.sosfilt(band, _clip("crow", seed)), seconds=0.02)
    assert np.quantile(level, 0.98) > 4 * np.quantile(level, 0.1)
    loud = level > 0.4 * level.max()
    longest = max(map(len, "".join("x" if v else " " for v in loud).split()))
    assert longest * 0.02 > 0.1, "a caw lasts"


# The classes together


def _features(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mean and spread of log band levels over time, and the envelope's modulation spectrum."""
    _, _, spectrum = signal.stft(samples, rate, nperseg=1024, noverlap=512)
    edges = np.unique(np.geomspace(2, 512, 25).astype(int))
    bands = np.add.reduceat(np.abs(spectrum) ** 2, edges[:-1], axis=0)
    levels = 10 * np.log10(bands / bands.max() + 1e-8)
    envelope = _envelope(samples, rate)
    curve = np.log(envelope / envelope.max() + 1e-4)
    swing = np.abs(np.fft.rfft(curve - curve.mean(), 512))
    limits = (1, 3, 6, 12, 24, 48, 96, 200)
    rates = [np.log(swing[a:b].max()) for a, b in pairwise(limits)]
    spread = [np.diff(levels, axis=1).std(axis=1), levels.std(axis=1), levels.mean(axis=1)]
    return np.concatenate([*spread, 5 * np.array(rates), [10 * curve.mean(), 10 * curve.std()]])


def test_classes_can_be_told_apart() -> None:
    """A linear discriminant trained on seeds 0–9 names at least 0.9 of the clips 100–103."""
    rate = 22050

    def table(seeds: range) -> np.ndarray:
        clips = [[synth.clip(label, seed, rate) for seed in seeds] for label in LABELS]
        return np.array([[_features(x, rate) for x in row] for row in clips])

    train, test = table(range(10)), table(range(100, 104))
    centres = train.mean(axis=1)
    residual = (train - centres[:, None]).reshape(-1, train.shape[-1])
    within = residual.T @ residual / len(residual)
    # Shrunk, for there are fewer clips than the covariance has entries.
    within += 0.3 * np.diag(np.diag(within)) + 1e-3 * np.eye(len(within))
    offsets = test[:, :, None] - centres
    distances = np.einsum("abcd,de,abce->abc", offsets, np.linalg.inv(within), offsets)
    right = distances.argmin(axis=2) == np.arange(10)[:, None]
    assert right.mean() >= 0.9


# The files


def test_make_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_clips.main(["--out", str(tmp_path)]) == 0
    entries = json.loads((tmp_path / "clips.json").read_text())
    assert len(entries) == 28 + len(OTHER_LABELS)
    assert not list(tmp_path.rglob("*.part"))
    listed = {e["file"] for e in entries} | {f for e in entries for f in e["stems"].values()}
    present = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.flac")}
    assert listed == present
    for entry in entries:
        assert entry["seed"] >= synth.FIRST_DEMO_SEED
        assert set(entry["stems"]) in (set(), set(entry["labels"]))
        samples, rate = soundfile.read(tmp_path / entry["file"])
        length = 441000 if "onsets" in entry else 220500
        assert (rate, samples.shape) == (entry["sample_rate"], (length,))
        if entry["stems"]:
            stems = [soundfile.read(tmp_path / f)[0] for f in entry["stems"].values()]
            assert np.abs(sum(stems) - samples).max() <= (1 + len(stems)) / 2**16 + 1e-9


def test_make_clips_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot write demo clips to"):
        make_clips.main(["--out", str(tmp_path / "file")])
