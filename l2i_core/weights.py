"""Weights as safetensors files in fp16, read strictly, and frozen in memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)


def freeze(model: Model) -> Model:
    """Evaluation mode and no gradients for the parameters: f is fixed once it is explained."""
    model.eval()
    for weights in model.parameters():  # a ScriptModule has no requires_grad_ of its own
        weights.requires_grad_(False)
    return model


def load_into(model: nn.Module, path: Path) -> None:
    """Fill a network from a file that holds its tensors and no others, and freeze it."""
    tensors = read_tensors(path)
    state = model.state_dict()
    check_shapes(tensors, state, path)
    model.load_state_dict({k: v.to(state[k].dtype) for k, v in tensors.items()})
    freeze(model)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file; ValueError where it is absent or damaged."""
    if not path.is_file():
        raise ValueError(f"the bundle {path.parent} lacks the file {path.name}.")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}. Restore the file.") from error


def check_shapes(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """ValueError names the first tensor that is absent, unknown, misshapen or not finite."""
    if missing := sorted(set(expected) - set(tensors)):
        raise ValueError(f"{path} lacks the tensor {missing[0]!r}.")
    if unknown := sorted(set(tensors) - set(expected)):
        raise ValueError(f"{path} has the unknown tensor {unknown[0]!r}.")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(
                f"{path}: {name!r} has shape {tuple(tensor.shape)}, "
                f"config.json asks for {tuple(expected[name].shape)}."
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{path}: {name!r} holds NaN or infinite values.")


def save_half(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors in fp16; ValueError for values that it cannot hold."""
    halves = {
        k: (v.half() if v.is_floating_point() else v).contiguous().clone()
        for k, v in tensors.items()
    }
    for name, tensor in halves.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name!r} holds values that fp16 cannot hold (over 65504, or NaN).")
    save_file(halves, path)
