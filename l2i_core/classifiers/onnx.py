"""An ONNX file as a black box, by onnxruntime (an extra): weights are data, no code of it runs.

What the file's metadata may say: `sample_rate` (Hz), `classes` (a JSON list, or one a line),
`multi_label` (true or false), `layers` (names of outputs that are feature maps, with commas).
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core.classifiers.faults import extra, first_line
from l2i_core.classifiers.foreign import Answer, Foreign
from l2i_core.classifiers.protocol import BATCH, CLASSIFIERS


@CLASSIFIERS.add("onnx")
class OnnxModel(Foreign):
    """Waveforms (B, n), (1, n), (n,) or with a channel (B, 1, n) → (B, C), the first output.

    classes, sample_rate, multi_label, layers: those of the metadata unless given. ValueError, in
    one sentence, for a file that is damaged, that takes several inputs, or that lacks these.
    """

    inside = "take waveforms (B, n) and return (B, C)"

    def __init__(
        self,
        file: str | os.PathLike[str],
        classes: Sequence[str] | None = None,
        sample_rate: int | None = None,
        multi_label: bool | None = None,
        outputs: str | None = None,
        layers: Sequence[str] | None = None,
    ) -> None:
        self.file = Path(file).resolve()
        name = self.file.name
        if not self.file.is_file():
            raise ValueError(f"there is no file {file}.")
        runtime = extra("onnxruntime")
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # what is wrong is said once, by the exception
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self._session = runtime.InferenceSession(
                str(self.file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime has exceptions of its own
            raise ValueError(f"{name} cannot be read as ONNX: {first_line(error)}.") from error
        said = self._session.get_modelmeta().custom_metadata_map
        self._input, shape = self._only_input(name)
        layers = _listed(said.get("layers", "")) if layers is None else tuple(layers)
        self._outputs = self._named_outputs(name, layers)
        self._rank, rows, length = len(shape), shape[0], shape[-1]
        single = self._rank == 1 or (isinstance(rows, int) and rows == 1)
        if self._rank > 1 and isinstance(rows, int) and rows > 1:
            raise ValueError(f"{name} takes {rows} sounds at a time; export it with one, or any.")
        if multi_label is None:
            multi_label = said.get("multi_label", "").lower() in ("1", "true")
        self._given = {"outputs": outputs, "layers": list(layers)}
        super().__init__(
            name,
            _rate(name, sample_rate, said.get("sample_rate")),
            _classes(name, classes, said.get("classes")),
            multi_label,
            outputs=outputs,
            length=length if isinstance(length, int) else None,
            named=layers,
            batch=1 if single else BATCH,
        )

    def config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        own = {"file": str(self.file), "sample_rate": self.sample_rate}
        return {**own, **self._given, "outputs": self.told}

    def _only_input(self, name: str) -> tuple[str, list[Any]]:
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            named = ", ".join(one.name for one in inputs)
            raise ValueError(
                f"{name} takes {len(inputs)} inputs ({named}); export it with one, waveforms "
                "(B, n)."
            )
        (one,) = inputs
        shape = list(one.shape)
        known = {"tensor(float)": np.float32, "tensor(double)": np.float64}
        middle = shape[1] if len(shape) == 3 else 1
        if one.type not in known or len(shape) not in (1, 2, 3) or middle != 1:
            raise ValueError(
                f"{name}'s input {one.name!r} is {one.type} of shape {shape}; accepted are float "
                "waveforms (B, n), (1, n), (n) or (B, 1, n). Export it with its front end."
            )
        self._kind = known[one.type]
        return one.name, shape

    def _named_outputs(self, name: str, layers: Sequence[str]) -> list[str]:
        known = [one.name for one in self._session.get_outputs()]
        if missing := [layer for layer in layers if layer not in known]:
            raise ValueError(f"{name} has no output {missing[0]!r}; it has: {', '.join(known)}.")
        first = next((one for one in known if one not in layers), None)
        if first is None:
            raise ValueError(f"{name} has no output beside its layers {', '.join(layers)}.")
        return [first, *layers]

    def _ask(self, sounds: Tensor) -> Answer:
        given = sounds.detach().numpy().astype(self._kind, copy=False)
        if self._rank == 1:
            given = given[0]
        elif self._rank == 3:
            given = given[:, None]
        answer, *layers = self._session.run(self._outputs, {self._input: given})
        if self._rank == 1 and answer.ndim == 1:
            answer = answer[None]
        return answer, [torch.from_numpy(np.asarray(one)) for one in layers]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _classes(name: str, given: Sequence[str] | None, said: str | None) -> Sequence[str]:
    if given is not None:
        return given
    if not said:
        raise ValueError(f"{name} does not name its classes; give --classes FILE, one a line.")
    try:
        found = json.loads(said)
    except json.JSONDecodeError:
        return [line.strip() for line in said.splitlines() if line.strip()]
    return list(found) if isinstance(found, (list, dict)) else [str(found)]


def _rate(name: str, given: int | None, said: str | None) -> int:
    if said is not None and not said.strip().isdecimal():
        raise ValueError(f"{name} says the sample_rate {said!r}; it must be whole Hz.")
    own = int(said) if said else None
    if given is not None and own is not None and given != own:
        raise ValueError(f"{name} says that it hears {own} Hz, and the rate given is {given} Hz.")
    rate = given if given is not None else own
    if rate is None:
        raise ValueError(f"{name} does not say its sampling rate; give --rate HZ.")
    return rate
