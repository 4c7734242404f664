"""Add a model: which classifier of yours shall be explained?"""

import streamlit as st

from pages.add import found, given
from pages.shell import clips, state
from pages.shell.view import current


def page() -> None:
    """The whole page."""
    view = current()
    state.write_url()
    view.head.title("Which model of yours shall be explained?", anchor=False)
    if clips.shared():
        st.info("This server is shared, so it takes no models: add yours where you run the app.")
        return
    asked = given.draw()
    found.draw(view, asked)


page()
