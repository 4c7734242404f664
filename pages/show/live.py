"""Truly live τ: Algorithm 2 in the browser, the server only told what was chosen at last.

X, phase, W and H travel once per clip and interpreter, as bytes of a component that draws nothing;
class, relevances and τ travel in the data of the visible component, which are small. So a run that
follows the release of τ sends kilobytes, and none is needed while τ is dragged.

The scripts in `live/` are plain JavaScript, put one after the other: `_NUMBERS` make sound and
picture, in a Worker behind `worker.js` and, for one component alone, on the page behind `main.js`.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from l2i_core import L2I, Analysis, AudioConfig
from l2i_core.dictionary import shapes
from l2i_core.signal import spectra
from pages.show import pictures, players
from pages.show.choice import MAX_TAU, Choice
from pages.show.words import hertz

_FOLDER = Path(__file__).with_name("live")
_PHASE = 32767  # int16 for π: an error of −86 dB, a quarter of the bytes of cosine and sine
SHAPE_POINTS = 24
LISTED = 12  # components with controls at first; the rest on request
_NUMBERS = ("stft.js", "bands.js", "core.js")
PLAYER = (
    *("words.js", "nodes.js", "unpack.js", "keys.js"),
    *("player.js", "listening.js", "transport.js"),
)
_PAGE = (
    *("loudness.js", "choice.js", "clip.js"),
    *("threshold.js", "picture.js", "list.js", "main.js"),
)


def verdict_key(choice: Choice) -> str:
    """Key of the `st.container` for what f says of a choice. While the component plays another one,
    its style sheet shows such a container as pending."""
    return f"l2i-verdict-{choice.token}"


def released(name: str = "live") -> Choice | None:
    """The choice that the component sent last, for `on_change`; None where it sent none."""
    sent = _sent(name)
    if sent is None:
        return None
    overrides = {int(k): float(gain) for k, gain in sent["gains"].items()}
    return Choice(float(sent["tau"]), sent["domain"], overrides)


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
    digest, content = of_clip(clip_key, engine, analysis)
    store(name, content)
    relevance, sent = engine.relevance(analysis, target), _sent(name)
    centres = shapes.centres(engine.dictionary.patterns, engine.audio).tolist()
    result = player("l2i_live", _script())(
        key=name,
        data={
            "digest": digest,
            "subject": [*map(str, clip_key), target],
            "target": target.replace("_", " "),
            "relevance": relevance.tolist(),
            "centres": [hertz(centre) for centre in centres],
            "shapes": (100 * outlines(engine, SHAPE_POINTS)).round().astype(int).tolist(),
            "labels": list(labels),
            "listed": LISTED,
            "start": start,
            "tau": choice.tau,
            "maxTau": MAX_TAU,
            "domain": choice.domain,
            "overrides": {str(k): gain for k, gain in choice.overrides.items()},
            "sequence": sent["sequence"] if sent else 0,
        },
        default={"choice": None, "fallback": False},
        on_choice_change=on_change or nothing,
        on_fallback_change=nothing,
        height="content",
    )
    return bool(result.fallback)


@functools.lru_cache(maxsize=8)
def outlines(engine: L2I, points: int) -> np.ndarray:
    """`shapes.outlines` of an engine's W, computed once."""
    return shapes.outlines(engine.dictionary.patterns, engine.audio, points)


@st.cache_resource(show_spinner=False, max_entries=16)
def of_clip(key: tuple[Any, ...], _engine: L2I, _analysis: Analysis) -> tuple[str, bytes]:
    """Digest, and header (length, JSON) and arrays of one clip, as `unpack` in clip.js reads them.

    Frames come first in every array, as the browser goes through them. X, W and H are float32:
    quantised magnitudes would be heard where a mask leaves only quiet bins.
    """
    spectrogram, patterns = _analysis.spectrogram, _engine.dictionary.patterns
    config, x = _engine.audio, spectrogram.log_magnitude.T
    start, offset, weight = _mel_bands(config)
    arrays = {
        "X": x.numpy().astype("<f4"),
        "W": patterns.T.numpy().astype("<f4"),
        "H": _analysis.activations.T.numpy().astype("<f4"),
        "melWeight": weight,
        "melStart": start,
        "melOffset": offset,
        "melHertz": spectra.mel_frequencies(config).astype("<f4"),
        "phase": np.round(spectrogram.phase.T.numpy() * (_PHASE / np.pi)).astype("<i2"),
        "lut": pictures.COLOURS.astype(np.uint8),
    }
    header = {
        "T": x.shape[0],
        "F": x.shape[1],
        "K": patterns.shape[1],
        "nFft": config.n_fft,
        "hop": config.hop_length,
        "win": config.win_length,
        "length": spectrogram.length,
        "rate": config.sample_rate,
        "gain": _analysis.gain,
        "shown": min(config.n_frames(spectrogram.length), x.shape[0]),
        "topDb": pictures.TOP_DB,
        "kept": pictures.KEPT,
        "hertz": [(place, text) for _, place, text in pictures.ticks(config)],
        "peak": players.PEAK,
        "most": players.MOST,
    }
    return packed(header, arrays)


def packed(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> tuple[str, bytes]:
    """Digest and bytes of little-endian arrays under a header, as `unpack.js` reads them."""
    places, position = [], 0
    for title, array in arrays.items():
        places.append([title, f"{array.dtype.kind}{array.dtype.itemsize}", position, array.size])
        position += array.nbytes
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    header = {"arrays": places, **header}
    digest = hashlib.sha256(json.dumps(header).encode() + body).hexdigest()[:24]
    text = json.dumps(header | {"digest": digest}).encode()
    return digest, len(text).to_bytes(4, "little") + text + body


def store(name: str, content: bytes) -> None:
    """Send bytes of `packed` to the browser, once, for the component `name`."""
    st.components.v2.component("l2i_clip", js=script("store.js"), isolate_styles=False)(
        key=f"{name}-store", data=content, height="content"
    )


def player(kind: str, text: str, style: str = "") -> Callable[..., Any]:
    """A component with a script of its own, which `PLAYER` is a part of, and more style.

    Registered anew where Streamlit's registry is: once per process for the app, and again for each
    AppTest, which brings a registry of its own.
    """
    return st.components.v2.component(
        kind, css=script("live.css") + style, js=text, isolate_styles=False
    )


@functools.lru_cache(maxsize=8)
def _mel_bands(config: AudioConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mel filters without their zeros: first bin of each band, offsets, weights."""
    bands = spectra.mel_filters(config).numpy()
    rows = [np.flatnonzero(band) for band in bands]
    start = [int(row[0]) if len(row) else 0 for row in rows]
    offset = np.cumsum([0, *map(len, rows)])
    weight = np.concatenate([band[row] for band, row in zip(bands, rows, strict=True)])
    return np.array(start, "<i4"), offset.astype("<i4"), weight.astype("<f4")


def _sent(name: str) -> Mapping[str, Any] | None:
    held = st.session_state.get(name)
    return held.get("choice") if held else None


def nothing() -> None:
    """A state of a component needs a callback to be allowed."""


@functools.cache
def _script() -> str:
    worker = json.dumps(script(*_NUMBERS, "worker.js"))
    return script(*_NUMBERS, *PLAYER, *_PAGE) + f"const WORKER = {worker};"


@functools.cache
def script(*names: str) -> str:
    """Files of `live/`, one after the other."""
    return "".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)
