"""The noise and the overlap experiment as Markdown, from what `pipelines.experiments` left."""

from __future__ import annotations

from typing import Any

from l2i_core.bundle import Bundle
from l2i_core.report import paper
from pipelines.tables.markdown import decimal, made_by, markdown_table, signed, test_cells

_GROUPS = {"all": "all", "top2": "among f's first two", "top1": "f's first"}


def experiment_tables(bundle: Bundle) -> list[str]:
    """A definition and a table of each experiment that the bundle has; ValueError for a damaged
    file."""
    parts = []
    for name, table in (("noise", noise), ("overlap", overlap)):
        blocks = bundle.experiment(name)
        if blocks is None:
            continue
        try:
            parts.append(table(blocks))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{bundle.folder}/metrics/{name}.json is damaged: {error}.") from error
    return parts


def noise(blocks: dict[str, Any]) -> str:
    """A row per interpreter and SNR: first the whole test set at the paper's 0 dB, then the clips
    that were measured at every SNR."""
    thresholds = list(next(iter(blocks.values()))["test_set"]["thresholds"])
    head = ["interpreter", "SNR in dB", "clips", "top 5", "top 1", "f keeps it", "f is right"]
    head += ["f's new decision in top 5"]
    for t in thresholds:
        head += [f"τ {t}: clip / noise passing, %", "r with clip / noise"]
    rows = []
    for name, block in blocks.items():
        levels = {"0, all clips": block["test_set"], **block["levels"]}
        for level, table in levels.items():
            names = ("top5", "top1", "decision", "accuracy", "noisy_top5")
            shares = (table.get(name) for name in names)
            cells = [name, signed(level), str(table["n"]), *(decimal(s, 2, "–") for s in shares)]
            for t in thresholds:
                figures = table["thresholds"][t]
                for kind, write in (("passed", _per_cent), ("correlation", _median)):
                    pair = (figures[f"{sound}_{kind}"] for sound in ("followed", "rest"))
                    cells.append(" / ".join(write(one) for one in pair))
            rows.append(cells)
    clean = ", ".join(
        f"{name} {decimal(block['test_set']['clean_top5'], 2, '–')}"
        for name, block in blocks.items()
    )
    return (
        "**White noise on the test set**: on how many clips "
        "the class, f's decision on the clean clip, is among the interpreter's five highest (top "
        f"5; without noise: {clean}), is its first (top 1), is still f's decision, and what of "
        "clip and noise passes into x_int for it: the median share of their sound energy, and the "
        "median of Pearson's r between x_int and either. "
        + made_by(block["about"] for block in blocks.values())
        + "\n\n"
        + markdown_table(head, rows)
    )


def overlap(blocks: dict[str, Any]) -> str:
    """A table per τ: a row per interpreter, level and whether f hears the class."""
    first = next(iter(blocks.values()))
    published = ", ".join(f"{a:.2f} / {b:.2f}" for a, b in paper.OVERLAP_CORRELATIONS)
    parts = [
        "**Two clips at once**: pairs of test clips of "
        "different classes, explained for the class of either (the target), so many dB above the "
        "other; medians, in brackets those of energy-matched Random: components that are not in L "
        "and carry as much of ‖X‖². " + made_by(block["about"] for block in blocks.values()),
        f"The paper's four samples, pairs and levels chosen by hand, r with target / other: "
        f"{published}.",
    ]
    head = ["interpreter", "dB", "class", "n", "r with target", "r with other"]
    head += [
        "target passing, %",
        "other passing, %",
        "target passes more",
        "SI-SDR gain, dB",
        "more than Random",
        "p",
    ]
    for t in next(iter(first["levels"].values())):
        rows = []
        for name, block in blocks.items():
            for level, tables in block["levels"].items():
                for group, table in tables[t].items():
                    cells = [name, signed(level), _GROUPS[group], str(table["n"])]
                    rows.append([*cells, *_beside_chance(table)])
        parts.append(f"τ {t}\n\n{markdown_table(head, rows)}")
    parts.append(
        "More than Random: on how many the target's passing share exceeds the other's by more than "
        "with Random, of those where Random could carry as much; p by Wilcoxon's signed-rank test, "
        "which takes the two explanations of a pair for independent."
    )
    return "\n\n".join(parts)


def _beside_chance(table: dict[str, Any]) -> list[str]:
    chance, test = table["random"], table["test"]
    cells = [
        f"{write(table[f'{sound}_{kind}'])} ({write(chance[f'{sound}_{kind}'])})"
        for kind, write in (("correlation", _median), ("passed", _per_cent))
        for sound in ("followed", "rest")
    ]
    cells.append(f"{table['more']:.2f} ({chance['more']:.2f})")
    gains = (_median(one["si_sdr_gain"], 1) for one in (table, chance))
    cells.append("{} ({})".format(*gains))
    larger, _, p = test_cells(test)
    return [*cells, larger, p]


def _median(block: dict[str, float | None], digits: int = 2) -> str:
    return signed(decimal(block["median"], digits, "–"))


def _per_cent(block: dict[str, float | None]) -> str:
    value = block["median"]
    return decimal(None if value is None else 100 * value, 1, "–")
