"""f as it is asked: padding, windows of long clips, batches, silence, and what a drop is measured
against. Nothing here knows how decisions are explained."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from l2i_core.classifiers.protocol import Heard, SoundClassifier, Spectral
from l2i_core.signal import spectra
from l2i_core.signal._torchaudio import torchaudio
from l2i_core.signal.spectra import AudioConfig
from l2i_core.task import Task, task_of

WINDOWED_ABOVE_SECONDS = 30.0
WINDOW_SECONDS = 10.0


class Hearing:
    """A classifier, asked about sounds on the frames of an STFT. Safe to share between threads.

    Sounds are at the STFT's rate here; f hears them at its own.
    """

    def __init__(self, classifier: SoundClassifier, config: AudioConfig) -> None:
        self.classifier, self.config = classifier, config
        self.task: Task = task_of(classifier.multi_label)
        self._silence: Tensor | None = None

    @property
    def min_length(self) -> int:
        """Samples below which a clip is zero-padded: what f needs."""
        return math.ceil(self.classifier.min_seconds * self.config.sample_rate - 1e-6)

    def windows(self, length: int) -> tuple[tuple[int, int], ...]:
        """The frame ranges in which a clip of `length` samples is heard: one up to 30 s, of equal
        length and about 10 s each above."""
        n_frames = self.config.n_frames(max(length, self.min_length))
        per_second = self.config.sample_rate / self.config.hop_length
        if n_frames <= WINDOWED_ABOVE_SECONDS * per_second + 1:
            return ((0, n_frames),)
        longest = max(int(WINDOW_SECONDS * per_second), 2 * self.config.n_frames(self.min_length))
        count = -(-n_frames // longest)
        edges = [round(i * n_frames / count) for i in range(count + 1)]
        return tuple(zip(edges[:-1], edges[1:], strict=True))

    def window(self, clips: Tensor, start: int, end: int) -> Tensor:
        """The samples (…, n) of frames start … end − 1 of clips: as many as have just so many."""
        hop, last = self.config.hop_length, self.config.n_frames(clips.shape[-1])
        return clips[..., start * hop : None if end == last else (end - 1) * hop]

    def padded(self, clips: Tensor) -> Tensor:
        """Clips (…, n), zero-padded at their end to `min_length`."""
        return torch.nn.functional.pad(clips, (0, max(0, self.min_length - clips.shape[-1])))

    def hear(self, clip: Tensor, log_magnitude: Tensor) -> Iterator[Heard]:
        """One pass over a clip (n,) at f's scale for each of its windows.

        log_magnitude: its X (F, T), from which f starts where it offers that (`Spectral`) and the
        clip is heard in one piece.
        """
        f, windows = self.classifier, self.windows(len(clip))
        if len(windows) == 1 and isinstance(f, Spectral) and f.front_end == self.config:
            yield f.hear_spectrogram(spectra.magnitude(log_magnitude)[None])
            return
        padded = self.padded(clip)
        for start, end in windows:
            yield self.heard(self.window(padded, start, end)[None])

    @torch.no_grad()
    def window_logits(self, clip: Tensor, start: int, end: int) -> Tensor:
        """f's logits (C,) on frames start … end − 1 of a clip (n,) at f's scale: those of one
        window, without the whole clip's spectrogram in memory."""
        return self.heard(self.window(clip, start, end)[None]).logits[0]

    def heard(self, sounds: Tensor) -> Heard:
        """One pass over sounds (B, n) at f's scale; differentiable where f is."""
        f, rate = self.classifier, self.config.sample_rate
        if f.sample_rate != rate:
            sounds = torchaudio.functional.resample(sounds, rate, f.sample_rate)
        return f.hear(sounds)

    def logits(self, clips: Tensor) -> Tensor:
        """f's logits (N, C) of clips (N, n) at f's scale, a long clip's windows averaged;
        differentiable where f is."""
        padded, windows = self.padded(clips), self.windows(clips.shape[1])
        rows = []
        for part in padded.split(self.classifier.batch if len(windows) == 1 else 1):
            heard = [self.heard(self.window(part, s, e)).logits for s, e in windows]
            rows.append(torch.stack(heard).mean(0))
        return torch.cat(rows)

    def check_whole(self, clip: Tensor, system: str) -> None:
        """ValueError for a clip (n,) that is heard in windows, by what cannot be."""
        if (count := len(self.windows(len(clip)))) > 1:
            raise ValueError(
                f"{system} explains a clip in one piece; this one lasts "
                f"{len(clip) / self.config.sample_rate:.0f} s and f hears it in {count} windows. "
                "Choose a window of up to 30 s."
            )

    @torch.no_grad()
    def silence(self) -> Tensor:
        """f's logits (C,) on digital silence."""
        if self._silence is None:
            self._silence = self.logits(torch.zeros(1, 5 * self.config.sample_rate))[0]
        return self._silence

    def span(self, logits: Tensor, target: int) -> float:
        """f(x)_c − f(silence)_c, of `Task.score`, for a clip's logits (C,): the drop that removing
        everything would give."""
        score = self.task.score
        return float(score(logits)[target] - score(self.silence())[target])
