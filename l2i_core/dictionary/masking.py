"""From a choice of components to masked spectrograms (section 3.2, Algorithm 2): pure functions.

Training (the decision in the loop) and explaining share these functions, so all are
differentiable and take leading batch axes.

Mask domains. "log", the paper's: X_int = M ⊙ X on log-magnitudes, X_2 = X − X_int. "linear":
the same M on magnitudes, X_int = log1p(M ⊙ expm1 X), so that x_int + x_2 = x exactly.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from l2i_core.signal import spectra

MASK_DOMAINS = ("log", "linear")
THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(20))  # the τ grid of tables and plots
_TINY = 1e-12


def select(relevance: Tensor, threshold: float, max_components: int | None = None) -> list[int]:
    """L = {k : r_k > τ} in falling order of relevance; `max_components` keeps the first few."""
    order = torch.argsort(relevance, descending=True, stable=True)
    count = int((relevance > threshold).sum())
    return order[: count if max_components is None else min(count, max_components)].tolist()


def gains_of(chosen: Sequence[int], n_components: int) -> Tensor:
    """g (K,): 1 for the chosen components, 0 for the others."""
    gains = torch.zeros(n_components)
    gains[list(chosen)] = 1.0
    return gains


def soft_masks(
    patterns: Tensor, activations: Tensor, gains: Tensor, epsilon: float = 0.0
) -> tuple[Tensor, Tensor]:
    """M = W (g ⊙ H) / (W H) and 1 − M: (F, K), (…, K, T), (…, K) → twice (…, F, T) in [0, 1].

    Where W H = 0, M is 0: the bin goes to the residual. The second mask is summed from what is left
    out: the difference 1 − M would leave rounding noise where M is 1, which log-mel still shows.
    epsilon is added to the denominator W H (the released code's 1e-6); its share is left out.
    """
    weight = gains.unsqueeze(-1)
    left = patterns @ ((1 - weight) * activations)
    return _masks(patterns @ (weight * activations), left + epsilon if epsilon else left)


def cumulative_masks(
    patterns: Tensor,
    activations: Tensor,
    order: Sequence[int],
    counts: Sequence[int],
    epsilon: float = 0.0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """`soft_masks` (F, T) of the first `count` components of `order` (all K), for rising counts.

    The numerators are cumulative sums: together they cost one product W H.
    """
    edges = [0, *counts, len(order)]
    parts = [
        patterns[:, list(order[start:end])] @ activations[list(order[start:end])]
        for start, end in zip(edges[:-1], edges[1:], strict=True)
    ]
    left = [parts[-1] + epsilon]
    for part in parts[-2:0:-1]:
        left.append(left[-1] + part)
    kept = torch.zeros_like(parts[0])
    for part, rest in zip(parts[:-1], reversed(left), strict=True):
        kept = kept + part
        yield _masks(kept, rest)


def apply_masks(
    log_magnitude: Tensor, masks: tuple[Tensor, Tensor], domain: str = "log"
) -> tuple[Tensor, Tensor]:
    """X_int and X_2 (…, F, T) of X and (M, 1 − M) in the mask domain (Algorithm 2; Eq. 6's X_2)."""
    kept, left = masks
    if domain == "log":
        return kept * log_magnitude, left * log_magnitude
    if domain == "linear":
        magnitude = spectra.magnitude(log_magnitude)
        return spectra.compress(kept * magnitude), spectra.compress(left * magnitude)
    raise ValueError(f"unknown mask domain {domain!r}; accepted: {', '.join(MASK_DOMAINS)}.")


def energy_share(signal_magnitude: Tensor, log_magnitude: Tensor, kept: Tensor) -> float:
    """Share of a signal's energy that passes the effective filter G = expm1(X_int) / expm1(X).

    signal_magnitude |S| (F, T) may be the input itself, a stem of it, or added noise.
    """
    effective = ratio(spectra.magnitude(kept), spectra.magnitude(log_magnitude))
    energy = signal_magnitude.double().square()
    total = float(energy.sum())
    return float((effective.double().square() * energy).sum()) / total if total > 0 else 0.0


def component_log_energy(log_magnitude: Tensor, patterns: Tensor, activations: Tensor) -> Tensor:
    """Share of ‖X‖² that each component's mask covers (K,): Σ m_k ⊙ X² / Σ X².

    Additive over components, so a set removes the sum of its members: the measure by which the
    energy-matched Random Baseline is matched.
    """
    total = log_magnitude.square().sum()
    if float(total) == 0.0:
        return torch.zeros(patterns.shape[1])
    weighted = ratio(log_magnitude.square(), patterns @ activations)
    return ((patterns.T @ weighted) * activations).sum(dim=1) / total


def reconstruction_error(log_magnitude: Tensor, patterns: Tensor, activations: Tensor) -> float:
    """‖X − W H‖ / ‖X‖ of X (F, T), W (F, K), H (K, T): what Eq. 3 keeps small; 0 for silence."""
    norm = float(log_magnitude.norm())
    return float((log_magnitude - patterns @ activations).norm()) / norm if norm > 0 else 0.0


def _masks(kept: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
    total = kept + left
    return ratio(kept, total), torch.where(total > _TINY, ratio(left, total), 1.0)


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, 0 where the denominator (≥ 0) is 0."""
    quotient = numerator / denominator.clamp_min(_TINY)
    return torch.where(denominator > _TINY, quotient, torch.zeros_like(quotient))
