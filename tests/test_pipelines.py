"""Checkpoints, features, resuming and the commands: the pipelines on a small experiment."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import yaml
from killing import count, kill, same
from safetensors.torch import load_file
from torch import Tensor, nn

from l2i_core import audio, synth
from l2i_core.bundle import SHIPPED
from l2i_core.classifier import Classifier, kumar_layout
from l2i_core.data import Clip, open_data_set, synthesised
from l2i_core.nmf import average_frames
from pipelines import (
    evaluate,
    features,
    import_kumar,
    learn_dictionary,
    results,
    train_classifier,
    train_interpreter,
)
from pipelines.config import Config, load_config
from pipelines.optimizers import Optimizers
from pipelines.runs import autocast, main_guard

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "configs" / "tiny.yaml"
COMMANDS = ("train_classifier", "learn_dictionary", "train_interpreter", "evaluate")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per class: two classes of five short clips, so four folds train and one tests."""
    root = tmp_path_factory.mktemp("sounds")
    for label in ("dog", "rain"):
        (root / label).mkdir()
        for seed in range(5):
            samples = synth.clip(label, seed, 8000, 1.5)
            soundfile.write(root / label / f"{seed}.flac", samples, 8000)
    return root


@pytest.fixture(scope="module")
def small(sounds: Path) -> Config:
    """The tiny experiment, made smaller still: ten short clips of two classes."""
    return load_config(
        TINY,
        [
            "name=small",
            "data.kind=folder",
            f"data.root={sounds}",
            "data.train_folds=[1, 2, 3, 4]",
            "data.test_folds=[5]",
            "classifier.epochs=3",
            "classifier.batch_size=3",
            "classifier.mixup_free_epochs=1",
            "dictionary.components=5",
            "dictionary.iterations=20",
            "interpreters.att.epochs=3",
            "interpreters.att.batch_size=3",
            "interpreters.att.views=2",
            "interpreters.att.partial_views=1",
            "interpreters.att.dropout=0.2",
            "interpreters.att.muon_learning_rate=0.001",
            "interpreters.att-loop.epochs=3",
            "interpreters.att-loop.batch_size=3",
            "interpreters.max.epochs=1",
        ],
    )


@pytest.fixture(scope="module")
def small_file(small: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "small.yaml"
    path.write_text(yaml.safe_dump(small.to_dict()))
    return path


@pytest.fixture(scope="module")
def small_run(small: Config, small_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small experiment, trained without a break; not evaluated."""
    out = tmp_path_factory.mktemp("runs") / "small"
    train_classifier.train(small, out)
    learn_dictionary.learn(small, out)
    assert train_interpreter.main(["--config", str(small_file), "--out", str(out)]) == 0
    return out


def _parts(out: Path) -> list[Path]:
    return list(out.rglob("*.part"))


# Recipes


def test_recipe_leaves_out_what_training_does_not_see(small: Config) -> None:
    sections = small.recipe("seed", "data")
    assert set(sections) == {"seed", "data"}
    assert {"root", "test_folds"}.isdisjoint(sections["data"])


# Features and augmentation


def test_batch_has_one_length_and_peak_one(tmp_path: Path, small: Config) -> None:
    paths = []
    for name, seconds, level in (("short", 1.0, 0.01), ("long", 7.0, 0.5), ("silent", 2.0, 0.0)):
        path = tmp_path / f"{name}.wav"
        tone = level * np.sin(np.arange(round(seconds * 8000)))
        soundfile.write(path, tone, 8000, subtype="FLOAT")
        paths.append(Clip(name, "dog", 1, name, path))
    waveforms, kept = features.load_batch(paths, small.audio)
    assert kept == paths
    assert waveforms.shape == (3, 40000)
    torch.testing.assert_close(waveforms.abs().amax(1), torch.tensor([1.0, 1.0, 0.0]))
    assert not waveforms[0, 8000:].any()


def test_damaged_clip_stops_or_is_left_out(
    sounds: Path, tmp_path: Path, small: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "4-17-A.wav"
    bad.write_text("text")
    clips = [*open_data_set("folder", sounds).clips, Clip("4-17-A", "dog", 1, "17", bad)]
    with pytest.raises(ValueError, match=r"4-17-A\.wav"):
        features.load_batch(clips, small.audio)
    _, kept = features.load_batch(clips, small.audio, skip_damaged=True)
    assert kept == clips[:-1]
    assert "left out: 4-17-A.wav" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no clip could be read"):
        features.load_batch(clips[-1:], small.audio, skip_damaged=True)


def test_features_are_the_engines(small: Config) -> None:
    clips = list(synthesised([3]).clips[:2])
    waveforms, _ = features.load_batch(clips, small.audio)
    x = features.log_magnitudes(waveforms, small.audio)
    mel = features.log_mels(waveforms, small.audio)
    for n in range(2):
        torch.testing.assert_close(x[n], audio.log_magnitude(waveforms[n], small.audio))
        magnitude = audio.stft(waveforms[n], small.audio).abs()
        torch.testing.assert_close(mel[n], audio.log_mel(magnitude, small.audio))
    assert features.targets(clips, ("rain", "dog")).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match="no training clip holds cat"):
        features.targets(clips, ("rain", "cat", "dog"))


def test_training_clips_have_the_length_that_the_config_says(small_file: Path) -> None:
    config = load_config(small_file, ["data.seconds=2.0", "dictionary.average=1"])
    clips = train_classifier.training_clips(config)[1]
    matrix = learn_dictionary.training_matrix(config, clips)
    assert matrix.shape == (257, 8 * config.audio.n_frames(16000))


@pytest.mark.parametrize("name", ["data.seconds", "classifier.crop_seconds"])
def test_clips_too_short_for_f_are_refused(small_file: Path, tmp_path: Path, name: str) -> None:
    config = load_config(small_file, [f"{name}=0.1"])
    with pytest.raises(ValueError, match=rf"{name} is 0\.1, but f needs at least \d\.\d\d s"):
        train_classifier.train(config, tmp_path)


def test_training_matrix_holds_averaged_frames(small: Config) -> None:
    _, clips = train_classifier.training_clips(small)
    matrix = learn_dictionary.training_matrix(small, clips)
    waveforms, _ = features.load_batch(clips, small.audio)
    first = average_frames(audio.log_magnitude(waveforms[0], small.audio), 5)
    assert matrix.shape == (257, 8 * first.shape[1])
    torch.testing.assert_close(matrix[:, : first.shape[1]], first)


def test_training_never_sees_the_test_folds(small: Config) -> None:
    data, clips = train_classifier.training_clips(small)
    assert {c.name for c in clips}.isdisjoint(c.name for c in data.in_folds([5]))
    assert len(clips) == 8


def test_synthesised_clips_join_only_known_classes(small: Config, small_file: Path) -> None:
    config = load_config(small_file, ["data.synth_seeds=3"])
    _, clips = train_classifier.training_clips(config)
    added = [c for c in clips if c.path is None]
    assert sorted((c.label, c.seed) for c in added) == [
        (label, seed) for label in ("dog", "rain") for seed in (100, 101, 102)
    ]


def test_augmentation_keeps_shape_and_follows_its_generator(small: Config) -> None:
    x = torch.randn(3, 128, 157, generator=torch.Generator().manual_seed(0))

    def once(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return train_classifier.augment(x, small.classifier, torch.Generator().manual_seed(seed))

    assert once(1).shape == x.shape
    assert torch.equal(once(1), once(1))
    assert not torch.equal(once(1), once(2))
    assert bool(torch.isfinite(once(1)).all())


def test_mixup_is_one_convex_mixture_of_sounds_and_targets() -> None:
    targets = torch.eye(4)
    x = targets[:, None, :, None] * torch.ones(4, 1, 4, 5)  # each sound shows its class
    x = x.squeeze(1)
    mixed, labels = train_classifier.mixup(x, targets, 0.3, torch.Generator().manual_seed(3))
    torch.testing.assert_close(labels.sum(1), torch.ones(4))
    assert float(labels.min()) >= 0
    torch.testing.assert_close(mixed[:, :, 0], labels)


# Killed and resumed


def test_resumed_classifier_equals_the_unbroken_one(
    small: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 3  # 8 clips in batches of 3
    kill(
        monkeypatch,
        train_classifier,
        "one_cycle",
        steps + 1,
        lambda: train_classifier.train(small, tmp_path),
    )
    with monkeypatch.context() as patch:
        calls = count(patch, train_classifier, "one_cycle")
        model = train_classifier.train(small, tmp_path)
    assert calls == [2 * steps], "the first epoch must not be trained again"
    unbroken = train_classifier.trained(small, small_run)
    same(model.state_dict(), unbroken.state_dict())
    with monkeypatch.context() as patch:
        calls = count(patch, train_classifier, "one_cycle")
        train_classifier.train(small, tmp_path)
    assert calls == [0], "a finished run has nothing left to do"


def test_resumed_dictionary_equals_the_unbroken_one(
    small: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_dictionary, "_CHUNK", 6)
    kill(
        monkeypatch,
        learn_dictionary,
        "sparse_nmf",
        2,
        lambda: learn_dictionary.learn(small, tmp_path),
    )
    with pytest.raises(ValueError, match="no finished dictionary"):
        learn_dictionary.learn(small, tmp_path, only_finished=True)
    with monkeypatch.context() as patch:
        calls = count(patch, learn_dictionary, "sparse_nmf")
        patterns = learn_dictionary.learn(small, tmp_path)
    assert calls == [2], "12 of 20 iterations were there"
    unbroken = learn_dictionary.learn(small, small_run, only_finished=True)
    torch.testing.assert_close(patterns, unbroken, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(patterns.norm(dim=0), torch.ones(5))


@pytest.mark.parametrize(("name", "steps"), [("att", 8), ("att-loop", 3)])
def test_resumed_interpreter_equals_the_unbroken_one(
    small: Config,
    small_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    steps: int,
) -> None:
    out = Path(shutil.copytree(small_run, tmp_path / "run"))
    (out / "checkpoints" / f"interpreter-{name}.safetensors").unlink()
    kill(
        monkeypatch,
        Optimizers,
        "step",
        steps + 1,
        lambda: train_interpreter.train(small, name, out),
    )
    with pytest.raises(ValueError, match="1 of 3 epochs"):
        train_interpreter.trained_interpreter(small, name, out)
    with monkeypatch.context() as patch:
        calls = count(patch, Optimizers, "step")
        model = train_interpreter.train(small, name, out)
    assert calls == [2 * steps], "the first epoch must not be trained again"
    unbroken = train_interpreter.trained_interpreter(small, name, small_run)
    same(model.state_dict(), unbroken.state_dict())


def test_loop_starts_from_the_interpreter_that_it_names(
    small: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(small_run, tmp_path / "run"))
    (out / "checkpoints" / "interpreter-att-loop.safetensors").unlink()
    start: list[dict[str, Tensor]] = []
    real = train_interpreter.loss_terms

    def first(*arguments: Any, **options: Any) -> Any:
        if not start:
            model = next(a for a in arguments if isinstance(a, nn.Module))
            start.append({k: v.clone() for k, v in model.state_dict().items()})
        return real(*arguments, **options)

    monkeypatch.setattr(train_interpreter, "loss_terms", first)
    train_interpreter.train(small, "att-loop", out)
    att = train_interpreter.trained_interpreter(small, "att", out)
    same(start[0], att.state_dict())
    loop = train_interpreter.trained_interpreter(small, "att-loop", out).state_dict()
    assert any(not torch.equal(v, start[0][k]) for k, v in loop.items())


def test_resumed_evaluation_does_not_repeat_an_interpreter(
    small: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(small_run, tmp_path / "run"))
    kill(monkeypatch, evaluate, "evaluate", 2, lambda: evaluate.run(small, out))
    assert not (out / "metrics" / "summary.json").exists()
    with monkeypatch.context() as patch:
        calls = count(patch, evaluate, "evaluate")
        evaluate.run(small, out)
    assert calls == [1]
    whole = Path(shutil.copytree(small_run, tmp_path / "whole"))
    evaluate.run(small, whole)
    for path in (whole / "metrics").iterdir():
        assert (out / "metrics" / path.name).read_text() == path.read_text()
    with monkeypatch.context() as patch:
        weights = out / "interpreter-att.safetensors"
        weights.write_bytes((out / "interpreter-att-loop.safetensors").read_bytes())
        calls = count(patch, evaluate, "evaluate")
        evaluate.run(small, out)
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


# Commands and bad input


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[], int]], str]:
    """Run a command that must fail; returns its one line."""

    def run(command: Callable[[], int]) -> str:
        capsys.readouterr()
        assert main_guard(command) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        return error

    return run


Refused = Callable[[Callable[[], int]], str]


@pytest.mark.parametrize("module", [train_classifier, learn_dictionary])
def test_one_corrupt_clip_stops_training_by_its_name(
    refused: Refused, sounds: Path, small_file: Path, tmp_path: Path, module: ModuleType
) -> None:
    data = Path(shutil.copytree(sounds, tmp_path / "data"))
    whole = (data / "rain" / "2.flac").read_bytes()
    (data / "rain" / "2.flac").write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out"
    argv = ["--config", str(small_file), "--out", str(out), "--set", f"data.root={data}"]
    assert "2.flac" in refused(lambda: module.main(argv))
    assert {p.name for p in out.rglob("*")} <= {"train.log"}


def test_corrupt_clip_is_left_out_when_asked(
    sounds: Path, small_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(sounds, tmp_path / "data"))
    (data / "rain" / "2.flac").write_text("text")
    argv = ["--config", str(small_file), "--out", str(tmp_path / "out")]
    argv += ["--set", f"data.root={data}", "--set", "data.skip_damaged=true"]
    assert learn_dictionary.main(argv) == 0
    assert "left out: 2.flac" in capfd.readouterr().err


def test_evaluation_stops_at_a_corrupt_clip_or_leaves_it_out(
    sounds: Path,
    small_file: Path,
    small_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = Path(shutil.copytree(small_run, tmp_path / "run"))
    data = Path(shutil.copytree(sounds, tmp_path / "data"))
    (data / "rain" / "4.flac").write_text("text")  # in fold 5, the test fold
    argv = ["--config", str(small_file), "--out", str(out), "--set", f"data.root={data}"]
    assert main_guard(lambda: evaluate.main(argv)) == 2
    last = capsys.readouterr().err.splitlines()[-1]  # below the progress bar
    assert last.startswith("error: 4.flac")
    assert not (out / "metrics").exists()
    config = load_config(small_file, [f"data.root={data}", "data.skip_damaged=true"])
    done = evaluate.run(config, out)
    assert {e.summary["n"] for e in done.values()} == {1}


@pytest.mark.parametrize("command", COMMANDS)
def test_bad_experiments_are_one_sentence(
    refused: Refused, small_file: Path, tmp_path: Path, command: str
) -> None:
    module = {
        "train_classifier": train_classifier,
        "learn_dictionary": learn_dictionary,
        "train_interpreter": train_interpreter,
        "evaluate": evaluate,
    }[command]
    out = tmp_path / "out"
    argv = ["--config", str(small_file), "--out", str(out), "--set"]
    assert "'classifier.epoch'" in refused(lambda: module.main([*argv, "classifier.epoch=3"]))
    assert "no such config file" in refused(lambda: module.main(["--config", "nowhere.yaml"]))
    assert not out.exists()
    for override, sentence in (
        ("data.root=/nowhere", "/nowhere"),
        ("data.kind=esc500", "'esc500'"),
        ("data.train_folds=[9]", "fold 9"),
    ):
        if command in ("train_classifier", "learn_dictionary"):  # the others look at OUT first
            assert sentence in refused(lambda o=override: module.main([*argv, o]))  # type: ignore[misc]
    assert not _parts(tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_commands_out_of_order_say_what_to_run(
    refused: Refused, small_file: Path, small_run: Path, tmp_path: Path
) -> None:
    def argv(out: Path) -> list[str]:
        return ["--config", str(small_file), "--out", str(out)]

    new = tmp_path / "new"
    assert "train_classifier first" in refused(lambda: train_interpreter.main(argv(new)))
    assert "train_interpreter first" in refused(lambda: evaluate.main(argv(new)))
    half = Path(shutil.copytree(small_run, tmp_path / "half"))
    (half / "checkpoints" / "dictionary.safetensors").unlink()
    (half / "checkpoints" / "interpreter-att.safetensors").unlink()
    assert "learn_dictionary first" in refused(lambda: train_interpreter.main(argv(half)))


def test_other_settings_do_not_mix_with_a_run(
    refused: Refused, small_file: Path, small_run: Path
) -> None:
    argv = ["--config", str(small_file), "--out", str(small_run), "--set"]
    before = {p: p.read_bytes() for p in small_run.rglob("*.safetensors")}
    for module, override in (
        (train_classifier, "seed=5"),
        (learn_dictionary, "dictionary.sparsity=0.7"),
        (train_interpreter, "interpreters.att.learning_rate=0.1"),
    ):
        assert "other settings" in refused(lambda m=module, o=override: m.main([*argv, o]))  # type: ignore[misc]
    assert {p: p.read_bytes() for p in small_run.rglob("*.safetensors")} == before


def test_other_clips_do_not_mix_with_a_run(
    refused: Refused, sounds: Path, small_file: Path, small_run: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(sounds, tmp_path / "data"))
    shutil.copy(data / "rain" / "1.flac", data / "rain" / "9.flac")
    argv = ["--config", str(small_file), "--out", str(small_run), "--set", f"data.root={data}"]
    for module in (train_classifier, learn_dictionary, train_interpreter):
        assert "other settings or clips" in refused(lambda m=module: m.main(argv))  # type: ignore[misc]


def test_same_clips_elsewhere_continue_a_run(
    sounds: Path, small_file: Path, small_run: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(sounds, tmp_path / "elsewhere"))
    config = load_config(small_file, [f"data.root={data}"])
    train_classifier.trained(config, small_run)
    learn_dictionary.learn(config, small_run, only_finished=True)


def test_unknown_interpreter_is_refused(
    refused: Refused, small_file: Path, small_run: Path
) -> None:
    argv = ["--config", str(small_file), "--out", str(small_run), "--only", "nmf"]
    for module in (train_interpreter, evaluate):
        assert "'nmf'" in refused(lambda m=module: m.main(argv))  # type: ignore[misc]


def test_a_baseline_is_not_evaluated_as_an_interpreter(small: Config) -> None:
    with pytest.raises(ValueError, match="FLINT has no components to play"):
        evaluate.run(small, SHIPPED / "esc50", "flint")


def test_precision_decides_the_arithmetic() -> None:
    layer = nn.Linear(3, 3)
    for precision, expected in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        with autocast(precision):
            assert layer(torch.ones(3)).dtype == expected


def test_config_without_interpreters_is_refused(
    refused: Refused, small_file: Path, tmp_path: Path
) -> None:
    argv = ["--config", str(small_file), "--out", str(tmp_path / "out")]
    argv += ["--set", "interpreters={}", "--set", "default_interpreter=null"]
    assert "no interpreters" in refused(lambda: train_interpreter.main(argv))


def test_out_that_is_a_file_is_refused(refused: Refused, small_file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    argv = ["--config", str(small_file), "--out", str(tmp_path / "taken")]
    for module in (train_classifier, learn_dictionary, train_interpreter, evaluate):
        assert "taken" in refused(lambda m=module: m.main(argv))  # type: ignore[misc]
    assert (tmp_path / "taken").read_text() == "mine"


def test_incomplete_command_is_one_sentence(refused: Refused) -> None:
    for argv in ([], ["--config"], ["--config", "x.yaml", "--colour", "red"]):
        assert "--help" in refused(lambda a=argv: train_classifier.main(a))  # type: ignore[misc]


def test_guard_turns_outcomes_into_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise ValueError("no such thing.")

    def stops() -> int:
        raise KeyboardInterrupt

    assert main_guard(lambda: 0) == 0
    assert main_guard(fails) == 2
    assert capsys.readouterr().err == "error: no such thing.\n"
    assert main_guard(stops) == 130


# Kumar's checkpoint


def test_kumars_pickle_becomes_safetensors(
    tmp_path: Path, refused: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(3)
    state = kumar_layout(Classifier(1))
    pickled, out = tmp_path / "kumar.pkl", tmp_path / "new" / "kumar.safetensors"
    torch.save({f"module.{k}": v for k, v in state.items()}, pickled)
    assert import_kumar.main([str(pickled), "--out", str(out)]) == 0
    same(load_file(out), state)
    assert not _parts(tmp_path)
    (tmp_path / "text.pkl").write_text("text")
    torch.save({"layer1.0.weight": torch.zeros(3)}, tmp_path / "other.pkl")
    torch.save([1, 2], tmp_path / "list.pkl")
    for name in ("text", "other", "list", "absent"):
        path = tmp_path / f"{name}.pkl"
        refused(lambda p=path: import_kumar.main([str(p), "--out", str(tmp_path / "x")]))  # type: ignore[misc]
    assert not (tmp_path / "x").exists()
    assert not _parts(tmp_path)


def test_pickled_code_is_never_run(tmp_path: Path, refused: Refused) -> None:
    torch.save({"layer1.0.weight": _Bomb(tmp_path / "exploded")}, tmp_path / "bomb.pkl")
    refused(lambda: import_kumar.main([str(tmp_path / "bomb.pkl"), "--out", str(tmp_path / "x")]))
    assert not (tmp_path / "exploded").exists()


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_training_starts_from_pretrained_weights(small_file: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    torch.save(kumar_layout(Classifier(1)), tmp_path / "k.pkl")
    weights = tmp_path / "k.safetensors"
    import_kumar.main([str(tmp_path / "k.pkl"), "--out", str(weights)])
    still = ["classifier.epochs=1", "classifier.learning_rate=0"]
    config = load_config(small_file, [f"classifier.pretrained={weights}", *still])
    model = train_classifier.train(config, tmp_path / "out")
    kernels = {name for name in load_file(weights) if name.endswith("0.weight")}
    assert len(kernels) == 12
    ours, theirs = kumar_layout(model), load_file(weights)
    same({n: ours[n] for n in kernels}, {n: theirs[n] for n in kernels})
    heads = ["classifier.epochs=1", "classifier.head_only=true"]
    config = load_config(small_file, [f"classifier.pretrained={weights}", *heads])
    model = train_classifier.train(config, tmp_path / "heads")
    same(kumar_layout(model), load_file(weights))
    torch.manual_seed(config.seed)
    start = Classifier(model.linear.out_features).linear.weight
    assert not torch.equal(model.linear.weight, start)
    bad = load_config(small_file, [f"classifier.pretrained={tmp_path / 'k.pkl'}"])
    with pytest.raises(ValueError, match=r"k\.pkl"):
        train_classifier.train(bad, tmp_path / "bad")


def test_crops_hold_sound_and_go_round_the_end() -> None:
    generator = torch.Generator().manual_seed(0)
    log_mel = torch.full((64, 4, 50), -80.0)
    log_mel[:, :, 48:] = 0.0  # all that can be heard, at the very end
    crops = train_classifier.crop(log_mel, 10, generator)
    assert crops.shape == (64, 4, 10)
    heard = (crops == 0).any(dim=2).all(dim=1)
    assert float(heard.float().mean()) > 0.95
    assert bool((crops[:, 0, 0] == 0).any()), "some begin with it, and go on at the start"
    silent = train_classifier.crop(torch.full((3, 4, 50), -80.0), 10, generator)
    assert silent.shape == (3, 4, 10)


def test_partial_views_lack_some_of_the_sound(small: Config, sounds: Path) -> None:
    data = open_data_set("folder", sounds)
    waveforms, _ = features.load_batch(data.clips[:3], small.audio)
    x = features.log_magnitudes(waveforms, small.audio)
    patterns = nn.functional.normalize(torch.rand(x.shape[1], 6), dim=0)

    def made(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return train_interpreter.without_some(x, patterns, generator)

    first = made(0)
    assert first.shape == x.shape
    assert bool((first >= 0).all())
    assert bool((first <= x + 1e-5).all())
    assert float(first.sum()) < 0.95 * float(x.sum())
    torch.testing.assert_close(first, made(0))
    assert not torch.allclose(first, made(1))
    # One pattern alone is either all there or gone.
    alone = train_interpreter.without_some(x, patterns[:, :1], torch.Generator().manual_seed(3))
    for before, after in zip(x, alone, strict=True):
        ratio = float(after.sum() / before.sum())
        assert ratio == pytest.approx(1.0, abs=1e-5) or ratio == pytest.approx(0.0, abs=1e-5)


def test_cache_holds_what_f_says_of_every_view_in_order(
    small: Config, small_run: Path, sounds: Path
) -> None:
    f = train_classifier.trained(small, small_run)
    patterns = learn_dictionary.learn(small, small_run, only_finished=True)
    cache = train_interpreter.build_cache(small, f, patterns, views=2, partial_views=1)
    clips = open_data_set("folder", sounds).in_folds(small.data.train_folds)
    waveforms, _ = features.load_batch(clips, small.audio)
    x = features.log_magnitudes(waveforms, small.audio)
    logits, maps = f(audio.log_mel(audio.magnitude(x), small.audio))
    n = len(clips)
    assert {len(t) for t in cache.tensors} == {3 * n}
    for whole, plain in zip(cache.tensors, [x, *maps, logits], strict=True):
        torch.testing.assert_close(whole[:n].float(), plain.detach(), atol=1e-3, rtol=1e-3)
    # A circular shift keeps what a clip holds; a partial view lacks some of it.
    energy = cache.log_magnitude.float().square().sum(dim=(1, 2)).view(3, n)
    torch.testing.assert_close(energy[1], energy[0], atol=0.0, rtol=0.05)
    assert (energy[2] < energy[0]).all()


def test_pretraining_gives_all_but_the_last_layer(small: Config, tmp_path: Path) -> None:
    config = dataclasses.replace(
        small,
        data=dataclasses.replace(small.data, train_folds=(1,)),
        classifier=dataclasses.replace(
            small.classifier,
            epochs=1,
            learning_rate=0.0,
            weight_decay=0.0,
            batch_size=20,
            pretrain_on="synth",
            pretrain_epochs=1,
        ),
    )
    model = train_classifier.train(config, tmp_path)
    first = load_file(tmp_path / "pretraining" / "checkpoints" / "classifier.safetensors")
    assert first["classifier/linear.weight"].shape[0] == len(synth.LABELS)
    assert model.linear.out_features == 2
    learned = dict(model.named_parameters())
    for name, value in learned.items():
        if not name.startswith("linear."):
            torch.testing.assert_close(value.detach(), first[f"classifier/{name}"])
    assert float(model.offset) == float(first["classifier/offset"])
