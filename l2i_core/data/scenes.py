"""Sounds placed on a time line, with the truth kept: each source's stem beside the mixture.

`arrange` serves the scene maker of the app and `pipelines.make_scenes`, whose classes, background
and draws are here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2i_core.data.sets import KINDS, Kind
from l2i_core.data.sonyc import sonyc

SECONDS = 10.0
SILENT_DB = 40.0  # what lies this far below a sound's loudest frame is not part of it
LEVEL_RMS = 10 ** (-26 / 20)  # what a level of 0 dB means before the mixture is brought under 1
PEAK = 0.9
FADE_SECONDS = 0.01

# The eight classes of our scenes, of ESC-50's categories.
CLASSES: dict[str, tuple[str, ...]] = {
    "engine": ("engine", "train", "airplane", "helicopter"),
    "impact": ("door_wood_knock", "glass_breaking", "fireworks", "footsteps"),
    "powered_saw": ("chainsaw",),
    "alert_signal": ("siren", "car_horn", "church_bells", "clock_alarm"),
    "human_voice": ("crying_baby", "laughing", "coughing", "sneezing"),
    "dog": ("dog",),
    "birds": ("chirping_birds", "rooster", "crow", "hen"),
    "farm_animal": ("cow", "sheep", "pig", "cat"),
}
BACKGROUNDS = ("wind", "rain", "sea_waves", "crickets")


@dataclass(frozen=True, slots=True)
class Placed:
    """A sound (n,) at a scene's rate; onset in seconds; level in dB, of its `active_level`."""

    sound: np.ndarray
    onset: float
    level_db: float


@dataclass(frozen=True, slots=True)
class Arrangement:
    """mixture (n,) = the sum of stems (S, n), float32, the mixture within ±PEAK; the stems, which
    may cancel in it, within ±1. One gain was used."""

    mixture: np.ndarray
    stems: np.ndarray


def active_level(sound: np.ndarray) -> float:
    """RMS of a sound (n,) over its frames within 40 dB of its loudest; 0 for silence.

    A bark followed by silence is as loud as the bark.
    """
    if not np.any(sound):
        return 0.0
    frame = min(1024, len(sound))
    whole = len(sound) // frame * frame
    power = np.mean(sound[:whole].astype(float).reshape(-1, frame).T ** 2, axis=0)
    if not power.any():  # all that sounds is in the rest, which fills no frame
        return float(np.sqrt(np.mean(sound[whole:].astype(float) ** 2)))
    heard = power[power >= power.max() * 10 ** (-SILENT_DB / 10)]
    return float(np.sqrt(heard.mean()))


def trim(sound: np.ndarray) -> np.ndarray:
    """A sound (n,) without the silence before and after it: (n′ ≤ n,), as librosa.effects.trim."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, 512), 1024)[::256]
    power = np.maximum(np.mean(np.square(frames, dtype=float), axis=1), 1e-10)
    heard = np.flatnonzero(power > power.max() * 10 ** (-SILENT_DB / 10))
    return sound[256 * heard[0] : 256 * (heard[-1] + 1)]


def excerpt(sound: np.ndarray, length: int, share: float) -> np.ndarray:
    """`length` samples of a sound (n,), or all of it where it is shorter: of the stretches that
    are at most 6 dB below the loudest (RMS; a bark, not the pause after it) the one at `share`, a
    number in [0, 1), of their order in time."""
    if len(sound) <= length:
        return sound
    starts = np.linspace(0, len(sound) - length, 41).astype(int)
    energy = np.concatenate([[0.0], np.cumsum(sound.astype(float) ** 2)])
    power = energy[starts + length] - energy[starts]
    loud = starts[power >= power.max() / 4]
    start = loud[int(share * len(loud))]
    return sound[start : start + length]


def arrange(parts: Sequence[Placed], seconds: float, sample_rate: int) -> Arrangement:
    """Place sounds on a time line of `seconds`; what reaches past its end is cut.

    Each has 10 ms fades at its edges and is brought to its level; then one gain for all keeps the
    mixture within ±0.9 and every stem within ±1. Raises ValueError for no sound, a silent one,
    levels that are not numbers, and an onset outside the scene.
    """
    length = round(seconds * sample_rate)
    if not parts:
        raise ValueError("a scene needs at least one sound; place one.")
    stems = np.zeros((len(parts), length))
    for number, (stem, part) in enumerate(zip(stems, parts, strict=True), start=1):
        if not 0 <= part.onset < seconds:
            raise ValueError(
                f"sound {number} starts at {part.onset:g} s, outside the scene of {seconds:g} s; "
                f"give an onset from 0 to below {seconds:g}."
            )
        if not abs(part.level_db) <= 120:
            raise ValueError(
                f"the level of sound {number} must lie between −120 and 120 dB, received "
                f"{part.level_db:g}."
            )
        start = round(part.onset * sample_rate)
        used = np.asarray(part.sound, dtype=float)[: length - start]
        faded = _faded(used, sample_rate)
        if not faded.any():
            raise ValueError(f"sound {number} is silent where it is placed; choose another one.")
        gain = LEVEL_RMS * 10 ** (part.level_db / 20) / active_level(used)
        stem[start : start + len(used)] = gain * faded
    whole, single = (float(np.abs(sound).max()) for sound in (stems.sum(axis=0), stems))
    stems *= min(1.0, PEAK / max(whole, 1e-12), 1 / max(single, 1e-12))
    rounded = stems.astype(np.float32)
    return Arrangement(rounded.sum(axis=0, dtype=np.float64).astype(np.float32), rounded)


def loop(sound: np.ndarray, length: int, sample_rate: int, fade_seconds: float = 0.5) -> np.ndarray:
    """A steady sound (n,) repeated to `length` samples with equal-power crossfades."""
    fade = min(round(fade_seconds * sample_rate), len(sound) // 3)
    if len(sound) >= length or fade < 1:
        return np.resize(sound, length)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade))
    made = np.zeros(length + len(sound))
    at, step = 0, len(sound) - fade
    while at < length:
        piece = np.asarray(sound, dtype=float).copy()
        piece[-fade:] *= ramp[::-1]
        if at:
            piece[:fade] *= ramp
        made[at : at + len(piece)] += piece
        at += step
    return made[:length].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Event:
    """One source of a drawn scene; `share` says which excerpt of a clip longer than `seconds`."""

    label: str
    category: str
    clip: int
    onset: float
    seconds: float
    share: float
    snr_db: float


def draw_events(
    generator: np.random.Generator, pools: Mapping[str, int], n_events: int, seconds: float
) -> list[Event]:
    """`n_events` sources of different classes: category, clip, onset, length and level by chance.

    pools: how many clips each category has. Lengths lie between 1 and 5 s (a shorter clip stays as
    it is), levels between −5 and 15 dB above the background.
    """
    events = []
    for position in generator.choice(len(CLASSES), n_events, replace=False):
        label = list(CLASSES)[position]
        category = str(generator.choice(CLASSES[label]))
        most = float(generator.uniform(1.0, 5.0))
        events.append(
            Event(
                label,
                category,
                int(generator.integers(pools[category])),
                float(generator.uniform(0.0, seconds - most)),
                most,
                float(generator.uniform()),
                float(generator.uniform(-5.0, 15.0)),
            )
        )
    return events


def class_of(label: str, classes: Sequence[str]) -> str | None:
    """The class of a model that a sound's label belongs to: its own, or that of its group in
    CLASSES; None where the model has neither."""
    if label in classes:
        return label
    groups = [group for group, members in CLASSES.items() if label in members]
    return next((group for group in groups if group in classes), None)


def stem_files(mixture: Path) -> dict[str, Path]:
    """The stems of a scene that `pipelines.make_scenes` wrote at ROOT/audio/NAME.wav, by class and
    "background"; ValueError where there are none."""
    folder = mixture.parent.parent / "stems" / mixture.stem
    found = {path.stem: path for path in sorted(folder.glob("*.wav"))}
    if not found:
        raise ValueError(f"{mixture.name} has no stems: {folder} holds no WAV files.")
    return found


def _faded(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    fade = min(round(FADE_SECONDS * sample_rate), len(sound) // 2)
    if fade < 1:
        return sound
    ramp = np.linspace(0.0, 1.0, fade)
    faded = sound.copy()
    faded[:fade] *= ramp
    faded[-fade:] *= ramp[::-1]
    return faded


_GET = "make it with python -m pipelines.make_scenes"
KINDS.add("scenes")(Kind(sonyc, "scenes mixed from ESC-50", _GET, splits=True))
