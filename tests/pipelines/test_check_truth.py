"""Truth over a set of scenes: rows, tables, and what a second run keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import several
from killing import count, other_weights

from l2i_core import L2I, load_bundle
from l2i_core.bundle import save_bundle
from l2i_core.data import synth
from l2i_core.data.scenes import CLASSES
from l2i_core.data.sonyc import TABLE
from l2i_core.measure import truth
from l2i_core.measure.records import read_table
from l2i_core.measure.truth import TEXTS
from pipelines import check_truth
from pipelines.make_scenes import annotations_csv
from pipelines.tables.experiments import truth_tables

RATE = 16000
SCENES: tuple[tuple[str, ...], ...] = (("dog", "alert_signal"), ("powered_saw",), ())
MADE_OF = {"dog": "dog", "alert_signal": "siren", "powered_saw": "chainsaw", "background": "rain"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three test scenes of two seconds with their stems, in the format of `make_scenes`."""
    root, listed = tmp_path_factory.mktemp("scenes") / "made", []
    for number, labels in enumerate(SCENES):
        name = f"test-{number:05d}"
        stems = {
            label: np.round(3000 * synth.clip(MADE_OF[label], 3, RATE, 2.0)).astype("i2")
            for label in ("background", *labels)
        }
        for path, samples in {
            f"audio/{name}.wav": sum(stems.values()),
            **{f"stems/{name}/{label}.wav": stem for label, stem in stems.items()},
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(root / path, samples, RATE, "PCM_16")
        sources = [{"label": label} for label in labels]
        listed.append({"file": f"{name}.wav", "split": "test", "sources": sources})
    (root / TABLE).write_text(annotations_csv(listed))
    return root


@pytest.fixture
def bundle(engine_16k: L2I, scenes: Path, tmp_path: Path) -> Path:
    """A multi-label bundle with random weights whose record names the scenes."""
    record = {"config": {"data": {"kind": "scenes", "root": str(scenes), "test_folds": [3]}}}
    made = several(engine_16k.bundle)
    made.classifier.classes = (*CLASSES, "ninth", "tenth")
    made = replace(made, name="scenes", training=record)
    save_bundle(made, tmp_path / "scenes")
    return tmp_path / "scenes"


def run(bundle: Path, *options: str) -> list[dict]:
    assert check_truth.main(["--bundle", str(bundle), *options]) == 0
    return read_table(bundle / "metrics" / "truth-rows.csv", TEXTS)


def test_every_class_of_every_scene_is_measured_by_every_system(bundle: Path) -> None:
    rows = run(bundle)
    assert len(rows) == 2 * 3 * 2 * 2 * 3  # interpreters, held classes, domains, τ, systems
    assert {r["target"] for r in rows} == {"dog", "alert_signal", "powered_saw"}
    assert {r["interpreter"] for r in rows} == {"att", "max"}
    made = json.loads((bundle / "metrics" / "truth.json").read_text())
    about = made.pop("about")
    assert about["scenes"] == 3
    assert about["random_draws"] == truth.Settings().random_draws
    assert about["command"] == f"python -m pipelines.check_truth --bundle {bundle}"
    assert set(made) == {"att", "max"}
    for domain in ("log", "linear"):
        for level in ("0.3", "0.1"):
            block = made["att"][domain][level]
            assert tuple(block) == truth.SYSTEMS
            for system in truth.SYSTEMS:
                assert block[system]["all"]["n"] == 3
                assert 0 <= block[system]["all"]["target_first"] <= 1
    one, other = made["att"]["log"]["0.3"]["ideal"], made["max"]["log"]["0.1"]["ideal"]
    assert one["all"]["target_passed"] == other["all"]["target_passed"], (
        "the ideal mask knows neither interpreter nor τ"
    )


def test_tables_name_interpreters_their_random_and_one_ideal_mask(bundle: Path) -> None:
    run(bundle, "--limit", "1")
    parts = truth_tables(load_bundle(bundle))
    assert len(parts) == 1 + 2 * 2  # domains, τ
    assert "1 scenes, 2 sounds of a class in them" in parts[0]
    rows = parts[1].splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        "| att",
        "| energy-matched Random beside att",
        "| max",
        "| energy-matched Random beside max",
        "| ideal mask with this W",
    ]
    assert all(row.count("|") == 7 for row in rows)
    (bundle / "metrics" / "truth.json").unlink()
    assert truth_tables(load_bundle(bundle)) == []


def test_what_was_measured_is_kept(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(bundle, "--interpreter", "max")
    assert {r["interpreter"] for r in first} == {"max"}
    both = run(bundle, "--interpreter", "att")
    assert [r for r in both if r["interpreter"] == "max"] == first

    def not_again(*_: object) -> list:
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr(truth, "check", not_again)
        assert run(bundle) == both
    with pytest.raises(ValueError, match="att was measured on other scenes; check it again too"):
        run(bundle, "--interpreter", "max", "--limit", "1")
    assert read_table(bundle / "metrics" / "truth-rows.csv", TEXTS) == both, "nothing was lost"
    other_weights(bundle, "att")
    calls = count(monkeypatch, truth, "check")
    after = run(bundle)
    assert calls == [sum(map(bool, SCENES))], "only att has other weights"
    assert [r for r in after if r["interpreter"] == "max"] == first


def test_scenes_of_another_folder_and_a_limit(bundle: Path, scenes: Path) -> None:
    rows = run(bundle, "--data", str(scenes), "--limit", "2", "--interpreter", "att")
    assert {r["clip"] for r in rows} == {"test-00000", "test-00001"}
    rows = run(bundle, "--limit", "1", "--interpreter", "att")
    assert {r["clip"] for r in rows} == {"test-00000"}, "other scenes are measured anew"


def test_bad_requests_are_one_sentence(bundle: Path, scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--limit: must be at least 1, received 0"):
        run(bundle, "--limit", "0")
    with pytest.raises(ValueError, match="has no interpreter 'flint'"):
        run(bundle, "--interpreter", "flint")
    with pytest.raises(ValueError, match="does not exist"):
        run(bundle, "--data", str(tmp_path / "nowhere"))
    bare = tmp_path / "bare"
    (bare / "audio").mkdir(parents=True)
    (bare / TABLE).write_text((scenes / TABLE).read_text())
    (bare / "audio" / "test-00000.wav").write_bytes(
        (scenes / "audio" / "test-00000.wav").read_bytes()
    )
    with pytest.raises(ValueError, match=r"test-00000\.wav has no stems"):
        run(bundle, "--data", str(bare))
    lines = (scenes / TABLE).read_text().splitlines(keepends=True)
    (bare / TABLE).write_text(lines[0] + lines[3])
    with pytest.raises(ValueError, match="none of the scenes holds a class"):
        run(bundle, "--data", str(bare))


def test_a_model_without_a_record_is_one_sentence(bundle: Path, tmp_path: Path) -> None:
    save_bundle(replace(load_bundle(bundle), training={}), tmp_path / "bare")
    with pytest.raises(ValueError, match="does not record its test set"):
        run(tmp_path / "bare")
