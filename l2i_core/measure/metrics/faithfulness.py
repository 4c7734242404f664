"""What f's answers to x, x_int and x_2 say of a choice (section 4.1; Eq. 6)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from l2i_core.measure.metrics import quartiles, relative_faithfulness
from l2i_core.measure.metrics.registry import metric
from l2i_core.measure.records import Case


def _drops(values: Sequence[float]) -> dict[str, Any]:
    return {**quartiles(values), "positive_fraction": float((np.asarray(values) > 0).mean())}


@metric("faithfulness", "FF", "f(x)_c − f(x_2)_c (Eq. 6)", better="more", unit="FF", summary=_drops)
def drop(case: Case) -> float:
    return case.faithfulness


@metric(
    "relative_faithfulness",
    "FF / span",
    "FF / (f(x)_c − f(silence)_c); NaN where there is nothing to lose",
    better="more",
    unit="share",
    summary=quartiles,
)
def relative_drop(case: Case) -> float:
    return float(relative_faithfulness([case.faithfulness], [case.span])[0])


@metric(
    "fid_in",
    "Fid-In",
    "share of cases in which f decides for c on x_int too",
    better="more",
    unit="share",
)
def same_class(case: Case) -> float:
    return float(case.same_class)


# p = f(x)_c and o = f(x_int)_c as probabilities.
@metric("average_increase", "AI", "100 · mean(o > p)", better="more", unit="%")
def increase(case: Case) -> float:
    return 100.0 * (case.probability_interpretation > case.probability)


@metric("average_drop", "AD", "100 · mean(max(0, p − o) / p)", better="less", unit="%")
def probability_drop(case: Case) -> float:
    p, o = case.probability, case.probability_interpretation
    return 100 * max(0.0, p - o) / max(p, 1e-12)


@metric("average_gain", "AG", "100 · mean(max(0, o − p) / (1 − p))", better="more", unit="%")
def probability_gain(case: Case) -> float:
    p, o = case.probability, case.probability_interpretation
    return 100 * max(0.0, o - p) / max(1 - p, 1e-12)


@metric(
    "energy_kept",
    "sound energy kept",
    "x_int's share of the input's sound energy",
    better="less",
    unit="share",
)
def energy_kept(case: Case) -> float:
    return case.energy_kept


@metric(
    "log_energy_removed",
    "‖X‖² removed",
    "share of ‖X‖² that L covers",
    better="less",
    unit="share",
)
def log_energy_removed(case: Case) -> float | None:
    return case.log_energy_removed
