"""Each difference between the paper and its released code, on cases worked out by hand."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from conftest import several
from torch import Tensor

from l2i_core import L2I, Analysis
from l2i_core.bundle import Bundle
from l2i_core.data.clips import load_clip
from l2i_core.data.synthesised import synthesised
from l2i_core.dictionary import masking
from l2i_core.explainers import theta
from l2i_core.explainers.conventions import CONVENTIONS, PAPER, RELEASED, Conventions
from l2i_core.explainers.l2i import PsiTheta
from l2i_core.measure.evaluation import Settings, evaluate
from l2i_core.measure.random import draw
from l2i_core.signal import audio


@pytest.fixture(scope="module")
def released(bundle: Bundle) -> L2I:
    """44.1 kHz, Θ with attention, by the released code's conventions."""
    return L2I(bundle, "att", "released")


def _with_contributions(monkeypatch: pytest.MonkeyPatch, weights: Tensor) -> None:
    """θ (C, K) for every engine."""
    monkeypatch.setattr(PsiTheta, "class_weights", property(lambda self: weights))


def _pooled(analysis: Analysis, z: Tensor) -> Analysis:
    return replace(analysis, pooled=z)


def test_the_default_is_the_papers(bundle: Bundle, engine: L2I) -> None:
    assert engine.conventions is L2I(bundle, "att", "paper").conventions is PAPER
    assert L2I.from_bundle(bundle.folder or "").conventions is PAPER
    assert L2I.from_bundle(bundle.folder or "", conventions="released").conventions is RELEASED
    assert Settings().conventions == "paper"


def test_the_two_sides_differ_in_every_field() -> None:
    assert list(CONVENTIONS) == ["paper", "released"]
    for field in fields(Conventions):
        assert getattr(PAPER, field.name) != getattr(RELEASED, field.name), field.name


def test_unknown_conventions_are_refused(bundle: Bundle) -> None:
    sentence = "unknown conventions 'theirs'; accepted: paper, released"
    with pytest.raises(ValueError, match=sentence):
        L2I(bundle, "att", "theirs")
    with pytest.raises(ValueError, match=sentence):
        Settings(conventions="theirs")


# Scale: x / max|x|, x / max(x)


def test_scale_is_that_of_the_largest_positive_sample(engine: L2I, released: L2I) -> None:
    clip = 0.1 * np.sin(np.arange(44100, dtype=np.float32))
    clip[100], clip[200] = 0.5, -0.8
    assert engine.analyse(clip, 44100).gain == pytest.approx(1 / 0.8)
    assert released.analyse(clip, 44100).gain == pytest.approx(1 / 0.5)
    logits = released.logits_at(torch.from_numpy(clip), [(0.0, 1.0)])[0]
    torch.testing.assert_close(logits, released.analyse(clip, 44100).logits, atol=1e-3, rtol=1e-3)


def test_scale_without_a_positive_sample_is_the_papers() -> None:
    assert audio.peak_gain(torch.tensor([-0.25, -0.5]), signed=True) == 2.0
    assert audio.peak_gain(torch.zeros(5), signed=True) == 1.0


# Relevance: over max|zθ|, over max zθ


@pytest.mark.parametrize(
    ("contribution", "paper", "theirs"),
    [
        ([1.0, -4.0, 2.0], [0.25, -1.0, 0.5], [0.5, -2.0, 1.0]),
        ([1.0, 4.0, -2.0], [0.25, 1.0, -0.5], [0.25, 1.0, -0.5]),
        ([-1.0, 0.0, -2.0], [-0.5, 0.0, -1.0], [0.0, 0.0, 0.0]),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    ],
)
def test_relevance_by_hand(
    contribution: list[float], paper: list[float], theirs: list[float]
) -> None:
    z, weight = torch.ones(3), torch.tensor(contribution)
    assert theta.relevance(z, weight).tolist() == paper
    assert theta.relevance(z, weight, signed=True).tolist() == theirs


def test_relevance_of_the_engine_follows(
    engine: L2I, released: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = torch.zeros(10, 12)
    weights[3, :3] = torch.tensor([1.0, -4.0, 2.0])
    _with_contributions(monkeypatch, weights)
    made = _pooled(analysis, torch.ones(12))
    assert engine.relevance(made, 3)[:3].tolist() == [0.25, -1.0, 0.5]
    assert released.relevance(made, 3)[:3].tolist() == [0.5, -2.0, 1.0]
    assert engine.interpret(made, 3, 0.3).selected == (2,)
    assert released.interpret(made, 3, 0.3).selected == (2, 0)


# Selection: all above τ, the five most relevant of them


def test_five_components_are_played_and_all_are_measured(
    engine: L2I, released: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = torch.zeros(10, 12)
    weights[3] = torch.linspace(0.1, 1.2, 12)
    _with_contributions(monkeypatch, weights)
    made = _pooled(analysis, torch.ones(12))
    assert engine.interpret(made, 3, 0.3).selected == (11, 10, 9, 8, 7, 6, 5, 4, 3)
    assert released.interpret(made, 3, 0.3).selected == (11, 10, 9, 8, 7)
    assert released.interpret(made, 3, 0.8).selected == (11, 10, 9)
    assert released.interpret(made, 3, 0.3, max_components=7).selected == (11, 10, 9, 8, 7, 6, 5)
    made = replace(made, activations=torch.ones_like(made.activations))
    assert released.sweep(made, 3, (0.3, 0.8)).counts.tolist() == [9, 3]


# Θ_ATT's features in FF: its own, the maxima


def _by_hand(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> Analysis:
    """Component 0 is steady, component 1 has a peak that Θ's pooling hardly sees."""
    weights = torch.zeros(10, 12)
    weights[3, :2] = 1.0
    _with_contributions(monkeypatch, weights)
    activations = torch.zeros_like(analysis.activations)
    activations[0] = 1.0
    activations[1, 7] = 4.0
    pooled = torch.zeros(12)
    pooled[0], pooled[1] = 1.0, 0.1
    return replace(analysis, activations=activations, pooled=pooled)


def test_faithfulness_selects_by_the_maxima(
    engine: L2I, released: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _by_hand(analysis, monkeypatch)
    assert engine.relevance(made, 3, measured=True)[:2].tolist() == pytest.approx([1.0, 0.1])
    assert released.relevance(made, 3, measured=True)[:2].tolist() == [0.25, 1.0]
    assert released.relevance(made, 3)[:2].tolist() == pytest.approx([1.0, 0.1]), "what is played"
    sweep = released.sweep(made, 3, (0.5,))
    without = released.logits_without(made, [[1]])[0]
    torch.testing.assert_close(sweep.logits_without[0], without, atol=2e-3, rtol=1e-3)
    without = engine.logits_without(made, [[0]])[0]
    sweep = engine.sweep(made, 3, (0.5,))
    torch.testing.assert_close(sweep.logits_without[0], without, atol=2e-3, rtol=1e-3)


def test_maxima_are_means_over_the_windows_of_a_long_clip(
    released: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _by_hand(analysis, monkeypatch)
    frames = made.activations.shape[1]
    made = replace(made, windows=((0, 100), (100, frames)))
    assert released.relevance(made, 3, measured=True)[:2].tolist() == [0.5, 1.0]


def test_multi_label_faithfulness_keeps_thetas_pooling(
    bundle: Bundle, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _by_hand(analysis, monkeypatch)
    tagging = L2I(several(bundle), "att", "released")
    assert tagging.relevance(made, 3, measured=True)[:2].tolist() == pytest.approx([1.0, 0.1])


# Soft mask: over W H, over W H + 1e-6


def test_mask_by_hand() -> None:
    patterns = torch.eye(2)
    activations = torch.tensor([[3e-6, 0.0], [0.0, 1e-6]])
    gains = torch.tensor([1.0, 0.0])
    kept, left = masking.soft_masks(patterns, activations, gains)
    assert kept.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    kept, left = masking.soft_masks(patterns, activations, gains, 1e-6)
    torch.testing.assert_close(kept, torch.tensor([[0.75, 0.0], [0.0, 0.0]]))
    torch.testing.assert_close(left, 1 - kept)
    ((kept, left),) = masking.cumulative_masks(patterns, activations, [0, 1], [1], 1e-6)
    torch.testing.assert_close(kept, torch.tensor([[0.75, 0.0], [0.0, 0.0]]))
    torch.testing.assert_close(left, 1 - kept)


def test_mask_of_the_engine_follows(released: L2I, analysis: Analysis) -> None:
    faint = replace(analysis, activations=1e-6 * analysis.activations)
    model = released.dictionary.patterns @ faint.activations
    expected = analysis.spectrogram.log_magnitude * model / (model + 1e-6)
    made = released.interpret(faint, gains=np.ones(12))
    torch.testing.assert_close(made.log_magnitude, expected)


# Random Baseline: from the components outside L, from all


def test_random_draws_from_all_components(
    engine: L2I, released: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[set[int]] = []
    real = L2I.logits_without

    def spied(self: L2I, made: Analysis, removed: list[list[int]], domain: str = "log") -> Tensor:
        drawn.append({k for chosen in removed for k in chosen})
        return real(self, made, removed, domain)

    monkeypatch.setattr(L2I, "logits_without", spied)
    selected = list(range(6))
    for own in (engine, released):
        gains, generator = masking.gains_of(selected, 12), np.random.default_rng(0)
        draw(own, analysis, 0, gains, draws=20, generator=generator, count=3)
    paper, _, theirs, energy = drawn
    assert paper == set(range(6, 12))
    assert theirs == set(range(12))
    assert energy <= set(range(6, 12)), "equal energy is ours: never from L"


# All of them together


def test_evaluation_follows_the_released_code(engine_16k: L2I) -> None:
    clips = [c for c in synthesised([31]).clips if c.label in ("dog", "rain")]
    settings = Settings((0.1, 0.5), (0.1,), 2, conventions="released")
    result = evaluate(engine_16k.bundle, "att", clips, settings)
    released = L2I(engine_16k.bundle, "att", "released")
    for clip, row in zip(clips, [r for r in result.levels if r.threshold == 0.1], strict=True):
        x = load_clip(clip, released.audio)
        a = released.analyse(x, 16000)
        assert a.gain == pytest.approx(1 / x.max())
        contribution = a.activations.amax(1) * released.class_weights[a.predicted]
        selected = torch.where(contribution / contribution.max() > 0.1)[0].tolist()
        assert row.components == len(selected)
        drop = a.logits - released.logits_without(a, [selected])[0]
        assert row.faithfulness == pytest.approx(float(drop[a.predicted]), abs=2e-3)
    paper = evaluate(engine_16k.bundle, "att", clips, replace(settings, conventions="paper"))
    assert paper.levels != result.levels
