"""L2I's relevances beside local surrogates, clip by clip: do they rank alike, and which choice of
components costs f more? (`explainers.surrogate`)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from l2i_core.data.clips import Clip, load_clip
from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis
from l2i_core.explainers.surrogate import SAMPLES, Surrogate, fitted
from l2i_core.measure.metrics import quartiles, relative_faithfulness, spearman
from l2i_core.measure.random import against, draw
from l2i_core.measure.study import Row, Study, of_clips
from l2i_core.task import ONE_CLASS, Task

THRESHOLDS = (0.9, 0.7, 0.5, 0.3, 0.1)
ROWS = "surrogate.csv"
TEXTS = {"interpreter", "clip", "predicted", "weights"}  # its columns that are names
_REMOVED = "log_energy_removed"
_OPPONENTS = ("surrogate_count", "surrogate_energy", "random_energy")


def agreement(relevance: ArrayLike, surrogate: Surrogate) -> tuple[float, float]:
    """Spearman's ρ and Kendall's τ-b of r (K,) and the coefficients, over the active components.

    NaN where fewer than two are active or all have the same value.
    """
    active = list(surrogate.active)
    ours = np.asarray(relevance, dtype=np.float64)[active]
    theirs = surrogate.coefficients[active]
    rho = spearman(ours, theirs)
    return rho, rho if np.isnan(rho) else float(stats.kendalltau(ours, theirs).statistic)


def equal_energy(surrogate: Surrogate, log_energy: ArrayLike, wanted: float) -> list[int]:
    """As many of the components with the largest coefficients as reach the share `wanted` of ‖X‖².

    log_energy (K,): every component's share. None for nothing wanted; all where all are too little.
    """
    order, energy = surrogate.order, np.asarray(log_energy, dtype=np.float64)
    if wanted <= 0:
        return []
    return order[: int(np.searchsorted(np.cumsum(energy[order]), wanted * (1 - 1e-6))) + 1]


@dataclass(frozen=True, slots=True)
class Settings:
    """Passes of f for each surrogate, seed, and draws of Random beside every selection."""

    samples: int = SAMPLES
    seed: int = 0
    random_draws: int = 10

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise ValueError(f"a surrogate needs at least 2 samples, received {self.samples}.")


def check_clip(
    engine: L2I,
    analysis: Analysis,
    generator: np.random.Generator,
    settings: Settings,
    thresholds: Sequence[float] = THRESHOLDS,
) -> list[Row]:
    """L2I beside the surrogate on f's decision c on one clip: a row per τ.

    `spearman`, `kendall`, `score` and the number of `active` components are the clip's. FF, in
    the units of `Task.score`: `faithfulness` (L removed), `surrogate_count` (as many of the
    surrogate's first), `surrogate_energy` (as much of ‖X‖²), `random_energy` (energy-matched
    Random, median); with `…_components` where their number is not |L| (`components`) and the share
    of ‖X‖² that each removes as `…_log_energy`. ValueErrors are `fitted`'s.
    """
    ask = engine.ask(analysis)
    made = fitted(analysis, analysis.predicted, ask, generator, settings.samples)
    c = made.target_index
    relevance = engine.relevance(analysis, c, measured=True)
    spearman, kendall = agreement(relevance.numpy(), made)
    energy = engine.component_energy(analysis).double().numpy()
    rows, sets = [], []
    for threshold in thresholds:
        selected = masking.select(relevance, threshold)
        wanted = float(energy[selected].sum())
        by_count = made.order[: len(selected)]
        by_energy = equal_energy(made, energy, wanted)
        gains = masking.gains_of(selected, len(relevance))
        (random,) = draw(
            engine,
            analysis,
            c,
            gains,
            ("random_energy",),
            draws=settings.random_draws,
            generator=generator,
        )
        sets += [selected, by_count, by_energy]
        rows.append(
            {
                "predicted": engine.classes[c],
                "span": engine.span(analysis, c),
                "active": len(made.active),
                "score": made.score,
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
    left = engine.logits_without(analysis, sets)
    drops = engine.drop(analysis, left, c).reshape(-1, 3).tolist()
    for row, (own, counted, matched) in zip(rows, drops, strict=True):
        row |= {"faithfulness": own, "surrogate_count": counted, "surrogate_energy": matched}
    return rows


def clip_rows(engine: L2I, clip: Clip, number: int, settings: Settings) -> list[Row]:
    """`check_clip` of a test set's clip, whose number with the seed decides all draws."""
    analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
    return check_clip(engine, analysis, np.random.default_rng([settings.seed, number]), settings)


def summarise(rows: Sequence[Row], task: Task = ONE_CLASS) -> dict[str, Any]:
    """One interpreter's rows of `check_clip` as a table: quartiles over clips; τ keys are strings.

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
        own, spans, wanted = (_column(mine, k) for k in ("faithfulness", "span", _REMOVED))
        level: dict[str, Any] = {
            name: float(np.mean(_column(mine, name)))
            for name in ("components", "surrogate_energy_components")
        }
        for kind in ("faithfulness", *_OPPONENTS):
            drops = _column(mine, kind)
            removed = wanted if kind == "faithfulness" else _column(mine, f"{kind}_log_energy")
            level[kind] = {
                "median": float(np.median(drops)),
                "relative_median": quartiles(relative_faithfulness(drops, spans))["median"],
                "log_energy_removed": float(np.mean(removed)),
            }
            if kind != "faithfulness":
                equal = list(zip(removed, wanted, strict=True)) if kind == "random_energy" else None
                level[kind]["test"] = against(own, drops, task.resolution, equal)
        levels[f"{threshold:g}"] = level
    agreement = ("spearman", "kendall", "score", "active")
    return {
        "n": len(clips),
        **{name: quartiles(_column(clips, name)) for name in agreement},
        "levels": levels,
    }


def _column(rows: Sequence[Row], name: str) -> list[float]:
    return [row[name] for row in rows]


STUDY: Study[Settings] = of_clips(
    "surrogate",
    clip_rows,
    summarise,
    ("samples", "seed", "random_draws"),
    TEXTS,
    ("samples", "seed"),
)
