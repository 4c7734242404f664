"""Projector mode: larger, and without the small print, for a room that looks at one screen."""

import streamlit as st

from pages.shell import state

_STYLE = """<style>
[data-testid=stMain] {zoom: 1.35}
[data-testid=stMainBlockContainer] {max-width: none}
[data-testid=stCaptionContainer] {display: none}
</style>"""


def switch() -> None:
    """Draw the switch in the sidebar, and what it turns on; it is in the address."""
    on = state.value("projector") == "1"
    st.sidebar.toggle(
        "Projector",
        key=state.control("projector", on),
        on_change=_switched,
        help="Larger, and without the small print.",
    )
    if on:
        st.html(_STYLE)


def _switched() -> None:
    state.chose(projector="1" if st.session_state["control_projector"] else None)
