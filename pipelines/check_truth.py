"""What interpretations hold of the true sources: `python -m pipelines.check_truth --bundle scenes`.

Every class that a test scene truly holds is explained, with its stems at hand, by every
interpreter (or some), and measured beside energy-matched Random and the ideal mask with the same W
(`l2i_core.measure.truth`). Writes metrics/truth.json and truth-rows.csv into the bundle, after
every interpreter; one whose weights were measured before, on the same scenes, is not measured
again.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from l2i_core.arguments import Parser
from l2i_core.bundle import load_bundle
from l2i_core.data import scenes
from l2i_core.data.clips import Clip, load_clip
from l2i_core.engine import L2I
from l2i_core.files import write_text
from l2i_core.measure import truth
from l2i_core.measure.noise_lab import held_out
from l2i_core.measure.records import read_table, to_csv
from pipelines.evaluate import weights_of
from pipelines.runs import circumstances, main_guard, typed

log = logging.getLogger("l2i")
THRESHOLDS = (0.3, 0.1)


def check_scene(engine: L2I, clip: Clip, number: int) -> list[dict[str, Any]]:
    """The rows of one scene: every class it holds, both mask domains, all τ, all systems."""
    assert clip.path is not None  # scenes are files
    stems = {
        name: load_clip(Clip(name, name, clip.fold, clip.source, path), engine.audio)
        for name, path in scenes.stem_files(clip.path).items()
    }
    analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
    rows = truth.check(engine, analysis, clip.held, stems, THRESHOLDS, seed=(number,))
    return [{"clip": clip.name, **row} for row in rows]


def tables(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Blocks by interpreter, domain, τ ("0.3") and system."""
    made: dict[str, Any] = {}
    keys = dict.fromkeys(
        (r["interpreter"], r["mask_domain"], r["threshold"], r["system"]) for r in rows
    )
    for key in keys:
        name, domain, threshold, system = key
        mine = [
            r
            for r in rows
            if (r["interpreter"], r["mask_domain"], r["threshold"], r["system"]) == key
        ]
        level = made.setdefault(name, {}).setdefault(domain, {}).setdefault(f"{threshold:g}", {})
        level[system] = truth.summarise(mine)
    return made


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--bundle", default="scenes", help="a bundle's name or folder")
    parser.add_argument("--data", metavar="FOLDER", help="the scenes (default: L2I_SCENES)")
    parser.add_argument("--interpreter", nargs="+", help="default: all of the bundle's")
    parser.add_argument("--limit", type=int, help="the first scenes only")
    given = parser.parse_args(argv)
    if given.limit is not None and given.limit < 1:
        raise ValueError(f"--limit must be at least 1, received {given.limit}.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    bundle = load_bundle(given.bundle)
    assert bundle.folder is not None  # it was loaded
    clips = held_out(bundle, given.data)[1][: given.limit]
    folder = bundle.folder / "metrics"
    path = folder / "truth-rows.csv"
    names = given.interpreter or list(bundle.interpreters)
    wanted = {(clip.name, label) for clip in clips for label in clip.held}
    if not wanted:
        raise ValueError("none of the scenes holds a class, so there is nothing to check.")
    weights = {n: weights_of(bundle, n) for n in bundle.interpreters}
    about = {
        "command": typed("check_truth", argv),
        "scenes": len(clips),
        "random_draws": truth.RANDOM_DRAWS,
        **circumstances(),
    }
    known = (bundle.experiment("truth") or {}).get("about", {}).get("weights", {})
    rows = _measured(read_table(path, truth.TEXTS), wanted, names) if path.is_file() else []
    rows = [r for r in rows if known.get(r["interpreter"]) == weights.get(r["interpreter"])]
    for name in names:
        if any(r["interpreter"] == name for r in rows):
            continue
        engine = L2I(bundle, name)
        for number, clip in enumerate(tqdm(clips, desc=f"{name} beside the stems", unit="scene")):
            rows += [{"interpreter": name, **r} for r in check_scene(engine, clip, number)]
        write_text(path, to_csv(rows))
        about["weights"] = {n: weights[n] for n in dict.fromkeys(r["interpreter"] for r in rows)}
        made = {"about": about, **tables(rows)}
        write_text(folder / "truth.json", json.dumps(made, indent=1) + "\n")
    for name, block in tables(rows).items():
        log.info("%s: %s", name, json.dumps(block["log"]["0.3"]["interpretation"]))
    return 0


def _measured(
    rows: Sequence[dict[str, Any]], wanted: set[tuple[str, str]], names: Sequence[str]
) -> list[dict[str, Any]]:
    """The rows of interpreters that were measured on just these scenes; ValueError where another
    one, which is not to be measured now, would be lost."""
    kept: list[dict[str, Any]] = []
    for name in dict.fromkeys(str(r["interpreter"]) for r in rows):
        mine = [r for r in rows if r["interpreter"] == name]
        if {(r["clip"], r["target"]) for r in mine} == wanted:
            kept += mine
        elif name not in names:
            raise ValueError(
                f"{name} was measured on other scenes; check it again too (--interpreter), or "
                "remove metrics/truth-rows.csv."
            )
    return kept


if __name__ == "__main__":
    sys.exit(main_guard(main))
