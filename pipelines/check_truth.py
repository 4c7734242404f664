"""What interpretations hold of the true sources: `python -m pipelines.check_truth --bundle scenes`.

Every class that a test scene truly holds is explained, with its stems at hand, by every
interpreter (or some), and measured beside energy-matched Random and the ideal mask with the same W
(`l2i_core.measure.truth`). Writes metrics/truth.json and truth-rows.csv into the bundle, after
every interpreter; a killed run goes on with the next scene, and what was measured before of the
same weights is not measured again.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence

from l2i_core.bundle import Bundle
from l2i_core.files import write_text
from l2i_core.measure.records import to_csv
from l2i_core.measure.study import (
    Row,
    figures_on_disk,
    on_disk,
    rows_on_disk,
    run,
    system_of,
    weights_of,
)
from l2i_core.measure.truth import ROWS, STUDY, TEXTS, Settings
from pipelines.runs import main_guard, provenance
from pipelines.studies import engine_of, opened, options

log = logging.getLogger("l2i")


def main(argv: list[str] | None = None) -> int:
    given = options(__doc__, "scenes").parse_args(argv)
    bundle, engines, _, clips = opened(given)
    settings, names = Settings(), [system_of(engine) for engine in engines]
    scenes = clips[: given.limit]
    plan = STUDY.plan(scenes, settings)
    wanted = {(clip.name, label) for clip in scenes for label in clip.held}
    known = figures_on_disk(bundle, STUDY.name).get("about", {}).get("weights", {})
    weights = {}
    for name in {*names, *known}:
        engine = engine_of(bundle, name)
        weights[name] = weights_of(engine.bundle, engine.interpreter_name)
    rows = _measured(bundle, wanted, names, weights, known)
    made = provenance("check_truth", argv)
    about = {"command": made.pop("command"), "scenes": len(scenes)}
    about |= {**STUDY.about(settings), **made}
    folder = on_disk(bundle) / "metrics"
    for name, mine in run(STUDY, engines, clips, plan, settings):
        if rows.get(name) != mine:
            rows[name] = mine
            write_text(folder / ROWS, to_csv([row for each in rows.values() for row in each]))
            blocks = {name: STUDY.summarise(each) for name, each in rows.items()}
            about["weights"] = {name: weights[name] for name in rows}
            text = json.dumps({"about": about, **blocks}, indent=1)
            write_text(folder / "truth.json", f"{text}\n")
    for name, each in rows.items():
        block = STUDY.summarise(each)["log"]["0.3"]["interpretation"]
        log.info("%s: %s", name, json.dumps(block))
    return 0


def _measured(
    bundle: Bundle,
    wanted: set[tuple[str, str]],
    names: Sequence[str],
    weights: Mapping[str, str],
    known: Mapping[str, str],
) -> dict[str, list[Row]]:
    """The rows of interpreters whose weights were measured on just these scenes; ValueError where
    another one, which is not to be measured now, would be lost."""
    kept = dict[str, list[Row]]()
    for row in rows_on_disk(bundle, ROWS, TEXTS):
        if weights.get(row["interpreter"], "") == known.get(row["interpreter"]):
            kept.setdefault(row["interpreter"], []).append(row)
    for name, rows in list(kept.items()):
        if {(r["clip"], r["target"]) for r in rows} != wanted:
            if name not in names:
                raise ValueError(
                    f"{name} was measured on other scenes; check it again too (--interpreter), or "
                    "remove metrics/truth-rows.csv."
                )
            del kept[name]
    return kept


if __name__ == "__main__":
    sys.exit(main_guard(main))
