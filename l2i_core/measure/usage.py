"""How a component sounds alone, and how much clips use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core.dictionary import shapes
from l2i_core.engine import L2I
from l2i_core.explainers import theta
from l2i_core.explainers.explained import Analysis
from l2i_core.measure.records import ClipRow
from l2i_core.signal import spectra

# A component counts as active in a clip where z_k is above this share of the largest z of all
# clips: 60 dB is what a rounding error stays below and nothing audible does.
ACTIVE = 1e-3


@dataclass(frozen=True, slots=True)
class Alone:
    """One component in one clip, twice, beside the clip: waveforms (n',) at the clip's own level
    and their X (F, T) at f's scale. `template` is w_k h_k with a phase by Griffin-Lim, `cut` is
    x_k, the clip through the component's mask."""

    sounds: tuple[Tensor, Tensor, Tensor]
    log_magnitudes: tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Usage:
    """Who uses which component. pooled z (N, K) of N clips, their relevance r (N, K) for f's
    decision; counts (K,): clips in which r_k > τ; strength (K,): mean z; active (K,): whether
    any clip has the component at all."""

    pooled: np.ndarray
    relevance: np.ndarray
    counts: np.ndarray
    strength: np.ndarray
    active: np.ndarray

    def strongest(self, component: int, most: int) -> list[int]:
        """The clips (rows) with the largest z_k, largest first; those without it are left out."""
        values = self.pooled[:, component]
        order = np.argsort(-values, kind="stable")[:most]
        floor = ACTIVE * float(self.pooled.max(initial=0.0))
        return [int(row) for row in order if values[row] > floor]


def template(engine: L2I, analysis: Analysis, component: int) -> Tensor:
    """w_k h_k (F, T): what the component contributes to W H in this clip; ValueError for a
    component that does not exist."""
    if not 0 <= component < engine.dictionary.n_components:
        raise ValueError(
            f"component {component} does not exist; they are numbered from 0 to "
            f"{engine.dictionary.n_components - 1}."
        )
    return torch.outer(engine.dictionary.patterns[:, component], analysis.activations[component])


@torch.inference_mode()
def template_audio(engine: L2I, analysis: Analysis, component: int) -> Tensor:
    """The component's shape alone → (n,) at the clip's own level: magnitudes expm1(w_k h_k), and a
    phase by Griffin and Lim (1984), from a seed. ValueError for one that does not exist."""
    target, length = template(engine, analysis, component), len(analysis.waveform)
    padded = max(length, engine.min_length)  # what a short clip's frames cover
    return spectra.griffin_lim(target, padded, engine.audio)[:length] / analysis.gain


@torch.inference_mode()
def alone(engine: L2I, analysis: Analysis, component: int, mask_domain: str = "log") -> Alone:
    """The clip, the component's template alone, and the component cut out of the clip; ValueError
    for a component that does not exist and an unknown mask domain."""
    sounds = (
        analysis.waveform,
        template_audio(engine, analysis, component),
        engine.component_audio(analysis, component, mask_domain),
    )
    shown = tuple(
        spectra.spectrogram(sound * analysis.gain, engine.audio, engine.min_length).log_magnitude
        for sound in sounds
    )
    return Alone(sounds, (shown[0], shown[1], shown[2]))


def part(analysis: Analysis, components: Sequence[int]) -> Tensor:
    """Σ_k w_k h_k (F, T) of some components: their part of W H."""
    chosen = list(components)
    return analysis.patterns[:, chosen] @ analysis.activations[chosen]


@torch.inference_mode()
def spelled(engine: L2I, analysis: Analysis, components: Sequence[int]) -> Tensor:
    """What some components spell without a mask: the inverse STFT of the sum of w_k h_k, with the
    clip's phase → (n,) at the clip's own level. With all K it is the sound of W·H (Eq. 3)."""
    x, length = analysis.spectrogram, len(analysis.waveform)
    sound = spectra.invert(part(analysis, components), x.phase, x.length, engine.audio)
    return sound[:length] / analysis.gain


def usage(
    pooled: np.ndarray, predicted: Sequence[int], class_weights: Tensor | None, threshold: float
) -> Usage:
    """How clips use the components: z (N, K), f's classes (N,), θ (C, K), τ.

    Without a θ no relevance is known (NaN), and the counts are of clips with the component at all.
    """
    z = np.asarray(pooled, dtype=np.float32)
    there = z > ACTIVE * z.max(initial=0.0)
    if class_weights is None:
        relevance, used = np.full_like(z, np.nan), there
    else:
        weights = class_weights[list(predicted)]
        relevance = theta.relevance(torch.from_numpy(z), weights).numpy()
        used = relevance > threshold
    strength = z.sum(axis=0) / max(len(z), 1)
    return Usage(z, relevance, used.sum(axis=0), strength, there.any(axis=0))


def usage_of_rows(rows: Sequence[ClipRow], engine: L2I, threshold: float) -> Usage:
    """`usage` of the clips of an evaluation.

    Raises ValueError for rows of another model: no z of K components, or an unknown class.
    """
    components = [str(k) for k in range(engine.dictionary.n_components)]
    if not rows:
        raise ValueError("the per-clip metrics have no rows; evaluate the model again.")
    if any(list(row.pooled) != components for row in rows):
        raise ValueError(
            f"the per-clip metrics do not have z of exactly {len(components)} components; "
            "they belong to another model: evaluate this one again."
        )
    pooled = np.array([list(row.pooled.values()) for row in rows])
    predicted = [engine.class_index(row.predicted) for row in rows]
    return usage(pooled, predicted, engine.class_weights, threshold)


def class_weight_rows(engine: L2I, names: Mapping[int, str] | None = None) -> list[dict[str, Any]]:
    """θ as a table, one row per component: its name if it has one, the class on whose clips it was
    learned where that is recorded, Hz, θ of every class."""
    patterns, groups = engine.dictionary.patterns, engine.dictionary.groups
    centres, bands = shapes.centres(patterns, engine.audio), shapes.spread(patterns, engine.audio)
    weights: dict[str, list[float]] = {}
    if engine.class_weights is not None:
        weights = dict(zip(engine.classes, engine.class_weights.tolist(), strict=True))
    return [
        {
            "component": k,
            "name": (names or {}).get(k, ""),
            **({"learned_on": groups[k]} if groups else {}),
            "centre_hz": float(centres[k]),
            "band_low_hz": float(bands[k, 0]),
            "band_high_hz": float(bands[k, 1]),
            **{f"theta:{label}": row[k] for label, row in weights.items()},
        }
        for k in range(engine.dictionary.n_components)
    ]
