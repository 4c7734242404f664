"""The interpreters' training: what is cached of f, resuming, the loop's start."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from killing import count, kill, same
from torch import Tensor, nn

from l2i_core.data.sets import open_data_set
from l2i_core.signal import spectra
from pipelines import (
    answers,
    features,
    learn_dictionary,
    train_classifier,
    train_interpreter,
)
from pipelines.config import Config, InterpreterConfig
from pipelines.optimizers import Optimizers

Refused = Callable[[Callable[[], int]], str]


def test_partial_views_lack_some_of_the_sound(small_config: Config, two_classes: Path) -> None:
    data = open_data_set("folder", two_classes)
    waveforms, _ = features.load_batch(data.clips[:3], small_config.audio)
    x = features.log_magnitudes(waveforms, small_config.audio)
    patterns = nn.functional.normalize(torch.rand(x.shape[1], 6), dim=0)

    def made(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return answers.without_some(x, patterns, generator)

    first = made(0)
    assert first.shape == x.shape
    assert bool((first >= 0).all())
    assert bool((first <= x + 1e-5).all())
    assert float(first.sum()) < 0.95 * float(x.sum())
    torch.testing.assert_close(first, made(0))
    assert not torch.allclose(first, made(1))
    # One pattern alone is either all there or gone.
    alone = answers.without_some(x, patterns[:, :1], torch.Generator().manual_seed(3))
    for before, after in zip(x, alone, strict=True):
        ratio = float(after.sum() / before.sum())
        assert ratio == pytest.approx(1.0, abs=1e-5) or ratio == pytest.approx(0.0, abs=1e-5)


def test_cache_holds_what_f_says_of_every_view_in_order(
    small_config: Config, small_run: Path, two_classes: Path
) -> None:
    f = train_classifier.trained(small_config, small_run)
    patterns = learn_dictionary.learn(small_config, small_run, only_finished=True)
    cache = answers.build_cache(
        small_config, f, patterns, InterpreterConfig(views=2, partial_views=1)
    )
    clips = open_data_set("folder", two_classes).in_folds(small_config.data.train_folds)
    waveforms, _ = features.load_batch(clips, small_config.audio)
    x = features.log_magnitudes(waveforms, small_config.audio)
    heard = f.hear_spectrogram(spectra.magnitude(x))
    n = len(clips)
    assert {len(t) for t in cache.tensors} == {3 * n}
    for whole, plain in zip(cache.tensors, [x, *heard.maps, heard.logits], strict=True):
        torch.testing.assert_close(whole[:n].float(), plain.detach(), atol=1e-3, rtol=1e-3)
    # A circular shift keeps what a clip holds; a partial view lacks some of it.
    energy = cache.log_magnitude.float().square().sum(dim=(1, 2)).view(3, n)
    torch.testing.assert_close(energy[1], energy[0], atol=0.0, rtol=0.05)
    assert (energy[2] < energy[0]).all()


def test_noise_fills_the_silence_of_copies_and_f_hears_it(
    small_config: Config, small_run: Path
) -> None:
    f = train_classifier.trained(small_config, small_run)
    patterns = learn_dictionary.learn(small_config, small_run, only_finished=True)

    def asked(**settings: Any) -> answers.Cache:
        return answers.build_cache(
            small_config, f, patterns, InterpreterConfig(views=2, **settings)
        )

    plain, noisy, again = asked(), asked(noise=1.0), asked(noise=1.0)
    n = len(plain.logits) // 2
    for before, after, repeated in zip(plain.tensors, noisy.tensors, again.tensors, strict=True):
        torch.testing.assert_close(after[:n], before[:n])  # the clip itself stays as it is
        torch.testing.assert_close(after, repeated)  # one seed, one noise
    silent, filled = ((cache.log_magnitude[n:] == 0).float().mean() for cache in (plain, noisy))
    assert filled < 0.5 * silent
    heard = f.hear_spectrogram(spectra.magnitude(noisy.log_magnitude[n:].float()))
    torch.testing.assert_close(noisy.logits[n:], heard.logits.detach(), atol=0.02, rtol=0.02)


def test_f_hears_masked_sounds_as_sound_where_it_is_told_to(
    small_config: Config, small_run: Path
) -> None:
    f = train_classifier.trained(small_config, small_run)
    patterns = learn_dictionary.learn(small_config, small_run, only_finished=True)
    settings = InterpreterConfig(partial_views=1, through_sound=True)
    cache = answers.build_cache(small_config, f, patterns, settings)
    assert cache.phase is not None
    length = round(small_config.data.seconds * small_config.audio.sample_rate)
    sounds = spectra.invert(
        cache.log_magnitude.float(), cache.phase.float(), length, small_config.audio
    )
    with torch.no_grad():
        first = f.hear(sounds).maps[0]
    quick = answers.build_cache(small_config, f, patterns, InterpreterConfig(partial_views=1))
    assert quick.phase is None
    torch.testing.assert_close(quick.log_magnitude, cache.log_magnitude)
    n = len(cache.logits) // 2

    def gap(theirs: torch.Tensor) -> float:
        return float((cache.maps[0][n:].float() - theirs[n:].float()).abs().mean())

    torch.testing.assert_close(quick.maps[0][:n], cache.maps[0][:n], atol=0.01, rtol=0.01)
    assert gap(quick.maps[0]) > 3 * gap(first)


@pytest.mark.parametrize(("name", "steps"), [("att", 8), ("att-loop", 3)])
def test_resumed_interpreter_equals_the_unbroken_one(
    small_config: Config,
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
        lambda: train_interpreter.train(small_config, name, out),
    )
    with pytest.raises(ValueError, match="1 of 3 epochs"):
        train_interpreter.trained_interpreter(small_config, name, out)
    with monkeypatch.context() as patch:
        calls = count(patch, Optimizers, "step")
        model = train_interpreter.train(small_config, name, out)
    assert calls == [2 * steps], "the first epoch must not be trained again"
    unbroken = train_interpreter.trained_interpreter(small_config, name, small_run)
    same(model.state_dict(), unbroken.state_dict())


def test_loop_starts_from_the_interpreter_that_it_names(
    small_config: Config, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    train_interpreter.train(small_config, "att-loop", out)
    att = train_interpreter.trained_interpreter(small_config, "att", out)
    same(start[0], att.state_dict())
    loop = train_interpreter.trained_interpreter(small_config, "att-loop", out).state_dict()
    assert any(not torch.equal(v, start[0][k]) for k, v in loop.items())


def test_config_without_interpreters_is_refused_command(
    refused_command: Refused, small_file: Path, tmp_path: Path
) -> None:
    argv = ["--config", str(small_file), "--out", str(tmp_path / "out")]
    argv += ["--set", "interpreters={}", "--set", "default_interpreter=null"]
    assert "no interpreters" in refused_command(lambda: train_interpreter.main(argv))
