"""The tables of README and docs, from a bundle's own metrics: `python -m pipelines.results`.

Prints Markdown. Every figure was written by `pipelines.evaluate` on the bundle as loaded.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from l2i_core.arguments import Parser
from l2i_core.bundle import Bundle, load_bundle
from l2i_core.explainers.conventions import CONVENTIONS, PAPER
from l2i_core.measure.metrics.registry import fidelities_of, metrics_of, single
from l2i_core.measure.summary import refresh_summary
from l2i_core.report import paper
from l2i_core.task import ONE_CLASS, Task
from pipelines.evaluate import metrics_folder
from pipelines.runs import main_guard
from pipelines.tables import detection
from pipelines.tables.comparison import comparison_table
from pipelines.tables.experiments import experiment_tables, randomisation_table, truth_tables
from pipelines.tables.markdown import (
    decimal,
    fidelity_cells,
    made_by,
    markdown_table,
    quartile_range,
    spread,
    test_cells,
)

NAMES = {"random": "Random", "random_energy": "energy-matched Random"}
LEVELS = ("0.9", "0.7", "0.5", "0.3", "0.1")
Block = dict[str, Any]
Get = Callable[[Block, str], float | None]


def _of(table: str, key: str) -> Get:
    return lambda block, level: block.get(table, {}).get(level, {}).get(key)


# Heading: decimals, and the figure of an interpreter's block at a τ. The other metrics' columns
# follow from the registry.
COLUMNS: dict[str, tuple[int, Get]] = {
    "mean \\|L\\|": (1, _of("faithfulness", "mean_components")),
    "FF median": (2, _of("faithfulness", "median")),
    "FF > 0": (2, _of("faithfulness", "positive_fraction")),
    "Random": (2, _of("random", "median")),
    "FF / span": (3, _of("relative_faithfulness", "median")),
    "energy-matched Random": (3, _of("random_energy", "relative_median")),
}
_OWN = ("faithfulness", "relative_faithfulness", "energy_kept", "log_energy_removed")


def further(blocks: Iterable[Block], task: Task, per_cent: int = 0) -> dict[str, tuple[int, Get]]:
    """The columns of all other metrics that a block has, as `COLUMNS`."""

    def get(name: str) -> Get:
        return lambda block, level: single(block.get(name, {}).get(level))

    there = {name for block in blocks for name in block}
    return {
        m.symbol.replace("|", "\\|"): (m.decimals(per_cent), get(m.name))
        for m in metrics_of(task, without=_OWN)
        if m.name in there
    }


def overview(summary: dict[str, Block], task: Task = ONE_CLASS) -> str:
    """One row per interpreter, of a multi-label model then the paper's: fidelity and
    reconstruction."""
    symbols, many = [m.symbol for m in fidelities_of(task)], task.multi_label
    rows = []
    for name, block in summary.items():
        error = decimal(block["reconstruction_error"], 3)
        rows.append([name, *fidelity_cells(block["fidelity"], task), error])
    for name, values in paper.DETECTION.items() if many else ():
        cells = dict(zip(symbols, (decimal(v, 3) for v in values), strict=False))
        told = (cells.get(symbol, "") for symbol in symbols)
        rows.append([f"{name}, the paper's on SONYC-UST", *told, ""])
    head = ["system" if many else "interpreter", *symbols, "‖X − W H‖ / ‖X‖"]
    return markdown_table(head, rows)


def levels(block: Block, task: Task = ONE_CLASS) -> str:
    """One row per τ of one interpreter."""

    def shown(name: str) -> tuple[str, Callable[[str], str]]:
        digits, get = columns[name]
        return name, lambda t: decimal(get(block, t), digits)

    others = further([block], task)
    columns = COLUMNS | others
    cells: list[tuple[str, Callable[[str], str]]] = [
        shown("mean \\|L\\|"),
        shown("FF median"),
        ("quartiles", lambda t: quartile_range(block["faithfulness"][t])),
        *map(shown, ("FF > 0", "Random", "FF / span", "energy-matched Random")),
        ("ratio", lambda t: _ratio(block, t)),
        ("‖X‖² removed", lambda t: decimal(block["log_energy_removed"][t])),
        (
            "by that Random",
            lambda t: decimal(_of("random_energy", "log_energy_removed")(block, t)),
        ),
        *map(shown, others),
    ]
    there = [t for t in LEVELS if t in block["faithfulness"]]
    rows = [[t, *(value(t) for _, value in cells)] for t in there]
    return markdown_table(["τ", *(name for name, _ in cells)], rows)


def against_chance(block: dict[str, Any]) -> str:
    """One row per τ: FF beside both Randoms, with spread and paired test; "" without."""
    opponents = [k for k in ("random", "random_energy") if k in block]
    drawn = [t for t in LEVELS if any(t in block[k] for k in opponents)]
    if not drawn:
        return ""
    head = ["τ", "FF"]
    for kind in opponents:
        head += [NAMES[kind], "FF larger on", "median difference", "p"]
    rows = []
    for t in drawn:
        cells = [t, spread(block["faithfulness"][t])]
        for kind in opponents:
            chance = block[kind].get(t, {})
            cells += [spread(chance), *test_cells(chance.get("test"))]
        rows.append(cells)
    return markdown_table(head, rows)


def surrogates(checks: dict[str, Any]) -> str:
    """Tables of surrogate.json: rank agreement, and FF beside the surrogate's own choice."""
    rows = []
    for name, block in checks.items():
        cells = [name, str(block["n"]), f"{block['active']['median']:.0f}"]
        rows.append([*cells, *(spread(block[k]) for k in ("score", "spearman", "kendall"))])
    head = ["interpreter", "clips", "active components", "R²", "Spearman", "Kendall"]
    parts = [markdown_table(head, rows)]
    opponents = {
        "surrogate_count": "surrogate, as many",
        "surrogate_energy": "surrogate, as much log energy",
        "random_energy": "energy-matched Random",
    }
    for name, block in checks.items():
        head = ["τ", "components", "FF / span"]
        for title in opponents.values():
            head += [title, "FF larger on", "p"]
        rows = []
        for t, level in block["levels"].items():
            cells = [
                t,
                f"{level['components']:.1f}",
                decimal(level["faithfulness"]["relative_median"], 3),
            ]
            for kind in opponents:
                larger, _, p = test_cells(level[kind]["test"])
                cells += [decimal(level[kind]["relative_median"], 3), larger, p]
            rows.append(cells)
        parts += [f"**{name}**", markdown_table(head, rows)]
    return "\n\n".join(parts)


def contaminated(blocks: dict[str, Any], summary: dict[str, Block], task: Task = ONE_CLASS) -> str:
    """Table of contaminated.json: clean and contaminated clips by τ, beside what others publish."""
    asked = ("mean \\|L\\|", "FF median", "FF / span")
    made = [block for kinds in blocks.values() for block in kinds.values()]
    columns = {name: COLUMNS[name] for name in asked} | further(made, task, per_cent=1)
    head = ["interpreter", "clips", "n", "f's accuracy", "τ", *columns]
    rows = []
    for name, kinds in blocks.items():
        levels = next(iter(kinds.values()))["faithfulness"]
        clean = {"clean": summary[name]} if name in summary else {}
        for kind, block in {**clean, **kinds}.items():
            about = [name, kind, str(block["n"]), decimal(block["accuracy"], 3)]
            for t in (t for t in LEVELS if t in levels and t in block["faithfulness"]):
                rows.append(
                    [*about, t, *(decimal(get(block, t), d) for d, get in columns.values())]
                )
    for name, (increase, drop, gain, ff, fid_in) in paper.CONTAMINATED.items():
        theirs = {"FF median": f"{ff:.2f} (probability)", "Fid-In": f"{fid_in:.2f}"}
        theirs |= {"AI": f"{increase:.1f}", "AD": f"{drop:.1f}", "AG": f"{gain:.1f}"}
        cells = (theirs.get(column, "") for column in columns)
        rows.append([name, "as published", "", "", "", *cells])
    return markdown_table(head, rows)


def _ratio(block: dict[str, Any], level: str) -> str:
    chance = block.get("random_energy", {}).get(level, {}).get("relative_median")
    ours = block["relative_faithfulness"][level]["median"]
    if chance is None or ours is None:
        return ""
    return f"{ours / chance:.1f}" if chance > 0 and math.isfinite(chance) else "chance ≤ 0"


def bundle_tables(bundle: Bundle, conventions: str = PAPER.name) -> str:
    """All tables of a bundle's metrics; ValueError where nothing was measured."""
    assert bundle.folder is not None  # it was loaded
    folder = bundle.folder / metrics_folder(conventions)
    path = folder / "summary.json"
    summary = json.loads(path.read_text()) if path.is_file() else {}
    parts = _evaluation(bundle, folder, summary) if summary else []
    if conventions == PAPER.name:  # what follows is measured by these alone
        if summary and (mixtures := bundle.experiment("contaminated")):
            parts.append(
                "**Contaminated clips**: a clip with one of another class, or with white noise, so "
                "many dB below it; f's decision on the mixture is explained. L-MAC's figures are "
                "another f's, on mixtures at 12 dB. "
                + made_by(block["about"] for kinds in mixtures.values() for block in kinds.values())
            )
            parts.append(contaminated(mixtures, summary, bundle.task))
        parts += comparison_table(bundle)
        parts += truth_tables(bundle)
        parts += experiment_tables(bundle)
        parts.append(randomisation_table(bundle.experiment("randomisation")))
    if summary and not bundle.multi_label:
        published = ", ".join(f"{value} at τ {t}" for t, value in paper.FAITHFULNESS.items())
        parts.append(f"The paper's FF median (ESC-50, ATT, logits): {published}; Random 0.00.")
    if not any(parts):
        raise ValueError(
            f"the bundle {bundle.name!r} has no metrics by the conventions of {conventions!r}; "
            "run pipelines.evaluate."
        )
    return "\n\n".join(filter(None, parts))


def _evaluation(bundle: Bundle, folder: Path, summary: dict[str, Block]) -> list[str]:
    """The tables of summary.json, and of the baselines and surrogates beside it."""
    first = next(iter(summary.values()))
    about = first["about"]
    task, many = bundle.task, bundle.multi_label
    opening = (
        detection.opening(first)
        if many
        else f"f's accuracy {first['accuracy']:.4f} on {first['n']} clips"
    )
    parts = [
        f"{opening}; masks in the "
        f"{about['mask_domain']} domain; {about['random_draws']} random draws per clip and τ.",
        made_by(block["about"] for block in summary.values()),
        overview(summary, task),
    ]
    for name, block in summary.items():
        parts.append(f"**{name}**\n\n{levels(block, task)}")
        if chance := against_chance(block):
            parts.append(f"**{name} against chance**, FF in {task.unit.name}\n\n{chance}")
        if many and (table := detection.by_class(bundle, folder, name)):
            parts.append(table)
    parts.append(
        f"Median and quartiles over {'pairs of clip and class' if many else 'clips'}; Wilcoxon's "
        "signed-rank test of FF − Random, paired and two-sided; differences of at most "
        f"{task.resolution:g} {task.unit.ending} are ties. The test at equal log energy leaves "
        "out the clips whose other components hold less than L."
    )
    baselines = folder / "baselines.json"
    if baselines.is_file():
        blocks = json.loads(baselines.read_text())
        parts.append(made_by(block["about"] for block in blocks.values()))
        parts.append(trained_baselines(blocks, task))
    check = folder / "surrogate.json"
    if check.is_file():
        blocks = json.loads(check.read_text())
        parts.append(
            "**Local surrogates (LIME) on the same components**, medians and quartiles. "
            + made_by(block["about"] for block in blocks.values())
        )
        parts.append(surrogates(blocks))
    return parts


def trained_baselines(blocks: dict[str, Block], task: Task = ONE_CLASS) -> str:
    """One row per trained baseline: fidelity, and for what can be played what f says of it."""
    there = {name for block in blocks.values() for name in block}
    others = [m for m in metrics_of(task, without=_OWN) if m.name in there]
    head = ["baseline", *(m.symbol for m in fidelities_of(task))]
    head += ["sound energy kept", "FF", "FF / span"]
    rows = []
    for name, block in blocks.items():
        cells = [name, *fidelity_cells(block["fidelity"], task)]
        if "faithfulness" in block:
            cells += [decimal(block["energy_kept"]), spread(block["faithfulness"])]
            cells.append(decimal(block["relative_faithfulness"]["median"], 3))
            cells += [decimal(single(block.get(m.name)), m.decimals()) for m in others]
        else:
            cells += ["nothing to play", *[""] * (2 + len(others))]
        rows.append(cells)
    return markdown_table([*head, *(m.symbol for m in others)], rows)


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--bundle", default="esc10", help="a bundle's name or folder")
    parser.add_argument("--conventions", choices=CONVENTIONS, default=PAPER.name)
    parser.add_argument(
        "--refresh", action="store_true", help="first make summary.json again from the CSV files"
    )
    arguments = parser.parse_args(argv)
    bundle = load_bundle(arguments.bundle)
    assert bundle.folder is not None  # it was loaded
    if arguments.refresh:
        folder = bundle.folder / metrics_folder(arguments.conventions)
        refresh_summary(folder, bundle.classes, bundle.task)
    print(bundle_tables(bundle, arguments.conventions))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
