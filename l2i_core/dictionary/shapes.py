"""Where the components of a dictionary lie on the frequency axis, and what lies there on mel rows.

A component k is a column w_k of W (F, K), unit norm: a spectral shape in X = log(1 + |S|).
"""

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from l2i_core.dictionary.nmf import centre_bins
from l2i_core.signal import spectra
from l2i_core.signal.spectra import AudioConfig


def outlines(patterns: Tensor, config: AudioConfig, points: int = 40) -> np.ndarray:
    """Small pictures of the columns of W (F, K): their largest weight in each of `points` equal
    steps of the mel axis, as a share of the column's maximum (K, points)."""
    places = mel_places(np.arange(config.n_bins) * (config.sample_rate / config.n_fft), config)
    edges = np.linspace(0, 1, points + 1)
    weight = patterns.numpy().T
    between = np.stack([np.interp((edges[:-1] + edges[1:]) / 2, places, row) for row in weight])
    for step in range(points):
        # Where a step holds bins, a narrow line between two points must not be missed.
        inside = (places >= edges[step]) & (places <= edges[step + 1])
        if inside.any():
            between[:, step] = weight[:, inside].max(axis=1)
    return between / np.maximum(between.max(axis=1, keepdims=True), 1e-12)


def mel_places(hertz: ArrayLike, config: AudioConfig) -> np.ndarray:
    """Where frequencies lie on the mel axis of the model's bands, 0 to 1."""
    bands = spectra.mel_frequencies(config)
    places = np.interp(np.asarray(hertz), bands, np.arange(len(bands)))
    return np.asarray((places + 0.5) / len(bands))


def mel_rows(values: np.ndarray, config: AudioConfig, rows: int = 190) -> np.ndarray:
    """Values over STFT bins (F, T) → their means over equal steps of the mel axis (rows, T)."""
    bands = spectra.mel_frequencies(config)
    steps = np.concatenate([[-0.5], np.arange(len(bands)), [len(bands) - 0.5]])
    ends = (config.f_min, config.f_max or config.sample_rate / 2)
    hertz = np.concatenate([[ends[0]], bands, [ends[1]]])
    edges = np.interp(np.linspace(-0.5, len(bands) - 0.5, rows + 1), steps, hertz)
    # A bin is constant over its own width, so a row's mean is a difference of the running sum.
    places = np.clip(edges * config.n_fft / config.sample_rate + 0.5, 0, len(values))
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    below = np.minimum(places.astype(int), len(values) - 1)
    running = sums[below] + (places - below)[:, None] * values[below]
    return np.diff(running, axis=0) / np.diff(places)[:, None]


def centres(patterns: Tensor, config: AudioConfig) -> np.ndarray:
    """Each column's centre of gravity on the frequency axis in Hz (K,), of W (F, K)."""
    return centre_bins(patterns).numpy() * (config.sample_rate / config.n_fft)


def spread(patterns: Tensor, config: AudioConfig, share: float = 0.5) -> np.ndarray:
    """The band in Hz (K, 2) that holds the middle `share` of each column's weight, of W (F, K)."""
    weight = patterns.double().numpy()
    total = np.cumsum(weight, axis=0) / np.maximum(weight.sum(axis=0), 1e-12)
    edges = [(total < level).sum(axis=0) for level in (0.5 - share / 2, 0.5 + share / 2)]
    return np.stack(edges, axis=1) * (config.sample_rate / config.n_fft)
