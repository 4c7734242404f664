"""Any module: what is found out about it, its maps, its gradient, and a sentence for a bad one."""

import math
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from l2i_core import AudioConfig
from l2i_core.classifiers import wrap
from l2i_core.classifiers.maps import Grid
from l2i_core.classifiers.protocol import checked
from l2i_core.signal import spectra

RATE = 16000
AB = ("a", "b")


class Net(nn.Module):
    """Two strided convolutions over the waveform: 10 and 20 ms a step."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, 8, 400, 160)
        self.second = nn.Conv1d(8, 6, 3, 2)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.second(self.first(x[:, None]).relu()).relu()
        return 30 * self.head(self.drop(hidden).mean(2))


class Tokens(nn.Module):
    """Patches of a log-mel as tokens (B, 1 + F T, D), time or frequency first."""

    config = AudioConfig(RATE, 512, 400, 160, n_mels=32)

    def __init__(self, time_first: bool) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 5, 8, 8)
        self.tokens, self.time_first = nn.Identity(), time_first
        self.head = nn.Linear(5, 2)

    def forward(self, log_mel: Tensor) -> Tensor:
        grid = self.patches(log_mel[:, None] / 20)  # (B, D, F, T)
        flat = (grid.transpose(2, 3) if self.time_first else grid).flatten(2).transpose(1, 2)
        tokens = self.tokens(torch.cat([flat.mean(1, keepdim=True), flat], dim=1))
        return 10 * self.head(tokens[:, 0])


class Lambda(nn.Module):
    """A module of one function."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def level(x: Tensor) -> Tensor:
    """Loud or quiet, as logits (B, 2)."""
    loud = x.square().mean(1).add(1e-6).log()
    return torch.stack([loud, -loud], dim=1)


def _sound(n: int, count: int = 2) -> Tensor:
    return 0.1 * torch.randn(count, n, generator=torch.Generator().manual_seed(1))


def test_a_module_is_a_white_box() -> None:
    module = Net().train()
    f = wrap(module, sample_rate=RATE, classes=AB, layers=("first", "second"))
    assert checked(f) is f
    assert (f.differentiable, f.longest, f.notes) == (True, None, ())
    assert [(layer.name, layer.channels) for layer in f.layers] == [("first", 8), ("second", 6)]
    assert f.layers[0].step_seconds == pytest.approx(0.01, rel=0.01)
    assert f.layers[1].step_seconds == pytest.approx(0.02, rel=0.01)
    heard = f.hear(_sound(RATE))
    assert [m.shape for m in heard.maps] == [(2, 8, 98, 1), (2, 6, 48, 1)]
    torch.testing.assert_close(heard.logits, module.eval()(_sound(RATE)))


def test_the_users_module_stays_as_it_was() -> None:
    module = Net().train()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    f = wrap(module, sample_rate=RATE, classes=AB, layers=("first",))
    f.hear(_sound(RATE))
    assert module.training
    assert all(p.requires_grad for p in module.parameters())
    assert not any(p.requires_grad for p in f.module.parameters())
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_what_cannot_be_copied_is_frozen_and_says_so() -> None:
    module = Lambda(level)
    module.lock = threading.Lock()
    f = wrap(module, sample_rate=RATE, classes=AB)
    assert f.module is module
    assert any("cannot be copied" in note for note in f.notes)


def test_a_scripted_module_is_taken_as_it_is() -> None:
    module = torch.jit.trace(Net().eval(), _sound(RATE))
    f = wrap(module, sample_rate=RATE, classes=AB)
    assert f.differentiable
    torch.testing.assert_close(f.hear(_sound(RATE)).logits, module(_sound(RATE)))


def test_a_module_that_works_in_place_leaves_the_sound_alone() -> None:
    class Centring(Net):
        def forward(self, x: Tensor) -> Tensor:
            x -= x.mean(1, keepdim=True)
            return super().forward(x)

    f = wrap(Centring(), sample_rate=RATE, classes=AB)
    assert f.differentiable
    sound = _sound(RATE) + 1
    before = sound.clone()
    f.hear(sound)
    assert torch.equal(sound, before)


def test_hooks_are_gone_after_a_raise() -> None:
    class Breaking(Net):
        broken = False

        def forward(self, x: Tensor) -> Tensor:
            logits = super().forward(x)
            if self.broken:
                raise RuntimeError("out of luck")
            return logits

    f = wrap(Breaking(), sample_rate=RATE, classes=AB, layers=("first", "second"))
    f.module.broken = True
    with pytest.raises(ValueError, match=r"Breaking raised RuntimeError on a sound of 1 s: out of luck\."):  # fmt: skip
        f.hear(_sound(RATE))
    assert all(not m._forward_hooks for m in f.module.modules())
    f.module.broken = False
    assert len(f.hear(_sound(RATE)).maps) == 2
    assert all(not m._forward_hooks for m in f.module.modules())


def test_threads_get_their_own_maps() -> None:
    f = wrap(Net(), sample_rate=RATE, classes=AB, layers=("first", "second"))
    sounds = [_sound(RATE + 400 * i) for i in range(6)]
    alone = [f.hear(s) for s in sounds]
    found: dict[int, Any] = {}

    def ask(i: int) -> None:
        for _ in range(5):
            found[i] = f.hear(sounds[i])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, expected in enumerate(alone):
        for ours, theirs in zip(found[i].maps, expected.maps, strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("time_first", [False, True])
def test_tokens_are_time_and_frequency_where_a_grid_is_given(time_first: bool) -> None:
    module, config = Tokens(time_first), Tokens.config
    grid = Grid(bands=4, special=1, time_first=time_first)
    f = wrap(module, sample_rate=RATE, classes=AB, layers=("tokens",), log_mel=config, grid=grid)
    (made,) = f.hear(_sound(RATE)).maps
    log_mel = spectra.log_mel(spectra.stft(_sound(RATE), config).abs(), config)
    torch.testing.assert_close(made, module.patches(log_mel[:, None] / 20).transpose(2, 3))
    assert f.layers[0].step_seconds == pytest.approx(0.08, rel=0.02)
    assert f.differentiable


def test_tokens_without_a_grid_have_one_band() -> None:
    class Sequence(Net):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            tokens = self.tokens(self.first(x[:, None]).transpose(1, 2))
            return 30 * self.head(self.second(tokens.transpose(1, 2)).mean(2))

    f = wrap(Sequence(), sample_rate=RATE, classes=AB, layers=("tokens", "first"))
    tokens, same = f.hear(_sound(RATE)).maps
    torch.testing.assert_close(tokens, same)


def test_the_time_axis_of_a_fixed_length_is_found_too() -> None:
    class Fixed(Net):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.head = nn.Identity(), nn.Linear(6 * 98, 2)

        def forward(self, x: Tensor) -> Tensor:
            hidden = self.second(self.first(x[:, None]).relu())
            return 5 * self.head(self.tokens(hidden.transpose(1, 2)).flatten(1))

    f = wrap(Fixed(), sample_rate=RATE, classes=AB, layers=("tokens", "second"), length=2 * RATE)
    assert (f.longest, f.layers[0].channels) == (2 * RATE, 6)
    assert f.layers[0].step_seconds == pytest.approx(2 / 98)
    tokens, same = f.hear(_sound(5 * RATE)).maps  # two whole pieces and half a one
    torch.testing.assert_close(tokens, same)
    assert tokens.shape[2] == pytest.approx(5 / f.layers[0].step_seconds, abs=1)


def test_one_length_is_found_and_told() -> None:
    class Fixed(nn.Linear):
        pass

    f = wrap(Fixed(2 * RATE, 2), sample_rate=RATE, classes=AB)
    assert (f.shortest, f.longest) == (2 * RATE, 2 * RATE)
    assert any("takes sounds of 2 s" in note for note in f.notes)
    sound = _sound(5 * RATE)
    padded = torch.cat([sound, torch.zeros(2, RATE)], dim=1)
    pieces = [f.module(piece) for piece in padded.split(2 * RATE, dim=1)]
    expected = 0.4 * pieces[0] + 0.4 * pieces[1] + 0.2 * pieces[2]
    torch.testing.assert_close(f.hear(sound).logits, expected, atol=1e-5, rtol=1e-4)


def test_a_single_sound_at_a_time() -> None:
    f = wrap(Lambda(lambda x: level(x.reshape(1, -1))), sample_rate=RATE, classes=AB)
    assert f.batch == 1
    torch.testing.assert_close(f.hear(_sound(RATE)).logits, level(_sound(RATE)))


# Probabilities


def test_a_softmax_is_found_and_its_logarithm_taken() -> None:
    f = wrap(Lambda(lambda x: level(x).softmax(1)), sample_rate=RATE, classes=AB)
    assert any("sum to 1: taken for probabilities" in note for note in f.notes)
    torch.testing.assert_close(f.hear(_sound(RATE)).logits, level(_sound(RATE)).log_softmax(1))
    assert f.differentiable
    told = wrap(
        Lambda(lambda x: level(x).softmax(1)), sample_rate=RATE, classes=AB, outputs="logits"
    )
    torch.testing.assert_close(told.hear(_sound(RATE)).logits, level(_sound(RATE)).softmax(1))
    assert not told.notes


def test_sigmoids_of_a_multi_label_model_are_found() -> None:
    quiet = Lambda(lambda x: (0.1 * level(x)).sigmoid())
    f = wrap(quiet, sample_rate=RATE, classes=AB, multi_label=True)
    assert any("taken for probabilities" in note for note in f.notes)
    torch.testing.assert_close(f.hear(_sound(RATE)).logits, 0.1 * level(_sound(RATE)))
    several = wrap(quiet, sample_rate=RATE, classes=AB, outputs="logits")
    torch.testing.assert_close(several.hear(_sound(RATE)).logits, quiet(_sound(RATE)))


def test_numbers_between_0_and_1_that_do_not_sum_to_1_are_told() -> None:
    module = Lambda(lambda x: (0.1 * level(x)[:, [0, 0]]).sigmoid())
    f = wrap(module, sample_rate=RATE, classes=AB)
    assert f.outputs == "logits"
    assert any("do not sum to 1: taken for logits" in note for note in f.notes)


def test_logits_are_taken_as_they_are() -> None:
    f = wrap(Lambda(level), sample_rate=RATE, classes=AB)
    assert (f.outputs, f.notes) == ("logits", ())


# Gradients


@pytest.mark.parametrize(
    "broken",
    [
        lambda x: level(x.detach()),
        lambda x: torch.from_numpy(level(x).detach().numpy()),
        lambda x: level(x).round(),
        lambda x: level(torch.where(x > 0, 1.0, -1.0) * x.detach()),
    ],
    ids=["detach", "numpy", "round", "sign"],
)
def test_a_broken_graph_is_a_black_box(broken: Callable[[Tensor], Tensor]) -> None:
    f = wrap(Lambda(broken), sample_rate=RATE, classes=AB)
    assert not f.differentiable
    assert any("no gradient reaches the sound" in note for note in f.notes)
    sound = _sound(RATE).requires_grad_()
    assert not f.hear(sound).logits.requires_grad


def test_no_grad_inside_is_a_black_box() -> None:
    class Frozen(Net):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)

    f = wrap(Frozen(), sample_rate=RATE, classes=AB)
    assert not f.differentiable
    assert not f.hear(_sound(RATE).requires_grad_()).logits.requires_grad


def test_gradients_are_the_modules_own() -> None:
    module = Net().eval()
    f = wrap(module, sample_rate=RATE, classes=AB)
    sound = _sound(RATE).requires_grad_()
    (ours,) = torch.autograd.grad(f.hear(sound).logits[:, 0].sum(), sound)
    (theirs,) = torch.autograd.grad(module(sound)[:, 0].sum(), sound)
    torch.testing.assert_close(ours, theirs)


# Bad ones: a sentence each


def _raise(error: Exception) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        raise error

    return forward


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: level(x) * math.nan, "gave NaN or infinite numbers; f must answer with finite"),
        (lambda x: (x.abs().amax(1, keepdim=True) / x.abs().amax(1, keepdim=True)).repeat(1, 2), "on digital silence"),
        (lambda x: level(x)[:, [0, 1, 1]], "answers with 3 numbers a sound, and 2 classes are named"),
        (lambda x: level(x)[:, :, None], r"gave the shape \(1, 2, 1\) for 1 sounds, wanted \(1, 2\)"),
        (lambda x: (level(x), x), "gave a tuple; it must take waveforms"),
        (_raise(RuntimeError("no luck")), "raised RuntimeError on a sound of 1 s: no luck. If it needs sounds of one length"),
        (_raise(KeyError("gone")), "raised KeyError on a sound of 0.1 s: 'gone'"),
        (_raise(RuntimeError("Found no NVIDIA driver on your system")), "needs a GPU and there is none here"),
        (_raise(AssertionError("Torch not compiled with CUDA enabled")), "needs a GPU and there is none here"),
    ],
)  # fmt: skip
def test_a_bad_module_gets_one_sentence(function: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        wrap(Lambda(function), sample_rate=RATE, classes=AB)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": ["secnd"]}, "has no layer 'secnd'; it has, among others: second"),
        ({"layers": ["head"]}, r"layer 'head' gives the shape \(1, 2\), in which no axis is time"),
        ({"layers": ["first"], "grid": Grid(3)}, "is no grid of 0 special tokens and 3 bands"),
        ({"classes": ("a", "a")}, "has the class 'a' twice"),
        ({"classes": "ab"}, "must be a list of names"),
        ({"classes": ()}, "must be names"),
        ({"sample_rate": 16000.0}, "must be whole Hz"),
        ({"outputs": "odds"}, "outputs must be logits or probabilities, received 'odds'"),
        ({"outputs": "probabilities"}, "is said to give probabilities, and gives numbers from"),
        ({"length": 0.5}, "must be samples"),
        ({"log_mel": AudioConfig()}, "log-mel is of 44100 Hz"),
    ],
)  # fmt: skip
def test_a_bad_setting_gets_one_sentence(settings: dict[str, Any], said: str) -> None:
    given = {"sample_rate": RATE, "classes": AB, **settings}
    with pytest.raises(ValueError, match=said) as refused:
        wrap(Net(), **given)
    assert "\n" not in str(refused.value)


def test_another_rate_than_the_modules_own() -> None:
    module = Net()
    module.sample_rate = 32000
    with pytest.raises(ValueError, match="Net.sample_rate is 32000, and the sampling rate given"):
        wrap(module, sample_rate=RATE, classes=AB)


def test_wrap_takes_modules() -> None:
    with pytest.raises(ValueError, match="received function; use wrap_function"):
        wrap(level, sample_rate=RATE, classes=AB)
