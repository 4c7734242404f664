"""Spectrograms: the only home of STFT, inverse STFT, log-mel and of the log1p / expm1 scale.

Settings travel in an `AudioConfig`, one per model, so nothing here assumes a sampling rate, a clip
length or a number of bands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from l2i_core.signal._torchaudio import torchaudio

CHUNK_FRAMES = 4096  # frames of a long clip that are worked on at a time
_MEL_FLOOR = 1e-10  # librosa's amin of power_to_db


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """Front-end settings of one model; they travel with its bundle.

    sample_rate, f_min, f_max are in Hz; n_fft, win_length, hop_length in samples; top_db in dB.
    """

    sample_rate: int = 44100
    n_fft: int = 1024
    win_length: int = 1024
    hop_length: int = 512
    n_mels: int = 128
    f_min: float = 0.0
    f_max: float | None = None
    top_db: float = 80.0

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "win_length", "hop_length", "n_mels"):
            if (value := getattr(self, name)) <= 0:
                raise ValueError(f"audio.{name} must be a positive whole number, not {value!r}.")
        if self.win_length > self.n_fft or self.hop_length > self.win_length // 2:
            raise ValueError(
                f"audio needs win_length ≤ n_fft and hop_length ≤ win_length / 2 to be invertible; "
                f"received n_fft {self.n_fft}, win_length {self.win_length}, "
                f"hop_length {self.hop_length}."
            )
        top = self.sample_rate / 2 if self.f_max is None else self.f_max
        if not 0 <= self.f_min < top <= self.sample_rate / 2 or not self.top_db > 0:
            raise ValueError(
                f"audio needs 0 ≤ f_min < f_max ≤ sample_rate / 2 and top_db > 0; received "
                f"f_min {self.f_min}, f_max {top}, top_db {self.top_db}."
            )

    @classmethod
    def for_rate(cls, sample_rate: int) -> AudioConfig:
        """The shipped models' settings at another rate: windows of 20 to 40 ms, a power of two."""
        window = 2 ** round(math.log2(0.028 * sample_rate))
        return cls(sample_rate, max(1024, window), window, window // 2)

    @property
    def n_bins(self) -> int:
        """F, the number of STFT bins."""
        return self.n_fft // 2 + 1

    def n_frames(self, length: int) -> int:
        """T, the number of STFT frames of `length` samples (centred frames)."""
        return length // self.hop_length + 1


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """X = log(1 + |S|) (F, T), phase in radians (F, T), and the clip's length in samples.

    T may cover more than `length` samples: short clips are padded to what the classifier needs,
    and `invert` cuts the result back.
    """

    log_magnitude: Tensor
    phase: Tensor
    length: int


def stft(waveform: Tensor, config: AudioConfig) -> Tensor:
    """Complex STFT (…, F, T) of (…, n): Hann window, centred frames, reflected edges.

    Computed in double precision: log-mel looks 160 dB below a clip's maximum, and single precision
    would fill the bands that a codec has emptied with rounding noise (up to 3 dB on ESC-10).
    """
    return stft_frames(waveform, 0, config.n_frames(waveform.shape[-1]), config)


def stft_frames(waveform: Tensor, start: int, end: int, config: AudioConfig) -> Tensor:
    """Frames start … end − 1 of `stft` (…, F, end − start), from the samples that they need alone.

    Long clips are transformed piece by piece: the double-precision intermediate stays small.
    """
    first = max(0, start - 1)  # one frame more, so that reflection at the end has its samples
    half, length = config.n_fft // 2, waveform.shape[-1]
    low = first * config.hop_length - half
    high = max((end - 1) * config.hop_length + half, half + 1)  # reflection at the start, too
    piece = waveform[..., max(0, low) : min(length, high)].double()
    lead = piece.shape[:-1]
    padded = torch.nn.functional.pad(
        piece.reshape(1, -1, piece.shape[-1]), (max(0, -low), max(0, high - length)), "reflect"
    )
    transformed = torch.stft(
        padded[0],
        config.n_fft,
        config.hop_length,
        config.win_length,
        _window(config.win_length, waveform.device, torch.float64),
        center=False,
        return_complex=True,
    )
    kept = transformed[..., start - first :].to(torch.complex64)
    return kept.reshape(*lead, *kept.shape[-2:])


def log_magnitude(waveform: Tensor, config: AudioConfig) -> Tensor:
    """X = log(1 + |S|) (…, F, T) of (…, n) (paper, section 3)."""
    return torch.log1p(stft(waveform, config).abs())


def spectrogram(waveform: Tensor, config: AudioConfig, min_length: int = 0) -> Spectrogram:
    """X and phase of one clip (n,), zero-padded at its end to `min_length` samples first."""
    length = waveform.shape[-1]
    if length < min_length:
        waveform = torch.nn.functional.pad(waveform, (0, min_length - length))
    frames = config.n_frames(waveform.shape[-1])
    log_magnitude = torch.empty(config.n_bins, frames)
    phase = torch.empty(config.n_bins, frames)
    for start in range(0, frames, CHUNK_FRAMES):
        end = min(start + CHUNK_FRAMES, frames)
        part = stft_frames(waveform, start, end, config)
        log_magnitude[:, start:end], phase[:, start:end] = torch.log1p(part.abs()), part.angle()
    return Spectrogram(log_magnitude, phase, length)


def invert(log_magnitude: Tensor, phase: Tensor, length: int, config: AudioConfig) -> Tensor:
    """INV(X, P) = istft(expm1(X) · e^{iP}) → (…, length) (Algorithm 2)."""
    return torch.istft(
        torch.polar(torch.expm1(log_magnitude), phase),
        config.n_fft,
        config.hop_length,
        config.win_length,
        _window(config.win_length, log_magnitude.device),
        center=True,
        length=length,
    )


def magnitude(log_magnitude: Tensor) -> Tensor:
    """|S| = expm1(X)."""
    return torch.expm1(log_magnitude)


def compress(magnitude: Tensor) -> Tensor:
    """X = log1p(|S|)."""
    return torch.log1p(magnitude)


def log_mel(magnitude: Tensor, config: AudioConfig) -> Tensor:
    """Log-mel in dB (…, n_mels, T) of the magnitude |S| (…, F, T); differentiable.

    Slaney mel bands of the magnitude, 10·log10, reference 1, floor `top_db` under each signal's
    own maximum: librosa's `power_to_db(filters.mel(...) @ |S|)` within 1e-3 dB.
    """
    bands = mel_filters(config, magnitude.device)
    decibels = 10.0 * torch.log10((bands @ magnitude).clamp_min(_MEL_FLOOR))
    floor = decibels.amax(dim=(-2, -1), keepdim=True) - config.top_db
    return torch.maximum(decibels, floor)


def mel_frequencies(config: AudioConfig) -> np.ndarray:
    """Centre frequencies in Hz of the mel bands (n_mels,)."""
    bands = mel_filters(config).numpy()
    bins = np.linspace(0, config.sample_rate / 2, config.n_bins)
    weight = bands.sum(axis=1)
    return np.divide(bands @ bins, weight, out=np.zeros(len(bands)), where=weight > 0)


def from_mel_mask(mask: Tensor, config: AudioConfig) -> tuple[Tensor, Tensor]:
    """A mask on mel bands (n_mels, T) carried to the STFT's bins, M and 1 − M (F, T): each bin has
    the mean of its bands, weighted by the filters. Bins that no band hears have M = 0."""
    bands = mel_filters(config, mask.device)
    weight = bands.sum(dim=0)[:, None]
    heard = weight > 0
    kept = torch.where(heard, bands.T @ mask / weight.clamp_min(1e-12), 0.0)
    left = torch.where(heard, bands.T @ (1 - mask) / weight.clamp_min(1e-12), 1.0)
    return kept, left


def griffin_lim(log_magnitude: Tensor, length: int, config: AudioConfig) -> Tensor:
    """A waveform (length,) whose magnitudes approach expm1(X) (F, T); phase by Griffin-Lim."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchaudio.functional.griffinlim(
            torch.expm1(log_magnitude),
            _window(config.win_length, log_magnitude.device),
            config.n_fft,
            config.hop_length,
            config.win_length,
            power=1.0,
            n_iter=32,
            momentum=0.99,
            length=length,
            rand_init=True,
        )


# Cached tensors outlive their first caller: made under inference mode they could never be part of
# a later backward pass.
@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _window(length: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.hann_window(length, dtype=dtype, device=device)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def mel_filters(config: AudioConfig, device: torch.device | str = "cpu") -> Tensor:
    """Slaney's triangles of unit area (n_mels, F), in double precision as librosa's are.

    torchaudio's, in single precision, are wrong at the triangles' feet by up to 1.5e-3 dB.
    """
    low, high = _hz_to_mel(config.f_min), _hz_to_mel(config.f_max or config.sample_rate / 2)
    edges = _mel_to_hz(np.linspace(low, high, config.n_mels + 2))[:, None]
    bins = np.linspace(0, config.sample_rate / 2, config.n_bins)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles = np.minimum(rising, falling).clip(min=0) * 2 / (edges[2:] - edges[:-2])
    return torch.from_numpy(triangles.astype(np.float32)).to(device)


# Slaney's mel scale: linear up to 1000 Hz, which is 15 mel, then 27 mel for each factor of 6.4.
def _hz_to_mel(hz: float) -> float:
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
