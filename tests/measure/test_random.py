"""Random Baselines: sets outside L, of the right number or energy, and drops that f confirms."""

import numpy as np
import pytest
import torch

from l2i_core import L2I, Analysis
from l2i_core.dictionary import masking
from l2i_core.measure.random import (
    beats_chance,
    can_match,
    count_matched,
    draw,
    energy_matched,
    random_drops,
)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("selected", [[], [3, 7], list(range(18))])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 99])
def test_count_matched_sets_are_outside_the_selection(
    generator: np.random.Generator, selected: list[int], count: int
) -> None:
    sets = count_matched(20, selected, count, 30, generator)
    assert len(sets) == 30
    for chosen in sets:
        assert not set(chosen) & set(selected)
        assert set(chosen) <= set(range(20))
        assert len(set(chosen)) == len(chosen) == min(count, 20 - len(selected))


def test_count_matched_draws_reach_every_other_component(generator: np.random.Generator) -> None:
    sets = count_matched(20, [3, 7], 2, 300, generator)
    assert {k for chosen in sets for k in chosen} == set(range(20)) - {3, 7}


def test_energy_matched_sets_reach_the_energy_and_not_a_component_more(
    generator: np.random.Generator,
) -> None:
    energy = generator.random(20)
    selected = [0, 5]
    wanted = energy[selected].sum()
    for chosen in energy_matched(energy, masking.gains_of(selected, 20), 50, generator):
        assert not set(chosen) & set(selected)
        assert len(set(chosen)) == len(chosen)
        assert energy[chosen].sum() >= wanted - 1e-12
        assert energy[chosen[:-1]].sum() < wanted


def test_energy_matched_takes_all_where_all_are_too_little(
    generator: np.random.Generator,
) -> None:
    energy = np.array([10.0, 1.0, 1.0, 0.0])
    assert not can_match(energy, [1, 0, 0, 0])
    assert can_match(energy, [0.2, 0, 0, 0])
    for chosen in energy_matched(energy, [1, 0, 0, 0], 5, generator):
        assert sorted(chosen) == [1, 2, 3]


def test_nothing_selected_removes_nothing(generator: np.random.Generator) -> None:
    assert energy_matched(np.ones(5), np.zeros(5), 4, generator) == [[]] * 4
    assert energy_matched(np.array([0.0, 1.0, 1.0]), [1, 0, 0], 4, generator) == [[]] * 4


def test_seed_decides_the_sets() -> None:
    def drawn(seed: int) -> list[list[list[int]]]:
        generator = np.random.default_rng(seed)
        return [
            count_matched(20, [1], 3, 5, generator),
            energy_matched(np.linspace(0.1, 1, 20), masking.gains_of([1, 2], 20), 5, generator),
        ]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("domain", masking.MASK_DOMAINS)
def test_drops_are_those_of_the_engine(engine: L2I, analysis: Analysis, domain: str) -> None:
    sets = [[0, 3], [], [11]]
    result = random_drops(engine, analysis, 2, sets, domain)
    energy = masking.component_log_energy(
        analysis.spectrogram.log_magnitude, engine.dictionary.patterns, analysis.activations
    )
    for drop, chosen in zip(result.drops, sets, strict=True):
        gains = torch.zeros(12)
        gains[chosen] = 1.0
        own = engine.interpret(analysis, 2, mask_domain=domain, gains=gains)
        assert drop == pytest.approx(engine.judge(analysis, own).faithfulness, abs=2e-3)
    assert result.drops[1] == 0.0, "nothing is removed"
    assert result.median == pytest.approx(float(np.median(result.drops)))
    expected = float(energy[[0, 3]].sum() + energy[11]) / 3
    assert result.log_energy_removed == pytest.approx(expected, rel=1e-5)


def test_a_component_taken_at_a_tenth_is_matched_at_a_tenth(
    engine: L2I, analysis: Analysis, generator: np.random.Generator
) -> None:
    energy = engine.component_energy(analysis).numpy()
    k, others = int(energy.argmax()), np.delete(energy, energy.argmax()).sum()
    gains = 0.1 * masking.gains_of([k], 12)
    for chosen in energy_matched(energy, gains, 20, generator):
        assert k not in chosen
        assert energy[chosen].sum() >= min(0.1 * energy[k], others) * (1 - 1e-6)
        assert energy[chosen[:-1]].sum() < 0.1 * energy[k]
    counted, drawn = draw(engine, analysis, 2, gains, draws=5, generator=generator)
    assert drawn.as_much == (others >= 0.1 * energy[k])
    assert counted.as_much
    (every,) = draw(
        engine, analysis, 2, np.ones(12), ("random_energy",), draws=5, generator=generator
    )
    assert not every.as_much, "nothing is left to draw from"


@pytest.mark.parametrize(
    ("drop", "random", "equal_energy", "expected"),
    [
        (1.0, 0.5, True, True),
        (1.0, 0.5, False, None),
        (0.4, 0.5, True, False),
        (0.4, 0.5, False, False),
        (-0.1, -0.5, True, False),
        (0.0015, 0.0, True, False),
    ],
)
def test_what_beats_chance(
    drop: float, random: float, equal_energy: bool, expected: bool | None
) -> None:
    assert beats_chance(drop, random, equal_energy, 2e-3) is expected
