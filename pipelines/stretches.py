"""Which clips a config chooses: without those that it leaves out, long recordings in stretches."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch

from l2i_core.data.clips import Clip
from l2i_core.signal import audio
from pipelines.config import DataConfig

Item = TypeVar("Item")


def chosen(config: DataConfig, clips: Sequence[Clip]) -> list[Clip]:
    """The clips that a config takes of these."""
    left_out = set(config.without)
    kept = [clip for clip in clips if clip.name not in left_out]
    return (
        [part for clip in kept for part in _cut(clip, config.seconds)] if config.stretches else kept
    )


def drawn(items: Sequence[Item], most: int, seed: int) -> list[Item]:
    """`most` of the items, drawn by the seed, in their order; all for 0."""
    if not most or len(items) <= most:
        return list(items)
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))
    return [items[i] for i in sorted(order[:most].tolist())]


def _cut(clip: Clip, seconds: float) -> list[Clip]:
    """A recording as clips of so many seconds; a shorter rest where it lasts at least half of it.
    One that would give a single clip stays as it is."""
    assert clip.path is not None
    stat = clip.path.stat()
    whole = _seconds(clip.path, stat.st_mtime_ns, stat.st_size)
    starts = [
        i * seconds for i in range(1 + int(whole / seconds)) if whole - i * seconds >= seconds / 2
    ]
    if len(starts) < 2:
        return [clip]
    parts = [(start, min(start + seconds, whole)) for start in starts]
    return [replace(clip, name=f"{clip.name} at {part[0]:g} s", part=part) for part in parts]


@lru_cache(maxsize=1 << 20)
def _seconds(path: Path, changed: int, size: int) -> float:
    """A file's duration by its header, of a version of it; ValueError where it cannot be read."""
    return audio.header(path).seconds
