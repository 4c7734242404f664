"""Two chains, end to end through their commands: the tiny one, about a minute, more on a busy
machine, and README's for one's own data."""

import importlib
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from l2i_core import L2I, __main__, load_bundle
from l2i_core.data import synth
from l2i_core.explainers import flint, vibi
from l2i_core.measure.records import ClipRow, read
from l2i_core.signal import audio
from pipelines import (
    learn_dictionary,
    results,
)
from pipelines.config import load_config

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "configs" / "tiny.yaml"
COMMANDS = (
    "train_classifier",
    "learn_dictionary",
    "train_interpreter",
    "train_baselines",
    "evaluate",
)


patient = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five commands on configs/tiny.yaml."""
    out = tmp_path_factory.mktemp("chain") / "tiny"
    for command in COMMANDS:
        _main(command, ["--config", str(TINY), "--out", str(out)])
    return out


def _main(command: str, argv: list[str]) -> None:
    assert importlib.import_module(f"pipelines.{command}").main(argv) == 0, command


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").glob("*.py")), ids=lambda p: p.stem)
def test_every_command_can_be_typed(path: Path) -> None:
    source = path.read_text()
    if "\ndef main(" in source:
        assert source.endswith('if __name__ == "__main__":\n    sys.exit(main_guard(main))\n')


def _python(module: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *argv], capture_output=True, text=True, cwd=ROOT
    )


@patient
def test_chain_leaves_a_bundle(chain: Path) -> None:
    config, bundle = load_config(TINY), load_bundle(chain)
    assert bundle.name == "tiny"
    assert bundle.classes == synth.LABELS
    assert bundle.audio == config.audio
    assert bundle.dictionary.n_components == config.dictionary.components
    assert list(bundle.interpreters) == list(config.interpreters)
    assert bundle.default_interpreter == "att-loop"
    assert bundle.training["config"]["classifier"]["epochs"] == config.classifier.epochs
    assert bundle.training["seed"] == config.seed
    assert "torch" in bundle.training["packages"]
    assert "not the paper's" in bundle.interpreter_info["att-loop"].description
    assert not list(chain.rglob("*.part"))
    centres = (torch.arange(257.0) @ bundle.dictionary.patterns) / bundle.dictionary.patterns.sum(0)
    assert bool((centres.diff() > 0).all()), "components in rising order of frequency"


@patient
def test_chain_leaves_baselines(chain: Path) -> None:
    bundle = load_bundle(chain)
    assert {n: i.kind for n, i in bundle.baseline_info.items()} == {
        "flint": "flint",
        "vibi": "vibi",
    }
    with pytest.raises(ValueError, match="FLINT has no components"):
        L2I(bundle, "flint")
    with pytest.raises(ValueError, match="has no baseline 'lime'; it has: flint, vibi"):
        bundle.baseline("lime")
    blocks = json.loads((chain / "metrics" / "baselines.json").read_text())
    for name in ("flint", "vibi"):
        rows = read(chain / "metrics" / f"clips-{name}.csv", ClipRow)
        block = blocks[name]
        assert block["n"] == len(rows) == 20
        again = [r.predicted == r.interpreter_predicted for r in rows]
        assert block["fidelity"]["top1"] == pytest.approx(sum(again) / 20)
    assert "faithfulness" not in blocks["flint"]
    assert 0 <= blocks["vibi"]["fid_in"] <= 1
    assert 0 < blocks["vibi"]["energy_kept"] < 1


@patient
def test_training_what_is_trained_takes_nothing_away(chain: Path) -> None:
    before = {p: p.read_bytes() for p in chain.rglob("*") if p.is_file() and p.suffix != ".log"}
    done = _python("pipelines.train_interpreter", "--config", str(TINY), "--out", str(chain))
    assert done.returncode == 0, done.stderr[-2000:]
    after = {p: p.read_bytes() for p in chain.rglob("*") if p.is_file() and p.suffix != ".log"}
    assert after == before


@patient
def test_baselines_explain_a_clip(chain: Path) -> None:
    bundle = load_bundle(chain)
    engine = L2I(bundle)
    clip = synth.clip("dog", 3, engine.audio.sample_rate)
    analysis = engine.analyse(clip, engine.audio.sample_rate)
    said = flint.explain(
        bundle.baseline("flint"), engine.hearing, analysis, engine.class_index("rain")
    )
    weights = bundle.baseline("flint").linear.weight[engine.class_index("rain")]
    assert float(said.attributes @ weights) == pytest.approx(
        float(said.logits[engine.class_index("rain")]), abs=1e-5
    )
    kept = vibi.explain(bundle.baseline("vibi"), engine.hearing, analysis)
    assert int(kept.chunks.sum()) == bundle.baseline_info["vibi"].kept_chunks
    torch.testing.assert_close(kept.audio + kept.residual, analysis.waveform, atol=1e-4, rtol=0)
    assert 0 <= kept.energy_kept <= 1
    long = engine.analyse(np.tile(clip, 8), engine.audio.sample_rate)
    for explain_it in (
        lambda: flint.explain(bundle.baseline("flint"), engine.hearing, long, 0),
        lambda: vibi.explain(bundle.baseline("vibi"), engine.hearing, long),
    ):
        with pytest.raises(ValueError, match="in one piece; this one lasts 40 s"):
            explain_it()


@patient
def test_chain_leaves_the_designs_summary(chain: Path) -> None:
    config = load_config(TINY)
    summary = json.loads((chain / "metrics" / "summary.json").read_text())
    assert list(summary) == ["att", "max", "att-loop"]
    for name, block in summary.items():
        assert block["n"] == 20
        assert 0 <= block["accuracy"] <= 1
        top1, top3, top5 = (block["fidelity"][f"top{k}"] for k in (1, 3, 5))
        assert 0 <= top1 <= top3 <= top5 <= 1
        levels = {f"{t:g}" for t in config.evaluation.thresholds}
        assert set(block["faithfulness"]) == levels
        for row in block["faithfulness"].values():
            assert row["q25"] <= row["median"] <= row["q75"]
            assert 0 <= row["positive_fraction"] <= 1
            assert 0 <= row["mean_components"] <= config.dictionary.components
        counts = [block["faithfulness"][t]["mean_components"] for t in sorted(levels)]
        assert counts == sorted(counts, reverse=True), "a higher τ never selects more"
        assert set(block["random"]) == set(block["random_energy"]) == {"0.3"}
        assert block["about"]["test_folds"] == [1]
        assert (chain / "metrics" / f"clips-{name}.csv").is_file()
        assert (chain / "metrics" / f"levels-{name}.csv").is_file()
    accuracies = {block["accuracy"] for block in summary.values()}
    assert len(accuracies) == 1, "all explain the same f"


@patient
def test_chain_logs_a_line_per_epoch(chain: Path) -> None:
    log = (chain / "train.log").read_text()
    config = load_config(TINY)
    for epoch in range(1, config.classifier.epochs + 1):
        assert f"classifier epoch {epoch}/{config.classifier.epochs} loss" in log
    for name, settings in config.interpreters.items():
        for epoch in range(1, settings.epochs + 1):
            assert f"{name} epoch {epoch}/{settings.epochs} " in log
    assert "dictionary iteration" in log


@patient
def test_chain_keeps_the_order_of_eq_5(chain: Path) -> None:
    """The dictionary of the bundle is the one that was learned, as fp16 rounded it."""
    learned = learn_dictionary.learn(load_config(TINY), chain, only_finished=True)
    torch.testing.assert_close(
        load_bundle(chain).dictionary.patterns, learned, atol=1e-3, rtol=1e-3
    )


@patient
def test_chains_bundle_explains_through_the_command_line(chain: Path, tmp_path: Path) -> None:
    clip = tmp_path / "dog.wav"
    soundfile.write(clip, synth.clip("dog", 77, 44100), 44100)
    done = _python("l2i_core", "interpret", str(clip), "--bundle", str(chain), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["bundle"], report["interpreter"]) == ("tiny", "att-loop")
    assert (report["sample_rate"], report["length"]) == (8000, 40000)
    assert len(report["relevance"]) == 12
    engine = L2I.from_bundle(chain)
    analysis = engine.analyse(*audio.read(clip))
    assert report["logits"] == pytest.approx(analysis.logits.tolist(), abs=1e-4)


@patient
def test_chain_again_changes_nothing(chain: Path) -> None:
    before = {p: p.read_bytes() for p in chain.rglob("*") if p.is_file() and p.name != "train.log"}
    argv = ["--config", str(TINY), "--out", str(chain)]
    for command in ("train_classifier", "learn_dictionary", "evaluate"):
        _main(command, argv)
    after = {p: p.read_bytes() for p in chain.rglob("*") if p.is_file() and p.name != "train.log"}
    assert after == before


@patient
def test_tables_come_from_the_bundles_metrics(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert results.main(["--bundle", str(chain)]) == 0
    text = capsys.readouterr().out
    summary = load_bundle(chain).summary()
    assert summary is not None
    for name, block in summary.items():
        assert f"**{name}**" in text
        assert f"{block['fidelity']['top1']:.3f}" in text
    assert f"{summary['att']['accuracy']:.4f}" in text


# What makes README's recipe take seconds: all that it trains, but briefly and on short clips.
BRIEFLY = (
    "data.seconds=2",
    "audio.sample_rate=8000",
    "audio.n_fft=512",
    "audio.win_length=512",
    "audio.hop_length=112",
    "classifier.epochs=1",
    "classifier.mixup_free_epochs=0",
    "dictionary.components=6",
    "dictionary.iterations=5",
    *(
        f"interpreters.{name}.{key}=1"
        for name in ("att", "max", "att-loop")
        for key in ("epochs", "views")
    ),
    *(f"interpreters.{name}.partial_views=1" for name in ("att", "max")),
    "baselines.flint.epochs=1",
    "baselines.vibi.epochs=1",
    "evaluation.thresholds=[0.1]",
    "evaluation.random_thresholds=[0.1]",
    "evaluation.random_draws=1",
)


def test_readmes_recipe_for_ones_own_data_makes_a_bundle(
    two_classes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / "README.md").read_text().split("## Your own data")[1].split("\n## ")[0]
    (shared,) = re.findall(r'^S="(.*)"$', text, re.MULTILINE)
    commands = re.findall(r"python -m pipelines\.(\w+) \$S", text)
    assert sorted(commands) == sorted(COMMANDS)
    assert "train_baselines $S` before `evaluate`" in text
    commands.sort(key=COMMANDS.index)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    options = shlex.split(shared.replace("FOLDER", str(two_classes)))
    for change in BRIEFLY:
        options += ["--set", change]
    for command in commands:
        _main(command, options)
    (explain,) = re.findall(r"`python -m l2i_core (interpret [^`]*)`", text)
    capsys.readouterr()
    clip = str(two_classes / "dog" / "0.flac")
    assert __main__.main([*shlex.split(explain.replace("CLIP", clip)), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["bundle"], report["interpreter"]) == ("mine", "att-loop")
    assert report["classes"] == ["dog", "rain"]
    bundle = load_bundle(tmp_path / "runs" / "mine")
    assert set(bundle.baseline_info) == {"flint", "vibi"}
    summary = bundle.summary()
    assert summary is not None
    assert [block["n"] for block in summary.values()] == [2, 2, 2], "fold 1 of each class"


def test_process_fails_with_one_line_and_code_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\ncolour: red\n")
    done = _python(
        "pipelines.train_classifier", "--config", str(path), "--out", str(tmp_path / "o")
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown config key 'colour'")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "o").exists()
