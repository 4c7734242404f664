"""Seeded synthetic recordings of the ten ESC-10 classes: demo clips, training clips, test sounds.

Each class has a generator that follows how the sound comes about (glottal pulses through a mouth,
drops on a roof, blades through air), then everything passes an imagined room and microphone. All
variety is drawn from one random stream per (class, seed), so a clip can be made again from its
name. Seeds below 1 000 000 are for training and tests, seeds from 1 000 000 on for demos: what a
demo plays was never trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

# fmt: off
LABELS: tuple[str, ...] = (
    "dog", "rain", "sea_waves", "crying_baby", "clock_tick",
    "sneezing", "helicopter", "chainsaw", "rooster", "crackling_fire",
)
# fmt: on
FIRST_DEMO_SEED = 1_000_000
# Chosen by eye among the first few of each class: clear examples that differ from one another.
DEMO_SEEDS: dict[str, tuple[int, int]] = {
    label: (FIRST_DEMO_SEED + first, FIRST_DEMO_SEED + second)
    for label, (first, second) in zip(
        LABELS,
        ((3, 4), (2, 4), (1, 2), (2, 3), (2, 1), (2, 4), (1, 2), (2, 3), (1, 5), (2, 4)),
        strict=True,
    )
}

Rng = np.random.Generator
MIN_RATE, MAX_RATE = 8000, 96000
MIN_SECONDS, MAX_SECONDS = 0.1, 120.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A mixture (n,) and its stems, each float32 (n,) and named by `labels` in the same order."""

    mixture: np.ndarray
    stems: tuple[np.ndarray, ...]
    labels: tuple[str, ...]
    sample_rate: int


def clip(label: str, seed: int, sample_rate: int = 44100, duration: float = 5.0) -> np.ndarray:
    """One clip, float32 (n,), n = round(duration · sample_rate); peak between 0.05 and 0.95.

    sample_rate in Hz, duration in seconds. The same arguments always give the same samples.
    Raises ValueError for an unknown label, a negative seed, a sample rate outside 8000–96000 Hz or
    a duration outside 0.1–120 s.
    """
    _check(label, seed, sample_rate, duration)
    n = round(duration * sample_rate)
    rng = np.random.default_rng(np.random.SeedSequence([LABELS.index(label), seed]))
    low, high = _PEAKS.get(label, (0.55, 0.95))
    peak = rng.uniform(low, high)
    samples = _GENERATORS[label](rng, n, sample_rate)
    return (samples * (peak / np.abs(samples).max())).astype(np.float32)


def scene(
    labels: Sequence[str],
    seed: int,
    levels_db: Sequence[float] | None = None,
    sample_rate: int = 44100,
    duration: float = 5.0,
) -> Scene:
    """Clips of `labels` added up, each with its RMS `levels_db` above the first stem's (default 0).

    One gain for all stems keeps the mixture's peak at or below 0.95. Raises ValueError as `clip`
    does, for no labels, and for levels that are not one finite number per label.
    """
    names = (labels,) if isinstance(labels, str) else tuple(labels)
    for name in names:
        _check(name, seed, sample_rate, duration)
    if not names:
        raise ValueError("a scene needs at least one label; received none: name one or more.")
    levels = np.zeros(len(names)) if levels_db is None else np.asarray(levels_db, dtype=float)
    if levels.shape != (len(names),) or not np.isfinite(levels).all():
        raise ValueError(
            f"levels_db must hold one finite number of dB per label ({len(names)}); "
            f"received {levels_db!r}: give one level for each label or leave it out."
        )
    # Twice the same label must not give twice the same clip, hence the spread of seeds.
    clips = [
        clip(name, seed + 7919 * names[:i].count(name), sample_rate, duration).astype(float)
        for i, name in enumerate(names)
    ]
    loudness = [np.sqrt(np.mean(x**2)) for x in clips]
    scaled = [
        x * (loudness[0] / rms * 10 ** ((level - levels[0]) / 20))
        for x, rms, level in zip(clips, loudness, levels, strict=True)
    ]
    # Just under 0.95, so that rounding to float32 cannot carry the peak over it.
    gain = min(1.0, 0.9499 / np.abs(np.sum(scaled, axis=0)).max())
    stems = tuple((x * gain).astype(np.float32) for x in scaled)
    mixture = np.sum(np.stack(stems).astype(float), axis=0).astype(np.float32)
    return Scene(mixture, stems, names, sample_rate)


def _check(label: str, seed: int, sample_rate: int, duration: float) -> None:
    if label not in LABELS:
        raise ValueError(f"no class is named {label!r}; choose one of {', '.join(LABELS)}.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be a whole number from 0 on, not {seed!r}; choose another.")
    whole = isinstance(sample_rate, int | np.integer) and not isinstance(sample_rate, bool)
    if not whole or not MIN_RATE <= sample_rate <= MAX_RATE:
        raise ValueError(
            f"sample rate must be a whole number from {MIN_RATE} to {MAX_RATE} Hz, "
            f"not {sample_rate!r}; choose for example 44100."
        )
    if not MIN_SECONDS <= duration <= MAX_SECONDS:
        raise ValueError(
            f"duration must be from {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds, "
            f"not {duration!r}; choose for example 5."
        )


# Animals and people: a harmonic source through formants.


def _dog(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Barks: short voiced bursts whose pitch arches, alone before silence or in a series."""
    seconds = n / rate
    alone = rng.random() < 0.4
    pitch = np.exp(rng.uniform(np.log(330), np.log(900)))
    throat = pitch * rng.uniform(0.8, 1.3) + rng.uniform(150, 450)
    breath, length = rng.uniform(0.05, 0.6), rng.uniform(0.12, 0.3)
    slope, rough = rng.uniform(0.5, 1.6), rng.uniform(0.01, 0.08)
    gap = rng.uniform(0.25, 0.6) if alone else np.exp(rng.uniform(np.log(0.3), np.log(1.3)))
    count = int(rng.integers(1, 4)) if alone else int(seconds / gap) + 1
    dry, fall, stop = np.zeros(n), rng.uniform(0.5, 3), 0.0
    at = rng.uniform(0.01, 0.06 if alone else 0.12) * min(seconds, 4)
    for _ in range(count):
        if at > max(seconds - 0.05, 0.02):
            break
        m = int(rate * length * rng.uniform(0.8, 1.3))
        t = np.linspace(0, 1, m)
        bend, start = rng.uniform(0.2, 0.5), rng.uniform(0.6, 0.8)
        contour = pitch * rng.normal(1, 0.05) * (start + bend * np.sin(np.pi * t**0.7))
        source = _voice(rng, contour, rate, slope, rough) + breath * rng.normal(size=m)
        peaks = [(throat, 260, 1), (throat * rng.uniform(1.7, 2.3), 400, 0.4), (3300, 900, 0.06)]
        body = np.tanh(_resonate(source, rate, peaks)) * t**0.2 * np.exp(-fall * t) * (1 - t)
        _add(dry, body * rng.uniform(0.35, 1) * _ramp(m, rate, 0.008), int(at * rate))
        stop = at + m / rate
        at += max(gap * rng.lognormal(0, 0.35), 1.05 * m / rate)
    wet = _room(rng, dry, rate, rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.4))
    out = _record(rng, wet, rate, rng.uniform(-75, -38))
    return _silence(out, rate, stop + rng.uniform(0.1, 1.2)) if alone else out


def _crying_baby(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Wails of 0.4–1.8 s with an arched melody, each followed by an audible breath in."""
    seconds, pitch = n / rate, rng.uniform(350, 550)
    wail, vibrato = np.exp(rng.uniform(np.log(0.4), np.log(1.8))), rng.uniform(4.5, 8)
    mouth = [(rng.uniform(950, 1700), 350, 1.0)]
    mouth += [(rng.uniform(2300, 3600), 600, rng.uniform(0.3, 1.6))]
    mouth += [(rng.uniform(4200, 5800), 1200, 0.3), (pitch * 1.1, 300, rng.uniform(0, 0.4))]
    rough, slope, bow = rng.uniform(0, 0.6), rng.uniform(0.2, 1.0), rng.uniform(0.1, 0.5)
    pause = np.exp(rng.uniform(np.log(0.04), np.log(0.8)))
    dry = np.zeros(n)
    at = rng.uniform(-0.4, 0.08 * seconds) if seconds > 2 else 0.0
    while at < max(seconds - 0.1, 0.02):
        m = int(rate * wail * rng.uniform(0.7, 1.3))
        t, clock = np.linspace(0, 1, m), np.arange(m) / rate
        rise = rng.uniform(0.6, 1.2) * np.sin(np.pi * t ** rng.uniform(0.4, 1)) ** 0.8
        arch = 1 + bow * (rise - 0.5)
        shake = 1 + 0.015 * np.sin(2 * np.pi * vibrato * clock) + 0.02 * _wander(rng, m, rate, 3)
        source = _voice(rng, pitch * rng.normal(1, 0.04) * arch * shake, rate, slope, 0.006)
        # Strained ends of a wail turn hoarse: noise and a slow beat in the voice.
        strain = rough * np.clip(_wander(rng, m, rate, 2) + t, 0, 1)
        source = source * (1 - 0.6 * strain) + (0.05 + 0.7 * strain) * rng.normal(size=m)
        shape = np.minimum(1, t / 0.12) ** 0.7 * np.minimum(1, (1 - t) / 0.18)
        shape *= 1 + 0.25 * _wander(rng, m, rate, 4)
        _add(dry, _resonate(source, rate, mouth) * shape * rng.uniform(0.6, 1), int(at * rate))
        at += m / rate + rng.uniform(0.02, 0.12)
        k = int(rate * rng.uniform(0.12, 0.35))
        gasp = _resonate(rng.normal(size=k), rate, [(1700, 900, 1), (4200, 2000, 0.8)])
        _add(dry, gasp * np.hanning(k) * rng.uniform(0.02, 0.15), int(at * rate))
        at += k / rate + pause * rng.uniform(0.5, 1.5)
    wet = _room(rng, dry, rate, rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.3))
    return _record(rng, wet, rate, rng.uniform(-75, -42))


def _sneezing(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A breath in, a short wait, then an explosive burst that falls in pitch and level."""
    seconds, stop = n / rate, 0.0
    throat, voiced = rng.uniform(0.8, 1.25), rng.uniform(0, 1.2) * (rng.random() < 0.75)
    pitch, hiss = np.exp(rng.uniform(np.log(160), np.log(520))), rng.uniform(0.1, 1.0)
    dry = np.zeros(n)
    slots = max(1, round(seconds / 5)) + (seconds > 3 and rng.random() < 0.15)
    for slot in range(slots):
        at = slot * seconds / slots + rng.uniform(0, 0.1) * min(seconds, 4)
        m = int(rate * min(rng.uniform(0.15, 0.5), 0.4 * seconds))
        t = np.linspace(0, 1, m)
        ah = _voice(rng, pitch * (0.8 + 0.4 * t), rate, 1, 0.02) * min(1, voiced)
        ah = _resonate(ah + rng.normal(size=m), rate, [(850 * throat, 300, 1), (1600, 600, 0.5)])
        _add(dry, ah * np.sin(np.pi * t**1.5) ** 2 * 10 ** rng.uniform(-1.4, -0.1), int(at * rate))
        at += m / rate + rng.uniform(-0.08, 0.12) * min(seconds, 1)
        m = int(rate * rng.uniform(0.35, 0.8))
        clock, decay = np.arange(m) / rate, rng.uniform(0.04, 0.13)
        fall = pitch * (0.55 + 0.9 * np.exp(-clock / 0.12))
        source = voiced * _voice(rng, fall, rate, 0.8, 0.03) + rng.normal(size=m)
        peaks = [(700 * throat, 350, 1), (1500 * throat, 500, 0.8), (2900 * throat, 900, 0.4)]
        choo = 1.5 * _resonate(source, rate, peaks)
        # "t-shoo": the hiss between the teeth leads and the vowel follows.
        teeth = _resonate(rng.normal(size=m), rate, [(4200, 2500, 0.5), (8000, 5000, 0.5)])
        choo += hiss * teeth * np.exp(-clock / (decay * rng.uniform(0.5, 2)))
        hold = np.exp(-np.maximum(clock - rng.uniform(0.05, 0.3), 0) / decay)
        _add(dry, np.tanh(choo) * hold * _ramp(m, rate, rng.uniform(0.003, 0.03)), int(at * rate))
        stop = at + 5 * decay + 0.15
    wet = _room(rng, dry, rate, rng.uniform(0.15, 0.8), rng.uniform(0.05, 0.35))
    out = _record(rng, wet, rate, rng.uniform(-82, -55))
    return _silence(out, rate, stop + rng.uniform(0.05, 1.6)) if rng.random() < 0.8 else out


def _rooster(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Cock-a-doodle-doo: four syllables on one breath, the last long and sinking."""
    seconds, stop = n / rate, 0.0
    pitch, slope = rng.uniform(680, 1000), rng.uniform(0.5, 1.0)
    beak = [(rng.uniform(1350, 1700), 450, 1.0), (rng.uniform(2600, 3300), 700, 0.15)]
    beak += [(pitch, 300, rng.uniform(0.1, 0.5)), (4500, 1500, 0.05)]
    breath, sink = rng.uniform(0.02, 0.12), rng.uniform(0.65, 0.95)
    dry, bow = np.zeros(n), rng.uniform(0.1, 0.6)
    slots = max(1, round(seconds / 5))
    padded = rng.random() < 0.75
    for slot in range(slots):
        lead = rng.uniform(0, 0.05) if padded else rng.uniform(0.02, 0.35)
        at = slot * seconds / slots + lead * min(seconds, 4)
        spans = [rng.uniform(0.1, 0.22), 0.03, rng.uniform(0.01, 0.15), 0.03]
        spans += [rng.uniform(0.1, 0.3), 0.03, 0.03, rng.uniform(0.1, 0.4), 0.03, 0.03]
        spans += [rng.uniform(0.5, 1.4), rng.uniform(0.08, 0.2)]
        knots = np.concatenate([[0], np.cumsum(spans)])
        total = min(float(knots[-1]), max(0.4, seconds - at))
        t = np.arange(int(total * rate)) / rate
        notes = [0.8, 0.9, 0.88, 0.9, 1, 0.97, 0.97, 1.02, 1, 1, 1, sink, 0.85 * sink]
        levels = [0.5, 0.8, 0.005, 0.005, 1, 0.9, rng.uniform(0.02, 0.6), 1, 0.9]
        levels += [rng.uniform(0.02, 0.7), 1, 0.75, 0]
        volume = np.interp(t, knots, levels) ** 0.7 * np.minimum(1, t / 0.02)
        tune = np.interp(t, knots, notes)
        late = np.clip((t - knots[10]) / (spans[10] + spans[11]), 0, 1)
        tune *= 1 + bow * late * (1 - late) + 0.006 * _wander(rng, t.size, rate, 12)
        source = _voice(rng, pitch * tune, rate, slope, 0.004) + breath * rng.normal(size=t.size)
        flutter = 1 + 0.2 * _wander(rng, t.size, rate, 15)
        _add(dry, _resonate(source, rate, beak) * volume * flutter, int(at * rate))
        stop = at + total
    wet = _room(rng, dry, rate, rng.uniform(0.15, 1.0), rng.uniform(0.05, 0.4))
    out = _record(rng, wet, rate, rng.uniform(-75, -36))
    return _silence(out, rate, stop + rng.uniform(0.05, 0.4)) if padded else out


# Water, fire and wind: shaped noise and many small events.


def _rain(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A steady hiss of far drops, thousands of near ones, often a roof's or a road's rumble."""
    seconds = n / rate
    hiss = _noise(rng, n, rate, rng.uniform(-6, 0), rng.uniform(25, 350), rng.uniform(5000, 15000))
    count = int(seconds * np.exp(rng.uniform(np.log(200), np.log(1500))))
    centre = np.exp(rng.uniform(np.log(1200), np.log(6000)))
    drops = _clicks(rng, n, rate, count, (centre * 0.4, centre * 2), (0.0004, 0.002), 0.7)
    heavy = int(seconds * np.exp(rng.uniform(np.log(3), np.log(60))))
    splashes = _clicks(rng, n, rate, heavy, (centre * 0.1, centre * 3), (0.0004, 0.005), 0.9)
    mix = hiss * (1 + 0.12 * _wander(rng, n, rate, 0.5))
    mix += rng.uniform(0.1, 1.0) * drops + rng.uniform(0.02, 0.5) * splashes
    if rng.random() < 0.6:
        mix += 10 ** rng.uniform(-0.7, 0.5) * _noise(rng, n, rate, -9, 20, rng.uniform(60, 400))
    return _record(rng, mix, rate, -70, low=(15, 60))


def _sea_waves(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Swells every 4–11 s: as a wave breaks it grows louder and brighter, then foam fizzes out."""
    t = np.arange(n) / rate
    period, depth, steep = rng.uniform(4, 11), rng.uniform(0.15, 0.8), rng.uniform(0.5, 2.0)
    phase = t / period + rng.random() + 0.15 * _wander(rng, n, rate, 0.15)
    ripple = 0.1 * _wander(rng, n, rate, 0.4) + 0.06 * _wander(rng, n, rate, 2.5)
    lag = rng.uniform(0, 0.1)
    swell, after = (
        depth * (0.5 - 0.5 * np.cos(2 * np.pi * (turn % 1) ** steep)) + ripple
        for turn in (phase, phase - lag)
    )
    tilt, edge = rng.uniform(-7, -3.5), rng.uniform(1700, 5000)
    surge = _noise(rng, n, rate, tilt, rng.uniform(60, 350), edge)
    foam = _noise(rng, n, rate, tilt / 2, 700, edge * 2)
    mix = surge * 10**swell + rng.uniform(0.05, 0.6) * foam * 10 ** (1.4 * after)
    if rng.random() < 0.35:
        mix += 10 ** rng.uniform(-0.3, 0.8) * _noise(rng, n, rate, -9, 20, 120)
    return _record(rng, mix, rate, -65, low=(15, 80))


def _crackling_fire(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Wood cracks in clusters of very unequal strengths over a low flutter of flames and a hiss."""
    seconds = n / rate
    count = max(3, int(seconds * np.exp(rng.uniform(np.log(4), np.log(150)))))
    bright = np.exp(rng.uniform(np.log(1500), np.log(6000)))
    tones = (bright * 0.6, bright * 4)
    cracks = _clicks(rng, n, rate, count, tones, (0.00006, 0.0009), 1.3, bursts=0.6)
    pops = _clicks(rng, n, rate, max(1, count // 8), (250, 1500), (0.001, 0.006), 1.1, bursts=0.6)
    mix = cracks + rng.uniform(0.1, 0.8) * pops
    mix /= np.abs(mix).max()
    flames = _noise(rng, n, rate, rng.uniform(-10, -3), rng.uniform(15, 60), rng.uniform(80, 600))
    flicker = np.exp(0.35 * _wander(rng, n, rate, 7) + 0.15 * _wander(rng, n, rate, 1))
    mix += 10 ** (rng.uniform(-52, -14) / 20) * flames * flicker
    hiss = _noise(rng, n, rate, rng.uniform(-4, 1), 300, 16000)
    mix += 10 ** (rng.uniform(-64, -32) / 20) * hiss * (1 + 0.15 * _wander(rng, n, rate, 4))
    return _record(rng, mix, rate, -70, low=(10, 40))


# Machines: pulses at a rate, and what they shake.


def _clock_tick(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Ticks at a steady 1–5 Hz; each is a few impacts of the escapement that ring the case."""
    seconds, speed = n / rate, float(rng.choice([1, 1, 1.5, 2, 2, 2.5, 3, 4, 5]))
    period = 1 / (speed * rng.uniform(0.97, 1.03))
    uneven, contrast = rng.uniform(0, 0.07), rng.uniform(0.3, 1.0)
    if rng.random() < 0.2:
        uneven = rng.uniform(0.1, 0.35)
    m = int(rate * min(0.25, 0.8 * period))
    clock, dark = np.arange(m) / rate, rng.uniform(0.3, 1.6)
    modes = np.exp(rng.uniform(np.log(500), np.log(11000), size=24))
    decays = rng.uniform(0.001, 0.008, size=24) * (2500 / modes) ** 0.4
    modes, decays = np.append(modes, rng.uniform(120, 500)), np.append(decays, 0.03)
    ring = np.sin(2 * np.pi * modes[:, None] * clock) * np.exp(-clock / decays[:, None])
    ring[modes > 0.45 * rate] = 0
    click = rng.normal(size=m) * np.exp(-clock / rng.uniform(0.0005, 0.006))
    sounds = []
    for _ in range(2):
        weights = (1000 / modes) ** (dark - 0.8) * rng.lognormal(0, contrast, size=modes.size)
        weights[-1] = rng.uniform(0, 0.4)
        strike = weights @ ring + rng.uniform(0.1, 1.2) * np.abs(weights).max() * click
        sound = strike.copy()
        for _ in range(int(rng.integers(0, 4))):
            _add(sound, strike * rng.uniform(0.1, 0.9), int(rng.uniform(0.003, 0.03) * rate))
        sounds.append(sound / np.abs(sound).max() * _ramp(m, rate, 0.0005))
    sounds[1] = sounds[1] * rng.uniform(0.4, 1)
    dry, at = np.zeros(n), rng.uniform(0.02, 0.9) * min(period, 0.6 * seconds)
    for beat in range(int(seconds / period) + 1):
        offset = at + period * (beat + uneven * (beat % 2)) + rng.normal(0, 0.0005)
        _add(dry, sounds[beat % 2] * rng.uniform(0.85, 1), int(offset * rate))
    wet = _room(rng, dry, rate, rng.uniform(0.08, 0.6), rng.uniform(0.02, 0.25))
    if rng.random() < 0.5:
        wet += 10 ** rng.uniform(-3, -1.3) * np.abs(wet).max() * _noise(rng, n, rate, -9, 12, 120)
    return _record(rng, wet, rate, rng.uniform(-78, -32), low=(15, 120))


def _helicopter(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Blades slap the air 8–25 times a second over rotor noise and a turbine's whine."""
    t = np.arange(n) / rate
    drift = 1 + 0.02 * _wander(rng, n, rate, 0.2) * rng.uniform(0, 1)
    turns = np.cumsum(rng.uniform(9, 24) * drift) / rate
    sharp = rng.uniform(3, 14)
    slap = np.exp(sharp * (np.cos(2 * np.pi * turns) - 1))
    # Blades are never alike: every revolution of 2–4 blades repeats their differences.
    blades = int(rng.integers(2, 5))
    slap *= rng.uniform(0.75, 1, size=blades)[(turns + 0.5).astype(int) % blades]
    floor = 10 ** rng.uniform(-0.8, 0.0)
    thump = _noise(rng, n, rate, rng.uniform(-9, -5), rng.uniform(30, 100), rng.uniform(200, 900))
    blade = np.cos(2 * np.pi * rng.uniform(1.5, 5) * 10 * t + 3 * _wander(rng, n, rate, 3))
    wash = _noise(rng, n, rate, rng.uniform(-6, -3), 150, rng.uniform(700, 4000))
    mix = (thump + rng.uniform(0, 0.5) * blade) * (floor + slap)
    mix += 10 ** rng.uniform(-0.9, 0.1) * wash * (0.7 + slap * rng.uniform(0.3, 1.5))
    for _ in range(int(rng.integers(1, 4))):
        tone = np.exp(rng.uniform(np.log(300), np.log(min(4500, 0.4 * rate))))
        whine = np.sin(2 * np.pi * tone * np.cumsum(drift) / rate + _wander(rng, n, rate, 5))
        mix += 10 ** rng.uniform(-2.3, -1.1) * whine * (1 + 0.3 * _wander(rng, n, rate, 8))
    travel = np.exp(rng.uniform(-0.6, 0.6) * (t / t[-1] - 0.5) * 2 + 0.1 * _wander(rng, n, rate, 1))
    mix = np.tanh(mix / np.abs(mix).max() * rng.uniform(0.8, 3.5)) * travel
    return _record(rng, mix, rate, rng.uniform(-70, -45), low=(15, 50))


def _chainsaw(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A two-stroke engine at 60–180 firings a second, rough and saturating, revving under load."""
    seconds = n / rate
    top, idle = rng.uniform(95, 180), rng.uniform(0.35, 0.8)
    knots = np.arange(0, seconds + 2, rng.uniform(0.4, 1.6))
    wish = np.where(rng.random(knots.size) < rng.uniform(0.4, 1), rng.uniform(0.75, 1), 0.0)
    if rng.random() < 0.3:
        wish[:] = 0.9
    t, lag = np.arange(n) / rate, np.exp(-1 / (rng.uniform(0.05, 0.25) * rate))
    pull = np.interp(t, knots, wish)
    throttle, _ = signal.lfilter([1 - lag], [1, -lag], pull, zi=[lag * pull[0]])
    throttle = np.clip(throttle + 0.06 * _wander(rng, n, rate, 2), 0, 1)
    revs = np.maximum(60, top * (idle + (1 - idle) * throttle))
    revs = revs * (1 + 0.008 * _wander(rng, n, rate, 25) + 0.01 * _wander(rng, n, rate, 5))
    engine = _voice(rng, revs, rate, rng.uniform(0.3, 0.9), 0.02, uneven=0.5)
    fire = 0.5 + 0.5 * np.cos(2 * np.pi * np.cumsum(revs) / rate)
    chain = _noise(rng, n, rate, rng.uniform(-3, 0), 900, rng.uniform(5000, 12000))
    body = [(rng.uniform(120, 400), 200, rng.uniform(0.2, 1))]
    body += [(rng.uniform(450, 900), 400, rng.uniform(0.3, 1))]
    body += [(rng.uniform(1200, 2500), 900, rng.uniform(0.2, 1)), (4000, 3000, 0.3)]
    mix = _resonate(engine, rate, body)
    mix /= np.sqrt(np.mean(mix**2))
    mix = mix * (1 + 0.2 * _wander(rng, n, rate, 30))
    mix += rng.uniform(0.15, 0.7) * chain * (0.3 + fire) * (0.2 + throttle)
    mix = np.tanh(mix * rng.uniform(0.2, 0.9)) * 10 ** (rng.uniform(0.3, 1.1) * (throttle - 1))
    wet = _room(rng, mix, rate, rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.3))
    return _record(rng, wet, rate, rng.uniform(-60, -40), low=(25, 110))


_Generator = Callable[[Rng, int, int], np.ndarray]
# fmt: off
_ALL: tuple[_Generator, ...] = (
    _dog, _rain, _sea_waves, _crying_baby, _clock_tick,
    _sneezing, _helicopter, _chainsaw, _rooster, _crackling_fire,
)
# fmt: on
_GENERATORS = dict(zip(LABELS, _ALL, strict=True))
_PEAKS = {"clock_tick": (0.15, 0.6), "rooster": (0.5, 0.95), "rain": (0.5, 0.95)}


# Building blocks. Signals are float64 (n,); rates and frequencies in Hz, times in seconds.


def _voice(
    rng: Rng,
    pitch: np.ndarray,
    rate: int,
    slope: float,
    jitter: float,
    uneven: float = 0.2,
) -> np.ndarray:
    """Harmonics of `pitch` (n,), amplitude falling as order^-slope; jitter is relative."""
    wobble = np.repeat(rng.normal(0, jitter, size=pitch.size // 64 + 1), 64)[: pitch.size]
    turn = np.exp(2j * np.pi * np.cumsum(pitch * (1 + wobble)) / rate)
    out, power, edge = np.zeros(pitch.size), np.ones(pitch.size, dtype=complex), 0.46 * rate
    for order in range(1, min(48, int(edge / pitch.min())) + 1):
        power = power * turn
        weight = order**-slope * rng.lognormal(0, uneven) * np.exp(2j * np.pi * rng.random())
        partial = (weight * power).real
        if order * pitch.max() > edge:
            partial *= np.clip((edge - order * pitch) / (0.03 * rate), 0, 1)
        out += partial
    return out


def _resonate(x: np.ndarray, rate: int, peaks: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """x through parallel resonances (frequency, bandwidth, gain), the unreachable ones left out."""
    out = 0.004 * x
    for frequency, width, gain in peaks:
        if frequency < 0.45 * rate:
            numerator, denominator = signal.iirpeak(frequency, frequency / width, rate)
            out = out + gain * signal.lfilter(numerator, denominator, x)
    return out


def _noise(rng: Rng, n: int, rate: int, tilt: float, low: float, high: float) -> np.ndarray:
    """Gaussian noise (n,), unit RMS, `tilt` dB per octave between the edges `low` and `high`."""
    size = next_fast_len(max(n, 256), real=True)
    f = np.maximum(rfftfreq(size, 1 / rate), 1.0)
    gain = (f / 1000) ** (tilt / 6.02) / np.sqrt((1 + (low / f) ** 8) * (1 + (f / high) ** 4))
    x = irfft(gain * (rng.normal(size=f.size) + 1j * rng.normal(size=f.size)), size)[:n]
    return x / np.sqrt(np.mean(x**2))


def _wander(rng: Rng, n: int, rate: int, speed: float) -> np.ndarray:
    """A smooth random curve (n,) with about unit variance that turns ~`speed` times a second."""
    place = np.arange(n) * (2 * speed / rate) + rng.random()
    values = rng.normal(size=int(place[-1]) + 2)
    whole = place.astype(int)
    blend = 0.5 - 0.5 * np.cos(np.pi * (place - whole))
    return values[whole] * (1 - blend) + values[whole + 1] * blend


def _clicks(
    rng: Rng,
    n: int,
    rate: int,
    count: int,
    frequencies: tuple[float, float],
    decays: tuple[float, float],
    spread: float,
    bursts: float = 0.0,
) -> np.ndarray:
    """`count` damped sinusoids at random times, unit RMS; strengths log-normal with `spread`.

    A share `bursts` of them follows an earlier one within some 50 ms, as cracks set off cracks.
    """
    times = rng.random(count) * n
    follow = rng.random(count) < bursts
    times[follow] = rng.choice(times, follow.sum()) + rng.exponential(0.05 * rate, follow.sum())
    top = 0.42 * rate
    low, high = min(frequencies[0], top / 2), min(frequencies[1], top)
    tone = np.exp(rng.uniform(np.log(low), np.log(high), size=(count, 1)))
    decay = np.exp(rng.uniform(np.log(decays[0]), np.log(decays[1]), size=(count, 1)))
    t = np.arange(int(rate * 5 * decays[1])) / rate
    ring = np.exp(-t / decay) * np.cos(2 * np.pi * tone * t + rng.uniform(0, 6.3, (count, 1)))
    ring *= rng.lognormal(0, spread, size=(count, 1))
    index = np.minimum(times.astype(int)[:, None] + np.arange(t.size), n)
    out = np.bincount(index.ravel(), ring.ravel(), minlength=n + 1)[:n]
    return out / (np.sqrt(np.mean(out**2)) + 1e-12)


def _room(rng: Rng, x: np.ndarray, rate: int, reverberation: float, share: float) -> np.ndarray:
    """x plus a dark tail that falls by 60 dB in `reverberation` seconds."""
    t = np.arange(int(reverberation * rate)) / rate
    tail = _noise(rng, t.size, rate, -3, 100, 5000) * 10 ** (-3 * t / reverberation)
    tail *= share * 3 / np.sqrt(np.sum(tail**2))
    return x + signal.fftconvolve(x, tail / 3)[: x.size]


def _record(
    rng: Rng,
    x: np.ndarray,
    rate: int,
    background_db: float,
    low: tuple[float, float] = (20, 150),
) -> np.ndarray:
    """x as a microphone takes it: peak 1, background noise, uneven response, band edges."""
    x = x / np.abs(x).max()
    hum = _noise(rng, x.size, rate, rng.uniform(-8, -1), 25, 16000)
    size = next_fast_len(x.size + rate // 10, real=True)
    f = np.maximum(rfftfreq(size, 1 / rate), 1.0)
    centres = np.log2([60, 250, 1000, 4000, 16000])
    response = np.interp(np.log2(f), centres, rng.normal(0, 2.5, size=5))
    # Most recordings reach to where their coding cut them, some come from a poor microphone.
    ceiling = rng.uniform(15000, 20500) if rng.random() < 0.85 else rng.uniform(6500, 14000)
    floor = rng.uniform(*low)
    gain = 10 ** (response / 20) / np.sqrt((1 + (floor / f) ** 4) * (1 + (f / ceiling) ** 40))
    return irfft(rfft(x + 10 ** (background_db / 20) * hum, size) * gain, size)[: x.size]


def _silence(x: np.ndarray, rate: int, stop: float) -> np.ndarray:
    """x with digital silence from `stop` on, as clips shorter than 5 s are filled up in ESC-10."""
    fade = 0.01 * rate
    return x * np.clip((stop * rate - np.arange(x.size)) / fade, 0, 1)


def _add(target: np.ndarray, piece: np.ndarray, start: int) -> None:
    """Add `piece` into `target` from sample `start` on; what falls outside is dropped."""
    first, last = max(start, 0), min(start + piece.size, target.size)
    if last > first:
        target[first:last] += piece[first - start : last - start]


def _ramp(n: int, rate: int, attack: float) -> np.ndarray:
    """A linear rise over `attack` seconds, then ones: (n,)."""
    return np.minimum(1, np.arange(1, n + 1) / (attack * rate))
