"""Muon for convolutions, AdamW for the rest: each equals torch's own optimiser on its part."""

import copy

import pytest
import torch
from torch import Tensor, nn

from pipelines.config import InterpreterConfig
from pipelines.optimizers import Optimizers


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.plane = nn.Conv2d(3, 8, 3)
        self.line = nn.Conv1d(8, 4, 3)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.line(self.plane(x).mean(3)).mean(2))


def _net() -> _Net:
    torch.manual_seed(0)
    return _Net()


def _train(model: nn.Module, optimizers: Optimizers, steps: int) -> None:
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        model.zero_grad()
        model(torch.rand(2, 3, 9, 9, generator=generator)).square().sum().backward()
        optimizers.step(lambda peak, share=1 / (step + 1): peak * share)  # type: ignore[misc]


def test_without_muon_it_is_adamw() -> None:
    ours, theirs = _net(), _net()
    _train(ours, Optimizers(ours, InterpreterConfig(learning_rate=0.01, weight_decay=0.1)), 3)
    reference = torch.optim.AdamW(theirs.parameters(), weight_decay=0.1)
    generator = torch.Generator().manual_seed(1)
    for step in range(3):
        reference.zero_grad()
        theirs(torch.rand(2, 3, 9, 9, generator=generator)).square().sum().backward()
        reference.param_groups[0]["lr"] = 0.01 / (step + 1)
        reference.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_convolutions_are_stepped_by_torchs_muon_and_the_rest_by_adamw() -> None:
    model = _net()
    before = copy.deepcopy(model)
    settings = InterpreterConfig(learning_rate=0.03, muon_learning_rate=0.01)
    _train(model, Optimizers(model, settings), 1)
    for name, parameter in model.named_parameters():
        old = before.get_parameter(name).detach()
        assert parameter.grad is not None
        alone = nn.Parameter(old.flatten(1) if name in ("plane.weight", "line.weight") else old)
        alone.grad = parameter.grad.view_as(alone)
        if alone.shape != old.shape:
            torch.optim.Muon(
                [alone], lr=0.01, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
            ).step()
        else:
            torch.optim.AdamW([alone], lr=0.03, weight_decay=0.0).step()
        torch.testing.assert_close(parameter.detach(), alone.detach().view_as(parameter))


def test_a_muon_step_moves_every_direction_alike() -> None:
    """The change of a convolution's matrix has singular values near one another (Newton–Schulz
    leaves them in [0.7, 1.2] of the exact polar factor), whatever the gradient's were."""
    model = _net()
    before = model.line.weight.detach().clone()
    optimizers = Optimizers(model, InterpreterConfig(muon_learning_rate=0.01))
    gradient = torch.randn(4, 24, generator=torch.Generator().manual_seed(2))
    gradient *= torch.tensor([1.0, 3.0, 10.0, 30.0])[:, None]
    model.line.weight.grad = gradient.view_as(model.line.weight)
    optimizers.step(lambda peak: peak)
    moved = (model.line.weight.detach() - before).flatten(1)
    values = torch.linalg.svdvals(moved) / (0.01 * 0.2 * 24**0.5)
    assert float(values.min()) > 0.6
    assert float(values.max()) < 1.3


def test_a_layer_without_gradient_stays() -> None:
    model = _net()
    before = model.plane.weight.detach().clone()
    model.plane.requires_grad_(False)
    _train(model, Optimizers(model, InterpreterConfig(muon_learning_rate=0.01)), 1)
    assert torch.equal(model.plane.weight, before)


def test_a_head_has_a_rate_of_its_own() -> None:
    model = _net()
    before = copy.deepcopy(model)
    _train(model, Optimizers(model, InterpreterConfig(learning_rate=0.01), {"head": 0.05}), 1)
    for name, parameter in model.named_parameters():
        moved = (parameter - before.get_parameter(name)).detach().abs().max()
        # AdamW's first step is as long as the rate wherever there is a gradient.
        assert float(moved) == pytest.approx(0.05 if name.startswith("head") else 0.01, rel=1e-3)
