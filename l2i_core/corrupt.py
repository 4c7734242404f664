"""Noise at a signal-to-noise ratio, and overlaps: what the paper's noise experiment adds to a clip."""

from __future__ import annotations

import numpy as np
import torch

from l2i_core._torchaudio import torchaudio

COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}  # power falls as 1 / f^exponent


def coloured_noise(kind: str, length: int, seed: int = 0) -> np.ndarray:
    """Gaussian noise (length,) of unit power whose power spectrum falls as 1 / f^exponent.

    kind: "white" (0), "pink" (1) or "brown" (2). Raises ValueError for another kind.
    """
    if kind not in COLOURS:
        raise ValueError(f"unknown noise {kind!r}; accepted: {', '.join(COLOURS)}, or a file.")
    white = np.random.default_rng(seed).standard_normal(length)
    spectrum = np.fft.rfft(white)
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    shaped = np.fft.irfft(spectrum * frequency ** (-COLOURS[kind] / 2), length)
    return (shaped / max(float(np.sqrt(np.mean(shaped**2))), 1e-12)).astype(np.float32)


def add_at_snr(signal: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """signal + g · noise with 10 log10(P_signal / P_noise) = snr_db over the whole clip; (n,).

    A shorter noise is repeated, a longer one cut. Raises ValueError for a silent signal or noise:
    no gain gives them a ratio.
    """
    if not np.isfinite(snr_db):
        raise ValueError(f"the SNR must be a finite number of dB, received {snr_db}.")
    repeated = np.resize(noise, signal.shape).astype(np.float32)
    for name, values in (("clip", signal), ("noise", repeated)):
        if not np.any(values):
            raise ValueError(f"the {name} is silent, so no SNR can be set. Choose another {name}.")
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
