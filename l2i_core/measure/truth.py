"""Where the stems of a scene are known: does an interpretation hold its source, or another's sound?

For one class that a scene truly holds: how much of each stem's energy passes the filter that x_int
is (`explain.energy_share`), whether the class's own stem passes more than every other (the
background among them), and how near x_int comes to that stem (SI-SDR). The same is measured of
energy-matched Random, and of the ideal mask with this W: H from the stems, how far apart its
patterns could keep them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core.dictionary import masking, nmf
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Interpretation
from l2i_core.explainers.protocol import Analysis
from l2i_core.measure import metrics
from l2i_core.measure.random import energy_matched
from l2i_core.signal import spectra

SYSTEMS = ("interpretation", "random_energy", "ideal")
RANDOM_DRAWS = 5
_ITERATIONS = 100  # of the projections of stems on W

Row = dict[str, Any]
TEXTS = {"interpreter", "clip", "target", "mask_domain", "system"}  # columns that are names


@dataclass(frozen=True, slots=True)
class Heard:
    """What of a scene passes into one kept sound; `own` is the target's stem among the stems.

    passed: share of each stem's energy that passes, in the order of the stems, NaN for a silent
    one. sdr_before, sdr_after: SI-SDR of the mixture and of the kept sound against the target's
    stem, in dB (−inf for silence).
    """

    own: int
    passed: tuple[float, ...]
    sdr_before: float
    sdr_after: float

    @property
    def target(self) -> float:
        """The share of the target's energy that passes."""
        return self.passed[self.own]

    @property
    def interferer(self) -> float:
        """The greatest share that passes of any other stem; 0 where there is none."""
        others = [p for i, p in enumerate(self.passed) if i != self.own and not np.isnan(p)]
        return max(others, default=0.0)

    @property
    def target_first(self) -> bool:
        """Whether more passes of the target than of every other stem."""
        return self.target > self.interferer

    @property
    def sdr_gain(self) -> float:
        """How much nearer the kept sound is to the target than the mixture, in dB."""
        return self.sdr_after - self.sdr_before


@dataclass(frozen=True, slots=True)
class Stems:
    """What is computed once of a scene's stems: sounds (n′,) that add up to the mixture, |S| (F, T)
    of each at f's scale, and its H (K, T), the projection of its X on W."""

    sounds: tuple[np.ndarray, ...]
    magnitudes: tuple[Tensor, ...]
    activations: tuple[Tensor, ...]


@torch.inference_mode()
def gather(engine: L2I, analysis: Analysis, sounds: Sequence[np.ndarray]) -> Stems:
    """The stems (n′,) of an analysed mixture; ValueError for one of another length than it."""
    length = len(analysis.waveform)
    for number, sound in enumerate(sounds, start=1):
        if len(sound) != length:
            raise ValueError(
                f"stem {number} has {len(sound)} samples, the mixture {length}; give stems of the "
                "mixture's length and rate."
            )
    parts = [log_magnitude(engine, analysis, sound) for sound in sounds]
    return Stems(
        tuple(sounds),
        tuple(spectra.magnitude(x) for x in parts),
        tuple(nmf.project(x, engine.dictionary.patterns, iterations=_ITERATIONS) for x in parts),
    )


@torch.inference_mode()
def hear(engine: L2I, analysis: Analysis, kept: Tensor, stems: Stems, own: int) -> Heard:
    """What of each stem passes into X_int `kept` (F, T) of their analysed sum; ValueError for a
    silent target."""
    target, given = stems.sounds[own], analysis.spectrogram
    if not np.any(target):
        raise ValueError(f"stem {own + 1}, the target's, is silent; nothing can be kept of it.")
    passed = [
        masking.energy_share(magnitude, given.log_magnitude, kept)
        if magnitude.any()
        else float("nan")
        for magnitude in stems.magnitudes
    ]
    mixture = analysis.waveform.numpy()
    sound = spectra.invert(kept, given.phase, given.length, engine.audio)[: len(mixture)]
    return Heard(
        own,
        tuple(passed),
        metrics.si_sdr(mixture, target),
        metrics.si_sdr((sound / analysis.gain).numpy(), target),
    )


@torch.inference_mode()
def ideal(
    engine: L2I, analysis: Analysis, stems: Stems, own: int, mask_domain: str = "log"
) -> Tensor:
    """X_int (F, T) of the ideal mask with this W: M = W H_own / Σ W H_i over all stems."""
    patterns, parts = engine.dictionary.patterns, stems.activations
    kept = patterns @ parts[own]
    left = torch.zeros_like(kept)
    for other in (*parts[:own], *parts[own + 1 :]):
        left += patterns @ other
    masks = (masking.ratio(kept, kept + left), masking.ratio(left, kept + left))
    return masking.apply_masks(analysis.spectrogram.log_magnitude, masks, mask_domain)[0]


@torch.inference_mode()
def random_energy(
    engine: L2I, analysis: Analysis, made: Interpretation, draws: int, seed: Sequence[int]
) -> list[Tensor]:
    """X_int (F, T) of `draws` sets of components outside L that carry as much energy as x_int does;
    the same sets in both mask domains."""
    energy = engine.component_energy(analysis)
    sets = energy_matched(energy, made.gains, draws, np.random.default_rng([*seed]))
    all_gains = (masking.gains_of(chosen, len(energy)) for chosen in sets)
    ask = engine.ask(analysis, made.mask_domain)
    return [ask.masked(gains)[0] for gains in all_gains]


@torch.inference_mode()
def check(
    engine: L2I,
    analysis: Analysis,
    targets: Sequence[str],
    stems: Mapping[str, np.ndarray],
    thresholds: Sequence[float],
    mask_domains: Sequence[str] = masking.MASK_DOMAINS,
    draws: int = RANDOM_DRAWS,
    seed: Sequence[int] = (0,),
) -> list[Row]:
    """Classes that the scene holds: a row for each, mask domain, τ and system of SYSTEMS.

    stems: sound (n′,) by class name, and "background". Row: target, threshold, mask_domain,
    decided (1 where f decides for the class), components, system, target_passed,
    interferer_passed, target_first (of Random: the share of draws), si_sdr, si_sdr_gain in dB;
    Random's numbers are medians over its draws. ValueError for a class without a stem.
    """
    gathered, rows = gather(engine, analysis, list(stems.values())), []
    decided = engine.decided(analysis.logits)
    for target in targets:
        if target not in stems:
            raise ValueError(f"the scene has no stem of {target!r}; it has: {', '.join(stems)}.")
        index, own = engine.class_index(target), list(stems).index(target)
        for domain in mask_domains:
            best = hear(
                engine, analysis, ideal(engine, analysis, gathered, own, domain), gathered, own
            )
            for threshold in thresholds:
                made = engine.interpret(analysis, index, threshold, domain)
                ours = hear(engine, analysis, made.log_magnitude, gathered, own)
                drawn_by = [*seed, index, round(100 * threshold)]
                chance = [
                    hear(engine, analysis, kept, gathered, own)
                    for kept in random_energy(engine, analysis, made, draws, drawn_by)
                ]
                about = {
                    "target": target,
                    "threshold": threshold,
                    "mask_domain": domain,
                    "decided": int(index in decided),
                    "components": len(made.selected),
                }
                heard = zip(SYSTEMS, ([ours], chance, [best]), strict=True)
                rows += [{**about, "system": system, **_measures(h)} for system, h in heard]
    return rows


def _measures(heard: Sequence[Heard]) -> Row:
    return {
        "target_passed": float(np.median([h.target for h in heard])),
        "interferer_passed": float(np.median([h.interferer for h in heard])),
        "target_first": float(np.mean([h.target_first for h in heard])),
        "si_sdr": float(np.median([h.sdr_after for h in heard])),
        "si_sdr_gain": float(np.median([h.sdr_gain for h in heard])),
    }


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Medians over rows of one interpreter, system, τ and domain: of those where f decides for the
    class that is there ("right"), and of all; −inf dB (silence) counts as the least."""

    def block(mine: Sequence[Row]) -> dict[str, Any]:
        medians = ("target_passed", "interferer_passed", "si_sdr", "si_sdr_gain", "components")
        return {
            "n": len(mine),
            "target_first": float(np.mean([r["target_first"] for r in mine])),
            **{name: _finite(np.median([r[name] for r in mine])) for name in medians},
        }

    right = [r for r in rows if r["decided"]]
    return {"all": block(rows) if rows else None, "right": block(right) if right else None}


def listed(
    blocks: Mapping[str, Any], mask_domain: str, level: str
) -> list[tuple[str, str, Mapping[str, Any]]]:
    """The rows of a table of truth.json: (interpreter, system, figures), every interpreter with its
    Random, then the ideal mask, which is the same for all ("").

    Figures are those where f decides for the class, of all where it never does.
    """
    rows = [
        (name, system, _best_known(block[mask_domain][level][system]))
        for name, block in blocks.items()
        for system in SYSTEMS[:2]
    ]
    first = next(iter(blocks.values()))[mask_domain][level]["ideal"]
    return [*rows, ("", "ideal", _best_known(first))]


def _best_known(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    return figures["right"] or figures["all"]


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def log_magnitude(engine: L2I, analysis: Analysis, stem: np.ndarray) -> Tensor:
    """X (F, T) of a stem at the mixture's gain."""
    sound = torch.as_tensor(stem, dtype=torch.float32) * analysis.gain
    return spectra.spectrogram(sound, engine.audio, engine.min_length).log_magnitude
