"""The fewest components: no smaller prefix suffices, and the count is brute force's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from l2i_core import L2I
from l2i_core.__main__ import main
from l2i_core.bundle import Bundle
from l2i_core.classifiers.protocol import checked
from l2i_core.dictionary import masking
from l2i_core.explainers.explained import Analysis
from l2i_core.measure.fewest import Fewest, fewest, interpreted, none_suffice
from l2i_core.signal import audio
from pages.show.choice import Choice

RATE = 16000
EDGES = (0, 64, 128, 192, 256, 320)
FREQUENCIES = (300, 1300, 2300, 3300, 4300, 5500)  # a tone in each of the six bands


class Counting:
    """Says "some" where its rule holds of which of the six tones it hears."""

    sample_rate, classes, differentiable = RATE, ("some", "other"), True

    def __init__(self, sufficient: set[int], several: bool = False) -> None:
        self.sufficient, self.multi_label = sufficient, several

    def logits(self, waveforms: Tensor) -> Tensor:
        power = torch.fft.rfft(waveforms).abs().square() / waveforms.shape[1] ** 2
        hertz = torch.fft.rfftfreq(waveforms.shape[1], 1 / RATE)
        bands = [power[:, (hertz - f).abs() < 60].sum(1) > 1e-5 for f in FREQUENCIES]
        heard = torch.stack(bands).sum(0)
        says = torch.tensor([[float(int(n) in self.sufficient)] for n in heard])
        return torch.cat([says - 0.5, torch.full_like(says, 0.0)], 1)


class Sure:
    """f's relevance where it is known: `relevance` gives r, whatever the clip."""

    def __init__(self, r: list[float]) -> None:
        self.r = torch.tensor(r)

    def __call__(self, analysis: Analysis, index: int, **_: object) -> Tensor:
        return self.r


def _made(base: Bundle, f: Counting, r: list[float]) -> tuple[L2I, Analysis]:
    """An engine on f with a band for each tone, whose relevances are r, and a clip of all tones."""
    patterns = torch.zeros(513, len(EDGES))
    for k, edge in enumerate(EDGES):
        patterns[edge : edge + 64, k] = 0.125
    bundle = base.explaining(checked(f))
    bundle = replace(bundle, dictionary=replace(bundle.dictionary, patterns=patterns))
    engine = L2I(bundle, "gradient")
    engine.relevance = Sure(r)  # type: ignore[method-assign]
    seconds = np.arange(RATE) / RATE
    clip = sum(0.1 * np.sin(2 * np.pi * f * seconds) for f in FREQUENCIES)
    return engine, engine.analyse(np.asarray(clip, dtype=np.float32), RATE)


def _by_force(engine: L2I, analysis: Analysis, target: int) -> list[int]:
    """All counts of the most relevant components with which f says the class, one at a time."""
    relevance = engine.relevance(analysis, target)
    order, k = masking.select(relevance, 0.0), len(relevance)
    said = []
    for count in range(len(order) + 1):
        made = engine.interpret(analysis, target, gains=masking.gains_of(order[:count], k).tolist())
        if target in engine.decided(engine.judge(analysis, made).logits_interpretation):
            said.append(count)
    return said


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    ("sufficient", "expected"),
    [({3, 4, 5, 6}, 3), ({2, 6}, 2), ({4}, 4), ({0, 6}, 0), ({6}, 6)],
)
def test_no_smaller_number_suffices(
    engine_16k: L2I, sufficient: set[int], expected: int, several: bool
) -> None:
    """Not monotone: with {2, 6} or {4} what lies above the answer does not suffice."""
    r = [0.5, 1.0, 0.3, 0.9, 0.1, 0.7]
    engine, analysis = _made(engine_16k.bundle, Counting(sufficient, several), r)
    found = fewest(engine, analysis, "some")
    assert found is not None
    assert found.components == tuple(masking.select(torch.tensor(r), 0.0)[:expected])
    assert len(found.components) == min(_by_force(engine, analysis, 0)) == expected
    if expected:
        by_tau = masking.select(torch.tensor(r), found.threshold)
        assert tuple(by_tau) == found.components


def test_only_what_speaks_for_the_class_counts(engine_16k: L2I) -> None:
    r = [0.5, 1.0, -0.3, 0.0, 0.0, 0.7]
    engine, analysis = _made(engine_16k.bundle, Counting({4, 5, 6}), r)
    assert fewest(engine, analysis, "some") is None
    assert "no number of the 3 components that speak for it" in none_suffice(engine, analysis, 0)
    with pytest.raises(ValueError, match="is not enough"):
        interpreted(engine, analysis, "some")
    engine.relevance = Sure([0.0] * 6)  # type: ignore[method-assign]
    assert "no component speaks for “some”" in none_suffice(engine, analysis, 0)


def test_a_network_agrees_with_brute_force(engine_16k: L2I, dog: np.ndarray) -> None:
    engine, analysis = engine_16k, engine_16k.analyse(dog, 44100)
    for index in range(len(engine.classes)):
        counts = _by_force(engine, analysis, index)
        found = fewest(engine, analysis, index)
        assert (found is None) == (not counts)
        if found is not None:
            assert len(found.components) == counts[0]
            made = interpreted(engine, analysis, index)
            assert made.selected == found.components
            assert made.threshold == found.threshold


def test_progress_is_told(engine_16k: L2I, dog: np.ndarray) -> None:
    engine, analysis = engine_16k, engine_16k.analyse(dog, 44100)
    told: list[tuple[int, int]] = []
    index = next(
        (c for c in range(len(engine.classes)) if fewest(engine, analysis, c) is None), None
    )
    assert index is not None  # a class that f never says: all numbers are tried
    fewest(engine, analysis, index, tell=lambda done, total: told.append((done, total)))
    assert told
    assert told[-1][0] == told[-1][1]
    assert told == sorted(told)


# --- As a choice of τ and components ----------------------------------------------------------


def test_a_choice_selects_just_what_it_is_asked_for() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        relevance = torch.from_numpy(generator.choice([0.2, 0.204, 0.5, 1.0, -0.1, 0.0], 9)).float()
        order = masking.select(relevance, 0.0)
        for count in range(len(order) + 1):
            choice = Choice.of(relevance, order[:count], "log")
            gains = choice.gains(relevance)
            selected = relevance.numpy() > choice.tau if gains is None else gains > 0
            assert set(np.flatnonzero(selected)) == set(order[:count])
    spread = torch.tensor([0.9, 0.5, 0.2])
    assert not Choice.of(spread, [0, 1], "log").overrides  # where a τ does it, τ alone


# --- On the command line ----------------------------------------------------------------------


def test_interpret_fewest(
    engine: L2I, bundle_folder: Path, tmp_path: Path, dog: np.ndarray, capsys: pytest.CaptureFixture
) -> None:
    import json

    clip = tmp_path / "dog.wav"
    audio.write(clip, torch.from_numpy(dog), 44100)
    analysis = engine.analyse(*audio.read(clip))
    found: Fewest | None = fewest(engine, analysis, analysis.predicted)
    command = ["interpret", str(clip), "--bundle", str(bundle_folder), "--interpreter", "att"]
    code = main([*command, "--fewest", "--json"])
    out = capsys.readouterr()
    if found is None:
        assert code == 2
        assert "is not enough" in out.err
    else:
        assert code == 0
        report = json.loads(out.out)
        assert tuple(report["selected"]) == found.components
        assert report["threshold"] == pytest.approx(found.threshold)
