"""The most noise at which a decision holds: found where it was planted."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from l2i_core import L2I
from l2i_core.classifiers.hearing import Hearing
from l2i_core.measure.noise_lab import HIGHEST, LOWEST, bearable, most_noise
from l2i_core.measure.stems import mix
from l2i_core.signal.corrupt import coloured_noise

RATE = 44100


@pytest.mark.parametrize("planted", [*range(LOWEST, HIGHEST + 1)])
def test_a_planted_level_is_found_to_one_decibel(planted: int) -> None:
    asked: list[int] = []

    def holds(snr: int) -> bool:
        asked.append(snr)
        return snr >= planted

    assert bearable(holds) == planted
    assert len(asked) == len(set(asked)) <= 11
    assert all(LOWEST <= snr <= HIGHEST for snr in asked)


def test_never_and_always() -> None:
    assert bearable(lambda snr: False) is None
    assert bearable(lambda snr: True) == LOWEST


def test_what_comes_back_below_the_first_loss_does_not_count() -> None:
    """Lost from 12 to 3 dB, held again down to −8: the upper limit is told, and every level that
    was asked about above it held."""
    asked: dict[int, bool] = {}

    def holds(snr: int) -> bool:
        return asked.setdefault(snr, snr > 12 or -8 <= snr < 3)

    found = bearable(holds)
    assert found == 13
    assert all(held for snr, held in asked.items() if snr >= found)
    assert not asked[found - 1]


class _Tone:
    """A toy f: class 1 while a sound's share of energy at 1 kHz is that of a tone `limit` dB above
    white noise, or more; it asserts that it meets every sound with its peak at 1."""

    sample_rate, classes, differentiable = RATE, ("noise", "tone"), False
    multi_label, min_seconds, layers, batch = False, 0.1, (), 16

    def __init__(self, limit: float) -> None:
        power = 10 ** (limit / 10)
        self.least = power / (1 + power)

    def hear(self, waveforms: Tensor) -> object:
        assert float(waveforms.abs().amax()) == pytest.approx(1.0, abs=1e-5)
        time = torch.arange(waveforms.shape[1]) / RATE
        tone = torch.sin(2 * torch.pi * 1000 * time)
        part = (waveforms @ tone) ** 2 / tone.square().sum()
        share = part / waveforms.square().sum(dim=1)
        logits = torch.stack([torch.full_like(share, self.least), share], dim=1)
        return type("Heard", (), {"logits": logits, "maps": ()})()


@pytest.mark.parametrize("planted", [-13.5, -0.5, 0.5, 22.5])
@pytest.mark.parametrize("level", [0.003, 5.0])
def test_a_decision_is_lost_where_the_toy_f_loses_it(
    engine: L2I, planted: float, level: float
) -> None:
    toy = copy.copy(engine)
    toy.classifier = _Tone(planted)
    toy.hearing = Hearing(toy.classifier, engine.audio)
    toy.task = toy.hearing.task
    tone = level * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    noise = coloured_noise("white", RATE, 3, RATE)
    found = most_noise(toy, tone, noise, 1)
    assert found == int(np.ceil(planted))
    # A hundredth of a decibel is what projection and float32 leave open beside half of one.
    for snr, held in ((found, True), (found - 1, False)):
        mixed = torch.from_numpy(mix(tone, noise, snr).mixed)
        logits = toy.classify((mixed / mixed.abs().max())[None])[0]
        assert (int(logits.argmax()) == 1) == held


def test_f_is_asked_as_the_noise_lab_asks_it(engine: L2I, dog: np.ndarray) -> None:
    """At the level that is told, and 1 dB below, `analyse` of the mixture says the same."""
    noise = coloured_noise("pink", len(dog), 0, RATE)
    clean = engine.analyse(dog, RATE)
    for target in (clean.predicted, int(clean.logits.argmin())):
        found = most_noise(engine, dog, noise, target)
        if found is None:
            heard = engine.analyse(mix(dog, noise, HIGHEST).mixed, RATE)
            assert heard.predicted != target
            continue
        assert engine.analyse(mix(dog, noise, found).mixed, RATE).predicted == target
        if found > LOWEST:
            assert engine.analyse(mix(dog, noise, found - 1).mixed, RATE).predicted != target


def test_silence_has_no_ratio(engine: L2I, dog: np.ndarray) -> None:
    with pytest.raises(ValueError, match="silent"):
        most_noise(engine, np.zeros(RATE, np.float32), dog, 0)
