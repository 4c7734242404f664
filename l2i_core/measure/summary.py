"""The tables of an evaluation from its rows: what summary.json and baselines.json hold."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from l2i_core.data.clips import classes_of
from l2i_core.files import write_text
from l2i_core.measure import metrics, records
from l2i_core.measure.metrics import quartiles
from l2i_core.measure.metrics.registry import fidelities_of, metrics_of
from l2i_core.measure.random import KINDS, against
from l2i_core.measure.records import Case, ClipRow, LevelRow
from l2i_core.task import ONE_CLASS, Task


def summarise(
    clips: Sequence[ClipRow],
    levels: Sequence[LevelRow],
    classes: Sequence[str],
    task: Task = ONE_CLASS,
) -> dict[str, Any]:
    """The tables of one interpreter from its rows; τ keys are strings ("0.3")."""
    norms = np.array([row.norm for row in clips], dtype=float)
    errors = np.array([row.reconstruction_error for row in clips], dtype=float) * norms
    # ‖X − W H‖ / ‖X‖ over all clips taken together.
    joint = float(np.sqrt(np.sum(errors**2) / max(float(np.sum(norms**2)), 1e-12)))
    block = answers(clips, classes, task) | {"reconstruction_error": joint}
    tables: dict[str, dict[str, Any]] = {}
    for threshold in sorted({row.threshold for row in levels}):
        rows = [row for row in levels if row.threshold == threshold]
        for table, value in _level(records.cases_of(clips, rows), rows, task).items():
            tables.setdefault(table, {})[f"{threshold:g}"] = value
    return block | tables


def answers(
    clips: Sequence[ClipRow], classes: Sequence[str], task: Task = ONE_CLASS
) -> dict[str, Any]:
    """f's accuracy, the fidelity of what explains it, and n.

    Accuracy is over the clips that have a label, None where none has. Of a multi-label model it is
    None, and `truth` says how well f finds the labels; `fidelity` then also holds how well the
    interpreter's probabilities find f's decisions, None where f makes none. Without logits of its
    own an interpreter has no `fidelity`.
    """
    logits = records.matrix(clips, "logits", classes)
    known = [i for i, row in enumerate(clips) if row.label != ""]
    fidelity = {}
    if all(row.interpreter_logits for row in clips):
        theirs = records.matrix(clips, "interpreter_logits", classes)
        asked = dict.fromkeys((*fidelities_of(task), *fidelities_of(ONE_CLASS)))
        fidelity = {each.name: each.of(logits, theirs) for each in asked}
    if task.multi_label:
        held = [classes_of(clips[i].label) for i in known]
        present = np.array([[1.0 if c in labels else -1.0 for c in classes] for labels in held])
        return {
            "accuracy": None,
            "truth": {m.name: m.of(present, logits[known]) for m in fidelities_of(task)},
            "fidelity": fidelity,
            "n": len(clips),
        }
    labels = [classes.index(clips[i].label) if clips[i].label in classes else -1 for i in known]
    return {
        "accuracy": metrics.accuracy(logits[known], labels) if known else None,
        "fidelity": fidelity,
        "n": len(clips),
    }


def figures(cases: Sequence[Case], task: Task) -> dict[str, Any]:
    """Every metric that all of the cases have, by name."""
    found = {m.name: m.over([m.value(case) for case in cases]) for m in metrics_of(task)}
    return {name: figure for name, figure in found.items() if figure is not None}


def _level(cases: Sequence[Case], rows: Sequence[LevelRow], task: Task) -> dict[str, Any]:
    tables = figures(cases, task)
    mean_components = float(np.mean([row.components for row in rows]))
    tables["faithfulness"] |= {"mean_components": mean_components, "n": len(rows)}
    spans = [case.span for case in cases]
    for kind in KINDS:
        values = [getattr(row, kind) for row in rows]
        if None in values:
            continue
        shares = quartiles(metrics.relative_faithfulness(values, spans))
        removed = [(getattr(row, f"{kind}_log_energy"), row.log_energy_removed) for row in rows]
        tables[kind] = {
            **quartiles(values),
            **{f"relative_{name}": value for name, value in shares.items()},
            "log_energy_removed": float(np.mean([theirs for theirs, _ in removed])),
            "test": against(
                [row.faithfulness for row in rows],
                values,
                task.resolution,
                removed if kind == "random_energy" else None,
            ),
        }
    return tables


def refresh_summary(folder: Path, classes: Sequence[str], task: Task = ONE_CLASS) -> dict[str, Any]:
    """Make metrics/summary.json again from the rows beside it, without asking any model.

    Blocks without rows of both kinds stay as they are. The CSV files hold six digits, so figures
    agree with those of `write_evaluation` to about 1e-5. ValueError for an absent or damaged file.
    """
    path = folder / "summary.json"
    if not path.is_file():
        raise ValueError(f"there is no {path}; run pipelines.evaluate first.")
    summary: dict[str, Any] = json.loads(path.read_text())
    for name, block in summary.items():
        with contextlib.suppress(FileNotFoundError):
            made = summarise(*records.read_evaluation(folder, name), classes, task)
            summary[name] = made | {"about": block.get("about", {})}
    write_text(path, json.dumps(summary, indent=1) + "\n")
    return summary
