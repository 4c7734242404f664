"""The dictionary's components as pages show them: names, use, sounds, and the wall of shapes.

What is computed is cached by names and hashes, as in `engines`.
"""

from __future__ import annotations

import functools
import html
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from l2i_core import L2I
from l2i_core.data import scenes
from l2i_core.dictionary import names, shapes
from l2i_core.dictionary.names import Names
from l2i_core.measure import usage
from l2i_core.measure.evaluation import Row, read_rows, to_csv
from l2i_core.measure.usage import Usage
from pages.shell import cached, clips, models
from pages.shell.cached import Key
from pages.shell.clips import ClipSource
from pages.shell.view import View
from pages.show import pictures, players

_FOLDER = Path(__file__).resolve().parents[1] / "show" / "wall"
_SLOW = 0.02  # seconds: longer than a cache takes
_TICK = 24  # characters beside an axis
WALL = "wall"  # the key of the mounted component


@dataclass(frozen=True, slots=True)
class Cell:
    """One component on the wall. figure: the number that the order goes by; below: its name or
    centre frequency; shape: its outline (points,) as shares of the maximum; sign: of its class
    weight; strength: |θ| as a share of the largest;
    silent: never active; title: all of it in words."""

    component: int
    figure: str
    below: str
    named: bool
    shape: np.ndarray
    sign: int
    strength: float
    silent: bool
    title: str


@dataclass(frozen=True, slots=True)
class AtHand:
    """The clips that can be played, and how they use the components (rows follow `sources`)."""

    sources: tuple[ClipSource, ...]
    usage: Usage
    predicted: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Solo:
    """Example, template alone, and component cut out of the example: WAV files at one gain,
    pictures on one dB reference, and each sound's peak at the example's level."""

    sounds: tuple[bytes, bytes, bytes]
    pictures: tuple[bytes, bytes, bytes]
    peaks: tuple[float, float, float]
    gain: float


# --- names ------------------------------------------------------------------------------------


def name_of(engine: L2I, component: int) -> str:
    """The user's name for a component, "" where there is none. Plain text: `escaped` makes it
    fit for Markdown."""
    return names_of(engine).get(component, "")


def label(engine: L2I, component: int) -> str:
    """ "#17 · bark", "#17" where it has no name. Plain text."""
    return names.label(names_of(engine), component)


def labels(engine: L2I) -> list[str]:
    """The labels of all components."""
    known = names_of(engine)
    return [names.label(known, k) for k in range(engine.dictionary.n_components)]


def listed(engine: L2I, chosen: Sequence[int], most: int) -> str:
    """The labels of the first `most` components, and how many more there are. Plain text."""
    text = ", ".join(label(engine, k) for k in chosen[:most])
    return f"{text} and {len(chosen) - most} more" if len(chosen) > most else text


def tick(engine: L2I, component: int) -> str:
    """A label as Plotly puts it beside an axis: a long name is cut."""
    text = label(engine, component)
    return escaped_html(text if len(text) <= _TICK else text[: _TICK - 1].rstrip() + "…")


def names_of(engine: L2I) -> Names:
    """All names of this dictionary; those of a damaged file are left out (`names_problem`)."""
    kept: Names = {}
    if not shared():
        try:
            kept = _kept(engine)
        except ValueError:
            kept = {}
    return names.merged(kept, _session(engine))


def names_problem(engine: L2I) -> str:
    """What is wrong with the file of names, "" where nothing is."""
    try:
        if not shared():
            _kept(engine)
    except ValueError as error:
        return str(error)
    return ""


def rename(engine: L2I, changes: Names) -> str:
    """Take over names ("" removes one); returns what prevented keeping them beyond the session."""
    if shared():
        _session(engine).update(changes)
        return ""
    try:
        names.keep(
            engine.bundle.name, _fingerprint(engine), engine.dictionary.n_components, changes
        )
    except ValueError as error:
        _session(engine).update(changes)
        return str(error)
    for component in changes:
        _session(engine).pop(component, None)
    return ""


def imported(engine: L2I, file_name: str, data: bytes) -> Names:
    """The names in a file; ValueError in one sentence where it is not one for this dictionary."""
    return names.decode(data, file_name, _fingerprint(engine), engine.dictionary.n_components)


def exported(engine: L2I) -> str:
    """All names as the JSON that `imported` takes."""
    return names.encode(engine.bundle.name, _fingerprint(engine), names_of(engine))


def shared() -> bool:
    """Whether this server has many users: names then stay in the session."""
    return os.environ.get("L2I_SHARED") == "1"


def escaped(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$&])", r"\\\1", text)


def escaped_html(text: str) -> str:
    """Text that Plotly, which knows some HTML, shows as it is."""
    return html.escape(text, quote=False)


def _session(engine: L2I) -> Names:
    return st.session_state.setdefault("l2i_names", {}).setdefault(_fingerprint(engine), {})


def _kept(engine: L2I) -> Names:
    path = names.path_for(engine.bundle.name, _fingerprint(engine))
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0
    return _loaded(str(path), stamp, engine)


@st.cache_resource(show_spinner=False, max_entries=16)
def _loaded(path: str, stamp: int, _engine: L2I) -> Names:
    return names.load(_engine.bundle.name, _fingerprint(_engine), _engine.dictionary.n_components)


def _fingerprint(engine: L2I) -> str:
    folder = engine.bundle.folder
    assert folder is not None  # the app's models are loaded from folders
    stamp = (folder / "dictionary.safetensors").stat().st_mtime_ns
    return _fingerprint_of(str(folder), stamp, engine)


@st.cache_resource(show_spinner=False, max_entries=16)
def _fingerprint_of(folder: str, stamp: int, _engine: L2I) -> str:
    return names.fingerprint(_engine.bundle)


# --- use --------------------------------------------------------------------------------------


def test_rows(view: View) -> list[Row]:
    """The per-clip metrics of the model's interpreter, [] where it was not evaluated.

    Raises ValueError for a file that cannot be read.
    """
    folder = view.engine.bundle.folder
    path = folder / "metrics" / f"clips-{view.engine.interpreter_name}.csv" if folder else None
    if path is None or not path.is_file():
        return []
    return _rows(str(path), path.stat().st_mtime_ns)


def at_hand(
    view: View, threshold: float, progress: Callable[[int, int], None] | None = None
) -> AtHand:
    """How the clips at hand use the components; long ones, heard in windows, are left out.

    `progress(done, total)` is called while clips that were not heard yet are analysed.
    """
    found = []
    try:
        sources = clips.few_at_hand()
    except ValueError:  # the context bar says what is wrong with the demo clips
        sources = dict(clips.uploads())
    classes = view.engine.classes
    # A clip of a class that f does not know is no good example of what a component is for.
    usable = [
        source
        for source in sources.values()
        if not source.labels or any(scenes.class_of(label, classes) for label in source.labels)
    ]
    for index, source in enumerate(usable):
        key: Key = (*view.key[:3], source.digest, "")
        began = time.monotonic()
        heard = _pooled(key, view.engine, source)
        if progress and time.monotonic() - began > _SLOW:
            progress(index + 1, len(usable))
        if heard is not None:
            found.append((source, *heard))
    kept, pooled, predicted = zip(*found, strict=True) if found else ((), (), ())
    k = view.engine.dictionary.n_components
    matrix = np.stack(pooled) if found else np.zeros((0, k), dtype=np.float32)
    used = usage.usage(matrix, predicted, view.engine.class_weights, threshold)
    return AtHand(tuple(kept), used, tuple(predicted))


@st.cache_resource(show_spinner=False, max_entries=16)
def _rows(path: str, stamp: int) -> list[Row]:
    try:
        rows = read_rows(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path} cannot be read; evaluate the model again.") from error
    if not rows:
        raise ValueError(f"{path} has no rows; evaluate the model again.")
    return rows


@st.cache_resource(show_spinner=False, max_entries=1024)
def _pooled(key: Key, _engine: L2I, _source: ClipSource) -> tuple[np.ndarray, int] | None:
    samples, rate = _source.read()
    if samples.shape[-1] / rate > cached.WINDOWED_ABOVE_SECONDS:
        return None
    with models.turn:
        heard = _engine.analyse(samples, rate)
    return heard.pooled.numpy(), heard.predicted


# --- sounds -----------------------------------------------------------------------------------


def solo(view: View, source: ClipSource, component: int) -> Solo:
    """A component alone in one clip: what to play and what to see."""
    key: Key = (*view.key[:3], source.digest, "")
    return _solo(key, component, view.domain, pictures.theme(), view.engine, source)


@st.cache_resource(show_spinner="Finding a phase for the template …", max_entries=32)
def _solo(
    key: Key, component: int, domain: str, shown: str, _engine: L2I, _source: ClipSource
) -> Solo:
    analysis = cached.analysis(key, _engine, _source, None)
    with models.turn:
        made = usage.alone(_engine, analysis, component, domain)
    heard = [sound.numpy() for sound in made.sounds]
    gain, config = players.common_gain(heard), _engine.audio
    frames = config.n_frames(len(heard[0]))  # without a short clip's padding
    drawn = [pictures.decibels(x[:, :frames], config) for x in made.log_magnitudes]
    reference = pictures.reference(drawn[0])
    files = [players.wav(sound, config.sample_rate, gain) for sound in heard]
    images = [pictures.spectrogram(x, reference, config, shown) for x in drawn]
    peaks = [float(np.abs(sound).max(initial=0.0)) for sound in heard]
    return Solo(
        (files[0], files[1], files[2]),
        (images[0], images[1], images[2]),
        (peaks[0], peaks[1], peaks[2]),
        gain,
    )


def clip_wav(view: View, source: ClipSource) -> bytes:
    """A whole clip as its player gets it, at the level of the context bar's player."""
    key: Key = (*view.key[:3], source.digest, "")
    sound = cached.analysis(key, view.engine, source, None).waveform.numpy()
    return players.wav(sound, view.engine.audio.sample_rate, players.common_gain([sound]))


# --- the wall ---------------------------------------------------------------------------------


def outlines(view: View) -> np.ndarray:
    """Small pictures of all columns of W (K, points)."""
    return _outlines(view.key[:2], view.engine)


def wall(cells: Sequence[Cell], chosen: int, heading: str, choose: Callable[[int], None]) -> None:
    """A grid of components, each a button; `choose(k)` is called before the next run."""

    def take() -> None:
        sent = st.session_state[WALL].get("chosen")
        if isinstance(sent, int):
            choose(sent)

    _component()(
        key=WALL,
        data={
            "label": heading,
            "chosen": chosen,
            "cells": [
                {
                    "k": cell.component,
                    "number": f"#{cell.component}",
                    "figure": cell.figure,
                    "below": cell.below,
                    "named": cell.named,
                    "shape": np.round(100 * cell.shape).astype(int).tolist(),
                    "sign": cell.sign,
                    "strength": round(0.35 + 0.65 * cell.strength, 2),
                    "silent": cell.silent,
                    "title": cell.title,
                }
                for cell in cells
            ],
        },
        on_chosen_change=take,
        height="content",
    )


def matrix_csv(engine: L2I) -> str:
    """θ of all classes and components as CSV text."""
    return to_csv(usage.class_weight_rows(engine, names_of(engine)))


@st.cache_resource(show_spinner=False, max_entries=8)
def _outlines(key: tuple[Any, ...], _engine: L2I) -> np.ndarray:
    return shapes.outlines(_engine.dictionary.patterns, _engine.audio)


# Registered anew where Streamlit's registry is, as in `live`.
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "l2i_wall",
        html='<div class="wall" role="group" data-testid="wall"></div>',
        css=_text("wall.css"),
        js=_text("wall.js"),
    )


@functools.cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
