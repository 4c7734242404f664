"""Section 3.2 and Algorithm 2 as laws: relevances, selection, masks, energies."""

import math

import pytest
import torch
from torch import Tensor

from l2i_core.dictionary import masking
from l2i_core.explainers import theta
from l2i_core.signal import spectra

BINS, COMPONENTS, FRAMES = 17, 6, 11


@pytest.fixture
def factors() -> tuple[Tensor, Tensor]:
    """W (F, K), H (K, T) ≥ 0; the first bin and the first two frames carry nothing."""
    generator = torch.Generator().manual_seed(0)
    w = torch.rand(BINS, COMPONENTS, generator=generator)
    h = torch.rand(COMPONENTS, FRAMES, generator=generator).sub(0.4).relu()
    w[0], h[:, :2] = 0.0, 0.0
    return w, h


@pytest.fixture
def x() -> Tensor:
    return 4 * torch.rand(BINS, FRAMES, generator=torch.Generator().manual_seed(1))


def _one(k: int) -> Tensor:
    return torch.eye(COMPONENTS)[k]


def _even(x: Tensor, value: float) -> tuple[Tensor, Tensor]:
    """M and 1 − M that are the same everywhere."""
    return torch.full_like(x, value), torch.full_like(x, 1 - value)


# Relevance and selection


def test_relevance_by_hand() -> None:
    z, weight = torch.tensor([1.0, 2.0, 0.0, 4.0]), torch.tensor([2.0, -4.0, 9.0, 1.0])
    expected = torch.tensor([0.25, -1.0, 0.0, 0.5])
    torch.testing.assert_close(theta.relevance(z, weight), expected)


def test_relevance_is_scaled_by_the_largest_size() -> None:
    generator = torch.Generator().manual_seed(0)
    z, weight = torch.rand(7, 9, generator=generator), torch.randn(7, 9, generator=generator)
    r = theta.relevance(z, weight)
    torch.testing.assert_close(r.abs().amax(dim=1), torch.ones(7))
    torch.testing.assert_close(theta.relevance(5 * z, weight), r)
    for b in range(7):
        torch.testing.assert_close(theta.relevance(z[b], weight[b]), r[b])


def test_no_contribution_means_no_relevance() -> None:
    assert not theta.relevance(torch.zeros(4), torch.ones(4)).any()
    assert not theta.relevance(torch.ones(4), torch.zeros(4)).any()


def test_selection_is_strict_and_in_falling_order() -> None:
    r = torch.tensor([0.3, -1.0, 0.9, 0.3, 1.0, 0.0])
    assert masking.select(r, 0.3) == [4, 2]
    assert masking.select(r, 0.29) == [4, 2, 0, 3], "equals keep the components' order"
    assert masking.select(r, 0.0) == [4, 2, 0, 3]
    assert masking.select(r, 0.0, max_components=3) == [4, 2, 0]
    assert masking.select(r, 0.0, max_components=9) == [4, 2, 0, 3]
    assert masking.select(-r.abs(), 0.0) == []


# Masks


def test_masks_lie_between_zero_and_one(factors: tuple[Tensor, Tensor]) -> None:
    generator = torch.Generator().manual_seed(3)
    for gains in (torch.zeros(6), torch.ones(6), torch.rand(6, generator=generator), _one(2)):
        for mask in masking.soft_masks(*factors, gains):
            assert mask.shape == (BINS, FRAMES)
            assert float(mask.min()) >= 0
            assert float(mask.max()) <= 1 + 1e-6


def test_mask_and_rest_sum_to_one(factors: tuple[Tensor, Tensor]) -> None:
    gains = torch.rand(6, generator=torch.Generator().manual_seed(3))
    kept, left = masking.soft_masks(*factors, gains)
    torch.testing.assert_close(kept + left, torch.ones(BINS, FRAMES))


def test_rest_is_exactly_zero_where_all_active_components_are_kept() -> None:
    generator = torch.Generator().manual_seed(5)
    w, h = torch.rand(BINS, 40, generator=generator), torch.rand(40, FRAMES, generator=generator)
    h[30:, 4:] = 0.0
    gains = torch.ones(40)
    gains[30:] = 0.0
    kept, left = masking.soft_masks(w, h, gains)
    assert not left[:, 4:].any(), "rounding noise would be heard by log-mel"
    assert bool((kept[:, 4:] == 1).all())
    assert float(left[:, :4].min()) > 0


def test_rest_is_exact_however_small() -> None:
    """1 − M would be 0 or wrong by half for shares near single precision's rounding."""
    w, h = torch.ones(1, 2), torch.tensor([[1.0, 1.0, 1.0], [1e-6, 3e-8, 1e-10]])
    left = masking.soft_masks(w, h, torch.tensor([1.0, 0.0]))[1]
    torch.testing.assert_close(left[0], h[1] / (h[0] + h[1]), rtol=1e-5, atol=0.0)


def test_components_masks_sum_to_one_where_the_model_is_active(
    factors: tuple[Tensor, Tensor],
) -> None:
    w, h = factors
    total = torch.stack([masking.soft_masks(w, h, _one(k))[0] for k in range(COMPONENTS)]).sum(0)
    active = (w @ h) > 0
    assert 0 < int(active.sum()) < active.numel(), "both cases must occur"
    torch.testing.assert_close(total, active.float())


def test_mask_follows_its_formula(factors: tuple[Tensor, Tensor]) -> None:
    w, h = factors
    gains = torch.tensor([1.0, 0.0, 0.5, 0.0, 1.0, 0.25])
    mask, _ = masking.soft_masks(w, h, gains)
    for f in range(1, BINS):
        for t in range(2, FRAMES):
            terms = [float(w[f, k] * h[k, t]) for k in range(COMPONENTS)]
            if sum(terms) > 0:
                kept = sum(g * v for g, v in zip(gains.tolist(), terms, strict=True))
                assert float(mask[f, t]) == pytest.approx(kept / sum(terms), abs=1e-6)


def test_masks_of_a_batch_are_each_clips_own(factors: tuple[Tensor, Tensor]) -> None:
    w, h = factors
    batch, gains = torch.stack([h, h.flip(1)]), torch.stack([_one(0), _one(3) + _one(1)])
    together = masking.soft_masks(w, batch, gains)
    for b in range(2):
        for ours, alone in zip(together, masking.soft_masks(w, batch[b], gains[b]), strict=True):
            torch.testing.assert_close(ours[b], alone)


def test_cumulative_masks_are_the_masks_of_the_first_components(
    factors: tuple[Tensor, Tensor],
) -> None:
    w, h = factors
    order, counts = [4, 1, 5, 0, 2, 3], [0, 1, 3, 3, 6]
    masks = list(masking.cumulative_masks(w, h, order, counts))
    assert len(masks) == len(counts)
    for pair, count in zip(masks, counts, strict=True):
        gains = torch.zeros(COMPONENTS)
        gains[order[:count]] = 1.0
        for ours, alone in zip(pair, masking.soft_masks(w, h, gains), strict=True):
            torch.testing.assert_close(ours, alone, atol=1e-6, rtol=1e-5)
            assert torch.equal(ours == 0, alone == 0)


def test_log_domain_parts_sum_to_the_log_magnitude(
    factors: tuple[Tensor, Tensor], x: Tensor
) -> None:
    masks = masking.soft_masks(*factors, _one(1) + _one(4))
    kept, left = masking.apply_masks(x, masks, "log")
    torch.testing.assert_close(kept, masks[0] * x)
    torch.testing.assert_close(kept + left, x)


def test_linear_domain_parts_sum_to_the_magnitude(
    factors: tuple[Tensor, Tensor], x: Tensor
) -> None:
    masks = masking.soft_masks(*factors, _one(1) + _one(4))
    kept, left = masking.apply_masks(x, masks, "linear")
    magnitude = torch.expm1(x)
    torch.testing.assert_close(torch.expm1(kept), masks[0] * magnitude, atol=1e-5, rtol=1e-5)
    total = torch.expm1(kept) + torch.expm1(left)
    torch.testing.assert_close(total, magnitude, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("domain", masking.MASK_DOMAINS)
def test_whole_and_empty_masks(x: Tensor, domain: str) -> None:
    kept, left = masking.apply_masks(x, _even(x, 1.0), domain)
    torch.testing.assert_close(kept, x)
    assert not left.any()
    kept, left = masking.apply_masks(x, _even(x, 0.0), domain)
    assert not kept.any()
    torch.testing.assert_close(left, x)


def test_unknown_mask_domain_is_refused(x: Tensor) -> None:
    with pytest.raises(ValueError, match="'power'.*log, linear"):
        masking.apply_masks(x, (x, x), "power")


def test_ratio_of_nothing_is_zero_and_differentiable() -> None:
    numerator = torch.tensor([0.0, 2.0, 0.0], requires_grad=True)
    denominator = torch.tensor([0.0, 4.0, 3.0], requires_grad=True)
    quotient = masking.ratio(numerator, denominator)
    assert quotient.tolist() == [0.0, 0.5, 0.0]
    quotient.sum().backward()
    for tensor in (numerator, denominator):
        assert tensor.grad is not None
        assert bool(torch.isfinite(tensor.grad).all())


def test_masking_is_differentiable_in_the_activations(
    factors: tuple[Tensor, Tensor], x: Tensor
) -> None:
    w, h = factors
    h.requires_grad_()
    kept, _ = masking.apply_masks(x, masking.soft_masks(w, h, _one(1)))
    spectra.magnitude(kept).sum().backward()
    assert h.grad is not None
    assert bool(torch.isfinite(h.grad).all())
    assert float(h.grad.abs().max()) > 0


# Energies


@pytest.mark.parametrize("domain", masking.MASK_DOMAINS)
def test_energy_share_of_all_and_of_nothing(x: Tensor, domain: str) -> None:
    magnitude = spectra.magnitude(x)
    for value in (1.0, 0.0):
        kept, _ = masking.apply_masks(x, _even(x, value), domain)
        assert masking.energy_share(magnitude, x, kept) == pytest.approx(value, abs=1e-6)


def test_energy_share_of_an_even_linear_mask_is_its_square(x: Tensor) -> None:
    kept, _ = masking.apply_masks(x, _even(x, 0.3), "linear")
    assert masking.energy_share(spectra.magnitude(x), x, kept) == pytest.approx(0.09, rel=1e-5)
    stem = torch.rand(BINS, FRAMES, generator=torch.Generator().manual_seed(7))
    assert masking.energy_share(stem, x, kept) == pytest.approx(0.09, rel=1e-5)


def test_energy_share_of_a_stem_by_hand() -> None:
    x = torch.tensor([[math.log(5.0), math.log(3.0)]])  # magnitudes 4 and 2
    kept = torch.tensor([[math.log(3.0), 0.0]])  # 2 and 0: the filter is 1/2 and 0
    stem = torch.tensor([[3.0, 1.0]])
    assert masking.energy_share(stem, x, kept) == pytest.approx((0.5 * 3) ** 2 / 10)
    assert masking.energy_share(spectra.magnitude(x), x, kept) == pytest.approx(4 / 20)
    assert masking.energy_share(torch.zeros(1, 2), x, kept) == 0.0


def test_component_energies_are_those_of_their_masks(
    factors: tuple[Tensor, Tensor], x: Tensor
) -> None:
    w, h = factors
    ours = masking.component_log_energy(x, w, h)
    expected = torch.stack(
        [(masking.soft_masks(w, h, _one(k))[0] * x.square()).sum() for k in range(COMPONENTS)]
    )
    torch.testing.assert_close(ours, expected / x.square().sum())
    active = (w @ h) > 0
    assert float(ours.sum()) == pytest.approx(float((x.square() * active).sum() / x.square().sum()))


def test_silence_has_no_component_energy(factors: tuple[Tensor, Tensor]) -> None:
    energy = masking.component_log_energy(torch.zeros(BINS, FRAMES), *factors)
    assert energy.tolist() == [0.0] * COMPONENTS


def test_reconstruction_error_by_hand() -> None:
    patterns, activations = torch.tensor([[1.0], [0.0]]), torch.tensor([[3.0, 0.0]])
    x = torch.tensor([[3.0, 0.0], [0.0, 4.0]])  # W H has the 3 and misses the 4: 4 of 5
    assert masking.reconstruction_error(x, patterns, activations) == pytest.approx(0.8)
    assert masking.reconstruction_error(patterns @ activations, patterns, activations) == 0.0
    assert masking.reconstruction_error(torch.zeros(2, 2), patterns, activations) == 0.0
