"""Learn the dictionary W: `python -m pipelines.learn_dictionary --config configs/esc10.yaml`.

Leaves W in OUT/checkpoints; `train_interpreter` makes a bundle of it. Resumable.
"""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from l2i_core.data.clips import Clip
from l2i_core.dictionary.nmf import OnlineNmf, average_frames, by_frequency, sparse_nmf
from pipelines.checkpoint import read_tensors, save_tensors
from pipelines.config import Config
from pipelines.features import load_batch, log_magnitudes
from pipelines.loop import stage
from pipelines.runs import device, main_guard
from pipelines.train_classifier import run_recipe, training_clips

log = logging.getLogger("l2i")
_CHUNK = 25  # iterations between two checkpoints
_HELD = 1 << 30  # bytes of averaged frames that mini-batches keep in memory
# What is left of a mini-batch after a whole pass, or after so many batches: on half of ESC-10, 300
# batches of 16 clips reach the objective of Eq. 5 that 200 iterations over all clips do.
_FADING, _REMEMBERED = 0.45, 30


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
    if settings.batch:
        return by_frequency(_learn_online(config, checkpoint, recipe, done, start)).cpu()
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


def _learn_online(
    config: Config, checkpoint: Path, recipe: str, done: int, state: dict[str, Tensor] | None
) -> Tensor:
    """W (F, K) by mini-batches of clips, which are read as they are needed: passes over all of them
    in an order of their own each, of which a very large folder's may not be finished."""
    settings, where = config.dictionary, device()
    frames = _Frames(config, training_clips(config)[1])
    each = -(-len(frames.clips) // settings.batch)
    memory = _FADING ** (1 / min(each, _REMEMBERED))
    learner: OnlineNmf | None = None
    if state is not None:
        here = {name: value.to(where) for name, value in state.items()}
        learner = OnlineNmf(here, settings.sparsity, memory)
    bar = tqdm(total=settings.iterations, initial=done, desc="sparse NMF", unit="batch")
    while done < settings.iterations:
        turn, place = divmod(done, each)
        generator = torch.Generator().manual_seed(config.seed * 100_003 + turn)
        order = torch.randperm(len(frames.clips), generator=generator).split(settings.batch)
        batch = frames.of(order[place].tolist()).to(where)
        learner = learner or OnlineNmf.start(
            batch, settings.components, settings.sparsity, memory, config.seed
        )
        error, done = learner.update(batch), done + 1
        bar.update()
        bar.set_postfix(error=f"{error:.3f}")
        if done % _CHUNK == 0 or done == settings.iterations:
            log.info(
                "dictionary batch %d/%d, relative error %.4f", done, settings.iterations, error
            )
            save_tensors(checkpoint, learner.state, {"done": str(done), "recipe": recipe})
    assert learner is not None
    return learner.state["w"]


class _Frames:
    """The averaged frames of clips, read when they are asked for; as many are kept as _HELD bytes
    hold, so that a folder that is not large is read once."""

    def __init__(self, config: Config, clips: Sequence[Clip]) -> None:
        self.config, self.clips = config, clips
        self._kept: dict[int, Tensor] = {}
        self.held = 0

    def of(self, chosen: Sequence[int]) -> Tensor:
        """X (F, N) of the clips of these numbers."""
        found = {i: self._kept[i] for i in chosen if i in self._kept}
        for i in (i for i in chosen if i not in found):
            found[i] = training_matrix(self.config, [self.clips[i]])
            size = found[i].nbytes
            if self.held + size <= _HELD:
                self._kept[i], self.held = found[i], self.held + size
        return torch.cat([found[i] for i in chosen], dim=1)


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
