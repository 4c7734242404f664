"""Resuming: model, optimisers and epoch in one safetensors file, moved into place when complete.

Every epoch draws its randomness from (seed, epoch) alone and the learning rate is a function of
the step, so a run that is killed and started again gives what an unbroken one gives.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from l2i_core.files import atomic
from pipelines.runs import hardware


def save_checkpoint(
    path: Path,
    models: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    epoch: int,
    recipe: Any,
) -> None:
    """Write the state after `epoch` finished epochs; `recipe` is what must agree on resuming."""
    tensors: dict[str, Tensor] = {}
    for name, model in models.items():
        tensors.update({f"{name}/{k}": v.contiguous() for k, v in model.state_dict().items()})
    for name, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors.update({f"{name}/{index}/{k}": v.contiguous() for k, v in state.items()})
    save_tensors(path, tensors, {"epoch": str(epoch), "recipe": _digest(recipe)})


def load_checkpoint(
    path: Path,
    models: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    recipe: Any,
) -> int:
    """Restore what `save_checkpoint` wrote; returns the finished epochs, 0 where there is none.

    A checkpoint of another recipe is a ValueError: continuing it would mix two runs.
    """
    if not path.is_file():
        return 0
    tensors, metadata = read_tensors(path, _digest(recipe))
    epoch = int(metadata["epoch"])
    for name, model in models.items():
        prefix = f"{name}/"
        model.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    for name, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(f"{name}/"):
                _, index, field = key.split("/")
                state.setdefault(int(index), {})[field] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return epoch


def read_tensors(path: Path, recipe: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a checkpoint; ValueError for a damaged one or another recipe's."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged; remove it to start this part again.") from error
    if metadata.get("recipe") != recipe:
        raise ValueError(
            f"{path} belongs to a run with other settings or clips; remove it or choose "
            "another --out."
        )
    return tensors, metadata


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file, complete or not there; its metadata tell the hardware, too."""
    metadata = {**metadata, "hardware": hardware()}
    with atomic(path) as part:
        save_file({k: v.contiguous().cpu() for k, v in tensors.items()}, part, metadata)


def trained_on(out: Path) -> dict[str, str]:
    """The hardware on which each part of a run in OUT was last trained, by the names of the
    checkpoints; without those that do not tell."""
    found = {}
    for path in sorted((out / "checkpoints").glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            if told := (file.metadata() or {}).get("hardware"):
                found[path.stem] = told
    return found


def one_cycle(step: int, total: int, peak: float, warm_up: float = 0.3) -> float:
    """Learning rate at `step` of `total`: cosine from peak/25 up to `peak`, then down to ~0."""
    rising = max(1, int(warm_up * total))
    if step < rising:
        start, end, position = peak / 25, peak, step / rising
    else:
        start, end, position = peak, peak / 1e4, (step - rising) / max(1, total - rising)
    return end + (start - end) * (1 + float(torch.cos(torch.tensor(torch.pi * position)))) / 2


def _digest(recipe: Any) -> str:
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
