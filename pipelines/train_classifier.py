"""Train the classifier f: `python -m pipelines.train_classifier --config configs/esc10.yaml`.

Leaves the trained network in OUT/checkpoints; `train_interpreter` makes a bundle of it. Resumable.
"""

import dataclasses
import hashlib
import json
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from l2i_core.classifiers.protocol import SoundClassifier
from l2i_core.data.clips import Clip, DataSet
from l2i_core.data.sets import open_data_set
from l2i_core.data.synthesised import synthesised
from l2i_core.signal._torchaudio import torchaudio
from l2i_core.task import Task, task_of
from pipelines.checkpoint import one_cycle
from pipelines.config import ClassifierConfig, Config
from pipelines.features import load_batch, log_mels, targets
from pipelines.loop import Run, stage
from pipelines.networks import Recipe, given, keep_last, recipe_of
from pipelines.noise import with_noise
from pipelines.runs import autocast, device, main_guard
from pipelines.stretches import chosen


def training_clips(config: Config) -> tuple[DataSet, list[Clip]]:
    """The data set and the clips that train: its training folds, plus synthesised ones.

    ValueError for a training or test fold without clips.
    """
    data = open_data_set(config.data.kind, config.data.root)
    data.in_folds(config.data.test_folds)  # else refused by evaluate, after hours of training
    clips = chosen(config.data, data.in_folds(config.data.train_folds))
    if config.data.synth_seeds:
        extra = synthesised(range(100, 100 + config.data.synth_seeds))
        clips += [clip for clip in extra.clips if clip.label in data.classes]
    return data, clips


def augment(
    log_mel: Tensor, config: ClassifierConfig, generator: torch.Generator, decibel: float = 1.0
) -> Tensor:
    """Circular shift, tempo and pitch change, gain, SpecAugment's masks: (B, n_mels, T) → the same.

    decibel: what one dB is in the log-mel. The generator is the CPU's on every device, so that its
    draws are the same.
    """
    batch, n_mels, n_frames = log_mel.shape

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(batch, generator=generator) * (high - low) + low

    offsets = torch.randint(n_frames, (batch,), generator=generator)
    frames = (torch.arange(n_frames) - offsets[:, None]) % n_frames
    rolled = _frames(log_mel, frames)
    theta = torch.zeros(batch, 2, 3)
    theta[:, 0, 0] = uniform(1 - config.stretch, 1 + config.stretch)
    theta[:, 1, 1] = uniform(1 - config.shift, 1 + config.shift)
    theta[:, 1, 2] = uniform(-config.shift, config.shift)
    size = [batch, 1, n_mels, n_frames]
    grid = functional.affine_grid(theta.to(log_mel.device), size, align_corners=False)
    warped = functional.grid_sample(
        rolled.unsqueeze(1), grid, padding_mode="reflection", align_corners=False
    )
    warped += decibel * uniform(-3, 3).to(log_mel.device)[:, None, None, None]
    floor = float(warped.mean())
    widths = [int(config.mask_width * size) for size in (n_frames, n_mels)]
    for axis, width in ((3, widths[0]), (2, widths[1])) * config.masks:
        # torchaudio draws from the global generator, which each epoch seeds.
        warped = torchaudio.functional.mask_along_axis_iid(warped, width, floor, axis)
    return warped.squeeze(1)


def crop(
    log_mel: Tensor, n_frames: int, generator: torch.Generator, heard_in: Tensor | None = None
) -> Tensor:
    """A stretch of each clip, (B, n_mels, T) → (B, n_mels, n_frames), going round its end.

    Each holds, somewhere, a frame drawn by its level above the clip's quietest: half of ESC-50's
    clips are a short event followed by silence, and a stretch of silence has no class. Levels are
    those of `heard_in`, the same clips without added noise, where that is given.
    """
    level = (log_mel if heard_in is None else heard_in).mean(dim=1)
    level = level - level.amin(dim=1, keepdim=True) + 1e-3
    heard = torch.multinomial(level.cpu(), 1, generator=generator).squeeze(1)
    start = heard - torch.randint(n_frames, (len(log_mel),), generator=generator)
    frames = (start[:, None] + torch.arange(n_frames)) % log_mel.shape[2]
    return _frames(log_mel, frames)


def _frames(log_mel: Tensor, frames: Tensor) -> Tensor:
    """Each clip's chosen frames: (B, n_mels, T), (B, n) → (B, n_mels, n)."""
    chosen = frames.to(log_mel.device)[:, None].expand(-1, log_mel.shape[1], -1)
    return log_mel.gather(2, chosen)


def mixup(
    log_mel: Tensor, targets: Tensor, concentration: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Convex mixtures of pairs (Zhang et al. 2018): (B, …), (B, C) → the same shapes."""
    seed = int(torch.randint(2**31, (1,), generator=generator))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        weight = torch.distributions.Beta(concentration, concentration).sample((len(targets),))
    order = torch.randperm(len(targets), generator=generator).to(targets.device)
    weight = weight.to(targets.device)
    mixed = weight[:, None, None] * log_mel + (1 - weight)[:, None, None] * log_mel[order]
    return mixed, weight[:, None] * targets + (1 - weight)[:, None] * targets[order]


def joined(targets: Tensor, others: Tensor, share: Tensor, task: Task) -> Tensor:
    """What f should say of two sounds at once, (B, C), (B, C): both, where it may name several;
    else each by its share (B, 1) of the amplitudes (Tokozume et al. 2018)."""
    return targets.maximum(others) if task.multi_label else torch.lerp(others, targets, share)


def train(config: Config, out: Path) -> nn.Module:
    """Train f on the training clips; the last epoch is kept (no look at the test fold)."""
    data, clips = training_clips(config)
    weights, recipe = _positive_weights(config.classifier, data), recipe_of(config)
    torch.manual_seed(config.seed)
    run = _run(config, out, recipe, len(data.classes))
    if run.finished:
        return run.result()
    waveforms, clips = load_batch(
        clips, config.audio, config.data.seconds, config.data.skip_damaged
    )
    features = log_mels(waveforms, recipe.log_mel)
    if run.done == 0 and not _start(config, out, recipe, run.model, features):
        recipe.normalise(run.model, features)
    wanted = targets(clips, data.classes).to(device())
    sounds = waveforms if config.classifier.noise.share else None  # they are gigabytes
    del waveforms
    task = task_of(data.multi_label)
    terms = partial(_epoch, config, recipe, run.model, sounds, features, wanted, task, weights)
    rate = partial(one_cycle, warm_up=config.classifier.warm_up)
    if config.classifier.halve_every:
        rate = partial(_halved, config.classifier)
    return run.train(len(clips), terms, config.seed, rate, longest=math.inf)


def _start(config: Config, out: Path, recipe: Recipe, model: nn.Module, features: Tensor) -> bool:
    """Give f the weights that the config has it start from; whether it names any."""
    if config.classifier.pretrain_on:
        keep_last(model, train(_pretraining(config), out / "pretraining"), "linear.")
        return True
    return recipe.start(model, features)


def _epoch(
    config: Config,
    recipe: Recipe,
    model: nn.Module,
    waveforms: Tensor | None,
    features: Tensor,
    wanted: Tensor,
    task: Task,
    weights: Tensor | None,
    epoch: int,
) -> Callable[[Tensor], dict[str, Tensor]]:
    """What gives an epoch's loss, and f's accuracy, on the clips `chosen` (B,), augmented: features
    (N, n_mels, T) of the waveforms (N, n), which only noise needs, what f should say of them
    (N, C), the classes' weights (C,)."""
    settings = config.classifier
    # Augmentation goes on with the draws that gave the epoch its batches.
    generator = torch.Generator()
    generator.set_state(torch.get_rng_state())
    torch.manual_seed(torch.initial_seed())
    mixing = settings.mixup > 0 and epoch < settings.epochs - settings.mixup_free_epochs
    frames = recipe.n_frames(round(settings.crop_seconds * config.audio.sample_rate))
    crops = settings.crop_seconds > 0 and frames < features.shape[2]
    cropping = crops and epoch < settings.epochs - settings.whole_epochs
    head_alone = settings.head_only or epoch < settings.head_epochs
    for part in recipe.body(model):  # its batch statistics stay as they are, too
        part.train(not head_alone).requires_grad_(not head_alone)

    def terms(chosen: Tensor) -> dict[str, Tensor]:
        chosen = chosen.to(device())
        x, y = features[chosen], wanted[chosen]
        clean = x
        if waveforms is not None:
            noise, rate = settings.noise, config.audio.sample_rate
            some = torch.randperm(len(y), generator=generator)[: round(noise.share * len(y))]
            if len(some):
                clips = chosen.cpu()[some]
                sounds, others, shares = with_noise(waveforms, clips, noise, rate, generator)
                x = clean.clone()
                x[some] = log_mels(sounds, recipe.log_mel)
                y[some] = joined(y[some], wanted[others], shares.to(device())[:, None], task)
        if cropping:
            x = crop(x, frames, generator, clean)
        x = augment(x, settings, generator, recipe.decibel)
        if mixing:
            x, y = mixup(x, y, settings.mixup, generator)
        with autocast(config.precision):
            logits = model(x)[0].float()
        if task.multi_label:
            right = (logits > 0) == (wanted[chosen] > 0.5)
        else:
            right = logits.argmax(1) == wanted[chosen].argmax(1)
        return {"loss": task.loss(logits, y, weights), "accuracy": right.float().mean()}

    return terms


def _halved(settings: ClassifierConfig, step: int, steps: int, peak: float) -> float:
    return peak / 2 ** (step * settings.epochs // steps // settings.halve_every)


def _positive_weights(settings: ClassifierConfig, data: DataSet) -> Tensor | None:
    given = settings.positive_weights
    if not given:
        return None
    if not data.multi_label or len(given) != len(data.classes):
        raise ValueError(
            f"classifier.positive_weights takes a number for each of the {len(data.classes)} "
            f"classes of a multi-label data set, received {len(given)} for {data.name}."
        )
    return torch.tensor(given, device=device())


def _pretraining(config: Config) -> Config:
    """The run whose network, but for its last layer, `config.classifier.pretrain_on` starts from:
    the same recipe and training folds on the larger data set, whose other folds stay unseen."""
    settings, kind = config.classifier, config.classifier.pretrain_on
    assert kind is not None
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, kind=kind, root=None, synth_seeds=0, test_folds=()),
        classifier=dataclasses.replace(
            settings,
            epochs=settings.pretrain_epochs,
            learning_rate=ClassifierConfig().learning_rate,
            mixup_free_epochs=0,
            pretrain_on=None,
        ),
    )


def trained(config: Config, out: Path) -> SoundClassifier:
    """The frozen f that `train` left in OUT, or the given one; ValueError where it is absent or
    unfinished."""
    if config.given.model:
        return given(config.given)
    data, recipe = open_data_set(config.data.kind, config.data.root), recipe_of(config)
    return recipe.classifier(_run(config, out, recipe, len(data.classes)).result(), data)


def _run(config: Config, out: Path, recipe: Recipe, n_classes: int) -> Run[nn.Module]:
    """f's training in OUT; ValueError for clips that are too short for it."""
    settings = config.classifier
    model = recipe.network(n_classes).to(device())
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for name, seconds in (
        ("data.seconds", config.data.seconds),
        ("classifier.crop_seconds", settings.crop_seconds),
    ):
        if seconds and seconds < (least := recipe.min_seconds(model)):
            raise ValueError(
                f"{name} is {seconds:g}, but f needs at least {least:.2f} s at this hop length."
            )
    faster = settings.head_learning_rate
    return Run(
        "classifier",
        "train_classifier",
        model,
        settings,
        out / "checkpoints" / "classifier.safetensors",
        run_recipe(config, "precision", "classifier"),
        part="classifier",
        head={name: faster for name in recipe.head} if faster else {},
    )


def run_recipe(config: Config, *sections: str) -> dict[str, Any]:
    """What must agree on resuming: settings of these sections, seed, audio, data and the clips."""
    data, clips = training_clips(config)
    named = json.dumps([data.classes, [(c.name, c.written, c.fold) for c in clips]])
    return {
        **config.recipe("seed", "data", "audio", *sections),
        "clips": hashlib.sha256(named.encode()).hexdigest()[:16],
    }


def main(argv: list[str] | None = None) -> int:
    return stage(__doc__, argv, lambda config, out, _: train(config, out))


if __name__ == "__main__":
    sys.exit(main_guard(main))
