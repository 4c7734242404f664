"""What a score means: how often f is right at a confidence, and from which on it can be relied
upon, from the clips with labels."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from l2i_core.measure import calibration
from l2i_core.measure.calibration import Reliability
from l2i_core.words import percent
from pages.audit.decisions import Decisions
from pages.shell import results
from pages.show import pictures, plots
from pages.show.words import class_name


def score(decisions: Decisions) -> None:
    """The reliability diagram and a threshold per class, once they are asked for."""
    opened = st.expander("What does a confidence mean?", on_change="rerun", key="audit-score")
    if not opened.open:
        return
    with opened:
        made = calibration.reliability(decisions.found.clips, decisions.task)
        if made is None:
            st.caption("Only clips with labels can tell, and none of these has one.")
            return
        left, right = st.columns(2, gap="large")
        with left:
            _diagram(made, decisions.task.multi_label)
        with right:
            _cuts(decisions)


def _diagram(made: Reliability, many: bool) -> None:
    gap = made.confidence - made.right
    way = f"too {'sure' if gap > 0 else 'cautious'} by {abs(gap):.2f}"
    if abs(gap) < 0.005:
        way = "as sure as it is right"
    right = "of the classes are there" if many else "of its decisions are right"
    text = (
        f"f's {'probability' if many else 'confidence'} is {made.confidence:.2f} on average, and "
        f"{percent(made.right)} {right}: {way}"
    )
    about = f"ECE {made.ece:.3f}, {calibration.BINS} bins; above each bar its decisions"
    about += ": every class of every clip." if many else "."
    plots.finding(text, _figure(made), "audit-reliability")
    st.caption(about)


def _figure(made: Reliability) -> go.Figure:
    """A bar per bin, the share that is right, beside the diagonal on which a confidence would be
    just that."""
    colours = pictures.palette()
    axis = {"range": [0, 1], "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1], "ticks": "outside"}
    figure = plots.figure_of(
        colours,
        320,
        {**axis, "title": "confidence"},
        {**axis, "title": "share right", "range": [0, 1.1]},
        bargap=0,
    )
    figure.add_bar(
        x=[(one.low + one.high) / 2 for one in made.bins],
        y=[one.right for one in made.bins],
        width=0.09,
        marker={"color": plots.faded(colours.accent, 0.6)},
        text=[str(one.n) for one in made.bins],
        textposition="outside",
        cliponaxis=False,
        hovertext=[
            f"{one.n} of confidence {one.confidence:.2f}: {percent(one.right)} right"
            for one in made.bins
        ],
        hoverinfo="text",
    )
    line = {"color": colours.neutral, **plots.DOTTED}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip")
    return figure


def _cuts(decisions: Decisions) -> None:
    """From which confidence on f is relied upon, a line per class."""
    many = decisions.task.multi_label
    found = calibration.cuts(decisions.found.clips, decisions.task)
    table = [
        {
            "class": class_name(cut.class_),
            "n": cut.n,
            "from": cut.threshold,
            "precision": cut.precision,
            "recall": cut.recall,
            **({"F1": cut.f1} if many else {}),
        }
        for cut in found
    ]
    share = percent(calibration.PRECISION)
    what = "the best F1" if many else f"at least {share} of f's decisions for it right"
    st.markdown(f"**From which confidence on a class has {what}**")
    frame = pd.DataFrame(table)
    figures = [name for name in frame if name not in ("class", "n")]
    frame[figures] = frame[figures].astype(float)
    st.dataframe(
        frame,
        hide_index=True,
        height=290,
        column_config=dict.fromkeys(figures, results.DECIMALS),
        alt="A threshold per class, with n, precision and recall",
    )
    n = "clips that hold it" if many else "f's decisions for it"
    st.caption(f"n: {n}. Chosen on these very clips; on others it will do worse.")
