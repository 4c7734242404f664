"""A classifier that is not ours, as it is asked: what it answers is probed once, on sounds of known
kinds, and checked at every call. Each kind of foreign model is a subclass in a file of its own."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from l2i_core.classifiers import maps
from l2i_core.classifiers.faults import Raised, Unusable, first_line, raised
from l2i_core.classifiers.maps import Grid, Layout
from l2i_core.classifiers.protocol import BATCH, MIN_SECONDS, Heard, Layer
from l2i_core.signal.spectra import AudioConfig

LOGITS, PROBABILITIES = "logits", "probabilities"
OUTPUTS = (LOGITS, PROBABILITIES)
Answer = tuple[Any, Sequence[Tensor]]  # logits or probabilities (B, C), and outputs of layers

# Seconds that are tried, shortest first; models that take one length alone take a round one, or
# YAMNet's and VGGish's patches.
_TRIED = (
    *(MIN_SECONDS, 0.15, 0.25, 0.5, 0.75, 0.96, 0.975, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0),
    *(4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0),
)
_LONGER = 8.0  # seconds more, by which steps of maps are measured
_FINE = 100  # steps of a map in that time that measure one of them within a percent
_LEAST = 1e-7  # a probability below is taken for this: float32's resolution beside 1
_SUM = 1e-3  # how far from 1 the sum of a row of probabilities may be


class Foreign(ABC):
    """A `SoundClassifier` around something that answers `_ask`.

    outputs: "logits" or "probabilities" (their logarithm, or logit, is taken), None where it is to
    be found out. Sounds longer than `longest` samples are heard in pieces, whose logits are
    averaged by their lengths; sounds shorter than `shortest` are zero-padded at their end. notes:
    what was assumed, in sentences. layers of the names `named`, whose outputs `_ask` gives.

    ValueError for a model that cannot be asked, in one sentence.
    """

    layers: tuple[Layer, ...] = ()
    differentiable = False
    origin: Mapping[str, Any] | None = None  # the Python file and function that gave it
    inside = "return logits (B, C)"

    def __init__(
        self,
        name: str,
        sample_rate: int,
        classes: Sequence[str],
        multi_label: bool = False,
        *,
        outputs: str | None = None,
        length: int | None = None,
        named: Sequence[str] = (),
        grid: Grid | None = None,
        batch: int = BATCH,
        shortest: int | None = None,
        longest: int | None = None,
    ) -> None:
        self.name, self.sample_rate = name, _checked_rate(name, sample_rate)
        self.classes, self.multi_label = checked_classes(name, classes), bool(multi_label)
        self.named, self.grid, self.batch = tuple(named), grid, batch
        if length is not None and (not isinstance(length, int) or length < 1):
            raise ValueError(f"the length of {name}'s sounds must be samples, received {length!r}.")
        self.shortest, self.longest = length or shortest, length or longest
        self.notes: tuple[str, ...] = ()
        self.told = _checked_outputs(outputs)
        self._layouts: tuple[Layout, ...] = ()
        with torch.no_grad():
            self._find_lengths()
            self.outputs = self.told or LOGITS
            self._read_outputs()
            self._find_layers()
        fixed = self.longest is not None
        self.min_seconds = MIN_SECONDS if fixed else (self.shortest or 0) / self.sample_rate

    @classmethod
    def from_config(
        cls,
        values: Mapping[str, Any],
        audio: AudioConfig,
        classes: tuple[str, ...],
        multi_label: bool,
    ) -> Self:
        """By a bundle's settings, as `config` of the subclass gives them."""
        return cls(**values, classes=classes, multi_label=multi_label)

    @abstractmethod
    def _ask(self, sounds: Tensor) -> Answer:
        """Sounds (B, n) → the model's answer, and the outputs of its named layers; it may raise
        anything."""

    def hear(self, waveforms: Tensor) -> Heard:
        """Waveforms (B, n) → logits and maps. A black box is asked on detached sounds."""
        if self.differentiable:
            return self._hear(waveforms)
        with torch.no_grad():
            return self._hear(waveforms.detach())

    def say_outputs(self, outputs: str | None) -> None:
        """Say what the answers are instead; ValueError where they cannot be that."""
        self.told = _checked_outputs(outputs)
        self.outputs = self.told or LOGITS
        self._read_outputs()

    def _hear(self, waveforms: Tensor) -> Heard:
        length, start = waveforms.shape[1], 0
        logits, found = waveforms.new_zeros(()), []
        for piece in waveforms.split(self.longest or max(1, length), dim=1):
            n = piece.shape[1]
            padded = functional.pad(piece, (0, max(0, (self.shortest or 0) - n)))
            heard = [self._heard(part) for part in padded.split(self.batch)]
            logits = logits + torch.cat([one.logits for one in heard]) * (n / max(1, length))
            each = [torch.cat(given) for given in zip(*(h.maps for h in heard), strict=True)]
            if self.longest or padded.shape[1] > n:
                ends = start / self.sample_rate, (start + n) / self.sample_rate
                layers = zip(each, self.layers, strict=True)
                each = [maps.fitted(given, *ends, layer.step_seconds) for given, layer in layers]
            found.append(each)
            start += n
        return Heard(logits, tuple(torch.cat(given, dim=2) for given in zip(*found, strict=True)))

    def _heard(self, sounds: Tensor) -> Heard:
        answer, given = self._answer(sounds)
        logits = self._logits(answer)
        laid = (place.map(one).float() for place, one in zip(self._layouts, given, strict=True))
        return Heard(logits, tuple(laid) if self._layouts else ())

    def _logits(self, answer: Tensor) -> Tensor:
        if self.outputs == LOGITS:
            return answer
        if self.multi_label:
            return torch.logit(answer, _LEAST)
        return answer.clamp_min(_LEAST).log()

    def _answer(self, sounds: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        """The model's answer (B, C), checked, and its layers' outputs."""
        try:
            given, layers = self._ask(sounds)
        except Unusable:
            raise
        except Exception as error:  # a stranger's code may raise anything
            seconds = sounds.shape[1] / self.sample_rate
            raise raised(self.name, error, f" on a sound of {seconds:g} s") from error
        return self._checked(given, sounds), layers

    def _checked(self, given: Any, sounds: Tensor) -> Tensor:
        if not isinstance(given, (Tensor, np.ndarray, list)):
            raise Unusable(f"{self.name} gave a {type(given).__name__}; it must {self.inside}.")
        try:
            answer = given if isinstance(given, Tensor) else torch.from_numpy(np.asarray(given))
        except (TypeError, ValueError) as error:
            raise Unusable(f"{self.name} gave no numbers; it must {self.inside}.") from error
        shape, wanted = tuple(answer.shape), (len(sounds), len(self.classes))
        if len(shape) == 2 and shape[0] == wanted[0] and shape != wanted:
            raise Unusable(
                f"{self.name} answers with {shape[1]} numbers a sound, and {wanted[1]} classes are "
                "named; name as many."
            )
        if shape != wanted:
            raise Unusable(
                f"{self.name} gave the shape {shape} for {wanted[0]} sounds, wanted {wanted}: one "
                "number a class."
            )
        if not bool(torch.isfinite(answer).all()):
            quiet = ", on digital silence" if not bool(sounds.any()) else ""
            raise Unusable(
                f"{self.name} gave NaN or infinite numbers{quiet}; f must answer with finite ones "
                "(a logarithm needs a floor)."
            )
        return answer.to("cpu").float()

    # What is found out once

    def _find_lengths(self) -> None:
        """The shortest sound that is taken, and whether longer ones are."""
        if self.shortest is None:
            self.shortest = self._first_taken()
        sounds = probe_sounds(self.shortest, self.sample_rate, 5)
        try:
            self._probed, _ = self._answer(sounds)
        except ValueError:  # it may want one at a time; if not, the sound at fault is told
            self.batch = 1
            self._probed = torch.cat([self._answer(sound[None])[0] for sound in sounds])
        again, _ = self._answer(sounds[:1])
        away = float((again - self._probed[:1]).abs().max())
        if away > 1e-3 * max(1.0, float(self._probed.abs().max())):
            self.notes += (
                f"{self.name} answers the same sound differently when it is asked again (by up to "
                f"{away:.2g}).",
            )
        if self.longest is None:
            self.longest = self._last_taken()

    def _first_taken(self) -> int:
        first: Raised | None = None
        for seconds in _TRIED:
            n = round(seconds * self.sample_rate)
            try:
                self._answer(probe_sounds(n, self.sample_rate, 1))
                return n
            except Raised as error:
                if first is None or seconds == 1.0:
                    first = error
        raise ValueError(f"{first} If it needs sounds of one length, say so: length=SAMPLES.")

    def _last_taken(self) -> int | None:
        """None where sounds may last; else the longest that was taken of those tried."""
        assert self.shortest is not None
        longer = [self.shortest + round(_LONGER * self.sample_rate)]
        longer += [round(s * self.sample_rate) for s in reversed(_TRIED)]
        for n in (n for n in longer if n > self.shortest):
            try:
                self._answer(probe_sounds(n, self.sample_rate, 1))
            except Raised:
                continue
            if n == longer[0]:
                return None
            break
        else:
            n = self.shortest
        alone = "takes sounds of" if n == self.shortest else "takes sounds of up to"
        self.notes += (
            f"{self.name} {alone} {n / self.sample_rate:g} s: shorter ones are padded with zeros, "
            "longer ones are heard in pieces whose logits are averaged.",
        )
        return n

    def _read_outputs(self) -> None:
        """Logits or probabilities: as told, or by the answers to the probes."""
        answers, self.notes = self._probed, tuple(n for n in self.notes if "[0, 1]" not in n)
        inside = bool(((answers >= 0) & (answers <= 1)).all())
        sums_to_1 = bool(((answers.sum(1) - 1).abs() <= _SUM).all())
        if self.told == PROBABILITIES and not inside:
            raise ValueError(
                f"{self.name} is said to give probabilities, and gives numbers from "
                f"{float(answers.min()):.3g} to {float(answers.max()):.3g}; say outputs logits."
            )
        if self.told or not inside:
            return
        if self.multi_label or sums_to_1:
            self.outputs = PROBABILITIES
            why = "" if self.multi_label else " that sum to 1"
            way = "logit" if self.multi_label else "logarithm"
            self.notes += (
                f"{self.name} gives numbers in [0, 1]{why}: taken for probabilities, whose {way} "
                "is explained; set outputs (--outputs) to logits where that is wrong.",
            )
        else:
            self.notes += (
                f"{self.name} gives numbers in [0, 1] that do not sum to 1: taken for logits; say "
                "multi_label (--multi-label) where each is a class's own probability.",
            )

    def _find_layers(self) -> None:
        if not self.named:
            return
        assert self.shortest is not None
        n, rate = self.shortest, self.sample_rate
        sound = probe_sounds(n, rate, 1)
        _, short = self._answer(sound)
        if self.longest == n:
            start, end = sound.clone(), sound.clone()
            start[:, : n // 3], end[:, -(n // 3) :] = 0.0, 0.0
            (_, first), (_, last) = self._answer(start), self._answer(end)
            axes = [maps.moving(*three) for three in zip(short, first, last, strict=True)]
            long, more = short, n
        else:
            more = min(self.longest or n + round(_LONGER * rate), n + round(_LONGER * rate))
            _, long = self._answer(probe_sounds(more, rate, 1))
            axes = [maps.growing(*two) for two in zip(short, long, strict=True)]
        layers, layouts = [], []
        for i, (name, one, two, time) in enumerate(zip(self.named, short, long, axes, strict=True)):
            place = maps.layout(name, two, time, self.grid)
            made = place.map(two)
            if more == n:
                step = n / rate / made.shape[2]
            else:
                few = maps.layout(name, one, time, self.grid).map(one).shape[2]
                step = self._step(i, place, (n, few), (more, made.shape[2]))
            layers.append(Layer(name, made.shape[1], step))
            layouts.append(place)
        self.layers, self._layouts = tuple(layers), tuple(layouts)

    def _step(self, i: int, place: Layout, short: tuple[int, int], long: tuple[int, int]) -> float:
        """Seconds of one step of the map of layer i, from two sounds' samples and steps.

        A coarse map's last step may be a fraction of a step old at either: its beginning is looked
        for, so that the step is right within a percent."""
        (n, few), (more, many) = short, long
        step = (more - n) / (many - few)
        if 3 <= many - few < _FINE:
            n = self._beginning(i, place, few + 1, n, round(1.5 * step))
            more = self._beginning(i, place, many, more - round(1.5 * step), round(1.5 * step))
            step = (more - n) / (many - few - 1)
        return step / self.sample_rate

    def _beginning(self, i: int, place: Layout, steps: int, n: int, width: int) -> int:
        """The length, of those between n and n + width samples, from which layer i's map has so
        many steps, within a sixteenth of the width."""
        low, high = n, n + width
        while high - low > width / 16:
            middle = (low + high) // 2
            _, given = self._answer(probe_sounds(middle, self.sample_rate, 1))
            if place.map(given[i]).shape[2] >= steps:
                high = middle
            else:
                low = middle
        return (low + high) // 2

    def _find_gradient(self) -> None:
        """Whether a gradient of the logits reaches the waveform: `differentiable`, by a trial."""
        n = min(self.longest or self.sample_rate, max(self.shortest or 0, self.sample_rate))
        self.differentiable, why = True, "its output does not depend on the sound by a gradient"
        with torch.inference_mode(False), torch.enable_grad():
            sound = probe_sounds(n, self.sample_rate, 1).clone().requires_grad_()
            try:
                logits = self._hear(sound).logits
                mixed = logits @ torch.linspace(-1.0, 1.0, len(self.classes)).add(0.1)
                (slope,) = torch.autograd.grad(mixed.sum(), sound, allow_unused=True)
                reached = slope is not None and bool(torch.isfinite(slope).all() & slope.any())
            except RuntimeError as error:
                reached, why = False, first_line(error)
        if not reached:
            self.differentiable = False
            self.notes += (f"no gradient reaches the sound in {self.name}, a black box: {why}.",)


def probe_sounds(n: int, sample_rate: int, count: int) -> Tensor:
    """Sounds (count, n), the same each time: noise, silence, a tone, clicks, a rising tone."""
    seconds = torch.arange(n) / sample_rate
    noise = 0.3 * torch.randn(n, generator=torch.Generator().manual_seed(0)).clamp(-3, 3)
    clicks = torch.zeros(n)
    clicks[:: max(1, sample_rate // 20)] = 1.0
    rising = 0.5 * torch.sin(2 * math.pi * (100 * seconds + 800 * seconds.square()))
    tone = 0.5 * torch.sin(2 * math.pi * 440 * seconds)
    return torch.stack([noise, torch.zeros(n), tone, clicks, rising])[:count]


def checked_classes(name: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Class names; ValueError for none, for other than text, and for one that comes twice."""
    if isinstance(classes, str) or not all(isinstance(label, str) for label in classes):
        raise ValueError(f"{name}'s classes must be a list of names, received {classes!r:.60}.")
    given = tuple(classes)
    if not given or not all(label.strip() for label in given):
        raise ValueError(f"{name}'s classes must be names, one a logit; one is empty, or all are.")
    if twice := [label for i, label in enumerate(given) if label in given[:i]]:
        raise ValueError(f"{name} has the class {twice[0]!r} twice; give each its own name.")
    return given


def _checked_rate(name: str, rate: Any) -> int:
    if isinstance(rate, bool) or not isinstance(rate, int) or rate <= 0:
        raise ValueError(f"{name}'s sampling rate must be whole Hz, received {rate!r}.")
    return rate


def _checked_outputs(outputs: str | None) -> str | None:
    if outputs not in (None, *OUTPUTS):
        raise ValueError(f"outputs must be {' or '.join(OUTPUTS)}, received {outputs!r}.")
    return outputs
