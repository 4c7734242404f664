"""The guided tour: one card above the page on the first visit, gone for good once it is closed.

There are no accounts, so the browser remembers (localStorage). The card comes folded and a script
unfolds it where the browser has never closed it: a returning visitor sees no flash of it. Where the
browser keeps nothing, the session remembers.
"""

import streamlit as st

from pages.show import pictures
from pages.show.files import read_beside

STOPS = (
    (
        "A clip is already chosen",
        "The bar at the top is the same on every page: the clip, what the classifier f says of "
        "it, and the class to be explained. Choose another clip there, or add your own.",
    ),
    (
        "Listen to what f listened to",
        "On the page Listen, A is the clip, B what f used for its decision, C what is left. All "
        "three play at one gain, and you can switch while they play.",
    ),
    (
        "τ decides how much is kept",
        "An explanation is made of components, each with a relevance. Those above τ are heard in "
        "B: move τ, and hear them come and go.",
    ),
    (
        "Does the claim hold?",
        "Two checks come with every sound: whether the interpreter agrees with f on this clip, "
        "and how much f's decision drops without B, beside removing random components.",
    ),
    (
        "Where to go from here",
        "How it works explains the method in nine steps; the other pages ask further questions. "
        "The address of a page is a link to exactly what you see.",
    ),
)

_KEY = "l2i_tour"  # in the session: the stop, or CLOSED
_CLOSED = -1
_OPENINGS = "l2i_tour_openings"  # how often it was asked for


@st.fragment
def offer() -> None:
    """Draw the card where this session has not closed it. Its buttons run nothing else."""
    stop = st.session_state.get(_KEY, 0)
    colours = pictures.palette()
    # One pixel high until style and script have come: they come later than the card.
    with st.container(key="tour", height=1, border=False, gap="small"):
        style = read_beside(__file__, "tour.css").replace("ACCENT", colours.accent)
        openings = str(st.session_state.get(_OPENINGS, 0))
        script = read_beside(__file__, "tour.js").replace("COUNT", openings)
        text = f"<style>{style.replace('LINE', colours.line)}</style>"
        text += f"<script>{script}</script>" if stop != _CLOSED else ""
        st.html(text, unsafe_allow_javascript=True)
        if stop == _CLOSED:
            return
        title, text = STOPS[stop]
        st.markdown(f"**{title}** · tour, {stop + 1} of {len(STOPS)}  \n{text}")
        with st.container(horizontal=True, gap="small"):
            last = stop == len(STOPS) - 1
            if stop > 0:
                st.button("Previous stop", key="tour-back", on_click=_go, args=(stop - 1,))
            if last:
                st.button("Done", key="tour-close", type="primary", on_click=_go, args=(_CLOSED,))
                return
            st.button("Next stop", key="tour-next", type="primary", on_click=_go, args=(stop + 1,))
            st.button("Close the tour", key="tour-close", on_click=_go, args=(_CLOSED,))


def reopen() -> None:
    """Callback: show the card again, from its first stop."""
    st.session_state[_KEY] = 0
    st.session_state[_OPENINGS] = st.session_state.get(_OPENINGS, 0) + 1


def _go(stop: int) -> None:
    st.session_state[_KEY] = stop
