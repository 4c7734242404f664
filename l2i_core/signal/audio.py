"""Sound files in and out, and the level on which clips are heard."""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import ArrayLike
from scipy.io import wavfile
from torch import Tensor

from l2i_core.files import atomic
from l2i_core.signal.decoding import Libav, Sndfile, Source, name_of, opened, reason
from l2i_core.signal.spectra import AudioConfig

MIN_SECONDS = 0.1
MAX_SECONDS = 20 * 60
PLAYED_PEAK = 10 ** (-3 / 20)  # an input plays with its peak at −3 dBFS
MOST_GAIN = 10 ** (30 / 20)  # but is not raised by more than 30 dB
_CEILING = 0.99
_BELIEVED = 1 << 26  # samples for which a header's word is taken
_LARGEST = 1e12  # of a sample: its square, added up, stays far within float32


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


def header(source: Source) -> Header:
    """The header of any file that `read` opens; ValueError where it cannot be read."""
    with opened(source) as file:
        return Header(file.frames, file.sample_rate, file.channels)


def read(source: Source, mono: bool = False) -> tuple[np.ndarray, int]:
    """Any file that libsndfile or FFmpeg opens, all the sound that it holds; see `decoding`.

    Returns the samples (channels, n) as float32 and the sampling rate in Hz; mono: the mean of the
    channels (1, n), without all of them in memory. Raises ValueError for a missing, unreadable,
    truncated or empty file.
    """
    with opened(source) as file:
        if file.seconds > MAX_SECONDS:
            raise ValueError(_too_long(name_of(source), file.seconds))
        rows = 1 if mono else file.channels
        samples = np.empty((rows, min(file.frames, _BELIEVED // rows)), dtype=np.float32)
        filled = 0
        for block in file.blocks():
            end = filled + len(block)
            if end > samples.shape[1]:
                more = np.empty((rows, max(end, 3 * filled // 2) - samples.shape[1]), np.float32)
                samples = np.concatenate([samples, more], axis=1)
            samples[:, filled:end] = block.mean(axis=1)[None] if mono else block.T
            filled = end
        check_whole(source, file, filled)
        return samples[:, :filled], file.sample_rate


def read_part(source: Source, start: float, end: float) -> tuple[np.ndarray, int]:
    """Seconds start … end of a file as `read` gives it, mono (1, n), whatever the whole lasts."""
    with opened(source) as file:
        wanted, parts = round((end - start) * file.sample_rate), [np.zeros(0, np.float32)]
        for block in file.blocks(round(start * file.sample_rate)):
            parts.append(block[:wanted].mean(axis=1))
            wanted -= len(parts[-1])
            if wanted <= 0:
                break
        return np.concatenate(parts)[None], file.sample_rate


def stream(source: Source, sample_rate: int) -> Iterator[np.ndarray]:
    """A file as `prepare(*read(…))` gives it, whatever it lasts: mono float32 (n,) at a rate in Hz,
    a block in memory at a time. The resampler's filter runs on from block to block.

    ValueErrors are theirs, but for the longest duration; some come with the last block.
    """
    with opened(source) as file:
        rate, filled = file.sample_rate, 0
        resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        for block in file.blocks():
            check_finite(block)
            filled += len(block)
            mono = block.mean(axis=1)
            yield mono if rate == sample_rate else resampler.resample_chunk(mono)
        check_whole(source, file, filled)
        check_duration(filled / rate)
        if rate != sample_rate:
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def check_whole(source: Source, file: Sndfile | Libav, filled: int) -> None:
    """ValueError where the samples that were read, `filled`, are none or not all."""
    name = name_of(source)
    if filled == 0:
        raise ValueError(f"{name} holds no sound (0 samples). Give a clip of at least 0.1 s.")
    if file.cut_off(filled):
        raise ValueError(
            f"{name} is truncated: after {filled / file.sample_rate:.2f} s the file ends before "
            "its sound does. Copy or export it again."
        )


def write(path: str | os.PathLike[str], waveform: np.ndarray | Tensor, sample_rate: int) -> None:
    """Float32 WAV, mono (n,); written to a temporary name and moved into place.

    Raises ValueError where it cannot be written; nothing is left behind then.
    """
    try:
        with atomic(path) as part:
            soundfile.write(part, np.asarray(waveform), sample_rate, format="WAV", subtype="FLOAT")
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"cannot write {path} ({reason(error)}). Choose a folder that you may write to."
        ) from error


def float_wav(waveform: ArrayLike, sample_rate: int) -> bytes:
    """Float32 WAV, mono (n,), as bytes that depend on the samples alone: libsndfile would put the
    time of writing into such a file."""
    buffer = io.BytesIO()
    wavfile.write(buffer, sample_rate, np.asarray(waveform, dtype=np.float32))
    return buffer.getvalue()


def short(waveform: ArrayLike, gain: float = 1.0) -> np.ndarray:
    """gain · waveform (n,) in 16 bits, cut off at full scale."""
    levels = np.round(np.asarray(waveform, dtype=np.float32) * (gain * 32768))
    return np.clip(levels, -32768, 32767).astype("<i2")


def short_wav(waveform: ArrayLike, sample_rate: int, gain: float = 1.0) -> bytes:
    """16-bit WAV of gain · waveform (n,), with the samples' hash near the start of the file."""
    samples, buffer = short(waveform, gain), io.BytesIO()
    wavfile.write(buffer, sample_rate, samples)
    whole, comment = buffer.getvalue(), hashlib.sha256(samples.tobytes()).hexdigest().encode()
    chunk = b"INFOICMT" + struct.pack("<I", len(comment)) + comment
    head = b"RIFF" + struct.pack("<I", len(whole) + len(chunk)) + whole[8:36]
    return head + b"LIST" + struct.pack("<I", len(chunk)) + chunk + whole[36:]


def prepare(waveform: np.ndarray | Tensor, sample_rate: int, config: AudioConfig) -> Tensor:
    """Mono float32 (n',) at the model's rate, at the clip's own level.

    waveform: (n,) or (channels, n), any rate in Hz; channels are averaged, resampling is soxr's
    high-quality polyphase filter. Raises ValueError for NaN, infinite or huge samples, an
    impossible rate, and clips under 0.1 s or over 20 minutes.
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
    check_finite(samples)
    mono = samples.mean(axis=0) if samples.ndim == 2 else samples
    seconds = len(mono) / sample_rate
    check_duration(seconds)
    if seconds > MAX_SECONDS:
        raise ValueError(_too_long("the clip", seconds))
    if sample_rate != config.sample_rate:
        mono = soxr.resample(mono, sample_rate, config.sample_rate, quality="HQ")
    return torch.from_numpy(np.array(mono, dtype=np.float32))


def check_finite(samples: np.ndarray) -> None:
    """ValueError where samples are NaN, infinite, or too large to compute with."""
    if bad := int((~np.isfinite(samples)).sum()):
        raise ValueError(f"the clip holds {bad} NaN or infinite samples. Repair or re-export it.")
    if (most := float(np.abs(samples).max(initial=0.0))) > _LARGEST:
        raise ValueError(
            f"the clip's samples reach {most:.1e} times full scale; at most {_LARGEST:.0e} is "
            "accepted. Repair or re-export it."
        )


def check_duration(seconds: float) -> None:
    """ValueError for what is shorter than MIN_SECONDS."""
    if seconds < MIN_SECONDS - 1e-6:
        raise ValueError(
            f"the clip lasts {seconds:.3f} s; at least {MIN_SECONDS} s is needed. "
            "Give a longer clip."
        )


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


def _too_long(name: str, seconds: float) -> str:
    return (
        f"{name} lasts {seconds / 60:.1f} minutes; at most {MAX_SECONDS // 60} are accepted. "
        "Cut out the part that you want explained."
    )
