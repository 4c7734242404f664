"""Evaluate a trained bundle: `python -m pipelines.evaluate --config configs/esc10.yaml`.

Reads the bundle that `train_interpreter` left in OUT, as loaded from its fp16 files, explains the
config's test folds and writes OUT/metrics; OUT/metrics/released with
`--set evaluation.conventions=released`. Each interpreter's rows are kept as soon as they are there,
so a killed run goes on with the next.
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from l2i_core.bundle import Bundle, load_bundle
from l2i_core.data.clips import Clip, load_clip
from l2i_core.data.folders import labelled
from l2i_core.data.sets import open_data_set
from l2i_core.engine import L2I
from l2i_core.explainers.conventions import PAPER
from l2i_core.measure.evaluation import Evaluation, Settings, evaluate, write_evaluation
from l2i_core.measure.records import ClipRow, LevelRow
from l2i_core.measure.study import Kept, fingerprint
from pipelines.config import Config
from pipelines.loop import stage
from pipelines.runs import circumstances, main_guard, typed
from pipelines.stretches import chosen, drawn

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
    clips = held_out_clips(config, bundle)
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
    for name in [only] if only else list(bundle.interpreters) or [bundle.default_interpreter]:
        key = fingerprint(
            bundle, name, [about, names, settings.thresholds, settings.random_thresholds]
        )
        kept = Kept(out / "checkpoints" / f"evaluation-{name}-{settings.conventions}.json", key)
        made = kept.get(("every clip",), partial(_as_rows, bundle, name, clips, settings))
        results[name] = Evaluation(
            name,
            tuple(ClipRow(**row) for row in made["clips"]),
            tuple(LevelRow(**row) for row in made["levels"]),
            made["summary"],
        )
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
    bundle: Bundle, name: str, clips: Sequence[Clip], settings: Settings, **more: Any
) -> Evaluation:
    """`evaluate` with a progress bar; more: its other arguments."""
    with tqdm(desc=f"evaluating {name}", unit="pass") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return evaluate(bundle, name, clips, settings, show, **more)


def _as_rows(
    bundle: Bundle, name: str, clips: Sequence[Clip], settings: Settings
) -> dict[str, Any]:
    return asdict(evaluate_with_bar(bundle, name, clips, settings))


def followed(config: Config, bundle: Bundle) -> dict[str, dict[str, Any]]:
    """How far each trained interpreter follows f on the config's test clips: summaries with the
    fidelity and little else, for clips without labels."""
    clips = held_out_clips(config, bundle)
    little = Settings(thresholds=(0.3,), random_thresholds=(), seed=config.seed)
    made = {n: evaluate_with_bar(bundle, n, clips, little) for n in bundle.interpreters}
    return {name: each.summary for name, each in made.items()}


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


def held_out_clips(config: Config, bundle: Bundle) -> list[Clip]:
    """The test folds' clips; damaged ones stop the run, or are left out if so configured."""
    data = open_data_set(config.data.kind, config.data.root)
    clips = chosen(config.data, data.in_folds(config.data.test_folds))
    clips = drawn(clips, config.data.most_tested, config.seed)
    if config.given.model:  # whose classes the folders may have other names than
        clips = labelled(clips, bundle.classes)
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


def main(argv: list[str] | None = None) -> int:
    command = typed("evaluate", argv)
    return stage(__doc__, argv, lambda config, out, only: run(config, out, only, command))


if __name__ == "__main__":
    sys.exit(main_guard(main))
