"""The clips that use a component most: test clips, and demo and own clips, to be played and opened."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from l2i_core.measure import tables
from l2i_core.measure.records import ClipRow
from pages.dictionary.component import missing
from pages.dictionary.use import AtHand, Facts
from pages.shell import cached, results, state
from pages.shell.cached import Key
from pages.shell.clips import ClipSource
from pages.shell.view import View
from pages.show import players
from pages.show.words import class_name, number

N_CLIPS = 3  # demo and own clips, to be played
N_ROWS = 8  # of the test clips


def of_the_test(facts: Facts, component: int) -> None:
    """The test clips with the largest z; the one that is chosen plays, if its audio is at hand."""
    view = facts.view
    st.subheader("Test clips that use it most", anchor=False)
    if not facts.rows:
        st.info("This model brings no per-clip metrics, so its test clips are not known here.")
        return
    best = facts.usage.strongest(component, N_ROWS)
    if not best:
        st.info(f"#{component} is never active in the {facts.clips}.")
        return
    rows = [facts.rows[i] for i in best]
    labels = [results.labelled(row.label) for row in rows]
    held = [label for text in labels for label in text.split(" + ")]
    most = max(sorted(set(held)), key=held.count)
    st.markdown(f"**{held.count(most)} of the {len(rows)} are labelled “{most}”**")
    table = st.dataframe(
        pd.DataFrame(
            {
                "clip": [row.clip for row in rows],
                "label": labels,
                f"f {view.engine.task.decides}": [_said(view, row) for row in rows],
                "z": facts.usage.pooled[best, component].astype(float),
                "relevance": facts.usage.relevance[best, component].astype(float),
            }
        ),
        hide_index=True,
        column_config={"z": results.DECIMALS, "relevance": results.DECIMALS},
        key=f"test-clips {component}",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"Test clips with the largest z of component {component}",
    )
    st.caption(f"Of {facts.clips}; relevance for {facts.whose}. The chosen line plays here:")
    picked = table["selection"]["rows"]
    place = picked[0] if picked and picked[0] < len(best) else 0
    source = facts.audio[best[place]]
    if source is None:
        st.caption(f"{missing(view, rows[place].clip)} to hear it.")
    else:
        _play(view, source, f"**{source.title}**")


def _said(view: View, row: ClipRow) -> str:
    """What f says of a test clip, or hears in it."""
    if not view.engine.task.multi_label:
        return class_name(row.predicted)
    return " + ".join(class_name(label) for label in tables.heard(row.logits)) or "none"


def at_hand(view: View, hand: AtHand, component: int) -> None:
    """The demo and own clips with the largest z."""
    st.subheader("Demo and own clips that use it most", anchor=False)
    best = hand.usage.strongest(component, N_CLIPS)
    if not best:
        st.info(f"None of the {len(hand.sources)} demo and own clips uses #{component}.")
        return
    for row in best:
        source = hand.sources[row]
        said = class_name(view.engine.classes[hand.predicted[row]])
        _play(
            view,
            source,
            f"**{source.title}** · z {number(float(hand.usage.pooled[row, component]))} · "
            f"relevance {number(float(hand.usage.relevance[row, component]))} for “{said}”",
        )


def _play(view: View, source: ClipSource, words: str) -> None:
    """A clip's words, its player at the context bar's level, and the way to Listen."""
    st.markdown(words)
    key: Key = (*view.key[:3], source.digest, "")
    sound = cached.analysis(key, view.engine, source, None).waveform.numpy()
    wav = players.wav(sound, view.engine.audio.sample_rate, players.common_gain([sound]))
    with st.container(key=f"players-{source.id}"):
        st.audio(wav, alt=f"Player: {source.title}")
    if st.button(
        "Open in Listen", key=f"listen {source.id}", on_click=_to_listen, args=(source.id,)
    ):
        state.go("listen")


def _to_listen(clip: str) -> None:
    """Callback: that clip, with what f says of it."""
    state.touch()
    if clip != state.value("clip"):
        state.put(clip=clip, window=None, own=None, **{"class": None})
