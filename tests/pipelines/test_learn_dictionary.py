"""W's training: its matrix, resuming, damaged clips."""

import shutil
from pathlib import Path

import pytest
import torch
from killing import count, kill

from l2i_core.dictionary.nmf import average_frames
from l2i_core.signal import spectra
from pipelines import (
    features,
    learn_dictionary,
    train_classifier,
)
from pipelines.config import Config, load_config


def test_training_matrix_holds_averaged_frames(small_config: Config) -> None:
    _, clips = train_classifier.training_clips(small_config)
    matrix = learn_dictionary.training_matrix(small_config, clips)
    waveforms, _ = features.load_batch(clips, small_config.audio)
    first = average_frames(spectra.log_magnitude(waveforms[0], small_config.audio), 5)
    assert matrix.shape == (257, 8 * first.shape[1])
    torch.testing.assert_close(matrix[:, : first.shape[1]], first)


def test_training_clips_have_the_length_that_the_config_says(small_file: Path) -> None:
    config = load_config(small_file, ["data.seconds=2.0", "dictionary.average=1"])
    clips = train_classifier.training_clips(config)[1]
    matrix = learn_dictionary.training_matrix(config, clips)
    assert matrix.shape == (257, 8 * config.audio.n_frames(16000))


def test_corrupt_clip_is_left_out_when_asked(
    two_classes: Path, small_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(two_classes, tmp_path / "data"))
    (data / "rain" / "2.flac").write_text("text")
    argv = ["--config", str(small_file), "--out", str(tmp_path / "out")]
    argv += ["--set", f"data.root={data}", "--set", "data.skip_damaged=true"]
    assert learn_dictionary.main(argv) == 0
    assert "left out: 2.flac" in capfd.readouterr().err


def test_resumed_dictionary_equals_the_unbroken_one(
    small_config: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_dictionary, "_CHUNK", 6)
    kill(
        monkeypatch,
        learn_dictionary,
        "sparse_nmf",
        2,
        lambda: learn_dictionary.learn(small_config, tmp_path),
    )
    with pytest.raises(ValueError, match="no finished dictionary"):
        learn_dictionary.learn(small_config, tmp_path, only_finished=True)
    with monkeypatch.context() as patch:
        calls = count(patch, learn_dictionary, "sparse_nmf")
        patterns = learn_dictionary.learn(small_config, tmp_path)
    assert calls == [2], "12 of 20 iterations were there"
    unbroken = learn_dictionary.learn(small_config, small_run, only_finished=True)
    torch.testing.assert_close(patterns, unbroken, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(patterns.norm(dim=0), torch.ones(5))
