"""The command that draws f anew: its files, resuming, any other f, bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import WriteClip
from killing import count, kill, other_weights

from l2i_core.data import synth
from l2i_core.measure import randomisation
from l2i_core.measure.randomisation import TEXTS, summarise
from l2i_core.measure.records import read_table
from pipelines import check_randomisation
from pipelines.runs import circumstances, main_guard
from pipelines.tables.experiments import randomisation_table

OWN = """
import torch
from l2i_core.classifiers import wrap

class Mean(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.filters = torch.nn.Conv1d(1, 8, 32, 16)
        self.linear = torch.nn.Linear(8, 2)

    def forward(self, waveforms):
        return self.linear(self.filters(waveforms[:, None]).abs().mean(2))

def load():
    return wrap(Mean(), sample_rate=8000, classes=["a", "b"])
"""


def _argv(folder: Path, *more: str) -> list[str]:
    return ["--bundle", str(folder), "--clips", "2", "--seeds", "1", "--steps", "2", *more]


@pytest.fixture(scope="module")
def checked(tested_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips checked without a break, by both interpreters."""
    out = Path(shutil.copytree(tested_folder, tmp_path_factory.mktemp("drawn") / "small"))
    assert check_randomisation.main(_argv(out)) == 0
    return out


def test_files_hold_a_row_per_seed_and_step_and_the_figures(checked: Path) -> None:
    rows = read_table(checked / "metrics" / "randomisation.csv", TEXTS)
    blocks = json.loads((checked / "metrics" / "randomisation.json").read_text())
    assert list(blocks) == ["att", "max"]
    lines = randomisation_table(blocks).splitlines()[2:]
    assert len({line.count("|") for line in lines}) == 1
    for name, block in blocks.items():
        mine = [row for row in rows if row["interpreter"] == name]
        assert [row["layers"] for row in mine] == [1, 14] * 2
        about = block.pop("about")
        settings = {"seeds": 1, "steps": 2, "threshold": 0.3}
        known = {"data": about["data"], "command": about["command"], **circumstances()}
        assert about == {**settings, **known}
        assert block == json.loads(json.dumps(summarise(mine)))
        (line,) = (line for line in lines if line.startswith(f"| {name} |"))
        assert line.startswith(f"| {name} | 2 | 1 | 1.00 (1.00 … 1.00) |"), "maps lie below"


def test_a_killed_check_goes_on_and_other_weights_begin_anew(
    tested_folder: Path, checked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(tested_folder, tmp_path / "small"))
    job = _argv(out)
    kill(monkeypatch, randomisation, "clip_rows", 3, lambda: check_randomisation.main(job))
    calls = count(monkeypatch, randomisation, "clip_rows")
    assert check_randomisation.main(job) == 0
    assert calls == [1], "three of four clips were there"
    ours, theirs = (f / "metrics" / "randomisation.csv" for f in (out, checked))
    assert ours.read_text() == theirs.read_text()
    assert check_randomisation.main(job) == 0
    assert calls == [1], "a finished check has nothing left to do"
    other_weights(out, "att")
    assert check_randomisation.main(_argv(out, "--interpreter", "att")) == 0
    assert calls == [3]


def test_any_other_f_is_checked_on_a_folder(
    tested_folder: Path,
    write_clip: WriteClip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("L2I_TRUST_CODE", raising=False)
    (tmp_path / "own.py").write_text(OWN)
    write_clip("sounds/dog.wav", synth.clip("dog", 1, 8000, 1.0), 8000)
    own = ["--classifier", f"{tmp_path / 'own.py'}:load"]
    job = [*_argv(tested_folder, "--interpreter", "gradient"), *own]
    folder = ["--data", str(tmp_path / "sounds")]
    monkeypatch.setattr("sys.argv", ["check", *job, *folder])
    assert main_guard(check_randomisation.main) == 2
    assert "--trust-code" in capsys.readouterr().err
    monkeypatch.setenv("L2I_TRUST_CODE", "0")  # the command sets it; taken back after the test
    assert check_randomisation.main([*job, *folder, "--trust-code"]) == 0
    assert "| gradient | 1 | 1 |" in capsys.readouterr().out
    assert not (tested_folder / "metrics").exists()
    monkeypatch.setattr("sys.argv", ["check", *job, "--trust-code"])
    assert main_guard(check_randomisation.main) == 2
    assert "--data FOLDER" in capsys.readouterr().err


def test_a_black_box_is_one_sentence(
    write_clip: WriteClip,
    tested_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    (tmp_path / "box.py").write_text(
        "import numpy as np\nfrom l2i_core.classifiers import wrap_function\n"
        "def load():\n    return wrap_function(lambda x: np.stack([x.mean(1), x.std(1)], 1), "
        "sample_rate=8000, classes=['a', 'b'])\n"
    )
    write_clip("sounds/dog.wav", synth.clip("dog", 1, 8000, 1.0), 8000)
    job = ["--bundle", str(tested_folder), "--classifier", f"{tmp_path / 'box.py'}:load"]
    monkeypatch.setattr("sys.argv", ["check", *job, "--data", str(tmp_path / "sounds")])
    assert main_guard(check_randomisation.main) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert "is a black box: its weights are not here" in line
