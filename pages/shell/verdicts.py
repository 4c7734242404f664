"""What f says of A, B and C, and FF beside chance, as every page puts them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from l2i_core.measure.explained import Explained
from l2i_core.measure.random import KINDS, RandomDrops
from l2i_core.report import report
from l2i_core.words import TITLES
from pages.shell import cached, decisions
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name, logit


def table(made: Explained) -> None:
    """f's logit and probability of the class being explained, and its decision, on each sound; a
    multi-label model's FF is a drop of the probability, so its logit is left out."""
    engine, verdict, index = made.engine, made.verdict, made.interpretation.target_index
    target, many = class_name(made.interpretation.target), engine.task.multi_label
    three = (verdict.logits, verdict.logits_interpretation, verdict.logits_without)
    rows = {
        title: (
            logit(float(logits[index])),
            f"{float(engine.probabilities(logits)[index]):.2f}",
            decisions.with_chances(engine, logits),
        )[many:]
        for title, logits in zip(TITLES, three, strict=True)
    }
    columns = [f"f's logit for {target}", f"probability of {target}", f"f {engine.task.decides}"]
    st.table(
        pd.DataFrame.from_dict(rows, orient="index", columns=columns[many:]),
        border="horizontal",
        alt=f"f's logit, probability and decision for input, interpretation and residual, {target}",
    )


def classes(view: View, order: Sequence[int], key: str) -> None:
    """f's probabilities of these classes as bars, the one that is explained in the accent colour."""
    chances = view.engine.probabilities(view.analysis.logits)[list(order)].tolist()
    names = [class_name(view.engine.classes[c]) for c in order]
    limit, marked = (
        decisions.LIMIT if view.engine.task.multi_label else None,
        class_name(view.target),
    )
    plots.chart(
        pictures.once(
            ("classes", *view.key, tuple(order), view.target),
            lambda _: plots.class_bars(names, chances, marked, pictures.palette(), limit),
        ),
        key,
        "f's probabilities: "
        + ", ".join(f"{name} {chance:.2f}" for name, chance in zip(names, chances, strict=True)),
    )


def told(made: Explained, drawn: RandomDrops | None = None) -> tuple[str, str]:
    """`report.statement` beside energy-matched Random, a few draws unless given: what taking B out of A
    does, and whether the claim holds, in the warning's colour where it does not."""
    found = report.make_report(made, "")
    if made.interpretation.selected:
        drawn = drawn or cached.randoms(made, KINDS[1:])[0]
        found["random"] = {
            "energy_matched": drawn.median,
            "equal_energy": drawn.as_much,
            "draws": len(drawn.drops),
        }
    text, claim = report.statement(found)
    mark = ":orange[{}]" if report.beats(found) is False else "**{}**"
    return text, mark.format(claim) if claim else ""


@st.fragment
def judged(view: View, made: Explained) -> None:
    """`told`, and on request with more draws, beside the paper's Random: forty passes of f take
    seconds."""
    place = st.empty()
    place.markdown(" ".join(told(made)))
    if not made.interpretation.selected:
        return
    key = f"random {view.key} {view.target} {view.choice.token}"
    if st.button(f"Both Random Baselines, {cached.RANDOM_DRAWS} draws", key=key):
        counted, matched = cached.randoms(made, draws=cached.RANDOM_DRAWS)
        place.markdown(" ".join(told(made, matched)))
        st.markdown(
            f"As many random components instead (the paper's Random Baseline), median FF of "
            f"{cached.RANDOM_DRAWS} draws: **{logit(counted.median)}**."
        )
