"""Hands, feet and fingers: short blows on wood, plastic, ground and skin, and their rhythm."""

from __future__ import annotations

import numpy as np
from scipy import signal

from l2i_core.data.synth.blocks import (
    Rng,
    add,
    between,
    clicks,
    noise,
    ramp,
    record,
    resonate,
    room,
    silence,
    struck,
    wander,
)


def keyboard_typing(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Key strokes in bursts of words: a click as the key goes down, a softer one as it comes up."""
    seconds, pace = n / rate, between(rng, 0.09, 0.19)
    m = int(0.08 * rate)
    clock = np.arange(m) / rate
    thump, centre = rng.uniform(0.1, 0.7), between(rng, 1500, 3500)
    decay, bright = rng.uniform(0.006, 0.018), rng.uniform(0.2, 0.6)
    dry, at, left = np.zeros(n), rng.uniform(0, 0.1) * min(seconds, 3), int(rng.integers(4, 20))
    while at < seconds:
        # Every key sits differently in the frame: no two ring alike.
        peaks = [(centre * rng.lognormal(0, 0.3), 1200, 1.0), (between(rng, 500, 1200), 500, 0.5)]
        peaks += [(between(rng, 4000, 7000), 2500, bright)]
        level = rng.lognormal(0, 0.4)
        for when, share in ((at, 1.0), (at + rng.uniform(0.05, 0.12), rng.uniform(0.2, 0.7))):
            shape = np.exp(-clock / (decay * rng.lognormal(0, 0.3)))
            click = resonate(rng.normal(size=m) * shape, rate, peaks)
            case = between(rng, 120, 300)
            knock = np.sin(2 * np.pi * case * clock) * np.exp(-clock / 0.012)
            sound = (click + thump * share * knock) * ramp(m, rate, 0.001)
            add(dry, sound * level * share, int(when * rate))
        at += pace * rng.lognormal(0, 0.3)
        left -= 1
        if left == 0:
            at, left = at + rng.exponential(0.25), int(rng.integers(4, 20))
    wet = room(rng, dry, rate, rng.uniform(0.08, 0.35), rng.uniform(0.05, 0.3))
    wet += 10 ** rng.uniform(-2.2, -1.2) * np.abs(wet).max() * noise(rng, n, rate, -9, 15, 150)
    return record(rng, wet, rate, rng.uniform(-52, -34), low=(12, 60))


def mouse_click(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A button's switch going down and up, a few times; nothing rings on."""
    seconds, stop = n / rate, 0.0
    m = int(0.03 * rate)
    tones = np.exp(rng.uniform(np.log(1200), np.log(7500), 9))
    tones = np.append(tones, between(rng, 250, 700))
    decays = np.append(rng.uniform(0.0008, 0.004, 9), 0.006)
    dry, at = np.zeros(n), rng.uniform(0.01, 0.1) * min(seconds, 3)
    for _ in range(int(rng.integers(2, 9))):
        for at_once in (at, at + rng.uniform(0.07, 0.16)):
            weights = rng.lognormal(0, 0.6, tones.size)
            sound = struck(rng, m, rate, tones, decays, weights)
            sound += rng.normal(size=m) * np.exp(-np.arange(m) / (0.0015 * rate)) * 2
            add(dry, sound * rng.uniform(0.4, 1), int(at_once * rate))
            stop = at_once
        at += rng.uniform(0.2, 0.35) if rng.random() < 0.5 else rng.uniform(0.4, 0.9)
        if at > seconds - 0.2:
            break
    wet = room(rng, dry, rate, rng.uniform(0.05, 0.3), rng.uniform(0.02, 0.2))
    out = record(rng, wet, rate, rng.uniform(-62, -36))
    return silence(out, rate, stop + rng.uniform(0.05, 0.4)) if rng.random() < 0.6 else out


def door_wood_knock(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Knuckles on a door: three to eight knocks in a row, low wooden modes that die at once."""
    seconds, stop = n / rate, 0.0
    m = int(0.25 * rate)
    low = between(rng, 90, 220)
    tones = low * np.concatenate([[1], np.sort(rng.uniform(1.4, 14, 14))])
    decays = rng.uniform(0.012, 0.035) * (tones / low) ** -rng.uniform(0.3, 0.7)
    weights = rng.lognormal(0, 0.5, tones.size) * (tones / low) ** -rng.uniform(0.2, 0.8)
    pace, count = between(rng, 0.13, 0.4), int(rng.integers(3, 9))
    dry, at = np.zeros(n), rng.uniform(0.01, 0.12) * min(seconds, 4)
    again = rng.random() < 0.35
    left = count
    while at < seconds - 0.05:
        knuckle = noise(rng, m, rate, -3, 200, 5000) * np.exp(-np.arange(m) / (0.004 * rate))
        sound = struck(rng, m, rate, tones, decays, weights * rng.lognormal(0, 0.15, tones.size))
        sound += rng.uniform(0.3, 1.0) * knuckle * np.abs(weights).sum() / 3
        add(dry, sound * rng.uniform(0.6, 1), int(at * rate))
        stop, left = at, left - 1
        at += pace * rng.normal(1, 0.06)
        if left == 0:
            if not again:
                break
            at, left = at + rng.uniform(0.4, 1.2), count
    wet = room(rng, dry, rate, rng.uniform(0.15, 0.7), rng.uniform(0.05, 0.4))
    out = record(rng, wet, rate, rng.uniform(-70, -42))
    return silence(out, rate, stop + rng.uniform(0.3, 1.2)) if rng.random() < 0.6 else out


def footsteps(rng: Rng, n: int, rate: int) -> np.ndarray:
    """A walk at 1.5–2.4 steps a second: heel, then sole, on a floor, on gravel or in snow."""
    seconds, pace = n / rate, between(rng, 0.42, 0.68)
    loose = rng.random() < 0.6  # gravel, leaves or snow
    m = int(0.4 * rate)
    clock = np.arange(m) / rate
    thud = np.array([between(rng, 60, 130), between(rng, 150, 300), between(rng, 350, 700)])
    tilt, edge = rng.uniform(-6, -3), between(rng, 2500, 7000)
    dry, at, step = np.zeros(n), rng.uniform(0.02, 0.8) * min(pace, 0.5 * seconds), 0
    roll, sole = rng.uniform(0.06, 0.14), rng.uniform(0.2, 0.7) if loose else rng.uniform(0.05, 0.3)
    while at < seconds:
        level = rng.uniform(0.6, 1) * (0.85 if step % 2 else 1)
        for delay, share in ((0.0, 1.0), (roll * rng.lognormal(0, 0.1), sole)):
            length = rng.uniform(0.03, 0.07) if loose else rng.uniform(0.006, 0.02)
            scrape = noise(rng, m, rate, tilt, 100, edge) * np.exp(-clock / length)
            if loose:
                grit = clicks(rng, m, rate, 150, (900, 6000), (0.0005, 0.003), 1.0)
                scrape = scrape * ramp(m, rate, 0.02) + 0.5 * grit * np.exp(-clock / length)
            blow = struck(
                rng, m, rate, thud, np.array([0.03, 0.02, 0.012]), np.array([1, 0.8, 0.5])
            )
            sound = scrape + (0.4 if loose else 0.8) * blow
            add(dry, sound * share * level, int((at + delay) * rate))
        at, step = at + pace * rng.normal(1, 0.05), step + 1
    wet = room(rng, dry, rate, rng.uniform(0.15, 0.6), rng.uniform(0.05, 0.25))
    wet += 10 ** rng.uniform(-2.0, -1.2) * np.abs(wet).max() * noise(rng, n, rate, -9, 15, 150)
    return record(rng, wet, rate, rng.uniform(-50, -35), low=(12, 60))


def clapping(rng: Rng, n: int, rate: int) -> np.ndarray:
    """An audience's applause, each at an own pace, or a few people who clap together."""
    seconds = n / rate
    crowd = rng.random() < 0.6
    people = int(between(rng, 15, 60)) if crowd else int(rng.integers(2, 7))
    shared, error = rng.uniform(0.24, 0.45), 0.05 if crowd else 0.03
    dry, m = np.zeros(n), int(0.15 * rate)
    clock = np.arange(m) / rate
    for _ in range(people):
        pace = rng.uniform(0.19, 0.36) if crowd else shared
        palm, width = between(rng, 600, 1600), rng.uniform(500, 1300)
        length = rng.uniform(0.004, 0.012) if crowd else rng.uniform(0.01, 0.03)
        clap = noise(rng, m, rate, 0, 50, 7000) * np.exp(-clock / length)
        clap = resonate(clap, rate, [(palm, width, 1), (palm * 2.3, 2 * width, 0.5)]) + 0.08 * clap
        level = rng.lognormal(0, 0.7)
        first = rng.uniform(0, pace) if crowd else rng.uniform(0, 0.04)
        for beat in range(int((seconds - first) / pace) + 1):
            at = first + pace * (beat + error * rng.normal())
            add(dry, clap * level * rng.uniform(0.6, 1), int(at * rate))
    if crowd:
        far = noise(rng, n, rate, -3, 400, 3000) * (1 + 0.1 * wander(rng, n, rate, 5))
        dry += rng.uniform(0.2, 0.7) * np.sqrt(np.mean(dry**2)) * far
        # What comes from the back of a hall has lost its treble.
        edge = min(between(rng, 2000, 4000), 0.4 * rate)
        dry = signal.sosfilt(signal.butter(3, edge, fs=rate, output="sos"), dry)
        dry *= np.exp(0.4 * wander(rng, n, rate, 0.2))
    wet = room(rng, dry, rate, rng.uniform(0.5, 1.4), rng.uniform(0.3, 0.8))
    return record(rng, wet, rate, rng.uniform(-55, -35))
