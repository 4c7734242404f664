"""What explains a decision of f: an `Analysis` of a clip, and relevances of its components."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from l2i_core.signal.spectra import Spectrogram


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything about a clip that depends on neither class nor τ: one pass of f and Ψ.

    waveform (n',) is mono, at the model's rate and the clip's own level; `gain` · waveform is what
    f met; `seconds` says which part of the given clip it is. spectrogram: X,
    phase (F, T) at f's scale. logits, interpreter_logits (C,);
    activations H (K, T); attention (T,), summing to 1; pooled z (K,). Long clips are analysed in
    `windows`, frame ranges, with logits `window_logits` (n, C); the clip's logits and z are the
    windows' means, so that relevances still sum to the interpreter's logit.
    """

    waveform: Tensor
    seconds: tuple[float, float]
    gain: float
    spectrogram: Spectrogram
    logits: Tensor
    interpreter_logits: Tensor
    activations: Tensor
    attention: Tensor
    pooled: Tensor
    windows: tuple[tuple[int, int], ...]
    window_logits: Tensor

    @property
    def predicted(self) -> int:
        """f's most probable class."""
        return int(self.logits.argmax())
