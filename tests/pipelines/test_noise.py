"""Noise in f's training: its level, its kinds, what f should say of it, and resuming."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from killing import kill
from torch import Tensor

from l2i_core.signal.corrupt import snr
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES
from pipelines import noise, train_classifier
from pipelines.config import CLIP, Config, NoiseConfig
from pipelines.optimizers import Optimizers

RATE = 8000


@pytest.fixture(scope="module")
def waveforms() -> Tensor:
    """Five sounds, and silence."""
    made = torch.randn(6, RATE, generator=torch.Generator().manual_seed(0))
    made[5] = 0
    return made / made.abs().amax(dim=1, keepdim=True).clamp_min(1e-9)


def _noisy(
    waveforms: Tensor, chosen: list[int], settings: NoiseConfig, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return noise.with_noise(waveforms, torch.tensor(chosen), settings, RATE, generator)


@pytest.mark.parametrize("kind", ["white", "pink", "brown", CLIP])
def test_every_kind_comes_at_the_level_that_was_drawn(
    waveforms: Tensor, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    real, drawn, mixtures = noise.add_at_snr, [], []

    def spied(signal: np.ndarray, added: np.ndarray, snr_db: float) -> np.ndarray:
        mixed = real(signal, added, snr_db)
        assert snr(signal, mixed.astype(float) - signal) == pytest.approx(snr_db, abs=0.01)
        drawn.append(snr_db)
        mixtures.append(torch.from_numpy(mixed))
        return mixed

    monkeypatch.setattr(noise, "add_at_snr", spied)
    sounds, others, shares = _noisy(waveforms[:5], [0, 1, 2, 3] * 50, NoiseConfig(0.5, (kind,)))
    assert len(drawn) == 200
    assert -5 <= min(drawn) < -4
    assert 29 < max(drawn) <= 30
    assert np.mean(drawn) == pytest.approx(12.5, abs=2.5)
    torch.testing.assert_close(sounds.abs().amax(dim=1), torch.ones(200))
    scaled = torch.stack(mixtures) / torch.stack(mixtures).abs().amax(dim=1, keepdim=True)
    torch.testing.assert_close(sounds, scaled)
    same = others == torch.tensor([0, 1, 2, 3] * 50)
    if kind == CLIP:
        assert not same.any(), "another clip is added"
        assert set(others.tolist()) == {0, 1, 2, 3, 4}
        amplitude = 10 ** (torch.tensor(drawn) / 20)
        torch.testing.assert_close(shares, amplitude / (1 + amplitude))
    else:
        assert same.all()
        assert (shares == 1).all()


def test_draws_follow_the_generator_and_mix_the_kinds(
    waveforms: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, chosen = NoiseConfig(0.5), [0, 1, 2, 3, 4]
    first = _noisy(waveforms, chosen, settings)
    for ours, theirs in zip(_noisy(waveforms, chosen, settings), first, strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(_noisy(waveforms, chosen, settings, 1)[0], first[0])
    real, kinds = noise.coloured_noise, []

    def spied(kind: str, *rest: Any) -> np.ndarray:
        kinds.append(kind)
        return real(kind, *rest)

    monkeypatch.setattr(noise, "coloured_noise", spied)
    _noisy(waveforms[:5], [0, 1] * 100, settings)
    for kind in ("white", "pink", "brown"):
        assert kinds.count(kind) == pytest.approx(50, abs=20)


def test_silence_stays_silent_and_is_not_added(waveforms: Tensor) -> None:
    sounds, others, shares = _noisy(waveforms, [5] * 8, NoiseConfig(1.0))
    assert not sounds.any()
    assert (others == 5).all()
    sounds, others, shares = _noisy(waveforms[[0, 5]], [0] * 4, NoiseConfig(1.0, (CLIP,)))
    torch.testing.assert_close(sounds, waveforms[[0] * 4])
    assert (others == 0).all()
    assert (shares == 1).all()


def test_what_f_should_say_of_two_sounds() -> None:
    one, other = torch.tensor([[1.0, 0.0, 0.0]] * 2), torch.tensor([[0.0, 0.0, 1.0]] * 2)
    share = torch.tensor([[0.5], [0.75]])
    assert train_classifier.joined(one, other, share, ONE_CLASS).tolist() == [
        [0.5, 0.0, 0.5],
        [0.75, 0.0, 0.25],
    ]
    assert train_classifier.joined(one, other, share, SEVERAL_CLASSES).tolist() == [[1, 0, 1]] * 2
    alone = torch.ones(2, 1)
    for task in (ONE_CLASS, SEVERAL_CLASSES):
        assert torch.equal(train_classifier.joined(one, one, alone, task), one)


def test_killed_training_with_noise_equals_the_unbroken_one(
    small_config: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = dataclasses.replace(small_config.classifier, noise=NoiseConfig(0.5))
    config = dataclasses.replace(small_config, classifier=classifier)
    real, sizes = train_classifier.with_noise, []

    def spied(waveforms: Tensor, chosen: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
        sizes.append(len(chosen))
        return real(waveforms, chosen, *rest)

    monkeypatch.setattr(train_classifier, "with_noise", spied)
    unbroken = train_classifier.train(config, tmp_path / "unbroken").state_dict()
    assert sizes == [2, 2, 1] * 3, "half of each batch: 8 clips in batches of 3, 3 epochs"
    out = tmp_path / "killed"
    kill(monkeypatch, Optimizers, "step", 4, lambda: train_classifier.train(config, out))
    resumed = train_classifier.train(config, out).state_dict()
    for name, value in unbroken.items():
        assert torch.equal(value, resumed[name]), name
    clean = train_classifier.trained(small_config, small_run).network.state_dict()
    assert any(not torch.equal(value, clean[name]) for name, value in unbroken.items())
    with pytest.raises(ValueError, match="other settings"):
        train_classifier.train(small_config, out)
