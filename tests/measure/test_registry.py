"""A metric that one file adds is a column everywhere."""

import csv
import shutil
from pathlib import Path

import pytest
from another_metric import plug_in
from measured import CLASSES, evaluation

from l2i_core import L2I, load_bundle
from l2i_core.data.synthesised import synthesised
from l2i_core.measure import audit, records, tables
from l2i_core.measure.evaluation import Settings, evaluate, write_evaluation
from l2i_core.measure.metrics.registry import fidelities_of, metrics_of
from l2i_core.measure.records import LevelRow
from l2i_core.measure.summary import refresh_summary, summarise
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES
from pipelines import results
from pipelines.folds import Fold, faithfulness


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path / "plugins", monkeypatch)


def test_shipped_metrics_have_names_of_their_own() -> None:
    for task in (ONE_CLASS, SEVERAL_CLASSES):
        for entries in (metrics_of(task), fidelities_of(task)):
            assert entries
            assert len({m.name for m in entries}) == len({m.symbol for m in entries})
            assert all(m.formula for m in entries)
    assert [m.name for m in fidelities_of(ONE_CLASS)] == ["top1", "top3", "top5"]
    assert "top1" not in {m.name for m in fidelities_of(SEVERAL_CLASSES)}


def test_a_file_makes_columns_everywhere(added: None, engine_16k: L2I, tmp_path: Path) -> None:
    clips = synthesised([31]).clips[:2]
    made = evaluate(engine_16k.bundle, "att", clips, Settings((0.0, 0.3), (0.3,), 1))
    kept = [row.measured["samples_kept"] for row in made.levels]
    assert max(kept) > 0
    assert all(set(row.measured) == {"samples_kept"} for row in made.levels), "the other follows"
    write_evaluation([made], tmp_path, {})
    levels = records.read(tmp_path / "levels-att.csv", LevelRow)
    assert [row.measured["samples_kept"] for row in levels] == pytest.approx(kept, rel=1e-5)
    block = refresh_summary(tmp_path, engine_16k.classes)["att"]
    assert set(block["samples_kept"]["0.3"]) == {"median", "q25", "q75"}
    assert 0 < block["agreement"]["0.3"] <= 1
    table = results.levels(block).splitlines()
    assert table[0].endswith("| \\|x_int\\| | both |")
    assert table[-1].rstrip(" |").endswith(f"| {block['agreement']['0.3']:.2f}")
    assert "| \\|x_int\\| | both |" in faithfulness([Fold(1, {"att": block}, {}, {})], "att")
    text = audit.to_csv(audit.audit_rows(made.clips, made.levels, 0.3))
    assert {"samples_kept", "agreement"} <= set(next(csv.reader(text.splitlines())))


def test_an_older_evaluation_has_what_follows_from_its_rows(added: None) -> None:
    """p is 0.9 and o 0.8 everywhere; what needs the clip was not measured."""
    made = evaluation("att")
    block = summarise(made.clips, made.levels, CLASSES)
    assert block["agreement"]["0.3"] == pytest.approx(0.8)
    assert "samples_kept" not in block
    assert "x_int" not in results.levels(block)
    rows = tables.at_threshold(made.clips, made.levels, 0.3)
    by_class = tables.faithfulness_by_class(rows, CLASSES)
    told = {m.name: m.words(figure) for m, figure in by_class[0]["measured"].items()}
    assert told["agreement"] == "80\u202f%"
    assert told["samples_kept"] == "–"


def test_a_summary_without_a_metric_does_not_show_it(added: None, tmp_path: Path) -> None:
    shipped = load_bundle("esc10")
    assert shipped.folder is not None
    assert "| both |" not in results.bundle_tables(shipped)
    folder = Path(shutil.copytree(shipped.folder, tmp_path / "copy"))
    refresh_summary(folder / "metrics", shipped.classes)
    assert "| both |" in results.bundle_tables(load_bundle(folder))
