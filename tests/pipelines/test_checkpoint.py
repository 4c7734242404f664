"""Checkpoints: what they restore, what they refuse, and the learning rate's way."""

from pathlib import Path

import pytest
import torch
from killing import Killed, same
from safetensors.torch import save_file
from torch import Tensor, nn

from pipelines import checkpoint
from pipelines.config import InterpreterConfig
from pipelines.optimizers import Optimizers
from pipelines.runs import hardware


def _step(model: nn.Module, optimizers: Optimizers, batch: Tensor) -> None:
    model.zero_grad()
    model(batch).square().sum().backward()
    optimizers.step(lambda peak: peak)


def _stepped(seed: int) -> tuple[nn.Module, Optimizers]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4))
    optimizers = Optimizers(model, InterpreterConfig(learning_rate=0.1, muon_learning_rate=0.1))
    for _ in range(3):
        _step(model, optimizers, torch.randn(5, 3, 6))
    return model, optimizers


def test_checkpoint_restores_model_optimizer_and_epoch(tmp_path: Path) -> None:
    path, recipe = tmp_path / "deep" / "x.safetensors", {"seed": 1}
    model, optimizers = _stepped(0)
    checkpoint.save_checkpoint(path, {"f": model}, optimizers.by_name, 3, recipe)
    other, others = _stepped(1)
    assert checkpoint.load_checkpoint(path, {"f": other}, others.by_name, recipe) == 3
    same(other.state_dict(), model.state_dict())
    for name, optimizer in optimizers.by_name.items():
        for index, state in optimizer.state_dict()["state"].items():
            same(others.by_name[name].state_dict()["state"][index], state)
    batch = torch.randn(5, 3, 6)
    _step(model, optimizers, batch)
    _step(other, others, batch)
    same(other.state_dict(), model.state_dict())


def test_checkpoints_tell_the_hardware_that_wrote_them(tmp_path: Path) -> None:
    assert checkpoint.trained_on(tmp_path) == {}
    folder = tmp_path / "checkpoints"
    model, optimizers = _stepped(0)
    checkpoint.save_checkpoint(folder / "f.safetensors", {"f": model}, optimizers.by_name, 3, {})
    save_file(model.state_dict(), folder / "old.safetensors")
    assert checkpoint.trained_on(tmp_path) == {"f": hardware()}


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    model, optimizers = _stepped(0)
    assert checkpoint.load_checkpoint(path, {"f": model}, optimizers.by_name, {"seed": 1}) == 0
    checkpoint.save_checkpoint(path, {"f": model}, optimizers.by_name, 3, {"seed": 1})
    with pytest.raises(ValueError, match="other settings"):
        checkpoint.load_checkpoint(path, {"f": model}, optimizers.by_name, {"seed": 2})


def test_killed_save_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.safetensors"
    model, optimizers = _stepped(0)
    checkpoint.save_checkpoint(path, {"f": model}, optimizers.by_name, 3, {})
    before = path.read_bytes()

    def dies(tensors: object, part: Path, metadata: object) -> None:
        part.write_bytes(b"half")
        raise Killed

    monkeypatch.setattr(checkpoint, "save_file", dies)
    with pytest.raises(Killed):
        checkpoint.save_checkpoint(path, {"f": model}, optimizers.by_name, 4, {})
    assert path.read_bytes() == before


def test_damaged_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"half")
    model, optimizers = _stepped(0)
    with pytest.raises(ValueError, match=r"x\.safetensors"):
        checkpoint.load_checkpoint(path, {"f": model}, optimizers.by_name, {})


def test_one_cycle_rises_then_falls() -> None:
    rates = [checkpoint.one_cycle(step, 100, 2e-3) for step in range(101)]
    assert rates[0] == pytest.approx(2e-3 / 25)
    assert max(rates) == pytest.approx(2e-3)
    assert rates.index(max(rates)) == 30
    assert all(a < b for a, b in zip(rates[:30], rates[1:31], strict=True))
    assert all(a > b for a, b in zip(rates[30:-1], rates[31:], strict=True))
    assert rates[-1] < 1e-6
