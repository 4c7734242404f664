"""The Audit page's last part: the same evaluation on the reader's own recordings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import streamlit as st

from l2i_core import audit
from l2i_core.words import counted
from pages.shared import audits, clips, jobs, state
from pages.shared.audits import OwnAudit
from pages.shared.context import View
from pages.shared.words import sentence


def section(view: View) -> None:
    """The recordings, their measuring in the background, and the command that does the same."""
    st.subheader("Audit your own recordings", anchor=False)
    own = audits.current()
    job = jobs.find(own.key) if own else None
    if own is not None:
        _started(own)
    with st.form("own-audit", border=False):
        left, right = st.columns(2, gap="large")
        files = left.file_uploader(
            "Audio files, or a zip of folders",
            [*clips.SUFFIXES, "zip"],
            accept_multiple_files=True,
            key="own-files",
            help=f"A folder for each class; loose files have no label. Clips of up to "
            f"{audit.LONGEST:.0f} s. They lie in a temporary folder of the server until the audit is "
            "discarded or this session ends.",
        )
        path = ""
        if not audits.shared():
            path = right.text_input(
                "Or a folder on this machine", placeholder="/path/to/recordings", key="own-path"
            )
        if st.form_submit_button(
            "Measure",
            disabled=job is not None and job.running,
            help="With the model and interpreter chosen above; some seconds a clip.",
        ):
            _start(view, files, path)
    with st.expander("On the command line"):
        folder = shlex.quote(path.strip()) if path.strip() else "FOLDER"
        st.code(
            f"python -m l2i_core evaluate {folder} --bundle {view.key[0]} --interpreter "
            f"{view.engine.interpreter_name} --threshold {view.threshold:.2f} --out AUDIT",
            language="bash",
            wrap_lines=True,
        )


def _start(view: View, files: Sequence[Any], path: str) -> None:
    about = (view.key[0], view.engine.interpreter_name, view.engine.bundle)
    try:
        if files or audits.shared():
            audits.start(audits.of_files(files, *about))
        else:
            audits.start(audits.of_folder(path, *about))
    except ValueError as error:
        st.error(sentence(str(error)))
    else:
        st.rerun()


def _started(own: OwnAudit) -> None:
    """What is or was measured, its progress, and the way to be rid of it."""
    st.markdown(
        f"**{own.title}**, {counted(len(own.clips), 'recording')}, model {own.bundle}, interpreter "
        f"{own.interpreter}"
    )
    if own.evaluation() is None:
        try:
            jobs.control(own.key, own.total, own.rows(), "Measure again", own.each)
        except ValueError as error:
            st.error(sentence(str(error)))
    st.button("Discard it", key="discard-audit", on_click=_discard)


def _discard() -> None:
    state.touch()
    audits.forget()
