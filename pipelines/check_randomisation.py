"""Does an explanation depend on f? `python -m pipelines.check_randomisation --bundle esc50`.

f's layers are drawn anew from the top down, and clips of the test folds that the bundle names in
its recipe are explained again, see `l2i_core.measure.randomisation`. Writes
metrics/randomisation.csv and metrics/randomisation.json in the bundle's folder; a killed run goes
on with the next clip. With --classifier any other f is checked, on a folder of recordings (--data),
and the figures are printed.
"""

import json
import logging
import os
import sys
from argparse import Namespace
from typing import Any

from tqdm import tqdm

from l2i_core.bundle import load_bundle
from l2i_core.classifiers import options as of_classifier
from l2i_core.classifiers.opening import opened as opened_classifier
from l2i_core.classifiers.randomised import check_drawable
from l2i_core.data.folders import any_folder
from l2i_core.dictionary import choice
from l2i_core.engine import L2I
from l2i_core.measure.randomisation import ROWS, STUDY, TEXTS, Settings
from l2i_core.measure.study import publish, run
from pipelines.runs import evenly, main_guard, provenance
from pipelines.studies import keep_rows, opened, options
from pipelines.tables.experiments import randomisation_table

log = logging.getLogger("l2i")


def main(argv: list[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    if "--trust-code" in given:
        given.remove("--trust-code")
        os.environ["L2I_TRUST_CODE"] = "1"
    parser, default = options(__doc__, "esc50", limit="--clips"), Settings()
    parser.add_argument("--seeds", type=int, default=default.seeds, help="random f's")
    parser.add_argument(
        "--steps", type=int, default=default.steps, help="numbers of layers, the last being all"
    )
    of_classifier.add_classifier(parser, "another f (--trust-code: its code may run)")
    asked = parser.parse_args(given)
    settings = Settings(asked.seeds, asked.steps)
    said = of_classifier.given(asked)
    if asked.classifier:
        return _foreign(asked, said, settings)
    bundle, engines, data, clips = opened(asked)
    check_drawable(bundle.classifier)
    plan = evenly(STUDY.plan(clips, settings), asked.limit)
    about = {"data": data, **STUDY.about(settings), **provenance("check_randomisation", argv)}
    for name, rows in run(STUDY, engines, clips, plan, settings):
        block = STUDY.summarise(keep_rows(bundle, ROWS, TEXTS, name, rows))
        publish(bundle, STUDY.name, name, {**block, "about": about})
        log.info("%s: %s", name, json.dumps(block["levels"][-1]))
    return 0


def _foreign(asked: Namespace, said: dict[str, Any], settings: Settings) -> int:
    """Another f on a folder's clips, with each clip's own W."""
    if not asked.data:
        raise ValueError("give the folder of recordings to check --classifier on: --data FOLDER.")
    f = opened_classifier(asked.classifier, **said)
    of_classifier.tell_notes(f)
    check_drawable(f)
    bundle = load_bundle(asked.bundle).explaining(f).with_dictionary(choice.CLIP)
    clips = any_folder(asked.data, bundle.classes).clips
    blocks = {}
    for name in asked.interpreter or [bundle.default_interpreter]:
        engine = L2I(bundle, name)
        steps = evenly(STUDY.plan(clips, settings), asked.limit)
        rows = [
            row
            for step in tqdm(steps, desc=name, unit=STUDY.unit, disable=None)
            for row in STUDY.measure(engine, clips, step, settings)
        ]
        blocks[name] = {**STUDY.summarise(rows), "about": STUDY.about(settings)}
    print(randomisation_table(blocks))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
