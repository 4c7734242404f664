"""VIBI (Bang et al., AAAI 2021): which chunks of the log-mel suffice to predict f's output?

f is a black box here: an explainer network scores 10 × 4 chunks (time × mel), the k best are kept,
and an approximator predicts f's output from them alone. Both train together, the choice relaxed
to k Gumbel-softmax draws (concrete distribution) and their elementwise maximum. The kept chunks
are a coarse time-mel mask; carried to the STFT it can be heard, though nothing was trained for
that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import RelaxedOneHotCategorical
from torch.nn import functional

from l2i_core.classifiers.hearing import Hearing
from l2i_core.dictionary import masking
from l2i_core.explainers import losses
from l2i_core.explainers.explained import Analysis
from l2i_core.explainers.training import Given, Training
from l2i_core.signal import spectra
from l2i_core.strict import at_least

GRID = (10, 4)  # chunks over time and over mel bands
_EXPLAINER = (16, 32, 64)
_APPROXIMATOR = (16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Settings(Training):
    """How VIBI is built and trained: `fidelity` and `compression` weigh the terms of the loss."""

    title: ClassVar[str] = "VIBI"

    kind: str = "vibi"
    kept_chunks: int = 20  # k of the 40
    pool: int = 1  # the log-mel is averaged over pool × pool points: pool² times cheaper
    fidelity: float = 1.0
    compression: float = 0.1  # β
    temperature: float = 0.5

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        at_least(self, 1, "kept_chunks", "pool")
        at_least(self, 0, "fidelity", "compression")
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, received {self.temperature}.")

    @property
    def description(self) -> str:
        """What is kept, and what can be played of it."""
        return (
            f"Keeps {self.kept_chunks} of 40 chunks of the log-mel for f's output as a whole; they "
            "can be played through the mask, though no sound was asked of it in training."
        )

    def loss_terms(self, model: Vibi, given: Given) -> dict[str, Tensor]:
        """The approximator's cross-entropy with f's output, and the bottleneck: the divergence of
        the explainer's distribution over chunks from the uniform prior; means, weighted."""
        scores = model.scores(given.log_mel)
        theirs = model.approximate(given.log_mel, model.sample(scores, self.temperature)).float()
        divergence = (scores.exp() * (scores + torch.log(torch.tensor(scores.shape[1])))).sum(dim=1)
        return {
            "fidelity": self.fidelity * losses.fidelity(theirs, given.logits, given.task),
            "compression": self.compression * divergence.mean(),
        }


class Vibi(nn.Module):
    """Explainer and approximator. `offset` and `scale` normalise the log-mel as for f; both
    networks see it averaged over pool × pool points."""

    offset: Tensor
    scale: Tensor

    def __init__(
        self,
        n_classes: int,
        kept: int = 20,
        offset: float = 0.0,
        scale: float = 1.0,
        pool: int = 1,
    ) -> None:
        super().__init__()
        if not 1 <= kept <= GRID[0] * GRID[1]:
            raise ValueError(
                f"VIBI keeps 1 to {GRID[0] * GRID[1]} chunks, received kept_chunks={kept}."
            )
        self.kept, self.pool = kept, pool
        self.register_buffer("offset", torch.tensor(float(offset)))
        self.register_buffer("scale", torch.tensor(float(scale)))
        self.explainer = _convolutions(_EXPLAINER)
        # Which bands a pattern lies in matters, so neither network averages over all of them.
        self.score = nn.Conv2d(_EXPLAINER[-1], GRID[1], (1, GRID[1]))
        self.approximator = _convolutions(_APPROXIMATOR)
        self.linear = nn.Linear(_APPROXIMATOR[-1] * GRID[1], n_classes)

    def scores(self, log_mel: Tensor) -> Tensor:
        """log_mel (B, n_mels, T) in dB → log-probabilities of the chunks (B, 40), time first."""
        x = self.explainer(self._image(log_mel))
        chunks = self.score(functional.adaptive_avg_pool2d(x, GRID)).squeeze(3).transpose(1, 2)
        return torch.log_softmax(chunks.flatten(1).float(), dim=1)

    def sample(self, scores: Tensor, temperature: float) -> Tensor:
        """A relaxed k-hot vector (B, 40) in (0, 1): the maximum of k draws."""
        draws = RelaxedOneHotCategorical(torch.tensor(temperature), logits=scores)
        return draws.rsample((self.kept,)).amax(dim=0)

    def choose(self, scores: Tensor) -> Tensor:
        """The k best chunks as a k-hot vector (B, 40)."""
        best = scores.topk(self.kept, dim=1).indices
        return torch.zeros_like(scores).scatter(1, best, 1.0)

    def approximate(self, log_mel: Tensor, chunks: Tensor) -> Tensor:
        """log_mel (B, n_mels, T), chunks (B, 40) → predicted logits of f (B, C)."""
        image = self._image(log_mel)
        # What is left out is as quiet as the clip's quietest point, not 0 dB.
        floor = image.amin(dim=(2, 3), keepdim=True)
        mask = chunk_mask(chunks, image.shape[3], image.shape[2])
        image = floor + (image - floor) * mask.transpose(1, 2).unsqueeze(1)
        x = functional.adaptive_max_pool2d(self.approximator(image), (1, GRID[1]))
        return self.linear(x.flatten(1))

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """→ the chunks that are kept, k-hot (B, 40), and logits (B, C)."""
        chunks = self.choose(self.scores(log_mel))
        return chunks, self.approximate(log_mel, chunks)

    def _image(self, log_mel: Tensor) -> Tensor:
        image = (log_mel.transpose(1, 2).unsqueeze(1) - self.offset) / self.scale
        return functional.avg_pool2d(image, self.pool) if self.pool > 1 else image


def _convolutions(channels: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in zip((1, *channels[:-1]), channels, strict=True):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*layers)


def chunk_mask(chunks: Tensor, n_mels: int, n_frames: int) -> Tensor:
    """Chunks (B, 40), time first → a time-mel mask (B, n_mels, n_frames)."""
    grid = chunks.view(-1, 1, *GRID)
    return functional.interpolate(grid, (n_frames, n_mels)).squeeze(1).transpose(1, 2)


@dataclass(frozen=True, slots=True)
class VibiExplanation:
    """What VIBI keeps of a clip: chunks (10, 4) as 0/1, X_int (F, T) at f's scale, the
    approximator's logits (C,), what is kept and left as sound (n',) at the clip's level, and f's
    logits (C,) on both at x's gain.

    energy_kept: the share of the input's energy that is kept.
    """

    chunks: Tensor
    log_magnitude: Tensor
    logits: Tensor
    audio: Tensor
    residual: Tensor
    logits_interpretation: Tensor
    logits_without: Tensor
    energy_kept: float


@torch.no_grad()
def explain(model: Vibi, hearing: Hearing, analysis: Analysis) -> VibiExplanation:
    """The chunks that VIBI keeps, as a mask and as sound. It explains f's output as a whole, not a
    class that one may choose. Raises ValueError for a clip that f hears in windows."""
    hearing.check_whole(analysis.waveform, "VIBI")
    x, config = analysis.spectrogram.log_magnitude, hearing.config
    log_mel = spectra.log_mel(spectra.magnitude(x), config).unsqueeze(0)
    chunks, logits = model(log_mel)
    mask = chunk_mask(chunks, log_mel.shape[1], log_mel.shape[2])[0]
    kept, left = masking.apply_masks(x, spectra.from_mel_mask(mask, config), "linear")
    given = analysis.spectrogram
    sounds = torch.stack(
        [spectra.invert(part, given.phase, given.length, config) for part in (kept, left)]
    )
    with_it, without = hearing.logits(sounds)
    sound, residual = sounds / analysis.gain
    return VibiExplanation(
        chunks[0].view(GRID),
        kept,
        logits[0],
        sound,
        residual,
        with_it,
        without,
        masking.energy_share(spectra.magnitude(x), x, kept),
    )
