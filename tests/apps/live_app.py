"""A page with nothing but the live interpretation, for test_live.py.

The model's folder is in L2I_LIVE_BUNDLE, the clip (a sound file) in L2I_LIVE_CLIP.
"""

import os

import streamlit as st

from l2i_core import L2I, Analysis
from l2i_core.signal import audio
from pages.show import live
from pages.show.choice import Choice


@st.cache_resource
def analysed() -> tuple[L2I, Analysis]:
    engine = L2I.from_bundle(os.environ["L2I_LIVE_BUNDLE"])
    return engine, engine.analyse(*audio.read(os.environ["L2I_LIVE_CLIP"]))


def take_over() -> None:
    choice = live.released()
    assert choice is not None  # the callback follows a message
    st.session_state["choice"] = choice


st.set_page_config(layout="wide")
engine, analysis = analysed()
target = st.selectbox("Class", engine.classes, index=analysis.predicted)
choice = st.session_state.setdefault("choice", Choice(0.3, "log"))
fallback = live.live_interpretation(
    engine,
    analysis,
    target,
    choice,
    clip_key=("test",),
    labels=[f"#{k}" for k in range(engine.dictionary.n_components)],
    on_change=take_over,
)
with st.container(key=live.verdict_key(choice)):
    made = engine.interpret(
        analysis,
        target,
        choice.tau,
        choice.domain,
        gains=choice.gains(engine.relevance(analysis, target)),
    )
    st.text(f"verdict on {choice.token}: {list(made.selected)}")
if fallback:
    st.text("plain players here")
st.text("end of page")
