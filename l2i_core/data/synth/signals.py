"""Signals made to be heard from afar: steady or sweeping tones rich in harmonics, and bells."""

from __future__ import annotations

import numpy as np
from scipy import signal

from l2i_core.data.synth.blocks import (
    Rng,
    add,
    between,
    noise,
    ramp,
    record,
    resonate,
    room,
    silence,
    struck,
    voice,
    wander,
)


def siren(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A wail, a yelp, two tones in turn or an air-raid siren, over the street's noise."""
    t = np.arange(n) / rate
    kind = rng.choice(["wail", "yelp", "two-tone", "raid"], p=[0.45, 0.15, 0.15, 0.25])
    low, phase, reach = between(rng, 450, 750), rng.random(), rng.uniform(1.6, 2.4)
    if kind == "two-tone":
        low, reach = between(rng, 380, 620), rng.uniform(1.2, 1.36)
        turn = (t / rng.uniform(0.9, 1.4) + phase) % 1
        sweep = np.clip((0.25 - np.abs(turn - 0.5)) * 60 + 0.5, 0, 1)
    elif kind == "raid":
        low, reach = between(rng, 200, 350), rng.uniform(1.5, 2.6)
        start, rise = rng.uniform(-4, 0.5), rng.uniform(1.5, 4)
        sweep = 1 - np.exp(-np.maximum(t - start, 0) / rise)
    else:
        period = rng.uniform(0.22, 0.4) if kind == "yelp" else rng.uniform(2.5, 8)
        rising = rng.uniform(0.25, 0.6)
        turn = (t / period + phase) % 1
        sweep = np.where(turn < rising, turn / rising, (1 - turn) / (1 - rising))
        sweep = sweep ** rng.uniform(0.6, 1.1)
    # The Doppler shift of a car that passes.
    pitch = low * reach**sweep * (1 + 0.03 * np.tanh((rng.uniform(0, 6) - t) / 0.8))
    source = voice(rng, pitch, rate, rng.uniform(0.6, 1.5), 0.0005, uneven=0.4)
    horn = [(between(rng, 700, 1500), 900, 1.0), (between(rng, 2000, 3500), 1500, 0.5)]
    dry = (source * 0.2 + resonate(source, rate, horn)) * 2 ** (0.6 * wander(rng, n, rate, 0.4))
    wet = room(rng, dry, rate, rng.uniform(0.5, 2.0), rng.uniform(0.2, 0.7))
    wet /= np.sqrt(np.mean(wet**2))
    street = noise(rng, n, rate, rng.uniform(-7, -3), 30, 6000) * (
        1 + 0.15 * wander(rng, n, rate, 1)
    )
    return record(rng, wet + 10 ** rng.uniform(-1.7, -0.7) * street, rate, -60)


def car_horn(rng: Rng, n: int, rate: int) -> np.ndarray:
    """One to four honks of two membranes tuned a third apart, in a street."""
    seconds, stop = n / rate, 0.0
    pitch, third = between(rng, 300, 520), rng.uniform(1.18, 1.28)
    members = (1.0, third) if rng.random() < 0.75 else (1.0,)
    slope, count = rng.uniform(0.1, 0.7), int(rng.integers(1, 5))
    length = between(rng, 0.25, 1.2) / (0.5 + 0.5 * count)
    bell = [(between(rng, 1500, 2400), 900, 1.0), (between(rng, 2800, 4200), 1500, 0.7)]
    dry, at = np.zeros(n), rng.uniform(0.02, 0.2) * min(seconds, 5)
    for _ in range(count):
        m = int(rate * length * rng.uniform(0.6, 1.5))
        t = np.arange(m) / rate
        honk = np.zeros(m)
        for member in members:
            # A membrane settles on its pitch within some hundredths of a second.
            tone = pitch * member * (1 - 0.03 * np.exp(-t / 0.02))
            honk += voice(rng, tone, rate, slope, 0.001, uneven=0.5)
        honk = 0.15 * honk + resonate(honk, rate, bell)
        fade = np.minimum(1, (m - np.arange(m)) / (0.015 * rate))
        add(dry, honk * ramp(m, rate, 0.012) * fade, int(at * rate))
        stop = at + m / rate
        at = stop + rng.uniform(0.06, 0.35)
        if at > seconds - 0.1:
            break
    wet = room(rng, dry, rate, rng.uniform(0.5, 1.6), rng.uniform(0.1, 0.5))
    wet /= np.abs(wet).max()
    street = noise(rng, n, rate, rng.uniform(-6, -3), 20, 6000)
    out = record(rng, wet + 10 ** rng.uniform(-2.6, -1.6) * street, rate, -60)
    return silence(out, rate, stop + rng.uniform(0.1, 1.5)) if rng.random() < 0.4 else out


def clock_alarm(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Groups of electronic beeps at 2–4 kHz, or a hammer between two small bells."""
    seconds, t = n / rate, np.arange(n) / rate
    if rng.random() < 0.65:
        tone, beep = between(rng, 1900, 3400), between(rng, 0.04, 0.25)
        group, gap = int(rng.choice([1, 2, 4])), beep * rng.uniform(0.7, 1.3)
        period = group * (beep + gap) + (rng.uniform(0.2, 0.6) if group > 1 else 0)
        turn = (t - rng.uniform(-0.5, 0.2) * min(1, seconds)) % period
        on = (turn % (beep + gap) < beep) & (turn < group * (beep + gap))
        edge = max(3, int(0.002 * rate))
        gate = signal.fftconvolve(on.astype(float), np.ones(edge) / edge, "same")
        dry = voice(rng, np.full(n, tone), rate, rng.uniform(0.5, 1.5), 0, uneven=0.6)
        # The case buzzes along below the piezo's tone.
        dry += 0.1 * voice(rng, np.full(n, tone / 2), rate, 1.0, 0, uneven=0.5)
        dry *= gate
    else:
        dry, at = np.zeros(n), 0.0
        speed, m = rng.uniform(14, 26), int(0.6 * rate)
        bells = []
        for _ in range(2):
            tones = between(rng, 1500, 3200) * np.array([1, 1.02, 1.9, 2.6, 2.64, 3.7, 4.9, 6.1])
            weights = rng.lognormal(0, 0.6, tones.size)
            decays = rng.uniform(0.08, 0.3) * (tones[0] / tones) ** 0.6
            bells.append(struck(rng, m, rate, tones, decays, weights))
        beat = 0
        while at < seconds:
            click = rng.normal(size=m) * np.exp(-np.arange(m) / (0.002 * rate))
            add(dry, (bells[beat % 2] + click) * rng.uniform(0.6, 1), int(at * rate))
            at, beat = at + rng.normal(1, 0.04) / speed, beat + 1
    wet = room(rng, dry, rate, rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.3))
    out = record(rng, wet, rate, rng.uniform(-65, -40))
    return silence(out, rate, rng.uniform(0.5, 1) * seconds) if rng.random() < 0.3 else out


# A church bell's partials, relative to its prime: hum, prime, tierce, quint, nominal and above.
_PARTIALS = np.array([0.5, 1, 1.19, 1.5, 2, 2.52, 2.66, 3.0, 3.36, 4.1, 4.5, 5.2, 5.7, 6.8, 8.1])


def church_bells(rng: Rng, n: int, rate: int) -> np.ndarray:
    """One bell tolling or a few that swing at their own pace; partials beat and die slowly."""
    seconds = n / rate
    count = int(rng.choice([1, 2, 3, 4], p=[0.3, 0.25, 0.25, 0.2]))
    prime, bright = between(rng, 240, 650), rng.uniform(0.3, 0.9)
    period = between(rng, 0.9, 2.6) if count == 1 else between(rng, 0.7, 1.6)
    scale = np.cumprod([1, *rng.choice([9 / 8, 6 / 5, 5 / 4, 4 / 3], size=3)])
    dry, m = np.zeros(n), min(n, int(5 * rate))
    for bell in range(count):
        pitch = prime * scale[bell]
        tones = pitch * _PARTIALS * rng.normal(1, 0.008, _PARTIALS.size)
        weights = rng.lognormal(0, 0.45, tones.size) * _PARTIALS**-bright
        weights[4] *= 1.5
        decays = rng.uniform(1.5, 3.5) * _PARTIALS ** -rng.uniform(0.6, 0.9)
        # A cast bell is not quite round: each partial is two that beat.
        pairs = np.concatenate([tones, tones + rng.uniform(0.3, 2.5, tones.size)])
        sound = struck(
            rng, m, rate, pairs, np.tile(decays, 2), np.concatenate([weights, 0.5 * weights])
        )
        clapper = noise(rng, m, rate, -2, 500, 6000) * np.exp(-np.arange(m) / (0.012 * rate))
        sound += rng.uniform(0.3, 1.2) * clapper
        pace = period * rng.uniform(0.85, 1.2)
        at = -rng.uniform(0, 3 * pace) if seconds > 1 else 0.0
        while at < seconds:
            skip = max(0, -int(at * rate))
            if skip < m:
                add(dry, sound[skip:] * rng.uniform(0.6, 1), int(at * rate) + skip)
            at += pace * rng.normal(1, 0.015)
    wet = room(rng, dry, rate, rng.uniform(1.0, 3.0), rng.uniform(0.2, 0.8))
    wet /= np.abs(wet).max()
    air = noise(rng, n, rate, rng.uniform(-7, -3), 30, 8000)
    return record(rng, wet + 10 ** rng.uniform(-2.8, -1.7) * air, rate, -60)
