"""Front ends of published models that are plain signal processing, differentiable: sounds (B, n) →
what the model reads. Each equals the feature extractor of its name in transformers within 1e-3."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from l2i_core.classifiers.maps import Grid
from l2i_core.signal import spectra
from l2i_core.signal._torchaudio import torchaudio
from l2i_core.signal.spectra import AudioConfig

_HOP, _WINDOW = 0.010, 0.025  # seconds, of Kaldi's frames
_WHISPER_FLOOR, _WHISPER_RANGE = 1e-10, 8.0  # of power, and in powers of ten below the maximum


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """features; the longest sound in samples (None: any); how tokens lie, and their step."""

    features: Callable[[Tensor], Tensor]
    longest: int | None
    step_seconds: float
    grid: Grid | None = None


def front_end(extractor: Any, config: Any) -> FrontEnd | None:
    """Of a feature extractor and a model's config, as transformers has them; None where it is none
    of these."""
    make = _FRONT_ENDS.get(type(extractor).__name__)
    return make(extractor, config) if make else None


def _zero_mean_unit_variance(extractor: Any, config: Any) -> FrontEnd:
    """Wav2Vec2, HuBERT, WavLM (Baevski et al. 2020): the waveform itself."""

    def features(sounds: Tensor) -> Tensor:
        if not extractor.do_normalize:
            return sounds
        centred = sounds - sounds.mean(1, keepdim=True)
        return centred / (centred.square().mean(1, keepdim=True) + 1e-7).sqrt()

    step = getattr(config, "inputs_to_logits_ratio", 320)
    return FrontEnd(features, None, step / extractor.sampling_rate)


def _kaldi_filter_bank(extractor: Any, config: Any) -> FrontEnd:
    """AST (Gong et al. 2021): Kaldi's log-mel, zero-padded to `max_length` frames, in patches."""
    rate, frames, bands = extractor.sampling_rate, extractor.max_length, extractor.num_mel_bins
    kaldi = importlib.import_module(f"{torchaudio.__name__}.compliance.kaldi")

    def features(sounds: Tensor) -> Tensor:
        made = torch.stack(
            [
                kaldi.fbank(
                    sound[None], sample_frequency=rate, window_type="hanning", num_mel_bins=bands
                )[:frames]
                for sound in sounds
            ]
        )
        padded = functional.pad(made, (0, 0, 0, frames - made.shape[1]))
        if not extractor.do_normalize:
            return padded
        return (padded - extractor.mean) / (2 * extractor.std)

    tokens = (bands - config.patch_size) // config.frequency_stride + 1
    longest = round(((frames - 1) * _HOP + _WINDOW) * rate)
    return FrontEnd(features, longest, config.time_stride * _HOP, Grid(tokens, special=2))


def _whisper_log_mel(extractor: Any, config: Any) -> FrontEnd:
    """Whisper (Radford et al. 2022): log-mel of the sound zero-padded to `chunk_length` seconds."""
    rate, window, hop = extractor.sampling_rate, extractor.n_fft, extractor.hop_length
    settings = AudioConfig(rate, window, window, hop)
    bands = torch.from_numpy(extractor.mel_filters).float().T

    def features(sounds: Tensor) -> Tensor:
        padded = functional.pad(sounds, (0, extractor.n_samples - sounds.shape[1]))
        power = spectra.stft(padded, settings)[..., :-1].abs().square()
        decades = (bands @ power).clamp_min(_WHISPER_FLOOR).log10()
        top = decades.amax(dim=(1, 2), keepdim=True)
        return (torch.maximum(decades, top - _WHISPER_RANGE) + 4.0) / 4.0

    return FrontEnd(features, extractor.n_samples, 2 * hop / rate)


_FRONT_ENDS: dict[str, Callable[[Any, Any], FrontEnd]] = {
    "Wav2Vec2FeatureExtractor": _zero_mean_unit_variance,
    "ASTFeatureExtractor": _kaldi_filter_bank,
    "WhisperFeatureExtractor": _whisper_log_mel,
}
