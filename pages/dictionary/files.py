"""What leaves and enters the Dictionary page: names of components, and θ."""

from __future__ import annotations

import streamlit as st

from l2i_core import L2I
from l2i_core.measure import usage
from l2i_core.measure.records import to_csv
from pages.shell import clips, components, state
from pages.shell.view import View
from pages.show.files import download
from pages.show.words import sentence


def names_and_data(view: View) -> None:
    """Names out and in, and θ as a file."""
    engine, total = view.engine, view.engine.dictionary.n_components
    names = components.names_of(engine)
    stem = engine.bundle.name
    with view.corner, st.popover("Names and data", width="stretch"):
        where = "in this session only" if clips.shared() else "on this machine"
        st.caption(f"You have named {len(names)} of {total} components. Names are kept {where}.")
        download(
            "Export names (JSON)",
            components.exported(engine),
            f"{stem}-component-names.json",
            disabled=not names,
        )
        times = st.session_state.setdefault("l2i_names_imported", 0)
        key = f"names-file-{times}"
        st.file_uploader(
            "Import names (JSON exported here); they replace names of the same components",
            ["json"],
            key=key,
            on_change=_import,
            args=(view, key),
        )
        download(
            "Class weights θ (CSV)",
            lambda: matrix_csv(engine),
            f"{stem}-{engine.interpreter_name}-theta.csv",
        )


def matrix_csv(engine: L2I) -> str:
    """θ of all classes and components as CSV text."""
    return to_csv(usage.class_weight_rows(engine, components.names_of(engine)))


def _import(view: View, key: str) -> None:
    """Callback: all names of the file, or one sentence and none."""
    state.touch()
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state["l2i_names_imported"] += 1  # the next uploader is empty
    try:
        found = components.imported(view.engine, file.name, file.getvalue())
    except ValueError as error:
        state.notice(sentence(str(error)), "error")
        return
    known = components.names_of(view.engine)
    replaced = sum(known.get(k, name) != name for k, name in found.items())
    problem = components.rename(view.engine, found)
    if problem:
        state.notice(f"Names are kept for this session only: {problem}", "error")
    st.toast(f"{len(found)} names imported, {replaced} of them in place of others.")
