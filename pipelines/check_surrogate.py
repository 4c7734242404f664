"""Check L2I's relevances against a local surrogate: `python -m pipelines.check_surrogate`.

For clips of the test folds that the bundle names in its recipe, see
`l2i_core.explainers.surrogate`. Writes metrics/surrogate.csv, after every clip,
and metrics/surrogate.json in the bundle's folder; a killed run goes on with the next clip.
A clip takes as many passes of f as there are samples.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence

from tqdm import tqdm

from l2i_core.arguments import Parser
from l2i_core.bundle import Bundle, load_bundle
from l2i_core.data.clips import Clip
from l2i_core.engine import L2I
from l2i_core.explainers import surrogate
from l2i_core.explainers.surrogate import Row
from l2i_core.files import write_text
from l2i_core.measure.noise_lab import held_out
from l2i_core.measure.records import read_table, to_csv
from pipelines.evaluate import weights_of
from pipelines.runs import circumstances, evenly, main_guard, typed

log = logging.getLogger("l2i")


def run(
    bundle: Bundle,
    names: Sequence[str],
    numbered: Sequence[tuple[int, Clip]],
    samples: int = 256,
    seed: int = 0,
    command: str = "",
) -> dict[str, object]:
    """Check these interpreters of a bundle on disk; returns what surrogate.json holds.

    A clip's number is its place in the whole test set: its draws do not depend on which others are
    checked. A clip that cannot be used is logged and left out. `command` is recorded.
    """
    if samples < 2:
        raise ValueError(f"a surrogate needs at least 2 samples, received {samples}.")
    assert bundle.folder is not None  # it was loaded
    folder = bundle.folder / "metrics"
    path, summary_path = folder / "surrogate.csv", folder / "surrogate.json"
    rows = read_table(path, surrogate.TEXTS) if path.is_file() else []
    done: dict[str, object] = json.loads(summary_path.read_text()) if summary_path.is_file() else {}
    for name in names:
        engine = L2I(bundle, name)
        wanted = {clip.name for _, clip in numbered}
        weights = weights_of(bundle, name)
        made: Row = {"interpreter": name, "samples": samples, "seed": seed, "weights": weights}
        mine = [r for r in rows if made.items() <= r.items() and r["clip"] in wanted]
        others = [r for r in rows if r["interpreter"] != name]
        there = {r["clip"] for r in mine}
        left = [(index, clip) for index, clip in numbered if clip.name not in there]
        for index, clip in tqdm(left, desc=f"surrogates beside {name}", unit="clip"):
            try:
                new = surrogate.check(engine, clip, index, seed, samples)
            except ValueError as error:
                log.warning("left out: %s: %s", clip.name, error)
                continue
            mine += [{**row, "weights": weights} for row in new]
            write_text(path, to_csv([*others, *mine]))
        # The written rows, of six digits: a resumed run has no others, and the table is theirs.
        rows = read_table(path, surrogate.TEXTS) if path.is_file() else []
        mine = [r for r in rows if r["interpreter"] == name]
        about: Row = {"samples": samples, "seed": seed, "random_draws": surrogate.RANDOM_DRAWS}
        about |= {"command": command, **circumstances()}
        done[name] = {**surrogate.summarise(mine, bundle.task), "about": about}
        write_text(summary_path, json.dumps(done, indent=1) + "\n")
        log.info("%s: %s", name, json.dumps(done[name]))
    return done


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--bundle", default="esc10", help="a bundle's name or folder")
    parser.add_argument("--interpreter", help="one of the bundle's (default: all)")
    parser.add_argument("--clips", type=int, metavar="N", help="so many of the test clips")
    parser.add_argument("--samples", type=int, default=256, help="passes of f for each surrogate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", metavar="FOLDER", help="the data set (default: L2I_ESC10, …)")
    arguments = parser.parse_args(argv)
    bundle = load_bundle(arguments.bundle)
    names = [arguments.interpreter] if arguments.interpreter else list(bundle.interpreters)
    numbered = evenly(list(enumerate(held_out(bundle, arguments.data)[1])), arguments.clips)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    command = typed("check_surrogate", argv)
    run(bundle, names, numbered, arguments.samples, arguments.seed, command)
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
