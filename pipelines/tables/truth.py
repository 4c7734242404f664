"""The Markdown tables of metrics/truth.json, for `pipelines.results`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2i_core.bundle import Bundle
from l2i_core.dictionary.masking import MASK_DOMAINS
from l2i_core.measure import truth
from pipelines.tables.markdown import decimal, made_by, markdown_table

_NAMES = {"random_energy": "energy-matched Random", "ideal": "ideal mask with this W"}
_HEAD = ("explained by", "target first", "target kept", "interferer kept", "SI-SDR", "change")


def truth_tables(bundle: Bundle) -> list[str]:
    """What interpretations hold of known stems: a table per mask domain and τ; none where the
    bundle has no truth.json."""
    blocks = bundle.experiment("truth")
    if blocks is None:
        return []
    about = blocks.pop("about")
    first = next(iter(blocks.values()))[MASK_DOMAINS[0]]
    level = next(iter(first.values()))["ideal"]
    named = level["right"] or {"n": 0}
    parts = [
        f"**Beside the stems**: {about['scenes']} scenes, "
        f"{level['all']['n']} sounds of a class in them; medians over the {named['n']} that f "
        f"names; Random of {about['random_draws']} draws. Target first: more passes of the target "
        "than of every other stem, the background among them; SI-SDR in dB, its change from the "
        f"mixture's. {made_by([about])}"
    ]
    for domain in MASK_DOMAINS:
        for t in first:
            parts.append(f"Masks in the {domain} domain, τ {t}:\n\n{_table(blocks, domain, t)}")
    return parts


def _table(blocks: Mapping[str, Any], domain: str, level: str) -> str:
    rows = []
    for name, system, figures in truth.listed(blocks, domain, level):
        title = name if system == "interpretation" else _NAMES[system]
        title += f" beside {name}" if name and system != "interpretation" else ""
        shares = ("target_first", "target_passed", "interferer_passed")
        cells = [title, *(f"{figures[k]:.3f}" for k in shares)]
        cells += [decimal(figures[k], 1, "silence") for k in ("si_sdr", "si_sdr_gain")]
        rows.append(cells)
    return markdown_table(_HEAD, rows)
