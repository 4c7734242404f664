"""The commands on a small experiment: bad input, and runs that must not mix."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pipelines import (
    evaluate,
    learn_dictionary,
    train_classifier,
    train_interpreter,
)
from pipelines.config import load_config

Refused = Callable[[Callable[[], int]], str]
COMMANDS = ("train_classifier", "learn_dictionary", "train_interpreter", "evaluate")


def _parts(out: Path) -> list[Path]:
    return list(out.rglob("*.part"))


@pytest.mark.parametrize("module", [train_classifier, learn_dictionary])
def test_one_corrupt_clip_stops_training_by_its_name(
    refused_command: Refused,
    two_classes: Path,
    small_file: Path,
    tmp_path: Path,
    module: ModuleType,
) -> None:
    data = Path(shutil.copytree(two_classes, tmp_path / "data"))
    whole = (data / "rain" / "2.flac").read_bytes()
    (data / "rain" / "2.flac").write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out"
    argv = ["--config", str(small_file), "--out", str(out), "--set", f"data.root={data}"]
    assert "2.flac" in refused_command(lambda: module.main(argv))
    assert {p.name for p in out.rglob("*")} <= {"train.log"}


@pytest.mark.parametrize("command", COMMANDS)
def test_bad_experiments_are_one_sentence(
    refused_command: Refused, small_file: Path, tmp_path: Path, command: str
) -> None:
    module = {
        "train_classifier": train_classifier,
        "learn_dictionary": learn_dictionary,
        "train_interpreter": train_interpreter,
        "evaluate": evaluate,
    }[command]
    out = tmp_path / "out"
    argv = ["--config", str(small_file), "--out", str(out), "--set"]
    assert "'classifier.epoch'" in refused_command(
        lambda: module.main([*argv, "classifier.epoch=3"])
    )
    assert "no such config file" in refused_command(
        lambda: module.main(["--config", "nowhere.yaml"])
    )
    assert not out.exists()
    for override, sentence in (
        ("data.root=/nowhere", "/nowhere"),
        ("data.kind=esc500", "'esc500'"),
        ("data.train_folds=[9]", "fold 9"),
    ):
        if command in ("train_classifier", "learn_dictionary"):  # the others look at OUT first
            assert sentence in refused_command(lambda o=override: module.main([*argv, o]))  # type: ignore[misc]
    assert not _parts(tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_commands_out_of_order_say_what_to_run(
    refused_command: Refused, small_file: Path, small_run: Path, tmp_path: Path
) -> None:
    def argv(out: Path) -> list[str]:
        return ["--config", str(small_file), "--out", str(out)]

    new = tmp_path / "new"
    assert "train_classifier first" in refused_command(lambda: train_interpreter.main(argv(new)))
    assert "train_interpreter first" in refused_command(lambda: evaluate.main(argv(new)))
    half = Path(shutil.copytree(small_run, tmp_path / "half"))
    (half / "checkpoints" / "dictionary.safetensors").unlink()
    (half / "checkpoints" / "interpreter-att.safetensors").unlink()
    assert "learn_dictionary first" in refused_command(lambda: train_interpreter.main(argv(half)))


def test_other_settings_do_not_mix_with_a_run(
    refused_command: Refused, small_file: Path, small_run: Path
) -> None:
    argv = ["--config", str(small_file), "--out", str(small_run), "--set"]
    before = {p: p.read_bytes() for p in small_run.rglob("*.safetensors")}
    for module, override in (
        (train_classifier, "seed=5"),
        (learn_dictionary, "dictionary.sparsity=0.7"),
        (train_interpreter, "interpreters.att.learning_rate=0.1"),
    ):
        assert "other settings" in refused_command(lambda m=module, o=override: m.main([*argv, o]))  # type: ignore[misc]
    assert {p: p.read_bytes() for p in small_run.rglob("*.safetensors")} == before


def test_other_clips_do_not_mix_with_a_run(
    refused_command: Refused, two_classes: Path, small_file: Path, small_run: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(two_classes, tmp_path / "data"))
    shutil.copy(data / "rain" / "1.flac", data / "rain" / "9.flac")
    argv = ["--config", str(small_file), "--out", str(small_run), "--set", f"data.root={data}"]
    for module in (train_classifier, learn_dictionary, train_interpreter):
        assert "other settings or clips" in refused_command(lambda m=module: m.main(argv))  # type: ignore[misc]


def test_same_clips_elsewhere_continue_a_run(
    two_classes: Path, small_file: Path, small_run: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(two_classes, tmp_path / "elsewhere"))
    config = load_config(small_file, [f"data.root={data}"])
    train_classifier.trained(config, small_run)
    learn_dictionary.learn(config, small_run, only_finished=True)


def test_unknown_interpreter_is_refused_command(
    refused_command: Refused, small_file: Path, small_run: Path
) -> None:
    argv = ["--config", str(small_file), "--out", str(small_run), "--only", "nmf"]
    for module in (train_interpreter, evaluate):
        assert "'nmf'" in refused_command(lambda m=module: m.main(argv))  # type: ignore[misc]


def test_out_that_is_a_file_is_refused_command(
    refused_command: Refused, small_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("mine")
    argv = ["--config", str(small_file), "--out", str(tmp_path / "taken")]
    for module in (train_classifier, learn_dictionary, train_interpreter, evaluate):
        assert "taken" in refused_command(lambda m=module: m.main(argv))  # type: ignore[misc]
    assert (tmp_path / "taken").read_text() == "mine"


def test_incomplete_command_is_one_sentence(refused_command: Refused) -> None:
    for argv in ([], ["--config"], ["--config", "x.yaml", "--colour", "red"]):
        assert "--help" in refused_command(lambda a=argv: train_classifier.main(a))  # type: ignore[misc]
