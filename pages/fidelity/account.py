"""What one evaluation says of fidelity in the measures of its task, ready to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from l2i_core.measure import metrics
from l2i_core.measure.evaluation import Row
from pages.fidelity.charts import Chart
from pages.shell import results
from pages.show.words import percent

ERROR = "‖X − W H‖ / ‖X‖"


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper's figures: on which data, in which table, by system; how far they compare."""

    data: str
    table: str
    figures: Mapping[str, Sequence[float]]
    note: str


@dataclass(frozen=True, slots=True)
class Account:
    """Made by `top_k` where f decides for one class a clip, by `detection` for several.

    finding: sentences, the main one first; terms: what its measures mean.
    measures: titles, and the keys of a summary's "fidelity"; chance: what guessing reaches.
    counts (C, C): clips, rows f's classes, columns the interpreter's.
    classes: a row for each; decimals, shares: its columns of either kind; legend: what they count.
    clips: a row for each, the worst disagreements first, `apart` 0 for none; `line`: its row in
    the table of disagreements; `describe`: what is said of it in the list.
    """

    finding: Sequence[str]
    terms: str
    measures: Mapping[str, str]
    chance: Mapping[str, float | None]
    paper: Paper
    charts: Mapping[str, Chart]
    counts: np.ndarray
    classes: Sequence[Row]
    decimals: Sequence[str]
    shares: Sequence[str]
    legend: str
    clips: Sequence[Row]
    line: Callable[[Row], dict[str, Any]]
    describe: Callable[[Row], str]


def share(successes: int, n: int) -> str:
    """ "92 %, 95 % interval 65–99 %"."""
    low, high = metrics.wilson_interval(successes, n)
    return f"{percent(successes / n)}, 95 % interval {results.interval(low, high)}"
