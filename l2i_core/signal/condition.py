"""What must be known of a sound before a class is named: is there anything to hear at all?"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from l2i_core.signal import audio
from l2i_core.signal.decoding import Source, opened

NEARLY_SILENT = 1e-3  # peak: −60 dB of full scale
_CANCELLED = 1e-4  # power of the channels' mean over that of a channel
_NEARLY_CANCELLED = 1e-2
_STUCK = 1e-4  # of the liveliest channel's peak
_OFFSET = 0.01  # of full scale
_BURIED = 0.01  # of the offset: a sound below
_LOUD, _FLAT, _CLIPPED = 0.5, 3, 1e-3  # level, samples in a row (see `add`), their share of all
LOW_RATE = 16_000  # Hz
SHORT = 0.5  # seconds
_BLOCK = 1 << 18  # samples that are looked at together
_UNSUPPORTED = "f's decision is unsupported."


@dataclass(frozen=True, slots=True)
class Condition:
    """Of a sound: how long it lasts, the peak of its channels' mean, which f hears; nothing: why
    there is nothing to hear, a sentence or two, "" where there is something; warnings: what else
    speaks against it, a sentence each."""

    seconds: float
    peak: float
    nothing: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every sentence, the gravest first."""
        return (self.nothing, *self.warnings) if self.nothing else self.warnings


def of_file(source: Source) -> Condition:
    """The condition of a whole file, a block in memory at a time, whatever it lasts.

    ValueErrors are those of `audio.read` and `audio.prepare`, but for the longest duration.
    """
    with opened(source) as file:
        found = _Levels(file.channels)
        for block in file.blocks():
            audio.check_finite(block)
            found.add(block)
        audio.check_whole(source, file, found.n)
        seconds = found.n / file.sample_rate
        audio.check_duration(seconds)
        return found.condition(seconds, _noted(file.note, file.sample_rate, seconds))


def of_sound(waveform: np.ndarray, sample_rate: int) -> Condition:
    """The condition of samples, (n,) or (channels, n) at a rate in Hz."""
    samples = np.atleast_2d(waveform).T
    found = _Levels(samples.shape[1])
    for start in range(0, len(samples), _BLOCK):
        found.add(samples[start : start + _BLOCK])
    seconds = len(samples) / sample_rate
    return found.condition(seconds, _noted("", sample_rate, seconds))


def little(seconds: float) -> str:
    """What is said of a sound of this length, "" where it is not very short."""
    return f"It lasts {seconds:.2f} s: there is little to hear." if seconds < SHORT else ""


def _noted(note: str, rate: int, seconds: float) -> Iterable[str]:
    if note:
        yield note
    if rate < LOW_RATE:
        half = f"{rate / 2000:g} kHz"
        yield f"It was sampled at {rate / 1000:g} kHz: above {half} there is nothing to hear."
    if told := little(seconds):
        yield told


class _Levels:
    """Levels of a sound's channels and, last, of their mean, block by block."""

    def __init__(self, channels: int) -> None:
        lines = channels + 1
        self.n, self._sum, self._power = 0, np.zeros(lines), np.zeros(lines)
        self._low, self._high = np.full(lines, np.inf), np.full(lines, -np.inf)
        self._level, self._flat = np.zeros((2, channels))  # the highest, samples at it in a row

    def add(self, block: np.ndarray) -> None:
        """A block (n, channels)."""
        lines = np.column_stack([block, block.mean(axis=1)]).astype(np.float64)
        self.n += len(lines)
        self._sum += lines.sum(axis=0)
        self._power += np.square(lines).sum(axis=0)
        low, high = lines.min(axis=0, initial=np.inf), lines.max(axis=0, initial=-np.inf)
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        if len(block) < _FLAT:
            return
        level = np.abs(block).max(axis=0)
        at_level = np.abs(block) >= level
        runs = at_level[:-2] & at_level[1:-1] & at_level[2:]
        flat = runs.sum(axis=0) + np.where(level == self._level, self._flat, 0)
        self._flat = np.where(level >= self._level, flat, self._flat)
        self._level = np.maximum(level, self._level)

    def condition(self, seconds: float, noted: Iterable[str]) -> Condition:
        if not self.n:
            return Condition(0.0, 0.0)
        mean = self._sum / self.n
        swing = np.maximum(self._high - mean, mean - self._low)  # peak about the mean
        peak = float(max(self._high[-1], -self._low[-1]))
        nothing, warnings = self._nothing(mean, swing), list(noted)
        if not nothing:
            warnings += self._faults(mean, swing)
        told = f"{nothing} {_UNSUPPORTED}" if nothing else ""
        return Condition(seconds, peak, told, tuple(warnings))

    def _nothing(self, mean: np.ndarray, swing: np.ndarray) -> str:
        channels, offset = len(mean) - 1, float(np.abs(mean[:-1]).max())
        if swing.max() <= 1e-7 and offset <= 1e-7:
            return "There is nothing to hear: every sample is 0."
        if swing.max() <= max(NEARLY_SILENT, _BURIED * offset):
            if offset > swing.max():
                return f"There is nothing to hear but a constant offset of {offset:.3g}."
            level = _decibels(swing.max())
            return f"There is next to nothing to hear: the peak is at {level} of full scale."
        if self._shared() < _CANCELLED or swing[-1] <= NEARLY_SILENT:
            return (
                f"The {channels} channels cancel: their mean, which f hears, peaks at "
                f"{_decibels(swing[-1])} of full scale, a channel at {_decibels(swing[:-1].max())}."
            )
        return ""

    def _faults(self, mean: np.ndarray, swing: np.ndarray) -> Iterable[str]:
        channels = len(mean) - 1
        still = np.flatnonzero(swing[:-1] <= _STUCK * swing[:-1].max())
        for k in still[:3]:
            level = f"stuck at {mean[k]:.3g}" if abs(mean[k]) > 1e-4 else "silent"
            yield f"Channel {k + 1} of {channels} is {level}; f hears the mean of all."
        if not len(still) and self._shared() < _NEARLY_CANCELLED:
            yield f"The {channels} channels nearly cancel: f hears their mean."
        if not len(still) and abs(mean[-1]) > max(_OFFSET, 0.1 * swing[-1]):
            yield f"It has a constant offset of {mean[-1]:.3g} of full scale."
        flat = np.where(self._level >= _LOUD, self._flat, 0)
        flat[still] = 0
        if flat.max() > max(8, _CLIPPED * self.n):
            share = 100 * flat.max() / self.n
            yield f"It is clipped: {share:.2g} % of the samples are cut off at the highest level."

    def _shared(self) -> float:
        """Power of the channels' mean over the mean power of a channel, offsets apart."""
        power = self._power / self.n - np.square(self._sum / self.n)
        each = float(power[:-1].mean())
        return float(power[-1]) / each if each > 0 else 1.0


def _decibels(level: float) -> str:
    return f"{20 * math.log10(max(level, 1e-12)):.0f} dB".replace("-", "−")
