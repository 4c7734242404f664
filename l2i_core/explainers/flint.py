"""FLINT, post hoc (Parekh et al., NeurIPS 2021): attributes of the whole clip that explain f.

From the same feature maps of f as L2I, a network Φ computes J non-negative attributes; a linear
layer on them mimics f, and a decoder rebuilds the log-mel from them, which is what keeps them
about the input. Relevances are as in L2I, but an attribute has no sound of its own: nothing can be
played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from l2i_core.classifiers.hearing import Hearing
from l2i_core.explainers import losses
from l2i_core.explainers.explained import Analysis
from l2i_core.explainers.theta import relevance as relevance_of
from l2i_core.explainers.training import Given, Training
from l2i_core.strict import at_least

_GRID = 3  # every map is pooled to 3 × 3 before the attributes
_DECODER = (64, 32, 32, 16, 8, 8)  # channels from the attributes to the log-mel
_START = (10, 4)  # time × mel steps that the decoder begins with


@dataclass(frozen=True, slots=True)
class Settings(Training):
    """How FLINT is built and trained: J is W's K; the last four weigh the terms of the loss."""

    title: ClassVar[str] = "FLINT"
    description: ClassVar[str] = (
        "Attributes of the whole clip and their relevance; nothing of it can be played."
    )

    kind: str = "flint"
    channels: int = 128
    fidelity: float = 1.0
    reconstruction: float = 10.0  # γ = α
    sparsity: float = 0.6
    entropy: float = 0.2

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        at_least(self, 1, "channels")
        at_least(self, 0, "fidelity", "reconstruction", "sparsity", "entropy")

    def loss_terms(self, model: Flint, given: Given) -> dict[str, Tensor]:
        """Fidelity to f's logits, reconstruction of the normalised log-mel, ℓ1 norm and entropy of
        the attributes; all means, weighted."""
        attributes, theirs = model(given.maps)
        rebuilt = model.decode(attributes, (given.log_mel.shape[1], given.log_mel.shape[2]))
        concise, diverse = entropies(attributes)
        return {
            "fidelity": self.fidelity * losses.fidelity(theirs, given.logits, given.task),
            "reconstruction": self.reconstruction
            * functional.mse_loss(rebuilt.float(), given.normalised),
            "sparsity": self.sparsity * attributes.mean(),
            "entropy": self.entropy * (concise - diverse),
        }


class Flint(nn.Module):
    """Φ, the linear layer and the decoder: feature maps of f → attributes, logits."""

    def __init__(
        self, map_channels: Sequence[int], n_attributes: int, n_classes: int, channels: int = 128
    ) -> None:
        super().__init__()
        self.entries = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, channels, 3, padding=1), nn.ReLU()) for c in map_channels
        )
        self.attributes = nn.Linear(len(map_channels) * channels * _GRID**2, n_attributes)
        self.linear = nn.Linear(n_attributes, n_classes, bias=False)
        self.start = nn.Linear(n_attributes, _DECODER[0] * _START[0] * _START[1])
        self.stages = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1)
            for before, after in zip(_DECODER[:-1], _DECODER[1:], strict=True)
        )
        self.out = nn.Conv2d(_DECODER[-1], 1, 3, padding=1)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """maps [(B, channels, time, bands), …] → attributes (B, J) ≥ 0, logits (B, C)."""
        pooled = [
            functional.adaptive_max_pool2d(entry(given), _GRID).flatten(1)
            for entry, given in zip(self.entries, maps, strict=True)
        ]
        attributes = torch.relu(self.attributes(torch.cat(pooled, dim=1))).float()
        with torch.autocast(attributes.device.type, enabled=False):
            return attributes, self.linear(attributes)

    def decode(self, attributes: Tensor, size: tuple[int, int]) -> Tensor:
        """Attributes (B, J) → the normalised log-mel (B, n_mels, T) of size (n_mels, T)."""
        x = torch.relu(self.start(attributes)).view(-1, _DECODER[0], *_START)
        for stage in self.stages:
            x = torch.relu(stage(functional.interpolate(x, scale_factor=2.0, mode="nearest")))
        x = functional.interpolate(self.out(x), (size[1], size[0]), mode="bilinear")
        return x.squeeze(1).transpose(1, 2)


def entropies(attributes: Tensor) -> tuple[Tensor, Tensor]:
    """Conciseness and diversity: the mean entropy of the clips' attributes (B, J), and the entropy
    of their mean; E(v) = −Σ p log p with p = softmax(v)."""
    return _entropy(attributes).mean(), _entropy(attributes.mean(dim=0, keepdim=True)).mean()


def _entropy(values: Tensor) -> Tensor:
    logs = torch.log_softmax(values, dim=1)
    return -(logs.exp() * logs).sum(dim=1)


@dataclass(frozen=True, slots=True)
class FlintExplanation:
    """What FLINT says of a clip for one class: attributes and relevance (J,), its logits (C,)."""

    attributes: Tensor
    relevance: Tensor
    logits: Tensor


@torch.no_grad()
def explain(model: Flint, hearing: Hearing, analysis: Analysis, target: int) -> FlintExplanation:
    """Attributes and their relevance for a class; ValueError for a clip heard in windows."""
    hearing.check_whole(analysis.waveform, "FLINT")
    x = analysis.spectrogram.log_magnitude
    (heard,) = hearing.hear(analysis.waveform * analysis.gain, x)
    attributes, logits = model(heard.maps)
    relevance = relevance_of(attributes[0], model.linear.weight[target])
    return FlintExplanation(attributes[0], relevance, logits[0])
