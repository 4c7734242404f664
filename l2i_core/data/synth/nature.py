"""Water, fire and wind: shaped noise and many small events."""

from __future__ import annotations

import numpy as np

from l2i_core.data.synth.blocks import (
    Rng,
    add,
    between,
    clicks,
    noise,
    record,
    room,
    silence,
    wander,
)


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


def wind(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Gusts: as the wind rises it grows louder, and howls higher where it meets an edge."""
    gust = 0.7 * wander(rng, n, rate, 0.25) + 0.3 * wander(rng, n, rate, 1.0)
    strength = rng.uniform(0.2, 0.6)
    body = noise(rng, n, rate, rng.uniform(-9, -5), rng.uniform(20, 60), rng.uniform(800, 4000))
    mix = body * np.exp(strength * gust)
    # The microphone itself is buffeted.
    buffet = noise(rng, n, rate, -9, 15, 150) * np.exp(0.5 * wander(rng, n, rate, 4))
    mix += 10 ** rng.uniform(-0.5, 0.4) * buffet * np.exp(strength * gust)
    for _ in range(int(rng.integers(1, 4))):
        # An edge tone's frequency goes with the wind's speed.
        tone = between(rng, 200, 1000) * np.exp(0.25 * strength * gust)
        breath = rng.uniform(8, 40)
        narrow = wander(rng, n, rate, breath) + 1j * wander(rng, n, rate, breath)
        howl = (narrow * np.exp(2j * np.pi * np.cumsum(tone) / rate)).real
        mix += 10 ** rng.uniform(-1.3, -0.2) * howl * np.exp(2 * strength * gust)
    return record(rng, mix, rate, -65, low=(15, 60))


def water_drops(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Drops that fall into water at a steady pace: a tick, then bubbles whose pitch rises."""
    seconds, stop = n / rate, 0.0
    pace, uneven = between(rng, 0.4, 1.4), rng.uniform(0.02, 0.25)
    tone, m = between(rng, 400, 1100), int(0.25 * rate)
    clock = np.arange(m) / rate
    dry, at = np.zeros(n), rng.uniform(0.02, 0.3) * min(seconds, 2)
    padded = rng.random() < 0.4
    last = seconds * (rng.uniform(0.3, 0.8) if padded else 1)
    while at < max(last, 0.06):
        level = rng.uniform(0.5, 1)
        tick = rng.normal(size=m) * np.exp(-clock / 0.0015)
        add(dry, level * rng.uniform(0.02, 0.2) * tick, int(at * rate))
        when = at
        for _ in range(int(rng.integers(1, 4))):
            # A bubble sounds higher as it shrinks and nears the surface.
            when += rng.uniform(0.004, 0.05)
            pitch = tone * rng.lognormal(0, 0.3) * np.exp(rng.uniform(1, 9) * clock)
            bubble = np.sin(2 * np.pi * np.cumsum(np.minimum(pitch, 0.45 * rate)) / rate)
            bubble *= np.exp(-clock / between(rng, 0.01, 0.05)) * np.minimum(1, clock / 0.004)
            add(dry, level * rng.uniform(0.3, 1) * bubble, int(when * rate))
        stop = at
        at += pace * rng.lognormal(0, uneven)
    wet = room(rng, dry, rate, rng.uniform(0.2, 1.2), rng.uniform(0.05, 0.4))
    out = record(rng, wet, rate, rng.uniform(-68, -45))
    return silence(out, rate, stop + rng.uniform(0.3, 0.8)) if padded else out


def crickets(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Wings that scrape at 3–6 kHz: chirps of a few pulses, or an endless trill, in the night."""
    t = np.arange(n) / rate
    mix = np.zeros(n)
    for _ in range(int(rng.integers(1, 5))):
        tone = min(between(rng, 2800, 5800), 0.42 * rate)
        carrier = np.sin(2 * np.pi * tone * t + 2 * wander(rng, n, rate, 20))
        pulse = rng.uniform(18, 70)
        pulses = np.maximum(0, np.sin(2 * np.pi * pulse * t + rng.uniform(0, 6))) ** 1.5
        if rng.random() < 0.5:
            chirps = rng.uniform(0.8, 3.5)
            turn = (t * chirps + rng.random() + 0.1 * wander(rng, n, rate, 0.5)) % 1
            share = rng.uniform(0.2, 0.6)
            pulses *= np.clip((share - np.abs(turn - 0.5) * 2) * 30, 0, 1)
        mix += between(rng, 0.15, 1) * carrier * pulses * np.exp(0.2 * wander(rng, n, rate, 0.5))
    choir = noise(rng, n, rate, 0, 3500, 5500)
    mix += 10 ** rng.uniform(-1.8, -0.6) * choir * (1 + 0.2 * wander(rng, n, rate, 8))
    night = noise(rng, n, rate, rng.uniform(-6, -2), 40, 8000)
    mix += 10 ** rng.uniform(-1.8, -0.8) * night
    return record(rng, mix, rate, -60)


def thunderstorm(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A crack, then a rumble that rolls on as the sound of farther parts of the bolt comes in."""
    seconds, t = n / rate, np.arange(n) / rate
    mix, at = np.zeros(n), rng.uniform(0, 0.2) * min(seconds, 5)
    for _ in range(int(rng.integers(1, 4))):
        since = t - at
        fall = np.exp(-np.maximum(since, 0) / rng.uniform(1.2, 3.5)) * (since > 0)
        fall *= np.minimum(1, np.maximum(since, 0) / between(rng, 0.01, 0.4))
        roll = np.exp(0.7 * wander(rng, n, rate, 3) + 0.4 * wander(rng, n, rate, 9))
        mix += noise(rng, n, rate, rng.uniform(-8, -5), 25, rng.uniform(200, 1500)) * fall * roll
        crack = fall**2 * np.exp(0.8 * wander(rng, n, rate, 15))
        mix += 10 ** rng.uniform(-1.5, -0.5) * noise(rng, n, rate, -5, 60, 3000) * crack
        at += rng.uniform(1, 3)
    drops = noise(rng, n, rate, rng.uniform(-4, -1), 200, 6000)
    mix += 10 ** rng.uniform(-3.2, -2.0) * np.abs(mix).max() * drops
    return record(rng, mix, rate, -65, low=(12, 30))
