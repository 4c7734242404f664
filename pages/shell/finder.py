"""Some of many classes: what figures and tables by class show."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import state
from pages.show import plots
from pages.show.words import class_name


def found(classes: Sequence[str]) -> list[str]:
    """The classes that the reader looks for, all of them where none are chosen; a list to search
    where there are many."""
    if len(classes) <= plots.MANY_CLASSES:
        return list(classes)
    key = f"find-classes {len(classes)}"
    shown = [c for c in state.held(key, []) if c in classes]
    chosen = st.multiselect(
        "Find classes",
        sorted(classes),
        key=state.hold(key, shown),
        format_func=class_name,
        placeholder=f"all {len(classes)}",
    )
    return [c for c in classes if c in chosen] or list(classes)
