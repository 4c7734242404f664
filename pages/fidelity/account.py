"""What one evaluation says of fidelity in the measures of its task, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from l2i_core.measure import metrics
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
class Line:
    """One clip: the class to explain of it, whether the two decide alike on it, what is said of it
    in the list, its row in the table of disagreements, and its further columns of the CSV."""

    clip: str
    predicted: str
    alike: bool
    told: str
    cells: dict[str, Any]
    columns: dict[str, Any]

    @property
    def case(self) -> str:
        return self.clip


@dataclass(frozen=True, slots=True)
class Account:
    """Made by `top_k` where f decides for one class a clip, by `detection` for several.

    finding: sentences, the main one first; terms: what its measures mean.
    measures: titles, and the keys of a summary's "fidelity"; chance: what guessing reaches.
    counts (C, C): clips, rows f's classes, columns the interpreter's.
    classes: a row for each; decimals, shares: its columns of either kind; legend: what they count.
    clips: a line for each, the worst disagreements first.
    """

    finding: Sequence[str]
    terms: str
    measures: Mapping[str, str]
    chance: Mapping[str, float | None]
    paper: Paper
    charts: Mapping[str, Chart]
    counts: np.ndarray
    classes: results.Table
    decimals: Sequence[str]
    shares: Sequence[str]
    legend: str
    clips: Sequence[Line]


def share(successes: int, n: int) -> str:
    """ "92 %, 95 % interval 65–99 %"."""
    low, high = metrics.wilson_interval(successes, n)
    return f"{percent(successes / n)}, 95 % interval {results.interval(low, high)}"
