"""The trained interpreter: Ψ and Θ together (paper, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from l2i_core.explainers.psi import Psi
from l2i_core.explainers.theta import ThetaAttention, ThetaMax

POOLINGS = ("attention", "max")


class Interpreter(nn.Module):
    """Ψ and Θ together: feature maps → H, z, attention, logits'.

    In training a share `dropout` of z's components is left out, so that Θ does not lean on a few.
    """

    def __init__(
        self,
        map_channels: Sequence[int],
        map_strides: Sequence[int],
        n_components: int,
        n_classes: int,
        pooling: str = "attention",
        channels: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {pooling!r}; accepted: {', '.join(POOLINGS)}.")
        self.psi = Psi(map_channels, map_strides, n_components, channels)
        theta = ThetaAttention if pooling == "attention" else ThetaMax
        self.theta = theta(n_components, n_classes, dropout)

    @property
    def class_weights(self) -> Tensor:
        """θ (C, K), the linear layer's weights."""
        return self.theta.linear.weight

    def forward(
        self, maps: Sequence[Tensor], n_frames: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """→ H (B, K, T), logits' (B, C), z (B, K), attention (B, T)."""
        activations = self.psi(maps, n_frames)
        with torch.autocast(activations.device.type, enabled=False):
            return activations, *self.theta(activations)
