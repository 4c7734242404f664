"""YAMNet (Plakal & Ellis 2020, tensorflow/models research/audioset/yamnet): a MobileNet v1 (Howard
et al. 2017) on log-mel patches, trained on AudioSet's 521 classes.

Its published weights are not ours to ship: `published` reads them from where the environment
variable L2I_YAMNET says. A network that was fine-tuned from them is a bundle's f as any other.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from l2i_core.classifiers.protocol import BATCH, CLASSIFIERS, Heard, layers_of_blocks
from l2i_core.classifiers.tflite_weights import read_tflite
from l2i_core.signal import spectra
from l2i_core.signal.spectra import AudioConfig
from l2i_core.weights import check_shapes, freeze, read_tensors

VARIABLE = "L2I_YAMNET"
WEIGHTS = "yamnet-audioset-fp16.safetensors"
CLASS_MAPS = ("yamnet_class_map.csv", "class_map.csv")
POOLINGS = ("mean", "mean-max")

FRONT_END = AudioConfig(16000, 512, 400, 160, n_mels=64, f_min=125.0, f_max=7500.0)
PATCH_SECONDS = 0.975  # the shortest sound that the published model scores: 96 frames
_OFFSET = 0.001  # added to the mel bands before the logarithm

_STEM = 32
_LEAST_VARIANCE = 0.25  # features that hardly ever vary are not blown up
# Channels and stride of the thirteen depthwise separable blocks.
_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
MAP_BLOCKS = (3, 5, 11, 13)  # the last of each resolution


class _Convolution(nn.Conv2d):
    """A convolution of kernel 3 (depthwise where there are several channels) or 1, and a ReLU.

    TensorFlow's "same" padding: a stride of 2 pads behind the data alone, so that step i of the
    output begins at step 2 i of the input.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1
    ) -> None:
        groups = in_channels if kernel > 1 else 1
        padding = 1 if kernel > 1 and stride == 1 else 0
        super().__init__(in_channels, out_channels, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, time, bands) → (B, channels, ⌈time / stride⌉, ⌈bands / stride⌉)."""
        if self.stride[0] > 1:
            time, bands = x.shape[2:]
            x = functional.pad(x, (0, 1 + bands % 2, 0, 1 + time % 2))
        return super().forward(x).relu_()


class _Block(nn.Module):
    """A depthwise and a pointwise convolution."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.depthwise = _Convolution(in_channels, in_channels, 3, stride)
        self.pointwise = _Convolution(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, time, bands) → the same with other channels and resolution."""
        return self.pointwise(self.depthwise(x))


class YamnetNetwork(nn.Module):
    """Log-mel (B, 64, T) → logits (B, C) and the feature maps of chosen blocks.

    Batch normalisations are folded into weights and biases. pooling: what the linear `head` reads
    of the last block, its "mean" over the whole sound, as published, or "mean-max", that and its
    maximum over time of the mean over bands, each normalised: they vary by 10 and more, and a new
    head would not learn from them evenly. `map_blocks` counts from 1; maps (B, channels, time,
    bands) are the blocks' outputs, which cover `map_strides` frames a step.
    """

    def __init__(
        self,
        n_classes: int,
        pooling: str = "mean",
        map_blocks: tuple[int, ...] = MAP_BLOCKS,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {pooling!r}; accepted: {', '.join(POOLINGS)}.")
        if not map_blocks or not set(map_blocks) <= set(range(1, len(_BLOCKS) + 1)):
            raise ValueError(
                f"feature maps come from blocks 1 to {len(_BLOCKS)}, received {map_blocks}."
            )
        self.pooling, self.map_blocks = pooling, tuple(map_blocks)
        self.stem = _Convolution(1, _STEM, 3, 2)
        self.blocks = nn.ModuleList()
        channels = _STEM
        for out_channels, stride in _BLOCKS:
            self.blocks.append(_Block(channels, out_channels, stride))
            channels = out_channels
        wide = channels if pooling == "mean" else 2 * channels
        self.normalise: nn.Module = nn.Identity()
        if pooling == "mean-max":
            self.normalise = nn.BatchNorm1d(wide, eps=_LEAST_VARIANCE, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(wide, n_classes)

    @property
    def map_channels(self) -> tuple[int, ...]:
        return tuple(_BLOCKS[b - 1][0] for b in self.map_blocks)

    @property
    def map_strides(self) -> tuple[int, ...]:
        """How many frames of the log-mel one step of each feature map covers."""
        strides = np.cumprod([2, *(stride for _, stride in _BLOCKS)])
        return tuple(int(strides[b]) for b in self.map_blocks)

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """All of them, in the order in which they are passed."""
        return [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]

    def forward(self, log_mel: Tensor) -> tuple[Tensor, list[Tensor]]:
        """log_mel (B, 64, T) → logits (B, C), feature maps [(B, channels, time, bands), …]."""
        x = self.stem(log_mel.transpose(1, 2).unsqueeze(1))
        maps = []
        for index, block in enumerate(self.blocks, start=1):
            x = block(x)
            if index in self.map_blocks:
                maps.append(x)
        pooled = x.mean(dim=(2, 3))
        if self.pooling == "mean-max":
            pooled = torch.cat([pooled, x.mean(dim=3).amax(dim=2)], dim=1)
        return self.head(self.dropout(self.normalise(pooled))), maps


@CLASSIFIERS.add("yamnet")
class Yamnet:
    """The network behind its front end: sound at 16 kHz → log-mel → logits and maps, over the whole
    sound at once (the published model averages patches of 0.96 s, which gives nearly the same).

    Without a network it is the published one, from L2I_YAMNET, multi-label.
    """

    sample_rate = FRONT_END.sample_rate
    min_seconds = PATCH_SECONDS
    differentiable = True
    batch = BATCH

    def __init__(
        self,
        network: YamnetNetwork | None = None,
        classes: tuple[str, ...] = (),
        multi_label: bool = True,
    ) -> None:
        if network is None:
            network, classes = published()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classes, self.multi_label = tuple(classes), multi_label
        frame = FRONT_END.hop_length / FRONT_END.sample_rate
        self.layers = layers_of_blocks(network, frame)

    @classmethod
    def from_config(
        cls,
        values: Mapping[str, Any],
        audio: AudioConfig,
        classes: tuple[str, ...],
        multi_label: bool,
    ) -> Yamnet:
        """Without weights yet, by a bundle's `pooling` and `map_blocks`."""
        settings = {**values, "map_blocks": tuple(values["map_blocks"])}
        return cls(YamnetNetwork(len(classes), **settings), classes, multi_label)

    def config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {"pooling": self.network.pooling, "map_blocks": list(self.network.map_blocks)}

    def hear(self, waveforms: Tensor) -> Heard:
        """Waveforms (B, n) → logits (B, C) and maps."""
        logits, maps = self.network(log_mel(waveforms))
        return Heard(logits, tuple(maps))

    def seen(self, waveform: Tensor) -> tuple[Tensor, str]:
        """Log-mel (64, T) of a sound (n,)."""
        return log_mel(waveform[None])[0], "its log-mel spectrogram of 64 bands"


def log_mel(waveforms: Tensor) -> Tensor:
    """YAMNet's front end: (B, n) at 16 kHz → log(mel + 0.001) (B, 64, T); differentiable.

    Magnitudes of 25 ms (periodic Hann) every 10 ms; the first frame begins with the sound, and the
    last, zero-padded, holds its end.
    """
    hop, window = FRONT_END.hop_length, FRONT_END.win_length
    frames = n_frames(waveforms.shape[-1])
    padded = functional.pad(waveforms, (0, (frames - 1) * hop + window - waveforms.shape[-1]))
    # Our STFT's frames are centred: the one in the middle of the first 25 ms is frame 1 of the
    # sound that begins `window / 2 − hop` samples later.
    late = padded[..., window // 2 - hop :]
    magnitude = spectra.stft_frames(late, 1, frames + 1, FRONT_END).abs()
    return (_mel_bands(magnitude.device) @ magnitude + _OFFSET).log()


def n_frames(length: int) -> int:
    """T of `log_mel` for so many samples."""
    return 1 + max(0, -(-(length - FRONT_END.win_length) // FRONT_END.hop_length))


@lru_cache(maxsize=2)
@torch.inference_mode(False)
def _mel_bands(device: torch.device) -> Tensor:
    """Triangles (64, F) of height 1 with straight sides in HTK's mel, without the DC bin, as
    TensorFlow's linear_to_mel_weight_matrix makes them."""

    def mel(hz: Any) -> Any:
        return 1127.0 * np.log(1.0 + np.asarray(hz) / 700.0)

    low, high = mel(FRONT_END.f_min), mel(FRONT_END.f_max)
    edges = np.linspace(low, high, FRONT_END.n_mels + 2)[:, None]
    bins = mel(np.linspace(0, FRONT_END.sample_rate / 2, FRONT_END.n_bins))
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles = np.minimum(rising, falling).clip(min=0)
    triangles[:, 0] = 0.0
    return torch.from_numpy(triangles.astype(np.float32)).to(device)


def published() -> tuple[YamnetNetwork, tuple[str, ...]]:
    """YAMNet with AudioSet's weights, frozen, and its 521 classes, from the folder or the TFLite
    file that L2I_YAMNET names; ValueError says what to do where it is not there."""
    named = os.environ.get(VARIABLE)
    if not named:
        raise ValueError(
            f"YAMNet's weights are not at hand: set the environment variable {VARIABLE} to its "
            f"published TFLite file, {CLASS_MAPS[0]} beside it, or to a folder with {WEIGHTS} and "
            f"{CLASS_MAPS[1]}."
        )
    given = Path(named).expanduser()
    file = given if given.suffix == ".tflite" else given / WEIGHTS
    if not file.is_file():
        raise ValueError(f"{VARIABLE} names {given}, and there is no {file}; give what is there.")
    classes = _class_map(file.parent)
    network = YamnetNetwork(len(classes))
    state = network.state_dict()
    if file.suffix == ".tflite":
        tensors = read_tflite(file, {name: value.shape for name, value in state.items()})
    else:
        tensors = read_tensors(file)
    check_shapes(tensors, state, file)
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return freeze(network), classes


def _class_map(folder: Path) -> tuple[str, ...]:
    """Names in the order of the scores, as YAMNet's class map lists them."""
    there = [folder / name for name in CLASS_MAPS if (folder / name).is_file()]
    if not there:
        raise ValueError(f"{folder} lacks YAMNet's class map, {' or '.join(CLASS_MAPS)}; add it.")
    with there[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or "display_name" not in rows[0]:
        raise ValueError(f"{there[0]} is no class map: it lacks the column 'display_name'.")
    return tuple(row["display_name"] for row in rows)
