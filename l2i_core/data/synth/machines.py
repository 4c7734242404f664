"""Machines: pulses at a rate, and what they shake."""

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
    voice,
    wander,
)


def clock_tick(rng: Rng, n: int, rate: int) -> np.ndarray:
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
            add(sound, strike * rng.uniform(0.1, 0.9), int(rng.uniform(0.003, 0.03) * rate))
        sounds.append(sound / np.abs(sound).max() * ramp(m, rate, 0.0005))
    sounds[1] = sounds[1] * rng.uniform(0.4, 1)
    dry, at = np.zeros(n), rng.uniform(0.02, 0.9) * min(period, 0.6 * seconds)
    for beat in range(int(seconds / period) + 1):
        offset = at + period * (beat + uneven * (beat % 2)) + rng.normal(0, 0.0005)
        add(dry, sounds[beat % 2] * rng.uniform(0.85, 1), int(offset * rate))
    wet = room(rng, dry, rate, rng.uniform(0.08, 0.6), rng.uniform(0.02, 0.25))
    if rng.random() < 0.5:
        wet += 10 ** rng.uniform(-3, -1.3) * np.abs(wet).max() * noise(rng, n, rate, -9, 12, 120)
    return record(rng, wet, rate, rng.uniform(-78, -32), low=(15, 120))


def helicopter(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Blades slap the air 8–25 times a second over rotor noise and a turbine's whine."""
    t = np.arange(n) / rate
    drift = 1 + 0.02 * wander(rng, n, rate, 0.2) * rng.uniform(0, 1)
    turns = np.cumsum(rng.uniform(9, 24) * drift) / rate
    sharp = rng.uniform(3, 14)
    slap = np.exp(sharp * (np.cos(2 * np.pi * turns) - 1))
    # Blades are never alike: every revolution of 2–4 blades repeats their differences.
    blades = int(rng.integers(2, 5))
    slap *= rng.uniform(0.75, 1, size=blades)[(turns + 0.5).astype(int) % blades]
    floor = 10 ** rng.uniform(-0.8, 0.0)
    thump = noise(rng, n, rate, rng.uniform(-9, -5), rng.uniform(30, 100), rng.uniform(200, 900))
    blade = np.cos(2 * np.pi * rng.uniform(1.5, 5) * 10 * t + 3 * wander(rng, n, rate, 3))
    wash = noise(rng, n, rate, rng.uniform(-6, -3), 150, rng.uniform(700, 4000))
    mix = (thump + rng.uniform(0, 0.5) * blade) * (floor + slap)
    mix += 10 ** rng.uniform(-0.9, 0.1) * wash * (0.7 + slap * rng.uniform(0.3, 1.5))
    for _ in range(int(rng.integers(1, 4))):
        tone = np.exp(rng.uniform(np.log(300), np.log(min(4500, 0.4 * rate))))
        whine = np.sin(2 * np.pi * tone * np.cumsum(drift) / rate + wander(rng, n, rate, 5))
        mix += 10 ** rng.uniform(-2.3, -1.1) * whine * (1 + 0.3 * wander(rng, n, rate, 8))
    travel = np.exp(rng.uniform(-0.6, 0.6) * (t / t[-1] - 0.5) * 2 + 0.1 * wander(rng, n, rate, 1))
    mix = np.tanh(mix / np.abs(mix).max() * rng.uniform(0.8, 3.5)) * travel
    return record(rng, mix, rate, rng.uniform(-70, -45), low=(15, 50))


def chainsaw(rng: Rng, n: int, rate: int) -> np.ndarray:
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
    throttle = np.clip(throttle + 0.06 * wander(rng, n, rate, 2), 0, 1)
    revs = np.maximum(60, top * (idle + (1 - idle) * throttle))
    revs = revs * (1 + 0.008 * wander(rng, n, rate, 25) + 0.01 * wander(rng, n, rate, 5))
    engine = voice(rng, revs, rate, rng.uniform(0.3, 0.9), 0.02, uneven=0.5)
    fire = 0.5 + 0.5 * np.cos(2 * np.pi * np.cumsum(revs) / rate)
    chain = noise(rng, n, rate, rng.uniform(-3, 0), 900, rng.uniform(5000, 12000))
    body = [(rng.uniform(120, 400), 200, rng.uniform(0.2, 1))]
    body += [(rng.uniform(450, 900), 400, rng.uniform(0.3, 1))]
    body += [(rng.uniform(1200, 2500), 900, rng.uniform(0.2, 1)), (4000, 3000, 0.3)]
    mix = resonate(engine, rate, body)
    mix /= np.sqrt(np.mean(mix**2))
    mix = mix * (1 + 0.2 * wander(rng, n, rate, 30))
    mix += rng.uniform(0.15, 0.7) * chain * (0.3 + fire) * (0.2 + throttle)
    mix = np.tanh(mix * rng.uniform(0.2, 0.9)) * 10 ** (rng.uniform(0.3, 1.1) * (throttle - 1))
    wet = room(rng, mix, rate, rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.3))
    return record(rng, wet, rate, rng.uniform(-60, -40), low=(25, 110))


def engine(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A motor idling at 15–45 firings a second: thumps, valves that clatter, the fan's air."""
    t = np.arange(n) / rate
    fire = between(rng, 14, 45)
    turns = np.cumsum(fire * (1 + 0.02 * wander(rng, n, rate, 2))) / rate
    cylinders = int(rng.integers(2, 5))
    strength = rng.uniform(0.6, 1, size=cylinders)[turns.astype(int) % cylinders]
    pulse = strength * np.exp(rng.uniform(2, 8) * (np.cos(2 * np.pi * turns) - 1))
    exhaust = resonate(pulse * rng.normal(1, 0.3, n), rate, [(between(rng, 60, 200), 80, 1.0)])
    exhaust += 0.4 * resonate(pulse * rng.normal(size=n), rate, [(between(rng, 200, 600), 300, 1)])
    mix = exhaust / np.sqrt(np.mean(exhaust**2))
    clatter = noise(rng, n, rate, rng.uniform(-5, -2), 300, rng.uniform(3000, 8000))
    mix += 10 ** rng.uniform(-0.8, 0) * clatter * (0.4 + pulse)
    for _ in range(int(rng.integers(1, 5))):
        tone = between(rng, 120, 1800)
        mix += 10 ** rng.uniform(-1.6, -0.8) * np.sin(
            2 * np.pi * tone * t + wander(rng, n, rate, 4)
        )
    return record(rng, mix, rate, -60, low=(15, 40))


def vacuum_cleaner(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A fast motor's whine and its harmonics in a roar of air; sometimes it is switched on."""
    seconds, t = n / rate, np.arange(n) / rate
    speed = np.ones(n)
    if rng.random() < 0.25:
        start, spin = rng.uniform(0, 0.1) * seconds, rng.uniform(0.2, 0.5)
        speed = 1 - np.exp(-np.maximum(t - start, 0) / spin)
    turns = np.cumsum(speed * (1 + 0.003 * wander(rng, n, rate, 0.7))) / rate
    base = between(rng, 200, 450)
    air = noise(rng, n, rate, rng.uniform(-2.5, -1), rng.uniform(120, 300), rng.uniform(5000, 8000))
    mix = air.copy()
    for _ in range(14):
        # Hose and case are pipes and plates: the roar has colours.
        pipe = between(rng, 250, 7000)
        mix += resonate(air, rate, [(pipe, pipe * rng.uniform(0.05, 0.2), rng.uniform(0.5, 2))])
    mix /= np.sqrt(np.mean(mix**2))
    fan = int(rng.integers(7, 13))
    for order, level in ((1, -0.3), (2, -0.5), (3, -0.8), (4, -1.0), (5, -1.2), (fan, -0.6)):
        whine = np.sin(2 * np.pi * (base * order * turns + 0.1 * wander(rng, n, rate, 3)))
        if base * order < 0.45 * rate:
            mix += 10 ** (level + rng.uniform(-0.4, 0.3)) * whine
    return record(rng, mix * speed**2 + 0.001, rate, -55, low=(80, 200))
