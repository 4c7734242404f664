"""Kumar's checkpoint as safetensors, without running what a pickle holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from killing import same
from safetensors.torch import load_file

from l2i_core.classifiers.kumar import Classifier, kumar_layout
from pipelines import (
    import_kumar,
)
from pipelines.config import load_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
Refused = Callable[[Callable[[], int]], str]


def _parts(out: Path) -> list[Path]:
    return list(out.rglob("*.part"))


def test_kumars_pickle_becomes_safetensors(
    tmp_path: Path, refused_command: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(3)
    state = kumar_layout(Classifier(1))
    pickled, out = tmp_path / "kumar.pkl", tmp_path / "new" / "kumar.safetensors"
    torch.save({f"module.{k}": v for k, v in state.items()}, pickled)
    assert import_kumar.main([str(pickled), "--out", str(out)]) == 0
    same(load_file(out), state)
    assert not _parts(tmp_path)
    (tmp_path / "text.pkl").write_text("text")
    torch.save({"layer1.0.weight": torch.zeros(3)}, tmp_path / "other.pkl")
    torch.save([1, 2], tmp_path / "list.pkl")
    for name in ("text", "other", "list", "absent"):
        path = tmp_path / f"{name}.pkl"
        refused_command(lambda p=path: import_kumar.main([str(p), "--out", str(tmp_path / "x")]))  # type: ignore[misc]
    assert not (tmp_path / "x").exists()
    assert not _parts(tmp_path)


def test_configs_that_fine_tune_it_find_what_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(kumar_layout(Classifier(1)), tmp_path / "kumar.pkl")
    monkeypatch.chdir(tmp_path)
    assert import_kumar.main(["kumar.pkl"]) == 0
    for name in ("esc50-audioset", "sonyc"):
        pretrained = load_config(CONFIGS / f"{name}.yaml").classifier.pretrained
        assert pretrained, name
        assert Path(pretrained).is_file(), name


def test_pickled_code_is_never_run(tmp_path: Path, refused_command: Refused) -> None:
    torch.save({"layer1.0.weight": _Bomb(tmp_path / "exploded")}, tmp_path / "bomb.pkl")
    refused_command(
        lambda: import_kumar.main([str(tmp_path / "bomb.pkl"), "--out", str(tmp_path / "x")])
    )
    assert not (tmp_path / "exploded").exists()


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)
