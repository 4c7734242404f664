"""The lesson's material: one clip taken apart step by step, and its pictures.

Every number and picture is the engine's, for the clip at hand; pictures are images of `pictures`,
one colour scale for all that are compared, drawn once per clip, selection and theme.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from torch import Tensor

from l2i_core import Interpretation
from l2i_core.classifiers.protocol import Seen
from l2i_core.dictionary import masking, shapes
from pages.shell import components
from pages.shell.view import View
from pages.show import pictures
from pages.show.words import hertz

SHOWN = 6  # components that the lesson follows: those that cover most of the clip
RANKED = 12  # relevances drawn
CLASSES = 6  # classes whose logits are compared


@dataclass(frozen=True, slots=True)
class Parts:
    """A clip taken apart, without a short clip's padding: X (F, T), W H (F, T), H (K, T),
    attention (T,) if the explainer has one, seconds (T,), each component's share of ‖X‖² (K,), and ‖X − W H‖ / ‖X‖.

    main: the components that cover most of the clip, at most SHOWN, none for silence.
    """

    x: Tensor
    model: Tensor
    activations: Tensor
    attention: Tensor | None
    seconds: np.ndarray
    energy: Tensor
    error: float
    main: tuple[int, ...]

    @property
    def top(self) -> float:
        """The end of the colour scale that X, W H and X_int share."""
        return max(float(self.x.max()), 1e-3)


def parts(view: View) -> Parts:
    """The clip of this view, taken apart once."""
    return _parts(view.key, view)


def waveform(view: View) -> bytes:
    """The samples."""
    sound, config = view.analysis.waveform.numpy(), view.engine.audio
    return _picture(
        ("waveform", *view.key), lambda shown: pictures.waveform(sound, config, shown, view.start)
    )


def magnitudes(view: View, name: str, values: Callable[[], Tensor], what: tuple = ()) -> bytes:
    """X, W H or X_int (F, T) on the scale of X; `what` names the selection where it matters."""
    top, config = parts(view).top, view.engine.audio
    return _heat(
        view, (name, *what), lambda: shapes.mel_rows(values().numpy(), config), 0.0, top, name
    )


def mask(view: View, made: Interpretation) -> bytes:
    """M (F, T) of Algorithm 2 for the chosen components, from 0 to 1."""

    def rows() -> np.ndarray:
        patterns, h = view.engine.dictionary.patterns, parts(view).activations
        values = masking.soft_masks(patterns, h, made.gains)[0]
        return shapes.mel_rows(values.numpy(), view.engine.audio)

    return _heat(view, ("mask", made.gains.numpy().tobytes()), rows, 0.0, 1.0)


def seen(view: View) -> tuple[bytes, str, str] | None:
    """What f's first layer receives of the clip, without a short clip's padding: its picture, what
    that is, and its scale in words; None where f does not tell."""
    engine, sound = view.engine, view.analysis.waveform
    if not isinstance(engine.classifier, Seen):
        return None
    padded = engine.hearing.padded(sound * view.analysis.gain)
    bands, caption = engine.classifier.seen(padded)
    last = len(sound) / len(padded) * (bands.shape[1] - 1)
    frames = np.linspace(0, last, len(parts(view).seconds)).round().astype(int)
    rows = bands.detach().numpy()[:, frames]
    low, top = float(rows.min()), float(rows.max())
    return _heat(view, ("seen",), lambda: rows, low, top), caption, f"{low:.0f} to {top:.0f}"


def pooling(view: View) -> str:
    """How Θ pools, of a trained interpreter; else ""."""
    info = view.engine.bundle.interpreter_info.get(view.engine.interpreter_name)
    return info.pooling if info else ""


def columns(view: View, chosen: tuple[int, ...]) -> tuple[list[float], list[list[float]]]:
    """Columns of W over the mel axis: places 0 … 1 of the bins (F,), and values for each."""
    config = view.engine.audio
    hertz_of_bins = np.linspace(0, config.sample_rate / 2, config.n_bins)
    places = shapes.mel_places(hertz_of_bins, config).tolist()
    return places, view.engine.dictionary.patterns[:, list(chosen)].T.tolist()


def frequency_ticks(view: View) -> tuple[list[float], list[str]]:
    """Places on the mel axis and their names."""
    marked = pictures.ticks(view.engine.audio)
    return [place for _, place, _ in marked], [text for *_, text in marked]


def names(view: View, chosen: tuple[int, ...]) -> list[str]:
    """ "#17 · 1.2 kHz" for every component, with the user's own name where it has one."""
    centres = shapes.centres(view.engine.dictionary.patterns, view.engine.audio)
    return [f"{components.label(view.engine, k)} · {hertz(float(centres[k]))}" for k in chosen]


def ranked(made: Interpretation) -> list[int]:
    """The components whose relevances are drawn: the highest, all of L as far as there is room,
    and the lowest where it speaks against the class."""
    order = masking.select(made.relevance, -float("inf"))
    count = max(RANKED, min(len(made.selected) + 2, 2 * RANKED))
    against = [k for k in order[count:][-1:] if float(made.relevance[k]) < 0]
    return order[:count] + against


def half_of_attention(view: View) -> float:
    """The fewest seconds that hold half of the attention."""
    attention = parts(view).attention
    assert attention is not None  # asked of an explainer that attends
    weights = np.sort(attention.numpy())[::-1]
    frames = int(np.searchsorted(np.cumsum(weights), 0.5 * weights.sum())) + 1
    return frames * view.engine.audio.hop_length / view.engine.audio.sample_rate


def _heat(
    view: View,
    what: tuple[Any, ...],
    rows: Callable[[], np.ndarray],
    low: float,
    high: float,
    unit: str = "",
) -> bytes:
    config, start = view.engine.audio, view.start
    return _picture(
        (*what, *view.key),
        lambda shown: pictures.heat(rows(), low, high, config, shown, start, unit),
    )


def _picture(key: tuple[Any, ...], draw: Callable[[str], bytes]) -> bytes:
    shown = pictures.theme()
    return _drawn((*key, shown), draw, shown)


@st.cache_resource(show_spinner=False, max_entries=96)
def _drawn(key: tuple[Any, ...], _draw: Callable[[str], bytes], _shown: str) -> bytes:
    return _draw(_shown)


@st.cache_resource(show_spinner=False, max_entries=8)
def _parts(key: tuple[Any, ...], _view: View) -> Parts:
    analysis, config = _view.analysis, _view.engine.audio
    frames = config.n_frames(len(analysis.waveform))
    x = analysis.spectrogram.log_magnitude[:, :frames]
    h = analysis.activations[:, :frames]
    patterns = _view.engine.dictionary.patterns
    energy = masking.component_log_energy(x, patterns, h)
    order = energy.argsort(descending=True, stable=True)[:SHOWN].tolist()
    hop = config.hop_length / config.sample_rate
    return Parts(
        x,
        patterns @ h,
        h,
        None if analysis.attention is None else analysis.attention[:frames],
        _view.start + hop * np.arange(frames),
        energy,
        masking.reconstruction_error(x, patterns, h),
        tuple(k for k in order if float(energy[k]) > 0),
    )
