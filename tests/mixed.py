"""Hand-written rows of the noise and the overlap experiment, and a bundle that holds their
figures."""

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from l2i_core.measure.experiments import STUDIES
from l2i_core.measure.records import to_csv
from l2i_core.measure.study import Row

ABOUT = {
    "command": "python -m pipelines.experiments --bundle measured",
    "data": "ESC-10, fold 1",
    "seed": 0,
    "date": "2026-01-02",
    "hardware": "an abacus",
    "thresholds": [0.3, 0.1],
}


def noise_row(index: int, snr: float, threshold: float, place: int, share: float) -> Row:
    """One clip at one SNR and τ: the interpreter has the class at `place`; nothing is selected
    where the passing share is 0."""
    silent = share == 0
    return {
        "index": index,
        "snr_asked": snr,
        "threshold": threshold,
        "place": place,
        "place_clean": 1,
        "label": "dog",
        "predicted": "dog" if place <= 5 else "rain",
        "decision": int(place == 1),
        "place_of_decision": 6,
        "components": 0 if silent else 4,
        "followed_passed": share,
        "rest_passed": share / 2,
        "followed_correlation": math.nan if silent else 0.5,
        "rest_correlation": math.nan if silent else 0.1,
        "si_sdr_gain": math.nan if silent else -1.0,
    }


def noise_rows() -> list[Row]:
    """Clips 4 and 2 at −10 and 0 dB, 9 at 0 dB alone: places 1, 5 and 6, shares 0.4, 0.2 and 0."""
    return [
        noise_row(index, snr, threshold, place, share)
        for index, place, share, snrs in (
            (4, 1, 0.4, (-10.0, 0.0)),
            (2, 5, 0.2, (-10.0, 0.0)),
            (9, 6, 0.0, (0.0,)),
        )
        for snr in snrs
        for threshold in (0.3, 0.1)
    ]


def overlap_row(pair: int, f_place: int, own: float, chance: float, held: float) -> Row:
    """One explanation at 0 dB and τ 0.3: `own` of the target passes, `chance` of it by Random, 0.2
    of the other by both; L covers 0.3 of ‖X‖², Random `held` of it."""
    figures = {"followed_correlation": 0.4, "rest_correlation": 0.1, "si_sdr_gain": 1.0}
    return {
        "pair": pair,
        "snr_asked": 0.0,
        "threshold": 0.3,
        "f_place": f_place,
        "components": 3,
        "log_energy": 0.3,
        "followed_passed": own,
        "rest_passed": 0.2,
        **figures,
        "more": int(own > 0.2),
        "random_followed_passed": chance,
        "random_rest_passed": 0.2,
        **{f"random_{name}": value / 2 for name, value in figures.items()},
        "random_more": 0.5,
        "random_log_energy": held,
    }


def overlap_rows() -> list[Row]:
    """Two pairs, three explanations: f has the classes first, second and third; in the last, Random
    could not carry as much energy."""
    return [
        overlap_row(0, 1, 0.6, 0.2, 0.3),
        overlap_row(0, 2, 0.5, 0.3, 0.3),
        overlap_row(1, 3, 0.1, 0.2, 0.2),
    ]


def add_experiments(
    source: Path, folder: Path, kinds: Sequence[str] = ("noise", "overlap")
) -> Path:
    """A copy of a bundle in `folder` with these experiments of both interpreters, at several levels;
    returns its folder."""
    shutil.copytree(source, folder)
    rows = {
        "noise": noise_rows(),
        "overlap": [
            {**row, "snr_asked": level, "threshold": threshold}
            for level in (-5.0, 0.0, 5.0)
            for threshold in (0.3, 0.1)
            for row in overlap_rows()
        ],
    }
    (folder / "metrics").mkdir(exist_ok=True)
    for kind in kinds:
        block = {**STUDIES[kind].summarise(rows[kind]), "about": ABOUT}
        (folder / "metrics" / f"{kind}.json").write_text(json.dumps({"att": block, "max": block}))
        (folder / "metrics" / f"{kind}-rows-att.csv").write_text(to_csv(rows[kind]))
    return folder
