"""FLINT: attributes are non-negative, its losses are what they say, it can follow f."""

import math

import pytest
import torch

from l2i_core.explainers import flint
from l2i_core.explainers.flint import Flint
from l2i_core.explainers.training import Given
from l2i_core.task import ONE_CLASS

STRIDES = ((8, 20, 16), (16, 10, 8))


def feature_maps(n: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(n, *shape, generator=generator) for shape in STRIDES]


def new_model(n_attributes: int = 6, n_classes: int = 3) -> Flint:
    torch.manual_seed(0)
    return Flint([8, 16], n_attributes, n_classes, channels=12)


def test_attributes_are_not_negative_and_logits_are_linear_in_them() -> None:
    model = new_model()
    attributes, logits = model(feature_maps(5))
    assert attributes.shape == (5, 6)
    assert (attributes >= 0).all()
    assert (attributes == 0).any()
    torch.testing.assert_close(logits, attributes @ model.linear.weight.T)


def test_the_decoder_gives_the_size_asked_for() -> None:
    assert new_model().decode(torch.rand(2, 6), (128, 313)).shape == (2, 128, 313)


def test_entropies_of_equal_and_of_concentrated_attributes() -> None:
    concise, diverse = flint.entropies(torch.full((3, 4), 2.0))
    assert float(concise) == pytest.approx(math.log(4))
    assert float(diverse) == pytest.approx(math.log(4))
    concise, diverse = flint.entropies(50 * torch.eye(4))
    assert float(concise) == pytest.approx(0, abs=1e-6)
    assert float(diverse) == pytest.approx(math.log(4))


def test_it_overfits_a_few_clips() -> None:
    model, maps = new_model(), feature_maps(6)
    logits = 8 * torch.eye(3)[[0, 1, 2, 0, 1, 2]]
    log_mel = torch.randn(6, 16, 40, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    even = flint.Settings(fidelity=1.0, reconstruction=1.0, sparsity=1.0, entropy=1.0)
    first = None
    for _ in range(60):
        terms = even.loss_terms(model, Given(log_mel, log_mel, maps, logits, ONE_CLASS))
        first = first or {k: v.item() for k, v in terms.items()}
        optimizer.zero_grad()
        (terms["fidelity"] + terms["reconstruction"]).backward()
        optimizer.step()
    _, theirs = model(maps)
    assert theirs.argmax(dim=1).tolist() == [0, 1, 2, 0, 1, 2]
    assert terms["fidelity"].item() < 0.5 * first["fidelity"]
    assert terms["reconstruction"].item() < first["reconstruction"]
