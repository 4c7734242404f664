"""The classifier f that is explained: the VGG-style network of Kumar et al. (2018).

Modules return logits, never probabilities, and the feature maps that the interpreter reads:
there are no hooks. `load_kumar` maps Kumar's published AudioSet checkpoint to this layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from l2i_core.classifiers.protocol import BATCH, CLASSIFIERS, Heard, layers_of_blocks
from l2i_core.signal import spectra
from l2i_core.signal.spectra import AudioConfig

# Channels of the six convolution blocks; each but the last has two layers (Kumar et al. 2018).
BLOCKS = ((16, 16), (32, 32), (64, 64), (128, 128), (256, 256), (512,))
EMBEDDING = 1024
# Positions of the convolution layers in the published checkpoint ("layer1" … "layer18").
_KUMAR_LAYERS = ((1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16,))
_KUMAR_EMBEDDING = 18


def _convolution(in_channels: int, out_channels: int, kernel_size: int = 3) -> nn.Sequential:
    padding = 1 if kernel_size == 3 else 0
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class Classifier(nn.Module):
    """f: log-mel (B, n_mels, T) in dB → logits (B, C) and the feature maps of chosen blocks.

    The prediction layers are those of the paper's released code: a 1×1 convolution 1024 → 256
    with ReLU, a global maximum, dropout and a linear layer. `offset` and `scale` normalise the
    log-mel, (dB − offset) / scale; 0 and 1 (the default) suit Kumar's checkpoint.

    Feature maps are taken before their block's pooling: (B, channels, T / stride, n_mels / stride)
    with the strides in `map_strides`. `blocks` counts from 1; the default is the last three.
    `width` is the share of the published network's channels that the blocks and the embedding have.
    """

    offset: Tensor
    scale: Tensor

    def __init__(
        self,
        n_classes: int,
        n_mels: int = 128,
        offset: float = 0.0,
        scale: float = 1.0,
        head_channels: int = 256,
        dropout: float = 0.2,
        map_blocks: tuple[int, ...] = (4, 5, 6),
        width: float = 1.0,
    ) -> None:
        super().__init__()
        if n_mels < 2 ** len(BLOCKS) * 2:
            raise ValueError(f"the classifier needs at least 128 mel bands, received {n_mels}.")
        if not map_blocks or not set(map_blocks) <= set(range(1, len(BLOCKS) + 1)):
            raise ValueError(f"feature maps come from blocks 1 to 6, received {map_blocks}.")
        self.register_buffer("offset", torch.tensor(float(offset)))
        self.register_buffer("scale", torch.tensor(float(scale)))
        if not 0 < width <= 1:
            raise ValueError(f"the classifier's width must lie in (0, 1], received {width}.")
        self.map_blocks, self.width = tuple(map_blocks), width
        self.blocks = nn.ModuleList()
        channels = 1
        for block in BLOCKS:
            layers = []
            for out_channels in map(self._wide, block):
                layers.append(_convolution(channels, out_channels))
                channels = out_channels
            self.blocks.append(nn.Sequential(*layers))
        self.pool = nn.MaxPool2d(2)
        embedding = self._wide(EMBEDDING)
        self.embedding = _convolution(channels, embedding, kernel_size=2)
        self.head = nn.Sequential(nn.Conv2d(embedding, head_channels, 1), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(head_channels, n_classes)

    def _wide(self, channels: int) -> int:
        return max(1, round(self.width * channels))

    @property
    def min_frames(self) -> int:
        """The fewest STFT frames that survive six poolings and the 2×2 kernel."""
        return 2 ** len(BLOCKS) * 2

    @property
    def map_channels(self) -> tuple[int, ...]:
        return tuple(self._wide(BLOCKS[b - 1][-1]) for b in self.map_blocks)

    @property
    def map_strides(self) -> tuple[int, ...]:
        """How many STFT frames one step of each feature map covers."""
        return tuple(2 ** (b - 1) for b in self.map_blocks)

    def forward(self, log_mel: Tensor) -> tuple[Tensor, list[Tensor]]:
        """log_mel (B, n_mels, T) → logits (B, C), feature maps [(B, channels, time, mel), …]."""
        x = (log_mel.transpose(1, 2).unsqueeze(1) - self.offset) / self.scale
        maps = []
        for index, block in enumerate(self.blocks, start=1):
            x = block(x)
            if index in self.map_blocks:
                maps.append(x)
            x = self.pool(x)
        x = self.head(self.embedding(x))
        return self.linear(self.dropout(x.amax(dim=(2, 3)))), maps


@CLASSIFIERS.add("kumar")
class KumarVgg:
    """The network behind its front end: sound → STFT → log-mel → logits and maps.

    front_end: the front end's settings. The network's weights keep their names.
    """

    differentiable = True
    batch = BATCH

    def __init__(
        self,
        network: Classifier,
        front_end: AudioConfig,
        classes: tuple[str, ...],
        multi_label: bool = False,
    ) -> None:
        # The forward pass, which all waiting is for, takes a third less time in this layout.
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.front_end, self.classes, self.multi_label = front_end, classes, multi_label
        self.sample_rate = front_end.sample_rate
        frame = front_end.hop_length / front_end.sample_rate
        self.min_seconds = (network.min_frames - 1) * frame
        self.layers = layers_of_blocks(network, frame)

    @classmethod
    def from_config(
        cls,
        values: Mapping[str, Any],
        audio: AudioConfig,
        classes: tuple[str, ...],
        multi_label: bool,
    ) -> KumarVgg:
        """Without weights yet, by a bundle's `head_channels`, `map_blocks` and, if any, `width`."""
        settings = {**values, "map_blocks": tuple(values["map_blocks"])}
        network = Classifier(len(classes), audio.n_mels, **settings)
        return cls(network, audio, classes, multi_label)

    def config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        network = self.network
        return {
            "head_channels": network.linear.in_features,
            "map_blocks": list(network.map_blocks),
            **({"width": network.width} if network.width != 1 else {}),
        }

    def hear(self, waveforms: Tensor) -> Heard:
        """Waveforms (B, n) → logits (B, C) and maps."""
        return self.hear_spectrogram(spectra.stft(waveforms, self.front_end).abs())

    def hear_spectrogram(self, magnitude: Tensor) -> Heard:
        """The same from |S| (B, F, T) of `front_end`; an approximation on a masked |S|."""
        logits, maps = self.network(spectra.log_mel(magnitude, self.front_end))
        return Heard(logits, tuple(maps))

    def seen(self, waveform: Tensor) -> tuple[Tensor, str]:
        """Log-mel (n_mels, T) in dB of a sound (n,)."""
        log_mel = spectra.log_mel(spectra.stft(waveform, self.front_end).abs(), self.front_end)
        return log_mel, f"its log-mel spectrogram of {self.front_end.n_mels} bands"


def load_kumar(model: Classifier, checkpoint: Mapping[str, Tensor]) -> None:
    """Copy the convolution layers of Kumar's AudioSet checkpoint into `model`.

    checkpoint: a state dict with the names "layerN.0.weight", "layerN.0.bias", "layerN.1.*"
    (optionally prefixed "module."). The AudioSet output layer ("layer19") is left out: the
    paper replaces it (A.1.2). Raises ValueError naming the first tensor that is missing or has
    another shape; `model` is then unchanged.
    """
    given = {name.removeprefix("module."): value for name, value in checkpoint.items()}
    target = model.state_dict()
    new = {}
    for ours, theirs in _kumar_names().items():
        if theirs not in given:
            if theirs.endswith("num_batches_tracked"):  # absent from checkpoints before torch 0.4.1
                continue
            raise ValueError(f"the checkpoint lacks {theirs!r}; Kumar's layout has it.")
        if given[theirs].shape != target[ours].shape:
            raise ValueError(
                f"{theirs!r} has shape {tuple(given[theirs].shape)} in the checkpoint; "
                f"Kumar's layout has {tuple(target[ours].shape)}."
            )
        new[ours] = given[theirs]
    model.load_state_dict({**target, **new})


def kumar_layout(model: Classifier) -> dict[str, Tensor]:
    """`model`'s convolution layers under Kumar's names: the inverse of `load_kumar`."""
    state = model.state_dict()
    return {theirs: state[ours] for ours, theirs in _kumar_names().items()}


def _kumar_names() -> dict[str, str]:
    names = {}
    parts = ["0.weight", "0.bias"] + [
        f"1.{p}" for p in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    ]
    for block, layers in enumerate(_KUMAR_LAYERS):
        for position, layer in enumerate(layers):
            for part in parts:
                names[f"blocks.{block}.{position}.{part}"] = f"layer{layer}.{part}"
    for part in parts:
        names[f"embedding.{part}"] = f"layer{_KUMAR_EMBEDDING}.{part}"
    return names
