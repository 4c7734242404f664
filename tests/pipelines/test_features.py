"""What training reads: lengths, levels, damaged clips."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from l2i_core.data.clips import Clip
from l2i_core.data.sets import open_data_set
from l2i_core.data.synthesised import synthesised
from l2i_core.signal import spectra
from pipelines import (
    features,
)
from pipelines.config import Config
from pipelines.networks import recipe_of


def test_batch_has_one_length_and_peak_one(tmp_path: Path, small_config: Config) -> None:
    paths = []
    for name, seconds, level in (("short", 1.0, 0.01), ("long", 7.0, 0.5), ("silent", 2.0, 0.0)):
        path = tmp_path / f"{name}.wav"
        tone = level * np.sin(np.arange(round(seconds * 8000)))
        soundfile.write(path, tone, 8000, subtype="FLOAT")
        paths.append(Clip(name, "dog", 1, name, path))
    waveforms, kept = features.load_batch(paths, small_config.audio)
    assert kept == paths
    assert waveforms.shape == (3, 40000)
    torch.testing.assert_close(waveforms.abs().amax(1), torch.tensor([1.0, 1.0, 0.0]))
    assert not waveforms[0, 8000:].any()


def test_damaged_clip_stops_or_is_left_out(
    two_classes: Path, tmp_path: Path, small_config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "4-17-A.wav"
    bad.write_text("text")
    clips = [*open_data_set("folder", two_classes).clips, Clip("4-17-A", "dog", 1, "17", bad)]
    with pytest.raises(ValueError, match=r"4-17-A\.wav"):
        features.load_batch(clips, small_config.audio)
    _, kept = features.load_batch(clips, small_config.audio, skip_damaged=True)
    assert kept == clips[:-1]
    assert "left out: 4-17-A.wav" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no clip could be read"):
        features.load_batch(clips[-1:], small_config.audio, skip_damaged=True)


def test_features_are_the_engines(small_config: Config) -> None:
    clips = list(synthesised([3]).clips[:2])
    waveforms, _ = features.load_batch(clips, small_config.audio)
    x = features.log_magnitudes(waveforms, small_config.audio)
    mel = features.log_mels(waveforms, recipe_of(small_config).log_mel)
    for n in range(2):
        torch.testing.assert_close(x[n], spectra.log_magnitude(waveforms[n], small_config.audio))
        magnitude = spectra.stft(waveforms[n], small_config.audio).abs()
        torch.testing.assert_close(mel[n], spectra.log_mel(magnitude, small_config.audio))
    assert features.targets(clips, ("rain", "dog")).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match="no training clip holds cat"):
        features.targets(clips, ("rain", "cat", "dog"))
