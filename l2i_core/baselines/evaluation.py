"""FLINT and VIBI over a labelled data set: fidelity, and for VIBI what f says of what it keeps."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2i_core import metrics
from l2i_core.baselines import explanations
from l2i_core.baselines.flint import Flint
from l2i_core.baselines.vibi import Vibi
from l2i_core.bundle import Bundle
from l2i_core.data import Clip, load_clip
from l2i_core.engine import L2I
from l2i_core.evaluation import Row, clip_logits, quartiles, to_csv
from l2i_core.files import write_text


@dataclass(frozen=True, slots=True)
class BaselineEvaluation:
    """clips: a row per clip; summary: accuracy, fidelity, and what else the baseline allows."""

    baseline: str
    clips: tuple[Row, ...]
    summary: dict[str, Any]


def measure(
    bundle: Bundle, name: str, clips: Sequence[Clip]
) -> Generator[tuple[int, int], None, BaselineEvaluation]:
    """Explain every clip by a baseline of the bundle. Yields (clips done, in all); returns the
    evaluation. Raises ValueError for an unknown baseline, no clips, and a clip it cannot use."""
    model = bundle.baseline(name)
    engine = L2I(bundle)
    if not clips:
        raise ValueError("there is no clip to evaluate.")
    rows = []
    for index, clip in enumerate(clips):
        analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
        row: Row = {"clip": clip.name, "label": clip.label, "fold": clip.fold}
        c = analysis.predicted
        if isinstance(model, Vibi):
            kept = explanations.vibi(model, engine, analysis)
            logits = kept.logits
            sounds = torch.stack([kept.audio, kept.residual]) * analysis.gain
            with_it, without = engine.classify(sounds)
            row |= {
                "probability": float(engine.probabilities(analysis.logits)[c]),
                "probability_interpretation": float(engine.probabilities(with_it)[c]),
                "same_class": int(with_it.argmax() == c),
                "faithfulness": float(analysis.logits[c] - without[c]),
                "span": engine.span(analysis, c),
                "energy_kept": kept.energy_kept,
            }
        else:
            assert isinstance(model, Flint)
            logits = explanations.flint(model, engine, analysis).logits
        rows.append(row | clip_logits(engine, analysis.logits, logits))
        yield index + 1, len(clips)
    return BaselineEvaluation(name, tuple(rows), summarise(rows, engine.classes))


def summarise(rows: Sequence[Row], classes: Sequence[str]) -> dict[str, Any]:
    """The figures of one baseline from its rows."""
    logits = np.array([[r[f"logit:{c}"] for c in classes] for r in rows], dtype=float)
    theirs = np.array([[r[f"interpreter_logit:{c}"] for c in classes] for r in rows], dtype=float)
    labels = [classes.index(r["label"]) if r["label"] in classes else -1 for r in rows]
    known = [i for i, r in enumerate(rows) if r["label"] != ""]
    block: dict[str, Any] = {
        "accuracy": (
            metrics.accuracy(logits[known], [labels[i] for i in known]) if known else None
        ),
        "fidelity": {f"top{k}": metrics.top_k_fidelity(logits, theirs, k) for k in (1, 3, 5)},
        "n": len(rows),
    }
    if "faithfulness" not in rows[0]:
        return block
    drops = [r["faithfulness"] for r in rows]
    p = [r["probability"] for r in rows]
    o = [r["probability_interpretation"] for r in rows]
    return block | {
        "faithfulness": quartiles(drops)
        | {"positive_fraction": float(np.mean(np.array(drops) > 0))},
        "relative_faithfulness": quartiles(
            metrics.relative_faithfulness(drops, [r["span"] for r in rows])
        ),
        "fid_in": float(np.mean([r["same_class"] for r in rows])),
        "average_increase": metrics.average_increase(p, o),
        "average_drop": metrics.average_drop(p, o),
        "average_gain": metrics.average_gain(p, o),
        "energy_kept": float(np.mean([r["energy_kept"] for r in rows])),
    }


def write_baselines(
    evaluations: Sequence[BaselineEvaluation], folder: Path, about: Mapping[str, Any]
) -> None:
    """metrics/baselines.json and, per baseline, clips-NAME.csv; atomic. `about` is recorded."""
    folder.mkdir(parents=True, exist_ok=True)
    for evaluation in evaluations:
        write_text(folder / f"clips-{evaluation.baseline}.csv", to_csv(evaluation.clips))
    blocks = {e.baseline: {**e.summary, "about": dict(about)} for e in evaluations}
    write_text(folder / "baselines.json", json.dumps(blocks, indent=1) + "\n")
