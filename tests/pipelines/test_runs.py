"""What every long job shares: arithmetic and exit codes."""

import pytest
import torch
from torch import nn

from pipelines.runs import autocast, main_guard, typed


def test_precision_decides_the_arithmetic() -> None:
    layer = nn.Linear(3, 3)
    for precision, expected in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        with autocast(precision):
            assert layer(torch.ones(3)).dtype == expected


def test_guard_turns_outcomes_into_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise ValueError("no such thing.")

    def stops() -> int:
        raise KeyboardInterrupt

    assert main_guard(lambda: 0) == 0
    assert main_guard(fails) == 2
    assert capsys.readouterr().err == "error: no such thing.\n"
    assert main_guard(stops) == 130


def test_what_was_typed_is_the_given_arguments_be_they_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["x", "--bundle", "a b"])
    assert typed("results", None) == "python -m pipelines.results --bundle 'a b'"
    assert typed("results", []) == "python -m pipelines.results"
