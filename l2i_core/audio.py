"""Sound in, spectrograms, sound out.

The only home of STFT, inverse STFT, log-mel and of the log1p / expm1 scale: everything else in
the project works on what these functions return. Settings travel in an `AudioConfig`, one per
model, so nothing here assumes a sampling rate, a clip length or a number of bands.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from l2i_core._torchaudio import torchaudio
from l2i_core.files import atomic

MIN_SECONDS = 0.1
MAX_SECONDS = 20 * 60
CHUNK_FRAMES = 4096  # frames of a long clip that are worked on at a time
# What libsndfile's log says of a chunk of samples that is longer than the file. A program that
# writes to a pipe cannot know the length: it puts a size from 2³¹ − 4096 on, which tells nothing.
_CUT_CHUNK = re.compile(r"\b(?:data|SSND) : (\d+) \(should be (\d+)\)")
_UNKNOWN_SIZE = 2**31 - 4096
_BLOCK = 1 << 20  # frames of a file that are read at a time
PLAYED_PEAK = 10 ** (-3 / 20)  # an input plays with its peak at −3 dBFS
MOST_GAIN = 10 ** (30 / 20)  # but is not raised by more than 30 dB
_CEILING = 0.99
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
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ValueError(f"audio.{name} must be a positive whole number, not {value!r}.")
        if self.win_length > self.n_fft or self.hop_length > self.win_length // 2:
            raise ValueError(
                f"audio needs win_length ≤ n_fft and hop_length ≤ win_length / 2 to be invertible; "
                f"received n_fft {self.n_fft}, win_length {self.win_length}, "
                f"hop_length {self.hop_length}."
            )
        top = self.sample_rate / 2 if self.f_max is None else self.f_max
        for name, value in (("f_min", self.f_min), ("f_max", top), ("top_db", self.top_db)):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError(f"audio.{name} must be a number, not {value!r}.")
        if not 0 <= self.f_min < top <= self.sample_rate / 2 or not self.top_db > 0:
            raise ValueError(
                f"audio needs 0 ≤ f_min < f_max ≤ sample_rate / 2 and top_db > 0; received "
                f"f_min {self.f_min}, f_max {top}, top_db {self.top_db}."
            )

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> AudioConfig:
        """Strict: an unknown key is a ValueError."""
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        if unknown:
            raise ValueError(f"unknown audio setting {unknown[0]!r}.")
        return cls(**values)  # type: ignore[arg-type]

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


@dataclass(frozen=True, slots=True)
class Header:
    """What a sound file says of itself, before its samples are read; rate in Hz."""

    frames: int
    sample_rate: int
    channels: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / self.sample_rate


def header(source: str | os.PathLike[str] | BinaryIO) -> Header:
    """The header of any file that `read` opens; ValueError where it cannot be read."""
    with _opened(source) as file:
        return Header(file.frames, file.samplerate, file.channels)


def read(source: str | os.PathLike[str] | BinaryIO, mono: bool = False) -> tuple[np.ndarray, int]:
    """Any file that libsndfile opens (WAV, FLAC, OGG, MP3, AIFF …).

    Returns the samples (channels, n) as float32 and the sampling rate in Hz; mono: the mean of the
    channels (1, n), without all of them in memory. Raises ValueError for a missing, unreadable,
    truncated or empty file.
    """
    name = _name(source)
    with _opened(source) as file:
        announced, log, kind, rate = file.frames, file.extra_info, file.format, file.samplerate
        if announced / rate > MAX_SECONDS:
            raise ValueError(_too_long(name, announced / rate))
        samples = np.empty((1 if mono else file.channels, announced), dtype=np.float32)
        filled = 0
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            part = block.mean(axis=1)[None] if mono else block.T
            samples[:, filled : filled + len(block)] = part
            filled += len(block)
    if filled == 0:
        raise ValueError(f"{name} holds no sound (0 samples). Give a clip of at least 0.1 s.")
    if filled < 0.99 * announced or _ends_early(source, kind, log):
        raise ValueError(
            f"{name} is truncated: after {filled / rate:.2f} s the file ends before its "
            "sound does. Copy or export it again."
        )
    return samples[:, :filled], rate


def _name(source: str | os.PathLike[str] | BinaryIO) -> str:
    return Path(source).name if isinstance(source, (str, os.PathLike)) else "the upload"


@contextlib.contextmanager
def _opened(source: str | os.PathLike[str] | BinaryIO) -> Iterator[soundfile.SoundFile]:
    """The open file; whatever libsndfile cannot do with it is a ValueError."""
    if isinstance(source, (str, os.PathLike)) and not Path(source).is_file():
        raise ValueError(f"no such audio file: {source}. Give the path of an existing file.")
    try:
        with soundfile.SoundFile(source) as file:
            yield file
    except (soundfile.LibsndfileError, RuntimeError, OSError, EOFError, TypeError) as error:
        raise ValueError(
            f"{_name(source)} cannot be read as audio ({_reason(error)}). "
            "Accepted: WAV, FLAC, OGG, MP3 or AIFF; export it again in one of these."
        ) from error


def write(path: str | os.PathLike[str], waveform: np.ndarray | Tensor, sample_rate: int) -> None:
    """Float32 WAV, mono (n,); written to a temporary name and moved into place.

    Raises ValueError where it cannot be written; nothing is left behind then.
    """
    try:
        with atomic(path) as part:
            soundfile.write(part, np.asarray(waveform), sample_rate, format="WAV", subtype="FLOAT")
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"cannot write {path} ({_reason(error)}). Choose a folder that you may write to."
        ) from error


def float_wav(waveform: np.ndarray | Tensor, sample_rate: int) -> bytes:
    """Float32 WAV, mono (n,), as bytes that depend on the samples alone: libsndfile would put the
    time of writing into such a file."""
    data = np.asarray(waveform, dtype="<f4").tobytes()
    chunks = (
        (b"fmt ", struct.pack("<HHIIHHH", 3, 1, sample_rate, 4 * sample_rate, 4, 32, 0)),
        (b"fact", struct.pack("<I", len(data) // 4)),
        (b"data", data),
    )
    body = b"".join(name + struct.pack("<I", len(chunk)) + chunk for name, chunk in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def prepare(waveform: np.ndarray | Tensor, sample_rate: int, config: AudioConfig) -> Tensor:
    """Mono float32 (n',) at the model's rate, at the clip's own level.

    waveform: (n,) or (channels, n), any rate in Hz; channels are averaged, resampling is soxr's
    high-quality polyphase filter. Raises ValueError for NaN or infinite samples, an impossible
    rate, and clips under 0.1 s or over 20 minutes.
    """
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim not in (1, 2):
        raise ValueError(
            f"a waveform must be (n,) or (channels, n); received the shape {samples.shape}."
        )
    if not isinstance(sample_rate, (int, np.integer)) or sample_rate <= 0:
        raise ValueError(
            f"a sampling rate must be a positive whole number of Hz, not {sample_rate!r}."
        )
    if samples.size == 0:
        raise ValueError("the clip is empty (0 samples). Give a clip of at least 0.1 s.")
    if not np.isfinite(samples).all():
        bad = int((~np.isfinite(samples)).sum())
        raise ValueError(f"the clip holds {bad} NaN or infinite samples. Repair or re-export it.")
    mono = samples.mean(axis=0) if samples.ndim == 2 else samples
    seconds = len(mono) / sample_rate
    if seconds < MIN_SECONDS - 1e-6:
        raise ValueError(
            f"the clip lasts {seconds:.3f} s; at least {MIN_SECONDS} s is needed. "
            "Give a longer clip."
        )
    if seconds > MAX_SECONDS:
        raise ValueError(_too_long("the clip", seconds))
    if sample_rate != config.sample_rate:
        mono = soxr.resample(mono, sample_rate, config.sample_rate, quality="HQ")
    return torch.from_numpy(np.array(mono, dtype=np.float32))


def peak_gain(waveform: Tensor, signed: bool = False) -> float:
    """1 / max|x|, the scale on which f meets a clip; 1 for silence (n,).

    signed: 1 / max(x), the released code's, where the clip has a positive sample.
    """
    peak = float(waveform.max() if signed else waveform.abs().max())
    if signed and peak <= 1e-8:
        return peak_gain(waveform)
    return 1.0 / peak if peak > 1e-8 else 1.0


def common_gain(sounds: Sequence[ArrayLike]) -> float:
    """One factor for all sounds that are compared by ear, the first being the input: its peak
    comes to PLAYED_PEAK, less where another sound would clip. 1 for silence."""
    peaks = [float(np.abs(np.asarray(sound)).max(initial=0.0)) for sound in sounds]
    gain = min(PLAYED_PEAK / peaks[0], MOST_GAIN) if peaks[0] > 0 else 1.0
    loudest = max(peaks)
    return min(gain, _CEILING / loudest) if loudest > 0 else gain


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
    bands = _mel_filters(config, magnitude.device)
    decibels = 10.0 * torch.log10((bands @ magnitude).clamp_min(_MEL_FLOOR))
    floor = decibels.amax(dim=(-2, -1), keepdim=True) - config.top_db
    return torch.maximum(decibels, floor)


def mel_frequencies(config: AudioConfig) -> np.ndarray:
    """Centre frequencies in Hz of the mel bands (n_mels,)."""
    bands = _mel_filters(config, torch.device("cpu")).numpy()
    bins = np.linspace(0, config.sample_rate / 2, config.n_bins)
    weight = bands.sum(axis=1)
    return np.divide(bands @ bins, weight, out=np.zeros(len(bands)), where=weight > 0)


def from_mel_mask(mask: Tensor, config: AudioConfig) -> tuple[Tensor, Tensor]:
    """A mask on mel bands (n_mels, T) carried to the STFT's bins, M and 1 − M (F, T): each bin has
    the mean of its bands, weighted by the filters. Bins that no band hears have M = 0."""
    bands = _mel_filters(config, mask.device)
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
def _mel_filters(config: AudioConfig, device: torch.device) -> Tensor:
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


def _too_long(name: str, seconds: float) -> str:
    return (
        f"{name} lasts {seconds / 60:.1f} minutes; at most {MAX_SECONDS // 60} are accepted. "
        "Cut out the part that you want explained."
    )


def _ends_early(source: str | os.PathLike[str] | BinaryIO, kind: str, log: str) -> bool:
    """Whether a file that opens is cut off: libsndfile reads WAV, AIFF and Ogg up to the cut."""
    if kind == "OGG":  # the last page is marked as the end of the stream, and is there in full
        if isinstance(source, (str, os.PathLike)):
            content = Path(source).read_bytes()
        else:
            source.seek(0)
            content = source.read()
        page = content[content.rfind(b"OggS") :]
        if len(page) < 27 or not page[5] & 4:
            return True
        return len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])
    chunk = _CUT_CHUNK.search(log)
    if chunk is None:
        return False
    announced, present = int(chunk[1]), int(chunk[2])
    return present < 0.99 * announced and announced < _UNKNOWN_SIZE


def _reason(error: BaseException) -> str:
    text = str(error).strip().rstrip(".")
    return text.split(": ")[-1] if text else type(error).__name__
