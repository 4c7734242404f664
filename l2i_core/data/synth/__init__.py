"""Seeded synthetic recordings of ESC-10's classes and of others of ESC-50: demos, training, tests.

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

from l2i_core.data.synth import impacts, machines, nature, signals, voices
from l2i_core.data.synth.blocks import Rng

# fmt: off
LABELS: tuple[str, ...] = (
    "dog", "rain", "sea_waves", "crying_baby", "clock_tick",
    "sneezing", "helicopter", "chainsaw", "rooster", "crackling_fire",
)
# Of ESC-50's other classes; no model is trained on them.
OTHER_LABELS: tuple[str, ...] = (
    "siren", "car_horn", "church_bells", "clock_alarm", "keyboard_typing", "footsteps",
    "wind", "water_drops", "laughing", "engine", "mouse_click", "door_wood_knock",
    "clapping", "crickets", "thunderstorm", "vacuum_cleaner", "crow",
)
# fmt: on
# A label's place decides its random stream: append, never reorder.
ALL_LABELS = LABELS + OTHER_LABELS
FIRST_DEMO_SEED = 1_000_000
# Chosen among the first of each class: two clear examples that differ from one another, and one
# of each other class.
# fmt: off
_DEMOS: tuple[tuple[int, ...], ...] = (
    (3, 4), (2, 4), (1, 2), (2, 3), (2, 1), (2, 4), (1, 2), (2, 3), (1, 5), (2, 4),
    (10,), (8,), (15,), (16,), (6,), (2,), (39,), (2,), (45,), (1,), (1,), (59,),
    (37,), (6,), (4,), (9,), (16,),
)
# fmt: on
DEMO_SEEDS: dict[str, tuple[int, ...]] = {
    label: tuple(FIRST_DEMO_SEED + seed for seed in seeds)
    for label, seeds in zip(ALL_LABELS, _DEMOS, strict=True)
}

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
    Raises ValueError for a label that is not of `ALL_LABELS`, a negative seed, a sample rate
    outside 8000–96000 Hz or a duration outside 0.1–120 s.
    """
    _check(label, seed, sample_rate, duration)
    n = round(duration * sample_rate)
    rng = np.random.default_rng(np.random.SeedSequence([ALL_LABELS.index(label), seed]))
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
    if label not in ALL_LABELS:
        raise ValueError(f"no class is named {label!r}; choose one of {', '.join(ALL_LABELS)}.")
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


_Generator = Callable[[Rng, int, int], np.ndarray]
# fmt: off
_ALL: tuple[_Generator, ...] = (
    voices.dog, nature.rain, nature.sea_waves, voices.crying_baby, machines.clock_tick,
    voices.sneezing, machines.helicopter, machines.chainsaw, voices.rooster, nature.crackling_fire,
    signals.siren, signals.car_horn, signals.church_bells, signals.clock_alarm,
    impacts.keyboard_typing, impacts.footsteps, nature.wind, nature.water_drops,
    voices.laughing, machines.engine, impacts.mouse_click, impacts.door_wood_knock,
    impacts.clapping, nature.crickets, nature.thunderstorm, machines.vacuum_cleaner, voices.crow,
)
# fmt: on
_GENERATORS = dict(zip(ALL_LABELS, _ALL, strict=True))
# Where recordings of a class are usually quieter or louder than most.
_PEAKS = {
    "clock_tick": (0.15, 0.6),
    "rooster": (0.5, 0.95),
    "rain": (0.5, 0.95),
    "clock_alarm": (0.15, 0.8),
    "keyboard_typing": (0.15, 0.6),
    "footsteps": (0.25, 0.9),
    "wind": (0.25, 0.75),
    "water_drops": (0.1, 0.6),
    "engine": (0.2, 0.9),
    "mouse_click": (0.1, 0.45),
    "crickets": (0.06, 0.35),
    "crow": (0.25, 0.85),
}
