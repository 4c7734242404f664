"""The printed tables, from hand-written metrics."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mixed import add_experiments

from l2i_core import load_bundle
from l2i_core.measure.summary import refresh_summary
from l2i_core.task import SEVERAL_CLASSES
from pipelines import results


def _cells(table: str, level: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {level} |")]
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_chance_stands_beside_ff_with_spread_and_test(measured_bundles: Path) -> None:
    """FF is (1 + index) / 5 · 0.7 over twelve clips at τ 0.3, energy-matched Random 0.4 of it."""
    summary = load_bundle(measured_bundles / "measured").summary()
    assert summary is not None
    table = results.against_chance(summary["att"])
    assert table.splitlines()[0].count("|") == table.splitlines()[1].count("|")
    cells = _cells(table, "0.3")
    assert cells[1] == "0.91 (0.52 … 1.29)"
    assert cells[2:6] == ["0.00 (0.00 … 0.00)", "12 of 12", "0.91", "< 0.001"]
    assert cells[6:] == ["0.36 (0.21 … 0.52)", "12 of 12", "0.55", "< 0.001"]
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == ["0.3", "0.1"]


def test_clips_short_of_energy_are_not_in_the_test_at_equal_energy(
    measured_bundles: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(measured_bundles / "half", tmp_path / "copy"))
    summary = refresh_summary(folder / "metrics", load_bundle(folder).classes)
    cells = _cells(results.against_chance(summary["att"]), "0.3")
    assert cells[3] == "12 of 12"
    assert cells[7] == "6 of 6"
    block = summary["att"]
    block["random_energy"]["0.3"]["test"] = None
    assert "none testable" in results.against_chance(block)


def test_without_random_there_is_no_table_of_chance(measured_bundles: Path) -> None:
    summary = load_bundle(measured_bundles / "measured").summary()
    assert summary is not None
    block = {k: v for k, v in summary["att"].items() if not k.startswith("random")}
    assert results.against_chance(block) == ""
    assert results.levels(block).count("\n") == 3


def test_refresh_makes_the_summary_from_the_rows(
    measured_bundles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(measured_bundles / "measured", tmp_path / "copy"))
    path = folder / "metrics" / "summary.json"
    whole = json.loads(path.read_text())
    without = json.loads(path.read_text())
    for block in without.values():
        for level in block["random"].values():
            del level["test"]
    path.write_text(json.dumps(without))
    assert results.main(["--bundle", str(folder), "--refresh"]) == 0
    made = json.loads(path.read_text())
    assert made["att"]["random"]["0.3"]["test"] == whole["att"]["random"]["0.3"]["test"]
    assert made["max"]["about"] == whole["max"]["about"]
    assert "att against chance" in capsys.readouterr().out


def test_unmeasured_bundles_are_one_sentence(
    bundle_folder: Path, measured_bundles: Path, refused_command: Callable[..., str]
) -> None:
    for argv, sentence in (
        (["--bundle", str(bundle_folder)], "run pipelines.evaluate"),
        (["--bundle", str(bundle_folder), "--refresh"], "run pipelines.evaluate"),
        (["--bundle", str(measured_bundles / "broken"), "--refresh"], "levels-att.csv is damaged"),
        (["--bundle", "nowhere"], "no bundle 'nowhere'"),
    ):
        assert sentence in refused_command(lambda a=argv: results.main(a))  # type: ignore[misc]


def test_tables_of_a_multi_label_bundle(many_models: Path) -> None:
    """Six clips and six pairs; FF is 0.1 · (1 + pair) · 0.9 at τ 0.1, Random 0.4 of it and 0."""
    text = results.bundle_tables(load_bundle(many_models / "scenes-measured"))
    assert "f's accuracy" not in text
    assert "logits" not in text
    assert "6 clips, 6 pairs of clip and class that f hears" in text
    assert "| L2I + Θ_ATT, the paper's on SONYC-UST | 0.900 | 0.914 | 0.847 |" in text
    assert "the paper's f on SONYC-UST: macro-AUPRC 0.601" in text
    assert "differences of at most 0.0005 in probability are ties" in text
    _, _, by_class = text.partition("**att by class at τ 0.1** (as the paper's Fig. 2)")
    lines = [line for line in by_class.splitlines() if line.startswith("| ")][:3]
    assert lines[0].startswith("| class | n | FF | FF > 0 | Random | energy-matched Random |")
    dog, rain = ([cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[1:])
    # The first, third and fifth pair are dogs, the second, fourth and sixth rain.
    assert dog[:6] == [
        *("dog", "3", "0.270 (0.180 … 0.360)", "1.00"),
        *("0.000 (0.000 … 0.000)", "0.108 (0.072 … 0.144)"),
    ]
    assert dog[6] == "3 of 3"
    assert rain[2] == "0.360 (0.270 … 0.450)"
    assert rain[9] == "1.000"


def test_a_played_baselines_fidelity_is_auprc(many_models: Path) -> None:
    block = {"fidelity": {"macro_auprc": 0.5, "micro_auprc": None, "max_f1": 0.25, "top1": 1.0,
                          "top3": 1.0, "top5": 1.0}}  # fmt: skip
    table = results.trained_baselines({"flint": block}, SEVERAL_CLASSES)
    assert "| baseline | macro-AUPRC | micro-AUPRC | max-F1 |" in table
    assert "| flint | 0.500 | – | 0.250 | nothing to play |" in table


def test_experiments_have_a_definition_and_a_table(measured_bundles: Path, tmp_path: Path) -> None:
    folder = add_experiments(measured_bundles / "measured", tmp_path / "mixed")
    text = results.bundle_tables(load_bundle(folder))
    lines = text.replace("\\|", "").splitlines()
    for line, after in zip(lines, lines[1:], strict=False):
        if line.startswith("|") and after.startswith("|"):
            assert line.count("|") == after.count("|")
    assert "**White noise on the test set**: on how many clips" in text
    assert text.count("Made by `python -m pipelines.experiments --bundle measured`, seed 0, ") == 2
    assert "without noise: att 1.00, max 1.00" in text
    whole = (
        "| att | 0, all clips | 3 | 0.67 | 0.33 | 0.33 | 0.67 | 0.00 | 20.0 / 10.0 | 0.50 / 0.10 |"
    )
    assert whole in text
    assert (
        "| att | −10 | 2 | 1.00 | 0.50 | 0.50 | 1.00 | 0.00 | 30.0 / 15.0 | 0.50 / 0.10 |" in text
    )
    assert "r with target / other: 0.41 / 0.02, 0.66 / 0.08, 0.65 / 0.22, 0.68 / 0.01." in text
    figures = "0.40 (0.20) | 0.10 (0.05) | 50.0 (20.0) | 20.0 (20.0) | 0.67 (0.50) | 1.0 (0.5)"
    assert f"| max | −5 | all | 3 | {figures} | 2 of 2 | 0.500 |" in text
    assert text.count("| att | 5 | f's first | 1 |") == 2, "a table for each τ"
    released = tmp_path / "mixed" / "metrics" / "released"
    released.mkdir()
    shutil.copyfile(folder / "metrics" / "summary.json", released / "summary.json")
    assert "White noise on the test set" not in results.bundle_tables(
        load_bundle(folder), "released"
    )


def test_a_damaged_experiment_is_one_sentence(measured_bundles: Path, tmp_path: Path) -> None:
    folder = add_experiments(measured_bundles / "measured", tmp_path / "mixed", ["overlap"])
    path = folder / "metrics" / "overlap.json"
    path.write_text(path.read_text().replace('"more"', '"less"'))
    with pytest.raises(ValueError, match=r"overlap\.json is damaged: 'more'\.$"):
        results.bundle_tables(load_bundle(folder))


def test_readmes_tables_are_those_of_the_shipped_model() -> None:
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    section = text.partition("\n## Results\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    assert len(rows) > 10
    assert set(rows) <= set(results.bundle_tables(load_bundle("esc10")).splitlines())


def test_a_bundle_that_was_not_evaluated_has_the_tables_of_what_was_measured(
    tmp_path: Path,
) -> None:
    shipped = load_bundle("esc50-yamnet").folder
    assert shipped is not None
    copy = shutil.copytree(shipped, tmp_path / "esc50-yamnet")
    (copy / "metrics" / "summary.json").unlink()
    bundle = load_bundle(copy)
    text = results.bundle_tables(bundle)
    assert bundle.summary() is None
    assert "**White noise on the test set**" in text
    assert "**On equal footing**" in text
    assert "FF median (ESC-50, ATT, logits)" not in text
    assert f"| {bundle.experiment('noise')['gradient']['test_set']['accuracy']:.2f} |" in text
    with pytest.raises(ValueError, match="has no metrics by the conventions of 'released'"):
        results.bundle_tables(bundle, "released")
