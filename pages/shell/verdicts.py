"""What f says of A, B and C, and FF beside chance, as every page puts them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from l2i_core import L2I, Verdict
from l2i_core.measure.random import RandomDrops, beats_chance
from l2i_core.words import UNTESTED
from pages.shell import decisions
from pages.shell.view import View
from pages.show.words import class_name, logit

TITLES = ("A · input", "B · what it listened to", "C · what is left")


def table(view: View, verdict: Verdict, titles: Sequence[str] = TITLES) -> None:
    """f's logit and probability of the class being explained, and its decision, on each sound; a
    multi-label model's FF is a drop of the probability, so its logit is left out."""
    index, target, rows = view.engine.class_index(view.target), class_name(view.target), {}
    for title, logits in zip(
        titles,
        (verdict.logits, verdict.logits_interpretation, verdict.logits_without),
        strict=True,
    ):
        rows[title] = (
            logit(float(logits[index])),
            f"{float(view.engine.probabilities(logits)[index]):.2f}",
            decisions.with_chances(view.engine, logits),
        )[view.multi_label :]
    st.table(
        pd.DataFrame.from_dict(
            rows,
            orient="index",
            columns=[
                f"f's logit for {target}",
                f"probability of {target}",
                f"f {decisions.verb(view.engine)}",
            ][view.multi_label :],
        ),
        border="horizontal",
        alt=f"f's logit, probability and decision for input, interpretation and residual, {target}",
    )


# Where chance cannot take as much as B does.
ALL_OTHERS = "all other components together (they hold less of ‖X‖², the log spectrogram's energy)"


def opponent(few: RandomDrops) -> str:
    """What energy-matched Random removed: where all that is not in B holds less, all of it."""
    if few.as_much:
        return f"random components of equal energy (median of {len(few.drops)} draws)"
    return ALL_OTHERS


def beats(engine: L2I, drop: float, few: RandomDrops) -> bool | None:
    """Whether FF is above energy-matched Random's; None where that could not remove as much."""
    return beats_chance(drop, few.median, few.as_much, engine.task.resolution)


def warning(engine: L2I, drop: float, few: RandomDrops) -> str:
    """A sentence where FF does not stand above chance at equal energy, else ""."""
    found = beats(engine, drop, few)
    if found is None:
        return f"{UNTESTED}."
    if found:
        return ""
    return f":orange[No better than chance at {'equal' if few.as_much else 'less'} energy.]"
