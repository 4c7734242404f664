"""What studies left in metrics/STUDY.json as Markdown: noise, overlap, truth, randomisation."""

from collections.abc import Mapping
from typing import Any

from l2i_core.bundle import Bundle
from l2i_core.dictionary.masking import MASK_DOMAINS
from l2i_core.measure import truth
from l2i_core.measure.randomisation import GOAL
from l2i_core.report import paper
from pipelines.tables.markdown import decimal, made_by, markdown_table, signed, spread, test_cells

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


_RANDOMISED = (
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
        + markdown_table(_RANDOMISED, [_randomised(name, block) for name, block in blocks.items()])
    )


def _randomised(name: str, block: Mapping[str, Any]) -> list[str]:
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


_NAMES = {"random_energy": "energy-matched Random", "ideal": "ideal mask with this W"}
_BESIDE = ("explained by", "target first", "target kept", "interferer kept", "SI-SDR", "change")


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
            parts.append(
                f"Masks in the {domain} domain, τ {t}:\n\n{_beside_stems(blocks, domain, t)}"
            )
    return parts


def _beside_stems(blocks: Mapping[str, Any], domain: str, level: str) -> str:
    rows = []
    for name, system, figures in truth.listed(blocks, domain, level):
        title = name if system == "interpretation" else _NAMES[system]
        title += f" beside {name}" if name and system != "interpretation" else ""
        shares = ("target_first", "target_passed", "interferer_passed")
        cells = [title, *(f"{figures[k]:.3f}" for k in shares)]
        cells += [decimal(figures[k], 1, "silence") for k in ("si_sdr", "si_sdr_gain")]
        rows.append(cells)
    return markdown_table(_BESIDE, rows)
