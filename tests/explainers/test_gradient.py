"""Integrated gradients over component gains: completeness, and a case whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from l2i_core import L2I
from l2i_core.classifiers.protocol import checked
from l2i_core.explainers.gradient import attributions

RATE = 16000


class Bands:
    """Two detectors: the energy below 1 kHz, and that above 4 kHz."""

    sample_rate, classes, differentiable = RATE, ("low", "high"), True

    def logits(self, waveforms: Tensor) -> Tensor:
        power = torch.fft.rfft(waveforms).abs().square() / waveforms.shape[1] ** 2
        hertz = torch.fft.rfftfreq(waveforms.shape[1], 1 / RATE)
        return torch.stack([power[:, hertz < 1000].sum(1), power[:, hertz > 4000].sum(1)], 1)


def _clip() -> np.ndarray:
    """A low tone and a high hiss, a second of each at once."""
    seconds = np.arange(RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(RATE))
    spectrum[: len(spectrum) * 5 // 8] = 0  # above 5 kHz
    hiss = np.fft.irfft(spectrum)
    return (tone + 0.2 * hiss / np.abs(hiss).max()).astype(np.float32)


@pytest.fixture(scope="module")
def engine(engine_16k: L2I) -> L2I:
    """The detectors with a dictionary of one low, one high and some other bands."""
    bundle = engine_16k.bundle.explaining(checked(Bands()))
    patterns = torch.zeros(513, 6)
    for k, edge in enumerate((0, 64, 128, 256, 320, 420)):
        patterns[edge : edge + 100, k] = 0.1
    return L2I(replace(bundle, dictionary=replace(bundle.dictionary, patterns=patterns)))


def test_attributions_are_complete(engine: L2I) -> None:
    a = engine.analyse(_clip(), RATE)
    ask = engine.ask(a)
    for c in (0, 1):
        total = float(attributions(a, c, ask, 200).sum())
        whole = ask.kept(torch.ones(1, 6))[0, c] - ask.silence[c]
        assert total == pytest.approx(float(whole), rel=0.02)


@pytest.mark.parametrize(("target", "low"), [("low", True), ("high", False)])
def test_the_right_band_is_kept(engine: L2I, target: str, low: bool) -> None:
    a = engine.analyse(_clip(), RATE)
    made = engine.interpret(a, target, 0.3)
    power = np.abs(np.fft.rfft(made.audio.numpy())) ** 2
    hertz = np.fft.rfftfreq(len(made.audio), 1 / RATE)
    below, above = power[hertz < 1000].sum(), power[hertz > 4000].sum()
    right, wrong = (below, above) if low else (above, below)
    assert 10 * np.log10(right / max(wrong, 1e-20)) > 15


def test_relevances_are_kept_with_the_clip(engine: L2I) -> None:
    a = engine.analyse(_clip(), RATE)
    first = engine.relevance(a, "low")
    assert engine.relevance(a, "low") is first
    assert float(first.abs().max()) == pytest.approx(1.0)
    assert torch.equal(engine.relevance(engine.analyse(_clip(), RATE), "low"), first)


def test_silence_has_no_relevant_component(engine: L2I) -> None:
    a = engine.analyse(np.zeros(RATE, np.float32), RATE)
    assert not engine.relevance(a, "low").any()
    assert engine.interpret(a, "low").selected == ()
