"""Long work beside the pages: a thread each, rows as they are made, progress and cancel.

A job is an iterator of rows that is worked off outside the script's run, so that the reader can
go on listening, change pages and come back. Jobs are named as results are in a cache, by names
and hashes: the same question asked again finds its answer. A cancelled computation keeps its rows
and can go on where it stopped; a cancelled download leaves nothing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import streamlit as st

from pages.shell import models
from pages.show.words import sentence

Row = Any  # a computation's dict of figures; how far a download is
_RUNNING = 3  # at once on one server
_KEPT = 24
_LOOK = 0.5  # seconds between two looks at the progress
_jobs: OrderedDict[Hashable, Job] = OrderedDict()
_register = threading.Lock()


class Job:
    """Rows made so far, out of `total` (0: the rows tell); `error` is a sentence where it failed.
    Computations take turns with the requests at f, and go on after a cancel; downloads do not."""

    def __init__(self, total: int, rows: Iterator[Row], computes: bool = True) -> None:
        self.total, self.computes = total, computes
        self.rows: list[Row] = []
        self.error: str | None = None
        self._source = rows
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended = False

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def complete(self) -> bool:
        return not self.running and (self._ended or 0 < self.total == len(self.rows))

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much: as its last row says, else by the number of rows."""
        row = self.rows[-1] if self.rows else {}
        return row.get("done", len(self.rows)), row.get("of", self.total)

    def cancel(self) -> None:
        """Stop after the row that is being made."""
        self._stop.set()

    def go_on(self) -> None:
        """Start, or go on after a cancel."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until it stops, at most this long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                with models.turn if self.computes else contextlib.nullcontext():
                    row = next(self._source, None)
                if row is None:
                    self._ended = True
                    return
                self.rows.append(row)
                if self.computes:
                    time.sleep(0.005)  # a lock is not fair: let a waiting request have its turn
            if not self.computes:
                self._source.close()  # type: ignore[attr-defined]
        except ValueError as error:
            self.error = str(error)
        except Exception as error:  # a thread has no page to show a traceback on
            logging.getLogger(__name__).exception("a job failed")
            self.error = f"the computation failed ({type(error).__name__}); see the server's log."


def find(key: Hashable) -> Job | None:
    """The job of this name, running, stopped or complete."""
    return _jobs.get(key)


def start(
    key: Hashable, total: int, rows: Callable[[], Iterator[Row]], computes: bool = True
) -> Job:
    """Start the job of this name, or go on with it; one that failed, and a download, start afresh.

    Raises ValueError where too many compute already.
    """
    with _register:
        job = _jobs.get(key)
        if job is not None and job.running:
            return job
        busy = sum(other.running and other.computes for other in _jobs.values())
        if computes and busy >= _RUNNING:
            raise ValueError(
                f"{_RUNNING} computations are running on this server; try again when one is done."
            )
        if job is None or job.error or not computes:
            job = _jobs[key] = Job(total, rows(), computes)
        _jobs.move_to_end(key)
        for name in [name for name, other in _jobs.items() if not other.running][:-_KEPT]:
            del _jobs[name]
        job.go_on()
        return job


def control(key: Hashable, total: int, rows: Callable[[], Iterator[Row]], label: str) -> Job | None:
    """Draw the button `label`, or the progress with “Cancel”; returns the job once it has rows.

    The page is drawn again when the job stops.
    """
    job = find(key)
    if job is not None and job.running:
        st.fragment(_watch, run_every=_LOOK)(job)
    elif job is None or not job.complete:
        if job is not None and job.error:
            st.error(sentence(job.error))
        elif job is not None:
            done, of = job.progress
            st.info(f"Cancelled after {done} of {of}. What is known stays.")
        again = job is not None and not job.error
        if st.button("Go on" if again else label, type="primary", key=f"start {key}"):
            try:
                start(key, total, rows)
            except ValueError as error:
                st.error(str(error))
            else:
                st.rerun()
    return job if job is not None and job.rows and not job.running else None


def _watch(job: Job) -> None:
    if not job.running:
        st.rerun()
    done, of = job.progress
    st.progress(done / max(of, 1), text=f"{done} of {of} done")
    st.button("Cancel", on_click=job.cancel, key=f"cancel {id(job)}")
