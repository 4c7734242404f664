"""Explainers without training: classifiers whose right relevances are known, and their laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from l2i_core import L2I
from l2i_core.bundle import Bundle
from l2i_core.classifiers import wrap_function
from l2i_core.classifiers.protocol import checked
from l2i_core.explainers import search
from l2i_core.explainers.gradient import Gradient, attributions
from l2i_core.explainers.protocol import EXPLAINERS, Explainer

RATE = 16000
EDGES = (0, 64, 128, 256, 320, 420)  # bins of 100 each: one low, one high and some other bands
EVERY = sorted(EXPLAINERS)


class Bands:
    """Two detectors: the energy below 1 kHz, and that above 4 kHz."""

    sample_rate, classes, differentiable = RATE, ("low", "high"), True

    def logits(self, waveforms: Tensor) -> Tensor:
        power = 500 * torch.fft.rfft(waveforms).abs().square() / waveforms.shape[1] ** 2
        hertz = torch.fft.rfftfreq(waveforms.shape[1], 1 / RATE)
        return torch.stack([power[:, hertz < 1000].sum(1), power[:, hertz > 4000].sum(1)], 1)


class Weighted:
    """Linear in the power of each of the dictionary's bands: one for, one against, one without."""

    sample_rate, classes, differentiable = RATE, ("up", "down"), True

    def logits(self, waveforms: Tensor) -> Tensor:
        power = torch.fft.rfft(waveforms).abs().square() / waveforms.shape[1] ** 2
        bins = torch.fft.rfftfreq(waveforms.shape[1], 1 / RATE) / (RATE / 1024)
        first, second = (
            power[:, (bins > low) & (bins < low + 90)].sum(1) for low in (EDGES[1], EDGES[4])
        )
        return torch.stack([2000 * (first - second), 2000 * (second - first)], 1)


def _tone(*hertz: float) -> np.ndarray:
    seconds = np.arange(RATE) / RATE
    return sum(0.2 * np.sin(2 * np.pi * f * seconds) for f in hertz).astype(np.float32)


def _clip() -> np.ndarray:
    """A low tone and a high hiss, one after the other and a while at once: what is always together
    no W of the clip alone could tell apart."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(RATE))
    spectrum[: len(spectrum) * 5 // 8] = 0  # above 5 kHz
    hiss = np.fft.irfft(spectrum)
    hiss *= 0.6 / np.abs(hiss).max()
    hiss[: RATE // 3] = 0
    tone = 1.5 * _tone(440)
    tone[RATE * 2 // 3 :] = 0
    return (tone + hiss).astype(np.float32)


def _bundle(engine: L2I, f: object) -> Bundle:
    patterns = torch.zeros(513, len(EDGES))
    for k, edge in enumerate(EDGES):
        patterns[edge : edge + 100, k] = 0.1
    bundle = engine.bundle.explaining(checked(f))
    return replace(bundle, dictionary=replace(bundle.dictionary, patterns=patterns))


@pytest.fixture(scope="module")
def bands(engine_16k: L2I) -> Bundle:
    return _bundle(engine_16k, Bands())


@pytest.fixture(scope="module")
def engine(bands: Bundle) -> L2I:
    return L2I(bands, "gradient")


def test_attributions_are_complete(engine: L2I) -> None:
    a = engine.analyse(_clip(), RATE)
    ask = engine.ask(a)
    for c in (0, 1):
        total = float(attributions(a, c, ask, 200).sum())
        whole = ask.kept(torch.ones(1, len(EDGES)))[0, c] - ask.silence[c]
        assert total == pytest.approx(float(whole), rel=0.02)


@pytest.mark.parametrize("dictionary", ["bundle", "clip"])
@pytest.mark.parametrize(("target", "low"), [("low", True), ("high", False)])
@pytest.mark.parametrize("name", EVERY)
def test_the_right_band_is_kept(
    bands: Bundle, name: str, target: str, low: bool, dictionary: str
) -> None:
    engine = L2I(bands.with_dictionary(dictionary), name)
    a = engine.analyse(_clip(), RATE)
    made = engine.interpret(a, target, 0.5)
    power = np.abs(np.fft.rfft(made.audio.numpy())) ** 2
    hertz = np.fft.rfftfreq(len(made.audio), 1 / RATE)
    below, above = power[hertz < 1000].sum(), power[hertz > 4000].sum()
    right, wrong = (below, above) if low else (above, below)
    assert right > 0
    assert 10 * np.log10(right / max(wrong, 1e-20)) > 15


@pytest.mark.parametrize("name", EVERY)
def test_known_relevances_are_found(engine_16k: L2I, name: str) -> None:
    engine = L2I(_bundle(engine_16k, Weighted()), name)
    centres = [(edge + 50) * RATE / 1024 for edge in EDGES]
    a = engine.analyse(_tone(centres[1], centres[4], centres[0]), RATE)
    up, down = (engine.relevance(a, target) for target in ("up", "down"))
    assert int(up.argmax()) == 1
    assert int(down.argmax()) == 4
    assert float(up[4]) < 0.1 * float(up[1])
    assert float(down[1]) < 0.1 * float(down[4])
    if name != "search":  # a gain is no sum's share: what does nothing is only not kept
        assert abs(float(up[0])) < 0.1
        assert float(up[4]) == pytest.approx(-float(up[1]), rel=0.2)


@pytest.mark.parametrize("name", EVERY)
def test_relevances_are_kept_with_the_clip(bands: Bundle, name: str) -> None:
    engine = L2I(bands, name)
    a = engine.analyse(_clip(), RATE)
    told: list[tuple[int, int]] = []
    first = engine.relevance(a, "low", tell=lambda *progress: told.append(progress))
    assert engine.relevance(a, "low") is first
    assert 0 < float(first.abs().max()) <= 1
    assert torch.equal(engine.relevance(engine.analyse(_clip(), RATE), "low"), first)
    if name != "gradient":
        assert told == sorted(told)
        assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("dictionary", ["bundle", "clip"])
@pytest.mark.parametrize("name", EVERY)
def test_silence_has_no_relevant_component(bands: Bundle, name: str, dictionary: str) -> None:
    engine = L2I(bands.with_dictionary(dictionary), name)
    a = engine.analyse(np.zeros(RATE, np.float32), RATE)
    assert not engine.relevance(a, "low").any()
    assert engine.interpret(a, "low").selected == ()


def test_search_keeps_less_where_energy_and_count_weigh_more(engine: L2I) -> None:
    a = engine.analyse(_clip(), RATE)
    found = [search.searched(a, 0, engine.ask(a), weight, 0.3, 20) for weight in (0.0, 2.0, 50.0)]
    first, second, third = (float(gains @ engine.ask(a).energies()) for gains in found)
    assert first > second > third
    few = search.searched(a, 0, engine.ask(a), 0.0, 200.0, 20)
    assert not (few > 0.5).any()


def test_settings_are_written_behind_the_name(bands: Bundle) -> None:
    found = bands.explainer("search:energy=2.5,steps=7")
    assert isinstance(found, search.Search)
    assert (found.energy, found.count, found.steps) == (2.5, 0.3, 7)
    assert bands.explainer("search:energy=1e-3").energy == 0.001  # type: ignore[attr-defined]
    few, many = (L2I(bands, f"gradient:midpoints={n}") for n in (1, 40))
    a = few.analyse(_clip(), RATE)
    assert not torch.equal(few.relevance(a, "low"), many.relevance(a, "low"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("search:energy=-1", "energy must be at least 0"),
        ("search:steps=0", "steps must be at least 1"),
        ("surrogate:samples=1", "samples must be at least 2"),
        ("search:speed=1", "search has no setting 'speed'; it has: energy, count, steps"),
        ("search:energy=nan", "'energy=nan' of 'search:energy=nan' is no setting"),
        ("search:energy", "'energy' of 'search:energy' is no setting; write NAME=NUMBER"),
        ("sarch:energy=1", "has no interpreter 'sarch:energy=1'; it has: gradient"),
    ],
)
def test_settings_are_refused(bands: Bundle, given: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        L2I(bands, given)


def test_a_black_box_gets_no_gradient(engine_16k: L2I) -> None:
    def scores(waveforms: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(waveforms)) ** 2
        return np.stack([power[:, :1000].sum(1), power[:, 4000:].sum(1)], 1) / 1e5

    f = wrap_function(scores, sample_rate=RATE, classes=("low", "high"))
    bundle = engine_16k.bundle.explaining(f)
    assert set(bundle.explainers()) == {"surrogate"}
    for name in ("gradient", "search"):
        with pytest.raises(ValueError, match="needs f's gradient, and this classifier gives none"):
            L2I(bundle, name)


class _Counting(Explainer):
    """Relevance by what was asked: nothing here may build a graph without being told to."""

    def relevance(self, analysis, target, ask):  # type: ignore[no-untyped-def]
        assert not ask.kept(torch.ones(1, len(analysis.activations))).requires_grad
        return torch.zeros(len(analysis.activations))


def test_gradients_flow_only_through_gains(engine: L2I) -> None:
    a = engine.analyse(_clip(), RATE)
    _Counting().relevance(a, 0, engine.ask(a))
    before = [p.requires_grad for p in engine.hearing.__dict__.values() if isinstance(p, Tensor)]
    Gradient().relevance(a, 0, engine.ask(a))
    assert before == [
        p.requires_grad for p in engine.hearing.__dict__.values() if isinstance(p, Tensor)
    ]
