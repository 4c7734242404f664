"""metrics/randomisation.json as Markdown: what is left of explanations when f is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2i_core.measure.randomisation import GOAL
from pipelines.tables.markdown import decimal, made_by, markdown_table, signed, spread

_HEAD = (
    *("explained by", "clips", "seeds", "ρ, top layer", "ρ, all layers", "undefined"),
    *("SSIM, all layers", "SSIM, shuffled r"),
)


def randomisation_table(blocks: Mapping[str, Any] | None) -> str:
    """A row per explainer; "" where nothing was checked."""
    if not blocks:
        return ""
    made = made_by(block["about"] for block in blocks.values() if "command" in block["about"])
    return (
        "**f drawn anew** from the top layer down (Adebayo et al. 2018), the same class explained "
        "again: Spearman's ρ of r and SSIM of the masks with the true f's, medians and quartiles "
        f"over clips and seeds; wanted with all layers: ρ ≤ {GOAL:g}. {made}\n\n"
        + markdown_table(_HEAD, [_row(name, block) for name, block in blocks.items()])
    )


def _row(name: str, block: Mapping[str, Any]) -> list[str]:
    first, last = block["levels"][0], block["levels"][-1]
    return [
        name,
        str(block["n"]),
        str(block["about"]["seeds"]),
        (signed(spread(first["spearman"])) or "–") if first["layers"] == 1 else "",
        signed(spread(last["spearman"])) or "–",
        f"{last['undefined']} of {last['n']}",
        signed(spread(last["ssim"])),
        signed(decimal(block["ssim_chance"]["median"], 2, "–")),
    ]
