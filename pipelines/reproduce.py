"""Every system on every fold, and the tables of them all: `python -m pipelines.reproduce`.

For each config and fold: f, W, the interpreters, FLINT and VIBI, and their evaluation, each command
a process of its own in RUNS/NAME-fold-N. A fold's figures are kept in RESULTS as soon as they are
there and are not computed again, nor are those in assets/results that come with the code: give
another folder to make them all anew. A killed run goes on where it was. docs/results.md is written
at the end, or alone with --tables.
"""

import filecmp
import json
import logging
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from l2i_core.arguments import Parser
from l2i_core.bundle import bundle_folders
from l2i_core.data.sets import has_splits
from l2i_core.files import atomic, write_text
from pipelines.assemble import provenance
from pipelines.config import Config, config_of, load_config
from pipelines.folds import class_figures, document, settings_of, systems_in
from pipelines.runs import circumstances, main_guard, start_log

log = logging.getLogger("l2i")
ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ("configs/esc10.yaml", "configs/esc50.yaml")
# Shipped bundles without folds: their tables stand in the document, too.
OTHERS = ("esc50-yamnet", "scenes")
COMMANDS = (
    "train_classifier",
    "learn_dictionary",
    "train_interpreter",
    "train_baselines",
    "evaluate",
)


def overrides(config: Config, fold: int) -> list[str]:
    """The `--set` values that make `fold` the test fold and all others training folds."""
    if has_splits(config.data.kind):
        raise ValueError(
            f"{config.name} has fixed splits, not folds to go round; run its commands one by one."
        )
    folds = sorted({*config.data.train_folds, *config.data.test_folds})
    if fold not in folds:
        raise ValueError(f"{config.name} has no fold {fold}; its config names {folds}.")
    others = [f for f in folds if f != fold]
    return [f"data.test_folds=[{fold}]", f"data.train_folds={others}"]


def commands(config: Config, baselines: bool) -> list[str]:
    """What is run for a fold, in order."""
    wanted = baselines and bool(config.baselines)
    return [c for c in COMMANDS if c != "train_baselines" or wanted]


def run_fold(
    path: Path, given: Sequence[str], fold: int, runs: Path, results: Path, baselines: bool
) -> None:
    """Train and evaluate one fold unless its figures are there. ValueError names the command that
    failed and its log."""
    config = load_config(path, [*given, *overrides(load_config(path, list(given)), fold)])
    kept = results / config.name / f"fold-{fold}"
    out = runs / f"{config.name}-fold-{fold}"
    if (kept / "run.json").is_file():
        _check_settings(config, kept)
        log.info("%s fold %d: figures are there", config.name, fold)
        if not (kept / "classes.json").is_file():  # kept before there were figures by class
            keep_classes(out, kept)
        return
    changes = [*given, *overrides(config, fold)]
    for command in commands(config, baselines):
        argv = [sys.executable, "-m", f"pipelines.{command}", "--config", str(path)]
        done = subprocess.run([*argv, *_sets(changes), "--out", str(out)], cwd=ROOT)
        if done.returncode:
            raise ValueError(
                f"{command} of {config.name}, fold {fold}, ended with exit code "
                f"{done.returncode}; see {out / 'train.log'} and start again to continue."
            )
    typed = ["python", "-m", "pipelines.reproduce", "--config", str(path), "--folds", str(fold)]
    keep(config, out, kept, shlex.join([*typed, *_sets(given)]))


def _check_settings(config: Config, kept: Path) -> None:
    """ValueError where a fold's kept figures are those of parts with other settings."""
    made = config_of(json.loads((kept / "run.json").read_text())["config"])
    systems = systems_in(kept)
    theirs, ours = settings_of(made, systems), settings_of(config, systems)
    if other := [name for name, value in ours.items() if value != theirs.get(name)]:
        raise ValueError(
            f"{kept} holds figures made with other settings of {', '.join(other)}; remove that "
            "folder, or give another one by --results."
        )


def _sets(changes: Sequence[str]) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def keep(config: Config, out: Path, kept: Path, command: str) -> None:
    """Copy a fold's figures, and what made them, from a run's folder; run.json last."""
    for name in ("summary.json", "baselines.json"):
        source = out / "metrics" / name
        if source.is_file():
            with atomic(kept / name) as part:
                shutil.copyfile(source, part)
    keep_classes(out, kept)
    made = {"command": command, **circumstances(), **provenance(config, out)}
    write_text(kept / "run.json", json.dumps(made, indent=1) + "\n")


def keep_classes(out: Path, kept: Path) -> None:
    """classes.json: a fold's figures by class, from a run's rows where they are those of the kept
    figures."""
    theirs, ours = out / "metrics" / "summary.json", kept / "summary.json"
    same = theirs.is_file() and ours.is_file() and filecmp.cmp(theirs, ours, shallow=False)
    if same and (by_class := class_figures(out / "metrics")):
        write_text(kept / "classes.json", json.dumps(by_class, indent=1) + "\n")


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--config", nargs="+", type=Path, default=[Path(c) for c in CONFIGS])
    parser.add_argument("--folds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument(
        "--baseline-folds", nargs="*", type=int, default=[1], help="folds with FLINT and VIBI"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="checkpoints and bundles")
    parser.add_argument("--results", type=Path, default=ROOT / "assets" / "results")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results.md")
    parser.add_argument("--tables", action="store_true", help="only write --out")
    arguments = parser.parse_args(argv)
    start_log()
    if not arguments.tables:
        for fold in arguments.folds:
            for path in arguments.config:
                run_fold(
                    path,
                    arguments.changes,
                    fold,
                    arguments.runs,
                    arguments.results,
                    fold in arguments.baseline_folds,
                )
    given = [load_config(path, arguments.changes).name for path in arguments.config]
    # A run of some folds of one set must not take the others' tables out of the document.
    known = [*(load_config(ROOT / path).name for path in CONFIGS), *OTHERS]
    names = [name for name in known if name in given or name in bundle_folders()]
    names += [name for name in dict.fromkeys(given) if name not in known]
    write_text(arguments.out, document(names, arguments.results))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
