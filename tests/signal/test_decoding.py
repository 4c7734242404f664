"""What phones and browsers write, headers that lie, joined files, playlists and pipes."""

import io
import os
import struct
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from l2i_core.signal import audio, decoding

RATE = 44100
PHONES = [
    ("ipod", "aac", 44100),
    ("mp4", "aac", 44100),
    ("webm", "libopus", 48000),
    ("ogg", "libopus", 48000),
    ("adts", "aac", 44100),
    ("matroska", "aac", 44100),
    ("3gp", "libopencore_amrnb", 8000),
    ("wv", "wavpack", 44100),
]


def _tone(rate: int = RATE, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    """440 Hz and up, (n, channels)."""
    time = np.arange(round(rate * seconds)) / rate
    pitches = 440.0 * (1 + np.arange(channels))
    return (0.4 * np.sin(2 * np.pi * time[:, None] * pitches)).astype(np.float32)


def encoded(form: str, codec: str, rate: int, samples: np.ndarray) -> bytes:
    """A file of another program, samples (n, channels)."""
    buffer = io.BytesIO()
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return buffer.getvalue()


def _written(form: str, subtype: str | None = "PCM_16", samples: np.ndarray | None = None) -> bytes:
    buffer = io.BytesIO()
    samples = _tone() if samples is None else samples
    soundfile.write(buffer, samples, RATE, format=form, subtype=subtype)
    return buffer.getvalue()


def _with(data: bytes, at: int, form: str, value: int) -> bytes:
    put = struct.pack(form, value)
    return data[:at] + put + data[at + len(put) :]


def _note(data: bytes) -> str:
    with decoding.opened(io.BytesIO(data)) as file:
        return file.note


@pytest.mark.parametrize(("form", "codec", "rate"), PHONES)
def test_what_phones_and_browsers_write_is_read(form: str, codec: str, rate: int) -> None:
    sound = _tone(rate)
    data = encoded(form, codec, rate, sound)
    read, found = audio.read(io.BytesIO(data))
    assert (found, read.shape[0]) == (rate, 1)
    assert abs(read.shape[1] - rate) < 0.06 * rate
    middle = read[0, rate // 4 : rate // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(spectrum.argmax() * rate / len(middle) - 440) < 6
    assert 0.2 < np.abs(middle).max() < 0.6
    assert audio.header(io.BytesIO(data)).seconds == pytest.approx(1.0, abs=0.06)
    part, _ = audio.read_part(io.BytesIO(data), 0.25, 0.5)
    np.testing.assert_array_equal(part[0], read[0, round(rate * 0.25) : round(rate * 0.5)])


def test_both_channels_of_a_phone_are_kept() -> None:
    read, _ = audio.read(io.BytesIO(encoded("ipod", "aac", RATE, _tone(channels=2))))
    assert read.shape[0] == 2
    peaks = [np.abs(np.fft.rfft(one[10000:30000])).argmax() * RATE / 20000 for one in read]
    assert peaks == pytest.approx([440, 880], abs=3)


PLAIN = _written("WAV")
SIZE = len(PLAIN) - 44
LIST = b"LIST" + struct.pack("<I", 10) + b"INFOabcdef"
AIFF = _written("AIFF")
AT = AIFF.index(b"SSND") + 4
LIES = {
    "0": _with(PLAIN, 40, "<I", 0),
    "2 % too large": _with(PLAIN, 40, "<I", SIZE * 102 // 100),
    "five times": _with(PLAIN, 40, "<I", 5 * SIZE),
    "half": _with(PLAIN, 40, "<I", SIZE // 2),
    "outer too": _with(_with(PLAIN, 40, "<I", SIZE // 2), 4, "<I", SIZE // 2 + 36),
    "both 0": _with(_with(PLAIN, 40, "<I", 0), 4, "<I", 0),
    "both 2 % too large": _with(_with(PLAIN, 40, "<I", SIZE * 102 // 100), 4, "<I", SIZE * 103 // 100),
    "0, then a chunk": _with(PLAIN, 40, "<I", 0) + LIST,
    "half, then a chunk": _with(PLAIN, 40, "<I", SIZE // 2) + LIST,
    "no padding": PLAIN[:36] + b"LIST" + struct.pack("<I", 5) + b"abcde" + PLAIN[36:],
    "a chunk past the end": PLAIN[:36] + b"junk" + struct.pack("<I", 2**31) + PLAIN[36:],
    "RF64 without sizes": _with(_written("RF64"), 28, "<Q", 0),
    "AIFF 0": _with(AIFF, AT, ">I", 0),
    "AIFF half": _with(AIFF, AT, ">I", SIZE // 2),
    "AIFF ten times": _with(AIFF, AT, ">I", 10 * SIZE),
    "AU half": _with(_written("AU"), 8, ">I", SIZE // 2),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_told_and_all_is_read(lie: str) -> None:
    np.testing.assert_allclose(audio.read(io.BytesIO(LIES[lie]))[0][0], _tone()[:, 0], atol=1e-4)
    assert _note(LIES[lie]).startswith("The header ")
    assert audio.header(io.BytesIO(LIES[lie])).frames == RATE


@pytest.mark.parametrize(
    "tail", [LIST, bytes(5000), b"ID3\4" + bytes(range(99)), b"TAG" + b"x" * 125, b"\1\2\3"]
)
def test_what_follows_the_sound_is_none(tail: bytes) -> None:
    np.testing.assert_allclose(audio.read(io.BytesIO(PLAIN + tail))[0][0], _tone()[:, 0], atol=1e-4)
    assert _note(PLAIN + tail) == ""


def _flac(total: int) -> bytes:
    data = bytearray(_written("FLAC"))
    value = int.from_bytes(data[18:26], "big") >> 36 << 36 | total
    data[18:26] = value.to_bytes(8, "big")
    return bytes(data)


@pytest.mark.parametrize("total", [0, RATE // 2, 4 * RATE])
def test_flac_of_another_length_than_it_says(total: int) -> None:
    np.testing.assert_allclose(audio.read(io.BytesIO(_flac(total)))[0][0], _tone()[:, 0], atol=1e-4)
    assert bool(_note(_flac(total))) == bool(total), "0 means unknown, and is no lie"


@pytest.mark.parametrize("form", ["MP3", "OGG"])
def test_joined_files_are_read_to_the_end(form: str) -> None:
    data = _written(form, None)
    read, _ = audio.read(io.BytesIO(data + data))
    assert read.shape[1] == pytest.approx(2 * RATE, rel=0.06)
    assert np.abs(read[0, int(1.5 * RATE) :]).max() > 0.3
    assert _note(data + data).startswith("The header announces 1.00 s of sound, the file holds ")


def test_mp3_without_a_length_is_read_to_the_end() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((3 * RATE, 1))
    noise[: 2 * RATE] *= 0.001  # its bit rate varies: libsndfile guesses the length
    data = _written("MP3", None, noise)
    first = max(data.find(b"Xing"), data.find(b"Info"))
    following = data.index(data[:2], first)
    read, _ = audio.read(io.BytesIO(data[following:]))
    assert read.shape[1] == pytest.approx(3 * RATE, rel=0.03)


@pytest.mark.parametrize("codec", ["aac", "libopus"])
def test_a_film_without_its_end_is_read_to_the_cut(codec: str) -> None:
    data = encoded("matroska", codec, 48000, _tone(48000, 2.0))
    cut = data[: len(data) * 2 // 3]
    assert 0.8 * 48000 < audio.read(io.BytesIO(cut))[0].shape[1] < 1.6 * 48000
    assert "The header announces 2.0" in _note(cut)


@pytest.mark.parametrize("form", ["playlist", "list", "picture", "noise", "text"])
def test_what_is_no_sound_is_refused_and_opens_nothing(form: str, tmp_path: Path) -> None:
    inner = tmp_path / "secret.aac"
    inner.write_bytes(encoded("adts", "aac", RATE, _tone()))
    picture = io.BytesIO()
    from PIL import Image

    Image.new("RGB", (64, 64)).save(picture, "JPEG")
    content = {
        "playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{inner}\n#EXT-X-ENDLIST\n",
        "list": f"ffconcat version 1.0\nfile '{inner.name}'\n",
        "picture": picture.getvalue(),
        "noise": np.random.default_rng(0).bytes(50_000),
        "text": "no sound at all\n" * 99,
    }[form]
    path = tmp_path / "a.m4a"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    for source in (path, io.BytesIO(path.read_bytes())):
        with pytest.raises(ValueError, match=r"cannot be read as audio|holds no sound") as refused:
            audio.read(source)
        assert "\n" not in str(refused.value)


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "63"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(PLAIN))
    writer.start()
    given = decoding.piped(pipe)
    writer.join()
    assert audio.read(given)[0].shape == audio.read(given)[0].shape == (1, RATE)
