"""The app driven by Streamlit's AppTest: opening it at a URL, finding controls, uploading."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from streamlit.testing.v1 import AppTest

from l2i_core import L2I

APP = Path(__file__).resolve().parents[1] / "app.py"
Open = Callable[..., AppTest]


def sounds(app: AppTest) -> list[str]:
    """What can be played, in the order of the page: the address of every player of the browser's
    own, which Streamlit makes from the bytes, and a hash of every sound of a set."""
    found: list[str] = []
    for element in app.main:
        if element.type == "audio":
            found.append(element.proto.url)
        elif element.type == "bidi_component":
            found += next(iter(_set(element.proto).values()), [])
    return found


def played(app: AppTest) -> dict[str, list[str]]:
    """A hash of every sound of every set with one playhead, by the set's key."""
    sets = [_set(element.proto) for element in app.get("bidi_component")]
    return {key: hashes for one in sets for key, hashes in one.items()}


def _set(sent: Any) -> dict[str, list[str]]:
    if sent.component_name != "l2i_sounds":
        return {}
    size = int.from_bytes(sent.bytes[:4], "little")
    header, body = json.loads(sent.bytes[4 : 4 + size]), sent.bytes[4 + size :]
    hashes = [
        hashlib.sha256(body[at : at + 2 * n]).hexdigest()
        for name, _, at, n in header["arrays"]
        if name in header["names"]
    ]
    return {header["set"]: hashes}


def seen(app: AppTest) -> list[str]:
    """The addresses of the Listen page's pictures A, B and C, made from what is heard; the sound
    itself is computed in the browser."""
    return [element.proto.imgs[0].url for element in app.get("image")][:3]


def go(app: AppTest, **url: str) -> AppTest:
    """Follow a link that differs from the present address in some settings."""
    for name, value in url.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def url(app: AppTest) -> dict[str, str]:
    return {k: v[0] if isinstance(v, list) else v for k, v in app.query_params.items()}


def select(app: AppTest, label: str) -> Any:
    return next(box for box in app.selectbox if box.label.startswith(label))


def button(app: AppTest, label: str) -> Any:
    return next(found for found in app.button if found.label.startswith(label))


def texts(app: AppTest) -> str:
    return " ".join(str(e.value) for e in [*app.markdown, *app.info, *app.warning, *app.error])


def engine_for(app: AppTest) -> L2I:
    given = url(app)
    return L2I.from_bundle(
        given["bundle"], given["interpreter"], dictionary=given.get("dictionary", "bundle")
    )


def wav_bytes(samples: np.ndarray, rate: int = 44100) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(int(44100 * seconds)).astype("f4")


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, data, "audio/wav")).run()
    assert not app.exception, app.exception
    return app
