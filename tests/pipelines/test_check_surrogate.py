"""The command that checks a bundle against surrogates: its files, resuming, bad input."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import WriteClip
from killing import count, kill, other_weights

from l2i_core import L2I, Analysis, load_bundle
from l2i_core.data.sets import held_out
from l2i_core.measure import surrogate
from l2i_core.measure.records import read_table
from l2i_core.measure.study import Row
from l2i_core.measure.surrogate import TEXTS
from pipelines import check_surrogate, results
from pipelines.runs import circumstances, evenly


@pytest.fixture(scope="module")
def checked(tested_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips checked without a break, by both interpreters."""
    out = Path(shutil.copytree(tested_folder, tmp_path_factory.mktemp("checked") / "small"))
    assert check_surrogate.main(_argv(out)) == 0
    return out


def _argv(folder: Path, *more: str) -> list[str]:
    return ["--bundle", str(folder), "--clips", "3", "--samples", "20", *more]


def test_files_hold_a_row_per_clip_and_level_and_the_tables(checked: Path) -> None:
    rows = read_table(checked / "metrics" / "surrogate.csv", TEXTS)
    summary = json.loads((checked / "metrics" / "surrogate.json").read_text())
    assert list(summary) == ["att", "max"]
    for name, block in summary.items():
        mine = [r for r in rows if r["interpreter"] == name]
        assert len(mine) == 3 * len(surrogate.THRESHOLDS)
        assert len({r["clip"] for r in mine}) == block["n"] == 3
        about = block.pop("about")
        settings = {"samples": 20, "seed": 0, "random_draws": 10}
        assert about == {**settings, "command": about["command"], **circumstances()}
        assert about["command"].startswith("python -m pipelines.check_surrogate --bundle")
        assert block == json.loads(json.dumps(surrogate.summarise(mine)))


def test_results_print_the_check(checked: Path) -> None:
    summary = json.loads((checked / "metrics" / "surrogate.json").read_text())
    table = results.surrogates(summary)
    for line, after in zip(table.splitlines(), table.splitlines()[1:], strict=False):
        if line.startswith("|") and after.startswith("|"):
            assert line.count("|") == after.count("|")
    assert f"| att | 3 | {summary['att']['active']['median']:.0f} |" in table
    share = summary["max"]["levels"]["0.3"]["surrogate_count"]["relative_median"]
    assert f"{share:.3f}" in table


def test_killed_check_goes_on_with_the_next_clip(
    tested_folder: Path, checked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(tested_folder, tmp_path / "small"))
    kill(monkeypatch, surrogate, "check_clip", 2, lambda: check_surrogate.main(_argv(out)))
    calls = count(monkeypatch, surrogate, "check_clip")
    assert check_surrogate.main(_argv(out)) == 0
    assert calls == [4], "two of six clips were there"
    rows = (out / "metrics" / "surrogate.csv").read_text()
    assert rows == (checked / "metrics" / "surrogate.csv").read_text()
    made, whole = (
        json.loads((f / "metrics" / "surrogate.json").read_text()) for f in (out, checked)
    )
    for name, block in made.items():
        assert block | {"about": 0} == whole[name] | {"about": 0}
    assert check_surrogate.main(_argv(out)) == 0
    assert calls == [4], "a finished check has nothing left to do"
    assert check_surrogate.main(_argv(out, "--interpreter", "max", "--seed", "1")) == 0
    assert calls == [7]
    rows = read_table(out / "metrics" / "surrogate.csv", TEXTS)
    assert {(r["interpreter"], r["seed"]) for r in rows} == {("att", 0), ("max", 1)}
    other_weights(out, "att")
    assert check_surrogate.main(_argv(out, "--interpreter", "att")) == 0
    assert calls == [10]


def test_draws_of_a_clip_do_not_depend_on_which_others_are_checked(
    tested_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(tested_folder, tmp_path / "small"))
    assert len(held_out(load_bundle(out).training, "small")[1]) == 20
    drawn: list[float] = []

    def check_clip(
        engine: L2I, analysis: Analysis, generator: np.random.Generator, *_: int, **__: int
    ) -> list[Row]:
        drawn.append(generator.random())
        return []

    monkeypatch.setattr(surrogate, "check_clip", check_clip)
    with pytest.raises(ValueError, match="no rows"):
        check_surrogate.main(_argv(out, "--interpreter", "att"))
    assert drawn == [np.random.default_rng([0, number]).random() for number in (0, 6, 13)]


def test_clips_are_spread_over_the_test_folds(tested_folder: Path) -> None:
    bundle = load_bundle(tested_folder)
    every = list(held_out(bundle.training, bundle.name)[1])
    assert {clip.fold for clip in every} == {1}
    assert evenly(every, 10) == every[::2]
    assert evenly(every, 99) == evenly(every, None) == every


def test_a_folder_of_ones_own_is_asked_for(
    tested_folder: Path, write_clip: WriteClip, tmp_path: Path
) -> None:
    """The machine that trained may have had it elsewhere, so a bundle does not record it."""
    data = {"kind": "folder", "test_folds": [2]}
    bundle = replace(load_bundle(tested_folder), training={"config": {"data": data}})
    with pytest.raises(ValueError, match="'small' was tested on a folder .* give it with --data"):
        held_out(bundle.training, bundle.name)[1]
    for number in range(3):
        write_clip(f"dog/{number}.wav", np.zeros(9000, np.float32))
    assert [clip.name for clip in held_out(bundle.training, bundle.name, str(tmp_path))[1]] == [
        "dog/1.wav"
    ]


def test_bad_requests_are_one_sentence(
    tested_folder: Path, bundle_folder: Path, refused_command: Callable[..., str]
) -> None:
    before = sorted(tested_folder.rglob("*"))
    for argv, sentence in (
        (["--bundle", str(tested_folder), "--interpreter", "nmf"], "no interpreter 'nmf'"),
        (["--bundle", str(tested_folder), "--samples", "1"], "at least 2 samples"),
        (
            ["--bundle", str(tested_folder), "--clips", "0"],
            "--clips: must be at least 1, received 0",
        ),
        (["--bundle", str(tested_folder), "--clips", "many"], "--clips"),
        (["--bundle", str(bundle_folder)], "does not record its test set"),
        (["--bundle", "nowhere"], "no bundle 'nowhere'"),
    ):
        assert sentence in refused_command(lambda a=argv: check_surrogate.main(a))  # type: ignore[misc]
    assert sorted(tested_folder.rglob("*")) == before
