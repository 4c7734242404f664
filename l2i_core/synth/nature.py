"""Water, fire and wind: shaped noise and many small events."""

from __future__ import annotations

import numpy as np

from l2i_core.synth.blocks import Rng, clicks, noise, record, wander


def rain(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A steady hiss of far drops, thousands of near ones, often a roof's or a road's rumble."""
    seconds = n / rate
    hiss = noise(rng, n, rate, rng.uniform(-6, 0), rng.uniform(25, 350), rng.uniform(5000, 15000))
    count = int(seconds * np.exp(rng.uniform(np.log(200), np.log(1500))))
    centre = np.exp(rng.uniform(np.log(1200), np.log(6000)))
    drops = clicks(rng, n, rate, count, (centre * 0.4, centre * 2), (0.0004, 0.002), 0.7)
    heavy = int(seconds * np.exp(rng.uniform(np.log(3), np.log(60))))
    splashes = clicks(rng, n, rate, heavy, (centre * 0.1, centre * 3), (0.0004, 0.005), 0.9)
    mix = hiss * (1 + 0.12 * wander(rng, n, rate, 0.5))
    mix += rng.uniform(0.1, 1.0) * drops + rng.uniform(0.02, 0.5) * splashes
    if rng.random() < 0.6:
        mix += 10 ** rng.uniform(-0.7, 0.5) * noise(rng, n, rate, -9, 20, rng.uniform(60, 400))
    return record(rng, mix, rate, -70, low=(15, 60))


def sea_waves(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Swells every 4–11 s: as a wave breaks it grows louder and brighter, then foam fizzes out."""
    t = np.arange(n) / rate
    period, depth, steep = rng.uniform(4, 11), rng.uniform(0.15, 0.8), rng.uniform(0.5, 2.0)
    phase = t / period + rng.random() + 0.15 * wander(rng, n, rate, 0.15)
    ripple = 0.1 * wander(rng, n, rate, 0.4) + 0.06 * wander(rng, n, rate, 2.5)
    lag = rng.uniform(0, 0.1)
    swell, after = (
        depth * (0.5 - 0.5 * np.cos(2 * np.pi * (turn % 1) ** steep)) + ripple
        for turn in (phase, phase - lag)
    )
    tilt, edge = rng.uniform(-7, -3.5), rng.uniform(1700, 5000)
    surge = noise(rng, n, rate, tilt, rng.uniform(60, 350), edge)
    foam = noise(rng, n, rate, tilt / 2, 700, edge * 2)
    mix = surge * 10**swell + rng.uniform(0.05, 0.6) * foam * 10 ** (1.4 * after)
    if rng.random() < 0.35:
        mix += 10 ** rng.uniform(-0.3, 0.8) * noise(rng, n, rate, -9, 20, 120)
    return record(rng, mix, rate, -65, low=(15, 80))


def crackling_fire(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Wood cracks in clusters of very unequal strengths over a low flutter of flames and a hiss."""
    seconds = n / rate
    count = max(3, int(seconds * np.exp(rng.uniform(np.log(4), np.log(150)))))
    bright = np.exp(rng.uniform(np.log(1500), np.log(6000)))
    tones = (bright * 0.6, bright * 4)
    cracks = clicks(rng, n, rate, count, tones, (0.00006, 0.0009), 1.3, bursts=0.6)
    pops = clicks(rng, n, rate, max(1, count // 8), (250, 1500), (0.001, 0.006), 1.1, bursts=0.6)
    mix = cracks + rng.uniform(0.1, 0.8) * pops
    mix /= np.abs(mix).max()
    flames = noise(rng, n, rate, rng.uniform(-10, -3), rng.uniform(15, 60), rng.uniform(80, 600))
    flicker = np.exp(0.35 * wander(rng, n, rate, 7) + 0.15 * wander(rng, n, rate, 1))
    mix += 10 ** (rng.uniform(-52, -14) / 20) * flames * flicker
    hiss = noise(rng, n, rate, rng.uniform(-4, 1), 300, 16000)
    mix += 10 ** (rng.uniform(-64, -32) / 20) * hiss * (1 + 0.15 * wander(rng, n, rate, 4))
    return record(rng, mix, rate, -70, low=(10, 40))
