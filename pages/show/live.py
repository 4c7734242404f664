"""Truly live τ: Algorithm 2 in the browser, the server only told what was chosen at last.

X, phase, W and H travel once per clip and interpreter, as bytes of a component that draws nothing;
class, relevances and τ travel in the data of the visible component, which are small. So a run that
follows the release of τ sends kilobytes, and none is needed while τ is dragged.

The scripts in `live/` are plain JavaScript: `core.js` (the numbers) is put before `worker.js` as
the text of a Worker and before `main.js` (what is seen and heard).
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from torch import Tensor

from l2i_core import L2I, Analysis, AudioConfig
from l2i_core.dictionary import shapes
from l2i_core.signal import spectra
from l2i_core.signal.spectra import Spectrogram
from pages.show import pictures, players
from pages.show.choice import MAX_TAU, Choice

_FOLDER = Path(__file__).with_name("live")
_PHASE = 32767  # int16 for π: an error of −86 dB, a quarter of the bytes of cosine and sine
SHAPE_POINTS = 24
LISTED = 12  # components with controls at first; the rest on request


def verdict_key(choice: Choice) -> str:
    """Key of the `st.container` for what f says of a choice. While the component plays another one,
    its style sheet shows such a container as pending."""
    return f"l2i-verdict-{choice.token}"


def released(name: str = "live") -> Choice | None:
    """The choice that the component sent last, for `on_change`; None where it sent none."""
    held = st.session_state.get(name)
    return _choice(held.get("choice")) if held else None


def live_interpretation(
    engine: L2I,
    analysis: Analysis,
    target: str,
    choice: Choice,
    *,
    clip_key: tuple[Any, ...],
    labels: Sequence[str],
    start: float = 0.0,
    on_change: Callable[[], None] | None = None,
    name: str = "live",
) -> bool:
    """Mount the component. Returns True where the browser cannot play (no WebAudio), so that the
    page draws plain players.

    choice: what the page holds to be true; the component adopts it when the page changes it.
    clip_key: names bundle, interpreter, clip and window (`View.key`). labels: what each of the K
    components is called. start: seconds at the left
    edge of the picture. on_change: called when the user let go, before the page runs again; it
    should take over `released(name)`.
    """
    digest, content = _packed(clip_key, engine, analysis)
    _store()(key=f"{name}-store", data=content, height="content")
    relevance = engine.relevance(analysis, target)
    result = _component()(
        key=name,
        data={
            "digest": digest,
            "subject": [*map(str, clip_key), target],
            "target": target.replace("_", " "),
            "relevance": relevance.tolist(),
            "centres": shapes.centres(engine.dictionary.patterns, engine.audio).round(1).tolist(),
            "shapes": (100 * _outlines(engine)).round().astype(int).tolist(),
            "labels": list(labels),
            "listed": LISTED,
            "start": start,
            "tau": choice.tau,
            "maxTau": MAX_TAU,
            "domain": choice.domain,
            "overrides": {str(k): gain for k, gain in choice.overrides.items()},
            "sequence": _sequence(name),
        },
        default={"choice": None, "fallback": False},
        on_choice_change=on_change or _nothing,
        on_fallback_change=_nothing,
        height="content",
    )
    return bool(result.fallback)


@functools.lru_cache(maxsize=8)
def _outlines(engine: L2I) -> np.ndarray:
    return shapes.outlines(engine.dictionary.patterns, engine.audio, SHAPE_POINTS)


def pack(
    spectrogram: Spectrogram,
    patterns: Tensor,
    activations: Tensor,
    config: AudioConfig,
    gain: float,
) -> bytes:
    """Header (length, JSON) and arrays of one clip, as `l2iUnpack` in core.js reads them.

    Frames come first in every array, as the browser goes through them. X, W and H are float32:
    quantised magnitudes would be heard where a mask leaves only quiet bins.
    """
    x, phase = spectrogram.log_magnitude.T, spectrogram.phase.T
    start, offset, weight = _mel_bands(config)
    arrays = {
        "X": x.numpy().astype("<f4"),
        "W": patterns.T.numpy().astype("<f4"),
        "H": activations.T.numpy().astype("<f4"),
        "melWeight": weight,
        "melStart": start,
        "melOffset": offset,
        "phase": np.round(phase.numpy() * (_PHASE / np.pi)).astype("<i2"),
        "lut": pictures.COLOURS.astype(np.uint8),
    }
    places, position = [], 0
    for title, array in arrays.items():
        places.append([title, f"{array.dtype.kind}{array.dtype.itemsize}", position, array.size])
        position += array.nbytes
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    header = {
        "digest": hashlib.sha256(body).hexdigest()[:24],
        "arrays": places,
        "T": x.shape[0],
        "F": x.shape[1],
        "K": patterns.shape[1],
        "nFft": config.n_fft,
        "hop": config.hop_length,
        "win": config.win_length,
        "length": spectrogram.length,
        "rate": config.sample_rate,
        "gain": gain,
        "shown": min(config.n_frames(spectrogram.length), x.shape[0]),
        "topDb": pictures.TOP_DB,
        "kept": pictures.KEPT,
        "ticks": [[hertz, round(place, 4)] for hertz, place, _ in pictures.ticks(config)],
        "peak": players.PEAK,
        "most": players.MOST,
    }
    text = json.dumps(header).encode()
    return len(text).to_bytes(4, "little") + text + body


@st.cache_resource(show_spinner=False, max_entries=16)
def _packed(key: tuple[Any, ...], _engine: L2I, _analysis: Analysis) -> tuple[str, bytes]:
    content = pack(
        _analysis.spectrogram,
        _engine.dictionary.patterns,
        _analysis.activations,
        _engine.audio,
        _analysis.gain,
    )
    size = int.from_bytes(content[:4], "little")
    return json.loads(content[4 : 4 + size])["digest"], content


@functools.lru_cache(maxsize=8)
def _mel_bands(config: AudioConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mel filters without their zeros: first bin of each band, offsets, weights."""
    dense = spectra.mel_filters(config).numpy()
    rows = [np.flatnonzero(band) for band in dense]
    start = [int(row[0]) if len(row) else 0 for row in rows]
    weights = [
        band[row[0] : row[-1] + 1] if len(row) else band[:0]
        for band, row in zip(dense, rows, strict=True)
    ]
    offset = np.cumsum([0, *(len(w) for w in weights)])
    return (
        np.array(start, dtype="<i4"),
        offset.astype("<i4"),
        np.concatenate(weights).astype("<f4"),
    )


def _sequence(name: str) -> int:
    held = st.session_state.get(name)
    sent = held.get("choice") if held else None
    return int(sent["sequence"]) if sent else 0


def _choice(sent: Mapping[str, Any] | None) -> Choice | None:
    if not sent:
        return None
    overrides = {int(k): float(gain) for k, gain in (sent["gains"] or {}).items()}
    return Choice(float(sent["tau"]), str(sent["domain"]), overrides)


def _nothing() -> None:
    """A state of a component needs a callback to be allowed."""


# Registered anew where Streamlit's registry is: once per process for the app, and again for each
# AppTest, which brings a registry of its own.
def _store() -> Callable[..., Any]:
    return st.components.v2.component("l2i_clip", js=_text("store.js"), isolate_styles=False)


def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "l2i_live", css=_text("live.css"), js=_script(), isolate_styles=False
    )


@functools.cache
def _script() -> str:
    core = _text("core.js")
    worker = f"const WORKER = {json.dumps(core + _text('worker.js'))};"
    return "\n".join([core, worker, _text("main.js")])


@functools.cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
