"""Evaluate a trained bundle: `python -m pipelines.evaluate --config configs/esc10.yaml`.

Reads the bundle that `train_interpreter` left in OUT, as loaded from its fp16 files, explains the
config's test folds and writes OUT/metrics; OUT/metrics/released with
`--set evaluation.conventions=released`. Each interpreter's rows are kept as soon as they are there,
so a killed run goes on with the next.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from l2i_core.bundle import Bundle, load_bundle
from l2i_core.data.clips import Clip, load_clip
from l2i_core.data.sets import open_data_set
from l2i_core.engine import L2I
from l2i_core.explainers.conventions import PAPER
from l2i_core.files import write_text
from l2i_core.measure.evaluation import Evaluation, Settings, evaluate, write_evaluation
from l2i_core.measure.records import ClipRow, LevelRow
from pipelines.config import Config, command_line
from pipelines.runs import circumstances, main_guard, start_log, typed

log = logging.getLogger("l2i")


def run(
    config: Config, out: Path, only: str | None = None, command: str = ""
) -> dict[str, Evaluation]:
    """Evaluate the bundle's interpreters (or only one) on the config's test folds. `command` is
    recorded."""
    if not (out / "config.json").is_file():
        raise ValueError(f"{out} is not a bundle yet; run pipelines.train_interpreter first.")
    bundle = load_bundle(out)
    if only is not None:
        L2I(bundle, only)  # refuses what it has not, and what has no components to play
    clips = _test_clips(config, bundle)
    settings = config.evaluation
    about = {
        "data": config.data.kind,
        "test_folds": list(config.data.test_folds),
        "random_draws": settings.random_draws,
        "mask_domain": settings.mask_domain,
        "conventions": settings.conventions,
        "seed": settings.seed,
        "clips": len(clips),
        **({"without_classes": list(left)} if (left := settings.without_classes) else {}),
    }
    names = [[clip.name, clip.written] for clip in clips]
    results = {}
    for name in [only] if only else list(bundle.interpreters):
        kept = out / "checkpoints" / f"evaluation-{name}-{settings.conventions}.json"
        key = fingerprint(
            bundle, out, name, [about, names, settings.thresholds, settings.random_thresholds]
        )
        results[name] = _kept(kept, key) or evaluate_with_bar(bundle, name, clips, settings)
        _keep(kept, key, results[name])
        log.info("%s: %s", name, json.dumps(brief(results[name].summary)))
    if not only:
        folder = out / metrics_folder(settings.conventions)
        about = {**about, "command": command, **circumstances()}
        write_evaluation(results.values(), folder, about)
        if bundle.baselines:
            made = [evaluate_with_bar(bundle, n, clips, settings) for n in bundle.baselines]
            write_evaluation(made, folder, about, "baselines.json")
            for each in made:
                log.info("%s: %s", each.interpreter, json.dumps(each.summary["fidelity"]))
    return results


def metrics_folder(conventions: str) -> Path:
    """Where a bundle keeps what was measured by these conventions."""
    return Path("metrics") if conventions == PAPER.name else Path("metrics", conventions)


def evaluate_with_bar(
    bundle: Bundle, name: str, clips: Sequence[Clip], settings: Settings
) -> Evaluation:
    """`evaluate` with a progress bar."""
    with tqdm(desc=f"evaluating {name}", unit="pass") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return evaluate(bundle, name, clips, settings, show)


def brief(summary: dict[str, Any]) -> dict[str, Any]:
    """The figures that a log line can hold."""
    ff = {t: round(v["median"], 3) for t, v in summary["faithfulness"].items()}
    keep = ("0.1", "0.3", "0.5", "0.7", "0.9")
    return {
        "accuracy": summary["accuracy"],
        **summary["fidelity"],
        "error": round(summary["reconstruction_error"], 4),
        "ff": {t: ff[t] for t in keep if t in ff},
    }


def _test_clips(config: Config, bundle: Bundle) -> list[Clip]:
    """The test folds' clips; damaged ones stop the run, or are left out if so configured."""
    clips = open_data_set(config.data.kind, config.data.root).in_folds(config.data.test_folds)
    if not config.data.skip_damaged:
        return list(clips)
    readable = []
    for clip in clips:
        try:
            load_clip(clip, bundle.audio)
        except ValueError as error:
            log.warning("left out: %s", error)
            continue
        readable.append(clip)
    return readable


def fingerprint(bundle: Bundle, out: Path, name: str, about: list[Any]) -> str:
    """Changes with settings, clips, and all of the bundle that the evaluation rests on."""
    built = [asdict(bundle.audio), list(bundle.classes), asdict(bundle.interpreter_info[name])]
    digest = hashlib.sha256(json.dumps([about, built], sort_keys=True).encode())
    for part in ("classifier", "dictionary", f"interpreter-{name}"):
        digest.update((out / f"{part}.safetensors").read_bytes())
    return digest.hexdigest()


def weights_of(bundle: Bundle, name: str) -> str:
    """A short digest of what an interpreter of a bundle on disk is: what was measured of other
    weights has another."""
    assert bundle.folder is not None  # it was loaded
    return fingerprint(bundle, bundle.folder, name, [])[:16]


def _kept(path: Path, key: str) -> Evaluation | None:
    if not path.is_file():
        return None
    values = json.loads(path.read_text())
    if values.pop("key") != key:
        return None
    return Evaluation(
        values["interpreter"],
        tuple(ClipRow(**row) for row in values["clips"]),
        tuple(LevelRow(**row) for row in values["levels"]),
        values["summary"],
    )


def _keep(path: Path, key: str, evaluation: Evaluation) -> None:
    write_text(path, json.dumps({"key": key, **asdict(evaluation)}))


def main(argv: list[str] | None = None) -> int:
    config, out, arguments = command_line(__doc__ or "", argv)
    start_log(out)
    run(config, out, arguments.only, typed("evaluate", argv))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
