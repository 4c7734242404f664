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
    left, right = st.columns([1.2, 1], gap="medium")
    paper_of, ours = account.paper, f"Ours: model {view.key[0]}"
    unit = f"median FF in {view.engine.task.unit.name}"
    theirs = [
        {"system": name, **dict(zip(account.measures, values, strict=False))}
        for name, values in paper_of.figures.items()
    ]
    heading = f"The paper's: {paper_of.data}"
    tables = [
        (left, f"**{ours}**, fidelity to f", fidelity_rows(view, account), _three),
        (left, f"**{ours}**, {unit}", faithfulness_rows(view, found), logit),
        (right, f"**{heading}**, fidelity to f ({paper_of.table})", theirs, _three),
    ]
    if not view.engine.task.multi_label:
        lines = {"L2I + Θ_ATT": paper.FAITHFULNESS, "Random (count-matched)": paper.RANDOM}
        rows = [
            {"system": name} | {f"τ {t}": line.get(t) for t in paper.FAITHFULNESS}
            for name, line in lines.items()
        ]
        tables.append(
            (right, "**The paper's: ESC-50, fold 1**, median FF in logits (Table 2)", rows, logit)
        )
    for place, title, rows, written in tables:
        place.markdown(title)
        cells = [{k: _cell(v, written) for k, v in row.items()} for row in rows]
        frame = pd.DataFrame(cells).set_index("system")
        place.table(frame, border="horizontal", alt=title.replace("**", ""))
    right.caption(f"Another test: {paper_of.note}")


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
    mine = view.engine.explainer.title
    for kind, name in (("random_energy", "energy-matched"), ("random", "count-matched")):
        lines[f"{name} Random beside {mine}"] = found.summary.get(kind, {})
    return [
        {"system": name} | {f"τ {level}": table.get(level, {}).get("median") for level in LEVELS}
        for name, table in lines.items()
    ]


def _cell(value: Any, written: Callable[[float], str]) -> str:
    return value if isinstance(value, str) else "–" if value is None else written(value)


def _three(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
