"""Clips made by `synth`, as a data set."""

from __future__ import annotations

from collections.abc import Sequence

from l2i_core.data.clips import Clip, DataSet
from l2i_core.data.sets import KINDS, Kind


def synthesised(seeds: Sequence[int], n_folds: int = 4) -> DataSet:
    """Procedural clips (`synth`), one per class and seed; folds go round the seeds in turn."""
    from l2i_core.data import synth  # scipy.signal, see `clips.load_clip`

    clips = [
        Clip(f"{label}-{seed}", label, index % n_folds + 1, f"synth-{seed}", seed=seed)
        for index, seed in enumerate(seeds)
        for label in synth.LABELS
    ]
    return DataSet("synthesised", synth.LABELS, tuple(clips))


KINDS.add("synth")(Kind(lambda _: synthesised(range(8)), "synthesised clips", None, made=True))
