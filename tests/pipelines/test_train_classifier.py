"""f's training: its clips, augmentation, resuming, and where it starts from."""

import dataclasses
from pathlib import Path

import pytest
import torch
from killing import count, kill, same
from safetensors.torch import load_file
from torch import Tensor

from l2i_core.classifiers.kumar import Classifier, kumar_layout
from l2i_core.data import synth
from pipelines import (
    import_kumar,
    train_classifier,
)
from pipelines.config import Config, load_config
from pipelines.optimizers import Optimizers


def test_training_never_sees_the_test_folds(small_config: Config) -> None:
    data, clips = train_classifier.training_clips(small_config)
    assert {c.name for c in clips}.isdisjoint(c.name for c in data.in_folds([5]))
    assert len(clips) == 8


def test_synthesised_clips_join_only_known_classes(small_config: Config, small_file: Path) -> None:
    config = load_config(small_file, ["data.synth_seeds=3"])
    _, clips = train_classifier.training_clips(config)
    added = [c for c in clips if c.path is None]
    assert sorted((c.label, c.seed) for c in added) == [
        (label, seed) for label in ("dog", "rain") for seed in (100, 101, 102)
    ]


@pytest.mark.parametrize("name", ["data.seconds", "classifier.crop_seconds"])
def test_clips_too_short_for_f_are_refused_command(
    small_file: Path, tmp_path: Path, name: str
) -> None:
    config = load_config(small_file, [f"{name}=0.1"])
    with pytest.raises(ValueError, match=rf"{name} is 0\.1, but f needs at least \d\.\d\d s"):
        train_classifier.train(config, tmp_path)


def test_augmentation_keeps_shape_and_follows_its_generator(small_config: Config) -> None:
    x = torch.randn(3, 128, 157, generator=torch.Generator().manual_seed(0))

    def once(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return train_classifier.augment(
            x, small_config.classifier, torch.Generator().manual_seed(seed)
        )

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


def test_resumed_classifier_equals_the_unbroken_one(
    small_config: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 3  # 8 clips in batches of 3
    kill(
        monkeypatch,
        Optimizers,
        "step",
        steps + 1,
        lambda: train_classifier.train(small_config, tmp_path),
    )
    with monkeypatch.context() as patch:
        calls = count(patch, Optimizers, "step")
        model = train_classifier.train(small_config, tmp_path)
    assert calls == [2 * steps], "the first epoch must not be trained again"
    unbroken = train_classifier.trained(small_config, small_run)
    same(model.state_dict(), unbroken.network.state_dict())
    with monkeypatch.context() as patch:
        calls = count(patch, Optimizers, "step")
        train_classifier.train(small_config, tmp_path)
    assert calls == [0], "a finished run has nothing left to do"


def test_training_starts_from_pretrained_weights(small_file: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    torch.save(kumar_layout(Classifier(1)), tmp_path / "k.pkl")
    weights = tmp_path / "k.safetensors"
    import_kumar.main([str(tmp_path / "k.pkl"), "--out", str(weights)])
    still = ["classifier.width=1", "classifier.epochs=1", "classifier.learning_rate=0"]
    config = load_config(small_file, [f"classifier.pretrained={weights}", *still])
    model = train_classifier.train(config, tmp_path / "out")
    kernels = {name for name in load_file(weights) if name.endswith("0.weight")}
    assert len(kernels) == 12
    ours, theirs = kumar_layout(model), load_file(weights)
    same({n: ours[n] for n in kernels}, {n: theirs[n] for n in kernels})
    heads = ["classifier.width=1", "classifier.epochs=1", "classifier.head_only=true"]
    config = load_config(small_file, [f"classifier.pretrained={weights}", *heads])
    model = train_classifier.train(config, tmp_path / "heads")
    same(kumar_layout(model), load_file(weights))
    torch.manual_seed(config.seed)
    start = Classifier(model.linear.out_features).linear.weight
    assert not torch.equal(model.linear.weight, start)
    for name, sentence in (
        ("k.pkl", r"k\.pkl is not a safetensors file"),
        (
            "absent",
            r"no such file: .*absent\. Write it with python -m pipelines\.import_kumar FILE",
        ),
    ):
        bad = load_config(small_file, [f"classifier.pretrained={tmp_path / name}"])
        with pytest.raises(ValueError, match=sentence):
            train_classifier.train(bad, tmp_path / "bad")


def test_absent_folds_are_refused_before_anything_is_trained(
    small_file: Path, tmp_path: Path
) -> None:
    pretraining = ["classifier.pretrain_on=synth", "data.train_folds=[1, 2]"]
    for folds in ("data.test_folds=[5, 9]", "data.train_folds=[1, 9]"):
        config = load_config(small_file, [*pretraining, folds])
        with pytest.raises(ValueError, match=r"no fold 9; it has \[1, 2, 3, 4, 5\]"):
            train_classifier.train(config, tmp_path)
    assert not list(tmp_path.iterdir())


def test_pretraining_gives_all_but_the_last_layer(small_config: Config, tmp_path: Path) -> None:
    config = dataclasses.replace(
        small_config,
        data=dataclasses.replace(small_config.data, train_folds=(1,)),
        classifier=dataclasses.replace(
            small_config.classifier,
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
