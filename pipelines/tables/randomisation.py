"""metrics/randomisation.json as Markdown: what is left of explanations when f is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2i_core.measure.randomisation import GOAL
from pipelines.tables.markdown import decimal, made_by, markdown_table, signed, spread

_HEAD = (
    "explained by",
    "clips",
    "layers drawn anew",
    "Spearman's ρ of r",
    "undefined",
    "SSIM of M",
)


def randomisation_table(blocks: Mapping[str, Any] | None) -> str:
    """A row per explainer and number of layers; "" where nothing was checked."""
    if not blocks:
        return ""
    rows = []
    for name, block in blocks.items():
        for level in block["levels"]:
            layers = f"{level['layers']} of {block['all_layers']} (to {level['down_to']})"
            undefined = f"{level['undefined']} of {level['n']}"
            cells = [name, str(block["n"]), layers, signed(spread(level["spearman"])) or "–"]
            rows.append([*cells, undefined, signed(spread(level["ssim"]))])
    chance = ", ".join(
        f"{name} {decimal(block['ssim_chance']['median'], 2, '–')}"
        for name, block in blocks.items()
    )
    made = made_by(block["about"] for block in blocks.values() if "about" in block)
    return (
        "**f drawn anew** from the top layer down (Adebayo et al. 2018), the same class explained "
        f"again: medians and quartiles over clips and seeds. Wanted with all layers: ρ ≤ {GOAL:g}. "
        f"SSIM of masks with shuffled relevances: {chance}. {made}\n\n"
        + markdown_table(_HEAD, rows)
    )
