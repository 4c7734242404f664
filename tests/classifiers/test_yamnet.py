"""YAMNet against the published TFLite file's own answers, and as a classifier with weights of any
kind."""

from pathlib import Path

import numpy as np
import pytest
import torch

from l2i_core import L2I
from l2i_core.bundle import load_bundle, save_bundle
from l2i_core.classifiers import yamnet
from l2i_core.classifiers.protocol import SoundClassifier, network_of, registered
from l2i_core.classifiers.yamnet import Yamnet, YamnetNetwork

RATE = 16000
REFERENCES = ("clicks", "chirp", "sine440")


def _random(pooling: str = "mean-max", blocks: tuple[int, ...] = (3, 5, 11, 13)) -> Yamnet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = YamnetNetwork(3, pooling, blocks)
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                torch.nn.init.zeros_(layer.bias)
    return Yamnet(network.eval(), ("a", "b", "c"), multi_label=False)


def _reference(folder: Path, name: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Waveform (1, n), log-mel (1, 64, T) and scores (521,)."""
    with np.load(folder / f"reference-{name}.npz") as given:
        waveform, log_mel, scores = (
            torch.from_numpy(given[key]) for key in ("waveform", "log_mel", "scores")
        )
    return waveform[None], log_mel.T[None], scores


@pytest.mark.parametrize("name", REFERENCES)
def test_scores_are_the_published_files(yamnet_folder: Path, name: str) -> None:
    _, log_mel, scores = _reference(yamnet_folder, name)
    network = network_of(registered("yamnet"))
    assert network is not None
    ours = torch.sigmoid(network(log_mel)[0])[0]
    assert float((ours - scores).abs().max()) < 0.04


def test_scores_of_a_waveform_are_the_published_files(yamnet_folder: Path) -> None:
    waveform, log_mel, scores = _reference(yamnet_folder, "clicks")
    f = registered("yamnet")
    assert yamnet.log_mel(waveform).shape == log_mel.shape
    assert float((torch.sigmoid(f.hear(waveform).logits)[0] - scores).abs().max()) < 0.06


def test_the_published_one_has_the_class_maps_names(yamnet_folder: Path) -> None:
    f = registered("yamnet")
    assert (len(f.classes), f.classes[0], f.multi_label) == (521, "Speech", True)
    assert [layer.channels for layer in f.layers] == [128, 256, 512, 1024]


def test_without_its_weights_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("L2I_YAMNET", raising=False)
    with pytest.raises(ValueError, match=r"set the environment variable L2I_YAMNET to"):
        registered("yamnet")
    monkeypatch.setenv("L2I_YAMNET", str(tmp_path))
    with pytest.raises(ValueError, match=r"there is no .*yamnet-audioset-fp16\.safetensors"):
        registered("yamnet")


@pytest.mark.parametrize("length", [RATE, 15600, 15601, 5 * RATE])
@pytest.mark.parametrize("pooling", yamnet.POOLINGS)
def test_one_pass_gives_logits_and_maps(length: int, pooling: str) -> None:
    f = _random(pooling)
    assert isinstance(f, SoundClassifier)
    heard = f.hear(0.1 * torch.randn(2, length, generator=torch.Generator().manual_seed(0)))
    assert heard.logits.shape == (2, 3)
    for layer, given in zip(f.layers, heard.maps, strict=True):
        assert given.shape[:2] == (2, layer.channels)
        assert given.shape[2] * layer.step_seconds == pytest.approx(
            length / RATE, abs=layer.step_seconds
        )


@torch.no_grad()
def test_layers_hear_a_click_when_it_sounds() -> None:
    blocks = tuple(range(1, 14))
    f = _random("mean", blocks)
    for seconds in (1.0, 2.37, 4.1):
        sound = torch.zeros(1, 5 * RATE)
        quiet = f.hear(sound).maps
        sound[0, round(seconds * RATE)] = 1.0
        for layer, with_click, without in zip(f.layers, f.hear(sound).maps, quiet, strict=True):
            change = (with_click - without).abs().sum(dim=(0, 1, 3))
            steps = torch.arange(len(change)) + 0.5
            centre = float((change * steps).sum() / change.sum()) * layer.step_seconds
            assert centre == pytest.approx(seconds, abs=1.5 * layer.step_seconds), layer.name


def test_the_front_end_hears_all_of_a_sound() -> None:
    for length in (15600, 15601, 16000):
        sound = torch.zeros(1, length)
        quiet = yamnet.log_mel(sound)
        assert quiet.shape[2] == yamnet.n_frames(length)
        for at in (40, length - 41):
            sound[0, at] = 1.0
            changed = (yamnet.log_mel(sound) - quiet).abs().amax(dim=1)[0] > 0.1
            sound[0, at] = 0.0
            assert bool(changed[0 if at == 40 else -1]), (length, at)


def test_gradients_reach_the_waveform() -> None:
    sound = 0.1 * torch.randn(1, 2 * RATE, generator=torch.Generator().manual_seed(0))
    sound.requires_grad_()
    f = _random()
    f.hear(sound).logits[0, 1].backward()
    assert sound.grad is not None
    assert bool(sound.grad.isfinite().all())
    heard = sound.grad.abs().view(-1, 400).amax(dim=1)
    assert bool((heard > 0).all()), "every 25 ms"


def test_a_silent_sound_has_finite_gradients() -> None:
    sound = torch.zeros(1, RATE, requires_grad=True)
    _random().hear(sound).logits.sum().backward()
    assert sound.grad is not None
    assert bool(sound.grad.isfinite().all())


def test_a_fine_tuned_one_goes_into_a_bundle_and_back(engine_16k: L2I, tmp_path: Path) -> None:
    f = _random(blocks=(11, 13))
    save_bundle(engine_16k.bundle.explaining(f, "tuned"), tmp_path / "tuned")
    back = load_bundle(tmp_path / "tuned").classifier
    assert (back.classes, back.multi_label, back.layers) == (f.classes, False, f.layers)
    sound = 0.1 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    ours, theirs = f.hear(sound), back.hear(sound)
    torch.testing.assert_close(theirs.logits, ours.logits, atol=0.02, rtol=0.01)  # fp16 weights


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown pooling 'max'; accepted: mean, mean-max"):
        YamnetNetwork(3, "max")
    with pytest.raises(
        ValueError, match=r"feature maps come from blocks 1 to 13, received \(14,\)"
    ):
        YamnetNetwork(3, map_blocks=(14,))
