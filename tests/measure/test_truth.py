"""Interpretations beside known stems: laws that hold for any weights, on a random model."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from l2i_core import L2I, Analysis
from l2i_core.data import synth
from l2i_core.dictionary import masking
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.measure import metrics, truth
from l2i_core.measure.stems import Part, Passed, Stems, gather
from l2i_core.measure.truth import Row, Settings
from l2i_core.signal import spectra

RATE = 16000
ALONE = Settings((0.1,), ("log",))


@pytest.fixture(scope="module")
def sounds() -> list[np.ndarray]:
    """A dog, rain, and a silent third, two seconds."""
    made = synth.scene(("dog", "rain"), 21, (0.0, -6.0), RATE, 2.0)
    return [*made.stems, np.zeros(2 * RATE, np.float32)]


@pytest.fixture(scope="module")
def mixture(engine_16k: L2I, sounds: list[np.ndarray]) -> Analysis:
    return engine_16k.analyse(np.sum(sounds, axis=0), RATE)


@pytest.fixture(scope="module")
def stems(engine_16k: L2I, mixture: Analysis, sounds: list[np.ndarray]) -> Stems:
    return gather(engine_16k, mixture, sounds)


def test_everything_kept_passes_everything(
    engine_16k: L2I, mixture: Analysis, stems: Stems
) -> None:
    heard = stems.following(0).passed(mixture.spectrogram.log_magnitude)
    assert heard.shares[:2] == pytest.approx((1.0, 1.0), abs=1e-4)
    assert np.isnan(heard.shares[2]), "of silence there is nothing to pass"
    assert heard.target.share == heard.shares[0]
    assert heard.interferer == heard.shares[1]
    assert heard.target.sdr_before == pytest.approx(
        metrics.si_sdr(sum(stems.sounds), stems.sounds[0]), abs=1e-3
    )
    assert heard.target.sdr_gain == pytest.approx(0, abs=0.05)


def test_nothing_kept_passes_nothing(engine_16k: L2I, mixture: Analysis, stems: Stems) -> None:
    nothing = torch.zeros_like(mixture.spectrogram.log_magnitude)
    heard = stems.following(0).passed(nothing)
    assert heard.shares[:2] == (0.0, 0.0)
    assert heard.target.sdr_after == -np.inf
    assert not heard.target_first


def test_shares_are_those_of_the_effective_filter(
    engine_16k: L2I, mixture: Analysis, stems: Stems
) -> None:
    """Half of every magnitude: a quarter of every stem's energy, and the sound's shape as it was."""
    x = mixture.spectrogram.log_magnitude
    half = spectra.compress(0.5 * spectra.magnitude(x))
    heard = stems.following(1).passed(half)
    assert heard.shares[:2] == pytest.approx((0.25, 0.25), abs=1e-4)
    assert heard.target.sdr_gain == pytest.approx(0, abs=0.05), "SI-SDR ignores gain"


def test_the_level_of_the_scene_changes_nothing(engine_16k: L2I, sounds: list[np.ndarray]) -> None:
    rows = []
    for gain in (1.0, 0.125):
        scene = {"dog": gain * sounds[0], "background": gain * sounds[1]}
        analysis = engine_16k.analyse(sum(scene.values()), RATE)
        rows.append(truth.check(engine_16k, analysis, ["dog"], scene, ALONE))
    for one, other in zip(*rows, strict=True):
        for name, value in one.items():
            assert other[name] == pytest.approx(value, abs=0.02), name


@pytest.mark.parametrize("domain", masking.MASK_DOMAINS)
def test_the_ideal_mask_of_disjoint_stems_keeps_the_target(engine_16k: L2I, domain: str) -> None:
    """Two tones, and a W of which each column holds one of them."""
    t = np.arange(RATE) / RATE
    low, high = (0.3 * np.sin(2 * np.pi * f * t).astype(np.float32) for f in (500, 4000))
    patterns = torch.zeros_like(engine_16k.dictionary.patterns)
    edge = patterns.shape[0] // 4
    patterns[:edge, 0] = 1.0
    patterns[edge:, 1] = 1.0
    patterns /= patterns.norm(dim=0).clamp_min(1e-9)
    engine = L2I(dataclasses.replace(engine_16k.bundle, dictionary=Dictionary(patterns)))
    analysis = engine.analyse(low + high, RATE)
    stems = gather(engine, analysis, [low, high])
    activations = truth.project(stems)
    for own in (0, 1):
        kept = truth.ideal(stems.following(own), activations, domain)
        heard = stems.following(own).passed(kept)
        assert heard.target.share > 0.95
        assert heard.interferer < 0.01
        assert heard.target.sdr_gain > 15


def test_ideal_masks_of_all_stems_share_the_whole(
    engine_16k: L2I, mixture: Analysis, stems: Stems
) -> None:
    x = mixture.spectrogram.log_magnitude
    activations = truth.project(stems)
    parts = [truth.ideal(stems.following(own), activations) for own in range(3)]
    covered = (sum(parts) - x).abs() < 1e-4 * x.max()
    empty = sum(parts) == 0  # W holds nothing there
    assert (covered | empty).all()


def test_checks_name_every_system_and_repeat(
    engine_16k: L2I, mixture: Analysis, stems: Stems
) -> None:
    scene = {"dog": stems.sounds[0], "rain": stems.sounds[1], "background": stems.sounds[2]}
    rows = truth.check(engine_16k, mixture, ["dog", "rain"], scene, Settings())
    assert len(rows) == 2 * 2 * 2 * 3  # classes, domains, τ, systems
    assert tuple(row["system"] for row in rows[:3]) == truth.SYSTEMS
    alone = truth.check(engine_16k, mixture, ["dog"], scene, ALONE)
    assert [r for r in rows if r in alone] == alone, "whatever else is measured, and every time"
    made = engine_16k.interpret(mixture, "dog", 0.1)
    heard = stems.into(made)
    own = alone[0]
    assert own["components"] == len(made.selected)
    assert own["target_passed"] == heard.target.share
    assert own["interferer_passed"] == heard.interferer
    assert own["target_first"] == float(heard.target_first)
    assert own["si_sdr_gain"] == pytest.approx(own["si_sdr"] - heard.target.sdr_before)
    assert own["decided"] == (mixture.predicted == engine_16k.class_index("dog"))


def test_random_holds_other_components_in_both_domains(
    engine_16k: L2I, mixture: Analysis, stems: Stems, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[Sequence[int]]] = []
    real = Stems.by_components

    def spied(self: Stems, chosen: Sequence[int], domain: str) -> Passed:
        drawn[-1].append(chosen)
        return real(self, chosen, domain)

    monkeypatch.setattr(Stems, "by_components", spied)
    for domain in masking.MASK_DOMAINS:
        drawn.append([])
        made = engine_16k.interpret(mixture, "dog", 0.3, domain)
        assert len(truth.by_chance(stems, made, 3, (0,))) == 3
    one, other = drawn
    assert one == other
    assert len(one) == 3
    assert not any(set(sets) & set(made.selected) for sets in one)


def test_bad_stems_are_one_sentence(engine_16k: L2I, mixture: Analysis, stems: Stems) -> None:
    dog, rain, silence = stems.sounds
    with pytest.raises(ValueError, match="stem 2 has 31999 samples, the mixture 32000; give stems"):
        gather(engine_16k, mixture, [dog, rain[:-1]])
    with pytest.raises(ValueError, match="stem 3, the target's, is silent"):
        stems.following(2).passed(mixture.spectrogram.log_magnitude)
    scene = {"dog": dog, "cat": rain, "background": silence}
    with pytest.raises(ValueError, match="has no stem of 'rooster'; it has: dog, cat, background"):
        truth.check(engine_16k, mixture, ["rooster"], scene, ALONE)
    with pytest.raises(ValueError, match="unknown class 'cat'"):
        truth.check(engine_16k, mixture, ["cat"], scene, ALONE)


def test_what_passed_counts_the_other_stems() -> None:
    nan = float("nan")
    target, *others = (Part(share, -3.0, 1.0, 0.0) for share in (0.5, 0.2, nan, 0.4))
    heard = Passed(target, tuple(others))
    assert heard.shares[:2] == (0.5, 0.2)
    assert (heard.interferer, heard.target_first) == (0.4, True)
    assert heard.target.sdr_gain == 4.0
    alone = Passed(Part(0.0, 0.0, -np.inf, nan), ())
    assert alone.interferer == 0
    assert not alone.target_first


def test_summaries_tell_right_decisions_from_all() -> None:
    def row(decided: int, passed: float, gain: float) -> Row:
        return {
            "decided": decided,
            "target_passed": passed,
            "interferer_passed": 0.1,
            "target_first": float(passed > 0.1),
            "si_sdr": gain - 3,
            "si_sdr_gain": gain,
            "components": 4,
        }

    rows = [row(1, 0.5, 2.0), row(1, 0.3, 1.0), row(0, 0.0, -np.inf)]
    made = truth.summarise(rows)
    assert made["right"] == {
        "n": 2,
        "target_first": 1.0,
        "target_passed": 0.4,
        "interferer_passed": 0.1,
        "si_sdr": -1.5,
        "si_sdr_gain": 1.5,
        "components": 4.0,
    }
    assert made["all"]["target_first"] == pytest.approx(2 / 3)
    assert made["all"]["si_sdr_gain"] == 1.0, "silence counts as the least"
    assert truth.summarise(rows[2:])["all"]["si_sdr"] is None
    assert truth.summarise(rows[2:])["right"] is None
    assert truth.summarise([]) == {"all": None, "right": None}
