"""Where in a long recording is what: f on windows of a file of any length, and events of that.

A window is as long as the clips that f was made for, and stands for what is nearest to its middle:
the stretches that windows stand for tile the recording. f hears each window at its own gain, as
`L2I.analyse(window=…)` does, so that a window explained is the window seen. A block of sound and a
batch of windows are in memory at a time, and the logits of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from l2i_core.classifiers.hearing import WINDOWED_ABOVE_SECONDS
from l2i_core.engine import L2I
from l2i_core.signal import audio
from l2i_core.signal.condition import NEARLY_SILENT
from l2i_core.signal.decoding import Source

THRESHOLD = 0.5  # probability at which an event opens
HOLD = 0.5  # share of its threshold above which it goes on
USUAL_SECONDS = 5.0  # of a window where f does not say what it was made for
_BATCH = 4  # windows: more of them are hardly faster on a CPU, and need more memory


@dataclass(frozen=True, slots=True)
class Grid:
    """Windows and the step from one to the next, in seconds to 0.01."""

    window: float
    hop: float

    def starts(self, seconds: float) -> list[float]:
        """Of the windows of a recording: one each hop, the last flush with the end (to 0.01 s);
        one where it is no longer than a window."""
        last = int(100 * (seconds - self.window) + 1e-6) / 100
        found = [round(i * self.hop, 2) for i in range(max(1, int(last / self.hop + 1e-6) + 1))]
        return found if last <= found[-1] else [*found, last]


@dataclass(frozen=True, slots=True)
class Part:
    """Some windows of a recording as they were heard: starts and ends (n,) in seconds, f's logits
    (n, C), peak levels (n,) about the mean."""

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    logits: Tensor
    peaks: Tensor

    @property
    def done(self) -> float:
        """Seconds of the recording that are behind."""
        return self.ends[-1]


@dataclass(frozen=True, slots=True)
class Event:
    """A class that is heard from start to end, seconds; score: its highest probability."""

    start: float
    end: float
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """A recording as f hears it: windows (start, end) in seconds, f's logits (n, C) on them, its
    probabilities (n, C), 0 where there is nothing to hear: peaks of at most −60 dB."""

    seconds: float
    classes: tuple[str, ...]
    windows: tuple[tuple[float, float], ...]
    logits: Tensor
    probabilities: Tensor
    silent: Tensor

    @property
    def edges(self) -> np.ndarray:
        """Window i stands for edges[i] … edges[i + 1] (n + 1,), seconds: half-way to the middles of
        its neighbours, to the ends of the recording."""
        middles = np.mean(np.asarray(self.windows), axis=1)
        return np.array([0.0, *(middles[:-1] + middles[1:]) / 2, self.seconds])

    @property
    def ranked(self) -> list[int]:
        """The classes, those that hold most windows first, then by their highest probability."""
        held = (self.probabilities >= THRESHOLD).sum(dim=0) + self.probabilities.amax(dim=0)
        return torch.argsort(held, descending=True, stable=True).tolist()

    def at(self, seconds: float) -> int:
        """The window that stands for a moment."""
        place = int(np.searchsorted(self.edges, seconds, side="right")) - 1
        return min(max(place, 0), len(self.windows) - 1)

    def surest(self, event: Event) -> tuple[float, float]:
        """The window of an event that f is surest of."""
        first, last = self.at(event.start + 1e-6), self.at(event.end - 1e-6)
        chances = self.probabilities[first : last + 1, self.classes.index(event.label)]
        return self.windows[first + int(chances.argmax())]

    def events(
        self, threshold: float = THRESHOLD, each: Mapping[str, float] | None = None
    ) -> list[Event]:
        """Runs of windows in which a class stays at or above HOLD × its threshold and reaches it
        somewhere, by start. threshold: of every class but those that `each` names.

        ValueError for a threshold outside (0, 1] and an unknown class.
        """
        own = dict(each or {})
        for label, value in {**own, "": threshold}.items():
            checked_threshold(value)
            if label and label not in self.classes:
                raise ValueError(
                    f"unknown class {label!r}; this model knows: {', '.join(self.classes)}."
                )
        found, edges = [], self.edges.tolist()
        table = self.probabilities.T.tolist()
        for label, chances in zip(self.classes, table, strict=True):
            least = own.get(label, threshold)
            for first, last in _runs(chances, HOLD * least):
                if (score := max(chances[first:last])) >= least:
                    found.append(Event(edges[first], edges[last], label, score))
        return sorted(found, key=lambda event: (event.start, event.end, event.label))


def checked_threshold(value: float) -> float:
    """A probability in (0, 1]; ValueError for another number."""
    if not 0 < value <= 1:
        raise ValueError(f"a threshold must lie in (0, 1], received {value:g}.")
    return value


def grid(engine: L2I, window: float | None = None, hop: float | None = None) -> Grid:
    """Windows of f's own clip length, or so many seconds, every half of that, or so many seconds.

    The length is that of the clips the bundle's f was trained on, of a model for sounds of one
    length that length. ValueError for windows f is not asked on at once and an impossible hop.
    """
    length = round(_own_seconds(engine) if window is None else window, 2)
    step = round(length / 2 if hop is None else hop, 2)
    if not audio.MIN_SECONDS <= length <= WINDOWED_ABOVE_SECONDS:
        raise ValueError(
            f"a window lasts {audio.MIN_SECONDS:g} to {WINDOWED_ABOVE_SECONDS:g} s, not {window} s."
        )
    if not 0.01 <= step <= length:
        raise ValueError(
            f"the hop must lie between 0.01 s and the window's {length:g} s, or sound is passed "
            f"over; received {hop} s."
        )
    return Grid(length, step)


def heard(engine: L2I, source: Source, steps: Grid) -> Iterator[Part]:
    """f on a file's windows, a batch at a time. ValueErrors are those of `audio.stream`."""
    rate, size = engine.audio.sample_rate, round(steps.window * engine.audio.sample_rate)
    # One buffer: pieces of many sizes, an hour long, would leave the heap in pieces, too.
    kept = np.zeros(2 * size + round(_BATCH * steps.hop * rate) + 2 * rate, np.float32)
    begins, held, count = 0, 0, 0
    for block in audio.stream(source, rate):
        for piece in (block[i : i + size] for i in range(0, len(block), size)):
            kept[held : held + len(piece)] = piece
            held += len(piece)
            while True:
                starts = [round((count + i) * steps.hop, 2) for i in range(_BATCH)]
                if round(starts[-1] * rate) + size > begins + held:
                    break
                yield _part(engine, kept[:held], begins, starts, size, rate)
                count += _BATCH
            # The last window is flush with an end that is not known yet.
            needed = min(round(count * steps.hop * rate), begins + held - size - rate)
            gone = max(0, needed - begins)
            kept[: held - gone] = kept[gone:held]
            begins, held = begins + gone, held - gone
    total = begins + held
    left = steps.starts(total / rate)[count:]
    for i in range(0, len(left), _BATCH):
        yield _part(engine, kept[:held], begins, left[i : i + _BATCH], min(size, total), rate)


def joined(engine: L2I, parts: Sequence[Part]) -> Timeline:
    """The timeline of all parts of a recording."""
    logits, peaks = (torch.cat([getattr(p, of) for p in parts]) for of in ("logits", "peaks"))
    windows = [w for p in parts for w in zip(p.starts, p.ends, strict=True)]
    silent = peaks <= NEARLY_SILENT
    chances = engine.probabilities(logits).masked_fill(silent[:, None], 0.0)
    seconds = parts[-1].done
    return Timeline(seconds, tuple(engine.classes), tuple(windows), logits, chances, silent)


def timeline(engine: L2I, source: Source, steps: Grid | None = None) -> Timeline:
    """f on all windows of a file, by default those of `grid`."""
    return joined(engine, list(heard(engine, source, steps or grid(engine))))


def _part(
    engine: L2I, kept: np.ndarray, begins: int, starts: Sequence[float], size: int, rate: int
) -> Part:
    """Windows of `size` samples out of those kept, the first of which is sample `begins`."""
    latest = len(kept) - size  # where rounding to samples would pass the end
    first = [min(round(start * rate) - begins, latest) for start in starts]
    sounds = torch.from_numpy(np.stack([kept[at : at + size] for at in first]))
    mean = sounds.mean(dim=1, keepdim=True)
    gains = [audio.peak_gain(sound, engine.conventions.signed_scale) for sound in sounds]
    logits = engine.classify(sounds * torch.tensor(gains)[:, None])
    ends = tuple(round(start + size / rate, 6) for start in starts)
    return Part(tuple(starts), ends, logits, (sounds - mean).abs().amax(dim=1))


def _runs(chances: Sequence[float], least: float) -> Iterator[tuple[int, int]]:
    """First and one past the last window of each run at or above a value."""
    above = np.flatnonzero(np.diff([False, *(np.asarray(chances) >= least), False]))
    yield from zip(above[::2].tolist(), above[1::2].tolist(), strict=True)


def _own_seconds(engine: L2I) -> float:
    config = engine.bundle.training.get("config")
    data = config.get("data") if isinstance(config, Mapping) else None
    trained = data.get("seconds") if isinstance(data, Mapping) else None
    f = engine.hearing.classifier
    fixed = getattr(f, "longest", None)
    if not trained:
        trained = fixed / f.sample_rate if fixed else max(USUAL_SECONDS, f.min_seconds)
    return min(max(float(trained), audio.MIN_SECONDS), WINDOWED_ABOVE_SECONDS)
