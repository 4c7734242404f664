"""Sparse NMF (Eq. 5): a dictionary W of unit-norm spectral patterns and activations H.

    minimise  D(V | W H) + μ ‖H‖₁   subject to  W ≥ 0, H ≥ 0, ‖w_k‖₂ = 1

by multiplicative updates with the norm constraint inside the update of W (Le Roux, Weninger and
Hershey, "Sparse NMF – half-baked or well done?", 2015). D is ½‖V − WH‖² ("euclidean") or the
generalised Kullback-Leibler divergence ("kl").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

DIVERGENCES = ("euclidean", "kl")
_TINY = 1e-12
_MAX_HALVINGS = 12
_INNER = 3  # updates of W a mini-batch

Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Factorisation:
    """W (F, K) with unit-norm columns, H (K, N), and the objective after every iteration."""

    patterns: Tensor
    activations: Tensor
    objective: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """patterns W (F, K), unit-norm columns; groups: a label per component, or none.

    K is 0 where each clip has a W of its own (`dictionary.choice.learned`)."""

    patterns: Tensor
    groups: tuple[str, ...] = ()

    @property
    def n_components(self) -> int:
        return self.patterns.shape[1]


def sparse_nmf(
    v: Tensor,
    n_components: int,
    sparsity: float = 0.2,
    iterations: int = 200,
    divergence: str = "euclidean",
    seed: int = 0,
    fixed: Tensor | None = None,
    start: tuple[Tensor, Tensor] | None = None,
    progress: Progress | None = None,
) -> Factorisation:
    """Learn W and H from V ≥ 0 (F, N) (Eq. 5).

    sparsity is μ. `fixed` (F, K₀) are columns that stay as they are (the paper's W_noise): they
    come first in W, unchanged bit for bit, and `n_components` counts the learned ones alone.
    `start` continues from a given (W, H). `progress(iteration, objective)` is called after each
    iteration. The objective never rises, up to rounding in V's precision (about 1e-6 of ½‖V‖² for
    float32): an update of W that would raise it is damped.

    Raises ValueError for negative or non-finite V, an unknown divergence, and sizes below 1.
    """
    _check(v, sparsity, iterations, divergence)
    if n_components < 1:
        raise ValueError(f"n_components must be at least 1, not {n_components}.")
    n_fixed = 0 if fixed is None else fixed.shape[1]
    if fixed is not None and fixed.shape[0] != v.shape[0]:
        raise ValueError(f"fixed columns have {fixed.shape[0]} bins, the data have {v.shape[0]}.")
    if start is None:
        w, h = _random_start(v, n_components + n_fixed, seed)
        if fixed is not None:
            w = torch.cat([fixed.to(w), w[:, n_fixed:]], dim=1)
    else:
        w, h = (part.to(v).clone() for part in start)
    step = _euclidean_step if divergence == "euclidean" else _kl_step
    values = []
    state = _State(v, sparsity, n_fixed)
    for iteration in range(iterations):
        w, h, value = step(state, w, h)
        values.append(value)
        if progress:
            progress(iteration + 1, value)
    return Factorisation(w, h, tuple(values))


def project(
    v: Tensor,
    patterns: Tensor,
    sparsity: float = 0.0,
    iterations: int = 200,
    divergence: str = "euclidean",
) -> Tensor:
    """H ≥ 0 (K, N) that minimises Eq. 5 for V (F, N) and a fixed W (F, K): the NMF projection."""
    _check(v, sparsity, iterations, divergence)
    if patterns.shape[0] != v.shape[0]:
        raise ValueError(f"W has {patterns.shape[0]} bins, the data have {v.shape[0]}.")
    h = torch.full((patterns.shape[1], v.shape[1]), float(v.mean()) + 1e-3).to(v)
    if divergence == "euclidean":
        numerator, gram = patterns.T @ v, patterns.T @ patterns
        for _ in range(iterations):
            h = h * numerator / (gram @ h + sparsity).clamp_min(_TINY)
        return h
    for _ in range(iterations):
        h = _kl_update_h(v, patterns, h, sparsity)
    return h


class OnlineNmf:
    """W of Eq. 5 (½‖V − WH‖²) by mini-batches, for data that no memory holds at once.

    Each batch V (F, N) is projected on W, and its V Hᵀ (F, K) and H Hᵀ (K, K), which are all that
    the update of W needs, are added to those of the batches before it, which fade by `memory` a
    batch (Mairal et al., "Online learning for matrix factorization and sparse coding", 2010; the
    fading is MiniBatchNMF's of scikit-learn). `state` is all that there is to keep.
    """

    def __init__(self, state: dict[str, Tensor], sparsity: float, memory: float) -> None:
        self.state, self.sparsity, self.memory = dict(state), sparsity, memory

    @classmethod
    def start(
        cls,
        v: Tensor,
        n_components: int,
        sparsity: float,
        memory: float,
        seed: int = 0,
    ) -> OnlineNmf:
        """From random columns that fit a first batch (F, N)."""
        w, _ = _random_start(v, n_components, seed)
        nothing = {"vh": torch.zeros_like(w), "hh": w.new_zeros(n_components, n_components)}
        return cls({"w": w, **nothing}, sparsity, memory)

    def update(self, v: Tensor, iterations: int = 20) -> float:
        """Learn from a batch V ≥ 0 (F, N); ‖V − WH‖ / ‖V‖ before W is updated."""
        w = self.state["w"]
        h = project(v, w, self.sparsity, iterations)
        error = float((v - w @ h).norm() / v.norm().clamp_min(_TINY))
        vh = self.memory * self.state["vh"] + v @ h.T
        hh = self.memory * self.state["hh"] + h @ h.T
        for _ in range(_INNER):
            w = normalise(w * _constrained_ratio(w, vh, w @ hh))
        self.state = {"w": w, "vh": vh, "hh": hh}
        return error


def objective(
    v: Tensor, w: Tensor, h: Tensor, sparsity: float, divergence: str = "euclidean"
) -> float:
    """D(V | WH) + μ ‖H‖₁ of Eq. 5, computed in double precision."""
    v, w, h = v.double(), w.double(), h.double()
    model = w @ h
    if divergence == "euclidean":
        cost = 0.5 * (v - model).square().sum()
    else:
        cost = (torch.xlogy(v, v) - torch.xlogy(v, model.clamp_min(_TINY)) - v + model).sum()
    return float(cost + sparsity * h.sum())


def average_frames(log_magnitude: Tensor, size: int = 5) -> Tensor:
    """Means over chunks of `size` frames, the last incomplete chunk included (A.1.1).

    (F, T) → (F, ceil(T / size)).
    """
    if size < 1:
        raise ValueError(f"the number of averaged frames must be at least 1, not {size}.")
    return torch.stack([part.mean(dim=1) for part in log_magnitude.split(size, dim=1)], dim=1)


def normalise(patterns: Tensor) -> Tensor:
    """Columns with unit ℓ2 norm (F, K)."""
    return patterns / patterns.norm(dim=0, keepdim=True).clamp_min(_TINY)


def centre_bins(patterns: Tensor) -> Tensor:
    """Each column's centre of gravity on the bin axis (K,), of W (F, K): a fractional bin index."""
    bins = torch.arange(len(patterns), dtype=patterns.dtype, device=patterns.device)
    return (bins @ patterns) / patterns.sum(dim=0).clamp_min(_TINY)


def by_frequency(patterns: Tensor) -> Tensor:
    """Columns in rising order of `centre_bins` (F, K)."""
    return patterns[:, centre_bins(patterns).argsort()].contiguous()


class _State:
    """What stays the same over the iterations."""

    def __init__(self, v: Tensor, sparsity: float, n_fixed: int) -> None:
        self.v, self.sparsity, self.n_fixed = v, sparsity, n_fixed
        self.power = float(v.double().square().sum())
        self.projection: Tensor | None = None  # WᵀV of the current W, euclidean only


def _euclidean_step(state: _State, w: Tensor, h: Tensor) -> tuple[Tensor, Tensor, float]:
    # WH is never formed: WᵀV, (WᵀW)H, VHᵀ and W(HHᵀ) are a third of the arithmetic.
    v, mu = state.v, state.sparsity
    projection = state.projection if state.projection is not None else w.T @ v
    gram = w.T @ w
    h = h * projection / (gram @ h + mu).clamp_min(_TINY)
    gram_h, penalty = h @ h.T, mu * float(h.double().sum())

    def value(w: Tensor, projection: Tensor) -> float:
        cross = float((projection.double() * h.double()).sum())
        return (
            0.5 * state.power - cross + 0.5 * float(((w.T @ w) * gram_h).double().sum()) + penalty
        )

    def tried(candidate: Tensor) -> float:
        state.projection = candidate.T @ v  # of the accepted one, the last tried: for the next step
        return value(candidate, state.projection)

    before = value(w, projection)
    ratio = _constrained_ratio(w, v @ h.T, w @ gram_h)
    updated, after = _damped(state, w, ratio, before, tried)
    if updated is w:
        state.projection = projection
    return updated, h, after


def _kl_step(state: _State, w: Tensor, h: Tensor) -> tuple[Tensor, Tensor, float]:
    v, mu = state.v, state.sparsity
    h = _kl_update_h(v, w, h, mu)

    def value(w: Tensor) -> float:
        return objective(v, w, h, mu, "kl")

    quotient = v / (w @ h).clamp_min(_TINY)
    ratio = _constrained_ratio(w, quotient @ h.T, h.sum(dim=1).expand(w.shape))
    w, after = _damped(state, w, ratio, value(w), value)
    return w, h, after


def _kl_update_h(v: Tensor, w: Tensor, h: Tensor, mu: float) -> Tensor:
    quotient = v / (w @ h).clamp_min(_TINY)
    return h * (w.T @ quotient) / (w.sum(dim=0)[:, None] + mu).clamp_min(_TINY)


def _constrained_ratio(w: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """The multiplicative factor of W under ‖w_k‖ = 1 (Le Roux et al. 2015, algorithm 2)."""
    top = positive + w * (w * negative).sum(dim=0)
    bottom = negative + w * (w * positive).sum(dim=0)
    return top / bottom.clamp_min(_TINY)


def _damped(
    state: _State, w: Tensor, ratio: Tensor, before: float, value: Callable[[Tensor], float]
) -> tuple[Tensor, float]:
    """The update of the free columns, its exponent halved until the objective does not rise."""
    exponent = 1.0
    for _ in range(_MAX_HALVINGS):
        free = normalise(w[:, state.n_fixed :] * ratio[:, state.n_fixed :].pow(exponent))
        candidate = torch.cat([w[:, : state.n_fixed], free], dim=1)
        after = value(candidate)
        if after <= before:
            return candidate, after
        exponent /= 2
    return w, before


def _random_start(v: Tensor, n_components: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    w = torch.rand(v.shape[0], n_components, generator=generator, dtype=v.dtype) + _TINY
    h = torch.rand(n_components, v.shape[1], generator=generator, dtype=v.dtype) + _TINY
    return normalise(w).to(v.device), h.to(v.device)


def _check(v: Tensor, sparsity: float, iterations: int, divergence: str) -> None:
    if divergence not in DIVERGENCES:
        raise ValueError(f"unknown divergence {divergence!r}; accepted: {', '.join(DIVERGENCES)}.")
    if v.ndim != 2 or v.numel() == 0:
        raise ValueError(f"NMF needs a matrix (bins, frames), received shape {tuple(v.shape)}.")
    if not torch.isfinite(v).all() or bool((v < 0).any()):
        raise ValueError("NMF needs finite, non-negative data; the matrix holds other values.")
    if not sparsity >= 0 or iterations < 1:
        raise ValueError(
            f"μ must be ≥ 0 and iterations ≥ 1, received μ = {sparsity}, iterations = {iterations}."
        )
