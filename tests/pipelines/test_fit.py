"""`fit`: W and interpreters from recordings and another model's answers, whole, killed, refused."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from killing import count, kill, same
from safetensors.torch import load_file
from small_fit import make_small

from l2i_core.__main__ import main
from l2i_core.bundle import load_bundle
from l2i_core.data import synth
from l2i_core.dictionary.nmf import OnlineNmf
from l2i_core.engine import L2I
from pipelines import fit, learn_dictionary
from pipelines.optimizers import Optimizers

Fit = Callable[..., int]
MODEL = '''
import torch
from torch import nn

from l2i_core.classifiers import wrap, wrap_function


class Bands(nn.Module):
    """Low or high? Two convolutions that can be read."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            self.first = nn.Conv1d(1, 8, 256, stride=128)
            self.second = nn.Conv1d(8, 8, 4, stride=2)
            self.out = nn.Linear(8, 2)

    def forward(self, waveforms):
        x = torch.relu(self.second(torch.relu(self.first(waveforms[:, None]))))
        return 50 * self.out(x.mean(2))


LAYERS = ["first", "second"]


def white():
    return wrap(Bands(), sample_rate=8000, classes=["dog", "rain"], layers=LAYERS)


def several():
    return wrap(Bands(), sample_rate=8000, classes=["a", "b"], layers=LAYERS, multi_label=True)


def black():
    def score(waveforms):
        with torch.no_grad():
            return Bands()(torch.from_numpy(waveforms)).numpy()

    return wrap_function(score, sample_rate=8000, classes=["dog", "rain"])


def nan():
    def score(waveforms):  # whole recordings are longer than what a model is probed with
        bad = float("nan") if waveforms.shape == (1, 12345) else 0.0
        return [[bad, 1.0]] * len(waveforms)

    return wrap_function(score, sample_rate=8000, classes=["dog", "rain"])
'''


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The recipe with less of everything, and a desk with a model on it."""
    make_small(monkeypatch, tmp_path / "fit.yaml", seconds=1.5)
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    Path("model.py").write_text(MODEL.replace("SEED", "0"))


@pytest.fixture
def run(two_classes: Path) -> Fit:
    """run("white", "--interpreters", "att", …) → the exit code."""

    def command(name: str, *more: str, audio: Path = two_classes, out: str = "bundles/mine") -> int:
        given = ["fit", "--classifier", f"model.py:{name}", "--audio", str(audio), "--out", out]
        return main([*given, *more])

    return command


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= {f"{path.stem}/{name}": value for name, value in load_file(path).items()}
    return found


def _nothing_left() -> bool:
    return not Path("bundles").exists() or not list(Path("bundles").iterdir())


def test_a_white_box_and_folders_named_as_its_classes(
    run: Fit, two_classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audio = Path(shutil.copytree(two_classes, tmp_path / "audio"))
    (audio / "deep" / "er").mkdir(parents=True)
    long = np.concatenate([synth.clip("rooster", seed, 8000, 1.5) for seed in range(4)])
    soundfile.write(audio / "deep" / "er" / "long.wav", long, 8000)
    soundfile.write(audio / "deep" / "silent.wav", np.zeros(8000), 8000)
    (audio / "deep" / "text.wav").write_text("text")
    assert run("white", "--interpreters", "att-loop,max", audio=audio) == 0
    told = capsys.readouterr().err
    assert "left out: deep/silent.wav: it is silent." in told
    assert "left out: deep/text.wav: text.wav cannot be read" in told

    folder = Path("bundles/mine")
    assert [path.name for path in Path("bundles").iterdir()] == ["mine"]
    assert not (folder / "checkpoints").exists()
    bundle = load_bundle(folder)
    assert list(bundle.interpreters) == ["att", "att-loop", "max"]
    assert bundle.default_interpreter == "max"
    assert bundle.audio.sample_rate == 8000
    assert bundle.dictionary.patterns.shape == (bundle.audio.n_bins, 6)
    engine = L2I(bundle, "att-loop")
    analysis = engine.analyse(synth.clip("dog", 9, 8000, 1.5), 8000)
    assert analysis.interpreter_logits is not None
    assert analysis.activations.max() > 0

    with (folder / "recordings.csv").open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert len(rows) == 13
    assert {name for name, row in rows.items() if row["use"] == "left out"} == {
        "deep/silent.wav",
        "deep/text.wav",
    }
    held_out = {name for name, row in rows.items() if row["use"] == "held out"}
    assert held_out
    assert float(rows["deep/er/long.wav"]["seconds"]) == pytest.approx(6.0)
    summary = bundle.summary()
    assert summary is not None
    assert set(summary) == {"att", "att-loop", "max"}
    assert summary["att"]["accuracy"] is not None
    assert "0.3" in summary["att"]["faithfulness"]
    with (folder / "metrics" / "clips-att.csv").open() as file:
        measured = {row["clip"].split(" at ")[0] for row in csv.DictReader(file)}
    assert measured == held_out
    card = bundle.card()
    for fact in ("model.py:white", "8000 Hz", "left out 2 files", "deep/silent.wav", "accuracy"):
        assert fact in card
    assert f"{summary['max']['fidelity']['top1']:.3f}" in card

    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run("white", "--interpreters", "att-loop,max", audio=audio) == 0
    assert "finished already" in capsys.readouterr().out
    assert run("white", "--interpreters", "att", audio=audio) == 2
    assert "holds something else" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["white", "black"])
def test_w_alone_is_explained_without_training(run: Fit, tmp_path: Path, name: str) -> None:
    audio = tmp_path / "flat"
    audio.mkdir()
    for seed in range(3):
        soundfile.write(audio / f"{seed}.wav", synth.clip("dog", seed, 8000, 1.5), 8000)
    assert run(name, "--components", "4", audio=audio) == 0
    bundle = load_bundle("bundles/mine")
    assert bundle.default_interpreter == {"white": "gradient", "black": "surrogate"}[name]
    assert not bundle.interpreters
    assert bundle.summary() is None, "folders name no class"
    assert bundle.dictionary.n_components == 4
    assert main(["interpret", str(audio / "0.wav"), "--bundle", "bundles/mine", "--json"]) == 0


def test_a_black_box_is_read_by_its_log_mel(
    run: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("black", "--interpreters", "att-loop") == 2
    assert "needs f's gradient" in capsys.readouterr().err
    assert _nothing_left()
    audio = tmp_path / "unnamed"
    audio.mkdir()
    for seed in range(6):
        label = ("dog", "rain")[seed % 2]
        soundfile.write(audio / f"{seed}.wav", synth.clip(label, seed, 8000, 1.5), 8000)
    assert run("black", "--interpreters", "att", audio=audio) == 0
    bundle = load_bundle("bundles/mine")
    assert bundle.interpreter_info["att"].reads == "log-mel"
    assert bundle.summary() is None
    assert "| att | " in bundle.card()
    engine = L2I(bundle, "att")
    sounds = [synth.clip("dog", 3, 8000, seconds) for seconds in (0.4, 1.5, 40.0)]
    for sound in sounds:
        assert engine.analyse(sound, 8000).activations.isfinite().all()
    assert engine.explainer.needs == frozenset()


def test_several_classes_at_once(run: Fit) -> None:
    assert run("several", "--interpreters", "att,att-loop", "--epochs", "1") == 0
    bundle = load_bundle("bundles/mine")
    assert bundle.multi_label
    assert bundle.training["config"]["interpreters"]["att"]["epochs"] == 1


@pytest.mark.parametrize(
    ("owner", "name", "after"), [(OnlineNmf, "update", 5), (Optimizers, "step", 5)]
)
def test_a_killed_run_goes_on_and_gives_what_an_unbroken_one_gives(
    run: Fit, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, after: int
) -> None:
    more = ("--interpreters", "att", "--epochs", "2")
    with monkeypatch.context() as patch:
        calls = count(patch, owner, name)
        assert run("white", *more, out="whole") == 0
    (whole,) = calls
    kill(monkeypatch, owner, name, after, lambda: run("white", *more))
    assert not Path("bundles/mine").exists()
    with monkeypatch.context() as patch:
        calls = count(patch, owner, name)
        assert run("white", *more) == 0
    assert 0 < calls[0] < whole, "what was done is not done again"
    same(_weights(Path("bundles/mine")), _weights(Path("whole")))
    assert [path.name for path in Path("bundles").iterdir()] == ["mine"]


def test_other_settings_f_or_recordings_do_not_go_on(
    run: Fit,
    two_classes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    audio = Path(shutil.copytree(two_classes, tmp_path / "audio"))
    kill(monkeypatch, OnlineNmf, "update", 5, lambda: run("white", audio=audio))

    def refused(*more: str, name: str = "white") -> str:
        capsys.readouterr()
        assert run(name, *more, audio=audio) == 2
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
        return line

    assert "another --components" in refused("--components", "9")
    assert "another --seed" in refused("--seed", "1")
    assert "another --classifier" in refused(name="several")
    Path("model.py").write_text(MODEL.replace("SEED", "1"))
    assert "another f behind model.py:white" in refused()
    Path("model.py").write_text(MODEL.replace("SEED", "0"))
    shutil.copy(audio / "dog" / "0.flac", audio / "dog" / "7.flac")
    assert "other recordings" in refused()
    (audio / "dog" / "7.flac").unlink()
    assert run("white", audio=audio) == 0


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--interpreters", "attention"), "unknown interpreter 'attention'; accepted: att, max,"),
        (("--components", "0"), "components must be at least 1"),
        (("--epochs", "0"), "epochs must be at least 1"),
        (("--rate", "16000"), "hears 8000 Hz"),
        (("--audio", "nowhere"), "there is no folder nowhere"),
        (("--audio", "."), "holds no audio files"),
        (("--out", "model.py"), "holds something else"),
        (("--out", "."), "holds something else"),
        (("--classifier", "model.py:grey"), "no function 'grey'"),
        (("--classifier", "model.py"), "names no function"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    run: Fit, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], sentence: str
) -> None:
    before = sorted(Path().rglob("*"))
    assert run("white", *more) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("error: ") == error.count("\n") == 1
    assert [path for path in sorted(Path().rglob("*")) if "__pycache__" not in str(path)] == before


def test_code_that_is_not_trusted_does_not_run(
    run: Fit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("L2I_TRUST_CODE")
    assert run("white") == 2
    assert "code that is not ours" in capsys.readouterr().err
    assert _nothing_left()


def test_folders_in_which_nothing_can_be_used(
    run: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        soundfile.write(tmp_path / name, np.zeros(8000), 8000)
    assert run("white", audio=tmp_path) == 2
    assert "0 of 3 files can be used" in capsys.readouterr().err
    assert _nothing_left()


def test_an_f_that_fails_on_a_recording_is_one_sentence(
    run: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MODEL.replace("SEED", "0").replace("(1, 12345)", "(len(waveforms), 12000)")
    Path("model.py").write_text(text)
    assert run("nan", "--interpreters", "att") == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert "NaN" in line
    assert not Path("bundles/mine").exists()


def test_what_does_not_fit_the_memory_is_drawn(run: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """W is the same whether frames are kept or read again; Ψ sees as many clips as there is room
    for."""
    assert run("white", out="kept") == 0
    monkeypatch.setattr(learn_dictionary, "_HELD", 0)
    assert run("white", out="read") == 0
    same(_weights(Path("kept")), _weights(Path("read")))
    monkeypatch.setattr(fit, "_CACHED", 1_000_000)
    assert run("white", "--interpreters", "att", "--epochs", "1") == 0
    made = json.loads(Path("bundles/mine/config.json").read_text())["training"]["config"]
    assert 1 <= made["interpreters"]["att"]["most_clips"] < 8
