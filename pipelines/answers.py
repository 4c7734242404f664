"""What f says of the training clips: its maps and logits, of views of every clip, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from l2i_core.classifiers.protocol import Heard, SoundClassifier, Spectral
from l2i_core.dictionary import masking, nmf
from l2i_core.signal import spectra
from l2i_core.task import Task, task_of
from pipelines.config import Config, InterpreterConfig
from pipelines.features import load_batch
from pipelines.learn_dictionary import learn
from pipelines.noise import with_noise
from pipelines.runs import device
from pipelines.stretches import drawn
from pipelines.train_classifier import trained, training_clips


@dataclass(frozen=True, slots=True)
class Cache:
    """What f says of every training clip: X (N, F, T) and maps in half precision, logits (N, C);
    all on the training device. phase (N, F, T) of an f that needs sounds, see `heard`."""

    log_magnitude: Tensor
    maps: list[Tensor]
    logits: Tensor
    task: Task
    phase: Tensor | None = None

    @property
    def tensors(self) -> list[Tensor]:
        """X, the maps, the logits."""
        return [self.log_magnitude, *self.maps, self.logits]

    def of(self, chosen: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """X (B, F, T), maps and logits (B, C) of the examples `chosen` (B,), in single precision:
        Ψ in bfloat16 saved a fifth of its time and lost it to NaN on processors with AMX."""
        chosen = chosen.to(self.logits.device)
        x, *maps, logits = (each[chosen].float() for each in self.tensors)
        return x, maps, logits


def build_cache(
    config: Config,
    classifier: SoundClassifier,
    patterns: Tensor,
    asked: InterpreterConfig,
) -> Cache:
    """One pass of f over the training clips, or `most_clips` of them, over views − 1 circularly
    shifted copies, and over `partial_views` more that lack a random part of their components
    (`without_some`); `noise` of the clips of any copy have noise, as f's own training adds it."""
    clips = drawn(training_clips(config)[1], asked.most_clips, config.seed)
    waveforms, _ = load_batch(clips, config.audio, config.data.seconds, config.data.skip_damaged)
    generator = torch.Generator().manual_seed(config.seed + 17)
    views = asked.views + asked.partial_views
    quick = shortcut(config, classifier) and not asked.through_sound
    total, cache = views * len(waveforms), None
    for view in range(views):
        if view:
            offsets = torch.randint(waveforms.shape[1], (len(waveforms),), generator=generator)
            shifted = [w.roll(int(o)) for w, o in zip(waveforms, offsets, strict=True)]
            viewed = _noisy(torch.stack(shifted), config, asked.noise, generator)
        else:
            viewed = waveforms
        start = view * len(waveforms)
        for part in tqdm(viewed.split(16), desc=f"f's features, view {view + 1}", leave=False):
            transformed = spectra.stft(part.to(device()), config.audio)
            x, phase = spectra.compress(transformed.abs()), transformed.angle()
            if view >= asked.views:
                x = without_some(x, patterns, generator)
            with torch.no_grad():
                said = heard(config, classifier, x, None if quick else phase)
            # Written into place: joining parts at the end would hold everything twice, and this
            # is gigabytes.
            cache = cache or Cache(
                x.new_empty(total, *x.shape[1:], dtype=torch.half),
                [x.new_empty(total, *m.shape[1:], dtype=torch.half) for m in said.maps],
                x.new_empty(total, *said.logits.shape[1:]),
                task_of(classifier.multi_label),
                None if quick else x.new_empty(total, *x.shape[1:], dtype=torch.half),
            )
            for whole, some in zip(cache.tensors, [x, *said.maps, said.logits], strict=True):
                whole[start : start + len(part)] = some
            if cache.phase is not None:
                cache.phase[start : start + len(part)] = phase
            start += len(part)
    assert cache is not None  # a data set without clips was refused
    return cache


def _noisy(waveforms: Tensor, config: Config, share: float, generator: torch.Generator) -> Tensor:
    """The waveforms (N, n), `share` of them with noise that is drawn for each."""
    if not share:
        return waveforms
    noisy = (torch.rand(len(waveforms), generator=generator) < share).nonzero().squeeze(1)
    if len(noisy):
        waveforms[noisy], *_ = with_noise(
            waveforms, noisy, config.classifier.noise, config.audio.sample_rate, generator
        )
    return waveforms


def shortcut(config: Config, classifier: SoundClassifier) -> bool:
    """Whether f starts from the STFT of W."""
    return isinstance(classifier, Spectral) and classifier.front_end == config.audio


def heard(
    config: Config, classifier: SoundClassifier, log_magnitude: Tensor, phase: Tensor | None
) -> Heard:
    """f on the sound of X (B, F, T) with its phases (B, F, T); without them by f's shortcut, which
    on a masked X is an approximation and spares the inverse STFT."""
    if phase is None:
        assert isinstance(classifier, Spectral)
        return classifier.hear_spectrogram(spectra.magnitude(log_magnitude))
    length = round(config.data.seconds * config.audio.sample_rate)
    sounds = spectra.invert(log_magnitude, phase, length, config.audio)
    parts = [classifier.hear(part) for part in sounds.split(classifier.batch)]
    # A foreign f may answer from another device than the training's.
    logits = torch.cat([part.logits for part in parts]).to(sounds.device)
    maps = zip(*(part.maps for part in parts), strict=True)
    return Heard(logits, tuple(torch.cat(each).to(sounds.device) for each in maps))


def without_some(log_magnitude: Tensor, patterns: Tensor, generator: torch.Generator) -> Tensor:
    """X (B, F, T) with each component of W (F, K) masked out or kept by chance, a clip's share of
    kept ones being uniform in [0.2, 1]: from f's answers to these Θ can learn what each component
    does to the decision, not only which ones go with it."""
    batch, bins, frames = log_magnitude.shape
    columns = log_magnitude.transpose(0, 1).reshape(bins, batch * frames)
    activations = nmf.project(columns, patterns, iterations=60)
    activations = activations.view(-1, batch, frames).transpose(0, 1)
    share = torch.rand(batch, 1, generator=generator) * 0.8 + 0.2
    kept = torch.rand(batch, patterns.shape[1], generator=generator) < share
    masks = masking.soft_masks(patterns, activations, kept.to(activations))
    return masking.apply_masks(log_magnitude, masks)[0]


class Features:
    """f's features, the last that were asked for: most who ask want the same, and the memory does
    not hold two."""

    def __init__(self) -> None:
        self._key: Any = None
        self._cache: Cache | None = None

    def of(self, config: Config, out: Path, asked: InterpreterConfig) -> Cache:
        """`build_cache` with the f and W of the run in OUT."""
        partly, noisily = asked.partial_views and config.dictionary, config.classifier.noise
        key = (config.map_blocks, asked.seen, partly, asked.noise and noisily)
        if self._cache is None or self._key != key:
            self._cache = None
            patterns = learn(config, out, only_finished=True).to(device())
            self._key = key
            self._cache = build_cache(config, trained(config, out), patterns, asked)
        return self._cache
