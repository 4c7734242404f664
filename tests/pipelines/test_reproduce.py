"""`make reproduce`: what is run for which fold, and that a killed run goes on."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from measured import evaluation

from l2i_core.measure.evaluation import Evaluation, write_evaluation
from pipelines import reproduce
from pipelines.config import load_config

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "configs" / "tiny.yaml"


class Commands:
    """Stands for the commands: records them, leaves figures where `evaluate` would."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.fails: str | None = None
        self.evaluations: list[Evaluation] = []

    def __call__(self, argv: list[str], **_: Any) -> SimpleNamespace:
        name, out = argv[2].removeprefix("pipelines."), Path(argv[argv.index("--out") + 1])
        self.ran.append([name, *(a for a in argv if a.startswith("data."))])
        if name == self.fails:
            return SimpleNamespace(returncode=2)
        if name == "evaluate":
            (out / "metrics").mkdir(parents=True)
            (out / "metrics" / "summary.json").write_text('{"att": {}}')
            if self.evaluations:
                write_evaluation(self.evaluations, out / "metrics", {})
        return SimpleNamespace(returncode=0)

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.ran]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    fake = Commands()
    monkeypatch.setattr(reproduce, "subprocess", SimpleNamespace(run=fake))
    return fake


def run(tmp_path: Path, fold: int, baselines: bool = True, *changes: str) -> Path:
    results = tmp_path / "results"
    reproduce.run_fold(TINY, changes, fold, tmp_path / "runs", results, baselines)
    return results / "tiny" / f"fold-{fold}"


def test_all_other_folds_train(commands: Commands, tmp_path: Path) -> None:
    run(tmp_path, 3)
    assert commands.names == list(reproduce.COMMANDS)
    for _, *changes in commands.ran:
        assert changes == ["data.test_folds=[3]", "data.train_folds=[1, 2, 4]"]
        made = load_config(TINY, changes)
        assert set(made.data.train_folds) & set(made.data.test_folds) == set()


def test_figures_are_kept_with_what_made_them(commands: Commands, tmp_path: Path) -> None:
    kept = run(tmp_path, 2)
    assert json.loads((kept / "summary.json").read_text()) == {"att": {}}
    made = json.loads((kept / "run.json").read_text())
    assert made["command"].endswith("tiny.yaml --folds 2")
    assert made["config"]["data"]["test_folds"] == [2]
    assert made["seed"] == 0
    assert {"date", "hardware", "packages", "commit"} <= set(made)


def test_the_kept_command_has_the_settings_that_were_changed(
    commands: Commands, tmp_path: Path
) -> None:
    kept = run(tmp_path, 2, True, "evaluation.thresholds=[0.5, 0.3]")
    made = json.loads((kept / "run.json").read_text())
    assert made["command"].endswith("--folds 2 --set 'evaluation.thresholds=[0.5, 0.3]'")
    assert made["config"]["evaluation"]["thresholds"] == [0.5, 0.3]


def test_figures_by_class_are_kept_without_the_rows(commands: Commands, tmp_path: Path) -> None:
    """FF at τ 0.3 is 0.14 · (1 + index): dogs are clips 0 to 5 and 11, rain 6 to 10."""
    commands.evaluations = [evaluation("att"), evaluation("max", factor=2.0)]
    kept = run(tmp_path, 2)
    assert {p.name for p in kept.iterdir()} == {"summary.json", "classes.json", "run.json"}
    found = json.loads((kept / "classes.json").read_text())
    assert [*found] == ["att", "max"]
    assert [*found["att"]] == ["dog", "rain"]
    assert found["att"]["dog"]["n"] == 7
    assert found["att"]["rain"]["median"] == pytest.approx(9 * 0.14)
    assert found["max"]["rain"]["random_energy_relative"] == pytest.approx(0.4 * 18 * 0.14 / 2.5)
    (kept / "classes.json").unlink()
    assert run(tmp_path, 2) == kept
    assert json.loads((kept / "classes.json").read_text()) == found
    assert commands.names == list(reproduce.COMMANDS), "nothing was run again"


def test_a_finished_fold_is_not_run_again(commands: Commands, tmp_path: Path) -> None:
    run(tmp_path, 2)
    commands.ran.clear()
    run(tmp_path, 2)
    assert commands.ran == []


def test_figures_of_other_settings_are_not_taken_for_these(
    commands: Commands, tmp_path: Path
) -> None:
    kept = run(tmp_path, 2)
    run(tmp_path, 2, True, "evaluation.random_draws=3", "interpreters.max.epochs=99")
    with pytest.raises(ValueError, match=r"fold-2 holds figures made with other settings of att;"):
        run(tmp_path, 2, True, "interpreters.att.epochs=99")
    with pytest.raises(ValueError, match=r"other settings of f, W; remove that folder, or give"):
        run(tmp_path, 2, True, "classifier.epochs=99", "dictionary.components=9")
    assert (kept / "run.json").is_file()
    assert commands.names == list(reproduce.COMMANDS), "nothing was run again"


@pytest.mark.parametrize("path", reproduce.CONFIGS)
def test_shipped_figures_are_those_of_the_shipped_settings(
    commands: Commands, tmp_path: Path, path: str
) -> None:
    shipped = ROOT / "assets" / "results"
    for fold in (2, 3, 4, 5):
        reproduce.run_fold(ROOT / path, [], fold, tmp_path, shipped, baselines=False)
    assert commands.ran == []


def test_a_fold_that_failed_keeps_nothing_and_goes_on(commands: Commands, tmp_path: Path) -> None:
    commands.fails = "train_interpreter"
    with pytest.raises(ValueError, match="train_interpreter of tiny, fold 2, ended with exit code"):
        run(tmp_path, 2)
    assert not (tmp_path / "results" / "tiny" / "fold-2").exists()
    commands.fails = None
    assert (run(tmp_path, 2) / "run.json").is_file()
    assert commands.names[-5:] == list(reproduce.COMMANDS)


def test_baselines_are_left_out_where_not_asked_for(commands: Commands, tmp_path: Path) -> None:
    run(tmp_path, 2, baselines=False)
    assert "train_baselines" not in commands.names


def test_a_fold_that_is_not_there(commands: Commands, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tiny has no fold 9; its config names \[1, 2, 3, 4\]"):
        run(tmp_path, 9)
    assert commands.ran == []


def test_a_run_of_one_set_leaves_the_other_sets_tables(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(reproduce, "document", lambda names, results: asked.append(names) or "")
    argv = ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    argv += ["--out", str(tmp_path / "results.md"), "--folds", "2", "--config"]
    assert reproduce.main([*argv, str(TINY)]) == 0
    assert reproduce.main([*argv, str(ROOT / "configs" / "esc50.yaml")]) == 0
    shipped = sorted(folder.name for folder in (ROOT / "assets" / "bundles").iterdir())
    assert asked == [sorted([*shipped, "tiny"]), shipped]


def test_the_commands_exist() -> None:
    for name in reproduce.COMMANDS:
        assert (ROOT / "pipelines" / f"{name}.py").is_file()
