"""Train the classifier f: `python -m pipelines.train_classifier --config configs/esc10.yaml`.

Leaves the trained network in OUT/checkpoints; `train_interpreter` makes a bundle of it. Resumable.
"""

from __future__ import annotations

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
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from l2i_core.bundle import load_bundle
from l2i_core.classifiers.kumar import Classifier, KumarVgg, load_kumar
from l2i_core.classifiers.protocol import network_of
from l2i_core.data.clips import Clip, DataSet
from l2i_core.data.sets import open_data_set
from l2i_core.data.synthesised import synthesised
from l2i_core.signal._torchaudio import torchaudio
from l2i_core.task import Task, task_of
from pipelines.checkpoint import one_cycle
from pipelines.config import ClassifierConfig, Config
from pipelines.features import load_batch, log_mels, targets
from pipelines.loop import Run, stage
from pipelines.noise import with_noise
from pipelines.runs import autocast, device, main_guard


def training_clips(config: Config) -> tuple[DataSet, list[Clip]]:
    """The data set and the clips that train: its training folds, plus synthesised ones.

    ValueError for a training or test fold without clips.
    """
    data = open_data_set(config.data.kind, config.data.root)
    data.in_folds(config.data.test_folds)  # else refused by evaluate, after hours of training
    clips = list(data.in_folds(config.data.train_folds))
    if config.data.synth_seeds:
        extra = synthesised(range(100, 100 + config.data.synth_seeds))
        clips += [clip for clip in extra.clips if clip.label in data.classes]
    return data, clips


def augment(log_mel: Tensor, config: ClassifierConfig, generator: torch.Generator) -> Tensor:
    """Circular shift, tempo and pitch change, two SpecAugment bands: (B, n_mels, T) → the same.

    The generator is the CPU's on every device, so that its draws are the same.
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
    warped += uniform(-3, 3).to(log_mel.device)[:, None, None, None]
    floor = float(warped.mean())
    for axis, width in ((3, n_frames // 6), (2, n_mels // 6)) * 2:
        # torchaudio draws from the global generator, which each epoch seeds.
        warped = torchaudio.functional.mask_along_axis_iid(warped, width, floor, axis)
    return warped.squeeze(1)


def crop(log_mel: Tensor, n_frames: int, generator: torch.Generator) -> Tensor:
    """A stretch of each clip, (B, n_mels, T) → (B, n_mels, n_frames), going round its end.

    Each holds, somewhere, a frame drawn by its level above the clip's quietest: half of ESC-50's
    clips are a short event followed by silence, and a stretch of silence has no class.
    """
    level = log_mel.mean(dim=1)
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


def train(config: Config, out: Path) -> Classifier:
    """Train f on the training clips; the last epoch is kept (no look at the test fold)."""
    data, clips = training_clips(config)
    weights = _positive_weights(config.classifier, data)
    start_from, known = config.classifier.start_from, None
    torch.manual_seed(config.seed)
    if start_from:  # its networks draw weights, too, before f does
        known = _network(start_from)
    run = _run(config, out, len(data.classes))
    if run.finished:
        return run.result()
    anew = run.done == 0 and not _start(config, out, run.model, known)
    waveforms, clips = load_batch(
        clips, config.audio, config.data.seconds, config.data.skip_damaged
    )
    features = log_mels(waveforms, config.audio)
    if anew:
        run.model.offset.fill_(round(float(features.mean()), 3))
        run.model.scale.fill_(round(float(features.std()), 3))
    wanted = targets(clips, data.classes).to(device())
    sounds = waveforms if config.classifier.noise.share else None  # they are gigabytes
    del waveforms
    task = task_of(data.multi_label)
    terms = partial(_epoch, config, run.model, sounds, features, wanted, task, weights)
    rate = partial(_halved, config.classifier) if config.classifier.halve_every else one_cycle
    return run.train(len(clips), terms, config.seed, rate, longest=math.inf)


def _start(config: Config, out: Path, model: Classifier, known: Classifier | None) -> bool:
    """Give f the weights that the config has it start from, maybe `known`; whether it names any."""
    settings = config.classifier
    if settings.pretrained:  # Kumar's network was trained on plain decibels
        load_kumar(model, read_weights(settings.pretrained))
        return True
    if settings.pretrain_on:
        known = train(_pretraining(config), out / "pretraining")
    if known is None:
        return False
    own = {k: v for k, v in model.state_dict().items() if k.startswith("linear.")}
    model.load_state_dict({**known.state_dict(), **own})
    return True


def _epoch(
    config: Config,
    model: Classifier,
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
    frames = config.audio.n_frames(round(settings.crop_seconds * config.audio.sample_rate))
    crops = settings.crop_seconds > 0 and frames < features.shape[2]
    cropping = crops and epoch < settings.epochs - settings.whole_epochs
    for part in _fixed(model, settings):  # their batch statistics stay as they are, too
        part.eval()

    def terms(chosen: Tensor) -> dict[str, Tensor]:
        chosen = chosen.to(device())
        x, y = features[chosen], wanted[chosen]
        if waveforms is not None:
            noise, rate = settings.noise, config.audio.sample_rate
            some = torch.randperm(len(y), generator=generator)[: round(noise.share * len(y))]
            if len(some):
                clips = chosen.cpu()[some]
                sounds, others, shares = with_noise(waveforms, clips, noise, rate, generator)
                x[some] = log_mels(sounds, config.audio)
                y[some] = joined(y[some], wanted[others], shares.to(device())[:, None], task)
        x = augment(crop(x, frames, generator) if cropping else x, settings, generator)
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


def trained(config: Config, out: Path) -> KumarVgg:
    """The frozen f that `train` left in OUT; ValueError where it is absent or unfinished."""
    data = open_data_set(config.data.kind, config.data.root)
    network = _run(config, out, len(data.classes)).result()
    return KumarVgg(network, config.audio, data.classes, data.multi_label)


def _network(name: str) -> Classifier:
    """The network of a bundle's f; ValueError where it is of another kind than we train."""
    network = network_of(load_bundle(name).classifier)
    if not isinstance(network, Classifier):
        raise ValueError(f"classifier.start_from: the f of {name} is not Kumar's network.")
    return network


def read_weights(path: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file; ValueError for an absent or another file."""
    if not Path(path).is_file():
        raise ValueError(
            f"classifier.pretrained: no such file: {path}. Write it with "
            "python -m pipelines.import_kumar FILE, or name another file."
        )
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"classifier.pretrained: {path} is not a safetensors file.") from error


def _run(config: Config, out: Path, n_classes: int) -> Run[Classifier]:
    """f's training in OUT; ValueError for clips that are too short for it."""
    settings, rate = config.classifier, config.audio.sample_rate
    model = Classifier(
        n_classes, config.audio.n_mels, dropout=settings.dropout, map_blocks=config.map_blocks
    ).to(device())
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for part in _fixed(model, settings):
        part.requires_grad_(False)
    for name, seconds in (
        ("data.seconds", config.data.seconds),
        ("classifier.crop_seconds", settings.crop_seconds),
    ):
        if seconds and config.audio.n_frames(round(seconds * rate)) < model.min_frames:
            least = (model.min_frames - 1) * config.audio.hop_length / rate
            raise ValueError(
                f"{name} is {seconds:g}, but f needs at least {least:.2f} s at this hop length."
            )
    recipe = run_recipe(config, "precision", "classifier")
    path = out / "checkpoints" / "classifier.safetensors"
    return Run("classifier", "train_classifier", model, settings, path, recipe, part="classifier")


def _fixed(model: Classifier, settings: ClassifierConfig) -> list[nn.Module]:
    """What of f does not learn."""
    return [model.blocks, model.embedding] if settings.head_only else []


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
