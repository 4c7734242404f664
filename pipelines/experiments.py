"""The paper's noise and overlap experiments on a bundle: `python -m pipelines.experiments`.

Over the bundle's own test set, see `l2i_core.measure.experiments`. Writes metrics/noise.json and
metrics/overlap.json, with a block per interpreter, and the rows as CSV files beside them. The rows
are kept after every clip or pair, so a killed run goes on with the next.
"""

import logging
import sys

from l2i_core.dictionary.masking import MASK_DOMAINS
from l2i_core.files import write_text
from l2i_core.measure.experiments import STUDIES, Settings
from l2i_core.measure.records import to_csv
from l2i_core.measure.study import on_disk, publish, run
from pipelines.runs import main_guard, provenance
from pipelines.studies import opened, options

log = logging.getLogger("l2i")


def main(argv: list[str] | None = None) -> int:
    parser, default = options(__doc__, "esc10"), Settings()
    parser.add_argument("--only", choices=STUDIES, help="one of the two")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--pairs", type=int, default=default.pairs, help="pairs of clips to mix")
    parser.add_argument("--mask-domain", choices=MASK_DOMAINS, default=default.mask_domain)
    parser.add_argument(
        "--all-levels",
        action="store_true",
        help=f"every SNR on every clip, not on {default.swept} of them",
    )
    given = parser.parse_args(argv)
    swept = None if given.all_levels else default.swept
    domain = given.mask_domain
    settings = Settings(seed=given.seed, pairs=given.pairs, swept=swept, mask_domain=domain)
    bundle, engines, data, clips = opened(given)
    made = provenance("experiments", argv)
    for kind in [given.only] if given.only else STUDIES:
        study = STUDIES[kind]
        bundle.experiment(kind)  # a damaged file is told before the work
        plan = study.plan(clips, settings)[: given.limit]
        about = {**made, "data": data, "clips": len(clips), **study.about(settings)}
        about |= {} if given.limit is None else {"limit": given.limit}
        for name, rows in run(study, engines, clips, plan, settings):
            block = study.summarise(rows)
            write_text(on_disk(bundle) / "metrics" / f"{kind}-rows-{name}.csv", to_csv(rows))
            publish(bundle, kind, name, {**block, "about": about})
            log.info("%s: %s, %d steps", name, kind, len(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
