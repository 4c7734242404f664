"""What a multi-label bundle's tables have instead of accuracy, and its faithfulness by class:
Markdown for `pipelines.results`."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from l2i_core.bundle import Bundle
from l2i_core.measure import records, tables
from l2i_core.measure.metrics.registry import fidelities_of
from l2i_core.measure.random import KINDS
from l2i_core.report import paper
from l2i_core.task import SEVERAL_CLASSES
from l2i_core.words import class_name
from pipelines.tables.markdown import (
    decimal,
    fidelity_cells,
    markdown_table,
    spread,
    test_cells,
)


def opening(block: Mapping[str, Any]) -> str:
    """How well f finds the labels, on how many clips and pairs of clip and class."""
    pairs = next(iter(block["faithfulness"].values()))["n"]
    truth = ", ".join(
        f"{m.symbol} {cell}"
        for m, cell in zip(
            fidelities_of(SEVERAL_CLASSES),
            fidelity_cells(block["truth"], SEVERAL_CLASSES),
            strict=True,
        )
    )
    return (
        f"f against the labels: {truth} (the paper's f on SONYC-UST: macro-AUPRC "
        f"{paper.F_MACRO_AUPRC:.3f}); {block['n']} clips, {pairs} pairs of clip and class that f "
        "hears"
    )


def by_class(bundle: Bundle, folder: Path, name: str) -> str:
    """FF of one interpreter by class beside both Randoms, at the τ of the paper's Fig. 2; "" where
    no Random was drawn there."""
    clips, levels = records.read_evaluation(folder, name)
    threshold = paper.CLASSWISE_TAU
    if threshold not in tables.thresholds_with_random(levels):
        return ""
    rows = tables.at_threshold(clips, levels, threshold)
    head = ["class", "n", "FF", "FF > 0", "Random", "energy-matched Random", "FF larger on", "p"]
    head += ["AUPRC", "f's AUPRC"]
    lines = []
    found = {row["class"]: row for row in tables.detection_by_class(clips, bundle.classes)}
    for own in tables.faithfulness_by_class(rows, bundle.classes):
        tested = [r for r in rows if r.class_ == own["class"] and r.energy_matched]
        figures = [spread(own[k], 3) if own[k]["n"] else "" for k in ("own", *KINDS)]
        cells = [class_name(own["class"]), str(own["n"]), figures[0]]
        cells += [f"{own['positive_fraction']:.2f}", *figures[1:]]
        test = tables.compare(tested, tested, "random_energy") if tested else None
        larger, _, p = test_cells(asdict(test) if test else None)
        cells += [larger, p]
        known = found[own["class"]]
        cells += [decimal(value, 3, "–") for value in (known["AUPRC"], known["f's AUPRC"])]
        lines.append(cells)
    title = f"**{name} by class at τ {threshold:g}** (as the paper's Fig. 2)"
    return f"{title}, FF in {SEVERAL_CLASSES.unit.name}\n\n" + markdown_table(head, lines)
