"""Faithfulness: does f depend on what the interpretation holds, more than on anything else?"""

import math

import pandas as pd
import streamlit as st

from l2i_core.measure import records
from pages.faithfulness import classes, stored, systems
from pages.faithfulness.shown import Scale, Shown, finding
from pages.shell import finder, results, state
from pages.shell.results import Results
from pages.shell.view import View, current
from pages.show import terms
from pages.show.words import class_name

NONE = "none"
_OF_MANY = ("fid_in", "average_increase")  # shares of clips: of one they say nothing more


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title("Does f depend on what the interpretation holds?", anchor=False)
    results.draw(view.key, lambda found: measured(view, found))
    stored.draw(view)


def measured(view: View, found: Results) -> None:
    """Statement, distribution per class, one clip, curves over τ, interpreters, export."""
    words, controls = st.columns([3, 1.25], gap="large")
    with controls:
        scale = choose_scale(view)
        other = choose_other(view)
    shown = Shown.of(view, found, scale)
    with words:
        finding(shown)
    chart, clip = st.columns([3, 1.25], gap="large")
    with clip:
        one_clip(shown)
    with chart:
        shown = shown.of_classes(finder.found([c["class"] for c in shown.classes]))
        classes.figure(shown)
        classes.table(shown)
    st.subheader("Which τ?", anchor=False)
    drawn = systems.curves(shown, other)
    st.subheader(
        f"Interpreters at τ = {shown.level:.2f}",
        anchor=False,
        help=terms.told("|L|", "Fid-In", "AI, AD, AG", "Sound energy", "‖X‖²"),
    )
    systems.table(shown)
    downloads(shown, drawn)


def choose_scale(view: View) -> Scale:
    """FF's own unit, or the share of what silence takes away."""
    unit = view.engine.task.unit
    scales = {scale.key: scale for scale in (Scale(unit, False), Scale(unit, True))}
    key = state.settle("scale", list(scales), unit.name, "scale")
    why = "The share of what silence would take away can be compared between models."
    words = {key: scale.name for key, scale in scales.items()}
    state.select(st, "FF in", "scale", list(scales), words, widget="radio", help=why)
    return scales[key]


def choose_other(view: View) -> str | None:
    """The interpreter that is drawn beside the chosen one, None for none."""
    mine = view.engine.interpreter_name
    others = [NONE, *(name for name in systems.with_ff(view.key.bundle) if name != mine)]
    if state.value("compare") == mine:  # the two were swapped in the context bar
        state.put(compare=None)
    other = state.settle("compare", others, NONE, "interpreter")
    titles = {name: results.title(view.engine.bundle, name) for name in others} | {NONE: NONE}
    state.select(st, "Compare with", "compare", others, titles)
    if other != NONE:
        return other
    state.put(compare=None)
    return None


def one_clip(shown: Shown) -> None:
    """One clip of the evaluation, the least faithfully explained at first."""
    st.markdown("**One clip**")
    others = shown.classes[0]["measured"]
    value, decides = shown.scale.value, shown.view.engine.task.decides
    row = results.choose(
        shown.found,
        sorted(shown.rows, key=lambda r: (math.isnan(r.faithfulness), r.faithfulness)),
        "Clip, least FF first",
        lambda r: f"{r.clip} · {class_name(r.predicted)} · {value(r.faithfulness)}",
        shown.level,
    )
    figures = {
        "FF": value(row.faithfulness),
        "energy-matched Random": value(row.random_energy),
        "count-matched Random": value(row.random),
        f"f {decides}": class_name(row.predicted),
        f"the interpreter {decides}": results.labelled(row.interpreter_predicted),
        "labelled": results.labelled(row.label),
        f"f {decides} it on the interpretation": "yes" if row.same_class else "no",
        "components": str(row.components),
        **{m.symbol: m.words(row.measured.get(m.name)) for m in others if m.name not in _OF_MANY},
    }
    st.table(
        pd.DataFrame({"": figures}),
        border="horizontal",
        hide_header=True,
        alt="Figures of this clip",
    )


def downloads(shown: Shown, drawn: systems.Curves) -> None:
    """CSV files of exactly what is shown."""
    about = {"bundle": shown.view.key.bundle, "interpreter": shown.found.interpreter}
    at = {"threshold": shown.level, "scale": shown.scale.key}
    by_class = [{**at, **row} for row in classes.class_rows(shown.classes)]
    files = (
        ("Clips", "clips", records.table(shown.rows)),
        ("Classes", "classes", by_class),
        ("Curves over τ", "curves", systems.curve_rows(drawn)),
    )
    stem = ("faithfulness", *about.values(), f"tau{shown.level:.2f}", shown.scale.key)
    with shown.view.corner, st.popover("Download", width="stretch"):
        results.csv_buttons(files, "-".join(stem), about)


page()
