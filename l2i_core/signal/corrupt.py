"""Noise at a signal-to-noise ratio: what the paper's noise experiment adds to a clip."""

import numpy as np
import torch

from l2i_core.signal._torchaudio import torchaudio

COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}  # power falls as 1 / f^exponent


MAX_SNR_DB = 120.0  # beyond it float32 holds only one of the two
_LOWEST_HZ = 20.0  # pink and brown noise start here: below, their power would be inaudible


def coloured_noise(kind: str, length: int, seed: int = 0, sample_rate: int = 44100) -> np.ndarray:
    """Gaussian noise (length,) of unit power whose power spectrum falls as 1 / f^exponent.

    Pink and brown noise have nothing below 20 Hz, so that an SNR speaks of what can be heard.

    kind: "white" (0), "pink" (1) or "brown" (2). Raises ValueError for another kind.
    """
    if kind not in COLOURS:
        raise ValueError(f"unknown noise {kind!r}; accepted: {', '.join(COLOURS)}, or a file.")
    white = np.random.default_rng(seed).standard_normal(length)
    if kind == "white":
        shaped = white
    else:
        frequency = np.fft.rfftfreq(length, 1 / sample_rate)
        weight = np.maximum(frequency, _LOWEST_HZ) ** (-COLOURS[kind] / 2)
        weight[frequency < _LOWEST_HZ] = 0.0
        shaped = np.fft.irfft(np.fft.rfft(white) * weight, length)
    return (shaped / max(float(np.sqrt(np.mean(shaped**2))), 1e-12)).astype(np.float32)


def check_snr(snr_db: float) -> None:
    """ValueError for a ratio that float32 cannot hold."""
    if not abs(snr_db) <= MAX_SNR_DB:
        raise ValueError(
            f"the SNR must lie between −{MAX_SNR_DB:g} and {MAX_SNR_DB:g} dB, received {snr_db:g}."
        )


def add_at_snr(
    signal: np.ndarray, noise: np.ndarray, snr_db: float, name: str = "noise"
) -> np.ndarray:
    """signal + g · noise with 10 log10(P_signal / P_noise) = snr_db over the whole clip; (n,).

    A shorter noise is repeated, a longer one cut. Raises ValueError for a silent signal or noise,
    which is called by its `name`: no gain gives them a ratio.
    """
    check_snr(snr_db)
    repeated = np.resize(noise, signal.shape).astype(np.float32)
    if not np.any(signal):
        raise ValueError("the clip is silent, so no SNR can be set; choose another clip.")
    if not np.any(repeated):
        raise ValueError(f"the {name} is silent in the part that is added; choose another one.")
    mixed = torchaudio.functional.add_noise(
        torch.from_numpy(np.asarray(signal, dtype=np.float32)),
        torch.from_numpy(repeated),
        torch.tensor(float(snr_db)),
    )
    return mixed.numpy()


def snr(signal: np.ndarray, noise: np.ndarray) -> float:
    """10 log10(P_signal / P_noise) in dB (n,), (n,)."""
    return 10 * float(
        np.log10(np.mean(np.square(signal, dtype=float)) / np.mean(np.square(noise, dtype=float)))
    )
