"""A check of L2I's relevances clip by clip: a local linear surrogate of f over the components.

As in LIME (Ribeiro et al. 2016) and its versions for sound, SLIME (Mishra et al. 2017) and
audioLIME (Haunschmid et al. 2020): switch interpretable features on and off at random, ask f each
time, fit a ridge regression in which perturbations near the clip weigh more. The features are the
NMF components, so its coefficients and L2I's relevances speak of the same things; unlike L2I it
needs hundreds of passes of f for every clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.linear_model import Ridge

from l2i_core.data.clips import Clip, load_clip
from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers.protocol import Analysis
from l2i_core.measure import metrics
from l2i_core.measure.metrics import quartiles
from l2i_core.measure.random import as_much, energy_matched_drops
from l2i_core.task import ONE_CLASS, Task

ACTIVE = 1e-3  # share of ‖X‖² from which a component counts as active in a clip
KERNEL_WIDTH = 0.25  # LIME's for images, and audioLIME's
THRESHOLDS = (0.9, 0.7, 0.5, 0.3, 0.1)
RANDOM_DRAWS = 10
Row = dict[str, Any]
TEXTS = {"interpreter", "clip", "predicted", "weights"}  # columns of surrogate.csv that are names
_OPPONENTS = ("surrogate_count", "surrogate_energy", "random_energy")

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
    active = np.flatnonzero(_log_energy(engine, analysis) >= ACTIVE)
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


def check_clip(
    engine: L2I,
    analysis: Analysis,
    generator: np.random.Generator,
    samples: int = 256,
    thresholds: Sequence[float] = THRESHOLDS,
    random_draws: int = RANDOM_DRAWS,
    mask_domain: str = "log",
) -> list[Row]:
    """L2I beside the surrogate on f's decision c on one clip: a row per τ.

    `spearman`, `kendall`, `score` and the number of `active` components are the clip's. FF, in
    the units of `Task.score`: `faithfulness` (L removed), `surrogate_count` (as many of the
    surrogate's first), `surrogate_energy` (as much of ‖X‖²), `random_energy` (energy-matched
    Random, median); with `…_components` where their number is not |L| (`components`) and the share
    of ‖X‖² that each removes as `…_log_energy`. ValueErrors are `explain_clip`'s.
    """
    surrogate = explain_clip(engine, analysis, generator, None, samples, mask_domain)
    c = surrogate.target_index
    relevance = engine.relevance(analysis, c, measured=True)
    spearman, kendall = agreement(relevance.numpy(), surrogate)
    energy = _log_energy(engine, analysis)
    rows, sets = [], []
    for threshold in thresholds:
        selected = masking.select(relevance, threshold)
        wanted = float(energy[selected].sum())
        by_count = equal_count(surrogate, len(selected))
        by_energy = equal_energy(surrogate, energy, wanted)
        gains = masking.gains_of(selected, len(relevance))
        random = energy_matched_drops(
            engine, analysis, c, gains, random_draws, generator, mask_domain
        )
        sets += [selected, by_count, by_energy]
        rows.append(
            {
                "predicted": engine.classes[c],
                "span": engine.span(analysis, c),
                "active": len(surrogate.active),
                "score": surrogate.score,
                "spearman": spearman,
                "kendall": kendall,
                "threshold": threshold,
                "components": len(selected),
                "surrogate_energy_components": len(by_energy),
                "log_energy_removed": wanted,
                "surrogate_count_log_energy": float(energy[by_count].sum()),
                "surrogate_energy_log_energy": float(energy[by_energy].sum()),
                "random_energy": random.median,
                "random_energy_log_energy": random.log_energy_removed,
            }
        )
    left = engine.logits_without(analysis, sets, mask_domain)
    drops = engine.drop(analysis, left, c).reshape(-1, 3).tolist()
    for row, (own, counted, matched) in zip(rows, drops, strict=True):
        row |= {"faithfulness": own, "surrogate_count": counted, "surrogate_energy": matched}
    return rows


def check(engine: L2I, clip: Clip, index: int, seed: int = 0, samples: int = 256) -> list[Row]:
    """`check_clip` of a data set's clip number `index`, which with the seed decides all draws."""
    analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
    generator = np.random.default_rng([seed, index])
    about = {
        "interpreter": engine.interpreter_name,
        "clip": clip.name,
        "samples": samples,
        "seed": seed,
    }
    return [about | row for row in check_clip(engine, analysis, generator, samples)]


def summarise(rows: Sequence[Row], task: Task = ONE_CLASS) -> dict[str, Any]:
    """One interpreter's rows of `check` as a table: quartiles over clips; τ keys are strings.

    For every τ and each FF: median in logits and as a share of the span, and L2I's paired test
    against each opponent, for Random over the clips in which it could remove as much energy (None
    without any). ValueError without rows.
    """
    if not rows:
        raise ValueError("there are no rows to summarise.")
    first = rows[0]["threshold"]
    clips = [r for r in rows if r["threshold"] == first]
    levels = {}
    for threshold in dict.fromkeys(r["threshold"] for r in rows):
        mine = [r for r in rows if r["threshold"] == threshold]
        level: dict[str, Any] = {"components": float(np.mean([r["components"] for r in mine]))}
        level["surrogate_energy_components"] = float(
            np.mean([r["surrogate_energy_components"] for r in mine])
        )
        for kind in ("faithfulness", *_OPPONENTS):
            drops = [r[kind] for r in mine]
            shares = metrics.relative_faithfulness(drops, [r["span"] for r in mine])
            key = "log_energy_removed" if kind == "faithfulness" else f"{kind}_log_energy"
            level[kind] = {
                "median": float(np.median(drops)),
                "relative_median": quartiles(shares)["median"],
                "log_energy_removed": float(np.mean([r[key] for r in mine])),
            }
            if kind != "faithfulness":
                level[kind]["test"] = _against(mine, kind, task)
        levels[f"{threshold:g}"] = level
    return {
        "n": len(clips),
        **{k: quartiles([r[k] for r in clips]) for k in ("spearman", "kendall", "score", "active")},
        "levels": levels,
    }


def _against(rows: Sequence[Row], kind: str, task: Task) -> dict[str, Any] | None:
    pairs = [
        (r["faithfulness"], r[kind])
        for r in rows
        if kind != "random_energy" or as_much(r[f"{kind}_log_energy"], r["log_energy_removed"])
    ]
    if not pairs:
        return None
    ours, theirs = zip(*pairs, strict=True)
    return asdict(metrics.paired_test(ours, theirs, task.resolution))


def _log_energy(engine: L2I, analysis: Analysis) -> Array:
    return engine.component_energy(analysis).double().numpy()
