"""The tables of README and docs, from a bundle's own metrics: `python -m pipelines.results`.

Prints Markdown. Every figure was written by `pipelines.evaluate` on the bundle as loaded.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from typing import Any

from l2i_core.arguments import Parser
from l2i_core.bundle import Bundle, load_bundle
from l2i_core.conventions import CONVENTIONS, PAPER
from l2i_core.measure import metrics
from l2i_core.measure.evaluation import refresh_summary
from l2i_core.report import paper
from l2i_core.words import unit
from pipelines import detection_tables
from pipelines.evaluate import metrics_folder
from pipelines.experiment_tables import experiment_tables
from pipelines.markdown import made_by, markdown_table
from pipelines.runs import main_guard
from pipelines.truth_tables import truth_tables

NAMES = {"random": "Random", "random_energy": "energy-matched Random"}
LEVELS = ("0.9", "0.7", "0.5", "0.3", "0.1")


def overview(summary: dict[str, Any]) -> str:
    """One row per interpreter: fidelity and reconstruction."""
    rows = []
    for name, block in summary.items():
        top = [f"{block['fidelity'][k]:.3f}" for k in ("top1", "top3", "top5")]
        rows.append([name, *top, f"{block['reconstruction_error']:.3f}"])
    return markdown_table(["interpreter", "top-1", "top-3", "top-5", "‖X − W H‖ / ‖X‖"], rows)


def levels(block: dict[str, Any]) -> str:
    """One row per τ of one interpreter."""
    columns: list[tuple[str, Callable[[str], str]]] = [
        ("mean \\|L\\|", lambda t: f"{block['faithfulness'][t]['mean_components']:.1f}"),
        ("FF median", lambda t: f"{block['faithfulness'][t]['median']:.2f}"),
        ("quartiles", lambda t: _range(block["faithfulness"][t])),
        ("FF > 0", lambda t: f"{block['faithfulness'][t]['positive_fraction']:.2f}"),
        ("Random", lambda t: _maybe(block, "random", t, "median")),
        ("FF / span", lambda t: _maybe(block, "relative_faithfulness", t, "median", 3)),
        (
            "energy-matched Random",
            lambda t: _maybe(block, "random_energy", t, "relative_median", 3),
        ),
        ("ratio", lambda t: _ratio(block, t)),
        ("‖X‖² removed", lambda t: f"{block['log_energy_removed'][t]:.2f}"),
        ("by that Random", lambda t: _maybe(block, "random_energy", t, "log_energy_removed")),
        ("Fid-In", lambda t: f"{block['fid_in'][t]:.2f}"),
        ("AI", lambda t: f"{block['average_increase'][t]:.0f}"),
        ("AD", lambda t: f"{block['average_drop'][t]:.0f}"),
        ("AG", lambda t: f"{block['average_gain'][t]:.0f}"),
    ]
    there = [t for t in LEVELS if t in block["faithfulness"]]
    rows = [[t, *(value(t) for _, value in columns)] for t in there]
    return markdown_table(["τ", *(name for name, _ in columns)], rows)


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
        cells = [t, _spread(block["faithfulness"][t])]
        for kind in opponents:
            chance = block[kind].get(t, {})
            cells += [_spread(chance), *_test(chance.get("test"))]
        rows.append(cells)
    return markdown_table(head, rows)


def surrogates(checks: dict[str, Any]) -> str:
    """Tables of surrogate.json: rank agreement, and FF beside the surrogate's own choice."""
    rows = []
    for name, block in checks.items():
        cells = [name, str(block["n"]), f"{block['active']['median']:.0f}"]
        rows.append([*cells, *(_spread(block[k]) for k in ("score", "spearman", "kendall"))])
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
            cells = [t, f"{level['components']:.1f}", _share(level["faithfulness"])]
            for kind in opponents:
                larger, _, p = _test(level[kind]["test"])
                cells += [_share(level[kind]), larger, p]
            rows.append(cells)
        parts += [f"**{name}**", markdown_table(head, rows)]
    return "\n\n".join(parts)


def contaminated(blocks: dict[str, Any], summary: dict[str, Any]) -> str:
    """Table of contaminated.json: clean and contaminated clips by τ, beside what others publish."""
    head = [
        "interpreter",
        "clips",
        "n",
        "f's accuracy",
        "τ",
        "mean \\|L\\|",
        "FF median",
        "FF / span",
    ]
    head += ["Fid-In", "AI", "AD", "AG"]
    rows = []
    for name, kinds in blocks.items():
        levels = next(iter(kinds.values()))["faithfulness"]
        clean = {"clean": summary[name]} if name in summary else {}
        for kind, block in {**clean, **kinds}.items():
            accuracy = "" if block["accuracy"] is None else f"{block['accuracy']:.3f}"
            about = [name, kind, str(block["n"]), accuracy]
            for t in (t for t in LEVELS if t in levels and t in block["faithfulness"]):
                ff = block["faithfulness"][t]
                cells = [t, f"{ff['mean_components']:.1f}", _number(ff["median"])]
                cells += [_maybe(block, "relative_faithfulness", t, "median", 3)]
                cells += [_number(block["fid_in"][t])]
                cells += [f"{block[f'average_{k}'][t]:.1f}" for k in ("increase", "drop", "gain")]
                rows.append([*about, *cells])
    for name, (increase, drop, gain, ff, fid_in) in paper.CONTAMINATED.items():
        cells = [name, "as published", "", "", "", "", f"{ff:.2f} (probability)", ""]
        cells += [f"{fid_in:.2f}", *(f"{v:.1f}" for v in (increase, drop, gain))]
        rows.append(cells)
    return markdown_table(head, rows)


def _share(block: dict[str, Any]) -> str:
    value = block["relative_median"]
    return "" if value is None else f"{value:.3f}"


def _spread(block: dict[str, Any]) -> str:
    if block.get("median") is None:
        return ""
    return f"{_number(block['median'])} ({_range(block)})"


def _test(test: dict[str, Any] | None) -> list[str]:
    if test is None:
        return ["none testable", "", ""]
    p = "< 0.001" if test["p"] < 0.001 else f"{test['p']:.3f}"
    return [f"{test['greater']} of {test['n']}", _number(test["median_difference"]), p]


def _range(block: dict[str, float]) -> str:
    return f"{_number(block['q25'])} … {_number(block['q75'])}"


def _number(value: float, digits: int = 2) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # never "-0.00"


def _maybe(block: dict[str, Any], table: str, level: str, key: str, digits: int = 2) -> str:
    value = block.get(table, {}).get(level, {}).get(key)
    return "" if value is None else _number(value, digits)


def _ratio(block: dict[str, Any], level: str) -> str:
    chance = block.get("random_energy", {}).get(level, {}).get("relative_median")
    ours = block["relative_faithfulness"][level]["median"]
    if chance is None or ours is None:
        return ""
    return f"{ours / chance:.1f}" if chance > 0 and math.isfinite(chance) else "chance ≤ 0"


def bundle_tables(bundle: Bundle, conventions: str = PAPER.name) -> str:
    """All tables of a bundle's metrics; ValueError where it was not evaluated."""
    assert bundle.folder is not None  # it was loaded
    folder = bundle.folder / metrics_folder(conventions)
    if not (folder / "summary.json").is_file():
        raise ValueError(
            f"the bundle {bundle.name!r} has no metrics by the conventions of {conventions!r}; "
            "run pipelines.evaluate."
        )
    summary = json.loads((folder / "summary.json").read_text())
    first = next(iter(summary.values()))
    about = first["about"]
    many, scale = bundle.multi_label, unit(bundle.multi_label)
    opening = (
        detection_tables.opening(first)
        if many
        else f"f's accuracy {first['accuracy']:.4f} on {first['n']} clips"
    )
    parts = [
        f"{opening}; masks in the "
        f"{about['mask_domain']} domain; {about['random_draws']} random draws per clip and τ.",
        made_by(block["about"] for block in summary.values()),
        detection_tables.overview(summary) if many else overview(summary),
    ]
    for name, block in summary.items():
        parts.append(f"**{name}**\n\n{levels(block)}")
        if chance := against_chance(block):
            parts.append(f"**{name} against chance**, FF in {scale.name}\n\n{chance}")
        if many and (table := detection_tables.by_class(bundle, folder, name)):
            parts.append(table)
    resolution = metrics.drop_resolution(many)
    parts.append(
        f"Median and quartiles over {'pairs of clip and class' if many else 'clips'}; Wilcoxon's "
        "signed-rank test of FF − Random, paired and two-sided; differences of at most "
        f"{resolution:g} {scale.ending} are ties. The test at equal log energy leaves out the "
        "clips whose other components hold less than L."
    )
    baselines = folder / "baselines.json"
    if baselines.is_file():
        blocks = json.loads(baselines.read_text())
        parts.append(made_by(block["about"] for block in blocks.values()))
        parts.append(trained_baselines(blocks, many))
    check = folder / "surrogate.json"
    if check.is_file():
        blocks = json.loads(check.read_text())
        parts.append(
            "**Local surrogates (LIME) on the same components**, medians and quartiles. "
            + made_by(block["about"] for block in blocks.values())
        )
        parts.append(surrogates(blocks))
    if conventions == PAPER.name:  # what follows is measured by these alone
        if mixtures := bundle.experiment("contaminated"):
            parts.append(
                "**Contaminated clips**: a clip with one of another class, or with white noise, so "
                "many dB below it; f's decision on the mixture is explained. L-MAC's figures are "
                "another f's, on mixtures at 12 dB. "
                + made_by(block["about"] for kinds in mixtures.values() for block in kinds.values())
            )
            parts.append(contaminated(mixtures, summary))
        parts += truth_tables(bundle)
        parts += experiment_tables(bundle)
    if not many:
        published = ", ".join(f"{value} at τ {t}" for t, value in paper.FAITHFULNESS.items())
        parts.append(f"The paper's FF median (ESC-50, ATT, logits): {published}; Random 0.00.")
    return "\n\n".join(filter(None, parts))


def trained_baselines(blocks: dict[str, Any], multi_label: bool = False) -> str:
    """One row per trained baseline: fidelity, and for what can be played what f says of it."""
    head = ["baseline", *(detection_tables.FIGURES if multi_label else ("top-1", "top-3", "top-5"))]
    head += ["sound energy kept", "FF", "FF / span", "Fid-In", "AI", "AD", "AG"]
    rows = []
    for name, block in blocks.items():
        top = [f"{block['fidelity'][k]:.3f}" for k in ("top1", "top3", "top5")]
        cells = [name, *(detection_tables.figures(block["fidelity"]) if multi_label else top)]
        if "faithfulness" in block:
            cells += [f"{block['energy_kept']:.2f}", _spread(block["faithfulness"])]
            cells += [f"{block['relative_faithfulness']['median']:.3f}", f"{block['fid_in']:.2f}"]
            names = ("average_increase", "average_drop", "average_gain")
            cells += [f"{block[k]:.0f}" for k in names]
        else:
            cells += ["nothing to play", *[""] * 6]
        rows.append(cells)
    return markdown_table(head, rows)


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
        refresh_summary(
            bundle.folder / metrics_folder(arguments.conventions),
            bundle.classes,
            bundle.multi_label,
        )
    print(bundle_tables(bundle, arguments.conventions))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
