"""YAMNet's weights from its published TFLite file: the graph's convolutions in order, dequantised.

A TFLite file is a FlatBuffer, which the optional library `tflite` reads; nothing of it is run.
"""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_TYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT8": "<i1", "UINT8": "<u1", "INT32": "<i4"}
# Where a kernel's axes lie in TFLite: to (output channels, input channels, time, bands).
_AXES = {"CONV_2D": (0, 3, 1, 2), "DEPTHWISE_CONV_2D": (3, 0, 1, 2), "FULLY_CONNECTED": (0, 1)}


def read_tflite(path: Path, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """The tensors `shapes` names, weight then bias of each layer in the order of the graph, in
    float32.

    Layers before the first of them, such as a front end's, are left out. ValueError where the
    library is not installed, the file is none of TFLite, or a layer is not in its place.
    """
    try:
        tflite = importlib.import_module("tflite")
    except ImportError as error:
        raise ValueError(
            f"reading {path.name} needs tflite, which is not installed: pip install tflite."
        ) from error
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise ValueError(f"{path} is no TFLite file.")
    layers = [name.removesuffix(".weight") for name in shapes if name.endswith(".weight")]
    found: dict[str, Tensor] = {}
    for weight, bias in _layers(tflite, content):
        if not layers:
            break
        name, wanted = layers[0], shapes[f"{layers[0]}.weight"]
        if weight.ndim == 4 and len(wanted) == 2:  # a linear layer as a 1×1 convolution
            weight = weight.reshape(weight.shape[0], -1)
        if weight.shape == tuple(wanted) and bias.shape == (wanted[0],):
            found[f"{name}.weight"] = torch.from_numpy(weight.copy())
            found[f"{name}.bias"] = torch.from_numpy(bias.copy())
            layers.pop(0)
        elif found:
            break
    if layers:
        raise ValueError(f"{path} is not YAMNet: it has no layer {layers[0]} in its place.")
    return found


def _layers(tflite: Any, content: bytes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of every layer that has both, in the graph's order."""
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    operators = {getattr(tflite.BuiltinOperator, name): axes for name, axes in _AXES.items()}
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        # Files of before the field was widened have the number in the older one alone.
        axes = operators.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
        if axes is None or operator.InputsLength() < 3 or operator.Inputs(2) < 0:
            continue
        weight, bias = (
            _values(tflite, model, graph.Tensors(operator.Inputs(place))) for place in (1, 2)
        )
        if weight is not None and bias is not None and weight.ndim == len(axes):
            yield weight.transpose(axes), bias


def _values(tflite: Any, model: Any, tensor: Any) -> np.ndarray | None:
    """A constant tensor in float32; None for one that is computed, or of another type."""
    kinds = {getattr(tflite.TensorType, name): kind for name, kind in _TYPES.items()}
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    if isinstance(data, int) or tensor.Type() not in kinds:
        return None
    stored = data.view(kinds[tensor.Type()]).reshape(tensor.ShapeAsNumpy())
    values = stored.astype(np.float32)
    quantisation = tensor.Quantization()
    if stored.dtype.kind == "f" or quantisation is None or not quantisation.ScaleLength():
        return values
    axis = quantisation.QuantizedDimension()
    scale, zero = quantisation.ScaleAsNumpy(), quantisation.ZeroPointAsNumpy()
    if len(scale) > 1:
        shape = [-1 if place == axis else 1 for place in range(values.ndim)]
        scale, zero = scale.reshape(shape), np.broadcast_to(zero, scale.shape).reshape(shape)
    return ((values - zero) * scale).astype(np.float32)
