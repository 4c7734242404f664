"""metrics/comparison.json as Markdown: every explainer of one f on equal footing."""

from typing import Any

from l2i_core.bundle import Bundle
from pipelines.tables.markdown import decimal, made_by, markdown_table, signed, test_cells

_HEAD = (
    *("explained by", "at", "clips", "components", "‖X‖² removed", "FF / span", "Random's"),
    *("energy-matched Random's", "larger than that", "Fid-In", "AI", "AD", "AG", "s a clip"),
)


def comparison_table(bundle: Bundle) -> list[str]:
    """A row per system and level; none where the bundle has no comparison.json."""
    blocks = bundle.experiment("comparison")
    if blocks is None:
        return []
    levels = dict.fromkeys(level for block in blocks.values() for level in block["levels"])
    rows = [
        _row(name, block, level)
        for level in levels
        for name, block in blocks.items()
        if level in block["levels"]
    ]
    return [
        "**On equal footing**: explainers of one f on the same clips, each at its own τ, and with "
        "as much of ‖X‖² removed as by another's selection; FF and the Randoms' as medians of the "
        "share of the span. NAME@clip has a dictionary learned from the clip alone. "
        f"{made_by(block['about'] for block in blocks.values())}\n\n{markdown_table(_HEAD, rows)}"
    ]


def _row(name: str, block: dict[str, Any], level: str) -> list[str]:
    found = block["levels"][level]
    drops = [found["relative_faithfulness"]]
    drops += [found[kind]["relative"] for kind in ("random", "random_energy")]
    larger, _, _ = test_cells(found["random_energy"]["test"])
    return [
        name,
        level,
        str(block["n"]),
        decimal(found["components"], 1),
        decimal(found["log_energy_removed"]),
        *(signed(decimal(each["median"])) for each in drops),
        larger,
        decimal(found["fid_in"]),
        *(decimal(found[f"average_{kind}"], 0) for kind in ("increase", "drop", "gain")),
        decimal(block["seconds"], 1),
    ]
