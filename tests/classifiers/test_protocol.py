"""What may be a classifier, what is said of one that may not, and f as it is asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from l2i_core import L2I, AudioConfig
from l2i_core.bundle import load_bundle, save_bundle
from l2i_core.classifiers.hearing import Hearing
from l2i_core.classifiers.protocol import CLASSIFIERS, Plain, checked, described, restored
from l2i_core.registry import Registry

RATE = 16000


class Loudness:
    """The least that a stranger writes."""

    sample_rate, classes = RATE, ("quiet", "loud")

    def logits(self, waveforms: Tensor) -> Any:
        level = waveforms.square().mean(dim=1).add(1e-6).log()
        return torch.stack([-level, level], dim=1)


def _without(name: str) -> Any:
    kept = {k: v for k, v in vars(Loudness).items() if k != name and not k.startswith("__")}
    return type("Partial", (), kept)()


def _answering(answer: Any) -> Any:
    return type("Odd", (Loudness,), {"logits": lambda self, waveforms: answer})()


def test_the_least_is_a_black_box() -> None:
    f = checked(Loudness())
    assert isinstance(f, Plain)
    assert (f.classes, f.layers, f.differentiable, f.multi_label) == (
        ("quiet", "loud"), (), False, False,
    )  # fmt: skip
    heard = f.hear(torch.ones(3, RATE))
    assert heard.logits.shape == (3, 2)
    assert heard.maps == ()


def test_a_black_box_never_gets_a_gradient() -> None:
    sound = torch.ones(1, RATE, requires_grad=True)
    assert not checked(Loudness()).hear(sound).logits.requires_grad
    told = type("Told", (Loudness,), {"differentiable": True})()
    assert checked(told).hear(sound).logits.requires_grad


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (_without("sample_rate"), "lacks the attribute sample_rate"),
        (_without("classes"), "lacks the attribute classes"),
        (_without("logits"), r"lacks the method logits: waveforms \(B, n\) → \(B, C\)"),
        (_answering(torch.zeros(1, 2, 1)), r"gave the shape \(1, 2, 1\) for 1 sounds, wanted \(1, 2\)"),
        (_answering(np.zeros((1, 3))), r"gave the shape \(1, 3\) for 1 sounds, wanted \(1, 2\)"),
        (_answering(torch.full((1, 2), float("nan"))), "NaN"),
    ],
)  # fmt: skip
def test_what_is_missing_or_misshapen_is_named(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked(given)


def test_only_registered_classes_go_into_bundles() -> None:
    with pytest.raises(ValueError, match="Loudness"):
        described(checked(Loudness()))
    with pytest.raises(ValueError, match="unknown classifier 'no_such'; known: huggingface, kumar"):
        restored({"kind": "no_such"}, AudioConfig(), ("a",), False)


def test_kumars_shortcut_is_equal_on_whole_clips(engine: L2I, dog: np.ndarray) -> None:
    f, sound = engine.classifier, torch.from_numpy(dog)[None]
    from_sound = f.hear(sound)
    x = engine.analyse(dog, 44100, gain=1.0).spectrogram.log_magnitude
    (shortcut,) = engine.hearing.hear(sound[0], x)
    torch.testing.assert_close(shortcut.logits, from_sound.logits, atol=1e-5, rtol=1e-5)
    for ours, theirs in zip(shortcut.maps, from_sound.maps, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_layers_tell_the_seconds_of_their_maps(engine: L2I, dog: np.ndarray) -> None:
    f = engine.classifier
    heard = f.hear(torch.from_numpy(dog)[None])
    assert len(f.layers) == len(heard.maps)
    for layer, given in zip(f.layers, heard.maps, strict=True):
        assert given.shape[1] == layer.channels
        assert given.shape[2] * layer.step_seconds == pytest.approx(5.0, abs=layer.step_seconds)


class Pitch:
    """Which tone of 1 s is stronger?"""

    sample_rate, classes = RATE, ("440 Hz", "1000 Hz")
    differentiable, min_seconds = True, 1.0

    def logits(self, waveforms: Tensor) -> Tensor:
        assert waveforms.shape[1] == RATE
        power = torch.fft.rfft(waveforms).abs().square()
        return power[:, [440, 1000]] / RATE


def test_f_hears_at_its_own_rate_whatever_the_dictionarys_is() -> None:
    seconds = torch.arange(44100) / 44100
    tones = torch.stack([torch.sin(2 * np.pi * hz * seconds) for hz in (440, 1000)])
    sounds = tones.requires_grad_()
    logits = Hearing(checked(Pitch()), AudioConfig()).logits(sounds)
    at_once = Hearing(checked(Pitch()), AudioConfig(RATE)).logits(
        torch.stack([torch.sin(2 * np.pi * hz * torch.arange(RATE) / RATE) for hz in (440, 1000)])
    )
    torch.testing.assert_close(logits, at_once, rtol=0.02, atol=1.0)
    logits[0, 0].backward()
    assert sounds.grad is not None
    assert float(sounds.grad[0].abs().max()) > 0


@pytest.mark.parametrize("config", [AudioConfig(), AudioConfig(16000, 512, 400, 160)])
@pytest.mark.parametrize("seconds", [0.1, 1.4, 29.9, 31.0, 77.7])
def test_windows_have_as_many_frames_as_their_samples(config: AudioConfig, seconds: float) -> None:
    f = type("Any", (Loudness,), {"sample_rate": config.sample_rate})()
    hearing = Hearing(checked(f), config)
    clip = torch.zeros(1, round(seconds * config.sample_rate))
    windows = hearing.windows(clip.shape[1])
    assert windows[0][0] == 0
    assert windows[-1][1] == config.n_frames(clip.shape[1])
    assert (len(windows) > 1) == (seconds > 30)
    for start, end in windows:
        part = hearing.window(hearing.padded(clip), start, end)
        assert config.n_frames(part.shape[-1]) == end - start


def test_another_classifier_takes_a_bundles_dictionary(
    engine_16k: L2I, dog: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CLASSIFIERS._own, "loudness", Loudness)
    monkeypatch.setattr(Loudness, "differentiable", True, raising=False)
    save_bundle(engine_16k.bundle.explaining(checked(Loudness()), "loud"), tmp_path / "loud")
    bundle = load_bundle(tmp_path / "loud")
    assert (bundle.classes, bundle.default_interpreter) == (("quiet", "loud"), "gradient")
    ours = L2I(bundle)
    analysis = ours.analyse(dog, 44100)
    assert analysis.interpreter_logits is None
    made = ours.interpret(analysis, "loud", 0.1)
    assert made.selected
    assert ours.judge(analysis, made).logits_without[1] < analysis.logits[1]


def test_registries_name_what_they_have() -> None:
    assert "kumar" in CLASSIFIERS
    registry: Registry[type] = Registry("l2i_core.classifiers", "thing")
    with pytest.raises(ValueError, match="unknown thing 'x'"):
        registry["x"]
