"""Ψ turns f's feature maps into activations H of the dictionary (paper, section 3.1).

It takes any list of feature maps (B, channels, time, bands) whose time strides are known, so any
convolutional classifier can be explained. Of a classifier that shows none, `LogMelMaps` makes them
from the log-mel.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_BANDS = 8  # every map is brought to this many frequency steps before they are joined


class Psi(nn.Module):
    """Ψ: feature maps → H ≥ 0 (B, K, T) (paper, section 3.1).

    Each map goes through a 1×1 convolution and is brought to the time step of the finest map and
    eight bands; the joined maps are convolved while time is doubled and frequency halved, up to
    one column per frame.
    """

    def __init__(
        self,
        map_channels: Sequence[int],
        map_strides: Sequence[float],
        n_components: int,
        channels: int = 128,
    ) -> None:
        super().__init__()
        if len(map_channels) != len(map_strides) or not map_channels:
            raise ValueError("Ψ needs as many time strides as feature maps, and at least one.")
        self.map_strides = tuple(map_strides)
        doublings = max(0, round(math.log2(min(map_strides))))
        self.step = 2**doublings
        # No batch normalisation: H carries the clip's level, which batch statistics would blur.
        self.entries = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in map_channels)
        joined = channels * len(map_channels)
        self.join = _convolution(nn.Conv2d(joined, channels, 3, padding=1))
        self.stages = nn.ModuleList()
        bands = _BANDS
        for _ in range(doublings):
            stride = 2 if bands > 1 else 1
            bands = max(1, bands // 2)
            self.stages.append(
                _convolution(nn.Conv2d(channels, channels, 3, stride=(1, stride), padding=1))
            )
        self.flatten = _convolution(nn.Conv1d(channels * bands, 2 * channels, 5, padding=2))
        self.out = nn.Conv1d(2 * channels, n_components, 5, padding=2)
        _start(self)
        nn.init.constant_(self.out.bias, 0.01)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[Tensor], n_frames: int) -> Tensor:
        """maps [(B, channels, T / stride, bands), …] → H (B, K, n_frames).

        Strides are in frames of H, whole or not.
        """
        steps = math.ceil(n_frames / self.step)
        joined = []
        for entry, stride, given in zip(self.entries, self.map_strides, maps, strict=True):
            # Poolings drop the last incomplete window: repeat the last step, so that every
            # map starts at frame 0 and the doublings below stay aligned with the frames.
            missing = math.ceil(n_frames / stride) - given.shape[2]
            padded = functional.pad(given, (0, 0, 0, max(0, missing)), mode="replicate")
            size = (math.ceil(padded.shape[2] * stride / self.step - 1e-6), _BANDS)
            scaled = functional.interpolate(entry(padded), size, mode="bilinear", antialias=False)
            joined.append(scaled[:, :, :steps])
        x = self.join(torch.cat(joined, dim=1))
        for stage in self.stages:
            x = stage(functional.interpolate(x, scale_factor=(2.0, 1.0), mode="nearest"))
        x = self.flatten(x.transpose(2, 3).flatten(1, 2))
        return torch.relu(self.out(x)[:, :, :n_frames]).float()


class LogMelMaps(nn.Module):
    """What stands in for f's last three maps where f shows none: maps of the log-mel (B, n_mels, T)
    at steps of 8, 16 and 32 frames, by convolutions that are trained with Ψ (as VIBI's are).

    `offset` and `scale` normalise the log-mel; no batch normalisation, as in Ψ.
    """

    offset: Tensor
    scale: Tensor
    channels = (128, 128, 128)
    strides = (8.0, 16.0, 32.0)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("offset", torch.tensor(0.0))
        self.register_buffer("scale", torch.tensor(1.0))
        each = (1, 32, 64, *self.channels)
        pairs = zip(each[:-1], each[1:], strict=True)
        self.stages = nn.ModuleList(
            nn.Sequential(
                _convolution(nn.Conv2d(before, after, 3, padding=1)),
                nn.MaxPool2d(2, ceil_mode=True),
            )
            for before, after in pairs
        )
        _start(self)

    def normalise(self, log_mel: Tensor) -> None:
        """Fit `offset` and `scale` to log-mels (N, n_mels, T) in dB."""
        self.offset.fill_(float(log_mel.mean()))
        self.scale.fill_(float(log_mel.std().clamp_min(1e-3)))

    def forward(self, log_mel: Tensor) -> list[Tensor]:
        """log_mel (B, n_mels, T) in dB → maps [(B, channels, ceil(T / stride), bands), …]."""
        x, maps = (log_mel.transpose(1, 2).unsqueeze(1) - self.offset) / self.scale, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[-len(self.channels) :]


def _start(module: nn.Module) -> None:
    """PyTorch's default start would leave a few thousandths of the input's variance after these
    layers, and without batch normalisation nothing would restore it."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def _convolution(layer: nn.Conv1d | nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(layer, nn.ReLU())
