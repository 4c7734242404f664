"""docs/results.md: means and deviations over folds, and what is said where folds are missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines import folds
from pipelines.config import load_config
from pipelines.reproduce import CONFIGS, OTHERS


def block(accuracy: float, top1: float, drop: float) -> dict[str, Any]:
    return {
        "accuracy": accuracy,
        "n": 4,
        "fidelity": {"top1": top1, "top3": 0.9, "top5": 1.0},
        "reconstruction_error": 0.4,
        "faithfulness": {"0.3": {"median": drop, "mean_components": 3.0, "positive_fraction": 1.0}},
        "relative_faithfulness": {"0.3": {"median": 0.5}},
        "fid_in": {"0.3": 0.75},
        "average_increase": {"0.3": 1.0},
        "average_drop": {"0.3": 2.0},
        "average_gain": {"0.3": 3.0},
    }


def figures(drop: float) -> dict[str, float | None]:
    """One class in `classes.json`; its span is not positive in the fold where FF is 1."""
    return {
        "n": 8,
        "median": drop,
        "relative_median": None if drop == 1 else drop / 10,
        "positive_fraction": 0.75,
        "random": 0.0,
        "random_energy": drop / 2,
        "random_energy_relative": None if drop == 1 else drop / 20,
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for fold, accuracy, drop in ((1, 0.8, 1.0), (3, 0.9, 2.0)):
        folder = tmp_path / "new" / f"fold-{fold}"
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps({"att": block(accuracy, 0.7, drop)}))
        made = {
            "command": "python -m something",
            "seed": 5,
            "date": "2026-01-02",
            "hardware": "an abacus",
            "config": {"name": "new", "title": "New sounds"},
        }
        (folder / "run.json").write_text(json.dumps(made))
        both = {"dog": figures(drop), "rain": figures(3 * drop)}
        named = {k: v for k, v in both.items() if fold == 1 or k == "dog"}
        (folder / "classes.json").write_text(json.dumps({"att": named}))
    flint = {"flint": {"accuracy": 0.8, "n": 4, "fidelity": dict.fromkeys(("top1", "top3"), 0.6)}}
    flint["flint"]["fidelity"]["top5"] = 0.6
    (tmp_path / "new" / "fold-1" / "baselines.json").write_text(json.dumps(flint))
    (tmp_path / "new" / "notes.md").write_text("A remark on it.\n")
    return tmp_path


def test_spread_is_the_mean_and_the_sample_deviation() -> None:
    assert folds.spread([1.0, 3.0], 2) == "2.00 ± 1.41"
    assert folds.spread([0.25, None], 2) == "0.25"
    assert folds.spread([None], 2) == ""
    assert folds.spread([-0.0001], 2) == "0.00"


def test_document_says_figures_origins_and_what_is_missing(results: Path) -> None:
    text = folds.document(["new"], results)
    assert "## New sounds (new)" in text
    assert "A remark on it." in text
    assert "| 3 | 4 | `python -m something` | 5 | 2026-01-02 | an abacus |" in text
    assert "Not run: folds 2, 4, 5." in text
    assert "f's accuracy: 0.850 ± 0.071; by fold 0.800, 0.900" in text
    assert "| att | 2 | 0.700 ± 0.000 |" in text
    assert "0.657 / 0.818 / 0.882 |" in text
    assert "| flint | 1 | 0.600 | 0.600 | 0.600 |  | 0.735 / 0.891 / 0.934 |" in text
    assert "| 0.3 | 3.0 ± 0.0 | 1.50 ± 0.71 |" in text
    assert text.count("1.29 |") == 1


def test_document_says_which_systems_lack_which_folds(results: Path) -> None:
    assert "Not run: flint on fold 3." in folds.document(["new"], results)
    for fold in (1, 3):
        path = results / "new" / f"fold-{fold}" / "summary.json"
        made = json.loads(path.read_text())
        path.write_text(json.dumps(made | {"max": made["att"]} if fold == 3 else made))
    text = folds.document(["new"], results)
    assert "Not run: flint on fold 3; max on fold 1." in text


def test_origins_tell_where_each_part_was_trained_if_not_in_one_place(results: Path) -> None:
    path = results / "new" / "fold-3" / "run.json"
    made = json.loads(path.read_text())
    parts = {"classifier": "an abacus", "interpreter-att": "an abacus"}
    path.write_text(json.dumps({**made, "trained_on": parts}))
    assert "| 3 | 4 | `python -m something` | 5 | 2026-01-02 | an abacus |" in folds.document(
        ["new"], results
    )
    path.write_text(json.dumps({**made, "trained_on": {**parts, "classifier": "a slide rule"}}))
    told = "classifier: a slide rule; att, figures: an abacus |"
    assert told in folds.document(["new"], results)


def _remade(results: Path, fold: int, **config: Any) -> None:
    path = results / "new" / f"fold-{fold}" / "run.json"
    made = json.loads(path.read_text())
    path.write_text(json.dumps({**made, "config": {**made["config"], **config}}))


def test_document_says_which_folds_were_made_by_another_recipe(results: Path) -> None:
    old = {"pooling": "attention", "epochs": 6}  # of a time before muon_learning_rate
    _remade(results, 3, interpreters={"att": old, "not-measured": {"epochs": 1}})
    _remade(results, 1, interpreters={"att": {**old, "muon_learning_rate": 0.0}})
    assert "another recipe" not in folds.document(["new"], results)
    _remade(results, 1, interpreters={"att": {**old, "muon_learning_rate": 1e-3}})
    text = folds.document(["new"], results)
    assert "Fold 3: att by another recipe than fold 1's (run.json has it); a mean" in text
    _remade(results, 1, classifier={"epochs": 1}, map_blocks=[4])
    _remade(results, 3, classifier={"epochs": 2}, map_blocks=[4])
    assert "Fold 3: f, att by another recipe" in folds.document(["new"], results)


def test_classes_stand_in_a_collapsed_table_of_means_over_folds(results: Path) -> None:
    text = folds.document(["new"], results)
    _, _, table = text.partition("<details><summary>att by class at τ = 0.3, ")
    assert table.startswith("medians in each fold; mean over 2 folds</summary>\n\n| f's class |")
    dog = "| dog | 2 | 16 | 1.50 ± 0.71 | 0.75 ± 0.00 | 0.00 ± 0.00 | 0.75 ± 0.35 | 0.200 | 0.100 |"
    rain = "| rain | 1 | 8 | 3.00 | 0.75 | 0.00 | 1.50 | 0.300 | 0.150 |"
    assert f"{dog}\n{rain}\n\n</details>" in table


def test_folds_that_kept_nothing_by_class_are_left_out(results: Path) -> None:
    (results / "new" / "fold-3" / "classes.json").unlink()
    assert "by class at τ = 0.3, medians in each fold; mean over 1 fold<" in folds.document(
        ["new"], results
    )
    (results / "new" / "fold-1" / "classes.json").unlink()
    text = folds.document(["new"], results)
    assert "<details>" not in text
    assert "**att**, mean over 2 folds" in text


def test_document_says_how_to_run_what_was_not_run(tmp_path: Path) -> None:
    text = folds.document(["new"], tmp_path)
    assert "Not run: `python -m pipelines.reproduce` runs it." in text


def test_a_bundles_own_figures_are_its_fold() -> None:
    text = folds.document(["esc10"], Path("nowhere"))
    command = "python -m pipelines.evaluate --config configs/esc10.yaml --out assets/bundles/esc10"
    assert f"| 1 | 80 | `{command}` | 0 | 20" in text
    assert "The bundle esc10, in full" in text


def test_the_shipped_document_is_that_of_the_shipped_figures() -> None:
    root = Path(__file__).resolve().parents[2]
    names = [*(load_config(root / path).name for path in CONFIGS), *OTHERS]
    assert (root / "docs" / "results.md").read_text() == folds.document(
        names, root / "assets" / "results"
    )
