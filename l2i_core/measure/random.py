"""Random Baselines of faithfulness: remove components that are not in L (section 4.1).

Count-matched, the paper's: as many as L holds. Most components are inactive in any one clip, so
its drop is near zero whatever one does. Energy-matched, ours, always beside it: components are
removed until they cover as much of ‖X‖² as L does (`masking.component_log_energy`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis
from l2i_core.measure.metrics import paired_test

KINDS = ("random", "random_energy")  # count-matched and energy-matched, as rows name them


@dataclass(frozen=True, slots=True)
class RandomDrops:
    """FF_x of each draw (draws,), the mean share of ‖X‖² that the draws remove, and whether that
    is what they were to remove: False where all components outside L carry less than L."""

    drops: np.ndarray
    log_energy_removed: float
    as_much: bool = True

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
    log_energy: ArrayLike, gains: ArrayLike, draws: int, generator: np.random.Generator
) -> list[list[int]]:
    """`draws` sets not in L, each grown in random order until it covers the energy that L's gains
    take out: a user's gain of 0.1 takes a tenth of a component.

    log_energy (K,): every component's share of ‖X‖²; gains (K,), 0 outside L. If all others
    together carry less (`can_match`), every set is all of them.
    """
    energy, wanted, others = _opponents(log_energy, gains)
    sets = []
    for _ in range(draws):
        order = generator.permutation(others)
        enough = np.searchsorted(np.cumsum(energy[order]), wanted) + 1 if wanted > 0 else 0
        sets.append(order[:enough].tolist())
    return sets


def can_match(log_energy: ArrayLike, gains: ArrayLike) -> bool:
    """Whether the components outside L carry the energy that L's gains take out; (K,), (K,)."""
    energy, wanted, others = _opponents(log_energy, gains)
    return as_much(float(energy[others].sum()), wanted)


def _opponents(
    log_energy: ArrayLike, gains: ArrayLike
) -> tuple[NDArray[np.float64], float, NDArray[np.intp]]:
    energy, weights = (np.asarray(given, dtype=np.float64) for given in (log_energy, gains))
    return energy, float(energy @ weights), np.flatnonzero(weights == 0)


def as_much(random: float, own: float) -> bool:
    """Whether Random's draws removed the share of ‖X‖² that L does, to the CSV's six digits."""
    return random >= own - 1e-4 * abs(own)


def against(
    own: Sequence[float],
    random: Sequence[float],
    resolution: float,
    energies: Sequence[tuple[float, float]] | None = None,
) -> dict[str, Any] | None:
    """`metrics.paired_test` of FF (n,) against a Random's; None where no clip can be tested.

    At equal log energy (`energies`: what Random and what L removes of ‖X‖²) only clips count in
    which Random could remove as much: elsewhere FF above it shows nothing.
    """
    tested = [i for i in range(len(own)) if energies is None or as_much(*energies[i])]
    if not tested:
        return None
    ours, theirs = ([drops[i] for i in tested] for drops in (own, random))
    return asdict(paired_test(ours, theirs, resolution))


def beats_chance(
    drop: float, random: float | None, equal_energy: bool, resolution: float
) -> bool | None:
    """Whether FF stands above energy-matched Random's and above 0 by more than `resolution`: the
    one rule of every count, table and sentence (`words.compared`).

    None where it does but Random could not remove as much, or was not drawn: then nothing is
    tested. Where it does not, a Random that removed less says it all the more.
    """
    if drop - max(random or 0.0, 0.0) <= resolution:
        return False
    return True if equal_energy and random is not None else None


def random_drops(
    engine: L2I,
    analysis: Analysis,
    target: int,
    sets: Sequence[Sequence[int]],
    mask_domain: str = "log",
    as_much: bool = True,
) -> RandomDrops:
    """FF_x after removing each of the sets from the clip; one forward pass of f per set."""
    energy = engine.component_energy(analysis).numpy()
    left = engine.logits_without(analysis, sets, mask_domain)
    drops = engine.drop(analysis, left, target).numpy()
    removed = [float(energy[list(chosen)].sum()) for chosen in sets]
    return RandomDrops(drops, float(np.mean(removed)), as_much)


def draw(
    engine: L2I,
    analysis: Analysis,
    target: int,
    gains: ArrayLike,
    kinds: Sequence[str] = KINDS,
    *,
    draws: int,
    generator: np.random.Generator,
    mask_domain: str = "log",
    count: int | None = None,
) -> tuple[RandomDrops, ...]:
    """The Random Baselines of these KINDS of one clip and L's gains (K,), drawn in turn.

    count: how many components the count-matched one removes: |L| of this clip (None), or the
    average over a test set (the paper's); by the released code's conventions they are drawn from
    all components, L's too.
    """
    energy, own = engine.component_energy(analysis), np.flatnonzero(gains).tolist()
    drawn = []
    for kind in kinds:
        if kind == "random_energy":
            sets, equal = energy_matched(energy, gains, draws, generator), can_match(energy, gains)
        else:
            kept, size = own, len(own) if count is None else count
            if engine.conventions.random_from_all:
                kept = []
            sets, equal = count_matched(len(energy), kept, size, draws, generator), True
        drawn.append(random_drops(engine, analysis, target, sets, mask_domain, equal))
    return tuple(drawn)
