"""The trained interpreter of the paper: Ψ and Θ together (section 3.1), and their relevances (3.2).

ATT and MAX differ by Θ's pooling; the loops (ours) by how they were trained (`losses`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from l2i_core.classifiers.protocol import Heard, SoundClassifier
from l2i_core.explainers.conventions import PAPER, Conventions
from l2i_core.explainers.protocol import LAYERS, Activations, Analysis, Ask, Explainer
from l2i_core.explainers.psi import LogMelMaps, Psi
from l2i_core.explainers.theta import ThetaAttention, ThetaMax, relevance
from l2i_core.signal import spectra
from l2i_core.signal.spectra import AudioConfig

POOLINGS = ("attention", "max")
MAPS, LOG_MEL = "maps", "log-mel"  # what Ψ may read
READS = (MAPS, LOG_MEL)


class Interpreter(nn.Module):
    """Ψ and Θ together: feature maps → H, z, attention, logits'. log_mel: settings of the log-mel
    that Ψ reads instead of f's maps.

    In training a share `dropout` of z's components is left out, so that Θ does not lean on a few.
    """

    def __init__(
        self,
        map_channels: Sequence[int],
        map_strides: Sequence[float],
        n_components: int,
        n_classes: int,
        pooling: str = "attention",
        channels: int = 128,
        dropout: float = 0.0,
        log_mel: AudioConfig | None = None,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {pooling!r}; accepted: {', '.join(POOLINGS)}.")
        self.log_mel, self.ear = log_mel, LogMelMaps() if log_mel else None
        self.psi = Psi(map_channels, map_strides, n_components, channels)
        theta = ThetaAttention if pooling == "attention" else ThetaMax
        self.theta = theta(n_components, n_classes, dropout)

    @classmethod
    def for_classifier(
        cls,
        classifier: SoundClassifier,
        config: AudioConfig,
        n_components: int,
        pooling: str = "attention",
        channels: int = 128,
        dropout: float = 0.0,
        reads: str = MAPS,
    ) -> Interpreter:
        """One that fits f's layers (or the log-mel, if it `reads` that) and the frames of an STFT;
        ValueError where it would read maps of a black box."""
        if reads not in READS:
            raise ValueError(f"an interpreter reads {' or '.join(READS)}, received {reads!r}.")
        frame = config.hop_length / config.sample_rate
        strides = [layer.step_seconds / frame for layer in classifier.layers]
        strides = [float(round(s)) if abs(s - round(s)) < 1e-6 else s for s in strides]
        widths: Sequence[int] = [layer.channels for layer in classifier.layers]
        if reads == LOG_MEL:
            widths, strides = LogMelMaps.channels, list(LogMelMaps.strides)
        return cls(
            widths,
            strides,
            n_components,
            len(classifier.classes),
            pooling,
            channels,
            dropout,
            config if reads == LOG_MEL else None,
        )

    @property
    def class_weights(self) -> Tensor:
        """θ (C, K), the linear layer's weights."""
        return self.theta.linear.weight

    def read(self, maps: Sequence[Tensor], log_magnitude: Tensor) -> Sequence[Tensor]:
        """What `forward` takes of f's maps and X (B, F, T): the maps, or the log-mel alone."""
        if self.log_mel is None:
            return maps
        return [spectra.log_mel(spectra.magnitude(log_magnitude), self.log_mel)]

    def forward(
        self, maps: Sequence[Tensor], n_frames: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What it reads → H (B, K, T), logits' (B, C), z (B, K), attention (B, T)."""
        maps = self.ear(maps[0]) if self.ear else maps
        activations = self.psi(maps, n_frames)
        with torch.autocast(activations.device.type, enabled=False):
            return activations, *self.theta(activations)


class PsiTheta(Explainer):
    """A trained interpreter as an explainer: H from f's feature maps (or the log-mel) in one pass,
    r from θ."""

    def __init__(
        self,
        interpreter: Interpreter,
        title: str,
        description: str,
        conventions: Conventions = PAPER,
        multi_label: bool = False,
    ) -> None:
        self.interpreter, self.title, self.description = interpreter, title, description
        self.needs = frozenset({LAYERS} if interpreter.log_mel is None else ())  # type: ignore[misc]
        self._conventions, self._multi_label = conventions, multi_label

    @property
    def class_weights(self) -> Tensor:  # type: ignore[override]
        """θ (C, K): Θ's linear layer."""
        return self.interpreter.class_weights.detach()

    def activations(self, heard: Heard, log_magnitude: Tensor, patterns: Tensor) -> Activations:
        """H = Ψ(maps), and Θ's answers; nothing is active in silence."""
        read = self.interpreter.read(heard.maps, log_magnitude[None])
        h, theirs, pooled, attention = self.interpreter(read, log_magnitude.shape[1])
        if float(log_magnitude.max()) == 0.0:
            h = torch.zeros_like(h)
            theirs, pooled, attention = self.interpreter.theta(h)
        return Activations(h[0], pooled[0], attention[0], theirs[0])

    def relevance(self, analysis: Analysis, target: int, ask: Ask) -> Tensor:
        """r_k = z_k θ_ck / max_l |z_l θ_cl| (section 3.2)."""
        return self._of(analysis.pooled, target)

    def measured_relevance(self, analysis: Analysis, target: int, ask: Ask) -> Tensor:
        """The same; the released code takes the maxima of H over time for one class a clip."""
        if not self._conventions.max_pooled_faithfulness or self._multi_label:
            return self.relevance(analysis, target, ask)
        peaks = [analysis.activations[:, s:e].amax(dim=1) for s, e in analysis.windows]
        return self._of(torch.stack(peaks).mean(0), target)

    def _of(self, pooled: Tensor, target: int) -> Tensor:
        return relevance(pooled, self.class_weights[target], self._conventions.signed_relevance)
