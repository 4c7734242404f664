"""Does an explanation depend on the f it explains? The model-randomisation check of Adebayo et al.
(2018, "Sanity Checks for Saliency Maps"), over the components of a clip.

f's layers are drawn anew from the top down (`classifiers.randomised`), and the same class of the
same clip is explained again by the same explainer, a trained one's Ψ and Θ as they are: its maps
come from the random f. What is then still the same does not come from what f has learned.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core.classifiers.protocol import SoundClassifier
from l2i_core.classifiers.randomised import Randomiser
from l2i_core.data.clips import load_clip
from l2i_core.dictionary import masking
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis
from l2i_core.explainers.surrogate import ACTIVE
from l2i_core.measure.metrics import quartiles, spearman, structural_similarity
from l2i_core.measure.study import Row, Study, measured, of_clips
from l2i_core.strict import at_least

GOAL = 0.2  # Spearman's ρ, all layers drawn anew: at most that
ROWS = "randomisation.csv"
TEXTS = {"interpreter", "clip", "predicted", "down_to", "weights"}  # its columns that are names


@dataclass(frozen=True, slots=True)
class Settings:
    """seeds: random f's; steps: how many numbers of layers from the top are drawn anew, evenly
    spread, the last being all; threshold: τ of the masks."""

    seeds: int = 5
    steps: int = 4
    threshold: float = 0.3

    def __post_init__(self) -> None:
        at_least(self, 1, "seeds", "steps")


def counts(layers: int, steps: int) -> list[int]:
    """Of the top one to all `layers`, `steps` numbers that are evenly spread; fewer where there are
    no more layers. A single step is all."""
    first = 1 if steps > 1 else layers
    return sorted({round(n) for n in np.linspace(first, layers, steps).tolist()})


def with_classifier(engine: L2I, f: SoundClassifier, patterns: Tensor) -> L2I:
    """The same explainer, asked about another f, with the W (F, K) of a clip's activations."""
    bundle = replace(engine.bundle, classifier=f, dictionary=Dictionary(patterns))
    return L2I(bundle, engine.interpreter_name, engine.conventions.name)


def clip_rows(engine: L2I, sound: np.ndarray, settings: Settings) -> list[Row]:
    """f's first class on one clip (n,): a row per seed and number of layers drawn anew.

    `spearman` is ρ of r over the components that are active in the clip (at least 0.1 % of ‖X‖² by
    the true f's explanation), `ssim` that of the masks M (F, T) at τ, `ssim_chance` that of the
    true mask and one whose relevances were shuffled among the active components; `layers` of
    `all_layers` are drawn, `down_to` the last of them. ValueError for a black box.
    """
    random = Randomiser(engine.classifier)
    analysis = engine.analyse(sound, engine.audio.sample_rate)
    target = analysis.predicted
    relevance = engine.relevance(analysis, target)
    active = torch.nonzero(engine.component_energy(analysis) >= ACTIVE).flatten()
    mask = _mask(analysis, relevance, settings)
    rows = []
    for seed in range(settings.seeds):
        order = np.random.default_rng(seed).permutation(len(active))
        shuffled = relevance.clone()
        shuffled[active] = relevance[active][order]
        chance = structural_similarity(mask, _mask(analysis, shuffled, settings))
        for count in counts(len(random.layers), settings.steps):
            other = with_classifier(engine, random.drawn(count, seed), analysis.patterns)
            again = other.analyse(sound, other.audio.sample_rate)
            theirs = other.relevance(again, target)
            rows.append(
                {
                    "predicted": engine.classes[target],
                    "active": len(active),
                    "seed": seed,
                    "layers": count,
                    "all_layers": len(random.layers),
                    "down_to": random.layers[count - 1][0],
                    "spearman": spearman(relevance[active], theirs[active]),
                    "ssim": structural_similarity(mask, _mask(again, theirs, settings)),
                    "ssim_chance": chance,
                }
            )
    return rows


def _mask(analysis: Analysis, relevance: Tensor, settings: Settings) -> Tensor:
    """M (F, T) of the components that a τ selects."""
    chosen = masking.select(relevance, settings.threshold)
    gains = masking.gains_of(chosen, len(relevance))
    return masking.soft_masks(analysis.patterns, analysis.activations, gains)[0]


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """One explainer's rows as figures: quartiles over clips and seeds for every number of layers,
    and `passed`: whether ρ's median is at most `GOAL` with all of them; None where ρ never is a
    number. `undefined`: of how many rows it is none, since an explanation is constant."""
    good = measured(rows)
    levels = []
    for count in sorted({int(row["layers"]) for row in good}):
        mine = [row for row in good if row["layers"] == count]
        found = [math.nan if row["spearman"] == "" else row["spearman"] for row in mine]
        levels.append(
            {
                "layers": count,
                "down_to": mine[0]["down_to"],
                "n": len(mine),
                "undefined": int(np.isnan(found).sum()),
                "spearman": quartiles(found),
                "ssim": quartiles([row["ssim"] for row in mine]),
            }
        )
    median = levels[-1]["spearman"]["median"]
    return {
        "n": len({row["clip"] for row in good}),
        "all_layers": int(good[0]["all_layers"]),
        "active": quartiles([row["active"] for row in good]),
        "ssim_chance": quartiles([row["ssim_chance"] for row in good]),
        "levels": levels,
        "passed": None if median is None else median <= GOAL,
    }


SETTINGS = ("seeds", "steps", "threshold")
STUDY: Study[Settings] = of_clips(
    "randomisation",
    lambda engine, clip, _, settings: clip_rows(engine, load_clip(clip, engine.audio), settings),
    summarise,
    SETTINGS,
    TEXTS,
    SETTINGS,
)
