"""A button that copies the address of the view."""

import functools

import streamlit as st

from pages.show.files import read_beside


def copy_button() -> None:
    """Draw it; the address is the one that the browser shows when it is pressed."""
    html = '<button type="button">Copy link</button><input readonly hidden aria-label="Address">'
    st.components.v2.component("l2i_link", html=html, css=_beside("css"), js=_beside("js"))(
        key="copy-link", height="content"
    )


@functools.cache
def _beside(kind: str) -> str:
    return read_beside(__file__, f"link.{kind}")
