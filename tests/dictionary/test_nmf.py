"""Eq. 5 against its own definition, scikit-learn's NMF and scipy's non-negative least squares."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from sklearn.decomposition import NMF
from torch import Tensor

from l2i_core.dictionary import nmf
from l2i_core.dictionary.nmf import (
    Dictionary,
    OnlineNmf,
    average_frames,
    normalise,
    objective,
    project,
    sparse_nmf,
)


def _data(bins: int = 40, frames: int = 60, rank: int = 5, noise: float = 0.05) -> Tensor:
    """A low-rank non-negative matrix with noise, float64."""
    generator = torch.Generator().manual_seed(4)

    def rand(*size: int) -> Tensor:
        return torch.rand(*size, generator=generator, dtype=torch.float64)

    return rand(bins, rank).square() @ rand(rank, frames).square() + noise * rand(bins, frames)


def _columns(bins: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    return normalise(torch.rand(bins, count, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("divergence", ["euclidean", "kl"])
@pytest.mark.parametrize("sparsity", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("n_fixed", [0, 2])
def test_objective_never_rises(divergence: str, sparsity: float, n_fixed: int) -> None:
    v = _data()
    fixed = _columns(40, n_fixed) if n_fixed else None
    result = sparse_nmf(v, 4, sparsity, 150, divergence, fixed=fixed)
    values = np.array(result.objective)
    assert len(values) == 150
    assert np.diff(values).max() <= 1e-9 * values[0]
    assert values[-1] < values[0]
    recomputed = objective(v, result.patterns, result.activations, sparsity, divergence)
    assert values[-1] == pytest.approx(recomputed, rel=1e-9)


@pytest.mark.parametrize("divergence", ["euclidean", "kl"])
def test_steps_that_would_raise_the_objective_are_damped(
    divergence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratio = nmf._constrained_ratio
    monkeypatch.setattr(nmf, "_constrained_ratio", lambda w, p, n: ratio(w, p, n).pow(12))
    values = np.array(sparse_nmf(_data(), 4, 0.1, 40, divergence).objective)
    assert np.diff(values).max() <= 1e-9 * values[0]
    monkeypatch.setattr(nmf, "_MAX_HALVINGS", 0)  # no step of W is good enough: H alone moves
    result = sparse_nmf(_data(), 4, 0.1, 5, divergence)
    assert torch.equal(result.patterns, sparse_nmf(_data(), 4, 0.1, 1, divergence).patterns)


def test_objective_never_rises_in_single_precision() -> None:
    v = _data().float()
    values = np.array(sparse_nmf(v, 6, 0.2, 300).objective)
    assert np.diff(values).max() <= 1e-6 * float(v.square().sum())


@pytest.mark.parametrize("divergence", ["euclidean", "kl"])
def test_factors_obey_the_constraints(divergence: str) -> None:
    result = sparse_nmf(_data(), 6, 0.1, 50, divergence)
    assert result.patterns.shape == (40, 6)
    assert result.activations.shape == (6, 60)
    assert float(result.patterns.min()) >= 0
    assert float(result.activations.min()) >= 0
    torch.testing.assert_close(result.patterns.norm(dim=0), torch.ones(6, dtype=torch.float64))


def test_objective_of_a_hand_computed_case() -> None:
    v = torch.tensor([[2.0, 1.0]])
    w, h = torch.tensor([[1.0]]), torch.tensor([[1.0, 1.0]])
    assert objective(v, w, h, 0.5) == pytest.approx(0.5 * 1.0 + 0.5 * 2.0)
    kl = 2 * np.log(2) - 2 + 1  # the second entry costs nothing
    assert objective(v, w, h, 0.5, "kl") == pytest.approx(kl + 1.0)


@pytest.mark.parametrize(
    ("divergence", "loss"), [("euclidean", "frobenius"), ("kl", "kullback-leibler")]
)
def test_without_sparsity_scikit_learns_objective_is_reached(divergence: str, loss: str) -> None:
    v = _data()
    solver = NMF(5, init="nndsvda", solver="mu", beta_loss=loss, max_iter=6000, tol=1e-5)
    w = solver.fit_transform(v.numpy())
    theirs = objective(
        v, torch.from_numpy(w), torch.from_numpy(solver.components_), 0.0, divergence
    )
    ours = min(
        sparse_nmf(v, 5, 0.0, 1500, divergence, seed=seed).objective[-1] for seed in range(3)
    )
    assert ours <= 1.03 * theirs


def test_without_sparsity_coordinate_descent_is_reached() -> None:
    v = _data()
    solver = NMF(5, init="nndsvda", solver="cd", max_iter=3000, tol=1e-8)
    solver.fit(v.numpy())
    theirs = 0.5 * solver.reconstruction_err_**2
    ours = min(sparse_nmf(v, 5, 0.0, 1500, seed=seed).objective[-1] for seed in range(3))
    assert ours == pytest.approx(theirs, rel=0.03)


def test_l1_weight_makes_activations_sparser() -> None:
    v = _data()
    l1 = [float(sparse_nmf(v, 8, mu, 300).activations.sum()) for mu in (0.0, 0.2, 1.0)]
    assert l1[0] > l1[1] > l1[2]


@pytest.mark.parametrize("divergence", ["euclidean", "kl"])
def test_fixed_columns_come_first_and_stay_bit_for_bit(divergence: str) -> None:
    fixed = _columns(40, 3)
    copy = fixed.clone()
    result = sparse_nmf(_data(), 4, 0.1, 30, divergence, fixed=fixed)
    assert result.patterns.shape == (40, 7)
    assert torch.equal(result.patterns[:, :3], copy)
    assert torch.equal(fixed, copy)
    assert not torch.equal(
        result.patterns[:, 3:], sparse_nmf(_data(), 4, 0.1, 1, divergence).patterns
    )


def test_seed_decides_the_result() -> None:
    first, again, other = (sparse_nmf(_data(), 4, 0.1, 5, seed=s) for s in (3, 3, 4))
    assert torch.equal(first.patterns, again.patterns)
    assert torch.equal(first.activations, again.activations)
    assert not torch.equal(first.patterns, other.patterns)


@pytest.mark.parametrize("divergence", ["euclidean", "kl"])
def test_continued_run_equals_the_unbroken_one(divergence: str) -> None:
    v = _data()
    whole = sparse_nmf(v, 4, 0.1, 20, divergence)
    half = sparse_nmf(v, 4, 0.1, 12, divergence)
    rest = sparse_nmf(v, 4, 0.1, 8, divergence, start=(half.patterns, half.activations))
    torch.testing.assert_close(rest.patterns, whole.patterns)
    torch.testing.assert_close(rest.activations, whole.activations)
    assert half.objective + rest.objective == pytest.approx(whole.objective)


def test_progress_tells_every_iteration() -> None:
    told: list[tuple[int, float]] = []
    result = sparse_nmf(_data(), 4, 0.1, 5, progress=lambda *row: told.append(row))
    assert told == list(enumerate(result.objective, start=1))


def test_projection_is_non_negative_least_squares() -> None:
    v, w = _data(frames=12), _columns(40, 6)
    ours = project(v, w, 0.0, iterations=20000)
    theirs = np.stack([nnls(w.numpy(), column)[0] for column in v.numpy().T], axis=1)
    np.testing.assert_allclose(ours.numpy(), theirs, atol=2e-3)


@pytest.mark.parametrize("divergence", ["euclidean", "kl"])
def test_projection_meets_the_optimality_conditions(divergence: str) -> None:
    mu = 0.3
    v, w = _data(frames=12), _columns(40, 6)
    h = project(v, w, mu, 20000, divergence)
    error = w @ h - v if divergence == "euclidean" else 1 - v / (w @ h)
    gradient = w.T @ error + mu
    assert float(h.min()) >= 0
    assert float(gradient.min()) > -1e-3
    assert float((gradient * h).abs().max()) < 1e-3


def test_projection_recovers_known_activations() -> None:
    w = _columns(40, 5)
    truth = _data(frames=9)[:5]
    torch.testing.assert_close(project(w @ truth, w, 0.0, 20000), truth, atol=1e-3, rtol=1e-3)


def test_frames_are_averaged_in_chunks() -> None:
    x = torch.arange(24.0).reshape(2, 12)
    ours = average_frames(x, 5)
    assert ours.shape == (2, 3)
    torch.testing.assert_close(ours[0], torch.tensor([2.0, 7.0, 10.5]))
    torch.testing.assert_close(average_frames(x, 1), x)
    torch.testing.assert_close(average_frames(x, 100), x.mean(1, keepdim=True))


def test_unit_norm_and_empty_columns() -> None:
    ours = normalise(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
    torch.testing.assert_close(ours, torch.tensor([[0.6, 0.0], [0.8, 0.0]]))
    assert Dictionary(ours).n_components == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"v": -torch.ones(3, 4)}, "non-negative"),
        ({"v": torch.full((3, 4), float("nan"))}, "finite"),
        ({"v": torch.ones(3)}, "matrix"),
        ({"v": torch.ones(3, 0)}, "matrix"),
        ({"divergence": "cosine"}, "'cosine'"),
        ({"n_components": 0}, "n_components"),
        ({"sparsity": -0.1}, "μ"),
        ({"sparsity": float("nan")}, "μ"),
        ({"iterations": 0}, "iterations"),
        ({"fixed": torch.ones(5, 1)}, "fixed columns"),
    ],
)
def test_impossible_factorisations_are_refused(change: dict[str, object], sentence: str) -> None:
    arguments: dict[str, object] = {"v": torch.ones(3, 4), "n_components": 2} | change
    with pytest.raises(ValueError, match=sentence):
        sparse_nmf(**arguments)  # type: ignore[arg-type]


def test_impossible_projections_and_chunks_are_refused() -> None:
    with pytest.raises(ValueError, match="bins"):
        project(torch.ones(3, 4), torch.ones(5, 2))
    with pytest.raises(ValueError, match="averaged"):
        average_frames(torch.ones(3, 4), 0)


def _online(v: Tensor, batches: int, state: dict[str, Tensor] | None = None) -> OnlineNmf:
    """Batches of 20 columns in turn, from the start or from a state."""
    parts = v.split(20, dim=1)
    learner = OnlineNmf(state, 0.05, 0.8) if state else OnlineNmf.start(parts[0], 5, 0.05, 0.8)
    for number in range(batches):
        learner.update(parts[number % len(parts)])
    return learner


def test_mini_batches_reach_what_all_at_once_reaches() -> None:
    v = _data(frames=200)

    def value(patterns: Tensor) -> float:
        return objective(v, patterns, project(v, patterns, 0.05, 500), 0.05)

    at_once = value(sparse_nmf(v, 5, 0.05, 300).patterns)
    online = _online(v, 300).state["w"]
    assert value(online) < 1.05 * at_once
    assert value(_online(v, 1).state["w"]) > 1.5 * at_once
    torch.testing.assert_close(online.norm(dim=0), torch.ones(5).double())
    assert bool((online >= 0).all())


def test_mini_batches_go_on_from_their_state() -> None:
    v = _data(frames=200)
    half = _online(v, 20)
    resumed = _online(v, 20, half.state)
    for name, value in _online(v, 40).state.items():
        torch.testing.assert_close(resumed.state[name], value)
    assert {tuple(value.shape) for value in half.state.values()} == {(40, 5), (5, 5)}


def test_a_silent_batch_changes_no_pattern() -> None:
    v = _data(frames=200)
    learner = _online(v, 40)
    before = learner.state["w"].clone()
    learner.sparsity = 0.0
    learner.update(torch.zeros(40, 20).double())
    torch.testing.assert_close(learner.state["w"].norm(dim=0), torch.ones(5).double())
    assert float((learner.state["w"] * before).sum(dim=0).min()) > 0.99
