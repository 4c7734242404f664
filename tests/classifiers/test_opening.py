"""What --classifier names: each kind is opened, explained and kept in a bundle; each bad input is one
sentence and exit code 2, and code runs only where it is trusted."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import Open, select

from l2i_core.__main__ import main
from l2i_core.bundle import load_bundle, outline, save_bundle
from l2i_core.classifiers.foreign import Foreign
from l2i_core.classifiers.opening import class_list, opened
from l2i_core.classifiers.protocol import CLASSIFIERS, notes_of

CLIP = "assets/clips/dog-1.flac"
RATE = 16000
Refused = Callable[[list[str]], str]
WRAPPED = """
import torch
from torch import nn
from l2i_core.classifiers import wrap

class Level(nn.Module):
    def forward(self, x):
        loud = x.square().mean(1).add(1e-6).log()
        return torch.stack([loud, -loud], 1){then}

def load():
    return wrap(Level(), sample_rate=16000, classes=["loud", "quiet"])
"""
PLAIN = """
import torch

class Level:
    sample_rate, classes, differentiable = 16000, ("loud", "quiet"), True

    def logits(self, x):
        loud = x.square().mean(1).add(1e-6).log()
        return torch.stack([loud, -loud], 1)
"""


@pytest.fixture(autouse=True)
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2I_TRUST_CODE", "1")


@pytest.fixture
def python_file(tmp_path: Path) -> Callable[[str], Path]:
    def write(source: str) -> Path:
        path = tmp_path / "my_model.py"
        path.write_text(source)
        return path

    return write


def _asked(spec: object, *more: str) -> list[str]:
    return ["interpret", CLIP, "--bundle", "esc50", "--classifier", str(spec), *more]


# Python files


@pytest.mark.parametrize(("source", "name"), [(WRAPPED.format(then=""), "load"), (PLAIN, "Level")])
def test_a_files_model_is_explained(
    python_file: Callable[[str], Path], source: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_asked(f"{python_file(source)}:{name}", "--json", "--target", "loud")) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert report["classes"] == ["loud", "quiet"]
    assert report["interpreter"] == "gradient"
    assert report["interpreter_logits"] is None
    assert report["selected"]


def test_notes_go_to_stderr_and_outputs_sets_them_right(
    python_file: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    spec = f"{python_file(WRAPPED.format(then='.softmax(1)'))}:load"
    assert main(_asked(spec, "--json")) == 0
    out, err = capsys.readouterr()
    assert err.startswith(
        "note: Level gives numbers in [0, 1] that sum to 1: taken for probabilities"
    )
    assert err.count("\n") == 1
    taken = json.loads(out)
    assert sum(taken["probabilities"]) == pytest.approx(1)
    assert min(taken["logits"]) < 0
    assert main(_asked(spec, "--json", "--outputs", "logits")) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert sum(json.loads(out)["logits"]) == pytest.approx(1)
    assert main(_asked(spec, "--json", "--outputs", "probabilities")) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out)["logits"], err) == (taken["logits"], "")


def test_a_file_imports_what_lies_beside_it(
    python_file: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "beside_my_model.py").write_text(WRAPPED.format(then=""))
    path = python_file("from beside_my_model import load\n")
    assert opened(f"{path}:load").classes == ("loud", "quiet")


@pytest.mark.parametrize("shared", ["", "1"])
def test_a_file_that_is_not_trusted_does_not_run(
    python_file: Callable[[str], Path],
    refused: Refused,
    tmp_path: Path,
    shared: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = python_file(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.setenv("L2I_TRUST_CODE", shared)
    monkeypatch.setenv("L2I_SHARED", shared)
    assert "runs only with --trust-code or L2I_TRUST_CODE=1" in refused(_asked(f"{path}:load"))
    assert not (tmp_path / "ran").exists()


def test_trust_is_given_on_the_command_line(
    python_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("L2I_TRUST_CODE", "")
    assert main(_asked(f"{python_file(PLAIN)}:Level", "--trust-code")) == 0
    assert "f says" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        ("x = 1", "load", "my_model.py has no function 'load'; it has: none"),
        ("def other(): ...", "load", "my_model.py has no function 'load'; it has: other"),
        ("load = 3", "load", "my_model.py:load is no function but a int"),
        ("def load(path): ...", "load", "my_model.py:load asks for the argument 'path'"),
        ("def load(): ...", "load", "NoneType lacks the attribute sample_rate"),
        ("from torch import nn\ndef load(): return nn.Identity()", "load", "returned an nn.Module; return wrap"),
        ("def load(: ...", "load", "my_model.py:load raised SyntaxError: invalid syntax"),
        ("import no_such_library", "load", "raised ModuleNotFoundError: No module named 'no_such_library'"),
        ("def load(): raise RuntimeError('no\\nluck')", "load", "my_model.py:load raised RuntimeError: no."),
        ("def load(): raise ValueError('two\\nlines.')", "load", "my_model.py:load raised ValueError: two."),
        ("import sys\ndef load(): sys.exit('bye')", "load", "my_model.py:load raised SystemExit: bye"),
        ("import torch\ndef load(): torch.zeros(1).cuda()", "load", "my_model.py:load needs a GPU and there is none here"),
        (PLAIN.replace("return torch.stack", "return [] + torch.stack"), "Level", "Level.logits raised TypeError"),
        (PLAIN.replace("[loud, -loud]", "[loud]"), "Level", "gave the shape (1, 1) for 1 sounds, wanted (1, 2)"),
        (WRAPPED.format(then=" * float('nan')"), "load", "Level gave NaN or infinite numbers"),
        (WRAPPED.format(then="[:, :1]"), "load", "answers with 1 numbers a sound, and 2 classes are named"),
        (WRAPPED.format(then="") .replace("x.square", "x[:, ::0].square"), "load", "Level raised ValueError"),
    ],
)  # fmt: skip
def test_a_bad_file_gets_one_sentence(
    python_file: Callable[[str], Path],
    refused: Refused,
    tmp_path: Path,
    source: str,
    name: str,
    said: str,
) -> None:
    out = tmp_path / "out"
    assert said in refused(_asked(f"{python_file(source)}:{name}", "--out", str(out)))
    assert not out.exists()


def test_a_model_that_raises_later_gets_one_sentence(
    python_file: Callable[[str], Path], refused: Refused
) -> None:
    late = PLAIN.replace(
        "        loud =", "        if x.shape[1] > 40000: 1 / 0\n        loud =", 1
    )
    assert "Level.logits raised ZeroDivisionError" in refused(_asked(f"{python_file(late)}:Level"))


# Other names


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("no_such", "unknown classifier 'no_such'; accepted: FILE.py:NAME, FILE.onnx"),
        ("my_model.py", "names no function; give my_model.py:NAME"),
        ("gone.py:load", "there is no file gone.py"),
        ("gone.onnx", "there is no file gone.onnx"),
        ("model.pt", "is a pickle, which is code"),
        ("python", "--classifier python needs its file: give FILE.py:NAME"),
        ("onnx", "needs its file: give FILE.onnx"),
        ("assets", "holds no model: config.json is missing"),
        ("assets/bundles/esc50", "names no model_type, so it is no Hugging Face model's. A bundle is named by --bundle"),
        ("kumar", "cannot be made"),
    ],
)  # fmt: skip
def test_a_bad_name_gets_one_sentence(refused: Refused, spec: str, said: str) -> None:
    assert said in refused(_asked(spec))


@pytest.mark.parametrize("option", [["--rate", "16000"], ["--multi-label"], ["--classes", "x.txt"]])
def test_options_of_a_classifier_need_one(refused: Refused, option: list[str]) -> None:
    assert f"{option[0]} is of a model that --classifier names" in refused(["interpret", CLIP, *option])  # fmt: skip


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"rate": 8000}, "hears 16000 Hz, and the rate given is 8000 Hz"),
        ({"classes": ["loud"]}, "has 2 classes, and the list given has 1"),
        ({"classes": ["quiet", "loud"]}, "names its classes itself ('loud' where the list has 'quiet')"),
        ({"multi_label": True}, "says itself that it is for one class a clip"),
    ],
)  # fmt: skip
def test_what_is_told_must_agree(
    python_file: Callable[[str], Path], told: dict[str, Any], said: str
) -> None:
    spec = f"{python_file(PLAIN)}:Level"
    assert opened(spec, rate=RATE, classes=["loud", "quiet"]).sample_rate == RATE
    with pytest.raises(ValueError) as refusal:
        opened(spec, **told)
    assert said in str(refusal.value)
    with pytest.raises(ValueError, match="gives logits by its own word; leave outputs out"):
        opened(spec, outputs="probabilities")


def test_a_registered_name_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    space: dict[str, Any] = {}
    exec(PLAIN, space)
    monkeypatch.setitem(CLASSIFIERS._own, "level", space["Level"])
    assert opened("level").classes == ("loud", "quiet")


def test_a_class_list_is_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\ufeffdog bark\n\n  Küche \r\nrain\n", encoding="utf-8")
    assert class_list(path) == ["dog bark", "Küche", "rain"]
    with pytest.raises(ValueError, match="the class list .* cannot be read"):
        class_list(tmp_path / "none.txt")


def test_evidence_holds_the_digest_of_what_was_asked(
    python_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = python_file(PLAIN)
    assert main(_asked(f"{path}:Level", "--evidence", str(tmp_path / "evidence.zip"))) == 0
    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        told = json.loads(archive.read("report.json"))["bundle_sha256"]
    assert told == {"classifier/my_model.py": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_an_evaluation_of_another_f(
    python_file: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, clip in (("loud", "dog-1"), ("quiet", "rain-1")):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        shutil.copy(f"assets/clips/{clip}.flac", tmp_path / "sounds" / label)
    spec = f"{python_file(WRAPPED.format(then='.softmax(1)'))}:load"
    argv = [
        "evaluate",
        str(tmp_path / "sounds"),
        "--bundle",
        "esc50",
        "--classifier",
        spec,
        "--json",
    ]
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert "note: Level gives numbers in [0, 1]" in err
    assert len(json.loads(out)["clips"]) == 2


# Bundles


def test_a_bundle_names_the_file_and_runs_it_only_where_trusted(
    python_file: Callable[[str], Path],
    tmp_path: Path,
    refused: Refused,
    open_app: Open,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, folder = python_file(WRAPPED.format(then=".softmax(1)")), tmp_path / "bundles" / "mine"
    f = opened(f"{path}:load", outputs="probabilities")
    save_bundle(load_bundle("esc50").explaining(f, "mine"), folder)
    stored = json.loads((folder / "config.json").read_text())
    assert stored["classifier"] == {"kind": "python", "file": str(path), "name": "load", "outputs": "probabilities"}  # fmt: skip
    assert not (folder / "classifier.safetensors").exists()

    shutil.move(path, folder / "f.py")  # a bundle may carry its file
    stored["classifier"]["file"] = "f.py"
    (folder / "config.json").write_text(json.dumps(stored))
    moved = (tmp_path / "bundles" / "mine").rename(tmp_path / "bundles" / "moved")
    again = load_bundle(moved)
    assert isinstance(again.classifier, Foreign)
    assert (again.classifier.outputs, notes_of(again.classifier)) == ("probabilities", ())
    torch.testing.assert_close(again.classifier.hear(torch.ones(1, RATE)).logits, f.hear(torch.ones(1, RATE)).logits)  # fmt: skip
    save_bundle(again, moved)
    assert json.loads((moved / "config.json").read_text())["classifier"]["file"] == "f.py"

    monkeypatch.setenv("L2I_TRUST_CODE", "")
    monkeypatch.setenv("L2I_BUNDLES", str(moved.parent))
    assert "is code that is not ours; it runs only with" in refused(["info", "--bundle", "moved"])
    assert "2 classes" in outline(moved)
    assert main(["info"]) == 0
    out, err = capsys.readouterr()
    assert "esc50" in out
    assert "left out: " in err
    assert "is code that is not ours" in err
    app = open_app(clip="dog-1", bundle="random")
    monkeypatch.setenv("L2I_BUNDLES", str(moved.parent))
    app.run()
    select(app, "Model").set_value("moved").run()
    assert not app.exception
    assert any("is code that is not ours" in str(error.value) for error in app.error)


def test_a_bundle_of_other_classes_than_its_file(
    python_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = python_file(PLAIN)
    save_bundle(load_bundle("esc50").explaining(opened(f"{path}:Level"), "mine"), tmp_path / "mine")
    path.write_text(PLAIN.replace('"quiet"', '"still"'))
    with pytest.raises(
        ValueError, match="has the classes loud, still; the bundle names loud, quiet"
    ):
        load_bundle(tmp_path / "mine")
