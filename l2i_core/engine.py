"""The front of the engine: a loaded bundle that analyses clips and interprets decisions.

`analyse` does what depends on neither class nor τ (one pass of f and Ψ); `interpret` needs one
mask and one inverse STFT; `judge` asks f about the sounds. Pages, command line, pipelines and
tests go through these.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from l2i_core.bundle import Bundle, load_bundle
from l2i_core.classifiers.kumar import Classifier
from l2i_core.conventions import Conventions
from l2i_core.dictionary import masking
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.explained import Interpretation, Sweep, Verdict
from l2i_core.explainers import theta
from l2i_core.explainers.l2i import Interpreter
from l2i_core.explainers.protocol import Analysis
from l2i_core.signal import audio, spectra
from l2i_core.signal.spectra import AudioConfig, Spectrogram
from l2i_core.task import Task

WINDOWED_ABOVE_SECONDS = 30.0
WINDOW_SECONDS = 10.0
_BATCH = 16


class L2I:
    """One classifier, one dictionary and one interpreter.

    `conventions` says where to follow the paper's released code instead of the paper, see
    `l2i_core.conventions`. Safe to share between threads. All methods run without gradients.
    """

    def __init__(
        self, bundle: Bundle, interpreter: str | None = None, conventions: str = "paper"
    ) -> None:
        name = interpreter or bundle.default_interpreter
        if name in bundle.baselines:
            raise ValueError(
                f"{bundle.baseline_info[name].title} has no components to play or to mask; give an "
                f"interpreter: {', '.join(bundle.interpreters)}."
            )
        if name not in bundle.interpreters:
            raise ValueError(
                f"bundle {bundle.name!r} has no interpreter {name!r}; "
                f"it has: {', '.join(bundle.interpreters)}."
            )
        self.bundle = bundle
        self.conventions = Conventions.named(conventions)
        self.interpreter_name = name
        self.audio: AudioConfig = bundle.audio
        self.classes: list[str] = list(bundle.classes)
        self.dictionary: Dictionary = bundle.dictionary
        self.task: Task = bundle.task
        self.classifier: Classifier = bundle.classifier
        self.interpreter: Interpreter = bundle.interpreters[name]
        self._silence_logits: Tensor | None = None

    @classmethod
    def from_bundle(
        cls,
        name_or_folder: str | os.PathLike[str],
        interpreter: str | None = None,
        conventions: str = "paper",
    ) -> L2I:
        """Load a bundle by name or folder; `interpreter` defaults to the bundle's own choice.

        conventions: "paper", or "released" for the released code's. Raises ValueError for an
        unknown name of any of the three.
        """
        return cls(load_bundle(name_or_folder), interpreter, conventions)

    @property
    def class_weights(self) -> Tensor:
        """θ (C, K): Θ's linear layer."""
        return self.interpreter.class_weights.detach()

    @property
    def min_length(self) -> int:
        """Samples below which a clip is zero-padded: what f's poolings need."""
        return (self.classifier.min_frames - 1) * self.audio.hop_length

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax, or a sigmoid per class for a multi-label model: (…, C) → (…, C)."""
        return self.task.probabilities(logits)

    def drop(self, analysis: Analysis, logits: Tensor, target: int) -> Tensor:
        """FF_x (Eq. 6) (N,) of a clip, from f's logits (N, C) without something."""
        return self.task.drop(analysis.logits, logits, target)

    def decided(self, logits: Tensor) -> tuple[int, ...]:
        """The classes that f decides for by its logits (C,)."""
        return self.task.decided(logits)

    def class_index(self, target: str | int) -> int:
        """The position of a class given by name or position; ValueError names those there are."""
        if isinstance(target, str) and target in self.classes:
            return self.classes.index(target)
        if isinstance(target, (int, np.integer)) and 0 <= target < len(self.classes):
            return int(target)
        raise ValueError(f"unknown class {target!r}; this model knows: {', '.join(self.classes)}.")

    @torch.inference_mode()
    def analyse(
        self,
        waveform: np.ndarray | Tensor,
        sample_rate: int,
        gain: float | None = None,
        window: tuple[float, float] | None = None,
    ) -> Analysis:
        """Pass a clip through f and Ψ.

        waveform: (n,) or (channels, n) at any rate in Hz. gain: the factor on which f meets the
        clip, `audio.peak_gain` unless given (give `analysis.gain` to judge x_int or x_2 at x's
        scale). window: seconds (start, end) of a long clip, the rest is cut off. Clips over 30 s
        are analysed in windows of about 10 s whose logits and z are averaged.

        Raises ValueError for clips that `audio.prepare` refuses and a window outside the clip.
        """
        clip = audio.prepare(waveform, sample_rate, self.audio)
        start = 0.0 if window is None else window[0]
        clip = clip if window is None else self._cut(clip, window)
        end = start + len(clip) / self.audio.sample_rate
        gain = self._gain(clip) if gain is None else gain
        if not (np.isfinite(gain) and gain > 0):
            raise ValueError(f"the gain must be a finite number above 0, received {gain}.")
        spectrogram = spectra.spectrogram(clip * gain, self.audio, self.min_length)
        parts = self._windows(spectrogram.log_magnitude.shape[1])
        results = [self._analyse_window(spectrogram.log_magnitude[:, s:e]) for s, e in parts]
        logits, hs, theirs, pooled, attention = (list(x) for x in zip(*results, strict=True))
        window_logits = torch.stack(logits)
        return Analysis(
            clip,
            (start, end),
            float(gain),
            spectrogram,
            window_logits.mean(0),
            torch.stack(theirs).mean(0),
            torch.cat(hs, dim=1),
            torch.cat(attention) / len(parts),
            torch.stack(pooled).mean(0),
            parts,
            window_logits,
        )

    def windows(self, length: int) -> tuple[tuple[int, int], ...]:
        """The frame ranges in which `analyse` hears a clip of `length` samples."""
        return self._windows(self.audio.n_frames(max(length, self.min_length)))

    @torch.inference_mode()
    def window_logits(self, clip: Tensor, start: int, end: int, gain: float) -> Tensor:
        """f's logits (C,) on frames start … end − 1 of a clip (n,) that is at the model's rate:
        `analyse`'s for one window, without the whole clip's spectrogram in memory."""
        magnitude = spectra.stft_frames(clip, start, end, self.audio).abs() * gain
        return self.classifier(spectra.log_mel(magnitude, self.audio).unsqueeze(0))[0][0]

    @torch.inference_mode()
    def logits_at(self, clip: Tensor, windows: Sequence[tuple[float, float]]) -> Tensor:
        """f's logits (N, C) on stretches (start, end) in seconds of a clip (n,) at the model's
        rate, each at its own gain as `analyse(window=…)` hears it."""
        parts = [self._cut(clip, window) for window in windows]
        return torch.cat([self.classify((x * self._gain(x))[None]) for x in parts])

    def relevance(self, analysis: Analysis, target: str | int, measured: bool = False) -> Tensor:
        """r (K,) of every component for a class (section 3.2).

        measured: as FF is measured, which the released code does by the maxima of H over time.
        """
        pooled = analysis.pooled
        if measured and self.conventions.max_pooled_faithfulness and not self.bundle.multi_label:
            peaks = [analysis.activations[:, s:e].amax(dim=1) for s, e in analysis.windows]
            pooled = torch.stack(peaks).mean(0)
        weights = self.class_weights[self.class_index(target)]
        return theta.relevance(pooled, weights, self.conventions.signed_relevance)

    @torch.inference_mode()
    def interpret(
        self,
        analysis: Analysis,
        target: str | int | None = None,
        threshold: float = 0.3,
        mask_domain: str = "log",
        max_components: int | None = None,
        gains: Sequence[float] | np.ndarray | Tensor | None = None,
    ) -> Interpretation:
        """Algorithm 2: what f listened to for `target` (default: its prediction) at τ.

        max_components keeps only the most relevant ones (default: as the conventions say). gains
        (K,) in [0, 1] replace the selection by the user's own. Nothing selected gives silence, with
        x_2 = x. Raises ValueError for an unknown class, τ outside [0, 1), an unknown domain.
        """
        index = self.class_index(analysis.predicted if target is None else target)
        _check_threshold(threshold)
        if max_components is not None and max_components < 0:
            raise ValueError(f"max_components must be at least 0, received {max_components}.")
        relevance = self.relevance(analysis, index)
        if gains is None:
            most = self.conventions.max_components if max_components is None else max_components
            selected = masking.select(relevance, threshold, most)
            weights = torch.zeros_like(relevance)
            weights[selected] = 1.0
        else:
            weights = self._own_gains(gains)
            order = torch.argsort(relevance, descending=True, stable=True).tolist()
            selected = [k for k in order if weights[k] > 0]
        x = analysis.spectrogram.log_magnitude
        kept, left = self.masked(analysis, weights, mask_domain)
        sound = self._invert(analysis, kept) / analysis.gain
        residual = (
            self._invert(analysis, left) / analysis.gain if selected else analysis.waveform.clone()
        )
        return Interpretation(
            self.classes[index],
            index,
            float(threshold),
            mask_domain,
            relevance,
            tuple(selected),
            weights,
            kept,
            left,
            sound,
            residual,
            masking.energy_share(spectra.magnitude(x), x, kept),
        )

    @torch.inference_mode()
    def component_audio(
        self, analysis: Analysis, component: int, mask_domain: str = "log"
    ) -> Tensor:
        """x_k (n',): one component cut out of the clip, at the clip's own level."""
        if not 0 <= component < self.dictionary.n_components:
            raise ValueError(
                f"component {component} does not exist; they are numbered from 0 to "
                f"{self.dictionary.n_components - 1}."
            )
        only = masking.gains_of([component], self.dictionary.n_components)
        kept, _ = self.masked(analysis, only, mask_domain)
        return self._invert(analysis, kept) / analysis.gain

    @torch.inference_mode()
    def judge(self, analysis: Analysis, interpretation: Interpretation) -> Verdict:
        """f's logits on x_int and x_2 at x's gain, and the faithfulness FF_x (Eq. 6)."""
        sounds = torch.stack([interpretation.audio, interpretation.residual]) * analysis.gain
        kept, left = self.classify(sounds)
        if not interpretation.selected:
            left = analysis.logits
        index = interpretation.target_index
        drop = float(self.drop(analysis, left[None], index)[0])
        span = self.span(analysis, index)
        relative = drop / span if span > 0 else float("nan")
        return Verdict(analysis.logits, kept, left, drop, relative)

    def span(self, analysis: Analysis, target: str | int) -> float:
        """f(x)_c − f(silence)_c, of `Task.score`: the drop that removing everything would give."""
        index = self.class_index(target)
        silent = self.task.score(self.silence_logits())
        return float(self.task.score(analysis.logits)[index] - silent[index])

    def silence_logits(self) -> Tensor:
        """f's logits (C,) on digital silence."""
        if self._silence_logits is None:
            self._silence_logits = self.classify(torch.zeros(1, 5 * self.audio.sample_rate))[0]
        return self._silence_logits

    @torch.inference_mode()
    def classify(self, waveforms: Tensor) -> Tensor:
        """f's logits (N, C) of clips (N, n) that are already at f's scale."""
        missing = max(0, self.min_length - waveforms.shape[1])
        padded = torch.nn.functional.pad(waveforms, (0, missing))
        windows = self._windows(self.audio.n_frames(padded.shape[1]))
        rows = []
        for part in padded.split(_BATCH if len(windows) == 1 else 1):
            logits = [
                self.classifier(
                    spectra.log_mel(spectra.stft_frames(part, s, e, self.audio).abs(), self.audio)
                )[0]
                for s, e in windows
            ]
            rows.append(torch.stack(logits).mean(0))
        return torch.cat(rows)

    @torch.inference_mode()
    def sweep(
        self,
        analysis: Analysis,
        target: str | int | None = None,
        thresholds: Sequence[float] = masking.THRESHOLDS,
        mask_domain: str = "log",
    ) -> Sweep:
        """|L|, f on x_int and x_2, and energies at every τ, by the `measured` relevance: each
        different selection is computed once, its mask from cumulative sums."""
        for threshold in thresholds:
            _check_threshold(threshold)
        index = self.class_index(analysis.predicted if target is None else target)
        relevance = self.relevance(analysis, index, measured=True)
        order = masking.select(relevance, -float("inf"))
        counts = [int((relevance > threshold).sum()) for threshold in thresholds]
        x, distinct = analysis.spectrogram.log_magnitude, sorted(set(counts))
        energies = self.component_energy(analysis)
        cumulative = torch.cat([torch.zeros(1), energies[order].cumsum(0)])
        verdicts, shares = [], []
        for masks in masking.cumulative_masks(
            self.dictionary.patterns,
            analysis.activations,
            order,
            distinct,
            self.conventions.mask_epsilon,
        ):
            kept, left = masking.apply_masks(x, masks, mask_domain)
            sounds = torch.stack([self._invert(analysis, kept), self._invert(analysis, left)])
            verdicts.append(self.classify(sounds))
            shares.append(masking.energy_share(spectra.magnitude(x), x, kept))
        logits = torch.stack(verdicts)
        if distinct[0] == 0:
            logits[0, 1] = analysis.logits
        rows = [distinct.index(count) for count in counts]
        return Sweep(
            index,
            tuple(thresholds),
            relevance,
            torch.tensor(counts),
            self.drop(analysis, logits[rows, 1], index),
            logits[rows, 0],
            logits[rows, 1],
            torch.tensor(shares)[rows],
            cumulative[counts],
        )

    @torch.inference_mode()
    def logits_without(
        self, analysis: Analysis, removed: Sequence[Sequence[int]], mask_domain: str = "log"
    ) -> Tensor:
        """f's logits (N, C) after each of N sets of components is removed from the clip; an empty
        set removes nothing, not even what an inverse STFT changes."""
        rows, batch = [], _BATCH if len(analysis.windows) == 1 else 1
        for start in range(0, len(removed), batch):
            sounds = []
            for chosen in removed[start : start + batch]:
                gains = masking.gains_of(chosen, self.dictionary.n_components)
                sounds.append(self._invert(analysis, self.masked(analysis, gains, mask_domain)[1]))
            rows.append(self.classify(torch.stack(sounds)))
            empty = [not chosen for chosen in removed[start : start + batch]]
            rows[-1][torch.tensor(empty)] = analysis.logits
        return torch.cat(rows) if rows else torch.empty(0, len(self.classes))

    def _analyse_window(
        self, log_magnitude: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        log_mel = spectra.log_mel(spectra.magnitude(log_magnitude), self.audio)
        logits, maps = self.classifier(log_mel.unsqueeze(0))
        h, theirs, pooled, attention = self.interpreter(maps, log_magnitude.shape[1])
        if float(log_magnitude.max()) == 0.0:  # silence: nothing to explain, nothing selected
            h = torch.zeros_like(h)
            theirs, pooled, attention = self.interpreter.theta(h)
        return logits[0], h[0], theirs[0], pooled[0], attention[0]

    def _windows(self, n_frames: int) -> tuple[tuple[int, int], ...]:
        """Frame ranges of equal length: one up to 30 s, about 10 s each above."""
        per_second = self.audio.sample_rate / self.audio.hop_length
        if n_frames <= WINDOWED_ABOVE_SECONDS * per_second + 1:
            return ((0, n_frames),)
        longest = max(int(WINDOW_SECONDS * per_second), 2 * self.classifier.min_frames)
        count = -(-n_frames // longest)
        edges = [round(i * n_frames / count) for i in range(count + 1)]
        return tuple(zip(edges[:-1], edges[1:], strict=True))

    def component_energy(self, analysis: Analysis) -> Tensor:
        """`explain.component_log_energy` (K,) of a clip."""
        return masking.component_log_energy(
            analysis.spectrogram.log_magnitude, self.dictionary.patterns, analysis.activations
        )

    def masked(self, analysis: Analysis, gains: Tensor, domain: str) -> tuple[Tensor, Tensor]:
        """X_int and X_2 (F, T) for component gains (K,), a stretch of a long clip at a time."""
        x, h = analysis.spectrogram.log_magnitude, analysis.activations
        kept, left = torch.empty_like(x), torch.empty_like(x)
        for start in range(0, x.shape[1], spectra.CHUNK_FRAMES):
            part = slice(start, start + spectra.CHUNK_FRAMES)
            masks = masking.soft_masks(
                self.dictionary.patterns, h[:, part], gains, self.conventions.mask_epsilon
            )
            kept[:, part], left[:, part] = masking.apply_masks(x[:, part], masks, domain)
        return kept, left

    def _invert(self, analysis: Analysis, log_magnitude: Tensor) -> Tensor:
        spectrogram: Spectrogram = analysis.spectrogram
        return spectra.invert(log_magnitude, spectrogram.phase, spectrogram.length, self.audio)

    def _gain(self, clip: Tensor) -> float:
        return audio.peak_gain(clip, self.conventions.signed_scale)

    def _cut(self, clip: Tensor, window: tuple[float, float]) -> Tensor:
        start, end = window
        seconds = len(clip) / self.audio.sample_rate
        if not 0 <= start < min(end, seconds) or start + audio.MIN_SECONDS > seconds:
            raise ValueError(
                f"the window {start:g}–{end:g} s does not lie in the clip of {seconds:.1f} s; "
                f"give a start and an end at least {audio.MIN_SECONDS} s apart inside it."
            )
        rate = self.audio.sample_rate
        return audio.prepare(clip[round(start * rate) : round(end * rate)], rate, self.audio)

    def _own_gains(self, gains: Sequence[float] | np.ndarray | Tensor) -> Tensor:
        weights = torch.as_tensor(np.asarray(gains, dtype=np.float32))
        k = self.dictionary.n_components
        if weights.shape != (k,) or not bool(((weights >= 0) & (weights <= 1)).all()):
            raise ValueError(
                f"gains must be {k} numbers in [0, 1], one per component; received shape "
                f"{tuple(weights.shape)} with values from {weights.min():g} to {weights.max():g}."
                if weights.numel()
                else f"gains must be {k} numbers in [0, 1]; received none."
            )
        return weights


def _check_threshold(threshold: float) -> None:
    if not isinstance(threshold, (int, float, np.floating)) or not 0.0 <= threshold < 1.0:
        raise ValueError(f"τ must lie in [0, 1), received {threshold}. Choose for example 0.3.")
