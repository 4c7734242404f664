"""Learn the dictionary W: `python -m pipelines.learn_dictionary --config configs/esc10.yaml`.

Leaves W in OUT/checkpoints; `train_interpreter` makes a bundle of it. Resumable.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from l2i_core.nmf import average_frames, centre_bins, sparse_nmf
from pipelines.checkpoint import read_tensors, save_tensors
from pipelines.config import Config, command_line
from pipelines.features import load_batch, log_magnitudes
from pipelines.runs import device, main_guard, start_log
from pipelines.train_classifier import run_recipe, training_clips

log = logging.getLogger("l2i")
_CHUNK = 25  # iterations between two checkpoints


def training_matrix(config: Config) -> Tensor:
    """X_train (F, N): the training clips' log-magnitudes, frames averaged (A.1.1)."""
    _, clips = training_clips(config)
    waveforms, _ = load_batch(clips, config.audio, config.data.seconds, config.data.skip_damaged)
    spectrograms = log_magnitudes(waveforms, config.audio)
    return torch.cat([average_frames(x, config.dictionary.average) for x in spectrograms], dim=1)


def learn(config: Config, out: Path, only_finished: bool = False) -> Tensor:
    """W (F, K), columns in rising order of their centre frequency; continues what OUT holds.

    With `only_finished` nothing is learned: an absent or unfinished dictionary is a ValueError.
    """
    settings = config.dictionary
    checkpoint = out / "checkpoints" / "dictionary.safetensors"
    recipe = json.dumps(run_recipe(config, "dictionary"), sort_keys=True)
    done, start = _resume(checkpoint, recipe)
    if start is not None and done >= settings.iterations:
        return _by_frequency(start[0])
    if only_finished:
        raise ValueError(
            f"{out} holds no finished dictionary; run pipelines.learn_dictionary first."
        )
    matrix = training_matrix(config).to(device())
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
            start=start,
            progress=lambda _, value: bar.update() and bar.set_postfix(objective=f"{value:.4g}"),
        )
        done, start = done + step, (result.patterns, result.activations)
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
        tensors = {"w": start[0], "h": start[1]}
        save_tensors(checkpoint, tensors, {"done": str(done), "recipe": recipe})
    assert start is not None
    return _by_frequency(start[0])


def _by_frequency(patterns: Tensor) -> Tensor:
    return patterns[:, centre_bins(patterns).argsort()].contiguous().cpu()


def _resume(path: Path, recipe: str) -> tuple[int, tuple[Tensor, Tensor] | None]:
    if not path.is_file():
        return 0, None
    tensors, metadata = read_tensors(path, recipe)
    return int(metadata["done"]), (tensors["w"], tensors["h"])


def main(argv: list[str] | None = None) -> int:
    config, out, _ = command_line(__doc__ or "", argv)
    start_log(out)
    learn(config, out)
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
