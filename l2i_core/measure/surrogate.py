"""A check of L2I's relevances clip by clip: a local linear surrogate of f over the components.

As in LIME (Ribeiro et al. 2016) and its versions for sound, SLIME (Mishra et al. 2017) and
audioLIME (Haunschmid et al. 2020): switch interpretable features on and off at random, ask f each
time, fit a ridge regression in which perturbations near the clip weigh more. The features are the
NMF components, so its coefficients and L2I's relevances speak of the same things; unlike L2I it
needs hundreds of passes of f for every clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.linear_model import Ridge

from l2i_core.engine import L2I
from l2i_core.explainers.protocol import Analysis

ACTIVE = 1e-3  # share of ‖X‖² from which a component counts as active in a clip
KERNEL_WIDTH = 0.25  # LIME's for images, and audioLIME's

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A linear model of f's logit for one class around one clip.

    coefficients (K,): what each component adds to the logit, 0 for those that are not `active`
    (indices, rising) and were never switched; score: the fit's R², weighted as the fit was.
    """

    target_index: int
    active: tuple[int, ...]
    coefficients: Array
    intercept: float
    score: float

    @property
    def order(self) -> list[int]:
        """All components by falling coefficient; equals keep their order."""
        return np.argsort(-self.coefficients, kind="stable").tolist()


def draw_masks(n_features: int, samples: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """On and off (samples, n_features), each by a fair coin; the first row, the clip, is all on."""
    if samples < 2:
        raise ValueError(f"a surrogate needs at least 2 samples, received {samples}.")
    masks = generator.random((samples, n_features)) < 0.5
    masks[0] = True
    return masks


def kernel(masks: ArrayLike, width: float = KERNEL_WIDTH) -> Array:
    """LIME's weights (N,) of masks (N, A): √exp(−d² / width²), d the cosine distance to all on.

    That is 1 − √(share that is on), and 1 for a mask with nothing on.
    """
    distance = 1 - np.sqrt(np.asarray(masks, dtype=np.float64).mean(axis=1))
    return np.sqrt(np.exp(-(distance**2) / width**2))


def fit(masks: ArrayLike, logits: ArrayLike) -> tuple[Array, float, float]:
    """Ridge regression (α = 1, as in LIME) of logits (N,) on masks (N, A), weighted by `kernel`.

    Returns coefficients (A,), the intercept and the weighted R². ValueError where they do not
    match or are not finite.
    """
    on, values = np.asarray(masks, dtype=np.float64), np.asarray(logits, dtype=np.float64)
    if on.ndim != 2 or values.shape != on.shape[:1] or not np.isfinite(values).all():
        raise ValueError(f"masks {on.shape} need as many finite logits, received {values.shape}.")
    weights = kernel(on)
    model = Ridge(alpha=1.0).fit(on, values, sample_weight=weights)
    score = float(model.score(on, values, sample_weight=weights))
    return np.asarray(model.coef_), float(model.intercept_), score


def explain_clip(
    engine: L2I,
    analysis: Analysis,
    generator: np.random.Generator,
    target: str | int | None = None,
    samples: int = 256,
    mask_domain: str = "log",
) -> Surrogate:
    """The surrogate of one clip for `target` (default: f's prediction), from `samples` passes of f.

    What is off is removed from the clip as in FF (Eq. 6). ValueError for an unknown class, fewer
    than two samples, and a clip in which no component is active.
    """
    index = engine.class_index(analysis.predicted if target is None else target)
    active = np.flatnonzero(log_energy(engine, analysis) >= ACTIVE)
    if active.size == 0:
        raise ValueError("no component is active in this clip: there is nothing to switch off.")
    masks = draw_masks(active.size, samples, generator)
    removed = [active[~mask].tolist() for mask in masks]
    logits = engine.logits_without(analysis, removed, mask_domain)[:, index].numpy()
    found, intercept, score = fit(masks, logits)
    coefficients = np.zeros(engine.dictionary.n_components)
    coefficients[active] = found
    return Surrogate(index, tuple(active.tolist()), coefficients, intercept, score)


def agreement(relevance: ArrayLike, surrogate: Surrogate) -> tuple[float, float]:
    """Spearman's ρ and Kendall's τ-b of r (K,) and the coefficients, over the active components.

    NaN where fewer than two are active or all have the same value.
    """
    active = list(surrogate.active)
    ours = np.asarray(relevance, dtype=np.float64)[active]
    theirs = surrogate.coefficients[active]
    if min(np.ptp(ours), np.ptp(theirs)) == 0:
        return float("nan"), float("nan")
    return (
        float(stats.spearmanr(ours, theirs).statistic),
        float(stats.kendalltau(ours, theirs).statistic),
    )


def equal_count(surrogate: Surrogate, count: int) -> list[int]:
    """The `count` components with the largest coefficients."""
    return surrogate.order[:count]


def equal_energy(surrogate: Surrogate, log_energy: ArrayLike, wanted: float) -> list[int]:
    """As many of the components with the largest coefficients as reach the share `wanted` of ‖X‖².

    log_energy (K,): every component's share. None for nothing wanted; all where all are too little.
    """
    order, energy = surrogate.order, np.asarray(log_energy, dtype=np.float64)
    if wanted <= 0:
        return []
    return order[: int(np.searchsorted(np.cumsum(energy[order]), wanted * (1 - 1e-6))) + 1]


def log_energy(engine: L2I, analysis: Analysis) -> Array:
    """The share of ‖X‖² (K,) of every component."""
    return engine.component_energy(analysis).double().numpy()
