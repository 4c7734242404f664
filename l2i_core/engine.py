"""The front of the engine: a loaded bundle that analyses clips and interprets decisions.

`analyse` does what depends on neither class nor τ (one pass of f and Ψ); `interpret` needs one
mask and one inverse STFT; `judge` asks f about the sounds. Pages, command line, pipelines and
tests go through these.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from l2i_core.bundle import Bundle, load_bundle
from l2i_core.classifiers.hearing import Hearing
from l2i_core.classifiers.protocol import SoundClassifier
from l2i_core.dictionary import choice, masking
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.explainers.ask import Ask, Tell
from l2i_core.explainers.conventions import Conventions
from l2i_core.explainers.explained import Analysis, Interpretation, Sweep, Verdict
from l2i_core.explainers.protocol import (
    Explainer,
    asked,
    checked_activations,
    checked_relevance,
)
from l2i_core.signal import audio, spectra
from l2i_core.signal.spectra import AudioConfig
from l2i_core.task import Task


class L2I:
    """One classifier, one dictionary and one explainer.

    `conventions` says where to follow the paper's released code instead of the paper, see
    `l2i_core.explainers.conventions`. Safe to share between threads.
    """

    def __init__(
        self, bundle: Bundle, interpreter: str | None = None, conventions: str = "paper"
    ) -> None:
        self.bundle = bundle
        self.conventions = Conventions.named(conventions)
        self.interpreter_name = interpreter or bundle.default_interpreter
        self.explainer: Explainer = bundle.explainer(self.interpreter_name, self.conventions)
        self.audio: AudioConfig = bundle.audio
        self.classes: list[str] = list(bundle.classes)
        self.dictionary: Dictionary = bundle.dictionary
        self.classifier: SoundClassifier = bundle.classifier
        self.hearing = Hearing(bundle.classifier, bundle.audio)
        self.task: Task = self.hearing.task

    @classmethod
    def from_bundle(
        cls,
        name_or_folder: str | os.PathLike[str],
        interpreter: str | None = None,
        conventions: str = "paper",
        classifier: SoundClassifier | None = None,
        dictionary: str | os.PathLike[str] | None = None,
    ) -> L2I:
        """Load a bundle by name or folder; `interpreter` defaults to the bundle's own choice.

        conventions: "paper", or "released" for the released code's. classifier: another f than the
        bundle's, explained with its dictionary (`Bundle.explaining`). dictionary: "bundle", "clip"
        or a file, see `Bundle.with_dictionary`; by default `Explainer.dictionary`.

        Raises ValueError for an unknown name of any.
        """
        bundle = load_bundle(name_or_folder)
        if classifier is not None:
            bundle = bundle.explaining(classifier)
        if dictionary is None:
            dictionary = bundle.explainer(interpreter or bundle.default_interpreter).dictionary
        return cls(bundle.with_dictionary(os.fspath(dictionary)), interpreter, conventions)

    def on(self, analysis: Analysis) -> L2I:
        """This engine where every clip has its own W, with the W of one clip; else itself."""
        if self.bundle.dictionary.n_components:
            return self
        own = copy.copy(self)
        own.dictionary = Dictionary(analysis.patterns)
        return own

    @property
    def class_weights(self) -> Tensor | None:
        """θ (C, K): Θ's linear layer; None where the explainer has no Θ."""
        return self.explainer.class_weights

    @property
    def min_length(self) -> int:
        """Samples below which a clip is zero-padded: what f needs."""
        return self.hearing.min_length

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

    @torch.no_grad()
    def analyse(
        self,
        waveform: np.ndarray | Tensor,
        sample_rate: int,
        gain: float | None = None,
        window: tuple[float, float] | None = None,
    ) -> Analysis:
        """Pass a clip through f, once, and find its activations.

        waveform: (n,) or (channels, n) at any rate in Hz. gain: the factor on which f meets the
        clip, `audio.peak_gain` unless given (give `analysis.gain` to judge x_int or x_2 at x's
        scale). window: seconds (start, end) of a long clip, the rest is cut off. Clips over 30 s
        are analysed in windows of about 10 s whose logits and z are averaged.

        Raises ValueError for clips that `audio.prepare` refuses and a window outside the clip.
        """
        clip = audio.prepare(waveform, sample_rate, self.audio)
        start = 0.0 if window is None else window[0]
        clip = clip if window is None else self._cut(clip, window)
        gain = self._gain(clip) if gain is None else gain
        if not (np.isfinite(gain) and gain > 0):
            raise ValueError(f"the gain must be a finite number above 0, received {gain}.")
        spectrogram = spectra.spectrogram(clip * gain, self.audio, self.min_length)
        x, patterns = spectrogram.log_magnitude, self.bundle.dictionary.patterns
        if not self.bundle.dictionary.n_components:
            patterns = choice.learned(x)
        windows, logits, found = self.hearing.windows(len(clip)), [], []
        name = self.interpreter_name
        for (s, e), heard in zip(windows, self.hearing.hear(clip * gain, x), strict=True):
            logits.append(heard.logits[0])
            given = asked(name, self.explainer.activations, heard, x[:, s:e], patterns)
            found.append(checked_activations(name, given, patterns, e - s))
        window_logits = torch.stack(logits)
        activations = torch.cat([part.activations for part in found], dim=1)
        pooled = _mean([part.pooled for part in found])
        return Analysis(
            waveform=clip,
            seconds=(start, start + len(clip) / self.audio.sample_rate),
            gain=float(gain),
            spectrogram=spectrogram,
            logits=window_logits.mean(0),
            activations=activations,
            patterns=patterns,
            windows=windows,
            window_logits=window_logits,
            pooled=activations.mean(dim=1) if pooled is None else pooled,
            interpreter_logits=_mean([part.logits for part in found]),
            attention=_joined([part.attention for part in found]),
        )

    @torch.no_grad()
    def logits_at(self, clip: Tensor, windows: Sequence[tuple[float, float]]) -> Tensor:
        """f's logits (N, C) on stretches (start, end) in seconds of a clip (n,) at the model's
        rate, each at its own gain as `analyse(window=…)` hears it."""
        parts = [self._cut(clip, window) for window in windows]
        return torch.cat([self.classify((x * self._gain(x))[None]) for x in parts])

    def relevance(
        self,
        analysis: Analysis,
        target: str | int,
        measured: bool = False,
        tell: Tell | None = None,
    ) -> Tensor:
        """r (K,) of every component for a class (section 3.2); what costs is kept in the analysis.

        measured: as FF is measured, see `Explainer.measured_relevance`. tell(done, total) follows
        what takes long.
        """
        index, explainer = self.class_index(target), self.explainer
        kept, key = analysis.memory, ("relevance", self.interpreter_name, index, measured)
        if key in kept:
            return kept[key]
        find = explainer.measured_relevance if measured else explainer.relevance
        ask = self.ask(analysis)
        ask.tell = tell or ask.tell
        found = checked_relevance(
            self.interpreter_name,
            asked(self.interpreter_name, find, analysis, index, ask),
            len(analysis.activations),
        )
        if explainer.seconds:
            kept[key] = found
        return found

    def ask(self, analysis: Analysis, mask_domain: str = "log") -> Ask:
        """f on the clip's components."""
        return Ask(self.hearing, analysis, mask_domain, self.conventions.mask_epsilon)

    @torch.no_grad()
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
            weights = _own_gains(gains, len(relevance))
            order = torch.argsort(relevance, descending=True, stable=True).tolist()
            selected = [k for k in order if weights[k] > 0]
        x = analysis.spectrogram.log_magnitude
        ask = self.ask(analysis, mask_domain)
        kept, left = ask.masked(weights)
        return Interpretation(
            target=self.classes[index],
            target_index=index,
            threshold=float(threshold),
            mask_domain=mask_domain,
            relevance=relevance,
            selected=tuple(selected),
            gains=weights,
            log_magnitude=kept,
            residual_log_magnitude=left,
            audio=ask.sound(kept) / analysis.gain,
            residual=(ask.sound(left) / analysis.gain if selected else analysis.waveform.clone()),
            energy_kept=masking.energy_share(spectra.magnitude(x), x, kept),
        )

    @torch.no_grad()
    def component_audio(
        self, analysis: Analysis, component: int, mask_domain: str = "log"
    ) -> Tensor:
        """x_k (n',): one component cut out of the clip, at the clip's own level."""
        k = len(analysis.activations)
        if not 0 <= component < k:
            raise ValueError(
                f"component {component} does not exist; they are numbered from 0 to {k - 1}."
            )
        only = masking.gains_of([component], k)
        ask = self.ask(analysis, mask_domain)
        return ask.sound(ask.masked(only)[0]) / analysis.gain

    @torch.no_grad()
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
        return self.hearing.span(analysis.logits, self.class_index(target))

    @torch.no_grad()
    def classify(self, waveforms: Tensor) -> Tensor:
        """f's logits (N, C) of clips (N, n) that are already at f's scale."""
        return self.hearing.logits(waveforms)

    @torch.no_grad()
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
        verdicts, shares, ask = [], [], self.ask(analysis, mask_domain)
        for masks in masking.cumulative_masks(
            analysis.patterns,
            analysis.activations,
            order,
            distinct,
            self.conventions.mask_epsilon,
        ):
            kept, left = masking.apply_masks(x, masks, mask_domain)
            sounds = torch.stack([ask.sound(kept), ask.sound(left)])
            verdicts.append(self.classify(sounds))
            shares.append(masking.energy_share(spectra.magnitude(x), x, kept))
        logits = torch.stack(verdicts)
        if distinct[0] == 0:
            logits[0, 1] = analysis.logits
        rows = [distinct.index(count) for count in counts]
        return Sweep(
            target_index=index,
            thresholds=tuple(thresholds),
            relevance=relevance,
            counts=torch.tensor(counts),
            faithfulness=self.drop(analysis, logits[rows, 1], index),
            logits_interpretation=logits[rows, 0],
            logits_without=logits[rows, 1],
            energy_kept=torch.tensor(shares)[rows],
            log_energy_removed=cumulative[counts],
        )

    @torch.no_grad()
    def logits_without(
        self, analysis: Analysis, removed: Sequence[Sequence[int]], mask_domain: str = "log"
    ) -> Tensor:
        """f's logits (N, C) after each of N sets of components is removed from the clip; an empty
        set removes nothing, not even what an inverse STFT changes."""
        gains = torch.zeros(len(removed), len(analysis.activations))
        for row, chosen in zip(gains, removed, strict=True):
            row[list(chosen)] = 1.0
        return self.ask(analysis, mask_domain).left(gains)

    def component_energy(self, analysis: Analysis) -> Tensor:
        """`masking.component_log_energy` (K,) of a clip."""
        return self.ask(analysis).energies()

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


def _own_gains(gains: Sequence[float] | np.ndarray | Tensor, k: int) -> Tensor:
    weights = torch.as_tensor(np.asarray(gains, dtype=np.float32))
    if weights.shape != (k,) or not bool(((weights >= 0) & (weights <= 1)).all()):
        raise ValueError(
            f"gains must be {k} numbers in [0, 1], one per component; received shape "
            f"{tuple(weights.shape)} with values from {weights.min():g} to {weights.max():g}."
            if weights.numel()
            else f"gains must be {k} numbers in [0, 1]; received none."
        )
    return weights


def _mean(given: Sequence[Tensor | None]) -> Tensor | None:
    parts = [part for part in given if part is not None]
    return torch.stack(parts).mean(0) if parts else None


def _joined(given: Sequence[Tensor | None]) -> Tensor | None:
    """Attention (T,) of all windows, summing to 1 again."""
    parts = [part for part in given if part is not None]
    return torch.cat(parts) / len(parts) if parts else None


def _check_threshold(threshold: float) -> None:
    if not isinstance(threshold, (int, float, np.floating)) or not 0.0 <= threshold < 1.0:
        raise ValueError(f"τ must lie in [0, 1), received {threshold}. Choose for example 0.3.")
