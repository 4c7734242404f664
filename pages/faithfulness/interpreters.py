"""The model's interpreters side by side at one τ, with a paired test against the one shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from l2i_core.measure import tables
from l2i_core.measure.metrics.registry import metrics_of
from l2i_core.measure.records import CaseRow
from pages.faithfulness.shown import Scale, Shown
from pages.shell import results
from pages.show.words import number, percent


def draw(shown: Shown) -> None:
    """A column for every system of the bundle that has FF at this τ."""
    name, columns = shown.view.key[0], {}
    for system in with_ff(name, shown.level):
        theirs, block = results.read(name, system), results.systems(name)[system]
        assert theirs is not None  # it has a block
        rows = tables.at_threshold(theirs.clips, theirs.levels, shown.level, shown.scale.key)
        against = (
            "the interpreter shown" if system == shown.found.interpreter else _test(shown, rows)
        )
        columns[results.title(shown.view.engine.bundle, system)] = {
            **_figures(rows, shown.scale),
            **{
                m.symbol: m.words(block[m.name].get(f"{shown.level:g}"))
                for m in metrics_of(shown.view.engine.task, without=tables.FIELDS)
                if m.name in block
            },
            f"FF beside {shown.title}'s": against,
        }
    st.table(
        pd.DataFrame(columns),
        border="horizontal",
        alt=f"Faithfulness, size and Fid-In of every interpreter at τ = {shown.level:.2f}",
    )
    st.caption(
        f"Fid-In: f {shown.view.engine.task.decides} the same class on the interpretation alone. "
        "Sound energy kept: the interpretation's over the clip's. A larger |L| or more sound "
        f"energy makes FF easier: read them together. p: Wilcoxon signed-rank over the same "
        f"{tables.cases(rows)}, two-sided."
    )


def with_ff(bundle: str, level: float | None = None) -> list[str]:
    """The bundle's systems whose FF was measured, at this τ."""
    blocks = {name: block.get("faithfulness") for name, block in results.systems(bundle).items()}
    return [n for n, block in blocks.items() if block and (level is None or f"{level:g}" in block)]


def _figures(rows: Sequence[CaseRow], scale: Scale) -> dict[str, str]:
    ff = tables.spread(tables.column(rows, "faithfulness"))
    positive = sum(r.faithfulness > 0 for r in rows)
    return {
        f"median FF, {scale.key}": scale.median(rows, "faithfulness"),
        "quartiles": f"{scale.value(ff.q25)} … {scale.value(ff.q75)}" if ff else "–",
        "FF > 0": percent(positive / ff.n) if ff else "–",
        "energy-matched Random": scale.median(rows, "random_energy"),
        "count-matched Random": scale.median(rows, "random"),
        "mean |L|": number(float(tables.column(rows, "components").mean())),
    }


def _test(shown: Shown, rows: Sequence[CaseRow]) -> str:
    """Whether another interpreter's FF is larger than that of the one shown."""
    if [r.case for r in rows] != [r.case for r in shown.rows]:
        return "other clips"
    ours, theirs = (tables.column(some, "faithfulness") for some in (shown.rows, rows))
    test = tables.compare_columns(theirs, ours, tables.column(rows, "resolution"))
    if test is None:
        return "–"
    return f"larger on {test.greater} of {test.n}, {results.p_value(test.p)}"
