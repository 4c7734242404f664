"""The lesson's material: one clip taken apart, its pictures, and the form of a step's words.

Every number and picture is the engine's, for the clip at hand; pictures are images of `pictures`,
one colour scale for all that are compared, drawn once per clip, selection and theme.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from torch import Tensor

from l2i_core import Interpretation
from l2i_core.dictionary import masking, shapes
from pages.shell import clips, components
from pages.shell.view import View
from pages.show import pictures
from pages.show.words import hertz

SHOWN = 6  # components that the lesson follows: those that cover most of the clip
RANKED = 12  # relevances drawn
CLASSES = 6  # classes whose logits are compared


@dataclass(frozen=True, slots=True)
class Try:
    """What to try: buttons that set one of the bar's settings, or what `more` draws."""

    text: str
    setting: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    more: Callable[[View], None] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A step's words; `found` and `warning` are about this clip."""

    idea: str
    formula: str
    reading: str
    found: str = ""
    prompt: Try | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """A clip taken apart, without a short clip's padding: X (F, T), W H (F, T), H (K, T),
    attention (T,) if the explainer has one, seconds (T,), each component's share of ‖X‖² (K,), and
    ‖X − W H‖ / ‖X‖.

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


def try_clips(text: str, wanted: tuple[str, ...]) -> Try:
    """To hear other clips, where they are at hand."""
    at_hand = clips.at_hand()
    return Try(text, "clip", {c: at_hand[c].title for c in wanted if c in at_hand})


def try_mixtures(text: str) -> Try:
    """To hear demo clips of two sounds at once."""
    return try_clips(text, tuple(c.id for c in clips.bundled() if "+" in c.id)[:3])


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


def pooling(view: View) -> str:
    """How Θ pools, of a trained interpreter; else ""."""
    info = view.engine.bundle.interpreter_info.get(view.engine.interpreter_name)
    return info.pooling if info else ""


def magnitudes(view: View, name: str, values: Callable[[], Tensor], what: tuple = ()) -> None:
    """Draw X, W H or X_int (F, T) on the scale of X; `what` names the selection where it matters."""
    top, config = parts(view).top, view.engine.audio

    def rows() -> np.ndarray:
        return shapes.mel_rows(values().numpy(), config)

    heat(view, (name, *what), rows, 0.0, top, f"{name}, 0 to {top:.1f}", name)


def heat(
    view: View,
    what: tuple[Any, ...],
    rows: Callable[[], np.ndarray],
    low: float,
    high: float,
    words: str,
    unit: str = "",
) -> None:
    """Draw values (R, T) over mel-spaced rows; `what` names them in the cache."""
    config, start = view.engine.audio, view.start
    st.image(
        pictures.once(
            (*what, *view.key), lambda t: pictures.heat(rows(), low, high, config, t, start, unit)
        ),
        width="stretch",
        alt=f"Picture of {words}, dark to bright, over seconds and Hz on a mel axis; clip "
        f"{view.source.title}.",
    )


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
