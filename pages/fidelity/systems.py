"""Every measured system of the model, beside the paper's figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.report import paper
from pages.fidelity.account import ERROR, Account
from pages.shell import results
from pages.shell.results import Results
from pages.shell.view import View
from pages.show.words import logit

LEVELS = ("0.9", "0.7", "0.5", "0.3", "0.1")


def draw(view: View, found: Results, account: Account) -> None:
    """Fidelity, and median FF at some τ: ours and the paper's."""
    ours, theirs = st.columns([1.2, 1], gap="medium")
    unit, figures = view.engine.task.unit.name, account.paper
    with ours:
        st.markdown(f"**Ours: model {view.key[0]}**, fidelity to f")
        _table(fidelity_rows(view, account), _three, "Fidelity of every system of this model")
        st.markdown(f"**Ours: model {view.key[0]}**, median FF in {unit}")
        rows = faithfulness_rows(view, found)
        _table(rows, logit, f"Median FF in {unit} of every system of this model")
    with theirs:
        st.markdown(f"**The paper's: {figures.data}**, fidelity to f ({figures.table})")
        rows = [
            {"system": name, **dict(zip(account.measures, values, strict=False))}
            for name, values in figures.figures.items()
        ]
        _table(rows, _three, f"The paper's fidelity on {figures.data}")
        if not view.multi_label:
            st.markdown("**The paper's: ESC-50, fold 1**, median FF in logits (Table 2)")
            lines = {"L2I + Θ_ATT": paper.FAITHFULNESS, "Random (count-matched)": paper.RANDOM}
            rows = [
                {"system": name} | {f"τ {t}": line.get(t) for t in paper.FAITHFULNESS}
                for name, line in lines.items()
            ]
            _table(rows, logit, "The paper's median FF in logits on ESC-50")
        st.caption(f"The paper's figures are of another test: {figures.note}")


def fidelity_rows(view: View, account: Account) -> results.Table:
    """Fidelity of every measured system, and of guessing."""
    name = view.key[0]
    blocks = {**results.systems(name), **results.figures(name, "baselines")}
    rows = [
        {
            "system": results.title(view.engine.bundle, system),
            **{title: block["fidelity"].get(key) for title, key in account.measures.items()},
            ERROR: block.get("reconstruction_error"),
            "n": block.get("n"),
        }
        for system, block in blocks.items()
        if block.get("fidelity")
    ]
    return [*rows, {"system": "guessing", **account.chance, ERROR: None, "n": None}]


def faithfulness_rows(view: View, found: Results) -> results.Table:
    """Median FF of every measured system at some τ, and of both Randoms beside the chosen one."""
    lines: dict[str, Mapping[str, Any]] = {
        results.title(view.engine.bundle, name): block["faithfulness"]
        for name, block in results.systems(view.key[0]).items()
        if block.get("faithfulness")
    }
    mine = results.title(view.engine.bundle, found.interpreter)
    for kind, name in (("random_energy", "energy-matched"), ("random", "count-matched")):
        lines[f"{name} Random beside {mine}"] = found.summary.get(kind, {})
    return [
        {"system": name} | {f"τ {level}": table.get(level, {}).get("median") for level in LEVELS}
        for name, table in lines.items()
    ]


def _table(rows: results.Table, written: Callable[[float], str], alt: str) -> None:
    """A line per system, "–" for None."""
    lines = {
        row["system"]: {
            k: "–" if v is None else written(v) for k, v in row.items() if k != "system"
        }
        for row in rows
    }
    st.table(pd.DataFrame(lines).T, border="horizontal", alt=alt)


def _three(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
