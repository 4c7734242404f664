"""Which W a clip is explained with: the bundle's, one from a file, or one learned from the clip."""

import json
import os
from pathlib import Path

import torch
from torch import Tensor

from l2i_core.dictionary.nmf import Dictionary, by_frequency, normalise, sparse_nmf
from l2i_core.signal.spectra import AudioConfig
from l2i_core.strict import build
from l2i_core.weights import check_shapes, read_tensors

BUNDLE, CLIP = "bundle", "clip"
COMPONENTS = 30  # of a clip's own W
_FRAMES = 8  # that a component has at least, lest one is each moment's mixture
_ITERATIONS = 120
_SPARSITY = 0.2
_MOST_FRAMES = 2000  # of a long clip that W is learned on


def learned(log_magnitude: Tensor, n_components: int = COMPONENTS) -> Tensor:
    """A clip's own W (F, K): sparse NMF (Eq. 5) of its X (F, T), in rising order of frequency.

    Of a long clip evenly spaced frames are taken, of a short one fewer components. Silence has
    nothing to learn: all columns are 0.
    """
    step = -(-log_magnitude.shape[1] // _MOST_FRAMES)
    x = log_magnitude[:, ::step]
    n_components = min(n_components, max(x.shape[1] // _FRAMES, 2))
    if float(x.max()) == 0.0:
        return x.new_zeros(len(x), n_components)
    return by_frequency(sparse_nmf(x, n_components, _SPARSITY, _ITERATIONS).patterns)


def read(path: str | os.PathLike[str]) -> tuple[Dictionary, AudioConfig]:
    """W of a bundle's folder or of the dictionary.safetensors in it, and its STFT's settings.

    ValueError for another file, and where the two do not fit.
    """
    given = Path(path)
    folder = given if given.is_dir() else given.parent
    tensors_file, config_file = folder / "dictionary.safetensors", folder / "config.json"
    if not (tensors_file.is_file() and config_file.is_file() and given in (folder, tensors_file)):
        raise ValueError(
            f"{given} holds no dictionary; give 'bundle', 'clip', a bundle's folder or the "
            "dictionary.safetensors in one."
        )
    try:
        config = json.loads(config_file.read_text())
        audio, about = config["audio"], config["dictionary"]
        k, groups = about["components"], tuple(about["groups"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{config_file} is damaged or describes no dictionary.") from error
    settings = build(AudioConfig, audio, f"{config_file}: ")
    tensors = read_tensors(tensors_file)
    check_shapes(tensors, {"patterns": torch.empty(settings.n_bins, k)}, tensors_file)
    # fp16 rounds the columns: their unit norm is restored.
    return Dictionary(normalise(tensors["patterns"].float()), groups), settings
