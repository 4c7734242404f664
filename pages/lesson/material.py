"""The lesson's material: one clip taken apart step by step, its pictures, and its words.

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
from l2i_core.data import sets
from l2i_core.dictionary import masking, shapes
from l2i_core.signal import spectra
from l2i_core.words import LOG_ENERGY, SOUND_ENERGY
from pages.shell import components
from pages.shell.view import View
from pages.show import pictures
from pages.show.words import folds, hertz

SHOWN = 6  # components that the lesson follows: those that cover most of the clip
RANKED = 12  # relevances drawn
CLASSES = 6  # classes whose logits are compared

GLOSSARY = {
    "STFT": "Short-time Fourier transform: the spectrum of short, overlapping pieces of a sound, "
    "one after the other. A picture of it, magnitude by colour, is a spectrogram.",
    "Hop length": "How many samples lie between the starts of two such pieces.",
    "Phase": "Where in its cycle each frequency is at each moment. The eye can spare it, the "
    "inverse STFT cannot.",
    "Log-mel": "A spectrogram whose frequencies are gathered into bands as the ear spaces them "
    "(mel), with levels in dB. What f receives.",
    "Logit": "A classifier's score for a class, before it becomes a probability.",
    "NMF": "Non-negative matrix factorisation: a matrix as a product of two without negative "
    "numbers, so that parts can only add up, never cancel.",
    "Component": "One column w of W together with its row h of H: a spectral shape and when it "
    "sounds.",
    "Activation": "h, how strongly a component sounds in each frame.",
    "Pooled z": "One number per component for the whole clip: its activations averaged by the "
    "attention, or their maximum.",
    "θ": "The weights of the interpreter's last layer, one for every component and class; z·θ, "
    "added up, is its logit.",
    "τ": "The threshold: components whose relevance is above it are chosen.",
    "L": "The chosen components of a clip and a class; |L| is how many.",
    "Attention": "Weights over time that sum to one: which frames count for the pooled z.",
    "Relevance": "A component's contribution z·θ to the interpreter's logit for a class, as a "
    "share of the largest one; negative where it speaks against the class.",
    "Fidelity": "How well the interpreter imitates f: how often f's class is among the k first of "
    "the interpreter.",
    "Faithfulness": "How much f's logit drops when the components in L are removed from the clip "
    "(FF, Eq. 6): whether f itself used them.",
    "Soft mask": "A number from 0 to 1 for every frequency and frame, by which the spectrogram is "
    "multiplied: which share of it belongs to the chosen components.",
    "Residual": "What is left of the clip without the interpretation; x₂.",
    "Random Baseline": "FF when components that are not in L are removed, as many as L holds: what "
    "chance would achieve.",
    SOUND_ENERGY.capitalize(): "|S|² added up over all frequencies and frames: how much of a sound "
    "there is. A mask lets a share of it pass.",
    LOG_ENERGY.capitalize(): "The same of X, the logarithms: ‖X‖². Quiet points count for more in "
    "it. Components hold shares of it.",
    "Energy-matched Random": "Random, but removed until they cover as much of the clip's log energy "
    "as L does. A fairer opponent, as most components are silent in any one clip. Ours, not the "
    "paper's.",
}

# What another word means where several classes may sound at once.
GLOSSARY_OF_MANY = {
    "Fidelity": "How well the interpreter imitates f: how well its probabilities find the classes "
    "that f hears (AUPRC, F1).",
    "AUPRC": "The area under the curve of precision over recall as the limit goes from 1 to 0: 1 if "
    "every clip that holds a class is ranked above all others.",
    "Faithfulness": "How much f's probability of a class drops when the components in L are removed "
    "from the clip (FF, Eq. 6): whether f itself used them.",
}

LIMITS = (
    "**It is not source separation.** The interpretation is the part of the clip that the model "
    "used, as far as the dictionary can express it. Other sounds that share its time and pitch "
    "come along; parts of the source that the model ignored are missing.",
    "**Component sounds do not add up.** The paper masks logarithms of magnitudes. Parts that add "
    "up there do not add up as sound; with the mask on magnitudes, B and C do add up to A.",
    "**The phase is the input's.** Only magnitudes are masked; every part is played with the phase "
    "of the whole clip, which leaves artefacts, and f may react to them.",
    "**Fidelity comes first.** Where the interpreter disagrees with f, relevances explain the "
    "interpreter and not f. Such clips are marked in the bar before anything is played.",
    "**Faithfulness is one number for one clip.** Removing sound makes clips unlike any that f "
    "has heard. The paper therefore reports the median of FF over a test set; so does the "
    "Faithfulness page.",
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A clip taken apart, without a short clip's padding: X (F, T), W H (F, T), H (K, T),
    attention (T,), seconds (T,), each component's share of ‖X‖² (K,), and ‖X − W H‖ / ‖X‖.

    main: the components that cover most of the clip, at most SHOWN, none for silence.
    """

    x: Tensor
    model: Tensor
    activations: Tensor
    attention: Tensor
    seconds: np.ndarray
    energy: Tensor
    error: float
    main: tuple[int, ...]

    @property
    def top(self) -> float:
        """The end of the colour scale that X, W H and X_int share."""
        return max(float(self.x.max()), 1e-3)


def glossary(view: View) -> dict[str, str]:
    """Terms and what they mean, for a model of this kind."""
    return {**GLOSSARY, **GLOSSARY_OF_MANY} if view.multi_label else GLOSSARY


def parts(view: View) -> Parts:
    """The clip of this view, taken apart once."""
    return _parts(view.key, view)


def mask(view: View, made: Interpretation) -> Tensor:
    """M (F, T) in [0, 1] of Algorithm 2 for the chosen components."""
    known = parts(view)
    patterns = view.engine.dictionary.patterns
    return masking.soft_masks(patterns, known.activations, made.gains)[0]


def waveform(view: View) -> bytes:
    """The samples."""

    def draw(shown: str) -> bytes:
        sound = view.analysis.waveform.numpy()
        return pictures.waveform(sound, view.engine.audio, shown, _start(view))

    return _picture(("waveform", *view.key), draw)


def magnitudes(view: View, name: str, values: Callable[[], Tensor], what: tuple = ()) -> bytes:
    """X, W H or X_int (F, T) on the scale of X; `what` names the selection where it matters."""

    def draw(shown: str) -> bytes:
        rows = shapes.mel_rows(values().numpy(), view.engine.audio)
        return pictures.heat(
            rows, 0.0, parts(view).top, view.engine.audio, shown, _start(view), name
        )

    return _picture((name, *view.key, *what), draw)


def mask_picture(view: View, made: Interpretation) -> bytes:
    """M from 0 to 1."""

    def draw(shown: str) -> bytes:
        rows = shapes.mel_rows(mask(view, made).numpy(), view.engine.audio)
        return pictures.heat(rows, 0.0, 1.0, view.engine.audio, shown, _start(view))

    return _picture(("mask", *view.key, made.gains.numpy().tobytes()), draw)


def log_mel(view: View) -> tuple[bytes, float]:
    """The matrix that f receives, in its own dB, and its loudest value."""
    received = spectra.log_mel(spectra.magnitude(parts(view).x), view.engine.audio).numpy()
    top, depth = float(received.max()), view.engine.audio.top_db

    def draw(shown: str) -> bytes:
        low = top - depth
        return pictures.heat(received, low, top, view.engine.audio, shown, _start(view), "dB")

    return _picture(("log-mel", *view.key), draw), top


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
    weights = np.sort(parts(view).attention.numpy())[::-1]
    frames = int(np.searchsorted(np.cumsum(weights), 0.5 * weights.sum())) + 1
    return frames * view.engine.audio.hop_length / view.engine.audio.sample_rate


def trained_on(view: View) -> str:
    """What the bundle says of its training data, in a sentence or two."""
    data = view.engine.bundle.training.get("config", {}).get("data", {})
    classes = len(view.engine.classes)
    other = (
        "hears any other sound as one of them or not at all"
        if view.multi_label
        else "names any other sound as one of them"
    )
    text = f"**The model knows {classes} classes only**, and {other}."
    if kind := data.get("kind"):
        train, test = data.get("train_folds"), data.get("test_folds")
        text += f" It learned from {sets.title(kind)}"
        text += f", {folds(kind, train)}" if train else ""
        text += ", with synthesised clips added" if data.get("synth_seeds") else ""
        text += f"; {folds(kind, test)} kept for testing." if test else "."
    return text


def _start(view: View) -> float:
    return view.window[0] if view.window else 0.0


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
        analysis.attention[:frames],
        _start(_view) + hop * np.arange(frames),
        energy,
        masking.reconstruction_error(x, patterns, h),
        tuple(k for k in order if float(energy[k]) > 0),
    )
