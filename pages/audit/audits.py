"""An audit of the user's own recordings: the form that starts it, the job that measures them.

It belongs to one session: named by an unguessable token, its private folder (for uploads) is
removed with it, and the job ends when the session does.
"""

import secrets
import shlex
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from l2i_core.bundle import Bundle
from l2i_core.data import archives
from l2i_core.data.clips import Clip
from l2i_core.data.folders import any_folder
from l2i_core.dictionary import choice
from l2i_core.measure import audit
from l2i_core.measure.evaluation import Evaluation, Load, measure
from l2i_core.words import counted
from pages.shell import clips, jobs, models, scene_maker, state, uploads
from pages.shell.clips import ClipSource
from pages.shell.jobs import Row
from pages.shell.results import Results
from pages.shell.view import View
from pages.show.words import sentence


@dataclass(eq=False, slots=True, weakref_slot=True)
class OwnAudit:
    """Recordings that are measured with one interpreter of one model, `dictionary` says with which
    W. `chosen`: the decision that the reader looks into (`CaseRow.case`)."""

    title: str
    bundle: str
    interpreter: str
    clips: tuple[Clip, ...]
    folder: tempfile.TemporaryDirectory[str] | None = None
    left_out: list[str] = field(default_factory=list)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    chosen: str | None = None
    dictionary: str = choice.BUNDLE
    notes: tuple[str, ...] = ()
    ear: audit.Ear = field(default_factory=audit.Ear)

    @property
    def how(self) -> str:
        """Interpreter and W, in words."""
        w = f", {models.DICTIONARIES[choice.CLIP][0]} dictionary"
        return f"interpreter {self.interpreter}{w * (self.dictionary == choice.CLIP)}"

    @property
    def key(self) -> tuple[str, str]:
        """The job's name."""
        return ("own audit", self.token)

    def rows(self) -> Callable[[], Iterator[Row]]:
        """The work, for `jobs`; it holds no more than a weak reference to the session's audit."""
        steps = (models.bundle(self.bundle, self.dictionary), self.interpreter, self.clips)
        left_out, ear, alive = self.left_out, self.ear, weakref.ref(self)
        return lambda: _rows(*steps, left_out, alive, ear)

    def evaluation(self) -> Evaluation | None:
        """The result, None before the job is complete."""
        job = jobs.find(self.key)
        return job.rows[-1].get("evaluation") if job is not None and job.complete else None

    def results(self, made: Evaluation) -> Results:
        """The result in the form of a bundle's own metrics."""
        given = (self.left_out, self.notes, self.ear.warnings)
        about = audit.about(self.title, self.bundle, self.interpreter, made, *given)
        return Results(self.interpreter, {**made.summary, "about": about}, made.clips, made.levels)

    def source(self, name: str) -> ClipSource | None:
        """One of the recordings, None where its file is gone."""
        path = next((clip.path for clip in self.clips if clip.name == name), None)
        if path is None or not path.is_file():
            return None
        return ClipSource(f"own:{name}", name, path.name, path)


def section(view: View) -> None:
    """The recordings, their measuring in the background, and the command that does the same."""
    st.subheader("Audit your own recordings", anchor=False)
    own = current()
    job = jobs.find(own.key) if own else None
    if own is not None:
        _started(own)
    with st.form("own-audit", border=False):
        left, right = st.columns(2, gap="large")
        files = left.file_uploader(
            f"Audio files, or a zip of folders, up to {uploads.max_upload_mb()} MB",
            [*clips.SUFFIXES, "zip"],
            accept_multiple_files=True,
            key="own-files",
            help="A folder for each class; loose files have no label. Clips of up to "
            f"{audit.LONGEST:.0f} s, kept on the server until the audit is discarded or this session "
            "ends.",
        )
        path = ""
        if not clips.shared():
            path = right.text_input(
                "Or a folder on this machine", placeholder="/path/to/recordings", key="own-path"
            )
        busy = job is not None and job.running
        told = "With the model and interpreter chosen above; some seconds a clip."
        if st.form_submit_button("Measure", disabled=busy, help=told):
            about = (view.key.bundle, view.engine.interpreter_name, view.engine.bundle)
            try:
                if files or clips.shared():
                    start(of_files(files, *about))
                else:
                    start(of_folder(path, *about))
            except ValueError as error:
                st.error(sentence(str(error)))
            else:
                st.rerun()
    with st.expander("On the command line"):
        folder = shlex.quote(path.strip()) if path.strip() else "FOLDER"
        given = view.engine.bundle.chosen_dictionary
        w = "" if given == choice.BUNDLE else f" --dictionary {given}"
        st.code(
            f"python -m l2i_core evaluate {folder} --bundle {view.key.bundle} --interpreter "
            f"{view.engine.interpreter_name}{w} --threshold {view.threshold:.2f} --out AUDIT",
            language="bash",
            wrap_lines=True,
        )


def current() -> OwnAudit | None:
    """This session's audit."""
    return st.session_state.get("l2i_own_audit")


def forget() -> None:
    """Cancel this session's audit and remove what it holds."""
    old = st.session_state.pop("l2i_own_audit", None)
    if old is None:
        return
    if job := jobs.find(old.key):
        job.cancel()
        job.wait(5)
    if old.folder:
        old.folder.cleanup()


def start(found: OwnAudit) -> None:
    """Measure it in the background, in place of an earlier one; ValueError where the server is
    busy."""
    forget()
    jobs.start(found.key, 0, found.rows())
    st.session_state["l2i_own_audit"] = found


def of_folder(path: str, name: str, interpreter: str, bundle: Bundle) -> OwnAudit:
    """The recordings of a folder on this machine; ValueError in one sentence."""
    if clips.shared():
        raise ValueError("this server is shared, so it reads no folders; upload the files.")
    if not path.strip():
        raise ValueError("no folder was given; write the path of a folder of audio files.")
    found = any_folder(path.strip(), bundle.classes)
    own = OwnAudit(found.name, name, interpreter, _bounded(found.clips), notes=found.notes)
    own.dictionary = bundle.chosen_dictionary
    return own


def of_files(files: Sequence[Any], name: str, interpreter: str, bundle: Bundle) -> OwnAudit:
    """Uploaded sounds and zips of them (`name`, and readable in blocks); ValueError in one
    sentence, with nothing left on disk."""
    if not files:
        raise ValueError("no file was given; choose audio files or a zip of them.")
    folder = tempfile.TemporaryDirectory(prefix="l2i-audit-")
    try:
        root = Path(folder.name)
        for file in files:
            if str(file.name).lower().endswith(".zip"):
                archives.unpack_audio(file, root, parts=archives.WHOLE)
            else:
                archives.keep_upload(str(file.name), file, root)
        found = any_folder(root, bundle.classes)
        title = str(files[0].name) if len(files) == 1 else f"{len(files)} uploads"
        own = OwnAudit(title, name, interpreter, _bounded(found.clips), folder, notes=found.notes)
        own.dictionary = bundle.chosen_dictionary
        return own
    except ValueError:
        folder.cleanup()
        raise


def open_as_upload(source: ClipSource) -> str:
    """Keep a recording among the session's uploads; returns its id. ValueError if it is unfit."""
    assert source.path is not None  # by construction
    kept = uploads.from_upload(source.title, source.path.read_bytes())
    if gone := scene_maker.keep(kept):
        state.notice(gone)
    return kept.id


def _bounded(found: tuple[Clip, ...]) -> tuple[Clip, ...]:
    if len(found) > archives.MOST_FILES:
        raise ValueError(
            f"the folder holds {len(found)} recordings; the page measures at most "
            f"{archives.MOST_FILES}. Use the command line for more."
        )
    return found


def _rows(
    bundle: Bundle,
    interpreter: str,
    recordings: tuple[Clip, ...],
    left_out: list[str],
    alive: Callable[[], OwnAudit | None],
    load: Load = audit.load,
) -> Iterator[Row]:
    """A row for each step, with the passes done so far, the evaluation in the last."""
    steps = measure(
        bundle,
        interpreter,
        recordings,
        audit.SETTINGS,
        lambda clip, why: left_out.append(why),
        load,
    )
    while alive() is not None:
        try:
            done, of = next(steps)
        except StopIteration as end:
            yield {"evaluation": end.value}
            return
        yield {"done": done, "of": of}


def _started(own: OwnAudit) -> None:
    """What is or was measured, its progress, and the way to be rid of it."""
    what = f"{counted(len(own.clips), 'recording')}, model {own.bundle}"
    st.markdown(f"**{own.title}**, {what}, {own.how}")
    if own.evaluation() is None:
        try:
            jobs.control(own.key, 0, own.rows(), "Measure again")
        except ValueError as error:
            st.error(sentence(str(error)))
    st.button("Discard it", key="discard-audit", on_click=_discard)


def _discard() -> None:
    state.touch()
    forget()
