"""A Python function as a black box."""

from typing import Any

import numpy as np
import pytest
import torch

from l2i_core.classifiers import wrap_function
from l2i_core.classifiers.protocol import checked

RATE = 16000


def level(sounds: np.ndarray) -> np.ndarray:
    loud = np.log(np.square(sounds).mean(axis=1) + 1e-6)
    return np.stack([loud, -loud], axis=1)


@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, torch.from_numpy])
def test_a_function_is_a_black_box(kind: Any) -> None:
    f = wrap_function(lambda x: kind(level(x)), sample_rate=RATE, classes=("loud", "quiet"))
    assert checked(f) is f
    assert (f.differentiable, f.layers, f.notes) == (False, (), ())
    sound = torch.randn(3, RATE, generator=torch.Generator().manual_seed(0)).requires_grad_()
    heard = f.hear(sound)
    assert not heard.logits.requires_grad
    torch.testing.assert_close(heard.logits.double(), torch.from_numpy(level(sound.detach().numpy())).double(), atol=1e-5, rtol=1e-5)  # fmt: skip


def test_many_sounds_are_asked_in_batches() -> None:
    most = 0

    def counted(sounds: np.ndarray) -> np.ndarray:
        nonlocal most
        most = max(most, len(sounds))
        return level(sounds)

    f = wrap_function(counted, sample_rate=RATE, classes=("loud", "quiet"), batch=5)
    assert f.hear(torch.ones(12, RATE)).logits.shape == (12, 2)
    assert most == 5


def test_an_answer_that_changes_is_told() -> None:
    generator = np.random.default_rng(0)
    f = wrap_function(lambda x: generator.normal(size=(len(x), 2)), sample_rate=RATE, classes=["a", "b"])  # fmt: skip
    assert any("answers the same sound differently" in note for note in f.notes)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: None, "gave a NoneType; it must take waveforms"),
        (lambda x: [["a", "b"]], "gave no numbers"),
        (lambda x: [[1.0], [1.0, 2.0]], "gave no numbers"),
        (lambda x: x.tensor(), "raised AttributeError"),
        ("level", "takes a function, received str"),
    ],
)
def test_a_bad_function_gets_one_sentence(function: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        wrap_function(function, sample_rate=RATE, classes=("a", "b"))
    assert "\n" not in str(refused.value)


def test_a_server_that_is_gone_gets_one_sentence_at_once() -> None:
    asked = 0

    def gone(sounds: np.ndarray) -> Any:
        nonlocal asked
        asked += 1
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(ValueError, match="gone raised ConnectionRefusedError"):
        wrap_function(gone, sample_rate=RATE, classes=("a", "b"))
    assert asked == 1
