"""f: its shapes, its normalisation, and Kumar's published layout against a plain computation."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from l2i_core.classifiers.kumar import Classifier, kumar_layout, load_kumar
from l2i_core.weights import freeze

# Kumar et al. (2018): layer number → input channels, output channels, kernel size.
PUBLISHED = {
    1: (1, 16, 3),
    2: (16, 16, 3),
    4: (16, 32, 3),
    5: (32, 32, 3),
    7: (32, 64, 3),
    8: (64, 64, 3),
    10: (64, 128, 3),
    11: (128, 128, 3),
    13: (128, 256, 3),
    14: (256, 256, 3),
    16: (256, 512, 3),
    18: (512, 1024, 2),
    19: (1024, 527, 1),
}
POOLED_AFTER = {2, 5, 8, 11, 14, 16}


@pytest.fixture(scope="module")
def model() -> Classifier:
    torch.manual_seed(0)
    return Classifier(7).eval()


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, Tensor]:
    """A state dict with the published names and shapes, and plausible random values."""
    generator = torch.Generator().manual_seed(1)
    state: dict[str, Tensor] = {}
    for layer, (inputs, outputs, kernel) in PUBLISHED.items():
        shape = (outputs, inputs, kernel, kernel)
        weight = torch.randn(shape, generator=generator)
        state[f"layer{layer}.0.weight"] = weight * (2 / (inputs * kernel**2)) ** 0.5
        state[f"layer{layer}.0.bias"] = 0.1 * torch.randn(outputs, generator=generator)
        if layer != 19:
            state[f"layer{layer}.1.weight"] = 1 + 0.1 * torch.rand(outputs, generator=generator)
            state[f"layer{layer}.1.bias"] = 0.1 * torch.randn(outputs, generator=generator)
            state[f"layer{layer}.1.running_mean"] = 0.1 * torch.randn(outputs, generator=generator)
            state[f"layer{layer}.1.running_var"] = 0.5 + torch.rand(outputs, generator=generator)
            state[f"layer{layer}.1.num_batches_tracked"] = torch.tensor(7)
    return state


def _published_network(state: dict[str, Tensor], x: Tensor) -> Iterator[Tensor]:
    """The maps before each pooling, then the 1024-channel embedding, straight from the tensors."""
    for layer, (_, _, kernel) in PUBLISHED.items():
        if layer == 19:
            break
        x = functional.conv2d(
            x,
            state[f"layer{layer}.0.weight"],
            state[f"layer{layer}.0.bias"],
            padding=1 if kernel == 3 else 0,
        )
        mean, variance, weight, bias = (
            state[f"layer{layer}.1.{part}"]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        x = torch.relu(functional.batch_norm(x, mean, variance, weight, bias))
        if layer in POOLED_AFTER:
            yield x
            x = functional.max_pool2d(x, 2)
    yield x


@pytest.mark.parametrize("n_frames", [128, 313, 431, 1000])
def test_shapes_follow_the_clip(model: Classifier, n_frames: int) -> None:
    logits, maps = model(torch.zeros(2, 128, n_frames))
    assert logits.shape == (2, 7)
    expected = [
        (2, channels, n_frames // stride, 128 // stride)
        for channels, stride in zip(model.map_channels, model.map_strides, strict=True)
    ]
    assert [tuple(m.shape) for m in maps] == expected


def test_maps_of_five_seconds_are_the_papers(model: Classifier) -> None:
    maps = model(torch.zeros(1, 128, 431))[1]
    assert [tuple(m.shape[1:]) for m in maps] == [(128, 53, 16), (256, 26, 8), (512, 13, 4)]


def test_chosen_blocks_give_the_maps() -> None:
    model = Classifier(3, map_blocks=(1, 6)).eval()
    assert (model.map_channels, model.map_strides) == ((16, 512), (1, 32))
    maps = model(torch.zeros(1, 128, 200))[1]
    assert [tuple(m.shape[1:]) for m in maps] == [(16, 200, 128), (512, 6, 4)]


def test_fewest_frames_are_tight(model: Classifier) -> None:
    model(torch.zeros(1, 128, model.min_frames))
    with pytest.raises(RuntimeError):
        model(torch.zeros(1, 128, model.min_frames - 1))


def test_output_is_logits_not_probabilities(model: Classifier) -> None:
    raised = Classifier(7).eval()
    state = model.state_dict()
    raised.load_state_dict(state | {"linear.bias": state["linear.bias"] + 5})
    x = torch.randn(2, 128, 150, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(raised(x)[0], model(x)[0] + 5)


def test_clips_of_a_batch_do_not_meet(model: Classifier) -> None:
    x = torch.randn(3, 128, 200, generator=torch.Generator().manual_seed(0))
    together = model(x)[0]
    alone = torch.cat([model(one[None])[0] for one in x])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_offset_and_scale_normalise_the_decibels(model: Classifier) -> None:
    shifted = Classifier(7, offset=-31.5, scale=17.0)
    state = model.state_dict() | {"offset": torch.tensor(-31.5), "scale": torch.tensor(17.0)}
    shifted.load_state_dict(state)
    x = 30 * torch.randn(2, 128, 150, generator=torch.Generator().manual_seed(0)) - 40
    torch.testing.assert_close(shifted.eval()(x)[0], model((x + 31.5) / 17.0)[0])


def test_head_is_the_released_one(model: Classifier) -> None:
    x = torch.randn(1, 1024, 5, 3, generator=torch.Generator().manual_seed(0))
    state = model.state_dict()
    hidden = torch.relu(torch.einsum("oi,bitf->botf", state["head.0.weight"][..., 0, 0], x)
                        + state["head.0.bias"][:, None, None])  # fmt: skip
    torch.testing.assert_close(model.head(x), hidden)
    assert hidden.shape[1] == 256


def test_frozen_model_passes_gradients_to_its_input() -> None:
    model = freeze(Classifier(3).train())
    x = torch.randn(1, 128, 128, requires_grad=True)
    model(x)[0].sum().backward()
    assert not model.training
    assert x.grad is not None
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("mels", [64, 127])
def test_too_few_bands_are_refused(mels: int) -> None:
    with pytest.raises(ValueError, match="128 mel bands"):
        Classifier(3, mels)


@pytest.mark.parametrize("blocks", [(), (0,), (7,)])
def test_absent_blocks_are_refused(blocks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="blocks 1 to 6"):
        Classifier(3, map_blocks=blocks)


@pytest.mark.parametrize("width", [0.0, -0.5, 1.1])
def test_impossible_widths_are_refused(width: float) -> None:
    with pytest.raises(ValueError, match=r"width must lie in \(0, 1\], received"):
        Classifier(3, width=width)


def test_a_narrow_network_has_the_layers_of_the_wide_one() -> None:
    wide, narrow = Classifier(3), Classifier(3, width=0.25)
    assert list(narrow.state_dict()) == list(wide.state_dict())
    assert narrow.map_channels == tuple(channels // 4 for channels in wide.map_channels)
    assert narrow.map_strides == wide.map_strides


# Kumar's checkpoint


@pytest.mark.parametrize("prefix", ["", "module."])
def test_kumars_layout_gives_kumars_network(checkpoint: dict[str, Tensor], prefix: str) -> None:
    model = Classifier(7, map_blocks=(1, 2, 3, 4, 5, 6)).eval()
    load_kumar(model, {prefix + name: value for name, value in checkpoint.items()})
    log_mel = torch.randn(2, 128, 150, generator=torch.Generator().manual_seed(3))
    *expected, embedding = _published_network(checkpoint, log_mel.transpose(1, 2)[:, None])
    maps = model(log_mel)[1]
    for ours, theirs in zip(maps, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    ours = model.embedding(model.pool(maps[-1]))
    torch.testing.assert_close(ours, embedding, atol=1e-4, rtol=1e-4)


def test_layout_is_the_loaders_inverse(checkpoint: dict[str, Tensor]) -> None:
    model = Classifier(7)
    load_kumar(model, checkpoint)
    back = kumar_layout(model)
    assert set(back) == {name for name in checkpoint if not name.startswith("layer19")}
    assert all(torch.equal(back[name], checkpoint[name]) for name in back)


def test_batch_counters_may_be_absent(checkpoint: dict[str, Tensor]) -> None:
    old = {n: v for n, v in checkpoint.items() if not n.endswith("num_batches_tracked")}
    load_kumar(Classifier(7), old)


@pytest.mark.parametrize("name", ["layer1.0.weight", "layer11.1.running_var", "layer18.0.bias"])
@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_other_layouts_are_refused_and_change_nothing(
    checkpoint: dict[str, Tensor], name: str, damage: str
) -> None:
    damaged = dict(checkpoint)
    if damage == "missing":
        del damaged[name]
    else:
        damaged[name] = damaged[name][:-1]
    model = Classifier(7)
    before = {n: v.clone() for n, v in model.state_dict().items()}
    with pytest.raises(ValueError, match=name):
        load_kumar(model, damaged)
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())
