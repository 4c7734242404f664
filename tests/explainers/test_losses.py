"""Eq. 1–4 by hand, and the decision in the loop against the hard selection that it softens."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from l2i_core import AudioConfig
from l2i_core.dictionary import masking
from l2i_core.explainers import losses
from l2i_core.signal import spectra
from l2i_core.task import SEVERAL_CLASSES

CONFIG = AudioConfig(sample_rate=16000, n_fft=512, win_length=512, hop_length=256, n_mels=32)
BATCH, CLASSES, COMPONENTS, FRAMES = 3, 4, 6, 40


def test_eq_1_by_hand() -> None:
    ours = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0]])
    theirs = torch.tensor([[math.log(4.0), 0.0], [0.0, 0.0]])
    first = -(0.8 * math.log(0.25) + 0.2 * math.log(0.75))
    second = -math.log(0.5)
    assert float(losses.fidelity(ours, theirs)) == pytest.approx((first + second) / 2)


def test_eq_1_is_least_where_both_agree() -> None:
    theirs = torch.tensor([[1.0, -2.0, 0.5]])
    entropy = float(-(theirs.softmax(-1) * theirs.log_softmax(-1)).sum())
    assert float(losses.fidelity(theirs, theirs)) == pytest.approx(entropy)
    assert float(losses.fidelity(theirs.flip(1), theirs)) > entropy


def test_eq_2_by_hand() -> None:
    ours, theirs = torch.tensor([[math.log(3.0), 0.0]]), torch.tensor([[0.0, math.log(4.0)]])
    first = -(0.5 * math.log(0.75) + 0.5 * math.log(0.25))
    second = -math.log(0.5)
    assert float(losses.fidelity(ours, theirs, SEVERAL_CLASSES)) == pytest.approx(
        (first + second) / 2
    )


def test_eq_3_and_the_l1_term_by_hand() -> None:
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    w, h = torch.tensor([[1.0], [2.0]]), torch.tensor([[[1.0, 1.0]]])
    assert float(losses.reconstruction(x, w, h)) == pytest.approx((0 + 1 + 1 + 4) / 4)
    assert float(losses.sparsity(torch.tensor([[[1.0, 3.0], [0.0, 2.0]]]))) == pytest.approx(1.5)


# The decision in the loop


class Loop:
    """A small problem: f is linear on the log-mel's mean over time."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = 3 * torch.rand(BATCH, CONFIG.n_bins, FRAMES, generator=generator)
        self.w = torch.rand(CONFIG.n_bins, COMPONENTS, generator=generator)
        self.h = torch.rand(BATCH, COMPONENTS, FRAMES, generator=generator) + 0.1
        self.relevance = 2 * torch.rand(BATCH, COMPONENTS, generator=generator) - 1
        self.targets = torch.tensor([0, 3, 1])
        self.layer = torch.randn(CLASSES, CONFIG.n_mels, generator=generator) / 100

    def classify(self, log_mel: Tensor) -> Tensor:
        return log_mel.mean(dim=2) @ self.layer.T

    def __call__(self, thresholds: Tensor, softness: float = 0.05) -> tuple[Tensor, ...]:
        return losses.decision_in_the_loop(
            self.judged,
            self.x,
            self.w,
            self.h,
            self.relevance,
            self.targets,
            thresholds,
            softness,
        )

    def judged(self, x: Tensor) -> Tensor:
        return self.classify(spectra.log_mel(spectra.magnitude(x), CONFIG))


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_hard_limit_is_what_interpreting_does(loop: Loop) -> None:
    thresholds = torch.tensor([0.1, 0.4, 0.0])
    keep, remove, energy = [], [], []
    for b in range(BATCH):
        selected = masking.select(loop.relevance[b], float(thresholds[b]))
        assert selected, "the case must select something"
        gains = torch.zeros(COMPONENTS)
        gains[selected] = 1.0
        masks = masking.soft_masks(loop.w, loop.h[b], gains)
        kept, left = masking.apply_masks(loop.x[b], masks)
        c = int(loop.targets[b])
        keep.append(-loop.judged(kept[None])[0].log_softmax(-1)[c])
        remove.append(-torch.log(1 - loop.judged(left[None])[0].softmax(-1)[c]))
        energy.append(kept.square().sum() / loop.x[b].square().sum())
    for ours, expected in zip(loop(thresholds, 1e-4), (keep, remove, energy), strict=True):
        torch.testing.assert_close(ours, torch.stack(expected).mean(), atol=1e-5, rtol=1e-4)


def test_everything_kept_leaves_fs_own_decision(loop: Loop) -> None:
    keep, _, energy = loop(torch.full((BATCH,), -3.0))
    expected = functional.cross_entropy(loop.judged(loop.x), loop.targets)
    torch.testing.assert_close(keep, expected, atol=1e-4, rtol=1e-4)
    assert float(energy) == pytest.approx(1.0, abs=1e-5)


def test_nothing_kept_leaves_the_input(loop: Loop) -> None:
    _, remove, energy = loop(torch.full((BATCH,), 3.0))
    p = loop.judged(loop.x).softmax(-1)[torch.arange(BATCH), loop.targets]
    torch.testing.assert_close(remove, -torch.log(1 - p).mean(), atol=1e-4, rtol=1e-4)
    assert float(energy) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("term", [0, 1, 2])
def test_every_term_is_differentiable(loop: Loop, term: int) -> None:
    loop.h.requires_grad_()
    loop.relevance.requires_grad_()
    loop(torch.full((BATCH,), 0.2))[term].backward()
    for tensor in (loop.h, loop.relevance):
        assert tensor.grad is not None
        assert bool(torch.isfinite(tensor.grad).all())
        assert float(tensor.grad.abs().max()) > 0


def test_gradients_stay_finite_at_the_edges(loop: Loop) -> None:
    """Silent frames, W H = 0, and an f that is certain."""
    loop.x[:, :, :10] = 0.0
    loop.h[:, :, 5:15] = 0.0
    loop.h.requires_grad_()
    loop.layer = 100 * loop.layer
    torch.stack(loop(torch.full((BATCH,), 0.2))).sum().backward()
    assert loop.h.grad is not None
    assert bool(torch.isfinite(loop.h.grad).all())
