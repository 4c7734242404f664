"""Feature maps (B, channels, time, bands) of layers whose outputs have any shape: which axis is
time is measured, not declared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_MOVES = 0.2  # of an axis, by which what hears the sound's end lies behind what hears its start


@dataclass(frozen=True, slots=True)
class Grid:
    """How tokens (B, N, D) lie in time and frequency.

    bands: tokens of one moment; special: tokens before the first of the grid (class, distillation);
    time_first: token t · bands + b of moment t and band b, else b · moments + t (AST).
    """

    bands: int
    special: int = 0
    time_first: bool = False

    def unfolded(self, tokens: Tensor) -> Tensor:
        """(B, N, D) → (B, D, time, bands)."""
        grid = tokens[:, self.special :].transpose(1, 2)
        if self.time_first:
            return grid.unflatten(2, (-1, self.bands))
        return grid.unflatten(2, (self.bands, -1)).transpose(2, 3)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where time, channels and bands (None: none) lie in a layer's output, or its grid."""

    time: int
    channels: int
    bands: int | None = None
    grid: Grid | None = None

    def map(self, given: Tensor) -> Tensor:
        """A layer's output → (B, channels, time, bands)."""
        if self.grid:
            return self.grid.unfolded(given)
        if self.bands is None:
            return given.movedim(self.time, 2).unsqueeze(3)
        return given.permute(0, self.channels, self.time, self.bands)


def layout(name: str, given: Tensor, time: Sequence[int], grid: Grid | None = None) -> Layout:
    """Of the output of the layer `name`, whose axes `time` follow the sound's length.

    With a grid, tokens (B, N, D). ValueError for an output that is no map over time.
    """
    shape = tuple(given.shape)
    if grid:
        if len(shape) != 3 or shape[1] <= grid.special or (shape[1] - grid.special) % grid.bands:
            raise ValueError(
                f"the layer {name!r} gives the shape {shape}, which is no grid of {grid.special} "
                f"special tokens and {grid.bands} bands; leave the grid out or give its own."
            )
        return Layout(1, 2, grid=grid)
    if len(shape) not in (3, 4) or len(time) != 1:
        raise ValueError(
            f"the layer {name!r} gives the shape {shape}, in which "
            f"{'no axis is' if not time else 'no single axis is'} time; accepted are (B, channels, "
            "T), (B, T, channels) and (B, channels, T, bands). Name another layer."
        )
    (axis,) = time
    if len(shape) == 3:
        return Layout(axis, 3 - axis)
    channels = 1 if axis != 1 else 3
    return Layout(axis, channels, ({1, 2, 3} - {axis, channels}).pop())


def fitted(given: Tensor, start: float, end: float, step: float) -> Tensor:
    """A map (B, channels, time, bands) of the stretch start … end, in seconds, with as many steps
    as begin in it: without those of padding, its last one repeated where some are missing."""
    steps = max(1, math.ceil(end / step - 1e-6) - math.ceil(start / step - 1e-6))
    missing = max(0, steps - given.shape[2])
    return functional.pad(given, (0, 0, 0, missing), mode="replicate")[:, :, :steps]


def growing(short: Tensor, long: Tensor) -> list[int]:
    """The axes of a layer's output that are longer for a longer sound."""
    if short.ndim != long.ndim:
        return []
    return [i for i in range(1, short.ndim) if long.shape[i] > short.shape[i]]


def moving(whole: Tensor, start: Tensor, end: Tensor) -> list[int]:
    """The axis along which a change of the sound's end lies most behind a change of its start: for
    layers whose sounds have one length. whole, start, end: the layer's output on a sound and on
    those that differ from it in their first or last part."""
    shifts = {
        axis: _centre(end - whole, axis) - _centre(start - whole, axis)
        for axis in range(1, whole.ndim)
        if whole.shape[axis] > 1
    }
    best = max(shifts, key=lambda axis: shifts[axis], default=None)
    return [] if best is None or shifts[best] < _MOVES else [best]


def _centre(change: Tensor, axis: int) -> float:
    """The centre of a change along an axis, in [0, 1]; 0.5 where nothing changes."""
    others = [i for i in range(change.ndim) if i != axis]
    weight = change.abs().double().sum(dim=others)
    total = float(weight.sum())
    return float(weight @ torch.linspace(0, 1, len(weight)).double()) / total if total else 0.5
