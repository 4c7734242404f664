"""Animals and people: a harmonic source through formants."""

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
    voice,
    wander,
)


def dog(rng: Rng, n: int, rate: int) -> np.ndarray:
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
        source = voice(rng, contour, rate, slope, rough) + breath * rng.normal(size=m)
        peaks = [(throat, 260, 1), (throat * rng.uniform(1.7, 2.3), 400, 0.4), (3300, 900, 0.06)]
        body = np.tanh(resonate(source, rate, peaks)) * t**0.2 * np.exp(-fall * t) * (1 - t)
        add(dry, body * rng.uniform(0.35, 1) * ramp(m, rate, 0.008), int(at * rate))
        stop = at + m / rate
        at += max(gap * rng.lognormal(0, 0.35), 1.05 * m / rate)
    wet = room(rng, dry, rate, rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.4))
    out = record(rng, wet, rate, rng.uniform(-75, -38))
    return silence(out, rate, stop + rng.uniform(0.1, 1.2)) if alone else out


def crying_baby(rng: Rng, n: int, rate: int) -> np.ndarray:
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
        shake = 1 + 0.015 * np.sin(2 * np.pi * vibrato * clock) + 0.02 * wander(rng, m, rate, 3)
        source = voice(rng, pitch * rng.normal(1, 0.04) * arch * shake, rate, slope, 0.006)
        # Strained ends of a wail turn hoarse: noise and a slow beat in the voice.
        strain = rough * np.clip(wander(rng, m, rate, 2) + t, 0, 1)
        source = source * (1 - 0.6 * strain) + (0.05 + 0.7 * strain) * rng.normal(size=m)
        shape = np.minimum(1, t / 0.12) ** 0.7 * np.minimum(1, (1 - t) / 0.18)
        shape *= 1 + 0.25 * wander(rng, m, rate, 4)
        add(dry, resonate(source, rate, mouth) * shape * rng.uniform(0.6, 1), int(at * rate))
        at += m / rate + rng.uniform(0.02, 0.12)
        k = int(rate * rng.uniform(0.12, 0.35))
        gasp = resonate(rng.normal(size=k), rate, [(1700, 900, 1), (4200, 2000, 0.8)])
        add(dry, gasp * np.hanning(k) * rng.uniform(0.02, 0.15), int(at * rate))
        at += k / rate + pause * rng.uniform(0.5, 1.5)
    wet = room(rng, dry, rate, rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.3))
    return record(rng, wet, rate, rng.uniform(-75, -42))


def sneezing(rng: Rng, n: int, rate: int) -> np.ndarray:
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
        ah = voice(rng, pitch * (0.8 + 0.4 * t), rate, 1, 0.02) * min(1, voiced)
        ah = resonate(ah + rng.normal(size=m), rate, [(850 * throat, 300, 1), (1600, 600, 0.5)])
        add(dry, ah * np.sin(np.pi * t**1.5) ** 2 * 10 ** rng.uniform(-1.4, -0.1), int(at * rate))
        at += m / rate + rng.uniform(-0.08, 0.12) * min(seconds, 1)
        m = int(rate * rng.uniform(0.35, 0.8))
        clock, decay = np.arange(m) / rate, rng.uniform(0.04, 0.13)
        fall = pitch * (0.55 + 0.9 * np.exp(-clock / 0.12))
        source = voiced * voice(rng, fall, rate, 0.8, 0.03) + rng.normal(size=m)
        peaks = [(700 * throat, 350, 1), (1500 * throat, 500, 0.8), (2900 * throat, 900, 0.4)]
        choo = 1.5 * resonate(source, rate, peaks)
        # "t-shoo": the hiss between the teeth leads and the vowel follows.
        teeth = resonate(rng.normal(size=m), rate, [(4200, 2500, 0.5), (8000, 5000, 0.5)])
        choo += hiss * teeth * np.exp(-clock / (decay * rng.uniform(0.5, 2)))
        hold = np.exp(-np.maximum(clock - rng.uniform(0.05, 0.3), 0) / decay)
        add(dry, np.tanh(choo) * hold * ramp(m, rate, rng.uniform(0.003, 0.03)), int(at * rate))
        stop = at + 5 * decay + 0.15
    wet = room(rng, dry, rate, rng.uniform(0.15, 0.8), rng.uniform(0.05, 0.35))
    out = record(rng, wet, rate, rng.uniform(-82, -55))
    return silence(out, rate, stop + rng.uniform(0.05, 1.6)) if rng.random() < 0.8 else out


def rooster(rng: Rng, n: int, rate: int) -> np.ndarray:
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
        tune *= 1 + bow * late * (1 - late) + 0.006 * wander(rng, t.size, rate, 12)
        source = voice(rng, pitch * tune, rate, slope, 0.004) + breath * rng.normal(size=t.size)
        flutter = 1 + 0.2 * wander(rng, t.size, rate, 15)
        add(dry, resonate(source, rate, beak) * volume * flutter, int(at * rate))
        stop = at + total
    wet = room(rng, dry, rate, rng.uniform(0.15, 1.0), rng.uniform(0.05, 0.4))
    out = record(rng, wet, rate, rng.uniform(-75, -36))
    return silence(out, rate, stop + rng.uniform(0.05, 0.4)) if padded else out


def laughing(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Ha-ha-ha: voiced syllables four to six a second, each after a breathy h; a gasp between."""
    seconds, stop = n / rate, 0.0
    pitch = between(rng, 170, 420)
    size = rng.uniform(0.9, 1.25) * (pitch / 260) ** 0.3
    mouth = [(820 * size, 160, 1.0), (1350 * size, 220, 0.7), (2800 * size, 350, 0.35)]
    mouth += [(3900 * size, 500, 0.2), (pitch * 1.05, 150, 0.3)]
    pace, voiced, slope = rng.uniform(0.15, 0.24), rng.uniform(0.45, 0.7), rng.uniform(0.5, 1.0)
    breathy = rng.uniform(0.6, 1.6)
    dry, at = np.zeros(n), rng.uniform(0, 0.05) * min(seconds, 4)
    padded = rng.random() < 0.3
    last = seconds * (rng.uniform(0.5, 0.9) if padded else 1)
    while at < max(last - 0.1, 0.02):
        count = int(rng.integers(4, 12))
        top = rng.uniform(1.1, 1.5)
        for syllable in range(count):
            through = syllable / count
            m = int(rate * pace * rng.normal(1, 0.06))
            t = np.linspace(0, 1, m)
            arch = 1 + 0.25 * np.sin(np.pi * np.clip(t / voiced, 0, 1)) - 0.1 * t
            tune = pitch * top ** (1 - through) * rng.normal(1, 0.05) * arch
            glottis = voice(rng, tune, rate, slope, 0.015)
            glottis *= np.sin(np.pi * np.clip((t - 0.12) / voiced, 0, 1)) ** 0.7
            breath = noise(rng, m, rate, 0, 100, 7000)
            breath *= 0.15 + 0.4 * np.exp(-(((t - 0.05) / 0.12) ** 2))
            breath *= np.minimum(1, (1 - t) / 0.2)
            sound = resonate(glottis + breathy * breath, rate, mouth)
            add(dry, sound * (1 - 0.6 * through) * rng.uniform(0.7, 1), int(at * rate))
            at += m / rate
            stop = at
            if at > last:
                break
        k = int(rate * rng.uniform(0.2, 0.5))
        gasp = noise(rng, k, rate, 0, 100, 7000)
        gasp = resonate(gasp, rate, [(1500, 700, 1), (3200, 1500, 0.6)])
        if rng.random() < 0.5:
            rising = pitch * (1.3 + 0.5 * np.linspace(0, 1, k))
            gasp = gasp + resonate(voice(rng, rising, rate, 1, 0.02), rate, mouth)
        add(dry, gasp * np.hanning(k) * rng.uniform(0.05, 0.25), int(at * rate))
        at += k / rate + rng.uniform(0, 0.3)
    wet = room(rng, dry, rate, rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.3))
    out = record(rng, wet, rate, rng.uniform(-65, -42))
    return silence(out, rate, stop + rng.uniform(0.1, 0.6)) if padded else out


def crow(rng: Rng, n: int, rate: int) -> np.ndarray:
    """Caws: hoarse and nasal, a third to half a second long, in a row, outdoors."""
    seconds, stop = n / rate, 0.0
    pitch, length = between(rng, 320, 520), rng.uniform(0.3, 0.6)
    throat = [(between(rng, 1200, 1700), 250, 1.0), (between(rng, 1700, 2300), 350, 0.6)]
    rough, gap = rng.uniform(0.4, 1.0), rng.uniform(0.1, 0.6)
    nasal = signal.butter(2, [600, min(3500, 0.4 * rate)], "bandpass", fs=rate, output="sos")
    dry, at = np.zeros(n), rng.uniform(0.02, 0.2) * min(seconds, 3)
    padded = rng.random() < 0.4
    last = seconds * (rng.uniform(0.3, 0.7) if padded else 1)
    while at < max(last - 0.05, 0.04):
        m = int(rate * length * rng.lognormal(0, 0.1))
        t = np.linspace(0, 1, m)
        tune = pitch * rng.normal(1, 0.03) * (1.05 - 0.2 * t**2 + 0.1 * np.sin(np.pi * t))
        # Half the pitch creeps in and noise rides on it: the caw's rasp.
        source = voice(rng, tune, rate, 0.3, 0.05) + rough * voice(rng, tune / 2, rate, 0.3, 0.08)
        source = source * (1 + rough * wander(rng, m, rate, 60)) + 2 * rough * noise(
            rng, m, rate, 0, 100, 7000
        )
        body = signal.sosfilt(nasal, np.tanh(resonate(source, rate, throat)))
        body *= np.minimum(1, t / 0.1) * np.minimum(1, (1 - t) / 0.2)
        add(dry, body * rng.uniform(0.7, 1), int(at * rate))
        stop = at + m / rate
        at = stop + gap * rng.lognormal(0, 0.2)
    wet = room(rng, dry, rate, rng.uniform(0.4, 1.5), rng.uniform(0.1, 0.4))
    wet /= np.abs(wet).max()
    air = noise(rng, n, rate, rng.uniform(-8, -5), 20, 6000)
    out = record(rng, wet + 10 ** rng.uniform(-1.6, -0.9) * air, rate, -60)
    return silence(out, rate, stop + rng.uniform(0.1, 0.5)) if padded else out
