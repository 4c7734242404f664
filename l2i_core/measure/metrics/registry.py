"""The metrics that are columns: one entry is a column of an evaluation's rows and summary, of the
printed tables and of the pages.

A file of this folder adds its own, and a stranger's file in metrics/ of a plug-in folder:

    from l2i_core.measure.metrics.registry import metric

    @metric("mine", "symbol", "formula", better="more")
    def mine(case):  # → a number of one `Case`
        ...
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from l2i_core.measure.metrics import Array
from l2i_core.measure.records import Case
from l2i_core.registry import Registry
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES, Task
from l2i_core.words import number, percent

BOTH = (ONE_CLASS, SEVERAL_CLASSES)


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number of every `Case`, and what becomes of many.

    name: the key in summary.json and in CSV files; symbol: the heading; better: more or less of
    it; unit: "FF" for FF's own, a "share" of 1, per cent ("%") or none; summary: a number, or a
    block with "median"; needs: "clip" where `of` asks `Case.explained`, so that it can only be
    taken while that is at hand, and is kept in the rows; tasks: of the models that have it.
    """

    name: str
    symbol: str
    formula: str
    of: Callable[[Case], float | None]
    better: Literal["more", "less"]
    unit: Literal["FF", "share", "%", ""] = ""
    summary: Callable[[Sequence[float]], Any] = mean
    needs: Literal["case", "clip"] = "case"
    tasks: tuple[Task, ...] = BOTH

    def value(self, case: Case) -> float | None:
        """Of one case; None where it has none."""
        return case.measured.get(self.name) if self.needs == "clip" else self.of(case)

    def over(self, values: Sequence[float | None]) -> Any:
        """Its summary; None where a case has no value."""
        known = [value for value in values if value is not None]
        return self.summary(known) if known and len(known) == len(values) else None

    def decimals(self, per_cent: int = 0) -> int:
        """Of a printed table that gives per cent so many."""
        return per_cent if self.unit == "%" else 2

    def words(self, figure: Any) -> str:
        """A value or a summary for a reader; "–" for None."""
        value = single(figure)
        if value is None:
            return "–"
        share = {"share": 1.0, "%": 0.01}.get(self.unit)
        return number(value) if share is None else percent(share * value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How closely logits (n, C) follow the decisions of others (n, C): `of(others, logits)`, None
    where those decide for nothing. More is better; 1 is f itself."""

    name: str
    symbol: str
    formula: str
    of: Callable[[Array, Array], float | None]
    tasks: tuple[Task, ...] = BOTH


def _complete(name: str, entry: Metric | Fidelity) -> None:
    if not isinstance(entry, (Metric, Fidelity)):
        raise ValueError(f"{name!r} is no metric; write @metric({name!r}, …) above a function.")


METRICS: Registry[Metric | Fidelity] = Registry("l2i_core.measure.metrics", "metric", _complete)


def metric(
    name: str, symbol: str, formula: str, **about: Any
) -> Callable[[Callable[[Case], float | None]], Metric]:
    """A decorator that adds a function of a case; `about`: `Metric`'s other fields."""
    return lambda of: METRICS.add(name)(
        Metric(name=name, symbol=symbol, formula=formula, of=of, **about)
    )


def fidelity(
    name: str, symbol: str, formula: str, tasks: tuple[Task, ...] = BOTH
) -> Callable[[Callable[[Array, Array], float | None]], Fidelity]:
    """A decorator that adds a function of f's logits (n, C) and an interpreter's (n, C)."""
    return lambda of: METRICS.add(name)(
        Fidelity(name=name, symbol=symbol, formula=formula, of=of, tasks=tasks)
    )


def single(figure: Any) -> float | None:
    """The number that stands for a summary: of a block its median."""
    return figure.get("median") if isinstance(figure, dict) else figure


def metrics_of(task: Task, without: Collection[str] = ()) -> tuple[Metric, ...]:
    """The metrics of cases of such a model, but for those of these names."""
    every = (m for m in METRICS.values() if isinstance(m, Metric))
    return tuple(m for m in every if task in m.tasks and m.name not in without)


def fidelities_of(task: Task) -> tuple[Fidelity, ...]:
    """How fidelity to such a model is measured."""
    every = (m for m in METRICS.values() if isinstance(m, Fidelity))
    return tuple(m for m in every if task in m.tasks)
