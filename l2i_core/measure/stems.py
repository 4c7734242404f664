"""Where the sounds that add up to a clip are known: what of each passes into a kept sound.

f meets every mixture on the mixture's own scale, 1 / max|x|, and its stems are measured at that
same scale. The stem whose class is explained is the target ("followed" in the rows of the noise
and the overlap experiment).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis, Interpretation
from l2i_core.measure import metrics
from l2i_core.signal import spectra
from l2i_core.signal.corrupt import add_at_snr, snr


@dataclass(frozen=True, slots=True)
class Mixture:
    """followed + rest = mixed (n,): float32 at the clip's own level, so none of them clips."""

    followed: np.ndarray
    rest: np.ndarray
    mixed: np.ndarray

    @property
    def snr_db(self) -> float:
        """10 log10(P_followed / P_rest), measured on the sounds as they are, in dB."""
        return snr(self.followed, self.rest)

    @property
    def sounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The two stems, the followed one first."""
        return self.followed, self.rest

    def swapped(self) -> Mixture:
        """The same mixture with the other sound followed."""
        return Mixture(self.rest, self.followed, self.mixed)


def mix(clip: np.ndarray, other: np.ndarray, snr_db: float, name: str = "noise") -> Mixture:
    """The clip (n,) with another sound added so that the clip is `snr_db` above it, see
    `add_at_snr`; `name` says what the other one is called."""
    clip = np.asarray(clip, dtype=np.float32)
    mixed = add_at_snr(clip, np.asarray(other, dtype=np.float32), snr_db, name)
    # The difference, not a scaled copy: what is measured is what was added.
    rest = (mixed.astype(np.float64) - clip).astype(np.float32)
    return Mixture(clip, rest, mixed)


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes of one stem in the kept sound; of a silent stem all is NaN.

    share: of its energy, the share that passes (`masking.energy_share` at the mixture's filter).
    sdr_before, sdr_after: SI-SDR of the mixture and of the kept sound against it, in dB;
    correlation: Pearson's r of the kept sound and it. Where the kept sound is silent, sdr_after is
    −inf and correlation NaN.
    """

    share: float
    sdr_before: float
    sdr_after: float
    correlation: float

    @property
    def sdr_gain(self) -> float:
        """How much nearer the kept sound is to this one than the mixture is, in dB."""
        return self.sdr_after - self.sdr_before


@dataclass(frozen=True, slots=True)
class Passed:
    """What of a mixture passes into one kept sound: the target, and the other stems in order."""

    target: Part
    others: tuple[Part, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each that passes, the target's first."""
        return (self.target.share, *(part.share for part in self.others))

    @property
    def rest(self) -> Part:
        """The other sound of two."""
        (rest,) = self.others
        return rest

    @property
    def interferer(self) -> float:
        """The greatest share that passes of any other stem; 0 where there is none."""
        return max((s for s in self.shares[1:] if not np.isnan(s)), default=0.0)

    @property
    def target_first(self) -> bool:
        """Whether more passes of the target than of every other stem."""
        return self.target.share > self.interferer

    @property
    def snr_gain(self) -> float:
        """By how many dB the target stands out more from the rest than in the mixture; NaN where
        one of them does not pass at all."""
        if self.target.share <= 0 or self.rest.share <= 0:
            return float("nan")
        return 10 * float(np.log10(self.target.share / self.rest.share))


@dataclass(frozen=True, slots=True)
class Stems:
    """The sounds (n′,) that add up to an analysed mixture, of which number `own` is the target; |S|
    (F, T) of each at f's scale, and the mixture's SI-SDR against each in dB, NaN for a silent one.
    """

    engine: L2I
    analysis: Analysis
    sounds: tuple[np.ndarray, ...]
    magnitudes: tuple[Tensor, ...]
    sdrs: tuple[float, ...]
    own: int = 0

    def following(self, own: int) -> Stems:
        """The same with another one as the target."""
        return replace(self, own=own)

    def into(self, made: Interpretation) -> Passed:
        """What passes of each into x_int."""
        return self.passed(made.log_magnitude, made.audio)

    @torch.inference_mode()
    def passed(self, kept: Tensor, sound: Tensor | None = None) -> Passed:
        """What passes of each into X_int `kept` (F, T) of any mask and its `sound` (n′,), made here
        where it is not given. ValueError where the target is silent."""
        if not np.any(self.sounds[self.own]):
            raise ValueError(
                f"stem {self.own + 1}, the target's, is silent; nothing can be kept of it."
            )
        if sound is None:
            sound = self.engine.ask(self.analysis).sound(kept) / self.analysis.gain
        x, heard = self.analysis.spectrogram.log_magnitude, sound.numpy()
        parts = [
            Part(
                masking.energy_share(magnitude, x, kept),
                before,
                metrics.si_sdr(heard, stem),
                metrics.correlation(heard, stem),
            )
            if np.any(stem)
            else Part(*[float("nan")] * 4)
            for stem, magnitude, before in zip(self.sounds, self.magnitudes, self.sdrs, strict=True)
        ]
        return Passed(parts.pop(self.own), tuple(parts))

    def by_components(self, chosen: Sequence[int], mask_domain: str) -> Passed:
        """`passed`, into what these components keep, whoever chose them."""
        gains = masking.gains_of(chosen, len(self.analysis.activations))
        return self.passed(self.engine.ask(self.analysis, mask_domain).masked(gains)[0])


def gather(engine: L2I, analysis: Analysis, sounds: Sequence[np.ndarray]) -> Stems:
    """The stems (n′,) of an analysed mixture; ValueError for one of another length than it."""
    mixture = analysis.waveform.numpy()
    for number, sound in enumerate(sounds, start=1):
        if len(sound) != len(mixture):
            raise ValueError(
                f"stem {number} has {len(sound)} samples, the mixture {len(mixture)}; give stems "
                "of the mixture's length and rate."
            )
    return Stems(
        engine,
        analysis,
        tuple(sounds),
        tuple(spectra.magnitude(log_magnitude(engine, analysis, sound)) for sound in sounds),
        tuple(metrics.si_sdr(mixture, s) if np.any(s) else float("nan") for s in sounds),
    )


def log_magnitude(engine: L2I, analysis: Analysis, sound: np.ndarray) -> Tensor:
    """X (F, T) of a stem at the mixture's gain."""
    scaled = torch.as_tensor(sound, dtype=torch.float32) * analysis.gain
    return spectra.spectrogram(scaled, engine.audio, engine.min_length).log_magnitude
