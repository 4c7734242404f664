"""Some dozens of the damaged files of `tools.fuzz`; thousands are read by hand."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from tools import fuzz


def test_damaged_files_are_read_or_refused() -> None:
    problems, read = fuzz.run(4 * len(fuzz.seeds()), seed=1)
    assert problems == []
    assert read > 10


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 3e38, -1e30, 1e13])
def test_floats_without_bounds_are_refused(value: float) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.full(fuzz.RATE, 0.1), fuzz.RATE, "FLOAT", format="WAV")
    data = bytearray(buffer.getvalue())
    data[-400:-396] = struct.pack("<f", value)
    assert fuzz.problem(bytes(data)) == ""
    with pytest.raises(ValueError, match=r"NaN or infinite|times full scale"):
        fuzz.condition.of_file(io.BytesIO(bytes(data)))


def test_what_is_looked_for_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(source: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr(fuzz.audio, "read", breaks)
    assert "KeyError" in fuzz.problem(b"")
