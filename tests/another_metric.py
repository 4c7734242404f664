"""A plug-in with two metrics, for tests: one that needs the clip, one that follows from the rows."""

from pathlib import Path

import pytest

_FILE = '''"""Two metrics."""

from l2i_core.measure.metrics import quartiles
from l2i_core.measure.metrics.registry import metric
from l2i_core.task import ONE_CLASS


@metric(
    "samples_kept",
    "|x_int|",
    "how many samples of x_int are not 0",
    better="less",
    summary=quartiles,
    needs="clip",
    tasks=(ONE_CLASS,),
)
def samples_kept(case):
    return float((case.explained.interpretation.audio != 0).sum())


@metric("agreement", "both", "min(p, o)", better="more", unit="share")
def agreement(case):
    return min(case.probability, case.probability_interpretation)
'''


def plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the file a trusted plug-in while the test runs."""
    (folder / "metrics").mkdir(parents=True)
    (folder / "metrics" / "another.py").write_text(_FILE)
    monkeypatch.setenv("L2I_PLUGINS", str(folder))
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
