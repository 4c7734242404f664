"""The most noise at which a decision of f holds: a search over the SNR, by passes of f alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from l2i_core.engine import L2I
from l2i_core.measure.stems import mix
from l2i_core.signal import audio

LOWEST, HIGHEST, STEP = -20, 40, 10  # dB: where it is looked for, and the first steps down


def bearable(holds: Callable[[int], bool]) -> int | None:
    """The lowest SNR at which `holds(snr)` is true, in whole dB, by at most 11 questions; None
    where it is not even at HIGHEST.

    From HIGHEST down in steps of STEP to the first level at which it is not, then bisection of that
    step. So it held at every level asked about from the answer up, and not 1 dB below, but for
    LOWEST, which is the end. Where a decision is lost and comes back in more noise, what lies below
    its first loss does not count; a loss between two steps at which it holds is not seen.
    """
    held: int | None = None
    for level in range(HIGHEST, LOWEST - 1, -STEP):
        if not holds(level):
            break
        held = level
    if held is None or held == LOWEST:
        return held
    lost = held - STEP
    while held - lost > 1:
        middle = (held + lost) // 2
        held, lost = (middle, lost) if holds(middle) else (held, middle)
    return held


def decided(engine: L2I, sound: np.ndarray) -> tuple[int, ...]:
    """The classes that f decides for on a sound (n,) at the engine's rate, brought to a peak of 1
    as `analyse` does: a pass of f and nothing else."""
    clip = torch.from_numpy(sound)
    with torch.no_grad():
        return engine.decided(engine.classify((clip * audio.peak_gain(clip))[None])[0])


def of_decision(engine: L2I, followed: np.ndarray, added: np.ndarray, target: int) -> int | None:
    """`bearable` for f's decision on a sound (n,) with another added (m,), at the engine's rate:
    whether f still decides for the class `target`. ValueError for silence."""
    return bearable(lambda snr: target in decided(engine, mix(followed, added, snr).mixed))
