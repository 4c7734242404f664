"""What is known of a clip, and what one explanation says of it: for one class, at one τ or all."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from l2i_core.signal.spectra import Spectrogram


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything about a clip that depends on neither class nor τ: one pass of f, and H.

    waveform (n',) is mono, at the model's rate and the clip's own level; `gain` · waveform is what
    f met; `seconds` says which part of the given clip it is. spectrogram: X, phase (F, T) at f's
    scale. logits (C,); activations H (K, T) of the dictionary `patterns` W (F, K); pooled z (K,),
    by Θ or, without one, the mean over time. Of an explainer with a Θ also its logits
    `interpreter_logits` (C,) and attention (T,), summing to 1; else None. Long clips are analysed
    in `windows`, frame ranges, with logits `window_logits` (n, C); the clip's logits and z are the
    windows' means, so that relevances still sum to the interpreter's logit. `memory` keeps what was
    computed of this clip, by name.
    """

    waveform: Tensor
    seconds: tuple[float, float]
    gain: float
    spectrogram: Spectrogram
    logits: Tensor
    activations: Tensor
    patterns: Tensor
    windows: tuple[tuple[int, int], ...]
    window_logits: Tensor
    pooled: Tensor
    interpreter_logits: Tensor | None = None
    attention: Tensor | None = None
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def predicted(self) -> int:
        """f's most probable class."""
        return int(self.logits.argmax())


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What f listened to for one class at one τ.

    relevance r (K,); selected: component indices in falling order of relevance; log_magnitude
    X_int and residual_log_magnitude X_2 (F, T) at f's scale; audio x_int and residual x_2 (n',)
    at the clip's own level; energy_kept: the share of the input's energy that passes into x_int.
    """

    target: str
    target_index: int
    threshold: float
    mask_domain: str
    relevance: Tensor
    selected: tuple[int, ...]
    gains: Tensor
    log_magnitude: Tensor
    residual_log_magnitude: Tensor
    audio: Tensor
    residual: Tensor
    energy_kept: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What f says of the sounds: logits (C,) of x_int and x_2, and FF_x (Eq. 6).

    faithfulness is f(x)_c − f(x_2)_c, in the units of `Task.score`; `relative` is the same as a
    share of f(x)_c − f(silence)_c, NaN where that is not positive: there is nothing to lose.
    """

    logits: Tensor
    logits_interpretation: Tensor
    logits_without: Tensor
    faithfulness: float
    relative: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """All τ levels of one clip and class: rows follow `thresholds` (N,).

    counts (N,): |L|; faithfulness (N,): FF_x (Eq. 6), in the units of `Task.score`;
    logits_interpretation, logits_without (N, C); energy_kept (N,): share of the input's energy in
    x_int; log_energy_removed (N,): see `component_log_energy`.
    """

    target_index: int
    thresholds: tuple[float, ...]
    relevance: Tensor
    counts: Tensor
    faithfulness: Tensor
    logits_interpretation: Tensor
    logits_without: Tensor
    energy_kept: Tensor
    log_energy_removed: Tensor
