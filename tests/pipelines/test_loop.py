"""The epoch loop that networks trained on f's answers share."""

from pathlib import Path

import pytest
from torch import nn

from pipelines import loop
from pipelines.config import InterpreterConfig


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    run = loop.Run("x", "train", model, InterpreterConfig(), tmp_path / "x.safetensors", {})
    with pytest.raises(ValueError, match="the loss of x is nan in epoch 1; lower its"):
        run.train(4, lambda _: lambda chosen: {"x": model.weight.sum() * float("nan")}, seed=0)
    assert not (tmp_path / "x.safetensors").exists()
