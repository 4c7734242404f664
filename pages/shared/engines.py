"""Models and results, each computed once: what the pages ask of the engine, behind caches.

Keys are names, never arrays: bundle and its date, interpreter, the clip file's hash and window;
results add class, mask domain and the number of selected components, because x_int is piecewise
constant in τ.
"""

from __future__ import annotations

import dataclasses
import gc
import threading
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from l2i_core import L2I, Analysis, Interpretation, Verdict, bundle_folders, load_bundle
from l2i_core.baselines.random import both_baselines, energy_matched_drops
from l2i_core.bundle import Bundle
from l2i_core.engine import WINDOWED_ABOVE_SECONDS
from pages.shared.clips import ClipSource
from pages.shared.live import Choice

DEFAULT_BUNDLE = "esc10"
RANDOM_DRAWS = 20
FEW_DRAWS = 5  # of the energy-matched Random that stands beside every FF

Key = tuple[str, float, str, str, str]  # bundle, its date, interpreter, clip hash, window

# f and Ψ use a core each time: requests take turns, so that two users do not slow down four.
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Overview:
    """A long clip as f hears it: windows in seconds, f's logits for each (n, C), their mean."""

    seconds: float
    windows: tuple[tuple[float, float], ...]
    window_logits: torch.Tensor
    logits: torch.Tensor


@dataclass(frozen=True, slots=True)
class RandomDrops:
    """Median FF of the two Random Baselines, in logits."""

    count_matched: float
    energy_matched: float


def bundle_names() -> list[str]:
    """Models at hand, the shipped one first; ValueError where there is none."""
    names = sorted(bundle_folders(), key=lambda name: (name != DEFAULT_BUNDLE, name))
    if not names:
        raise ValueError(
            "no model is at hand: assets/bundles is empty. Restore it, or name a folder of "
            "bundles in the environment variable L2I_BUNDLES."
        )
    return names


def bundle_stamp(name: str) -> float:
    """The date of a bundle's newest file: a replaced model is loaded anew."""
    folder = bundle_folders()[name]
    return max(path.stat().st_mtime for path in folder.iterdir())


def bundle(name: str) -> Bundle:
    """A model by name; ValueError says what is missing or damaged."""
    return _bundle(name, bundle_stamp(name))


def engine(name: str, interpreter: str) -> L2I:
    """The engine for one interpreter of a model."""
    return _engine(name, bundle_stamp(name), interpreter)


def seconds(source: ClipSource) -> float:
    """How long a clip lasts."""
    samples, rate = _samples(source.digest, source)
    return samples.shape[-1] / rate


def is_long(source: ClipSource) -> bool:
    """Whether a clip is heard in windows."""
    return seconds(source) > WINDOWED_ABOVE_SECONDS


def overview(key: Key, engine: L2I, source: ClipSource) -> Overview:
    """f's opinion of every window of a long clip."""
    return _overview(key, engine, source)


def analysis(
    key: Key, engine: L2I, source: ClipSource, window: tuple[float, float] | None
) -> Analysis:
    """One pass of f and Ψ over the clip, or over one window of it."""
    return _analysis(key, engine, source, window)


def interpretation(
    key: Key, engine: L2I, analysis: Analysis, target: str, choice: Choice
) -> Interpretation:
    """What f listened to. Sounds are shared by all τ that select the same components."""
    relevance = engine.relevance(analysis, target)
    count = int((relevance > choice.tau).sum())
    made = _interpretation(key, target, choice.domain, count, choice.own, engine, analysis, choice)
    return dataclasses.replace(made, threshold=choice.tau)


def verdict(key: Key, engine: L2I, analysis: Analysis, made: Interpretation) -> Verdict:
    """What f says of the interpretation and of the residual."""
    return _verdict(key, _what(made), engine, analysis, made)


def random_drops(key: Key, engine: L2I, analysis: Analysis, made: Interpretation) -> RandomDrops:
    """FF after removing random components that are not in L: as many, and of equal energy."""
    return _random_drops(key, _what(made), engine, analysis, made)


def energy_matched_drop(key: Key, engine: L2I, analysis: Analysis, made: Interpretation) -> float:
    """Median FF of a few draws of the energy-matched Random alone: soon enough for every FF."""
    return _energy_matched_drop(key, _what(made), engine, analysis, made)


def _what(made: Interpretation) -> tuple[str, str, bytes]:
    return made.target, made.mask_domain, made.gains.numpy().tobytes()


def component_audio(key: Key, engine: L2I, analysis: Analysis, k: int, domain: str) -> np.ndarray:
    """x_k (n,) at the clip's own level."""
    return _component_audio(key, k, domain, engine, analysis)


@st.cache_resource(show_spinner="Loading the model …", max_entries=4)
def _bundle(name: str, stamp: float) -> Bundle:
    torch.set_num_threads(1)
    loaded = load_bundle(bundle_folders()[name])
    # What torch and the model allocated stays for good: later collections need not visit it.
    gc.collect()
    gc.freeze()
    return loaded


@st.cache_resource(show_spinner=False, max_entries=16)
def _engine(name: str, stamp: float, interpreter: str) -> L2I:
    return L2I(_bundle(name, stamp), interpreter)


@st.cache_resource(show_spinner=False, max_entries=3)
def _samples(digest: str, _source: ClipSource) -> tuple[np.ndarray, int]:
    return _source.read()


@st.cache_resource(show_spinner="Listening to every window of a long clip …", max_entries=8)
def _overview(key: Key, _engine: L2I, _source: ClipSource) -> Overview:
    samples, rate = _samples(_source.digest, _source)
    with _turn:
        whole = _engine.analyse(samples, rate)
    hop = _engine.audio.hop_length / _engine.audio.sample_rate
    length = len(whole.waveform) / _engine.audio.sample_rate
    windows = tuple(
        (round(start * hop, 2), min(round(end * hop, 2), int(length * 100) / 100))
        for start, end in whole.windows
    )
    return Overview(length, windows, whole.window_logits, whole.logits)


@st.cache_resource(show_spinner="Listening …", max_entries=16)
def _analysis(
    key: Key, _engine: L2I, _source: ClipSource, _window: tuple[float, float] | None
) -> Analysis:
    samples, rate = _samples(_source.digest, _source)
    with _turn:
        return _engine.analyse(samples, rate, window=_window)


@st.cache_resource(show_spinner=False, max_entries=16)
def _interpretation(
    key: Key,
    target: str,
    domain: str,
    count: int,
    own: str,
    _engine: L2I,
    _analysis: Analysis,
    _choice: Choice,
) -> Interpretation:
    gains = _choice.gains(_engine.relevance(_analysis, target))
    return _engine.interpret(_analysis, target, _choice.tau, domain, gains=gains)


@st.cache_resource(show_spinner=False, max_entries=512)
def _verdict(
    key: Key,
    what: tuple[str, str, bytes],
    _engine: L2I,
    _analysis: Analysis,
    _made: Interpretation,
) -> Verdict:
    with _turn:
        return _engine.judge(_analysis, _made)


@st.cache_resource(show_spinner="Removing random components …", max_entries=512)
def _energy_matched_drop(
    key: Key,
    what: tuple[str, str, bytes],
    _engine: L2I,
    _analysis: Analysis,
    _made: Interpretation,
) -> float:
    made, generator = _made, np.random.default_rng(0)
    with _turn:
        return energy_matched_drops(
            _engine,
            _analysis,
            made.target_index,
            made.selected,
            FEW_DRAWS,
            generator,
            made.mask_domain,
        ).median


@st.cache_resource(show_spinner="Removing random components …", max_entries=512)
def _random_drops(
    key: Key,
    what: tuple[str, str, bytes],
    _engine: L2I,
    _analysis: Analysis,
    _made: Interpretation,
) -> RandomDrops:
    with _turn:
        counted, matched = both_baselines(
            _engine,
            _analysis,
            _made.target_index,
            _made.selected,
            len(_made.selected),
            RANDOM_DRAWS,
            np.random.default_rng(0),
            _made.mask_domain,
        )
    return RandomDrops(counted.median, matched.median)


@st.cache_resource(show_spinner=False, max_entries=64)
def _component_audio(
    key: Key, k: int, domain: str, _engine: L2I, _analysis: Analysis
) -> np.ndarray:
    return _engine.component_audio(_analysis, k, domain).numpy()
