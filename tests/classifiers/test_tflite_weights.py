"""YAMNet's weights out of a TFLite file: one is built as the converter lays it out."""

import sys
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
import tflite
import torch

from l2i_core.classifiers import yamnet
from l2i_core.classifiers.protocol import network_of, registered
from l2i_core.classifiers.yamnet import YamnetNetwork

CLASSES = 7


class _File:
    """A TFLite file in the making: constants, and operators that read them."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1 << 20)
        tflite.BufferStart(self.builder)
        self.buffers = [tflite.BufferEnd(self.builder)]  # buffer 0 is empty by convention
        self.tensors: list[int] = []
        self.operators: list[tuple[int, list[int]]] = []
        self.computed = self.tensor(None, (1, 96, 64, 1), tflite.TensorType.FLOAT32, None)

    def vector(self, start: Any, offsets: list[int]) -> int:
        start(self.builder, len(offsets))
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def tensor(
        self, values: np.ndarray | None, shape: tuple[int, ...], kind: int,
        quantised: tuple[np.ndarray, np.ndarray, int] | None,
    ) -> int:  # fmt: skip
        """Its number; quantised: scales, zero points, axis."""
        b, buffer = self.builder, 0
        if values is not None:
            data = b.CreateNumpyVector(np.frombuffer(values.tobytes(), np.uint8))
            tflite.BufferStart(b)
            tflite.BufferAddData(b, data)
            self.buffers.append(tflite.BufferEnd(b))
            buffer = len(self.buffers) - 1
        sizes = b.CreateNumpyVector(np.array(shape, np.int32))
        how = None
        if quantised:
            scales = b.CreateNumpyVector(quantised[0].astype(np.float32))
            zeros = b.CreateNumpyVector(quantised[1].astype(np.int64))
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scales)
            tflite.QuantizationParametersAddZeroPoint(b, zeros)
            tflite.QuantizationParametersAddQuantizedDimension(b, quantised[2])
            how = tflite.QuantizationParametersEnd(b)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, sizes)
        tflite.TensorAddType(b, kind)
        tflite.TensorAddBuffer(b, buffer)
        if how is not None:
            tflite.TensorAddQuantization(b, how)
        self.tensors.append(tflite.TensorEnd(b))
        return len(self.tensors) - 1

    def constant(self, values: np.ndarray, axis: int, bits: int = 8) -> tuple[int, np.ndarray]:
        """A tensor in whole numbers with a scale for each step of `axis`; its number, and the
        values that it stands for."""
        others = tuple(n for n in range(values.ndim) if n != axis)
        scale = np.abs(values).max(axis=others) / (127 if bits == 8 else 2**20) + 1e-9
        scale = scale.astype(np.float32)
        broad = scale.reshape([-1 if n == axis else 1 for n in range(values.ndim)])
        dtype, kind = {
            8: (np.int8, tflite.TensorType.INT8),
            32: (np.int32, tflite.TensorType.INT32),
        }[bits]
        stored = np.round(values / broad).astype(dtype)
        zeros = np.zeros(len(scale))
        number = self.tensor(stored, values.shape, kind, (scale, zeros, axis))
        return number, stored.astype(np.float32) * broad

    def layer(self, code: int, weight: int, bias: int) -> None:
        self.operators.append((code, [self.computed, weight, bias]))

    def write(self, path: Path) -> None:
        b = self.builder
        codes = sorted({code for code, _ in self.operators})
        made = []
        for code, inputs in self.operators:
            read = b.CreateNumpyVector(np.array(inputs, np.int32))
            tflite.OperatorStart(b)
            tflite.OperatorAddOpcodeIndex(b, codes.index(code))
            tflite.OperatorAddInputs(b, read)
            made.append(tflite.OperatorEnd(b))
        operators = self.vector(tflite.SubGraphStartOperatorsVector, made)
        tensors = self.vector(tflite.SubGraphStartTensorsVector, self.tensors)
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tensors)
        tflite.SubGraphAddOperators(b, operators)
        graphs = self.vector(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(b)])
        known = []
        for code in codes:
            tflite.OperatorCodeStart(b)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(b, code)
            tflite.OperatorCodeAddBuiltinCode(b, code)
            known.append(tflite.OperatorCodeEnd(b))
        listed = self.vector(tflite.ModelStartOperatorCodesVector, known)
        buffers = self.vector(tflite.ModelStartBuffersVector, self.buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, listed)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, buffers)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        path.write_bytes(bytes(b.Output()))


def _write(path: Path, network: YamnetNetwork, leave_out: str = "") -> dict[str, torch.Tensor]:
    """The network as an int8 TFLite file with a front end before it; the weights it then holds."""
    file, held = _File(), {}
    operator = tflite.BuiltinOperator
    spectrum, _ = file.constant(np.ones((257, 1, 512, 1), np.float32), 0)
    nothing, _ = file.constant(np.ones(257, np.float32), 0, 32)
    file.layer(operator.CONV_2D, spectrum, nothing)
    file.layer(operator.ADD, file.computed, file.computed)
    names = [n.removesuffix(".weight") for n, _ in network.named_parameters() if "weight" in n]
    for name in (n for n in names if n != leave_out):
        weight = network.get_parameter(f"{name}.weight").detach().numpy()
        code, axis, axes, back = operator.CONV_2D, 0, (0, 2, 3, 1), (0, 3, 1, 2)
        if name.endswith("depthwise"):
            code, axis, axes, back = operator.DEPTHWISE_CONV_2D, 3, (1, 2, 3, 0), (3, 0, 1, 2)
        elif name == "head":
            code, axis, axes, back = operator.FULLY_CONNECTED, 0, (0, 1), (0, 1)
        stored, values = file.constant(np.ascontiguousarray(weight.transpose(axes)), axis)
        bias = network.get_parameter(f"{name}.bias").detach().numpy()
        also, offsets = file.constant(bias, 0, 32)
        file.layer(code, stored, also)
        held[f"{name}.weight"] = torch.from_numpy(values.transpose(back).copy())
        held[f"{name}.bias"] = torch.from_numpy(offsets)
    file.write(path)
    rows = "".join(f"{n},/m/{n},class {n}\n" for n in range(CLASSES))
    (path.parent / "yamnet_class_map.csv").write_text("index,mid,display_name\n" + rows)
    return held


@pytest.fixture(scope="module")
def network() -> YamnetNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return YamnetNetwork(CLASSES)


def test_int8_weights_are_read_layer_by_layer(
    network: YamnetNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = _write(tmp_path / "yamnet.tflite", network)
    monkeypatch.setenv("L2I_YAMNET", str(tmp_path / "yamnet.tflite"))
    f = registered("yamnet")
    assert f.classes == tuple(f"class {n}" for n in range(CLASSES))
    ours = network_of(f)
    assert ours is not None
    state = ours.state_dict()
    assert state.keys() == held.keys()
    for name, values in held.items():
        torch.testing.assert_close(state[name], values, atol=1e-7, rtol=1e-6)
    sound = 0.1 * torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = network.eval()(yamnet.log_mel(sound))[0]
    torch.testing.assert_close(f.hear(sound).logits, whole, atol=0.02, rtol=0.05)


def test_another_file_is_refused(
    network: YamnetNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.tflite"
    monkeypatch.setenv("L2I_YAMNET", str(path))
    with pytest.raises(ValueError, match=r"there is no .*other\.tflite"):
        registered("yamnet")
    _write(path, network, leave_out="blocks.6.pointwise")
    with pytest.raises(ValueError, match=r"is not YAMNet: it has no layer blocks\.6\.pointwise"):
        registered("yamnet")
    path.write_bytes(b"no flat buffer")
    with pytest.raises(ValueError, match=r"other\.tflite is no TFLite file"):
        registered("yamnet")
    (tmp_path / "yamnet_class_map.csv").unlink()
    with pytest.raises(ValueError, match=r"lacks YAMNet's class map, yamnet_class_map\.csv or"):
        registered("yamnet")


def test_without_the_library_one_sentence_says_how_to_get_it(
    network: YamnetNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "yamnet.tflite", network)
    monkeypatch.setenv("L2I_YAMNET", str(tmp_path / "yamnet.tflite"))
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(
        ValueError, match="needs tflite, which is not installed: pip install tflite"
    ):
        registered("yamnet")
