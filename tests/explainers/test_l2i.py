"""Ψ and Θ: shapes, signs, pooling by its formula, and relevances that sum to the logit."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from l2i_core.classifiers.kumar import Classifier
from l2i_core.explainers.l2i import Interpreter
from l2i_core.explainers.psi import Psi
from l2i_core.explainers.theta import ThetaAttention, ThetaMax


def _maps(
    channels: Sequence[int], strides: Sequence[int], n_frames: int, bands: int = 64
) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.rand(2, c, n_frames // s, max(1, bands // s), generator=generator)
        for c, s in zip(channels, strides, strict=True)
    ]


def _activations(n_frames: int = 21) -> Tensor:
    return torch.rand(3, 5, n_frames, generator=torch.Generator().manual_seed(2))


@pytest.fixture(params=[ThetaAttention, ThetaMax])
def theta(request: pytest.FixtureRequest) -> ThetaAttention | ThetaMax:
    torch.manual_seed(0)
    return request.param(5, 4)


@pytest.mark.parametrize("n_frames", [128, 129, 191, 313, 431, 1000])
@pytest.mark.parametrize(
    ("channels", "strides"),
    [((8, 12, 16), (8, 16, 32)), ((6,), (4,)), ((3, 5), (1, 2)), ((4, 4), (32, 8))],
)
def test_activations_fit_any_maps_and_length(
    channels: tuple[int, ...], strides: tuple[int, ...], n_frames: int
) -> None:
    torch.manual_seed(0)
    psi = Psi(channels, strides, 7, channels=8)
    h = psi(_maps(channels, strides, n_frames), n_frames).detach()
    assert h.shape == (2, 7, n_frames)
    assert float(h.min()) >= 0
    assert bool(torch.isfinite(h).all())


@pytest.mark.parametrize("n_frames", [128, 313, 431, 700])
@pytest.mark.parametrize("blocks", [(4, 5, 6), (2, 4), (6,)])
def test_activations_fit_the_classifiers_maps(blocks: tuple[int, ...], n_frames: int) -> None:
    classifier = Classifier(3, map_blocks=blocks).eval()
    maps = classifier(torch.zeros(1, 128, n_frames))[1]
    psi = Psi(classifier.map_channels, classifier.map_strides, 7, channels=8)
    assert psi(maps, n_frames).shape == (1, 7, n_frames)


def test_activations_depend_on_every_map() -> None:
    torch.manual_seed(0)
    maps = [m.requires_grad_() for m in _maps((8, 12), (4, 8), 160)]
    Psi((8, 12), (4, 8), 7, channels=8)(maps, 160).sum().backward()
    assert all(m.grad is not None and float(m.grad.abs().max()) > 0 for m in maps)


def test_activations_stay_where_the_sound_is() -> None:
    """What changes in the maps' second half does not reach H far before it."""
    torch.manual_seed(0)
    psi = Psi((4, 4), (4, 8), 7, channels=8).eval()
    maps = _maps((4, 4), (4, 8), 960)
    changed = [m.clone() for m in maps]
    for m in changed:
        m[:, :, m.shape[2] // 2 :] += 1.0
    difference = (psi(maps, 960) - psi(changed, 960)).detach().abs().amax(dim=(0, 1))
    assert float(difference[:400].max()) < 1e-5
    assert float(difference[500:].max()) > 1e-3


@pytest.mark.parametrize(("channels", "strides"), [((), ()), ((4,), (8, 16))])
def test_impossible_maps_are_refused(channels: tuple[int, ...], strides: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="Ψ|stride"):
        Psi(channels, strides, 7)


@pytest.mark.parametrize("strides", [(0.625, 1.25), (2.5,), (3.0, 6.0), (5.0, 20.0)])
def test_steps_of_any_length_give_a_column_a_frame(strides: tuple[float, ...]) -> None:
    """A step in the map changes H around its own time, whatever the maps' step in frames."""
    torch.manual_seed(0)
    frames = 600
    psi = Psi((4,) * len(strides), strides, 7, channels=8).eval()
    maps = [torch.rand(1, 4, int(frames // s), 16) for s in strides]
    changed = [m.clone() for m in maps]
    for m in changed:
        m[:, :, m.shape[2] // 2 :] += 1.0
    ours, theirs = psi(maps, frames).detach(), psi(changed, frames).detach()
    assert ours.shape == (1, 7, frames)
    moved = (ours - theirs).abs().amax(dim=(0, 1))
    margin = 60
    assert float(moved[: frames // 2 - margin].max()) < 1e-5
    assert float(moved[frames // 2 + margin :].max()) > 1e-3


def test_attention_is_a_distribution_over_time(theta: ThetaAttention | ThetaMax) -> None:
    attention = theta(_activations())[2].detach()
    assert attention.shape == (3, 21)
    assert float(attention.min()) >= 0
    torch.testing.assert_close(attention.sum(dim=1), torch.ones(3))


def test_attention_pooling_follows_its_formula() -> None:
    torch.manual_seed(0)
    theta, h = ThetaAttention(5, 4, hidden=6), _activations()
    _, pooled, attention = theta(h)
    for b in range(3):
        scores = torch.stack(
            [
                theta.score(torch.tanh(theta.tanh(f)) * torch.sigmoid(theta.gate(f))).squeeze()
                for f in h[b].T
            ]
        )
        weights = scores.exp() / scores.exp().sum()
        torch.testing.assert_close(attention[b], weights)
        torch.testing.assert_close(pooled[b], h[b] @ weights)


def test_max_pooling_is_the_maximum() -> None:
    theta, h = ThetaMax(5, 4), _activations()
    _, pooled, attention = theta(h)
    torch.testing.assert_close(pooled, h.amax(dim=2))
    share = torch.stack([torch.bincount(r.argmax(dim=1), minlength=21) / 5 for r in h])
    torch.testing.assert_close(attention, share)


def test_max_pooling_ignores_components_that_are_never_active() -> None:
    h = torch.zeros(2, 4, 6)
    h[0, 1, 3], h[0, 2, 3], h[0, 3, 5] = 1.0, 2.0, 0.5
    attention = ThetaMax(4, 3)(h)[2]
    torch.testing.assert_close(attention[0], torch.tensor([0, 0, 0, 2, 0, 1]) / 3)
    torch.testing.assert_close(attention[1], torch.full((6,), 1 / 6))


def test_contributions_sum_to_the_logit(theta: ThetaAttention | ThetaMax) -> None:
    logits, pooled, _ = theta(_activations())
    assert theta.linear.bias is None
    contributions = pooled[:, None, :] * theta.linear.weight
    torch.testing.assert_close(contributions.sum(dim=2), logits)


def test_nothing_active_gives_zero_logits(theta: ThetaAttention | ThetaMax) -> None:
    logits, pooled, _ = theta(torch.zeros(3, 5, 21))
    assert not logits.any()
    assert not pooled.any()


@pytest.mark.parametrize("pooling", ["attention", "max"])
def test_interpreter_is_theta_after_psi(pooling: str) -> None:
    torch.manual_seed(0)
    model = Interpreter((8, 12), (4, 8), 7, 3, pooling, channels=8).eval()
    maps = _maps((8, 12), (4, 8), 200)
    h, logits, pooled, attention = model(maps, 200)
    torch.testing.assert_close(h, model.psi(maps, 200))
    for ours, theirs in zip((logits, pooled, attention), model.theta(h), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert model.class_weights.shape == (3, 7)
    torch.testing.assert_close(pooled @ model.class_weights.T, logits)


def test_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="'mean'"):
        Interpreter((8,), (4,), 7, 3, "mean")
