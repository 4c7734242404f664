"""Where the components of a dictionary lie on the frequency axis.

A component k is a column w_k of W (F, K), unit norm: a spectral shape in X = log(1 + |S|).
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

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


def mel_places(hertz: np.ndarray, config: AudioConfig) -> np.ndarray:
    """Where frequencies lie on the mel axis of the model's bands, 0 to 1."""
    centres = spectra.mel_frequencies(config)
    return (np.interp(hertz, centres, np.arange(len(centres))) + 0.5) / len(centres)


def spread(patterns: Tensor, config: AudioConfig, share: float = 0.5) -> np.ndarray:
    """The band in Hz (K, 2) that holds the middle `share` of each column's weight, of W (F, K)."""
    weight = patterns.double().numpy()
    total = np.cumsum(weight, axis=0) / np.maximum(weight.sum(axis=0), 1e-12)
    edges = [(total < level).sum(axis=0) for level in (0.5 - share / 2, 0.5 + share / 2)]
    return np.stack(edges, axis=1) * (config.sample_rate / config.n_fft)
