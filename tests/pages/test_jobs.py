"""Long computations beside the pages: progress, cancel, going on, failing, not too many at once."""

import itertools
import threading
from collections.abc import Iterator

import pytest

from pages.shell import jobs

PATIENCE = 10.0  # seconds
_names = (f"job {number}" for number in itertools.count())


def gated(gate: threading.Semaphore, total: int) -> Iterator[jobs.Row]:
    """Rows that come one by one, as the test opens the gate."""
    for number in range(total):
        assert gate.acquire(timeout=PATIENCE)
        yield {"number": number}


def until(job: jobs.Job, rows: int) -> None:
    done = threading.Event()
    while len(job.rows) < rows:
        assert not done.wait(0.005)


def test_rows_arrive_and_the_job_is_found_by_its_name() -> None:
    name, gate = next(_names), threading.Semaphore(0)
    job = jobs.start(name, 3, lambda: gated(gate, 3))
    assert job.running
    assert jobs.start(name, 3, lambda: pytest.fail("made twice")) is job
    gate.release()
    until(job, 1)
    assert not job.complete
    gate.release(2)
    job.wait(PATIENCE)
    assert job.complete
    assert jobs.find(name) is job
    assert [row["number"] for row in job.rows] == [0, 1, 2]


def test_cancel_keeps_the_rows_and_goes_on_where_it_stopped() -> None:
    name, gate = next(_names), threading.Semaphore(0)
    job = jobs.start(name, 4, lambda: gated(gate, 4))
    gate.release()
    until(job, 1)
    job.cancel()
    gate.release()  # the row that is being made is finished
    job.wait(PATIENCE)
    assert not job.running
    assert not job.complete
    assert 1 <= len(job.rows) <= 2
    gate.release(4)
    assert jobs.start(name, 4, lambda: pytest.fail("it starts anew")) is job
    job.wait(PATIENCE)
    assert [row["number"] for row in job.rows] == [0, 1, 2, 3]


def test_a_failure_is_one_sentence_and_the_next_start_is_afresh() -> None:
    def failing() -> Iterator[jobs.Row]:
        yield {"number": 0}
        raise ValueError("the disk is full.")

    def broken() -> Iterator[jobs.Row]:
        yield {"number": 1 // 0}

    name = next(_names)
    job = jobs.start(name, 2, failing)
    job.wait(PATIENCE)
    assert job.error == "the disk is full."
    again = jobs.start(name, 2, broken)
    again.wait(PATIENCE)
    assert again is not job
    assert again.error is not None
    assert "ZeroDivisionError" in again.error


def test_not_too_many_at_once() -> None:
    gate = threading.Semaphore(0)
    running = [jobs.start(next(_names), 1, lambda: gated(gate, 1)) for _ in range(jobs._RUNNING)]
    with pytest.raises(ValueError, match="are running"):
        jobs.start(next(_names), 1, lambda: gated(gate, 1))
    gate.release(len(running))
    for job in running:
        job.wait(PATIENCE)
    jobs.start(next(_names), 1, lambda: iter([{}])).wait(PATIENCE)
