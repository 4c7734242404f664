"""How an explainer is trained on f's answers: what the settings of every kind hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from l2i_core.strict import at_least
from l2i_core.task import Task


@dataclass(frozen=True, slots=True)
class Training:
    """How long and how fast; muon_learning_rate is that of the convolutions, by Muon, 0: AdamW
    throughout."""

    epochs: int = 35
    batch_size: int = 16
    learning_rate: float = 5e-4
    muon_learning_rate: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs", "batch_size")
        at_least(self, 0, "learning_rate", "muon_learning_rate")


@dataclass(frozen=True, slots=True)
class Given:
    """Clips as f met them, and what it said: log_mel (B, n_mels, T) in dB, and as f normalises it;
    its feature maps [(B, channels, time, bands), …], and logits (B, C) of the `task`."""

    log_mel: Tensor
    normalised: Tensor
    maps: Sequence[Tensor]
    logits: Tensor
    task: Task
