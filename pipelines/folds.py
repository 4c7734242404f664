"""docs/results.md: each shipped bundle's tables, and means and deviations over the folds.

Figures are read from bundles' metrics and from assets/results, where `pipelines.reproduce` keeps
those of the other folds. Nothing is computed here but means and deviations.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l2i_core.bundle import Bundle, bundle_folders, load_bundle
from l2i_core.measure import records, tables
from l2i_core.measure.metrics.registry import fidelities_of
from l2i_core.report import paper
from l2i_core.task import ONE_CLASS
from l2i_core.words import counted
from pipelines.config import Config, config_of
from pipelines.results import COLUMNS, LEVELS, Block, bundle_tables, further
from pipelines.tables.markdown import decimal, markdown_table

_PAPERS = {"att": "L2I + Θ_ATT", "max": "L2I + Θ_MAX", "flint": "FLINT", "vibi": "VIBI"}
FOLDS = (1, 2, 3, 4, 5)
CLASS_LEVEL = "0.3"  # τ of the tables by class


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold's figures: a block per system, how they were made, and `by_class`: per interpreter
    `tables.class_figures` at `CLASS_LEVEL`, {} where the fold did not keep them."""

    number: int
    systems: dict[str, Block]
    made: dict[str, Any]
    by_class: dict[str, dict[str, Block]]


def document(names: Sequence[str], results: Path) -> str:
    """The whole of docs/results.md for the bundles and data sets of these names; one of a
    multi-label bundle has no folds, nor has one that was not evaluated."""
    parts = [
        "# Results",
        "Written by `python -m pipelines.reproduce --tables` from the figures that the commands "
        "named below left; nothing is typed by hand but the remarks. How each figure is defined: "
        "[method.md](method.md). What K, μ, α, β, the hidden layers and the pooling change: "
        "[ablation](ablation/README.md).",
    ]
    for name in names:
        bundle = load_bundle(name) if name in bundle_folders() else None
        folds = [] if bundle and bundle.multi_label else read_folds(name, results, bundle)
        if bundle and not folds:
            parts += [f"## {bundle.title} ({name})", *_notes(name, results), bundle_tables(bundle)]
            continue
        if not folds:
            parts.append(f"## {name}\n\nNot run: `python -m pipelines.reproduce` runs it.")
            continue
        title = bundle.title if bundle else folds[0].made["config"]["title"]
        parts += [f"## {title} ({name})", *_notes(name, results)]
        parts += [f"### Over the folds of {name}", origins(folds), fidelity(folds)]
        for system in interpreters(folds):
            parts.append(faithfulness(folds, system))
            if table := by_class(folds, system):
                parts.append(table)
        if bundle:
            parts.append(f"### The bundle {name}, in full\n\n{bundle_tables(bundle)}")
    return "\n\n".join(parts) + "\n"


def _notes(name: str, results: Path) -> list[str]:
    """Our remarks on a data set's figures, where there are any."""
    notes = results / name / "notes.md"
    return [notes.read_text().strip()] if notes.is_file() else []


def read_folds(name: str, results: Path, bundle: Bundle | None) -> list[Fold]:
    """The folds whose figures are there: kept by `reproduce`, or the bundle's own."""
    found = []
    for number in FOLDS:
        folder = results / name / f"fold-{number}"
        if (folder / "run.json").is_file():
            made = json.loads((folder / "run.json").read_text())
            kept = folder / "classes.json"
            classes = json.loads(kept.read_text()) if kept.is_file() else {}
            found.append(Fold(number, systems_in(folder), made, classes))
        elif bundle and bundle.folder and number in _tested(bundle):
            metrics = bundle.folder / "metrics"
            systems = systems_in(metrics)
            about = next(iter(systems.values()))["about"]
            found.append(Fold(number, systems, bundle.training | about, class_figures(metrics)))
    return found


def class_figures(metrics: Path) -> dict[str, dict[str, Block]]:
    """`tables.class_figures` at `CLASS_LEVEL` of each interpreter with rows in a metrics folder."""
    found = {}
    for levels in sorted(metrics.glob("levels-*.csv")):  # a baseline has none
        name = levels.stem.removeprefix("levels-")
        rows = records.read_evaluation(metrics, name)
        if figures := tables.class_figures(*rows, float(CLASS_LEVEL)):
            found[name] = figures
    return found


def _tested(bundle: Bundle) -> list[int]:
    summary = bundle.summary() or {}
    folds = [block["about"]["test_folds"] for block in summary.values()]
    return folds[0] if folds and len(folds[0]) == 1 else []


def systems_in(folder: Path) -> dict[str, Block]:
    """The figures of every system in a folder of metrics, by its name."""
    systems: dict[str, Block] = json.loads((folder / "summary.json").read_text())
    baselines = folder / "baselines.json"
    return systems | (json.loads(baselines.read_text()) if baselines.is_file() else {})


def interpreters(folds: Sequence[Fold]) -> list[str]:
    """The systems that have a table by τ, in the order of the first fold."""
    return list(
        dict.fromkeys(
            name
            for fold in folds
            for name, block in fold.systems.items()
            if "reconstruction_error" in block
        )
    )


def origins(folds: Sequence[Fold]) -> str:
    """Which command made which fold, with seed, date and hardware."""
    rows = []
    for fold in folds:
        made, first = fold.made, next(iter(fold.systems.values()))
        cells = [
            str(fold.number),
            str(first["n"]),
            f"`{made['command']}`" if made.get("command") else "not recorded",
            str(made["seed"]),
            made.get("date", "not recorded"),
            _hardware(made),
        ]
        rows.append(cells)
    missing = [str(n) for n in FOLDS if n not in {f.number for f in folds}]
    note = f"\n\nNot run: fold{'s' * (len(missing) > 1)} {', '.join(missing)}." if missing else ""
    note += "".join(f"\n\n{sentence}" for sentence in _other_settings(folds))
    return markdown_table(["test fold", "n", "command", "seed", "date", "hardware"], rows) + note


def _hardware(made: dict[str, Any]) -> str:
    """Where the parts were trained and the figures measured; one name where that was one place."""
    parts: dict[str, list[str]] = {}
    for part, where in made.get("trained_on", {}).items():
        parts.setdefault(where, []).append(part.removeprefix("interpreter-"))
    measured = made.get("hardware", "not recorded")
    parts.setdefault(measured, []).append("figures")
    if len(parts) == 1:
        return measured
    return "; ".join(f"{', '.join(names)}: {where}" for where, names in parts.items())


def _other_settings(folds: Sequence[Fold]) -> list[str]:
    """A sentence for each set of parts that folds made with other settings than the first fold."""

    def made(fold: Fold) -> dict[str, Any]:  # a setting not yet known then has its default
        return settings_of(config_of(fold.made["config"]), fold.systems)

    reference, differing = made(folds[0]), dict[tuple[str, ...], list[str]]()
    for fold in folds[1:]:
        ours = made(fold)
        parts = tuple(name for name in ours if ours[name] != reference.get(name, ours[name]))
        if parts:
            differing.setdefault(parts, []).append(str(fold.number))
    return [
        f"Fold{'s' * (len(numbers) > 1)} {', '.join(numbers)}: {', '.join(parts)} by another "
        f"recipe than fold {folds[0].number}'s (run.json has it); a mean over the folds mixes the "
        "two."
        for parts, numbers in differing.items()
    ]


def settings_of(config: Config, systems: Iterable[str]) -> dict[str, Any]:
    """What makes f, W and these systems."""
    made = {"f": config.classifier, "W": config.dictionary, "Ψ's layers": config.map_blocks}
    every = config.explainers
    return made | {name: every[name] for name in systems if name in every}


def fidelity(folds: Sequence[Fold]) -> str:
    """f's accuracy, and every system's fidelity and reconstruction beside the paper's."""
    names = list(dict.fromkeys(name for fold in folds for name in fold.systems))
    accuracies = [next(iter(f.systems.values()))["accuracy"] for f in folds]
    text = (
        f"f's accuracy: {spread(accuracies, 3)}; by fold "
        + ", ".join(f"{a:.3f}" for a in accuracies)
        + f". The paper's f (AudioSet weights, ESC-50): {paper.ACCURACY}.\n\n"
    )
    asked = fidelities_of(ONE_CLASS)
    head = ["system", "folds", *(m.symbol for m in asked)]
    head += ["‖X − W H‖ / ‖X‖", "the paper's, ESC-50"]
    rows = []
    for name in names:
        blocks = [f.systems[name] for f in folds if name in f.systems]
        cells = [name, str(len(blocks))]
        cells += [spread([b["fidelity"].get(m.name) for b in blocks], 3) for m in asked]
        errors = [b["reconstruction_error"] for b in blocks if "reconstruction_error" in b]
        published = paper.FIDELITY.get(_PAPERS.get(name, ""), ())
        cells += [spread(errors, 3), " / ".join(f"{v:.3f}" for v in published)]
        rows.append(cells)
    return text + markdown_table(head, rows) + _not_run(folds, names)


def _not_run(folds: Sequence[Fold], names: Sequence[str]) -> str:
    """Which systems lack which of the folds that others have; "" where none does."""
    lacking: dict[str, list[str]] = {}
    for name in names:
        absent = ", ".join(str(f.number) for f in folds if name not in f.systems)
        if absent:
            lacking.setdefault(absent, []).append(name)
    told = [f"{', '.join(names)} on fold{'s' * (',' in n)} {n}" for n, names in lacking.items()]
    return f"\n\nNot run: {'; '.join(told)}." if told else ""


def faithfulness(folds: Sequence[Fold], name: str) -> str:
    """One row per τ: each column's mean and deviation over the folds of their medians or shares."""
    blocks = [f.systems[name] for f in folds if name in f.systems]
    columns = COLUMNS | further(blocks, ONE_CLASS, per_cent=1)
    theirs = paper.FAITHFULNESS if name == "att" else {}
    head = ["τ", *columns, *(["the paper's FF"] if theirs else [])]
    rows = []
    for t in LEVELS:
        if not all(t in b["faithfulness"] for b in blocks):
            continue
        cells = [t, *(spread([get(b, t) for b in blocks], d) for d, get in columns.values())]
        if theirs:
            cells.append(f"{theirs[t]:.2f}" if t in theirs else "")
        rows.append(cells)
    return f"**{name}**, mean over {counted(len(blocks), 'fold')}\n\n" + markdown_table(head, rows)


def by_class(folds: Sequence[Fold], name: str) -> str:
    """One row per class of f's decision, collapsed: means and deviations over the folds that kept
    their figures by class; "" where none did."""
    kept = [f.by_class[name] for f in folds if name in f.by_class]
    if not kept:
        return ""
    columns = (
        ("FF median", 2, "median"),
        ("FF > 0", 2, "positive_fraction"),
        ("Random", 2, "random"),
        ("energy-matched Random", 2, "random_energy"),
        ("FF / span", 3, "relative_median"),
        ("energy-matched Random / span", 3, "random_energy_relative"),
    )
    head = ["f's class", "folds", "clips", *(title for title, _, _ in columns)]
    rows = []
    for label in dict.fromkeys(label for figures in kept for label in figures):
        blocks = [figures[label] for figures in kept if label in figures]
        cells = [label, str(len(blocks)), str(sum(b["n"] for b in blocks))]
        cells += [spread([b[key] for b in blocks], digits) for _, digits, key in columns]
        rows.append(cells)
    over = counted(len(kept), "fold")
    title = f"{name} by class at τ = {CLASS_LEVEL}, medians in each fold; mean over {over}"
    table = markdown_table(head, rows)
    return f"<details><summary>{title}</summary>\n\n{table}\n\n</details>"


def spread(values: Sequence[float | None], digits: int) -> str:
    """Mean ± standard deviation (n − 1) of the values that are there; "" for none."""
    numbers = [v for v in values if v is not None]
    if not numbers:
        return ""
    mean = decimal(float(np.mean(numbers)), digits)
    if len(numbers) == 1:
        return mean
    return f"{mean} ± {float(np.std(numbers, ddof=1)):.{digits}f}"
