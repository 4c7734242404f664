"""The guided tour: a card over a corner of the page on the first visit, gone for good once it is
closed. Nothing moves for it; each stop outlines what it tells of, and scrolls there.

There are no accounts, so the browser remembers (localStorage). The card comes folded and a script
unfolds it where the browser has never closed it: a returning visitor sees no flash of it. Where the
browser keeps nothing, the session remembers.
"""

import json
from typing import NamedTuple

import streamlit as st

from pages.shell import state
from pages.show import pictures
from pages.show.files import read_beside


class Stop(NamedTuple):
    """`at`: the CSS selector of what it tells of. `listen`: whether only the page Listen has it."""

    title: str
    text: str
    at: str
    listen: bool = False


_PLAYER = ".st-key-live-area"
STOPS = (
    Stop(
        "A clip is already chosen",
        "This bar is on every page: the clip, the model f, and what f says. Choose another clip, or "
        "add your own.",
        ".st-key-choosers",
    ),
    Stop(
        "Listen to what f listened to",
        "A is the clip, B what f used for its decision, C what is left. Switch while they play.",
        _PLAYER,
        True,
    ),
    Stop(
        "τ decides how much is kept",
        "An explanation is made of components, each with a relevance. Those above τ are heard in "
        "B: move τ, and hear them come and go.",
        _PLAYER,
        True,
    ),
    Stop(
        "Does the claim hold?",
        "Every sound is checked: how much f's decision drops without B, beside removing random "
        "components.",
        ".st-key-claim",
        True,
    ),
    Stop(
        "Where to go from here",
        "How it works explains the method in nine steps; the other pages ask further questions.",
        "[data-testid=stSidebarNav], [data-testid=stExpandSidebarButton]",
    ),
)

_KEY = "l2i_tour"  # in the session: the stop, or CLOSED
_CLOSED = -1
_MOVED = "l2i_tour_moved"  # whether the reader ever asked for a stop
_ASKED = "l2i_tour_asked"  # whether this run is to show one
_OPENINGS = "l2i_tour_openings"  # how often it was asked for


@st.fragment
def offer(listening: bool) -> None:
    """Draw the card on Listen (`listening`), and on other pages once the reader follows it, where
    this session has not closed it. Its buttons run nothing else, but for a stop that only Listen
    has, which leads there."""
    number = st.session_state.get(_KEY, 0)
    colours = pictures.palette()
    # One pixel high until style and script have come: they come later than the card.
    with st.container(key="tour", height=1, border=False, gap="small"):
        stop, moved = STOPS[max(number, 0)], bool(st.session_state.get(_MOVED))
        shown = number != _CLOSED and (listening or moved)
        if st.session_state.pop(_ASKED, False) and stop.listen and not listening:
            state.go("listen")
        style = read_beside(__file__, "tour.css").replace("AT", stop.at)
        for word, colour in (
            ("ACCENT", colours.accent),
            ("LINE", colours.line),
            ("GROUND", colours.paper),
        ):
            style = style.replace(word, colour)
        given = {
            "at": stop.at,
            "number": number,
            "openings": st.session_state.get(_OPENINGS, 0),
            "moved": moved,
        }
        script = read_beside(__file__, "tour.js").replace("GIVEN", json.dumps(given))
        text = f"<style>{style}</style>" + f"<script>{script}</script>" * shown
        st.html(text, unsafe_allow_javascript=True)
        if not shown:
            return
        st.markdown(f"**{stop.title}** · tour, {number + 1} of {len(STOPS)}  \n{stop.text}")
        with st.container(horizontal=True, gap="small"):
            if number > 0:
                st.button("Previous stop", key="tour-back", on_click=_go, args=(number - 1,))
            if number == len(STOPS) - 1:
                st.button("Done", key="tour-close", type="primary", on_click=_close)
                return
            st.button(
                "Next stop", key="tour-next", type="primary", on_click=_go, args=(number + 1,)
            )
            st.button("Close the tour", key="tour-close", on_click=_close)


def reopen() -> None:
    """Callback: show the card again, from its first stop."""
    st.session_state[_KEY], st.session_state[_MOVED] = 0, True
    st.session_state[_OPENINGS] = st.session_state.get(_OPENINGS, 0) + 1


def _close() -> None:
    st.session_state[_KEY] = _CLOSED


def _go(number: int) -> None:
    st.session_state.update({_KEY: number, _MOVED: True, _ASKED: True})
