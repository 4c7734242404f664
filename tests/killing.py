"""Jobs that die at a chosen call, and what a resumed one must equal."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor


class Killed(BaseException):
    """Stands for the signal that ends a process: nothing in the code catches it."""


def count(
    patch: pytest.MonkeyPatch, owner: ModuleType | type, name: str, kill_after: int | None = None
) -> list[int]:
    """Count the calls of owner.name from now on; die at the call after `kill_after`."""
    real, calls = getattr(owner, name), [0]

    def counted(*arguments: Any, **options: Any) -> Any:
        if calls[0] == kill_after:
            raise Killed
        calls[0] += 1
        return real(*arguments, **options)

    patch.setattr(owner, name, counted)
    return calls


def kill(
    monkeypatch: pytest.MonkeyPatch,
    owner: ModuleType | type,
    name: str,
    after: int,
    job: Callable[[], object],
) -> None:
    """Run a job that dies at the call of owner.name after the first `after`."""
    with monkeypatch.context() as patch:
        count(patch, owner, name, kill_after=after)
        with pytest.raises(Killed):
            job()


def other_weights(bundle: Path, interpreter: str) -> None:
    """Give an interpreter of a bundle on disk other weights: what was measured is not its own."""
    path = bundle / f"interpreter-{interpreter}.safetensors"
    save_file({name: value * 0.9 for name, value in load_file(path).items()}, path)


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    """The same names with the same numbers, but for rounding."""
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        other = theirs[name].float()
        torch.testing.assert_close(
            value.float(), other, atol=1e-5, rtol=1e-4, msg=f"{name} differs"
        )
