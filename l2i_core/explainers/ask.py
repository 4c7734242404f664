"""f on one clip's components: what explainers without training ask, and what FF is measured with.

X(g) = W (g ⊙ H) / (W H) ⊙ X for gains g ∈ [0, 1]^K, x(g) = INV(X(g), P).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from l2i_core.classifiers.hearing import Hearing
from l2i_core.dictionary import masking
from l2i_core.explainers.explained import Analysis
from l2i_core.signal import spectra
from l2i_core.task import Task

Tell = Callable[[int, int], object]  # done, total
_Which = Callable[[tuple[Tensor, Tensor]], tuple[Tensor, ...]]


def _nobody(done: int, total: int) -> None:
    pass


class Ask:
    """f on one clip's components, by soft masks in a mask domain ("log" or "linear"): gains (N, K)
    in [0, 1] → logits (N, C), differentiable where f is. tell(done, total): how far a search is."""

    def __init__(
        self,
        hearing: Hearing,
        analysis: Analysis,
        domain: str = "log",
        epsilon: float = 0.0,
        tell: Tell = _nobody,
    ) -> None:
        self.tell = tell
        self._hearing, self._analysis = hearing, analysis
        self._domain, self._epsilon = domain, epsilon

    @property
    def silence(self) -> Tensor:
        """f's logits (C,) on digital silence."""
        return self._hearing.silence()

    @property
    def task(self) -> Task:
        """What f's logits mean."""
        return self._hearing.task

    def kept(self, gains: Tensor) -> Tensor:
        """f's logits (N, C) on the sound of M ⊙ X for gains (N, K)."""
        return self._ask(gains, lambda both: both[:1])[0]

    def left(self, gains: Tensor) -> Tensor:
        """f's logits (N, C) on the sound of (1 − M) ⊙ X for gains (N, K); not `kept(1 − gains)`:
        where W H = 0 the bin stays in the residual. Gains that are all 0 remove nothing, not even
        what an inverse STFT changes."""
        (logits,) = self._ask(gains, lambda both: both[1:])
        return torch.where((gains == 0).all(1, keepdim=True), self._analysis.logits, logits)

    def both(self, gains: Tensor) -> tuple[Tensor, Tensor]:
        """`kept` and `left` of gains (N, K), their masks computed once."""
        kept, left = self._ask(gains, lambda both: both)
        return kept, left

    def energies(self) -> Tensor:
        """Every component's share of ‖X‖² (K,)."""
        a = self._analysis
        return masking.component_log_energy(a.spectrogram.log_magnitude, a.patterns, a.activations)

    def sound(self, log_magnitude: Tensor) -> Tensor:
        """INV of X' (F, T) with the clip's phase (n',), at f's scale."""
        given = self._analysis.spectrogram
        return spectra.invert(log_magnitude, given.phase, given.length, self._hearing.config)

    def masked(self, gains: Tensor) -> tuple[Tensor, Tensor]:
        """X_int and X_2 (F, T) for gains (K,), a stretch of a long clip at a time."""
        x, h = self._analysis.spectrogram.log_magnitude, self._analysis.activations
        kept, left = torch.empty_like(x), torch.empty_like(x)
        for start in range(0, x.shape[1], spectra.CHUNK_FRAMES):
            part = slice(start, start + spectra.CHUNK_FRAMES)
            masks = masking.soft_masks(self._analysis.patterns, h[:, part], gains, self._epsilon)
            kept[:, part], left[:, part] = masking.apply_masks(x[:, part], masks, self._domain)
        return kept, left

    def _ask(self, gains: Tensor, which: _Which) -> tuple[Tensor, ...]:
        """f's logits (N, C) on each of the sounds that `which` takes of M ⊙ X and (1 − M) ⊙ X."""
        batch = self._hearing.classifier.batch if len(self._analysis.windows) == 1 else 1
        rows: list[Tensor] = []
        for part in gains.split(batch) if len(gains) else ():
            sounds = [torch.stack([self.sound(x) for x in which(self.masked(g))]) for g in part]
            asked = torch.stack(sounds)  # (N, which, n)
            logits = self._hearing.logits(asked.flatten(0, 1))
            rows.append(logits.unflatten(0, asked.shape[:2]))
        n = len(which((torch.empty(0), torch.empty(0))))
        found = torch.cat(rows) if rows else gains.new_empty(0, n, len(self._analysis.logits))
        return found.unbind(1)
