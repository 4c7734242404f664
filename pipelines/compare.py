"""Explainers of one f on equal footing: `python -m pipelines.compare --bundle esc50`.

Over the bundle's own test set, see `l2i_core.measure.comparison`; of --like systems the selections
are those of the bundle's evaluation. Writes metrics/comparison.json, a block per system beside
those that are there; a killed run goes on with the next clip.
"""

from __future__ import annotations

import logging
import sys

from l2i_core.bundle import Bundle
from l2i_core.measure.comparison import STUDY, Settings, summarise
from l2i_core.measure.records import LevelRow, read
from l2i_core.measure.study import on_disk, publish, run
from pipelines.runs import evenly, main_guard, provenance
from pipelines.studies import opened, options
from pipelines.tables.comparison import comparison_table

log = logging.getLogger("l2i")


def main(argv: list[str] | None = None) -> int:
    parser, default = options(__doc__, "esc50", limit="--clips"), Settings()
    parser.add_argument(
        "--like",
        nargs="*",
        default=["att:0.3", "att-loop:0.9"],
        metavar="NAME:τ",
        help="with as much of ‖X‖² removed as by these (default: att:0.3 att-loop:0.9)",
    )
    parser.add_argument(
        "--thresholds", nargs="+", type=float, default=default.thresholds, metavar="τ"
    )
    parser.add_argument("--seed", type=int, default=default.seed)
    given = parser.parse_args(argv)
    bundle, engines, data, clips = opened(given)
    settings = Settings(
        thresholds=tuple(given.thresholds),
        seed=given.seed,
        wanted=dict(_removed(bundle, like) for like in given.like),
    )
    plan = evenly(STUDY.plan(clips, settings), given.limit)
    about = {"data": data, "random_draws": settings.random_draws, "seed": settings.seed}
    about |= provenance("compare", argv)
    for name, rows in run(STUDY, engines, clips, plan, settings):
        block = summarise(rows, bundle.task)
        publish(bundle, STUDY.name, name, {**block, "about": about})
        log.info("%s: %d clips", name, block["n"])
    print("\n\n".join(comparison_table(bundle)))
    return 0


def _removed(bundle: Bundle, like: str) -> tuple[str, dict[str, float]]:
    """ "NAME:τ" as it is written for readers, and the share of ‖X‖² that it removes, by clip."""
    name, _, level = like.partition(":")
    path = on_disk(bundle) / "metrics" / f"levels-{name}.csv"
    if not path.is_file():
        raise ValueError(
            f"{bundle.name} has no evaluation of {name!r} to compare with; run pipelines.evaluate "
            "first, or give --like without a name."
        )
    found = {
        row.clip: row.log_energy_removed
        for row in read(path, LevelRow)
        if f"{row.threshold:g}" == level
    }
    if not found:
        raise ValueError(f"{path.name} holds no τ {level!r}; give NAME:τ, such as att:0.3.")
    return f"{name} at τ {level}", found


if __name__ == "__main__":
    sys.exit(main_guard(main))
