"""Do explanations depend on f? Classifiers and explainers whose answer is known."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from l2i_core import L2I
from l2i_core.bundle import Bundle
from l2i_core.classifiers import wrap, wrap_function
from l2i_core.classifiers.protocol import SoundClassifier, checked, module_of
from l2i_core.classifiers.randomised import Randomiser
from l2i_core.data.clips import Clip
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.measure import randomisation
from l2i_core.measure.metrics import spearman, structural_similarity
from l2i_core.measure.randomisation import (
    STUDY,
    Settings,
    clip_rows,
    counts,
    with_classifier,
)

RATE, BANDS, WIDTH = 16000, 16, 32  # STFT bins a band

LOUDEST = """
from l2i_core.explainers.protocol import EXPLAINERS, Explainer

@EXPLAINERS.add("loudest")
class Loudest(Explainer):
    title, description = "Loudest", "Whatever f says."

    def relevance(self, analysis, target, ask):
        return analysis.pooled / analysis.pooled.max()
"""


class Linear(nn.Module):
    """Logits linear in the power of each band."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(BANDS, 2)
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(7)
            self.linear.weight.normal_()

    def forward(self, waveforms: Tensor) -> Tensor:
        power = torch.fft.rfft(waveforms).abs().square() / waveforms.shape[1] ** 2
        bins = torch.fft.rfftfreq(waveforms.shape[1], 1 / RATE) / (RATE / 1024)
        edges = [(WIDTH * k, WIDTH * (k + 1)) for k in range(BANDS)]
        bands = [power[:, (bins >= low) & (bins < high)].sum(1) for low, high in edges]
        return self.linear(1000 * torch.stack(bands, 1))


class Deep(nn.Module):
    """Registered from the bottom up but for its head; one submodule is never called, one is alone
    with its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 2)
        self.first, self.norm = nn.Conv1d(1, 6, 16, 8), nn.BatchNorm1d(6)
        self.scale = nn.Parameter(torch.arange(1.0, 7.0))
        self.second = nn.Conv1d(6, 6, 3)

    def forward(self, waveforms: Tensor) -> Tensor:
        x = self.norm(self.first(waveforms[:, None])).relu() * self.scale[:, None]
        return self.head(self.second(x).relu().mean(2))


def _noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)


def _bundle(engine: L2I, f: SoundClassifier) -> Bundle:
    patterns = torch.zeros(513, BANDS)
    for k in range(BANDS):
        patterns[WIDTH * k : WIDTH * (k + 1), k] = WIDTH**-0.5
    return replace(engine.bundle.explaining(f), dictionary=Dictionary(patterns))


def _linear() -> SoundClassifier:
    return wrap(Linear(), sample_rate=RATE, classes=["up", "down"])


def _state(f: SoundClassifier) -> dict[str, Tensor]:
    module = module_of(f)
    assert module is not None
    return {name: value.clone() for name, value in module.state_dict().items()}


def _same(one: dict[str, Tensor], other: dict[str, Tensor]) -> set[str]:
    return {name for name in one if torch.equal(one[name], other[name])}


@pytest.fixture
def loudest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "explainers").mkdir()
    (tmp_path / "explainers" / "loudest.py").write_text(LOUDEST)
    monkeypatch.setenv("L2I_PLUGINS", str(tmp_path))
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    return "loudest"


def test_what_reads_f_changes_with_it_and_f_stays(engine_16k: L2I) -> None:
    f = _linear()
    before = _state(f)
    rows = clip_rows(L2I(_bundle(engine_16k, f), "gradient"), _noise(), Settings(seeds=8))
    assert _same(before, _state(f)) == set(before), "f itself is never drawn anew"
    assert {row["layers"] for row in rows} == {row["all_layers"] for row in rows} == {1}
    assert {row["down_to"] for row in rows} == {"linear"}
    found = [row["spearman"] for row in rows]
    assert max(found) < 0.9, found
    assert len(set(found)) == len(found), "each seed is another f"
    # ρ of independent orders has mean 0 and variance 1 / (n − 1).
    assert abs(np.mean(found)) < 3 / np.sqrt(8 * (rows[0]["active"] - 1))
    assert all(row["ssim"] < 0.99 for row in rows)


def test_what_ignores_f_is_found_out(engine_16k: L2I, loudest: str) -> None:
    engine = L2I(_bundle(engine_16k, _linear()), loudest)
    rows = clip_rows(engine, _noise(), Settings(seeds=2))
    assert [row["spearman"] for row in rows] == pytest.approx([1.0] * 2)
    assert [row["ssim"] for row in rows] == pytest.approx([1.0] * 2)
    named = [{"clip": "noise", **row} for row in rows]
    block = STUDY.summarise(named)
    assert block["passed"] is False
    low = STUDY.summarise([row | {"spearman": 0.2} for row in named])
    assert low["passed"] is True
    constant = STUDY.summarise([row | {"spearman": float("nan")} for row in named])
    assert constant["passed"] is None
    assert constant["levels"][-1]["undefined"] == 2


def test_a_trained_interpreter_keeps_its_own_weights(engine_16k: L2I) -> None:
    """Its maps come from the random f; θ, which is its own, stays."""
    psi_theta = engine_16k.bundle.interpreters["att"]
    trained = {name: value.clone() for name, value in psi_theta.state_dict().items()}
    true = _state(engine_16k.classifier)
    rows = clip_rows(engine_16k, _noise(), Settings(seeds=1, steps=3))
    assert [row["layers"] for row in rows] == [1, 8, 14]
    assert rows[0]["spearman"] == pytest.approx(1.0), "the maps lie below f's last layer"
    random = Randomiser(engine_16k.classifier).drawn(14, 0)
    other = with_classifier(engine_16k, random, engine_16k.dictionary.patterns)
    one, again = (e.analyse(_noise(), RATE) for e in (engine_16k, other))
    assert float((one.activations - again.activations).norm()) > 0.01 * float(
        one.activations.norm()
    )
    torch.testing.assert_close(other.class_weights, engine_16k.class_weights, rtol=0, atol=0)
    assert _same(trained, psi_theta.state_dict()) == set(trained)
    assert _same(true, _state(engine_16k.classifier)) == set(true)


def test_rows_come_again(engine_16k: L2I) -> None:
    engine = L2I(_bundle(engine_16k, _linear()), "gradient")
    state = torch.random.get_rng_state()
    first = clip_rows(engine, _noise(), Settings(seeds=2))
    assert torch.equal(state, torch.random.get_rng_state()), "nobody else's draws change"
    torch.manual_seed(5)
    assert clip_rows(engine, _noise(), Settings(seeds=2)) == first


def test_layers_go_from_the_top_down_as_a_pass_reaches_them() -> None:
    f = wrap(Deep(), sample_rate=RATE, classes=["a", "b"])
    random = Randomiser(f)
    assert random.layers == (("head",), ("second",), ("first", "norm"), ("",))
    true, drawn = _state(f), [_state(random.drawn(count, 0)) for count in range(1, 5)]
    assert _same(true, drawn[0]) == set(true) - {"head.weight", "head.bias"}
    assert _same(drawn[0], drawn[1]) == set(true) - {"second.weight", "second.bias"}
    assert _same(true, drawn[3]) <= {"norm.num_batches_tracked", "norm.weight", "norm.bias"}
    assert sorted(drawn[3]["scale"].tolist()) == true["scale"].tolist(), "no reset: a permutation"
    for name in ("head.weight", "first.weight", "second.bias"):
        power = [state[name].square().mean() for state in (true, drawn[3])]
        torch.testing.assert_close(power[0], power[1])
        torch.testing.assert_close(_state(random.drawn(4, 0))[name], drawn[3][name], rtol=0, atol=0)
        assert not torch.equal(_state(random.drawn(4, 1))[name], drawn[3][name])


def test_a_deep_random_f_still_answers_sounds_differently(engine_16k: L2I) -> None:
    """Else nothing would be left to explain, and every explainer would pass."""
    f, n = engine_16k.classifier, 4 * RATE
    tone, noise = np.sin(np.arange(n) / 9), np.random.default_rng(1).uniform(-0.5, 0.5, n)
    sounds = torch.from_numpy(np.stack([tone, noise])).float()
    made = Randomiser(f).drawn(14, 3)
    with torch.no_grad():
        true, random = (g.hear(sounds).logits for g in (f, made))
    assert float((random[0] - random[1]).abs().mean()) > 0.01 * float(true.abs().mean())


def test_black_boxes_and_f_without_weights_are_one_sentence(engine_16k: L2I) -> None:
    box = wrap_function(lambda x: np.zeros((len(x), 2)), sample_rate=RATE, classes=["a", "b"])
    with pytest.raises(
        ValueError, match=r"is a black box: its weights are not here, so they .*\.$"
    ):
        clip_rows(L2I(_bundle(engine_16k, box), "surrogate"), _noise(), Settings())

    class Level(nn.Module):
        def forward(self, waveforms: Tensor) -> Tensor:
            level = waveforms.square().mean(1, keepdim=True).add(1e-6).log()
            return torch.cat([level, -level], 1)

    with pytest.raises(ValueError, match=r"^Level has no weights that could be drawn anew\.$"):
        Randomiser(wrap(Level(), sample_rate=RATE, classes=["a", "b"]))

    class Locked(Linear):
        def __deepcopy__(self, memo: object) -> Linear:
            raise TypeError("a handle of another library")

    with pytest.raises(ValueError, match="cannot be copied .*a handle of another library"):
        Randomiser(wrap(Locked(), sample_rate=RATE, classes=["a", "b"]))


def test_a_strangers_class_gives_its_module() -> None:
    class Own:
        sample_rate, classes = RATE, ("a", "b")

        def __init__(self) -> None:
            self.inner = Linear()

        def logits(self, waveforms: Tensor) -> Tensor:
            return self.inner(waveforms)

    f = checked(Own())
    (linear,) = Randomiser(f).layers
    assert linear == ("linear",)
    drawn = Randomiser(f).drawn(1, 0)
    sounds = torch.from_numpy(_noise())[None]
    with torch.no_grad():
        assert not torch.equal(f.hear(sounds).logits, drawn.hear(sounds).logits)


def test_a_clip_that_cannot_be_measured_is_told(engine_16k: L2I, tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_bytes(b"no sound")
    clips = [Clip("no", "a", 1, "no", tmp_path / "no.wav")]
    (row,) = STUDY.measure(engine_16k, clips, (0,), Settings())
    assert row["error"].startswith("no: no.wav")
    with pytest.raises(ValueError, match="no clip of the test set could be measured"):
        STUDY.summarise([row])


@pytest.mark.parametrize(
    ("layers", "steps", "wanted"),
    [(14, 4, [1, 5, 10, 14]), (3, 6, [1, 2, 3]), (1, 4, [1]), (14, 1, [14]), (14, 2, [1, 14])],
)
def test_counts_end_with_all(layers: int, steps: int, wanted: list[int]) -> None:
    assert counts(layers, steps) == wanted


def test_rank_agreement() -> None:
    r = torch.tensor([0.1, 0.5, 0.2, 1.0])
    assert spearman(r, r.exp()) == pytest.approx(1.0)
    assert spearman(r, -r) == pytest.approx(-1.0)
    # One pair of neighbours swapped: 1 − 6 Σ d² / (n (n² − 1)) = 1 − 12 / 60.
    assert spearman(r, torch.tensor([0.2, 0.5, 0.1, 1.0])) == pytest.approx(0.8)
    for other in (torch.zeros(4), torch.ones(4)):
        assert np.isnan(spearman(r, other))
    assert np.isnan(spearman(r[:1], r[:1]))


# scikit-image 0.26, structural_similarity(a, b, gaussian_weights=True, sigma=1.5,
# use_sample_covariance=False, data_range=1.0), which follows Wang et al. (2004).
SSIM = {
    "mirrored": 0.6019000464686568,
    "squared": 0.7402007382503258,
    "inverse": -0.6928646676641993,
    "half": 0.6481135238201221,
}


@pytest.mark.parametrize("name", SSIM)
def test_ssim_is_the_published_one(name: str) -> None:
    f, t = np.mgrid[0:40, 0:60]
    a = 0.5 + 0.5 * np.sin(f / 3.0) * np.cos(t / 5.0)
    b = {"mirrored": a[:, ::-1], "squared": a**2, "inverse": 1 - a, "half": a / 2}[name]
    assert structural_similarity(a, b) == pytest.approx(SSIM[name], abs=1e-9)
    assert structural_similarity(b, a) == pytest.approx(SSIM[name], abs=1e-9)
    assert structural_similarity(a, a) == structural_similarity(b, b) == pytest.approx(1.0)


def test_ssim_of_constants_and_bad_shapes() -> None:
    low, high = np.full((20, 20), 0.2), np.full((20, 20), 0.6)
    wanted = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert structural_similarity(low, high) == pytest.approx(wanted)
    for bad in (np.zeros((20, 21)), np.zeros((10, 20))):
        with pytest.raises(ValueError, match="SSIM needs two pictures of one shape"):
            structural_similarity(low[: len(bad)], bad)


def test_the_goal_is_the_issues() -> None:
    assert randomisation.GOAL == 0.2
