"""The paper's noise and overlap experiments on a bundle: `python -m pipelines.experiments`.

Over the bundle's own test set, see `l2i_core.measure.experiments`. Writes metrics/noise.json and
metrics/overlap.json, with a block per interpreter, and the rows as CSV files beside them. The rows
are kept after every clip or pair, so a killed run goes on with the next.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from l2i_core.arguments import Parser
from l2i_core.bundle import Bundle, load_bundle
from l2i_core.data.clips import Clip
from l2i_core.engine import L2I
from l2i_core.files import write_text
from l2i_core.measure.experiments import EXPERIMENTS, Settings, Step
from l2i_core.measure.noise_lab import Row, held_out
from l2i_core.measure.records import to_csv
from pipelines.evaluate import fingerprint
from pipelines.runs import circumstances, main_guard, typed

log = logging.getLogger("l2i")
SIZES = ("snrs", "swept", "pairs")  # how many steps there are, not what is in one


def run(
    bundle: Bundle,
    names: Sequence[str] = (),
    experiments: Sequence[str] = tuple(EXPERIMENTS),
    settings: Settings | None = None,
    limit: int | None = None,
    command: str = "",
) -> None:
    """Measure these interpreters (default: all) of a bundle on disk.

    limit: only the first so many clips and pairs, all of them where there are fewer. `command` is
    recorded. Raises ValueError for an unknown interpreter and a bundle without a test set at hand.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"--limit must be at least 1, received {limit}.")
    settings = settings or Settings()
    engines = [L2I(bundle, name) for name in names or bundle.interpreters]
    data, clips = held_out(bundle)
    assert bundle.folder is not None  # it was loaded
    folder = bundle.folder / "metrics"
    for name in experiments:
        experiment = EXPERIMENTS[name]
        bundle.experiment(name)  # a damaged file is told before the work
        plan = experiment.plan(clips, settings)[:limit]
        for engine in engines:
            rows = _rows(engine, name, clips, plan, settings)
            block = experiment.summarise(rows)
            about = {
                "command": command,
                **circumstances(),
                "data": data,
                "clips": len(clips),
                **{key: getattr(settings, key) for key in experiment.settings},
                **({} if limit is None else {"limit": limit}),
            }
            write_text(folder / f"{name}-rows-{engine.interpreter_name}.csv", to_csv(rows))
            blocks = {**(bundle.experiment(name) or {}), engine.interpreter_name: block}
            block["about"] = about
            write_text(folder / f"{name}.json", json.dumps(blocks, indent=1) + "\n")
            log.info("%s: %s, %d steps", engine.interpreter_name, name, len(plan))


def _rows(
    engine: L2I, name: str, clips: Sequence[Clip], plan: Sequence[Step], settings: Settings
) -> list[Row]:
    """The plan's rows: those of an earlier run, and what is missing. A step that fails is logged,
    and tried again by the next run."""
    experiment, folder = EXPERIMENTS[name], engine.bundle.folder
    assert folder is not None  # it was loaded
    path = folder / "checkpoints" / f"{name}-{engine.interpreter_name}.json"
    sounds = [[clip.name, clip.written] for clip in clips]
    going_by = [getattr(settings, key) for key in experiment.settings if key not in SIZES]
    key = fingerprint(engine.bundle, folder, engine.interpreter_name, [sounds, going_by])
    done, found = _kept(path, key), []
    for step in tqdm(plan, desc=f"{name}, {engine.interpreter_name}", unit="step"):
        rows = done.get(json.dumps(step))
        if rows is None:
            rows = experiment.measure(engine, clips, step, settings)
            if "error" in rows[0]:
                log.warning("left out: %s", rows[0]["error"])
            else:
                done[json.dumps(step)] = rows
                write_text(path, json.dumps({"key": key, "steps": done}))
        found += rows
    return found


def _kept(path: Path, key: str) -> dict[str, list[Row]]:
    """The rows by step that a run with the same key left."""
    if not path.is_file():
        return {}
    values: dict[str, Any] = json.loads(path.read_text())
    return values["steps"] if values["key"] == key else {}


def main(argv: list[str] | None = None) -> int:
    parser, default = Parser(description=__doc__), Settings()
    parser.add_argument("--bundle", default="esc10", help="a bundle's name or folder")
    parser.add_argument("--only", choices=EXPERIMENTS, help="one of the two")
    parser.add_argument(
        "--interpreter", nargs="+", default=[], metavar="NAME", help="the bundle's (default: all)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first clips and pairs")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--pairs", type=int, default=default.pairs, help="pairs of clips to mix")
    parser.add_argument(
        "--all-levels",
        action="store_true",
        help=f"every SNR on every clip, not on {default.swept} of them",
    )
    arguments = parser.parse_args(argv)
    settings = Settings(
        seed=arguments.seed,
        pairs=arguments.pairs,
        swept=None if arguments.all_levels else default.swept,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    run(
        load_bundle(arguments.bundle),
        arguments.interpreter,
        [arguments.only] if arguments.only else tuple(EXPERIMENTS),
        settings,
        arguments.limit,
        typed("experiments", argv),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
