"""What the trained baselines, FLINT and VIBI, say of one clip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers import theta
from l2i_core.explainers.flint import Flint
from l2i_core.explainers.protocol import Analysis
from l2i_core.explainers.vibi import GRID, Vibi, chunk_mask
from l2i_core.signal import spectra


@dataclass(frozen=True, slots=True)
class FlintExplanation:
    """What FLINT says of a clip for one class: attributes and relevance (J,), its logits (C,)."""

    target: str
    attributes: Tensor
    relevance: Tensor
    logits: Tensor


@torch.inference_mode()
def flint(
    model: Flint, engine: L2I, analysis: Analysis, target: str | int | None = None
) -> FlintExplanation:
    """Attributes and their relevance for a class (default: f's prediction).

    Raises ValueError for a clip that f hears in windows.
    """
    index = engine.class_index(analysis.predicted if target is None else target)
    _check_whole(engine, analysis, "FLINT")
    x = analysis.spectrogram.log_magnitude
    (heard,) = engine.hearing.hear(analysis.waveform * analysis.gain, x)
    attributes, logits = model(heard.maps)
    relevance = theta.relevance(attributes[0], model.linear.weight[index])
    return FlintExplanation(engine.classes[index], attributes[0], relevance, logits[0])


@dataclass(frozen=True, slots=True)
class VibiExplanation:
    """What VIBI keeps of a clip: chunks (10, 4) as 0/1, X_int (F, T) at f's scale, the
    approximator's logits (C,), what is kept and left as sound (n',) at the clip's level, and f's
    logits (C,) on both at x's gain.

    energy_kept: the share of the input's energy that is kept.
    """

    chunks: Tensor
    log_magnitude: Tensor
    logits: Tensor
    audio: Tensor
    residual: Tensor
    logits_interpretation: Tensor
    logits_without: Tensor
    energy_kept: float


@torch.inference_mode()
def vibi(model: Vibi, engine: L2I, analysis: Analysis) -> VibiExplanation:
    """The chunks that VIBI keeps, as a mask and as sound. It explains f's output as a whole, not a
    class that one may choose. Raises ValueError for a clip that f hears in windows."""
    _check_whole(engine, analysis, "VIBI")
    x = analysis.spectrogram.log_magnitude
    log_mel = spectra.log_mel(spectra.magnitude(x), engine.audio).unsqueeze(0)
    chunks, logits = model(log_mel)
    mask = chunk_mask(chunks, log_mel.shape[1], log_mel.shape[2])[0]
    kept, left = masking.apply_masks(x, spectra.from_mel_mask(mask, engine.audio), "linear")
    given = analysis.spectrogram
    sounds = torch.stack(
        [spectra.invert(part, given.phase, given.length, engine.audio) for part in (kept, left)]
    )
    with_it, without = engine.classify(sounds)
    sound, residual = sounds / analysis.gain
    return VibiExplanation(
        chunks[0].view(GRID),
        kept,
        logits[0],
        sound,
        residual,
        with_it,
        without,
        masking.energy_share(spectra.magnitude(x), x, kept),
    )


def _check_whole(engine: L2I, analysis: Analysis, system: str) -> None:
    """ValueError for a clip that f hears in windows."""
    if len(analysis.windows) > 1:
        seconds = len(analysis.waveform) / engine.audio.sample_rate
        raise ValueError(
            f"{system} explains a clip in one piece; this one lasts {seconds:.0f} s and f hears it "
            f"in {len(analysis.windows)} windows. Choose a window of up to 30 s."
        )
