"""Explain contaminated clips, as L-MAC is tested: `python -m pipelines.contaminate --bundle esc50`.

The clips of the bundle's own test set with another clip in them, then with white noise, see
`l2i_core.measure.contamination`. Writes metrics/contaminated.json in the bundle's folder: blocks
as in summary.json. What is there of the same weights is not measured again, and a clip that cannot
be used is logged and left out.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from l2i_core.data.clips import Clip
from l2i_core.engine import L2I
from l2i_core.measure import evaluation
from l2i_core.measure.contamination import KINDS, contaminated
from l2i_core.measure.study import (
    Row,
    Step,
    Study,
    figures_on_disk,
    publish,
    run,
    system_of,
    weights_of,
)
from l2i_core.signal.corrupt import check_snr
from pipelines.evaluate import evaluate_with_bar
from pipelines.runs import evenly, main_guard, provenance
from pipelines.studies import opened, options

log = logging.getLogger("l2i")
THRESHOLDS = (0.5, 0.3, 0.1)


@dataclass(frozen=True, slots=True)
class Settings:
    """How many of the test clips, evenly spread; their level above the other sound; the seed."""

    clips: int
    snr_db: float = 0.0
    seed: int = 0

    def title(self, kind: str) -> str:
        """What a block is called."""
        return f"{kind} at {self.snr_db:g} dB"


def _measure(engine: L2I, clips: Sequence[Clip], step: Step, settings: Settings) -> list[Row]:
    """One kind's block, for all the clips."""
    (kind,) = step
    measured = evaluation.Settings(thresholds=THRESHOLDS, random_thresholds=(), seed=settings.seed)
    made = evaluate_with_bar(
        engine.bundle,
        engine.interpreter_name,
        evenly(clips, settings.clips),
        measured,
        left_out=lambda clip, reason: log.warning("left out: %s: %s", clip.name, reason),
        load=contaminated(clips, kind, settings.snr_db, settings.seed),
    )
    return [{settings.title(kind): made.summary}]


def _published(
    engine: L2I, clips: Sequence[Clip], settings: Settings, weights: str
) -> Mapping[Step, list[Row]]:
    """The blocks that were measured of these weights, with their `about`."""
    blocks = figures_on_disk(engine.bundle, STUDY.name).get(system_of(engine), {})
    made = {**STUDY.about(settings), "weights": weights}
    return {
        (kind,): [{title: blocks[title]}]
        for kind in KINDS
        if (title := settings.title(kind)) in blocks
        and made.items() <= blocks[title]["about"].items()
    }


STUDY: Study[Settings] = Study(
    "contaminated",
    "kind",
    lambda *_: [(kind,) for kind in KINDS],
    _measure,
    lambda rows: {title: block for row in rows for title, block in row.items()},
    ("clips", "snr_db", "seed"),
    published=_published,
)


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__, "esc50")
    parser.add_argument("--snr", type=float, default=0.0, help="of the clip above the other, dB")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    check_snr(given.snr)
    bundle, engines, _, clips = opened(given)
    settings = Settings(len(evenly(clips, given.limit)), given.snr, given.seed)
    plan = STUDY.plan(clips, settings)
    today = provenance("contaminate", argv)
    weights = {system_of(e): weights_of(e.bundle, e.interpreter_name) for e in engines}
    for name, rows in run(STUDY, engines, clips, plan, settings):
        about = {**STUDY.about(settings), "weights": weights[name], **today}
        made = {t: {**b, "about": b.get("about", about)} for t, b in STUDY.summarise(rows).items()}
        there = figures_on_disk(bundle, STUDY.name).get(name, {})
        publish(bundle, STUDY.name, name, {**there, **made})
        log.info("%s: %s", name, ", ".join(made))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
