"""Curves over levels, and how their figures are written: of a sweep and of the stored experiments."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from l2i_core.measure.experiments import MEASURES
from l2i_core.measure.study import Row
from pages.show import pictures, plots
from pages.show.plots import Line
from pages.show.words import THIN, percent

ENERGY = "share of the sound energy"


def chart(
    finding: str,
    curves: Sequence[Line],
    axis: str,
    axis_x: str,
    marked: float = 0.0,
    write: Callable[[float], str] = percent,
    limit: tuple[float, str] | None = None,
) -> None:
    """Curves over a level under what they say; a dotted line stands at the level `marked`, a solid
    one with its words at `limit`."""
    shares = write is percent
    point = "%{x} dB: %{y:.1%}" if shares else "%{x} dB: %{y:.2f}"
    colours = pictures.palette()
    figure = plots.lines(curves, marked, axis_x, axis, colours, point, shares, limit)
    plots.finding(finding, figure, f"{axis}, {axis_x}")


def maybe(value: float | None, write: Callable[[float], str]) -> str:
    """A figure, "–" for None."""
    return "–" if value is None else write(value)


def level(snr: float) -> str:
    """A level that was asked for: "−10 dB"."""
    return f"{snr:g}{THIN}dB".replace("-", "−")


def quartiles(table: Mapping[str, Any]) -> Row:
    """`MEASURES`: each median under its own name, the quartiles beside."""
    return {
        name if q == "median" else f"{name}_{q}": table[name][q]
        for name in MEASURES
        for q in ("median", "q25", "q75")
    }


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
