"""Noise in training, ours and not the paper's: so that f holds where its sounds are not alone."""

import numpy as np
import torch
from torch import Tensor

from l2i_core.signal.audio import peak_gain
from l2i_core.signal.corrupt import add_at_snr, coloured_noise
from pipelines.config import CLIP, NoiseConfig


def with_noise(
    waveforms: Tensor,
    chosen: Tensor,
    settings: NoiseConfig,
    sample_rate: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """The clips `chosen` (B,) of the training waveforms (N, n), each with noise of a kind and at an
    SNR over the whole clip that are drawn for it; → sounds (B, n) of peak 1, as f meets clips.

    Also the clip (B,) that was added, the chosen one itself where none was, and the chosen one's
    share (B,) of the two amplitudes. Silence stays silent, and nothing silent is added.
    """
    chance = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    lowest, highest = settings.snr_db
    sounds, others, shares = [], chosen.clone(), torch.ones(len(chosen))
    for place, clip in enumerate(chosen.tolist()):
        kind, snr_db = str(chance.choice(settings.kinds)), float(chance.uniform(lowest, highest))
        sound, seed = waveforms[clip].numpy(), int(chance.integers(2**31))
        other = (clip + 1 + seed % max(1, len(waveforms) - 1)) % len(waveforms)
        if kind == CLIP:
            added = waveforms[other].numpy()
        else:
            added = coloured_noise(kind, len(sound), seed, sample_rate)
        if sound.any() and added.any():
            sound = add_at_snr(sound, added, snr_db)
            if kind == CLIP:
                others[place], shares[place] = other, 1 / (1 + 10 ** (-snr_db / 20))
        mixed = torch.from_numpy(sound)
        sounds.append(mixed * peak_gain(mixed))
    return torch.stack(sounds), others, shares
