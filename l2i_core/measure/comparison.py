"""Explainers of one f on equal footing: the same clips and class, and as much of ‖X‖² removed.

Every explainer is measured at its own τ, and with the components of its highest relevances until
they cover as much of ‖X‖² as another's selection does, the last one by a gain: a drop of f's logit
grows with what is removed, so that only there it tells which choice was better.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core.data.clips import Clip, load_clip
from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.measure.metrics import quartiles, relative_faithfulness
from l2i_core.measure.random import KINDS, against, draw
from l2i_core.measure.records import Case
from l2i_core.measure.study import Row, Step, Study, measured, system_of
from l2i_core.measure.summary import figures
from l2i_core.signal import spectra
from l2i_core.strict import at_least
from l2i_core.task import ONE_CLASS, Task

_MEASURED = (
    *("clip", "probability", "probability_interpretation", "same_class", "faithfulness"),
    *("span", "energy_kept", "log_energy_removed"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """τ; draws of either Random beside every selection, their seed; and of whose selections the
    energy is matched: its name ("att at τ 0.3") and the share of ‖X‖² that it removes, by clip."""

    thresholds: tuple[float, ...] = (0.3, 0.5)
    random_draws: int = 5
    seed: int = 0
    wanted: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at_least(self, 1, "random_draws")


def reaching(relevance: Tensor, shares: Tensor, wanted: float) -> Tensor:
    """Gains (K,) of the highest relevances (K,) that cover just the share `wanted` of ‖X‖²: 1, the
    last one's a fraction. shares (K,): every component's; all where all are too little."""
    order = torch.argsort(relevance, descending=True, stable=True)
    own = shares[order].double()
    room = wanted - (own.cumsum(0) - own)
    gains = torch.zeros_like(relevance)
    gains[order] = (room / own.clamp(min=1e-12)).clamp(0, 1).to(gains.dtype) * (own > 0)
    return gains


def clip_rows(engine: L2I, clip: Clip, seed: Sequence[int], settings: Settings) -> list[Row]:
    """f's first class on one clip: a row per τ and per reference, the columns of `Case`, with the
    Randoms' medians, and `seconds`: what relevances took. ValueError for a clip that is none."""
    sound = load_clip(clip, engine.audio)
    began = time.perf_counter()
    analysis = engine.analyse(sound, engine.audio.sample_rate)
    c = analysis.predicted
    relevance = engine.relevance(analysis, c, measured=True)
    seconds = time.perf_counter() - began
    shares, generator = engine.component_energy(analysis), np.random.default_rng(seed)
    chosen = {
        f"τ {t:g}": masking.gains_of(masking.select(relevance, t), len(relevance))
        for t in settings.thresholds
    }
    for name, by_clip in settings.wanted.items():
        if clip.name not in by_clip:
            raise ValueError(f"the evaluation has no row of it for {name}.")
        chosen[f"as {name}"] = reaching(relevance, shares, by_clip[clip.name])
    ask, x = engine.ask(analysis), analysis.spectrogram.log_magnitude
    gains_of_all = torch.stack(list(chosen.values()))
    with torch.inference_mode():
        kept, left = ask.kept(gains_of_all), ask.left(gains_of_all)
    drops = engine.drop(analysis, left, c).tolist()
    probabilities = engine.probabilities(kept)[:, c].tolist()
    rows = []
    for i, (level, gains) in enumerate(chosen.items()):
        draws = settings.random_draws
        drawn = draw(engine, analysis, c, gains, draws=draws, generator=generator)
        made = ask.masked(gains)[0]
        rows.append(
            {
                "system": system_of(engine),
                "clip": clip.name,
                "predicted": engine.classes[c],
                "level": level,
                "components": int((gains > 0).sum()),
                "probability": float(engine.probabilities(analysis.logits)[c]),
                "probability_interpretation": probabilities[i],
                "same_class": int(kept[i].argmax() == c),
                "faithfulness": drops[i],
                "span": engine.span(analysis, c),
                "energy_kept": masking.energy_share(spectra.magnitude(x), x, made),
                "log_energy_removed": float(gains @ shares),
                **{kind: each.median for kind, each in zip(KINDS, drawn, strict=True)},
                "random_energy_log_energy": drawn[1].log_energy_removed,
                "seconds": seconds,
            }
        )
    return rows


def check(engine: L2I, clips: Sequence[Clip], step: Step, settings: Settings) -> list[Row]:
    """`clip_rows` of a test set's clip number (step), which with the seed decides all draws."""
    (number,) = step
    try:
        return clip_rows(engine, clips[number], [settings.seed, number], settings)
    except ValueError as error:
        return [{"clip": clips[number].name, "error": f"{clips[number].name}: {error}"}]


def summarise(rows: Sequence[Row], task: Task = ONE_CLASS) -> dict[str, Any]:
    """One system's rows as a table by level: every metric of `Case`, mean |L|, the Randoms beside
    it. ValueError where no clip was measured."""
    good = measured(rows)
    levels = {}
    for level in dict.fromkeys(row["level"] for row in good):
        mine = [row for row in good if row["level"] == level]
        cases = [_case(row) for row in mine]
        removed = [(r["random_energy_log_energy"], r["log_energy_removed"]) for r in mine]
        drops = [case.faithfulness for case in cases]
        block = figures(cases, task) | {"components": _mean(r["components"] for r in mine)}
        for kind in KINDS:
            values = [row[kind] for row in mine]
            shares = relative_faithfulness(values, [case.span for case in cases])
            equal = removed if kind == "random_energy" else None
            block[kind] = {
                "relative": quartiles(shares),
                "test": against(drops, values, task.resolution, equal),
            }
        levels[level] = block
    first = [row for row in good if row["level"] == next(iter(levels))]
    seconds = float(np.median([row["seconds"] for row in first]))
    return {"n": len(first), "seconds": seconds, "levels": levels}


def _case(row: Row) -> Case:
    return Case(class_=row["predicted"], **{name: row[name] for name in _MEASURED})


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


STUDY: Study[Settings] = Study(
    "comparison",
    "clip",
    lambda clips, _: [(number,) for number in range(len(clips))],
    check,
    summarise,
    ("thresholds", "random_draws", "seed", "wanted"),
)
