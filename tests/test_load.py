"""The load script's verdict on what it measured; its sessions need a server and are run by hand."""

import os

import pytest

from tools.load import MOST_BYTES, TAU, Log, peak_bytes, report


def log(seconds: list[float], *errors: str) -> Log:
    return Log({TAU: seconds}, list(errors))


@pytest.mark.parametrize(
    ("measured", "peak", "met"),
    [
        (log([0.2] * 100), 1 << 30, True),
        (log([0.2] * 99 + [9.0]), 1 << 30, True),  # p95, not the worst
        (log([0.2] * 90 + [1.6] * 10), 1 << 30, False),
        (log([0.2] * 100, "τ: no verdict on the page"), 1 << 30, False),
        (log([0.2] * 100), MOST_BYTES, False),
        (log([]), 1 << 30, False),
        (log([0.2] * 100), None, True),
    ],
)
def test_goals(
    measured: Log, peak: int | None, met: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(measured, peak) == met
    assert ("MISSED" in capsys.readouterr().out) == (not met)


def test_peak_memory_is_this_processs_own() -> None:
    peak = peak_bytes(os.getpid())
    if peak is None:
        pytest.skip("no /proc")
    assert 10 << 20 < peak < 1 << 40
