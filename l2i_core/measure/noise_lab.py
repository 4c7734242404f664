"""What an added sound does to an explanation: the paper's noise experiment (section 4.1).

One mixture, or a sweep over signal-to-noise ratios, or the most noise at which a decision of f
holds: a search over the ratio, by passes of f alone. A sound "followed" is the one whose class is
explained: the clip, or in an overlap of two clips either of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from l2i_core.data.clips import written
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis
from l2i_core.measure.metrics import spearman
from l2i_core.measure.stems import Mixture, gather, mix
from l2i_core.measure.study import Row
from l2i_core.signal import audio

SNRS = (-20.0, -10.0, 0.0, 10.0, 20.0, 30.0, 40.0)  # dB, of a sweep
TOP = 5  # the paper counts a class as kept among the interpreter's five highest


@dataclass(frozen=True, slots=True)
class Shift:
    """How relevances changed: Spearman's ρ over all components (NaN where either is constant),
    and how many of the components selected before are still selected."""

    correlation: float
    before: int
    stayed: int
    after: int


def relevance_shift(before: Tensor, after: Tensor, threshold: float) -> Shift:
    """Relevances (K,) of one class without and with the added sound, selected at τ."""
    a, b = before.numpy(), after.numpy()
    first, second = a > threshold, b > threshold
    return Shift(spearman(a, b), int(first.sum()), int((first & second).sum()), int(second.sum()))


def place(logits: Tensor | None, index: int) -> int | None:
    """The place of a class among all by its logit (C,), 1 for the highest; None without logits."""
    if logits is None:
        return None
    order = torch.argsort(logits, descending=True, stable=True).tolist()
    return order.index(index) + 1


def answers(engine: L2I, analysis: Analysis, target: int) -> Row:
    """What f and the interpreter say of a mixture; the columns are those of `measure`."""
    return {
        "predicted": _written(engine, analysis.logits),
        "interpreter_predicted": _written(engine, analysis.interpreter_logits),
        "probability": float(engine.probabilities(analysis.logits)[target]),
        "decision": int(target in engine.decided(analysis.logits)),
        "place": place(analysis.interpreter_logits, target),
    }


def _written(engine: L2I, logits: Tensor | None) -> str:
    """A decision as tables hold it, several classes in the order of f's outputs; "" of none."""
    if logits is None:
        return ""
    return written([engine.classes[c] for c in sorted(engine.decided(logits))])


def measure(
    engine: L2I,
    mixture: Mixture,
    target: int,
    threshold: float = 0.3,
    mask_domain: str = "log",
) -> Row:
    """Everything about one mixture for the class of the followed sound, as one row.

    snr_db as measured; predicted and interpreter_predicted, the first class of f and of the
    interpreter, or all above 0.5; probability of the class by f; decision (1 where f decides for
    it); place of the class in the interpreter's order; components |L|; followed_passed and
    rest_passed (energy shares); si_sdr and si_sdr_gain in dB; faithfulness (Eq. 6, `Task.score`)
    and relative_faithfulness.
    """
    analysis = engine.analyse(mixture.mixed, engine.audio.sample_rate)
    made = engine.interpret(analysis, target, threshold, mask_domain)
    verdict = engine.judge(analysis, made)
    through = gather(engine, analysis, mixture.sounds).into(made)
    return {
        "snr_db": mixture.snr_db,
        **answers(engine, analysis, target),
        "components": len(made.selected),
        "followed_passed": through.target.share,
        "rest_passed": through.rest.share,
        "si_sdr": through.target.sdr_after,
        "si_sdr_gain": through.target.sdr_gain,
        "faithfulness": verdict.faithfulness,
        "relative_faithfulness": verdict.relative,
    }


def sweep(
    engine: L2I,
    clip: np.ndarray,
    added: Callable[[int], np.ndarray],
    target: int,
    threshold: float = 0.3,
    mask_domain: str = "log",
    *,
    snrs: Sequence[float] = SNRS,
    seeds: Sequence[int] = (0,),
    name: str = "noise",
    follow_added: bool = False,
) -> Iterator[Row]:
    """One `measure` for each SNR (clip above the added sound, dB) and seed, as they are made.

    added(seed) gives the sound to add (m,) at the model's rate; follow_added explains the class of
    that sound instead of the clip's.
    """
    for level in snrs:
        for seed in seeds:
            mixture = mix(clip, added(seed), level, name)
            if follow_added:
                mixture = mixture.swapped()
            row = measure(engine, mixture, target, threshold, mask_domain)
            yield {"snr_asked": level, "seed": seed, **row}


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


def most_noise(engine: L2I, followed: np.ndarray, added: np.ndarray, target: int) -> int | None:
    """`bearable` for f's decision on a sound (n,) with another added (m,), at the engine's rate:
    whether f still decides for the class `target`. ValueError for silence."""
    return bearable(lambda snr: target in decided(engine, mix(followed, added, snr).mixed))
