"""Random Baselines of faithfulness: remove components that are not in L (section 4.1).

Count-matched, the paper's: as many as L holds. Most components are inactive in any one clip, so
its drop is near zero whatever one does. Energy-matched, ours, always beside it: components are
removed until they cover as much of ‖X‖² as L does (`explain.component_log_energy`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from l2i_core.engine import L2I
from l2i_core.explain import Analysis


@dataclass(frozen=True, slots=True)
class RandomDrops:
    """FF_x of each draw (draws,), and the mean share of ‖X‖² that the draws remove."""

    drops: np.ndarray
    log_energy_removed: float

    @property
    def median(self) -> float:
        return float(np.median(self.drops))


def count_matched(
    n_components: int,
    selected: Sequence[int],
    count: int,
    draws: int,
    generator: np.random.Generator,
) -> list[list[int]]:
    """`draws` sets of `count` components (all, where fewer are left) that are not in L."""
    others = np.setdiff1d(np.arange(n_components), np.asarray(selected, dtype=int))
    size = min(count, len(others))
    return [generator.choice(others, size, replace=False).tolist() for _ in range(draws)]


def energy_matched(
    log_energy: ArrayLike, selected: Sequence[int], draws: int, generator: np.random.Generator
) -> list[list[int]]:
    """`draws` sets not in L, each grown in random order until it covers the energy that L does.

    log_energy (K,): every component's share of ‖X‖². If all others together carry less than L,
    every set is all of them.
    """
    energy = np.asarray(log_energy, dtype=np.float64)
    wanted = energy[list(selected)].sum()
    others = np.setdiff1d(np.arange(len(energy)), np.asarray(selected, dtype=int))
    sets = []
    for _ in range(draws):
        order = generator.permutation(others)
        enough = np.searchsorted(np.cumsum(energy[order]), wanted) + 1 if wanted > 0 else 0
        sets.append(order[:enough].tolist())
    return sets


def as_much(random: float, own: float) -> bool:
    """Whether Random's draws removed the share of ‖X‖² that L does, to the CSV's six digits."""
    return random >= own - 1e-4 * abs(own)


def random_drops(
    engine: L2I,
    analysis: Analysis,
    target: int,
    sets: Sequence[Sequence[int]],
    mask_domain: str = "log",
) -> RandomDrops:
    """FF_x after removing each of the sets from the clip; one forward pass of f per set."""
    energy = engine.component_energy(analysis).numpy()
    left = engine.logits_without(analysis, sets, mask_domain)
    drops = engine.drop(analysis, left, target).numpy()
    removed = [float(energy[list(chosen)].sum()) for chosen in sets]
    return RandomDrops(drops, float(np.mean(removed)))


def both_baselines(
    engine: L2I,
    analysis: Analysis,
    target: int,
    selected: Sequence[int],
    count: int,
    draws: int,
    generator: np.random.Generator,
    mask_domain: str = "log",
) -> tuple[RandomDrops, RandomDrops]:
    """The count-matched and the energy-matched Random Baseline of one clip and selection L.

    `count` components are drawn for the first: the average |L| over a test set (the paper's), or
    |L| of this clip; by the released code's conventions from all components, L's too.
    """
    given = (draws, generator, mask_domain)
    return (
        count_matched_drops(engine, analysis, target, selected, count, *given),
        energy_matched_drops(engine, analysis, target, selected, *given),
    )


def count_matched_drops(
    engine: L2I,
    analysis: Analysis,
    target: int,
    selected: Sequence[int],
    count: int,
    draws: int,
    generator: np.random.Generator,
    mask_domain: str = "log",
) -> RandomDrops:
    """The count-matched Random Baseline of one clip and selection L."""
    kept = () if engine.conventions.random_from_all else selected
    sets = count_matched(engine.dictionary.n_components, kept, count, draws, generator)
    return random_drops(engine, analysis, target, sets, mask_domain)


def energy_matched_drops(
    engine: L2I,
    analysis: Analysis,
    target: int,
    selected: Sequence[int],
    draws: int,
    generator: np.random.Generator,
    mask_domain: str = "log",
) -> RandomDrops:
    """The energy-matched Random Baseline of one clip and selection L."""
    energy = engine.component_energy(analysis)
    sets = energy_matched(energy, selected, draws, generator)
    return random_drops(engine, analysis, target, sets, mask_domain)
