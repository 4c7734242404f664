"""FLINT and VIBI over a labelled data set: fidelity, and for VIBI what f says of what it keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l2i_core.bundle import Bundle
from l2i_core.data.clips import Clip, load_clip
from l2i_core.engine import L2I
from l2i_core.explainers import explanations
from l2i_core.explainers.explanations import VibiExplanation
from l2i_core.explainers.flint import Flint
from l2i_core.explainers.protocol import Analysis
from l2i_core.explainers.vibi import Vibi
from l2i_core.files import write_text
from l2i_core.measure import metrics
from l2i_core.measure.evaluation import (
    Progress,
    Row,
    answers,
    clip_logits,
    explained,
    gains_and_drops,
    quartiles,
    to_csv,
)


@dataclass(frozen=True, slots=True)
class BaselineEvaluation:
    """clips: a row per clip; cases: of what can be played a row per clip and class that f decides
    for; summary: accuracy, fidelity, and what else the baseline allows."""

    baseline: str
    clips: tuple[Row, ...]
    cases: tuple[Row, ...]
    summary: dict[str, Any]


def evaluate(
    bundle: Bundle,
    name: str,
    clips: Sequence[Clip],
    progress: Progress | None = None,
    without_classes: Sequence[str] = (),
) -> BaselineEvaluation:
    """Explain every clip by a baseline of the bundle; `progress(done, total)` after each.

    Raises ValueError for an unknown baseline, no clips, and a clip it cannot use.
    """
    model, engine = bundle.baseline(name), L2I(bundle)
    if not clips:
        raise ValueError("there is no clip to evaluate.")
    rows: list[Row] = []
    cases: list[Row] = []
    for index, clip in enumerate(clips):
        analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
        row: Row = {"clip": clip.name, "label": clip.written, "fold": clip.fold}
        if isinstance(model, Vibi):
            kept = explanations.vibi(model, engine, analysis)
            for c in explained(engine, analysis, without_classes):
                cases.append({"clip": clip.name, **_case(engine, analysis, kept, c)})
            logits = kept.logits
        else:
            assert isinstance(model, Flint)
            logits = explanations.flint(model, engine, analysis).logits
        rows.append(row | clip_logits(engine, analysis.logits, logits))
        if progress:
            progress(index + 1, len(clips))
    return BaselineEvaluation(
        name,
        tuple(rows),
        tuple(cases),
        summarise(rows, cases, engine.classes, bundle.multi_label),
    )


def _case(engine: L2I, analysis: Analysis, kept: VibiExplanation, c: int) -> Row:
    return {
        "class": engine.classes[c],
        "probability": float(engine.probabilities(analysis.logits)[c]),
        "probability_interpretation": float(engine.probabilities(kept.logits_interpretation)[c]),
        "same_class": int(c in engine.decided(kept.logits_interpretation)),
        "faithfulness": float(engine.drop(analysis, kept.logits_without[None], c)[0]),
        "span": engine.span(analysis, c),
        "energy_kept": kept.energy_kept,
    }


def summarise(
    clips: Sequence[Row],
    cases: Sequence[Row],
    classes: Sequence[str],
    multi_label: bool = False,
) -> dict[str, Any]:
    """The figures of one baseline from its rows."""
    block = answers(clips, classes, multi_label)
    if not cases:
        return block
    drops = [r["faithfulness"] for r in cases]
    relative = metrics.relative_faithfulness(drops, [r["span"] for r in cases])
    return block | {
        "faithfulness": quartiles(drops)
        | {"positive_fraction": float(np.mean(np.array(drops) > 0))},
        "relative_faithfulness": quartiles(relative),
        "fid_in": float(np.mean([r["same_class"] for r in cases])),
        **gains_and_drops(
            [r["probability"] for r in cases], [r["probability_interpretation"] for r in cases]
        ),
        "energy_kept": float(np.mean([r["energy_kept"] for r in cases])),
    }


def write_baselines(
    evaluations: Sequence[BaselineEvaluation], folder: Path, about: Mapping[str, Any]
) -> None:
    """metrics/baselines.json and, per baseline, clips-NAME.csv and, where it has cases,
    cases-NAME.csv; atomic. `about` is recorded."""
    folder.mkdir(parents=True, exist_ok=True)
    for evaluation in evaluations:
        write_text(folder / f"clips-{evaluation.baseline}.csv", to_csv(evaluation.clips))
        if evaluation.cases:
            write_text(folder / f"cases-{evaluation.baseline}.csv", to_csv(evaluation.cases))
    blocks = {e.baseline: {**e.summary, "about": dict(about)} for e in evaluations}
    write_text(folder / "baselines.json", json.dumps(blocks, indent=1) + "\n")
