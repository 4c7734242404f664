"""Check L2I's relevances against a local surrogate: `python -m pipelines.check_surrogate`.

For clips of the test folds that the bundle names in its recipe, see
`l2i_core.measure.surrogate`. Writes metrics/surrogate.csv and metrics/surrogate.json in the
bundle's folder; a killed run goes on with the next clip. A clip takes as many passes of f as there
are samples, and its draws do not depend on which others are checked.
"""

import json
import logging
import sys

from l2i_core.measure.study import publish, run
from l2i_core.measure.surrogate import ROWS, STUDY, TEXTS, Settings, summarise
from pipelines.runs import evenly, main_guard, provenance
from pipelines.studies import keep_rows, opened, options

log = logging.getLogger("l2i")


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__, "esc10", limit="--clips")
    parser.add_argument("--samples", type=int, default=256, help="passes of f for each surrogate")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    bundle, engines, _, clips = opened(given)
    settings = Settings(given.samples, given.seed)
    plan = evenly(STUDY.plan(clips, settings), given.limit)
    about = {**STUDY.about(settings), **provenance("check_surrogate", argv)}
    for name, rows in run(STUDY, engines, clips, plan, settings):
        mine = keep_rows(bundle, ROWS, TEXTS, name, rows)
        block = summarise(mine, bundle.task)
        publish(bundle, STUDY.name, name, {**block, "about": about})
        log.info("%s: %s", name, json.dumps(block))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
