"""What a multi-label bundle's tables have instead of top-k fidelity and accuracy, and its
faithfulness by class: Markdown for `pipelines.results`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from l2i_core.bundle import Bundle
from l2i_core.measure import tables
from l2i_core.measure.evaluation import read_rows
from l2i_core.measure.metrics import PairedTest
from l2i_core.measure.tables import Spread
from l2i_core.report import paper
from l2i_core.words import class_name, unit
from pipelines.markdown import markdown_table

FIGURES = {"macro-AUPRC": "macro_auprc", "micro-AUPRC": "micro_auprc", "max-F1": "max_f1"}


def opening(block: Mapping[str, Any]) -> str:
    """How well f finds the labels, on how many clips and pairs of clip and class."""
    pairs = next(iter(block["faithfulness"].values()))["n"]
    truth = ", ".join(
        f"{name} {value}" for name, value in zip(FIGURES, figures(block["truth"]), strict=True)
    )
    return (
        f"f against the labels: {truth} (the paper's f on SONYC-UST: macro-AUPRC "
        f"{paper.F_MACRO_AUPRC:.3f}); {block['n']} clips, {pairs} pairs of clip and class that f "
        "hears"
    )


def figures(block: Mapping[str, Any]) -> list[str]:
    """Macro-AUPRC, micro-AUPRC and max-F1; "–" where there was nothing to find."""
    return ["–" if block.get(k) is None else f"{block[k]:.3f}" for k in FIGURES.values()]


def overview(summary: Mapping[str, Any]) -> str:
    """One row per interpreter, then the paper's: fidelity and reconstruction."""
    head = ["system", *FIGURES, "‖X − W H‖ / ‖X‖"]
    rows = []
    for name, block in summary.items():
        error = f"{block['reconstruction_error']:.3f}"
        rows.append([name, *figures(block["fidelity"]), error])
    for name, values in paper.DETECTION.items():
        cells = [f"{name}, the paper's on SONYC-UST", *(f"{v:.3f}" for v in values), ""]
        rows.append(cells)
    return markdown_table(head, rows)


def by_class(bundle: Bundle, folder: Path, name: str) -> str:
    """FF of one interpreter by class beside both Randoms, at the τ of the paper's Fig. 2; "" where
    no Random was drawn there."""
    clips = read_rows(folder / f"clips-{name}.csv")
    levels = read_rows(folder / f"levels-{name}.csv")
    threshold = paper.CLASSWISE_TAU
    if threshold not in tables.thresholds_with_random(levels):
        return ""
    rows = tables.at_threshold(clips, levels, threshold)
    head = ["class", "n", "FF", "FF > 0", "Random", "energy-matched Random", "FF larger on", "p"]
    head += ["AUPRC", "f's AUPRC"]
    lines = []
    found = {c.label: c for c in tables.detection_by_class(clips, bundle.classes)}
    for own in tables.faithfulness_by_class(rows, bundle.classes):
        tested = [r for r in rows if r["class"] == own.label and r["energy_matched"]]
        cells = [class_name(own.label), str(own.n), _spread(own.own)]
        cells += [f"{own.positive_fraction:.2f}", _spread(own.random), _spread(own.random_energy)]
        cells += _test(tables.compare(tested, "random_energy") if tested else None)
        cells += [_maybe(found[own.label].auprc), _maybe(found[own.label].truth)]
        lines.append(cells)
    title = (
        f"**{name} by class at τ {threshold:g}** (as the paper's Fig. 2), FF in {unit(True).name}"
    )
    return f"{title}\n\n" + markdown_table(head, lines)


def _spread(values: Spread | None) -> str:
    if values is None:
        return ""
    low, middle, high = (
        f"{round(v, 3) + 0.0:.3f}" for v in (values.q25, values.median, values.q75)
    )
    return f"{middle} ({low} … {high})"


def _test(test: PairedTest | None) -> list[str]:
    if test is None:
        return ["none testable", ""]
    return [f"{test.greater} of {test.n}", "< 0.001" if test.p < 0.001 else f"{test.p:.3f}"]


def _maybe(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
