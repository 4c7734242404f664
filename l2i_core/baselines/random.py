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
from l2i_core.explain import Analysis, Interpretation


@dataclass(frozen=True, slots=True)
class RandomDrops:
    """FF_x of each draw (draws,), the mean share of ‖X‖² that the draws remove, and the share that
    they were to remove (0 where they are matched by count)."""

    drops: np.ndarray
    log_energy_removed: float
    log_energy_wanted: float = 0.0

    @property
    def median(self) -> float:
        return float(np.median(self.drops))

    @property
    def as_much(self) -> bool:
        """Whether the draws could remove the energy that they were to remove."""
        return as_much(self.log_energy_removed, self.log_energy_wanted)


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
    log_energy: ArrayLike,
    selected: Sequence[int],
    draws: int,
    generator: np.random.Generator,
    wanted: float | None = None,
) -> list[list[int]]:
    """`draws` sets not in L, each grown in random order until it covers the energy that L does.

    log_energy (K,): every component's share of ‖X‖². wanted: the share to cover, where L is not
    removed whole. If all others together carry less, every set is all of them.
    """
    energy = np.asarray(log_energy, dtype=np.float64)
    if wanted is None:
        wanted = float(energy[list(selected)].sum())
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


def beats_chance(drop: float, random: float, equal_energy: bool, resolution: float) -> bool | None:
    """Whether FF stands above energy-matched Random's and above 0 by more than `resolution`.

    None where it does but Random could not remove as much: then nothing is tested. Where it does
    not, a Random that removed less says it all the more.
    """
    if drop - max(random, 0.0) <= resolution:
        return False
    return True if equal_energy else None


def baselines_of(
    engine: L2I, analysis: Analysis, made: Interpretation, draws: int, seed: int = 0
) -> tuple[RandomDrops, RandomDrops]:
    """`both_baselines` beside one interpretation: as many components, and `removed_energy`."""
    return both_baselines(
        engine,
        analysis,
        made.target_index,
        made.selected,
        len(made.selected),
        draws,
        np.random.default_rng(seed),
        made.mask_domain,
        removed_energy(engine, analysis, made),
    )


def removed_energy(engine: L2I, analysis: Analysis, made: Interpretation) -> float:
    """The share of ‖X‖² that an interpretation takes out: its gains may be a user's, of which 0.1
    takes a tenth of a component."""
    energy = engine.component_energy(analysis)
    return float(energy @ made.gains.to(energy))


def random_drops(
    engine: L2I,
    analysis: Analysis,
    target: int,
    sets: Sequence[Sequence[int]],
    mask_domain: str = "log",
    wanted: float = 0.0,
) -> RandomDrops:
    """FF_x after removing each of the sets from the clip; one forward pass of f per set."""
    energy = engine.component_energy(analysis).numpy()
    left = engine.logits_without(analysis, sets, mask_domain)
    drops = engine.drop(analysis, left, target).numpy()
    removed = [float(energy[list(chosen)].sum()) for chosen in sets]
    return RandomDrops(drops, float(np.mean(removed)), wanted)


def both_baselines(
    engine: L2I,
    analysis: Analysis,
    target: int,
    selected: Sequence[int],
    count: int,
    draws: int,
    generator: np.random.Generator,
    mask_domain: str = "log",
    wanted: float | None = None,
) -> tuple[RandomDrops, RandomDrops]:
    """The count-matched and the energy-matched Random Baseline of one clip and selection L.

    `count` components are drawn for the first: the average |L| over a test set (the paper's), or
    |L| of this clip; by the released code's conventions from all components, L's too. wanted: as
    in `energy_matched`.
    """
    given = (draws, generator, mask_domain)
    return (
        count_matched_drops(engine, analysis, target, selected, count, *given),
        energy_matched_drops(engine, analysis, target, selected, *given, wanted),
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
    wanted: float | None = None,
) -> RandomDrops:
    """The energy-matched Random Baseline of one clip and selection L."""
    energy = engine.component_energy(analysis)
    if wanted is None:
        wanted = float(energy[list(selected)].sum())
    sets = energy_matched(energy, selected, draws, generator, wanted)
    return random_drops(engine, analysis, target, sets, mask_domain, wanted)
