"""Relevance of a black box: a local linear surrogate of f over the components of a clip.

As in LIME (Ribeiro et al. 2016) and its versions for sound, SLIME (Mishra et al. 2017) and
audioLIME (Haunschmid et al. 2020): switch interpretable features on and off at random, ask f each
time, fit a ridge regression in which perturbations near the clip weigh more. The features are the
NMF components, so its coefficients and other relevances speak of the same things; it needs
hundreds of passes of f for every clip, and no gradient.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from l2i_core.dictionary import masking
from l2i_core.explainers.protocol import EXPLAINERS, Analysis, Ask, Explainer
from l2i_core.strict import at_least

ACTIVE = 1e-3  # share of ‖X‖² from which a component counts as active in a clip
KERNEL_WIDTH = 0.25  # LIME's for images, and audioLIME's
SAMPLES = 256
_AT_ONCE = 16

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


@EXPLAINERS.add("surrogate")
class LocalSurrogate(Explainer):
    """The coefficients as shares of the largest: r_k = b_k / max_l |b_l|."""

    title = "Surrogate"
    description = "A linear model of f around the clip, from 256 passes; nothing was trained."
    seconds = 10.0

    def __init__(self, samples: int = SAMPLES) -> None:
        self.samples = samples
        at_least(self, 2, "samples")

    def relevance(self, analysis: Analysis, target: int, ask: Ask) -> Tensor:
        """r (K,); 0 where nothing is active or has an effect."""
        if not bool((ask.energies() >= ACTIVE).any()):
            return torch.zeros(len(analysis.activations))
        made = fitted(analysis, target, ask, np.random.default_rng(0), self.samples)
        found, largest = made.coefficients, float(np.abs(made.coefficients).max())
        return torch.from_numpy(found / largest if largest > 0 else found).float()


def fitted(
    analysis: Analysis,
    target: int,
    ask: Ask,
    generator: np.random.Generator,
    samples: int = SAMPLES,
) -> Surrogate:
    """The surrogate of one clip for a class, from `samples` passes of f.

    What is off is removed from the clip as in FF (Eq. 6). ValueError for fewer than two samples,
    and a clip in which no component is active.
    """
    active = np.flatnonzero(ask.energies().double().numpy() >= ACTIVE)
    if active.size == 0:
        raise ValueError("no component is active in this clip: there is nothing to switch off.")
    masks, k = draw_masks(active.size, samples, generator), len(analysis.activations)
    removed = torch.stack([masking.gains_of(active[~mask].tolist(), k) for mask in masks])
    parts = []
    with torch.no_grad():
        for gains in removed.split(_AT_ONCE):
            parts.append(ask.left(gains)[:, target])
            ask.tell(min(sum(map(len, parts)), samples), samples)
    logits = torch.cat(parts).numpy()
    found, intercept, score = fit(masks, logits)
    coefficients = np.zeros(k)
    coefficients[active] = found
    return Surrogate(target, tuple(active.tolist()), coefficients, intercept, score)


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
    from sklearn.linear_model import Ridge  # half a second that no other explainer needs

    on, values = np.asarray(masks, dtype=np.float64), np.asarray(logits, dtype=np.float64)
    if on.ndim != 2 or values.shape != on.shape[:1] or not np.isfinite(values).all():
        raise ValueError(f"masks {on.shape} need as many finite logits, received {values.shape}.")
    weights = kernel(on)
    model = Ridge(alpha=1.0).fit(on, values, sample_weight=weights)
    score = float(model.score(on, values, sample_weight=weights))
    return np.asarray(model.coef_), float(model.intercept_), score
