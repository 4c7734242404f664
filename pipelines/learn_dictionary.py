"""Learn the dictionary W: `python -m pipelines.learn_dictionary --config configs/esc10.yaml`.

Leaves W in OUT/checkpoints; `train_interpreter` makes a bundle of it. Resumable.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from l2i_core.data.clips import Clip
from l2i_core.dictionary.nmf import average_frames, by_frequency, sparse_nmf
from pipelines.checkpoint import read_tensors, save_tensors
from pipelines.config import Config
from pipelines.features import load_batch, log_magnitudes
from pipelines.loop import stage
from pipelines.runs import device, main_guard
from pipelines.train_classifier import run_recipe, training_clips

log = logging.getLogger("l2i")
_CHUNK = 25  # iterations between two checkpoints


def groups(config: Config, classes: Sequence[str]) -> tuple[str, ...]:
    """The class on whose clips each component was learned; () where all were learned together."""
    if not config.dictionary.by_class:
        return ()
    each, rest = divmod(config.dictionary.components, len(classes))
    if rest or not each:
        raise ValueError(
            f"dictionary.components must be a multiple of the {len(classes)} classes where "
            f"components are learned by class, received {config.dictionary.components}."
        )
    return tuple(label for label in classes for _ in range(each))


def training_matrix(config: Config, clips: Sequence[Clip]) -> Tensor:
    """X_train (F, N): the clips' log-magnitudes, frames averaged (A.1.1)."""
    waveforms, _ = load_batch(clips, config.audio, config.data.seconds, config.data.skip_damaged)
    spectrograms = log_magnitudes(waveforms, config.audio)
    return torch.cat([average_frames(x, config.dictionary.average) for x in spectrograms], dim=1)


def learn(config: Config, out: Path, only_finished: bool = False) -> Tensor:
    """W (F, K), columns in rising order of their centre frequency (by class: within each class);
    continues what OUT holds.

    With `only_finished` nothing is learned: an absent or unfinished dictionary is a ValueError.
    """
    settings = config.dictionary
    checkpoint = out / "checkpoints" / "dictionary.safetensors"
    recipe = json.dumps(run_recipe(config, "dictionary"), sort_keys=True)
    done, start = _resume(checkpoint, recipe)
    if start is not None and done >= settings.iterations:
        return start["w"].cpu() if settings.by_class else by_frequency(start["w"]).cpu()
    if only_finished:
        raise ValueError(
            f"{out} holds no finished dictionary; run pipelines.learn_dictionary first."
        )
    if settings.by_class:
        return _learn_by_class(config, checkpoint, recipe, start or {})
    matrix = training_matrix(config, training_clips(config)[1]).to(device())
    log.info("dictionary: X_train %s, from iteration %d", tuple(matrix.shape), done)
    bar = tqdm(total=settings.iterations, initial=done, desc="sparse NMF", unit="it")
    while done < settings.iterations:
        step = min(_CHUNK, settings.iterations - done)
        result = sparse_nmf(
            matrix,
            settings.components,
            settings.sparsity,
            step,
            settings.divergence,
            config.seed,
            start=(start["w"], start["h"]) if start else None,
            progress=lambda _, value: bar.update() and bar.set_postfix(objective=f"{value:.4g}"),
        )
        done, start = done + step, {"w": result.patterns, "h": result.activations}
        model = result.patterns @ result.activations
        error = float((matrix - model).norm() / matrix.norm())
        sparse = float((result.activations < 1e-3).float().mean())
        log.info(
            "dictionary iteration %d/%d objective %.6g, relative error %.4f, "
            "%.0f %% of H below 1e-3",
            done,
            settings.iterations,
            result.objective[-1],
            error,
            100 * sparse,
        )
        save_tensors(checkpoint, start, {"done": str(done), "recipe": recipe})
    assert start is not None
    return by_frequency(start["w"]).cpu()


def _learn_by_class(
    config: Config, checkpoint: Path, recipe: str, parts: dict[str, Tensor]
) -> Tensor:
    """W (F, K), the paper's for SONYC-UST (A.1.1): first W_noise on the clips without a class, held
    fixed while each class's components are learned on clips that hold it; W_noise is then left out.

    Every part is kept as it is done. Classes follow f's order; within one, frequency.
    """
    settings = config.dictionary
    data, clips = training_clips(config)
    each = len(groups(config, data.classes)) // len(data.classes)
    generator = torch.Generator().manual_seed(config.seed)
    chosen = torch.randperm(len(clips), generator=generator).tolist()
    for number, label in enumerate(["noise", *data.classes]):
        name = f"part-{number}"
        size = each if number else settings.noise_components
        if name in parts or not size:
            continue
        fits = [label in clip.held if number else not clip.held for clip in clips]
        mine = [clips[i] for i in chosen if fits[i]]
        if not mine:
            what = f"that holds {label}" if number else "without a class, which W_noise needs"
            raise ValueError(f"there is no training clip {what}; change the data or the recipe.")
        matrix = training_matrix(config, mine[: settings.clips_per_class]).to(device())
        noise = parts.get("part-0") if number else None
        result = sparse_nmf(
            matrix,
            size,
            settings.sparsity,
            settings.iterations,
            settings.divergence,
            config.seed,
            fixed=None if noise is None else noise.to(device()),
        )
        learned = result.patterns[:, 0 if noise is None else noise.shape[1] :]
        error = float((matrix - result.patterns @ result.activations).norm() / matrix.norm())
        log.info(
            "dictionary %s: %d components on %s, relative error %.4f",
            label,
            size,
            tuple(matrix.shape),
            error,
        )
        parts[name] = by_frequency(learned).cpu()
        save_tensors(checkpoint, parts, {"done": "0", "recipe": recipe})
    patterns = torch.cat([parts[f"part-{n}"] for n in range(1, len(data.classes) + 1)], dim=1)
    finished = {**parts, "w": patterns}
    save_tensors(checkpoint, finished, {"done": str(settings.iterations), "recipe": recipe})
    return patterns


def _resume(path: Path, recipe: str) -> tuple[int, dict[str, Tensor] | None]:
    """How many iterations are done, and W and H; a W by class is there as a whole or not at all."""
    if not path.is_file():
        return 0, None
    tensors, metadata = read_tensors(path, recipe)
    return int(metadata["done"]), tensors


def main(argv: list[str] | None = None) -> int:
    return stage(__doc__, argv, lambda config, out, _: learn(config, out))


if __name__ == "__main__":
    sys.exit(main_guard(main))
