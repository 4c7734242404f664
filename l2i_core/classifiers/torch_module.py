"""Any `torch.nn.Module` that takes waveforms (B, n), or our log-mel, and returns logits (B, C)."""

import copy
import difflib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from l2i_core.classifiers.faults import Unusable
from l2i_core.classifiers.foreign import Answer, Foreign
from l2i_core.classifiers.maps import Grid
from l2i_core.signal import spectra
from l2i_core.signal.spectra import AudioConfig
from l2i_core.weights import freeze


class TorchModule(Foreign):
    """A module `module(waveforms (B, n)) → logits (B, C)` as a classifier that can be explained.

    sample_rate: Hz of the waveforms. layers: names of submodules (as in `named_modules`) whose
    outputs are feature maps. outputs: "logits" or "probabilities"; found out where None. log_mel:
    the module takes `spectra.log_mel` (B, n_mels, T) of these settings instead of waveforms.
    length: samples of the sounds it takes, where it takes one length alone. grid: how the tokens of
    `layers` lie in time and frequency.

    The module is copied, where it can be, frozen, and put into evaluation mode. ValueError, in one
    sentence, for one that cannot be asked.
    Safe to share between threads.
    """

    inside = "take waveforms (B, n) and return logits (B, C) as one tensor"

    def __init__(
        self,
        module: nn.Module,
        *,
        sample_rate: int,
        classes: Sequence[str],
        layers: Sequence[str] = (),
        multi_label: bool = False,
        outputs: str | None = None,
        log_mel: AudioConfig | None = None,
        length: int | None = None,
        grid: Grid | None = None,
    ) -> None:
        name = type(module).__name__
        if not isinstance(module, nn.Module):
            what = "wrap_function" if callable(module) else "an nn.Module"
            raise ValueError(f"wrap takes an nn.Module, received {name}; use {what}.")
        for attribute in ("sample_rate", "sampling_rate"):
            own = getattr(module, attribute, None)
            if isinstance(own, int) and own != sample_rate:
                raise ValueError(
                    f"{name}.{attribute} is {own}, and the sampling rate given is {sample_rate}."
                )
        if log_mel and log_mel.sample_rate != sample_rate:
            raise ValueError(
                f"{name}'s log-mel is of {log_mel.sample_rate} Hz, and the sampling rate given is "
                f"{sample_rate}."
            )
        copied, uncopied = _copy(module), ""
        if copied is module:
            uncopied = f"{name} cannot be copied: it is itself frozen and in evaluation mode now."
        self.module, self._log_mel = freeze(copied), log_mel
        self._submodules = [(layer, _submodule(self.module, name, layer)) for layer in layers]
        tensors = [*self.module.parameters(), *self.module.buffers()]
        self._device = tensors[0].device if tensors else torch.device("cpu")
        if self._device.type == "meta":
            raise ValueError(f"{name} has no weights yet (device meta); load them first.")
        types = [t.dtype for t in self.module.parameters() if t.is_floating_point()]
        self._dtype = types[0] if types else torch.float32
        super().__init__(
            name,
            sample_rate,
            classes,
            multi_label,
            outputs=outputs,
            length=length,
            named=layers,
            grid=grid,
        )
        self._find_gradient()
        self.notes += (uncopied,) if uncopied else ()

    def _ask(self, sounds: Tensor) -> Answer:
        given = sounds.clone()  # a module may work in place
        if self._log_mel:
            magnitude = spectra.stft(sounds, self._log_mel).abs()
            given = spectra.log_mel(magnitude, self._log_mel)
        with self._outputs_of_layers() as taken:
            answer = self.module(given.to(self._device, self._dtype))
        if missed := [layer for layer, _ in self._submodules if layer not in taken]:
            raise Unusable(f"{self.name}'s layer {missed[0]!r} is not called; name another.")
        return answer, [taken[layer].to("cpu") for layer, _ in self._submodules]

    @contextmanager
    def _outputs_of_layers(self) -> Iterator[dict[str, Tensor]]:
        """Hooks that live as long as the block, and take what this thread's pass gives."""
        taken: dict[str, Tensor] = {}
        thread, handles = threading.get_ident(), []

        def keep(layer: str) -> Any:
            def hook(module: nn.Module, inputs: Any, output: Any) -> None:
                if threading.get_ident() != thread:
                    return
                first = output[0] if isinstance(output, (tuple, list)) and output else output
                if not isinstance(first, Tensor):
                    raise Unusable(
                        f"{self.name}'s layer {layer!r} gives a {type(output).__name__}, not a "
                        "tensor; name another."
                    )
                taken[layer] = first

            return hook

        try:
            for layer, submodule in self._submodules:
                handles.append(submodule.register_forward_hook(keep(layer)))
            yield taken
        finally:
            for handle in handles:
                handle.remove()


wrap = TorchModule


def _copy(module: nn.Module) -> nn.Module:
    """A copy of a module; itself where none can be made (handles of other libraries, tensors that
    are no leaves), or not one that can be frozen (a ScriptModule's)."""
    try:
        copied = copy.deepcopy(module)
    except Exception:  # a stranger's class may raise anything
        return module
    return copied if all(weights.is_leaf for weights in copied.parameters()) else module


def _submodule(module: nn.Module, name: str, layer: str) -> nn.Module:
    known = dict(module.named_modules())
    if layer in known and layer:
        return known[layer]
    near = difflib.get_close_matches(layer, known, 3, 0.3) or [n for n in known if n][:8]
    raise ValueError(f"{name} has no layer {layer!r}; it has, among others: {', '.join(near)}.")
