"""What training reads: every clip's log-magnitude X at f's scale, cut or padded to one length."""

import sys
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from l2i_core.data.clips import Clip, load_clip
from l2i_core.signal import audio, spectra
from l2i_core.signal.spectra import AudioConfig
from pipelines.runs import device


def load_batch(
    clips: Sequence[Clip], config: AudioConfig, seconds: float = 5.0, skip_damaged: bool = False
) -> tuple[Tensor, list[Clip]]:
    """Waveforms (N, n) of one length with peak 1 (silence stays silent), and the clips kept.

    A damaged clip raises ValueError with its name; with `skip_damaged` it is reported on stderr
    and left out.
    """
    length = round(seconds * config.sample_rate)
    waveforms, kept = [], []
    for clip in tqdm(
        clips, desc="reading clips", unit="clip", disable=len(clips) < 50, leave=False
    ):
        try:
            waveform = load_clip(clip, config)
        except ValueError as error:
            if not skip_damaged:
                raise
            print(f"left out: {error}", file=sys.stderr)
            continue
        waveform = np.pad(waveform[:length], (0, max(0, length - len(waveform))))
        waveforms.append(waveform * audio.peak_gain(torch.from_numpy(waveform)))
        kept.append(clip)
    if not kept:
        raise ValueError("no clip could be read; check data.root and the folds.")
    return torch.from_numpy(np.stack(waveforms).astype(np.float32)), kept


def log_magnitudes(waveforms: Tensor, config: AudioConfig) -> Tensor:
    """X (N, F, T) of (N, n), a few clips at a time, on the training device."""
    parts = waveforms.split(16)
    return torch.cat([spectra.log_magnitude(part.to(device()), config) for part in parts])


def log_mels(waveforms: Tensor, front_end: Callable[[Tensor], Tensor]) -> Tensor:
    """What a front end gives, (B, n) → (B, n_mels, T), of (N, n), a few clips at a time, on the
    training device."""
    return torch.cat([front_end(part.to(device())) for part in waveforms.split(16)])


def targets(clips: Sequence[Clip], classes: Sequence[str]) -> Tensor:
    """What f should say (N, C): 1 for every class that a clip holds, else 0.

    Raises ValueError for a class that no clip holds: nothing could be learned of it.
    """
    held = torch.tensor([[float(label in clip.held) for label in classes] for clip in clips])
    if absent := [label for label, any_ in zip(classes, held.any(0), strict=True) if not any_]:
        raise ValueError(f"no training clip holds {absent[0]}; add clips, or remove the class.")
    return held
