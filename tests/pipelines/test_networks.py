"""What f may be made of: YAMNet is fine-tuned from its weights, and explained through its sounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from killing import kill, same
from safetensors.torch import save_file
from torch import Tensor, nn

from l2i_core import L2I
from l2i_core.classifiers import yamnet
from l2i_core.classifiers.yamnet import Yamnet, YamnetNetwork
from l2i_core.data.sets import open_data_set
from pipelines import answers, features, learn_dictionary, train_classifier, train_interpreter
from pipelines.config import Config, InterpreterConfig, load_config
from pipelines.networks import equalise, recipe_of
from pipelines.optimizers import Optimizers


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as L2I_YAMNET names one, with random weights and five classes."""
    folder = tmp_path_factory.mktemp("yamnet")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = YamnetNetwork(5)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    save_file(
        {k: v.half().contiguous() for k, v in network.state_dict().items()},
        folder / yamnet.WEIGHTS,
    )
    rows = "".join(f"{n},/m/{n},class {n}\n" for n in range(5))
    (folder / yamnet.CLASS_MAPS[0]).write_text("index,mid,display_name\n" + rows)
    return folder


def _config(small_file: Path, *more: str) -> Config:
    given = ["kind=yamnet", "epochs=2", "head_epochs=1", "head_learning_rate=0.01", "mixup=0"]
    return load_config(
        small_file,
        [
            "audio.sample_rate=16000",
            "data.seconds=1.5",
            "map_blocks=[11, 13]",
            "interpreters.att-loop.epochs=1",
            "interpreters.att.epochs=1",
            *(f"classifier.{one}" for one in given),
            *more,
        ],
    )


def _sounds(n: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return yamnet.log_mel(0.1 * torch.randn(n, 16000, generator=generator))


def _scaled(maps: Sequence[Tensor]) -> list[Tensor]:
    """Every channel (B, channels, time, bands) with maximum 1, silent ones as they are."""
    return [each / each.amax(dim=(0, 2, 3), keepdim=True).clamp_min(1e-6) for each in maps]


def test_a_start_of_another_width_is_refused(small_file: Path, bundle_folder: Path) -> None:
    given = [f"classifier.start_from={bundle_folder}", "classifier.width=0.5"]
    recipe = recipe_of(load_config(small_file, given))
    told = "has the width 0.25, the recipe 0.5; set classifier.width to 0.25"
    with pytest.raises(ValueError, match=told):
        recipe.start(recipe.network(2), torch.zeros(1))


def test_the_head_learns_alone_and_then_all_does(
    small_file: Path, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_YAMNET", str(published))
    start = _scaled(yamnet.published()[0](_sounds(2))[1][2:])
    first = train_classifier.train(_config(small_file, "classifier.epochs=1"), tmp_path / "1")
    for ours, theirs in zip(_scaled(first(_sounds(2))[1]), start, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
    second = train_classifier.train(_config(small_file), tmp_path / "2")
    moved = (_scaled(second(_sounds(2))[1])[1] - start[1]).abs().mean()
    assert float(moved) > 0.01


def test_equalising_changes_no_answer(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2I_YAMNET", str(published))
    network, sizes = yamnet.published()[0], []
    before = _scaled(network(_sounds(16))[1])
    equalise(network, _sounds(16))
    for layer in network.convolutions:
        layer.register_forward_hook(lambda *given: sizes.append(given[2].square().mean((0, 2, 3))))
    for ours, theirs in zip(_scaled(network(_sounds(16))[1]), before, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
    assert [len(each) for each in sizes] == [layer.out_channels for layer in network.convolutions]
    for each in sizes:
        assert float(each.max()) == pytest.approx(1.0, rel=0.01)


def test_resumed_yamnet_equals_the_unbroken_one(
    small_file: Path, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_YAMNET", str(published))
    config = _config(small_file, "classifier.noise.share=0.5")
    unbroken = train_classifier.train(config, tmp_path / "unbroken")

    def job() -> object:
        return train_classifier.train(config, tmp_path / "killed")

    kill(monkeypatch, Optimizers, "step", 4, job)
    same(train_classifier.train(config, tmp_path / "killed").state_dict(), unbroken.state_dict())


def test_a_bundle_of_yamnet_is_explained_through_its_sounds(
    small_file: Path, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_YAMNET", str(published))
    config = _config(small_file, "default_interpreter=att", "baselines={}")
    train_classifier.train(config, tmp_path)
    monkeypatch.delenv("L2I_YAMNET")  # what follows needs it no more
    patterns = learn_dictionary.learn(config, tmp_path)
    f = train_classifier.trained(config, tmp_path)
    assert isinstance(f, Yamnet)
    cache = answers.build_cache(config, f, patterns, InterpreterConfig())
    clips = open_data_set("folder", config.data.root).in_folds(config.data.train_folds)
    sounds, _ = features.load_batch(clips, config.audio, config.data.seconds)
    torch.testing.assert_close(cache.logits, f.hear(sounds).logits, atol=1e-3, rtol=1e-3)
    train_interpreter.train_all(config, tmp_path, None)
    engine = L2I.from_bundle(str(tmp_path), interpreter="att-loop")
    assert engine.bundle.classifier.layers == f.layers
    analysis = engine.analyse(sounds[0].numpy(), 16000)
    assert engine.interpret(analysis, threshold=0.1).audio.shape == sounds[0].shape


def test_what_yamnet_cannot_be_made_of_is_refused(small_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="kumar or yamnet, received 'vgg'"):
        _config(small_file, "classifier.kind=vgg")
    with pytest.raises(ValueError, match="leave pretrained and pretrain_on out"):
        _config(small_file, "classifier.pretrained=x.safetensors")
    with pytest.raises(ValueError, match=r"YAMNet hears 16000 Hz, audio\.sample_rate is 8000"):
        recipe_of(_config(small_file, "audio.sample_rate=8000"))
    with pytest.raises(ValueError, match=r"classifier\.crop_seconds is 0\.5, but f needs at least"):
        train_classifier.train(_config(small_file, "classifier.crop_seconds=0.5"), tmp_path)


def test_checkpoints_of_before_the_later_settings_are_still_read(small_config: Config) -> None:
    hashed = small_config.recipe("classifier")["classifier"]
    assert not {"kind", "warm_up", "masks", "head_epochs", "noise"} & set(hashed)
