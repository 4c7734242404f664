"""Check L2I's relevances against a local surrogate: `python -m pipelines.check_surrogate`.

For clips of the test folds that the bundle names in its recipe, see
`l2i_core.measure.surrogate`. Writes metrics/surrogate.csv and metrics/surrogate.json in the
bundle's folder; a killed run goes on with the next clip. A clip takes as many passes of f as there
are samples, and its draws do not depend on which others are checked.
"""

from __future__ import annotations

import json
import logging
import sys

from l2i_core.arguments import Parser
from l2i_core.bundle import load_bundle
from l2i_core.data.sets import held_out
from l2i_core.engine import L2I
from l2i_core.files import write_text
from l2i_core.measure.records import to_csv
from l2i_core.measure.study import on_disk, publish, rows_on_disk, run, weights_of
from l2i_core.measure.surrogate import ROWS, STUDY, TEXTS, Settings, summarise
from pipelines.runs import evenly, log_to_stderr, main_guard, provenance

log = logging.getLogger("l2i")


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--bundle", default="esc10", help="a bundle's name or folder")
    parser.add_argument("--interpreter", help="one of the bundle's (default: all)")
    parser.add_argument("--clips", type=int, metavar="N", help="so many of the test clips")
    parser.add_argument("--samples", type=int, default=256, help="passes of f for each surrogate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", metavar="FOLDER", help="the data set (default: L2I_ESC10, …)")
    given = parser.parse_args(argv)
    log_to_stderr()
    bundle = load_bundle(given.bundle)
    names = [given.interpreter] if given.interpreter else bundle.interpreters
    engines = [L2I(bundle, name) for name in names]
    clips = held_out(bundle.training, bundle.name, given.data)[1]
    settings = Settings(given.samples, given.seed)
    plan = evenly(STUDY.plan(clips, settings), given.clips)
    about = {**STUDY.about(settings), **provenance("check_surrogate", argv)}
    path = on_disk(bundle) / "metrics" / ROWS
    for name, rows in run(STUDY, engines, clips, plan, settings):
        weights = weights_of(bundle, name)
        mine = [{**row, "weights": weights} for row in rows if "error" not in row]
        others = [r for r in rows_on_disk(bundle, ROWS, TEXTS) if r["interpreter"] != name]
        write_text(path, to_csv([*others, *mine]))
        # The written rows, of six digits: a resumed run has no others, and the table is theirs.
        mine = rows_on_disk(bundle, ROWS, TEXTS, interpreter=name)
        block = summarise(mine, bundle.task)
        publish(bundle, STUDY.name, name, {**block, "about": about})
        log.info("%s: %s", name, json.dumps(block))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
