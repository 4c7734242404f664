"""What an added sound does to an explanation: the paper's noise experiment (section 4.1).

One mixture, a sweep over signal-to-noise ratios, or a whole test set. f meets every mixture on
the mixture's own scale, 1 / max|x|; whatever is compared with it (the clip, the noise) is measured
at that same scale. A sound "followed" is the one whose class is explained: the clip, or in an
overlap of two clips either of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from l2i_core.bundle import Bundle
from l2i_core.data.clips import Clip, load_clip, written
from l2i_core.data.sets import data_folder, how_to_get, open_data_set
from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Interpretation
from l2i_core.explainers.protocol import Analysis
from l2i_core.measure import metrics, truth
from l2i_core.signal import spectra
from l2i_core.signal.corrupt import add_at_snr, coloured_noise, snr

SNRS = (-20.0, -10.0, 0.0, 10.0, 20.0, 30.0, 40.0)  # dB, of a sweep
TOP = 5  # the paper counts a class as kept among the interpreter's five highest

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mixture:
    """followed + rest = mixed (n,): float32 at the clip's own level, so none of them clips."""

    followed: np.ndarray
    rest: np.ndarray
    mixed: np.ndarray

    @property
    def snr_db(self) -> float:
        """10 log10(P_followed / P_rest), measured on the sounds as they are, in dB."""
        return snr(self.followed, self.rest)

    def swapped(self) -> Mixture:
        """The same mixture with the other sound followed."""
        return Mixture(self.rest, self.followed, self.mixed)


@dataclass(frozen=True, slots=True)
class Part:
    """One sound of a mixture, and what becomes of it in x_int.

    share: of its energy, the share that passes (`explain.energy_share` at the mixture's filter).
    sdr_before, sdr_after: SI-SDR of the mixture and of x_int against it, in dB; correlation:
    Pearson's r of x_int and it. Where x_int is silent, sdr_after is −inf and correlation NaN.
    """

    share: float
    sdr_before: float
    sdr_after: float
    correlation: float

    @property
    def sdr_gain(self) -> float:
        """How much nearer x_int is to this sound than the mixture is, in dB."""
        return self.sdr_after - self.sdr_before


@dataclass(frozen=True, slots=True)
class Stem:
    """One sound of a mixture: as it was mixed (n,), its |S| (F, T) on the scale on which f met the
    mixture, and the mixture's SI-SDR against it in dB."""

    sound: np.ndarray
    magnitude: Tensor
    sdr: float


@dataclass(frozen=True, slots=True)
class Passed:
    """What of a mixture's two sounds passes into x_int."""

    followed: Part
    rest: Part

    @property
    def snr_gain(self) -> float:
        """By how many dB the followed sound stands out more in x_int than in the mixture; NaN
        where one of them does not pass at all."""
        if self.followed.share <= 0 or self.rest.share <= 0:
            return float("nan")
        return 10 * float(np.log10(self.followed.share / self.rest.share))


@dataclass(frozen=True, slots=True)
class Shift:
    """How relevances changed: Spearman's ρ over all components (NaN where either is constant),
    and how many of the components selected before are still selected."""

    correlation: float
    before: int
    stayed: int
    after: int


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """A noise experiment over a test set: shares and (q25, median, q75) over `n` clips.

    top5, top1: the class f saw in the clean clip is among the interpreter's five highest, is its
    first. clean_top5: the same without noise. decision: f itself stays with its class. fidelity:
    the interpreter's first class is f's, both on the noisy clip. empty: clips in which nothing
    was selected, which count as 0 passed. left_out: clips that could not be measured. NaN for what
    an explainer without logits of its own has not.
    """

    n: int
    left_out: int
    top5: float
    top1: float
    clean_top5: float
    decision: float
    fidelity: float
    rest_passed: tuple[float, float, float]
    followed_passed: tuple[float, float, float]
    empty: int


def mix(clip: np.ndarray, other: np.ndarray, snr_db: float, name: str = "noise") -> Mixture:
    """The clip (n,) with another sound added so that the clip is `snr_db` above it.

    A shorter sound is repeated to the clip's length, a longer one cut. Raises ValueError where the
    clip, or the part of the other sound that is used, is silent; `name` says what it is called.
    """
    clip = np.asarray(clip, dtype=np.float32)
    used = np.resize(np.asarray(other, dtype=np.float32), clip.shape)
    if not np.any(clip):
        raise ValueError(
            "the clip is silent, so nothing can be added at a ratio to it; choose another clip."
        )
    if not np.any(used):
        raise ValueError(
            f"the {name} is silent in the part that would be added; choose another one."
        )
    mixed = add_at_snr(clip, used, snr_db)
    # The difference, not a scaled copy: what is measured is what was added.
    rest = (mixed.astype(np.float64) - clip).astype(np.float32)
    return Mixture(clip, rest, mixed)


def passed(
    engine: L2I, analysis: Analysis, interpretation: Interpretation, mixture: Mixture
) -> Passed:
    """What of the mixture's two sounds passes into x_int; `analysis` is the mixture's."""
    return passed_of(stems(engine, analysis, mixture), analysis, interpretation)


def stems(engine: L2I, analysis: Analysis, mixture: Mixture) -> tuple[Stem, Stem]:
    """The followed sound and the rest, for several interpretations of one mixture."""
    followed, rest = (
        Stem(
            sound,
            spectra.magnitude(truth.log_magnitude(engine, analysis, sound)),
            metrics.si_sdr(mixture.mixed, sound),
        )
        for sound in (mixture.followed, mixture.rest)
    )
    return followed, rest


def passed_of(
    stems: tuple[Stem, Stem], analysis: Analysis, interpretation: Interpretation
) -> Passed:
    """`passed`, of a mixture's stems: the one that is followed, and the rest."""
    x, kept = analysis.spectrogram.log_magnitude, interpretation.log_magnitude
    sound = interpretation.audio.numpy()
    followed, rest = (
        Part(
            masking.energy_share(stem.magnitude, x, kept),
            stem.sdr,
            metrics.si_sdr(sound, stem.sound),
            metrics.correlation(sound, stem.sound),
        )
        for stem in stems
    )
    return Passed(followed, rest)


def relevance_shift(before: Tensor, after: Tensor, threshold: float) -> Shift:
    """Relevances (K,) of one class without and with the added sound, selected at τ."""
    a, b = before.numpy(), after.numpy()
    constant = np.ptp(a) == 0 or np.ptp(b) == 0
    correlation = float("nan") if constant else float(stats.spearmanr(a, b).statistic)
    first, second = a > threshold, b > threshold
    return Shift(correlation, int(first.sum()), int((first & second).sum()), int(second.sum()))


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


def clean_answers(engine: L2I, analysis: Analysis) -> Row:
    """f's decision on a clip without noise, its probability and the interpreter's place of it."""
    said = analysis.predicted
    return {
        "class": engine.classes[said],
        "probability_clean": float(engine.probabilities(analysis.logits)[said]),
        "place_clean": place(analysis.interpreter_logits, said),
    }


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
    through = passed(engine, analysis, made, mixture)
    return {
        "snr_db": mixture.snr_db,
        **answers(engine, analysis, target),
        "components": len(made.selected),
        "followed_passed": through.followed.share,
        "rest_passed": through.rest.share,
        "si_sdr": through.followed.sdr_after,
        "si_sdr_gain": through.followed.sdr_gain,
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


def held_out(bundle: Bundle, root: str | None = None) -> tuple[str, tuple[Clip, ...]]:
    """Name and clips of the test set that the bundle's training record names.

    root: the data set's folder; without it the recorded one is looked for, and named data sets by
    `data_folder`. Raises ValueError where the bundle records no test set or its data are not at
    hand.
    """
    recorded: Mapping[str, Any] = bundle.training.get("config", {}).get("data", {})
    kind, folds = (recorded.get(name) for name in ("kind", "test_folds"))
    if not kind or not folds:
        raise ValueError(
            f"the model {bundle.name} does not record its test set, so there are no clips to "
            "measure; choose a model that was trained by the pipelines."
        )
    known = recorded.get("root")
    if root is None and known and Path(known).is_dir():  # the path may be another machine's
        root = known
    if root is None and kind == "folder":
        raise ValueError(
            f"the model {bundle.name!r} was tested on a folder that it does not name, so its clips "
            "are not at hand; give it with --data to a command."
        )
    if root is None and kind != "synth" and data_folder(kind) is None:
        raise ValueError(
            f"this model's test set, {kind}, is not at hand; {how_to_get(kind)} and start again."
        )
    data = open_data_set(kind, root)
    listed = ", ".join(str(fold) for fold in folds)
    return f"{data.name}, fold {listed}", data.in_folds(folds)


def batch(
    engine: L2I,
    clips: Sequence[Clip],
    kind: str = "white",
    snr_db: float = 0.0,
    seed: int = 0,
    threshold: float = 0.3,
    mask_domain: str = "log",
) -> Iterator[Row]:
    """The noise experiment on every clip: one row each, about f's decision on the clean clip.

    Clip number i gets noise of the seed `seed` + i. A clip that cannot be read or is silent gives
    a row with `error` and no measures, and the rest goes on.
    """
    rate = engine.audio.sample_rate
    for index, clip in enumerate(clips):
        about = {"clip": clip.name, "label": clip.written, "fold": clip.fold, "seed": seed + index}
        try:
            clean = load_clip(clip, engine.audio)
            noise = coloured_noise(kind, len(clean), seed + index, rate)
            mixture = mix(clean, noise, snr_db)
        except ValueError as error:
            yield {**about, "error": str(error)}
            continue
        analysis = engine.analyse(clean, rate)
        yield {
            **about,
            **clean_answers(engine, analysis),
            **measure(engine, mixture, analysis.predicted, threshold, mask_domain),
        }


def summarise(rows: Sequence[Row]) -> BatchSummary:
    """The figures of a batch; ValueError where no clip was measured."""
    good = measured(rows)
    has_order = good[0]["place"] is not None
    follows = [row["predicted"] == row["interpreter_predicted"] for row in good]
    return BatchSummary(
        len(good),
        len(rows) - len(good),
        _share(good, "place", lambda place: place <= TOP),
        _share(good, "place", lambda place: place == 1),
        _share(good, "place_clean", lambda place: place <= TOP),
        _share(good, "decision", lambda decision: decision == 1),
        float(np.mean(follows)) if has_order else math.nan,
        quartiles([row["rest_passed"] for row in good]),
        quartiles([row["followed_passed"] for row in good]),
        sum(row["components"] == 0 for row in good),
    )


def measured(rows: Sequence[Row]) -> list[Row]:
    """The rows of clips that could be measured; ValueError with the first reason for none."""
    good = [row for row in rows if "error" not in row]
    if not good:
        reason = f" ({rows[0]['error'].rstrip('.')})" if rows else ""
        raise ValueError(f"no clip of the test set could be measured{reason}.")
    return good


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """(q25, median, q75) of numbers (n,)."""
    q25, median, q75 = np.quantile(np.asarray(values, dtype=float), (0.25, 0.5, 0.75))
    return float(q25), float(median), float(q75)


def _share(rows: Sequence[Row], column: str, holds: Callable[[Any], bool]) -> float:
    """Of how many rows it holds; NaN where the interpreter has no order of classes."""
    values = [row[column] for row in rows]
    return math.nan if None in values else sum(map(holds, values)) / len(values)
