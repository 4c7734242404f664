"""What the generators are built from: voices, noise, clicks, resonances, a room, a microphone.

Signals are float64 (n,); rates and frequencies in Hz, times in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

Rng = np.random.Generator


def voice(
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


def resonate(x: np.ndarray, rate: int, peaks: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """x through parallel resonances (frequency, bandwidth, gain), the unreachable ones left out."""
    out = 0.004 * x
    for frequency, width, gain in peaks:
        if frequency < 0.45 * rate:
            numerator, denominator = signal.iirpeak(frequency, frequency / width, rate)
            out = out + gain * signal.lfilter(numerator, denominator, x)
    return out


def noise(rng: Rng, n: int, rate: int, tilt: float, low: float, high: float) -> np.ndarray:
    """Gaussian noise (n,), unit RMS, `tilt` dB per octave between the edges `low` and `high`."""
    size = next_fast_len(max(n, 256), real=True)
    f = np.maximum(rfftfreq(size, 1 / rate), 1.0)
    gain = (f / 1000) ** (tilt / 6.02) / np.sqrt((1 + (low / f) ** 8) * (1 + (f / high) ** 4))
    x = irfft(gain * (rng.normal(size=f.size) + 1j * rng.normal(size=f.size)), size)[:n]
    return x / np.sqrt(np.mean(x**2))


def wander(rng: Rng, n: int, rate: int, speed: float) -> np.ndarray:
    """A smooth random curve (n,) with about unit variance that turns ~`speed` times a second."""
    place = np.arange(n) * (2 * speed / rate) + rng.random()
    values = rng.normal(size=int(place[-1]) + 2)
    whole = place.astype(int)
    blend = 0.5 - 0.5 * np.cos(np.pi * (place - whole))
    return values[whole] * (1 - blend) + values[whole + 1] * blend


def clicks(
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


def room(rng: Rng, x: np.ndarray, rate: int, reverberation: float, share: float) -> np.ndarray:
    """x plus a dark tail that falls by 60 dB in `reverberation` seconds."""
    t = np.arange(int(reverberation * rate)) / rate
    tail = noise(rng, t.size, rate, -3, 100, 5000) * 10 ** (-3 * t / reverberation)
    tail *= share * 3 / np.sqrt(np.sum(tail**2))
    return x + signal.fftconvolve(x, tail / 3)[: x.size]


def record(
    rng: Rng,
    x: np.ndarray,
    rate: int,
    background_db: float,
    low: tuple[float, float] = (20, 150),
) -> np.ndarray:
    """x as a microphone takes it: peak 1, background noise, uneven response, band edges."""
    x = x / np.abs(x).max()
    hum = noise(rng, x.size, rate, rng.uniform(-8, -1), 25, 16000)
    size = next_fast_len(x.size + rate // 10, real=True)
    f = np.maximum(rfftfreq(size, 1 / rate), 1.0)
    centres = np.log2([60, 250, 1000, 4000, 16000])
    response = np.interp(np.log2(f), centres, rng.normal(0, 2.5, size=5))
    # Most recordings reach to where their coding cut them, some come from a poor microphone.
    ceiling = rng.uniform(15000, 20500) if rng.random() < 0.85 else rng.uniform(6500, 14000)
    floor = rng.uniform(*low)
    gain = 10 ** (response / 20) / np.sqrt((1 + (floor / f) ** 4) * (1 + (f / ceiling) ** 40))
    return irfft(rfft(x + 10 ** (background_db / 20) * hum, size) * gain, size)[: x.size]


def silence(x: np.ndarray, rate: int, stop: float) -> np.ndarray:
    """x with digital silence from `stop` on, as clips shorter than 5 s are filled up in ESC-10."""
    fade = 0.01 * rate
    return x * np.clip((stop * rate - np.arange(x.size)) / fade, 0, 1)


def add(target: np.ndarray, piece: np.ndarray, start: int) -> None:
    """Add `piece` into `target` from sample `start` on; what falls outside is dropped."""
    first, last = max(start, 0), min(start + piece.size, target.size)
    if last > first:
        target[first:last] += piece[first - start : last - start]


def ramp(n: int, rate: int, attack: float) -> np.ndarray:
    """A linear rise over `attack` seconds, then ones: (n,)."""
    return np.minimum(1, np.arange(1, n + 1) / (attack * rate))


def between(rng: Rng, low: float, high: float) -> float:
    """A random number between `low` and `high`, even on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def struck(
    rng: Rng, n: int, rate: int, tones: np.ndarray, decays: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Modes of a struck body: damped sinusoids (n,) that fall to 1/e in `decays` seconds."""
    t = np.arange(n) / rate
    out = np.zeros(n)
    for tone, decay, weight in zip(tones, decays, weights, strict=True):
        if tone < 0.45 * rate:
            # Nine time constants are 78 dB.
            m = min(n, int(9 * decay * rate) + 1)
            phase = rng.uniform(0, 2 * np.pi)
            out[:m] += weight * np.exp(-t[:m] / decay) * np.sin(2 * np.pi * tone * t[:m] + phase)
    return out
