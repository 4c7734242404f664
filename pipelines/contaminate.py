"""Explain contaminated clips, as L-MAC is tested: `python -m pipelines.contaminate --bundle esc50`.

The clips of the bundle's own test set with another clip in them, then with white noise, see
`l2i_core.measure.contamination`. Writes metrics/contaminated.json in the bundle's folder after
every interpreter and kind: blocks as in summary.json. What is there of the same weights is
not measured again.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l2i_core.arguments import Parser
from l2i_core.bundle import Bundle, load_bundle
from l2i_core.data.clips import Clip
from l2i_core.engine import L2I
from l2i_core.files import write_text
from l2i_core.measure.contamination import KINDS, write_contaminated
from l2i_core.measure.evaluation import Settings
from l2i_core.measure.noise_lab import held_out
from l2i_core.signal.corrupt import check_snr
from pipelines.evaluate import evaluate_with_bar, weights_of
from pipelines.runs import circumstances, evenly, main_guard, typed

log = logging.getLogger("l2i")
THRESHOLDS = (0.5, 0.3, 0.1)


def run(
    bundle: Bundle,
    names: Sequence[str] = (),
    limit: int | None = None,
    snr_db: float = 0.0,
    seed: int = 0,
    root: str | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Measure these interpreters (default: all) of a bundle on disk; what contaminated.json holds.

    limit: so many of the test clips, evenly spread (None: all). root: the data set's folder, where
    `held_out` would not find it. A clip that cannot be used is logged and left out. Raises
    ValueError for an unknown interpreter, a limit below 1, an SNR that cannot be, and a bundle
    without a test set at hand.
    """
    check_snr(snr_db)
    wanted = list(names or bundle.interpreters)
    for name in wanted:
        L2I(bundle, name)  # refuses what has no components to play
    clips = held_out(bundle, root)[1]
    chosen = evenly(range(len(clips)), limit)
    settings = Settings(thresholds=THRESHOLDS, random_thresholds=(), seed=seed)
    assert bundle.folder is not None  # it was loaded
    weights = {n: weights_of(bundle, n) for n in wanted}
    done = bundle.experiment("contaminated") or {}
    for kind in KINDS:
        title = f"{kind} at {snr_db:g} dB"
        going_by = {
            n: {"clips": len(chosen), "snr_db": snr_db, "seed": seed, "weights": weights[n]}
            for n in wanted
        }
        left = [n for n in wanted if not _made(done.get(n, {}).get(title), going_by[n])]
        if not left:
            continue
        with tempfile.TemporaryDirectory() as folder:
            mixtures = write_contaminated(
                clips, chosen, kind, bundle.audio, Path(folder), snr_db, seed, _left_out
            )
            for name in left:
                summary = evaluate_with_bar(bundle, name, mixtures, settings).summary
                about = {**going_by[name], "command": command, **circumstances()}
                done.setdefault(name, {})[title] = {**summary, "about": about}
                path = bundle.folder / "metrics" / "contaminated.json"
                write_text(path, json.dumps(done, indent=1) + "\n")
                log.info("%s, %s: %d clips", name, title, summary["n"])
    return done


def _made(block: dict[str, Any] | None, going_by: dict[str, Any]) -> bool:
    return block is not None and going_by.items() <= block["about"].items()


def _left_out(clip: Clip, reason: str) -> None:
    log.warning("left out: %s: %s", clip.name, reason)


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--bundle", default="esc50", help="a bundle's name or folder")
    parser.add_argument(
        "--interpreter", nargs="+", default=[], metavar="NAME", help="the bundle's (default: all)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="so many of the test clips")
    parser.add_argument("--snr", type=float, default=0.0, help="of the clip above the other, dB")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", metavar="FOLDER", help="the data set (default: L2I_ESC50, …)")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    run(
        load_bundle(arguments.bundle),
        arguments.interpreter,
        arguments.limit,
        arguments.snr,
        arguments.seed,
        arguments.data,
        typed("contaminate", argv),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
