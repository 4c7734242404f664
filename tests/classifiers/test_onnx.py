"""ONNX files: our own f exported is the same f; what a file says of itself; a sentence for a bad one."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn
from torch.nn import functional

from l2i_core import L2I, AudioConfig
from l2i_core.bundle import Bundle, load_bundle, save_bundle
from l2i_core.classifiers.kumar import KumarVgg
from l2i_core.classifiers.onnx import OnnxModel
from l2i_core.classifiers.opening import opened
from l2i_core.explainers import surrogate
from l2i_core.signal import audio, spectra

pytestmark = pytest.mark.filterwarnings("ignore:Constant folding")
RATE = 16000
AB = ("a", "b")


class Exportable(nn.Module):
    """Our f with its STFT as a product of matrices, which ONNX has in double precision."""

    def __init__(self, f: KumarVgg) -> None:
        super().__init__()
        self.config: AudioConfig = f.front_end
        self.network = f.network
        n = torch.arange(self.config.n_fft).double()
        angle = 2 * math.pi * n[:, None] * torch.arange(self.config.n_bins) / self.config.n_fft
        window = torch.hann_window(self.config.win_length, dtype=torch.float64)[:, None]
        self.register_buffer("real", window * angle.cos())
        self.register_buffer("imaginary", window * angle.sin())
        self.register_buffer("bands", spectra.mel_filters(self.config))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        half = self.config.n_fft // 2
        assert half == self.config.hop_length
        padded = functional.pad(x[:, None], (half, half), mode="reflect")[:, 0].double()
        parts = padded[:, : padded.shape[1] // half * half].reshape(padded.shape[0], -1, half)
        frames = torch.cat([parts[:, :-1], parts[:, 1:]], dim=2)
        magnitude = ((frames @ self.real) ** 2 + (frames @ self.imaginary) ** 2).sqrt().float()
        mel = 10 * torch.log10((self.bands @ magnitude.transpose(1, 2)).clamp_min(1e-10))
        floor = mel.amax(dim=(1, 2), keepdim=True) - self.config.top_db
        logits, maps = self.network(torch.maximum(mel, floor))
        return (logits, *maps)


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return load_bundle("esc10")


@pytest.fixture(scope="module")
def exported(shipped: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """esc10's f as an ONNX file with its maps as outputs, which says rate, classes and layers."""
    path = tmp_path_factory.mktemp("onnx") / "esc10.onnx"
    names = ["logits", "block4", "block5", "block6"]
    torch.onnx.export(
        Exportable(shipped.classifier).eval(), (torch.zeros(1, 5 * 44100),), str(path), input_names=["waveforms"],
        output_names=names, dynamic_axes={"waveforms": {0: "batch", 1: "samples"}}, opset_version=17, dynamo=False,
    )  # fmt: skip
    model = onnx.load(path)
    said = {"sample_rate": "44100", "classes": json.dumps(shipped.classes), "layers": ", ".join(names[1:])}  # fmt: skip
    helper.set_model_props(model, said)
    onnx.save(model, path)
    return path


def test_our_own_f_is_the_same(shipped: Bundle, exported: Path) -> None:
    f = opened(str(exported))
    assert (f.classes, f.sample_rate, f.multi_label) == (shipped.classes, 44100, False)
    assert (f.differentiable, f.notes) == (False, ())
    sounds = 0.1 * torch.randn(3, 2 * 44100 + 777, generator=torch.Generator().manual_seed(0))
    ours, theirs = shipped.classifier.hear(sounds), f.hear(sounds.requires_grad_())
    assert not theirs.logits.requires_grad
    torch.testing.assert_close(theirs.logits, ours.logits, atol=1e-3, rtol=1e-4)
    for layer, own, given, made in zip(f.layers, shipped.classifier.layers, ours.maps, theirs.maps, strict=True):  # fmt: skip
        torch.testing.assert_close(made, given, atol=1e-3, rtol=1e-3)
        assert layer.channels == own.channels
        assert layer.step_seconds == pytest.approx(own.step_seconds, rel=0.01)


def test_our_own_f_is_explained_the_same(shipped: Bundle, exported: Path) -> None:
    clip = audio.read("assets/clips/dog-1.flac")
    found = []
    for f in (shipped.classifier, opened(str(exported))):
        engine = L2I(replace(shipped, classifier=f), "att")
        analysis = engine.analyse(*clip)
        made = surrogate.fitted(
            analysis, engine.class_index("dog"), engine.ask(analysis), np.random.default_rng(0), 24
        )
        coefficients = torch.from_numpy(made.coefficients)
        found.append((analysis.logits, engine.relevance(analysis, "dog"), coefficients))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(theirs, ours, atol=2e-3, rtol=1e-3)


# Small files: mean and maximum of |x| as logits


def _model(
    path: Path,
    shape: list[Any],
    *,
    kind: int = TensorProto.FLOAT,
    inputs: tuple[str, ...] = ("x",),
    said: dict[str, str] | None = None,
) -> Path:
    nodes = [
        helper.make_node("Abs", ["x"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["mean"], axes=[-1], keepdims=1),
        helper.make_node("ReduceMax", ["size"], ["most"], axes=[-1], keepdims=1),
        helper.make_node("Concat", ["mean", "most"], ["both"], axis=-1),
        helper.make_node("Sub", ["both", "ten"], ["logits"]),
    ]
    if len(shape) == 3 and shape[1] == 1:
        nodes[-1] = helper.make_node("Squeeze", ["both", "axis"], ["logits"])
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info("logits", kind, None)],
        [helper.make_tensor("ten", kind, [], [10.0]), helper.make_tensor("axis", TensorProto.INT64, [1], [1])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, said or {})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("shape", "batch", "length"),
    [
        (["batch", "n"], 16, None),
        ([1, "n"], 1, None),
        (["n"], 1, None),
        (["batch", 1, "n"], 16, None),
        (["batch", 8000], 16, 8000),
        ([1, 8000], 1, 8000),
        ([8000], 1, 8000),
    ],
)
def test_shapes_of_the_input(
    tmp_path: Path, shape: list[Any], batch: int, length: int | None
) -> None:
    f = opened(str(_model(tmp_path / "small.onnx", shape)), classes=AB, rate=RATE)
    assert (f.batch, f.longest) == (batch, length)
    sounds = torch.randn(3, 8000, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([sounds.abs().mean(1), sounds.abs().amax(1)], dim=1)
    torch.testing.assert_close(f.hear(sounds).logits, expected - (0 if len(shape) == 3 else 10))


def test_double_precision_is_fed_doubles(tmp_path: Path) -> None:
    path = _model(tmp_path / "small.onnx", ["b", "n"], kind=TensorProto.DOUBLE)
    assert opened(str(path), classes=AB, rate=RATE).hear(torch.ones(1, RATE)).logits.dtype == torch.float32  # fmt: skip


@pytest.mark.parametrize("classes", ['["a", "b"]', "a\nb\n"])
def test_a_file_may_say_rate_classes_and_task(tmp_path: Path, classes: str) -> None:
    said = {"sample_rate": "8000", "classes": classes, "multi_label": "true"}
    f = opened(str(_model(tmp_path / "small.onnx", ["b", "n"], said=said)))
    assert (f.sample_rate, f.classes, f.multi_label) == (8000, AB, True)


def test_a_bundle_names_the_file(tmp_path: Path, shipped: Bundle, exported: Path) -> None:
    made = replace(shipped, classifier=opened(str(exported)))
    save_bundle(made, tmp_path / "mine")
    stored = json.loads((tmp_path / "mine" / "config.json").read_text())["classifier"]
    assert (stored["kind"], stored["file"], stored["layers"][0]) == (
        "onnx",
        str(exported),
        "block4",
    )
    assert not (tmp_path / "mine" / "classifier.safetensors").exists()
    sound = torch.ones(1, 44100)
    again = load_bundle(tmp_path / "mine")
    torch.testing.assert_close(again.classifier.hear(sound).logits, made.classifier.hear(sound).logits)  # fmt: skip
    assert set(again.interpreters) == set(shipped.interpreters)


@pytest.mark.parametrize(
    ("settings", "told", "said"),
    [
        ({"shape": ["b", "n"], "inputs": ("x", "lengths")}, {}, r"takes 2 inputs \(x, lengths\); export it with one"),
        ({"shape": ["b", 2, "n"]}, {}, "accepted are float waveforms"),
        ({"shape": ["b", "n"], "kind": TensorProto.INT32}, {}, r"is tensor\(int32\) of shape"),
        ({"shape": [4, "n"]}, {}, "takes 4 sounds at a time"),
        ({"shape": ["b", "n"]}, {"classes": None}, "does not name its classes; give --classes FILE"),
        ({"shape": ["b", "n"]}, {"rate": None}, "does not say its sampling rate; give --rate HZ"),
        ({"shape": ["b", "n"]}, {"classes": ["a", "b", "c"]}, "answers with 2 numbers a sound, and 3 classes are named"),
        ({"shape": ["b", "n"], "said": {"sample_rate": "8000"}}, {}, "says that it hears 8000 Hz, and the rate given is 16000"),
        ({"shape": ["b", "n"], "said": {"sample_rate": "8k"}}, {}, "says the sample_rate '8k'"),
        ({"shape": ["b", "n"], "said": {"layers": "deep"}}, {}, "has no output 'deep'; it has: logits"),
    ],
)  # fmt: skip
def test_a_bad_file_gets_one_sentence(
    tmp_path: Path, settings: dict[str, Any], told: dict[str, Any], said: str
) -> None:
    path = _model(tmp_path / "small.onnx", **settings)
    with pytest.raises(ValueError, match=said) as refused:
        opened(str(path), **{"classes": AB, "rate": RATE, **told})
    assert "\n" not in str(refused.value)


def test_a_damaged_file_and_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match="bad.onnx cannot be read as ONNX"):
        OnnxModel(tmp_path / "bad.onnx", AB, RATE)
    with pytest.raises(ValueError, match="there is no file"):
        opened(str(tmp_path / "none.onnx"))


def test_without_the_library_the_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _model(tmp_path / "small.onnx", ["b", "n"])
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match="pip install onnxruntime"):
        opened(str(path), classes=AB, rate=RATE)
