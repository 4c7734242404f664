"""Where the stems of a scene are known: does an interpretation hold its source, or another's sound?

For one class that a scene truly holds: how much of each stem's energy passes the filter that x_int
is (`explain.energy_share`), whether the class's own stem passes more than every other (the
background among them), and how near x_int comes to that stem (SI-SDR). The same is measured of
energy-matched Random, and of the ideal mask with this W: H from the stems, which bounds what any
choice of components can reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core import audio, explain, metrics, nmf
from l2i_core.baselines.random import energy_matched
from l2i_core.engine import L2I
from l2i_core.explain import Analysis

SYSTEMS = ("interpretation", "random_energy", "ideal")
RANDOM_DRAWS = 5
_ITERATIONS = 100  # of the projections of stems on W

Row = dict[str, Any]


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


def hear(
    engine: L2I, analysis: Analysis, kept: Tensor, stems: Sequence[np.ndarray], own: int
) -> Heard:
    """What of each stem (n′,) passes into X_int `kept` (F, T) of their analysed sum.

    Raises ValueError for a stem of another length than the mixture, and a silent target.
    """
    mixture = analysis.waveform.numpy()
    for number, stem in enumerate(stems, start=1):
        if len(stem) != len(mixture):
            raise ValueError(
                f"stem {number} has {len(stem)} samples, the mixture {len(mixture)}; give stems of "
                "the mixture's length and rate."
            )
    x, given = analysis.spectrogram.log_magnitude, analysis.spectrogram
    passed = [
        explain.energy_share(magnitude, x, kept) if magnitude.any() else float("nan")
        for magnitude in (audio.magnitude(m) for m in _log_magnitudes(engine, analysis, stems))
    ]
    sound = audio.invert(kept, given.phase, given.length, engine.audio)[: len(mixture)]
    target = stems[own]
    return Heard(
        own,
        tuple(passed),
        metrics.si_sdr(mixture, target),
        metrics.si_sdr((sound / analysis.gain).numpy(), target),
    )


@torch.inference_mode()
def ideal(
    engine: L2I,
    analysis: Analysis,
    stems: Sequence[np.ndarray],
    own: int,
    mask_domain: str = "log",
) -> Tensor:
    """X_int (F, T) of the ideal mask with this W: M = W H_own / Σ W H_i, each H_i the projection
    of a stem's X on W."""
    patterns = engine.dictionary.patterns
    parts = [
        nmf.project(x, patterns, iterations=_ITERATIONS)
        for x in _log_magnitudes(engine, analysis, stems)
    ]
    total = torch.stack(parts).sum(0)
    kept, left = patterns @ parts[own], patterns @ (total - parts[own]).clamp_min(0)
    masks = (explain.ratio(kept, kept + left), explain.ratio(left, kept + left))
    return explain.apply_masks(analysis.spectrogram.log_magnitude, masks, mask_domain)[0]


@torch.inference_mode()
def check(
    engine: L2I,
    analysis: Analysis,
    target: str,
    stems: Mapping[str, np.ndarray],
    threshold: float,
    mask_domain: str = "log",
    draws: int = RANDOM_DRAWS,
    seed: Sequence[int] = (0,),
) -> list[Row]:
    """One class that the scene holds, as a row per system of SYSTEMS.

    stems: sound (n′,) by class name, and "background". Row: target, threshold, mask_domain,
    system, components, decided (1 where f decides for the class), target_passed,
    interferer_passed, target_first (of Random: the share of draws), si_sdr, si_sdr_gain in dB;
    Random's numbers are medians over its draws. ValueError for a class without a stem.
    """
    if target not in stems:
        raise ValueError(f"the scene has no stem of {target!r}; it has: {', '.join(stems)}.")
    index, own, sounds = engine.class_index(target), list(stems).index(target), list(stems.values())
    made = engine.interpret(analysis, index, threshold, mask_domain)
    generator = np.random.default_rng([*seed, index, round(100 * threshold)])
    energy = explain.component_log_energy(
        analysis.spectrogram.log_magnitude, engine.dictionary.patterns, analysis.activations
    )
    sets = energy_matched(energy, made.selected, draws, generator)
    heard = {
        "interpretation": [hear(engine, analysis, made.log_magnitude, sounds, own)],
        "random_energy": [
            hear(engine, analysis, _kept(engine, analysis, chosen, mask_domain), sounds, own)
            for chosen in sets
        ],
        "ideal": [
            hear(engine, analysis, ideal(engine, analysis, sounds, own, mask_domain), sounds, own)
        ],
    }
    about = {
        "target": target,
        "threshold": threshold,
        "mask_domain": mask_domain,
        "decided": int(index in engine.decided(analysis.logits)),
        "components": len(made.selected),
    }
    return [
        {
            **about,
            "system": system,
            "target_passed": float(np.median([h.target for h in all_])),
            "interferer_passed": float(np.median([h.interferer for h in all_])),
            "target_first": float(np.mean([h.target_first for h in all_])),
            "si_sdr": float(np.median([h.sdr_after for h in all_])),
            "si_sdr_gain": float(np.median([h.sdr_gain for h in all_])),
        }
        for system, all_ in heard.items()
    ]


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


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _kept(engine: L2I, analysis: Analysis, chosen: Sequence[int], mask_domain: str) -> Tensor:
    gains = torch.zeros(engine.dictionary.n_components)
    gains[list(chosen)] = 1.0
    return engine.interpret(analysis, mask_domain=mask_domain, gains=gains).log_magnitude


def _log_magnitudes(engine: L2I, analysis: Analysis, stems: Sequence[np.ndarray]) -> list[Tensor]:
    """X (F, T) of each stem at the mixture's gain."""
    return [
        audio.spectrogram(
            torch.as_tensor(stem) * analysis.gain, engine.audio, engine.min_length
        ).log_magnitude
        for stem in stems
    ]
