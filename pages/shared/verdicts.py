"""The table of what f says of A, B and C, as every page draws it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from l2i_core import Verdict
from pages.shared import decisions
from pages.shared.context import View
from pages.shared.words import class_name, logit

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
