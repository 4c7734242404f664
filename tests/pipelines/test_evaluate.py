"""The evaluation of a bundle: resuming, conventions, damaged clips."""

import json
import shutil
from pathlib import Path

import pytest
from killing import count, kill

from l2i_core.bundle import SHIPPED
from pipelines import (
    evaluate,
    results,
)
from pipelines.config import Config, load_config
from pipelines.runs import main_guard


def test_resumed_evaluation_does_not_repeat_an_interpreter(
    small_config: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(small_run, tmp_path / "run"))
    kill(monkeypatch, evaluate, "evaluate", 2, lambda: evaluate.run(small_config, out))
    assert not (out / "metrics" / "summary.json").exists()
    with monkeypatch.context() as patch:
        calls = count(patch, evaluate, "evaluate")
        evaluate.run(small_config, out)
    assert calls == [1]
    whole = Path(shutil.copytree(small_run, tmp_path / "whole"))
    evaluate.run(small_config, whole)
    for path in (whole / "metrics").iterdir():
        assert (out / "metrics" / path.name).read_text() == path.read_text()
    with monkeypatch.context() as patch:
        weights = out / "interpreter-att.safetensors"
        weights.write_bytes((out / "interpreter-att-loop.safetensors").read_bytes())
        calls = count(patch, evaluate, "evaluate")
        evaluate.run(small_config, out)
    assert calls == [1], "new weights are evaluated anew"


def test_other_conventions_are_measured_beside_the_papers(
    small_file: Path, small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(shutil.copytree(small_run, tmp_path / "run"))
    argv = ["--config", str(small_file), "--out", str(out)]
    assert evaluate.main(argv) == 0
    before = {p: p.read_bytes() for p in (out / "metrics").iterdir()}
    assert (
        main_guard(lambda: results.main(["--bundle", str(out), "--conventions", "released"])) == 2
    )
    assert "'released'; run pipelines.evaluate" in capsys.readouterr().err
    assert evaluate.main([*argv, "--set", "evaluation.conventions=released"]) == 0
    assert {p: p.read_bytes() for p in (out / "metrics").iterdir() if p.is_file()} == before
    summary = json.loads((out / "metrics" / "released" / "summary.json").read_text())
    assert {block["about"]["conventions"] for block in summary.values()} == {"released"}
    assert results.main(["--bundle", str(out), "--conventions", "released", "--refresh"]) == 0
    assert "att-loop" in capsys.readouterr().out


def test_evaluation_stops_at_a_corrupt_clip_or_leaves_it_out(
    two_classes: Path,
    small_file: Path,
    small_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = Path(shutil.copytree(small_run, tmp_path / "run"))
    data = Path(shutil.copytree(two_classes, tmp_path / "data"))
    (data / "rain" / "4.flac").write_text("text")  # in fold 5, the test fold
    argv = ["--config", str(small_file), "--out", str(out), "--set", f"data.root={data}"]
    assert main_guard(lambda: evaluate.main(argv)) == 2
    last = capsys.readouterr().err.splitlines()[-1]  # below the progress bar
    assert last.startswith("error: 4.flac")
    assert not (out / "metrics").exists()
    config = load_config(small_file, [f"data.root={data}", "data.skip_damaged=true"])
    done = evaluate.run(config, out)
    assert {e.summary["n"] for e in done.values()} == {1}


def test_a_baseline_is_not_evaluated_as_an_interpreter(small_config: Config) -> None:
    with pytest.raises(ValueError, match="FLINT has no components to play"):
        evaluate.run(small_config, SHIPPED / "esc50", "flint")
