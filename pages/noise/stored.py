"""What both stored experiments share: rows of figures, curves over a level, where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from l2i_core.measure.experiments import MEASURES
from l2i_core.measure.study import Row
from pages.shell import results
from pages.shell.view import View
from pages.show import comparisons, pictures, plots
from pages.show.comparisons import Line
from pages.show.words import THIN, percent, sentence

Blocks = Mapping[str, Mapping[str, Any]]
ENERGY = "share of the sound energy"


def figures(table: Mapping[str, Any]) -> Row:
    """|L|, how often nothing was selected, and the measures."""
    return {"components": table["components"], "empty": table["empty"], **quartiles(table)}


def quartiles(table: Mapping[str, Any]) -> Row:
    """`MEASURES`: each median under its own name, the quartiles beside."""
    return {
        name if q == "median" else f"{name}_{q}": table[name][q]
        for name in MEASURES
        for q in ("median", "q25", "q75")
    }


def nearest(view: View, rows: Sequence[Row]) -> float:
    """The measured τ that is nearest to the chosen one."""
    return min({row["threshold"] for row in rows}, key=lambda tau: abs(tau - view.threshold))


def title(view: View, row: Row) -> str:
    """How a row's interpreter is called."""
    return results.title(view.engine.bundle, row["interpreter"])


def maybe(value: float | None, write: Callable[[float], str]) -> str:
    """A figure, "–" for None."""
    return "–" if value is None else write(value)


def level(snr: float) -> str:
    """A level that was asked for: "−10 dB"."""
    return f"{snr:g}{THIN}dB".replace("-", "−")


def curve(
    name: str, rows: Sequence[Row], measure: str, colour: str, dash: str = "solid", symbol: str = ""
) -> Line:
    """A measure over the rows' levels; a solid one with the band of the quartiles, if it has any."""
    x, y = ([row[key] for row in rows] for key in ("snr_db", measure))
    band = None
    if dash == "solid" and f"{measure}_q25" in rows[0]:
        low, high = ([row[f"{measure}_{q}"] for row in rows] for q in ("q25", "q75"))
        band = low, high
    return Line(name, x, y, colour, dash, symbol or "circle", band)


def chart(key: str, finding: str, curves: Sequence[Line], axis: str, axis_x: str) -> None:
    """Curves over a level under what they say."""
    st.markdown(f"**{finding}**")
    figure = comparisons.lines(
        curves, 0.0, axis_x, axis, pictures.palette(), "%{x} dB: %{y:.1%}", shares=True
    )
    at = ", ".join(level(snr) for snr in curves[0].x)
    told = "; ".join(f"{c.name} {', '.join(maybe(y, percent) for y in c.y)}" for c in curves)
    plots.chart(figure, key, f"{finding}. {sentence(axis)} at {at}: {told}", lively=True)


def not_measured(view: View) -> str:
    """Said in place of the interpreter's own figures."""
    name = results.title(view.engine.bundle, view.engine.interpreter_name)
    return f"{name} was not measured; its curves are missing here."


def provenance(view: View, blocks: Blocks, definition: str) -> None:
    """What the columns mean, and where the figures come from."""
    block = blocks.get(view.engine.interpreter_name) or next(iter(blocks.values()))
    about = block.get("about", {})
    parts = [str(about.get("data", "a data set that is not named"))]
    if "seed" in about:
        parts.append(f"seed {about['seed']}")
    if "date" in about:
        parts.append(f"measured on {about['date']}")
    if block.get("left_out"):
        parts.append(f"{block['left_out']} left out")
    taus = " and ".join(f"{tau:g}" for tau in about.get("thresholds", []))
    at = f" Measured at τ = {taus}; shown is the nearest to the one chosen." if taus else ""
    st.caption(f"{definition}{at} Bands: quartiles. {'; '.join(parts)}.")
