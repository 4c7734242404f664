"""Ablations: what a file may say, what is shared and what is not, kill and resume, the report."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from killing import Killed, count

from l2i_core import load_bundle
from pipelines import (
    ablate,
    answers,
    evaluate,
    learn_dictionary,
    train_classifier,
    train_interpreter,
)
from pipelines.runs import main_guard

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "configs" / "esc10-ablation.yaml"


@pytest.fixture(scope="module")
def values(two_classes: Path) -> dict[str, Any]:
    """The base and three variants of it."""
    return {
        "base": str(ROOT / "configs" / "tiny.yaml"),
        "set": {
            "name": "small",
            "default_interpreter": "l2i",
            "data.kind": "folder",
            "data.root": str(two_classes),
            "data.train_folds": [2, 3, 4],
            "data.test_folds": [5],
            "classifier.epochs": 1,
            "dictionary.components": 5,
            "dictionary.iterations": 10,
            "baselines": {},
            "interpreters": {"l2i": {"channels": 8, "epochs": 2, "batch_size": 3}},
            "evaluation.thresholds": [0.1, 0.3, 0.5],
            "evaluation.random_thresholds": [],
        },
        "vary": {
            "K": {"label": "K", "key": "dictionary.components", "values": [3, 5]},
            "pooling": {
                "label": "pooling",
                "key": "interpreters.l2i.pooling",
                "values": ["attention", "max"],
            },
            "layers": {"label": "hidden layers", "key": "map_blocks", "values": [[6], [4, 5, 6]]},
        },
    }


@pytest.fixture(scope="module")
def file(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "small-ablation.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def done(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All variants, without a break."""
    out = tmp_path_factory.mktemp("runs") / "ablation"
    assert ablate.main(["--config", str(file), "--out", str(out)]) == 0
    return out


def _rows(out: Path) -> dict[str, dict[str, Any]]:
    return {p.stem: json.loads(p.read_text()) for p in sorted((out / "rows").iterdir())}


# The file


def test_shipped_ablation_varies_what_it_should() -> None:
    ablation = ablate.load_ablation(SHIPPED)
    keys = {name: (axis.key, len(axis.values)) for name, axis in ablation.axes.items()}
    assert keys["K"] == ("dictionary.components", 4)
    assert keys["mu"][0] == "dictionary.sparsity"
    assert keys["alpha"][0].endswith(".reconstruction")
    assert keys["beta"][0].endswith(".sparsity")
    assert keys["layers"][0] == "map_blocks"
    assert keys["pooling"][0].endswith(".pooling")
    assert all(count >= 3 for name, (_, count) in keys.items() if name != "pooling")
    for places in ablation.places.values():
        names = [variant.name for variant in places]
        assert names.count(ablate.BASE) == 1, "the base stands on every axis"
    for variant in ablation.variants:
        data = variant.config.data
        assert 1 not in (*data.train_folds, *data.test_folds), "the test fold stays unseen"
    assert len({v.name for v in ablation.variants}) == len(ablation.variants)


def test_variants_differ_from_the_base_in_one_setting(file: Path) -> None:
    ablation = ablate.load_ablation(file)
    base, *others = (v.config for v in ablation.variants)
    assert [v.name for v in ablation.variants] == ["base", "K-3", "pooling-max", "layers-6"]
    assert (base.dictionary.components, others[0].dictionary.components) == (5, 3)
    assert others[0].interpreters == base.interpreters
    assert others[1].interpreters["l2i"].pooling == "max"
    assert others[1].dictionary == base.dictionary
    assert others[2].map_blocks == (6,)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda v: v.pop("vary"), "config key 'vary' is missing"),
        (lambda v: v.update(colour="red"), "unknown config key 'colour'"),
        (lambda v: v.update(base="nowhere.yaml"), "no such config file"),
        (lambda v: v["vary"].update(K={"key": "seed"}), "config key 'vary.K.label' is missing"),
        (lambda v: v["vary"]["K"].update(values=[3]), "at least two values"),
        (lambda v: v["vary"]["K"].update(key="dictionary.atoms"), "'dictionary.atoms'"),
        (lambda v: v["vary"]["K"].update(values=["many", 3]), "'dictionary.components'"),
        (lambda v: v["vary"]["K"].update(key="seed"), "K changes what f is trained on"),
        (
            lambda v: v["vary"]["K"].update(key="data.test_folds", values=[[1], [5]]),
            "K changes what f is trained on",
        ),
        (lambda v: v["set"].update({"data.test_folds": [4]}), "fold 4 both trains and tests"),
        (lambda v: v["set"].pop("interpreters"), "one interpreter, not 3"),
    ],
)
def test_bad_files_are_one_sentence(
    values: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Change,
    sentence: str,
) -> None:
    changed = json.loads(json.dumps(values))
    if sentence.startswith("one interpreter"):
        changed["set"]["default_interpreter"] = None
    change(changed)
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(changed, sort_keys=False))
    argv = ["--config", str(path), "--out", str(tmp_path / "out")]
    assert main_guard(lambda: ablate.main(argv)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_unknown_variant_is_one_sentence(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--config", str(file), "--out", str(tmp_path / "out"), "--only", "K-7"]
    assert main_guard(lambda: ablate.main(argv)) == 2
    assert "no variant 'K-7'; there are: base, K-3" in capsys.readouterr().err
    argv[1] = str(tmp_path / "nowhere.yaml")
    assert main_guard(lambda: ablate.main(argv)) == 2


# The runs


def test_every_variant_has_figures_of_its_own_bundle(done: Path) -> None:
    rows = _rows(done)
    assert set(rows) == {"base", "K-3", "pooling-max", "layers-6"}
    for name, row in rows.items():
        summary = load_bundle(done / name).summary()
        assert summary is not None
        block = summary["l2i"]
        assert row["n"] == block["n"] == 2
        assert row["reconstruction_error"] == block["reconstruction_error"]
        assert row["fidelity"] == block["fidelity"]
        for t in ("0.1", "0.3", "0.5"):
            assert row["faithfulness"][t] == block["faithfulness"][t]["median"]
            assert row["components"][t] == block["faithfulness"][t]["mean_components"]
            assert row["relative_faithfulness"][t] == block["relative_faithfulness"][t]["median"]
        assert "random" not in block
        assert set(row["seconds"]) == {"dictionary", "interpreter", "evaluation"}
    assert load_bundle(done / "K-3").dictionary.n_components == 3
    assert load_bundle(done / "layers-6").classifier.network.map_blocks == (6,)


def test_f_and_the_dictionary_are_shared_where_they_are_the_same(done: Path) -> None:
    def same(part: str, name: str) -> bool:
        paths = [done / n / "checkpoints" / f"{part}.safetensors" for n in ("base", name)]
        return paths[0].samefile(paths[1])

    for name in ("K-3", "pooling-max", "layers-6"):
        assert same("classifier", name)
    assert same("dictionary", "pooling-max")
    assert same("dictionary", "layers-6")
    assert not same("dictionary", "K-3")


def test_killed_ablation_goes_on_where_it_was(
    file: Path, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ["--config", str(file), "--out", str(tmp_path)]
    with monkeypatch.context() as patch:  # 6 clips in batches of 3, 2 epochs: in K-3's second
        count(patch, train_interpreter, "loss_terms", kill_after=4 + 2 + 1)
        with pytest.raises(Killed):
            ablate.main(argv)
    assert set(_rows(tmp_path)) == {"base"}
    assert not (tmp_path / "report").exists()
    with monkeypatch.context() as patch:
        steps = count(patch, train_interpreter, "loss_terms")
        passes = count(patch, answers, "build_cache")
        factorised = count(patch, learn_dictionary, "sparse_nmf")
        epochs = count(patch, train_classifier, "augment")
        assert ablate.main(argv) == 0
    assert steps == [2 + 4 + 4], "one epoch of K-3 was there"
    assert passes == [2], "f's features of the same layers are computed once"
    assert factorised == [0], "K-3's dictionary was there"
    assert epochs == [0], "f was there"
    ours, theirs = _rows(tmp_path), _rows(done)
    for name, row in ours.items():
        for varying in ("seconds", "about"):
            del row[varying], theirs[name][varying]
        assert _close(row, theirs[name]), name
    with monkeypatch.context() as patch:
        evaluations = count(patch, evaluate, "run")
        assert ablate.main(argv) == 0
    assert evaluations == [0], "all figures were there"


def _close(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(_close(v, theirs[k]) for k, v in ours.items())
    return ours == (pytest.approx(theirs, abs=1e-3) if isinstance(theirs, float) else theirs)


def test_one_variant_can_be_run_alone(file: Path, tmp_path: Path) -> None:
    argv = ["--config", str(file), "--out", str(tmp_path), "--only", "pooling-max"]
    assert ablate.main(argv) == 0
    assert set(_rows(tmp_path)) == {"pooling-max"}
    text = (tmp_path / "report" / "README.md").read_text()
    assert "| max |" in text
    assert not list((tmp_path / "report").glob("*.png")), "one point is no curve"


def test_other_settings_do_not_mix_with_a_run(
    file: Path, done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.read_bytes() for p in done.rglob("*") if p.is_file() and p.suffix != ".log"}
    argv = ["--config", str(file), "--out", str(done), "--set", "dictionary.iterations=20"]
    assert main_guard(lambda: ablate.main(argv)) == 2
    assert "other settings" in capsys.readouterr().err.splitlines()[-1]
    after = {p: p.read_bytes() for p in done.rglob("*") if p.is_file() and p.suffix != ".log"}
    assert after == before


# The report


def test_report_holds_every_axis_with_the_base_on_it(
    file: Path, done: Path, tmp_path: Path
) -> None:
    rows, report = _rows(done), done / "report"
    with (report / "ablation.csv").open(newline="") as text:
        lines = list(csv.DictReader(text))
    assert [(r["setting"], r["value"], r["variant"]) for r in lines] == [
        ("dictionary.components", "3", "K-3"),
        ("dictionary.components", "5", "base"),
        ("interpreters.l2i.pooling", "attention", "base"),
        ("interpreters.l2i.pooling", "max", "pooling-max"),
        ("map_blocks", "6", "layers-6"),
        ("map_blocks", "4-5-6", "base"),
    ]
    for line in lines:
        row = rows[line["variant"]]
        assert float(line["reconstruction_error"]) == pytest.approx(
            row["reconstruction_error"], rel=1e-5
        )
        assert float(line["fidelity:top1"]) == row["fidelity"]["top1"]
        assert float(line["faithfulness:0.3"]) == pytest.approx(
            row["faithfulness"]["0.3"], rel=1e-4
        )
    assert sorted(p.name for p in report.glob("*.png")) == ["K.png", "layers.png", "pooling.png"]
    text = (report / "README.md").read_text()
    typed = re.search(r"`python -m pipelines\.ablate (.*)`; seed 0", text)
    assert typed, "the command can be typed again"
    assert shlex.split(typed[1])[:2] == ["--config", str(file)]
    assert "--out" in typed[1]
    about = rows["base"]["about"]
    assert f"{about['date']}, {about['hardware']}" in text
    assert "Trained on folds 2, 3, 4 of folder, measured on fold 5" in text
    assert "| **5** |" in text
    for name in re.findall(r"\((.*\.png)\)", text):
        assert (report / name).read_bytes().startswith(b"\x89PNG")
    again = ["--config", str(file), "--out", str(done), "--report", str(tmp_path / "docs")]
    assert ablate.main(again) == 0
    for path in report.iterdir():
        here = path.read_bytes().replace(typed[1].encode(), shlex.join(again).encode())
        assert (tmp_path / "docs" / path.name).read_bytes() == here


def test_rows_of_older_runs_do_not_tell_their_circumstances(
    file: Path, done: Path, tmp_path: Path
) -> None:
    old, new = (_rows(done)[name] for name in ("K-3", "layers-6"))
    del old["about"]
    ablate.report(ablate.load_ablation(file), [old, new], tmp_path, "command")
    told = (tmp_path / "README.md").read_text().split("Date and hardware: ")[1]
    assert told.startswith("not recorded; ")
    assert new["about"]["hardware"] in told
