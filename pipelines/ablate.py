"""What each setting does: `python -m pipelines.ablate --config configs/esc10-ablation.yaml`.

A base experiment and variants of it that differ in one setting each. f is trained once, the
dictionary again only where it differs. Every variant's figures, on the config's test folds (name a
validation split there), are kept in OUT/rows as soon as they are there; a killed run goes on where
it was. The table and the figures are written to REPORT when the command ends.
"""

import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from l2i_core.arguments import Parser
from l2i_core.files import atomic, write_text
from l2i_core.report import figures
from l2i_core.strict import build
from pipelines import evaluate, train_classifier, train_interpreter
from pipelines.answers import Features
from pipelines.config import Config, load_config, read_yaml
from pipelines.learn_dictionary import learn
from pipelines.runs import circumstances, main_guard, start_log, typed
from pipelines.tables.markdown import markdown_table

log = logging.getLogger("l2i")
BASE = "base"
_SHARED = ("seed", "precision", "data", "audio", "classifier")  # what f depends on


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting: how figures call it, its dotted key in the config, and its values."""

    label: str
    key: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise ValueError(f"vary: {self.key} must list at least two values.")


@dataclass(frozen=True, slots=True)
class File:
    """base: an experiment file beside it; set: dotted keys and values that turn it into the base;
    vary: the axes by name."""

    base: str
    vary: dict[str, Axis]
    set: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    """The base, or the base with one setting changed; `name` is also its folder's."""

    name: str
    config: Config


@dataclass(frozen=True, slots=True)
class Ablation:
    """The axes by name, a variant for each of an axis's values, and all different variants, the
    base first."""

    axes: Mapping[str, Axis]
    places: Mapping[str, Sequence[Variant]]
    variants: tuple[Variant, ...]


def load_ablation(path: str | Path, overrides: Sequence[str] = ()) -> Ablation:
    """Read a `File`; `overrides`, "key=yaml value", go on top of what it sets. A value that the
    base has is the base.

    ValueError for an unknown key anywhere, a value the config refuses, an axis that f depends on,
    and other than one interpreter.
    """
    path = Path(path)
    file = build(File, read_yaml(path), f"{path.name}: ")
    base_file = path.parent / file.base
    settings = [f"{k}={json.dumps(v)}" for k, v in file.set.items()]
    base = load_config(base_file, [*settings, *overrides])
    if len(base.interpreters) != 1:
        raise ValueError(
            f"{path.name}: the base needs one interpreter, not {len(base.interpreters)}."
        )
    known = {json.dumps(base.to_dict()): Variant(BASE, base)}
    places: dict[str, list[Variant]] = {name: [] for name in file.vary}
    for name, axis in file.vary.items():
        for value in axis.values:
            changed = [*settings, *overrides, f"{axis.key}={json.dumps(value)}"]
            config = load_config(base_file, changed)
            if config.recipe(*_SHARED) != base.recipe(*_SHARED) or config.data != base.data:
                raise ValueError(
                    f"{path.name}: {name} changes what f is trained on or with; all variants "
                    "share one f."
                )
            variant = Variant(f"{name}-{spelled(value)}", config)
            places[name].append(known.setdefault(json.dumps(config.to_dict()), variant))
    return Ablation(file.vary, places, tuple(known.values()))


def spelled(value: Any) -> str:
    """A value as it stands in names and on axes: [4, 5, 6] is "4-5-6"."""
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def run(ablation: Ablation, out: Path, only: str | None = None) -> list[dict[str, Any]]:
    """Train and measure the variants that OUT has no figures of (or `only` one of them).

    Returns the rows of all finished variants. ValueError for an unknown name, and where OUT holds
    parts of a run with other settings.
    """
    names = [v.name for v in ablation.variants]
    if only is not None and only not in names:
        raise ValueError(f"there is no variant {only!r}; there are: {', '.join(names)}.")
    base, features = ablation.variants[0], Features()
    for variant in ablation.variants:
        if only not in (None, variant.name) or _row(variant, out) is not None:
            continue
        log.info("variant %s", variant.name)
        row = _measure(variant, base, out, features)
        write_text(out / "rows" / f"{variant.name}.json", json.dumps(row, indent=1) + "\n")
    rows = [_row(variant, out) for variant in ablation.variants]
    return [row for row in rows if row is not None]


def _measure(variant: Variant, base: Variant, out: Path, features: Features) -> dict[str, Any]:
    config, folder = variant.config, out / variant.name
    (name,) = config.interpreters
    train_classifier.train(base.config, out / BASE)
    _share(out / BASE, folder, "classifier")
    start = time.time()
    if variant is not base and config.dictionary == base.config.dictionary:
        learn(base.config, out / BASE)
        _share(out / BASE, folder, "dictionary")
    learn(config, folder)
    learned = time.time()
    train_interpreter.train(config, name, folder, features)
    trained = time.time()
    train_interpreter.make_bundle(config, folder)
    summary = evaluate.run(config, folder)[name].summary

    def by_level(table: str, key: str) -> dict[str, Any]:
        return {t: level[key] for t, level in summary[table].items()}

    return {
        "variant": variant.name,
        "recipe": _recipe(config),
        "accuracy": summary["accuracy"],
        "n": summary["n"],
        "reconstruction_error": summary["reconstruction_error"],
        "fidelity": summary["fidelity"],
        "faithfulness": by_level("faithfulness", "median"),
        "relative_faithfulness": by_level("relative_faithfulness", "median"),
        "components": by_level("faithfulness", "mean_components"),
        "fid_in": summary["fid_in"],
        "seconds": {
            "dictionary": round(learned - start, 1),
            "interpreter": round(trained - learned, 1),
            "evaluation": round(time.time() - trained, 1),
        },
        "about": circumstances(),
    }


def _share(source: Path, folder: Path, part: str) -> None:
    """The same checkpoint in another variant's folder: a link, tens of megabytes that are one."""
    path = folder / "checkpoints" / f"{part}.safetensors"
    if source != folder and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(source / "checkpoints" / path.name, path)


def _recipe(config: Config) -> str:
    """Changes with every setting; where the data lies and what it is called do not matter."""
    values = config.to_dict()
    del values["title"], values["data"]["root"]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _row(variant: Variant, out: Path) -> dict[str, Any] | None:
    path = out / "rows" / f"{variant.name}.json"
    if not path.is_file():
        return None
    row = json.loads(path.read_text())
    return row if row["recipe"] == _recipe(variant.config) else None


def report(ablation: Ablation, rows: Sequence[dict[str, Any]], folder: Path, command: str) -> None:
    """Write ablation.csv, README.md and a figure for each axis that has two finished variants."""
    by_name = {row["variant"]: row for row in rows}
    write_text(folder / "ablation.csv", _csv(ablation, by_name))
    write_text(folder / "README.md", _markdown(ablation, by_name, command))
    for name, axis in ablation.axes.items():
        there = _finished(ablation, name, by_name)
        if len(there) < 2:
            continue
        variants = [row["variant"] for _, row in there]
        base = variants.index(BASE) if BASE in variants else None
        ticks, panels = [value for value, _ in there], _panels([row for _, row in there])
        with atomic(folder / f"{name}.png") as part:
            part.write_bytes(figures.curves(panels, ticks, axis.label, base))


def _finished(
    ablation: Ablation, name: str, rows: Mapping[str, dict[str, Any]]
) -> list[tuple[str, dict[str, Any]]]:
    """An axis's values that have figures, spelled, and their rows."""
    both = zip(ablation.axes[name].values, ablation.places[name], strict=True)
    return [(spelled(value), rows[v.name]) for value, v in both if v.name in rows]


def _panels(rows: Sequence[dict[str, Any]]) -> list[figures.Curves]:
    levels = sorted(rows[0]["relative_faithfulness"], key=float, reverse=True)
    return [
        figures.Curves(
            "Reconstruction error ‖X − W H‖ / ‖X‖",
            {"": [row["reconstruction_error"] for row in rows]},
        ),
        figures.Curves(
            "Fidelity",
            {f"top-{k}": [row["fidelity"][f"top{k}"] for row in rows] for k in (1, 3, 5)},
        ),
        figures.Curves(
            "FF / span, median",
            {f"τ {t}": [row["relative_faithfulness"][t] for row in rows] for t in levels},
        ),
    ]


def _csv(ablation: Ablation, rows: Mapping[str, dict[str, Any]]) -> str:
    """A row per axis and value, one number a column: faithfulness:0.3, …; the base stands on every
    axis."""
    lines = [
        {"setting": axis.key, "value": value, **row}
        for name, axis in ablation.axes.items()
        for value, row in _finished(ablation, name, rows)
    ]
    for line in lines:
        for told in ("recipe", "about"):  # rows of older runs have no `about`
            line.pop(told, None)
    return pd.json_normalize(lines, sep=":").to_csv(index=False, float_format="%.6g")


def _markdown(ablation: Ablation, rows: Mapping[str, dict[str, Any]], command: str) -> str:
    base = ablation.variants[0].config
    trained, tested = (
        ", ".join(map(str, folds)) for folds in (base.data.train_folds, base.data.test_folds)
    )
    parts = [
        "# Ablations",
        f"Written by `{command}`; seed {base.seed}. One setting at a time is changed, all else is "
        f"the base's (bold). Trained on folds {trained} of {base.data.kind}, measured on fold "
        f"{tested}, a validation split: no test fold was looked at. Training is short, so compare "
        "the rows with each other and not with the shipped model.",
    ]
    for name, axis in ablation.axes.items():
        if there := _finished(ablation, name, rows):
            parts.append(f"## {axis.label} (`{axis.key}`)")
            if len(there) > 1:
                parts.append(f"![{axis.label}]({name}.png)")
            parts.append(_table(axis.label, there))
    if rows:
        first = next(iter(rows.values()))
        parts.append(
            f"{first['n']} clips, one run each; f's accuracy on them is {first['accuracy']:.3f}. "
            "FF is the median over clips, in logits and as a share of f(x)_c − f(silence)_c, at "
            "τ 0.5 / 0.3 / 0.1; \\|L\\| the mean number of components there. Seconds: dictionary + "
            "interpreter + evaluation, those that were left to do when the variant was finished. "
            f"Date and hardware: {_circumstances(rows.values())}."
        )
    return "\n\n".join(parts) + "\n"


def _circumstances(rows: Iterable[Mapping[str, Any]]) -> str:
    """Where and when the rows were measured, each once; rows of older runs do not say."""
    told = {"{date}, {hardware}".format(**a) if (a := row.get("about")) else "" for row in rows}
    return "; ".join(one or "not recorded" for one in sorted(told))


def _table(label: str, there: Sequence[tuple[str, dict[str, Any]]]) -> str:
    head = [label, "‖X − W H‖ / ‖X‖", "top-1 / 3 / 5", "FF", "FF / span", "\\|L\\|", "seconds"]
    lines = [
        [
            f"**{value}**" if row["variant"] == BASE else value,
            f"{row['reconstruction_error']:.3f}",
            " / ".join(f"{row['fidelity'][f'top{k}']:.3f}" for k in (1, 3, 5)),
            _levels(row["faithfulness"], 2),
            _levels(row["relative_faithfulness"], 3),
            _levels(row["components"], 1),
            " + ".join(f"{seconds:.0f}" for seconds in row["seconds"].values()),
        ]
        for value, row in there
    ]
    return markdown_table(head, lines)


def _levels(values: Mapping[str, float | None], digits: int) -> str:
    shown = [values.get(t) for t in ("0.5", "0.3", "0.1")]
    return " / ".join("–" if value is None else f"{value:.{digits}f}" for value in shown)


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--config", required=True, help="configs/esc10-ablation.yaml or your own")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--out", type=Path, required=True, help="the folder of all variants")
    parser.add_argument("--report", type=Path, help="for table and figures (default: OUT/report)")
    parser.add_argument("--only", metavar="NAME", help="one variant, such as K-50 (default: all)")
    arguments = parser.parse_args(argv)
    ablation = load_ablation(arguments.config, arguments.overrides)
    start_log(arguments.out)
    rows = run(ablation, arguments.out, arguments.only)
    report(ablation, rows, arguments.report or arguments.out / "report", typed("ablate", argv))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
