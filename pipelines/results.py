"""The tables of README and docs, from a bundle's own metrics: `python -m pipelines.results`.

Prints Markdown. Every figure was written by `pipelines.evaluate` on the bundle as loaded.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from l2i_core import paper
from l2i_core.arguments import Parser
from l2i_core.bundle import load_bundle
from pipelines.runs import main_guard

LEVELS = ("0.9", "0.7", "0.5", "0.3", "0.1")


def overview(summary: dict[str, Any]) -> str:
    """One row per interpreter: fidelity and reconstruction."""
    rows = ["| interpreter | top-1 | top-3 | top-5 | ‖X − W H‖ / ‖X‖ |", "|---|---|---|---|---|"]
    for name, block in summary.items():
        top = " | ".join(f"{block['fidelity'][k]:.3f}" for k in ("top1", "top3", "top5"))
        rows.append(f"| {name} | {top} | {block['reconstruction_error']:.3f} |")
    return "\n".join(rows)


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
    rows = ["| τ | " + " | ".join(name for name, _ in columns) + " |"]
    rows.append("|---" * (len(columns) + 1) + "|")
    for t in LEVELS:
        if t in block["faithfulness"]:
            rows.append(f"| {t} | " + " | ".join(value(t) for _, value in columns) + " |")
    return "\n".join(rows)


def _range(block: dict[str, float]) -> str:
    return f"{block['q25']:.2f} … {block['q75']:.2f}"


def _maybe(block: dict[str, Any], table: str, level: str, key: str, digits: int = 2) -> str:
    value = block.get(table, {}).get(level, {}).get(key)
    return "" if value is None else f"{value:.{digits}f}"


def _ratio(block: dict[str, Any], level: str) -> str:
    chance = block.get("random_energy", {}).get(level, {}).get("relative_median")
    ours = block["relative_faithfulness"][level]["median"]
    if chance is None or ours is None:
        return ""
    return f"{ours / chance:.1f}" if chance > 0 and math.isfinite(chance) else "chance ≤ 0"


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--bundle", default="esc10", help="a bundle's name or folder")
    arguments = parser.parse_args(argv)
    summary = load_bundle(arguments.bundle).summary()
    if summary is None:
        raise ValueError(f"the bundle {arguments.bundle!r} has no metrics; run pipelines.evaluate.")
    first = next(iter(summary.values()))
    print(f"f's accuracy {first['accuracy']:.4f} on {first['n']} clips.\n")
    print(overview(summary))
    for name, block in summary.items():
        print(f"\n**{name}**\n\n{levels(block)}")
    published = ", ".join(f"{value} at τ {t}" for t, value in paper.FAITHFULNESS.items())
    print(f"\nThe paper's FF median (ESC-50, ATT, logits): {published}; Random 0.00.")
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
