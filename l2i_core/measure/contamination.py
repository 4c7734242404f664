"""A test set with another sound in every clip, as L-MAC is tested (Paissan et al., ICML 2024).

The mixture is the input: what is explained is f's decision on it, not that on the clip alone.
"""

from collections.abc import Sequence

import numpy as np

from l2i_core.data.clips import Clip, load_clip
from l2i_core.measure.evaluation import Load
from l2i_core.measure.stems import Mixture, mix
from l2i_core.signal.corrupt import coloured_noise
from l2i_core.signal.spectra import AudioConfig

KINDS = ("clip", "white")  # a clip of another class of the same test set; white noise


def other_clip(clips: Sequence[Clip], index: int, seed: int = 0) -> Clip:
    """The clip of another class (of a multi-label set: that shares none) which seed and index draw
    for clip number `index`; ValueError where there is none."""
    mine = clips[index]
    others = [
        clip
        for clip in clips
        if clip is not mine and clip.written != mine.written and not set(clip.held) & set(mine.held)
    ]
    if not others:
        raise ValueError(f"all {len(clips)} clips are of the class {mine.written!r}.")
    return others[np.random.default_rng([seed, index]).integers(len(others))]


def contaminate(
    clips: Sequence[Clip],
    index: int,
    kind: str,
    config: AudioConfig,
    snr_db: float = 0.0,
    seed: int = 0,
) -> Mixture:
    """Clip number `index` of a test set, `snr_db` above another sound (n,), at the model's rate.

    Seed and index decide the sound, so that some of the clips get what all of them would. Raises
    ValueError for an unknown kind and where `load_clip`, `other_clip` or `mix` do.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown contamination {kind!r}; accepted: {', '.join(KINDS)}.")
    clean = load_clip(clips[index], config)
    if kind == "clip":
        other = load_clip(other_clip(clips, index, seed), config)
    else:
        other = coloured_noise("white", len(clean), seed + index, config.sample_rate)
    return mix(clean, other, snr_db, "other sound")


def contaminated(clips: Sequence[Clip], kind: str, snr_db: float = 0.0, seed: int = 0) -> Load:
    """`contaminate` for `evaluation.evaluate`, which loads some of the clips with it."""
    numbers = {clip: number for number, clip in enumerate(clips)}
    return lambda clip, config: contaminate(clips, numbers[clip], kind, config, snr_db, seed).mixed
