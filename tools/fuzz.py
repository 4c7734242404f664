"""Damaged sound files by the thousand: each is read whole, or refused in one sentence, in time.

    python -m tools.fuzz --files 2000 --seed 0

Files of every kind are mutated at random places: bytes exchanged, cut, repeated, zeroed, headers
and floats overwritten. What is no `ValueError`, is not finite, or takes longer than SECONDS is
printed, with the number that makes it again, and ends in exit code 1.
"""

from __future__ import annotations

import argparse
import io
import signal
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
import soundfile

from l2i_core.signal import audio, condition
from l2i_core.signal.spectra import AudioConfig

SECONDS = 20
RATE = 16000
SNDFILE = (
    *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "PCM_24"), ("WAV", "IMA_ADPCM")),
    *(("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AIFF", "FLOAT")),
    *(("AU", "PCM_16"), ("CAF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")),
    ("MP3", "MPEG_LAYER_III"),
)
LIBAV = (
    *(("ipod", "aac"), ("webm", "libopus"), ("ogg", "libopus"), ("adts", "aac"), ("wv", "wavpack")),
)
EXTREMES = (float("inf"), float("nan"), 3e38, -3e38, 1e30, 1e-42)


def seeds() -> list[bytes]:
    """A file of each kind: a second of a decaying tone, one or two channels."""
    time_axis = np.arange(RATE) / RATE
    tone = (0.5 * np.exp(-3 * time_axis) * np.sin(2 * np.pi * 440 * time_axis)).astype(np.float32)
    found = []
    for number, (form, subtype) in enumerate(SNDFILE):
        buffer = io.BytesIO()
        soundfile.write(buffer, np.stack([tone] * (1 + number % 2), 1), RATE, subtype, format=form)
        found.append(buffer.getvalue())
    for form, codec in LIBAV:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=form) as container:
            stream = container.add_stream(codec, rate=48000, layout="mono")
            frame = av.AudioFrame.from_ndarray(tone[None], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
        found.append(buffer.getvalue())
    return found


def mutated(data: bytes, draw: np.random.Generator) -> bytes:
    """A file with one to eight damages, half of them near its start."""
    out = bytearray(data)
    for _ in range(int(draw.integers(1, 5))):
        near = 200 if draw.random() < 0.5 else len(out)
        at = int(draw.integers(max(1, min(near, len(out)))))
        length = int(draw.integers(1, 64)) if draw.random() < 0.8 else int(draw.integers(1, 9000))
        kind = int(draw.integers(8))
        if kind == 0:
            out[at] ^= 1 << int(draw.integers(8))
        elif kind == 1:
            out[at : at + length] = draw.bytes(min(length, 64))
        elif kind == 2:
            del out[at:][:length], out[at : at + length]
        elif kind == 3:
            out[at:at] = out[at : at + length]
        elif kind == 4:
            out[at : at + length] = bytes(min(length, len(out) - at))
        elif kind == 5:
            word = draw.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(out), 2 * len(out)])
            out[at : at + 4] = struct.pack(draw.choice(["<I", ">I"]), int(word))
        elif kind == 6:
            out[at : at + 4] = struct.pack("<f", EXTREMES[int(draw.integers(len(EXTREMES)))])
        else:
            del out[max(1, at) :]
    return bytes(out)


def problem(data: bytes) -> str:
    """What is wrong with the reading of a file, "" where it is read or refused as it should be."""
    start = time.monotonic()
    try:
        with _limited():
            samples, rate = audio.read(io.BytesIO(data))
            clip = audio.prepare(samples, rate, AudioConfig())
            gained = clip * audio.peak_gain(clip)
            if not bool(gained.isfinite().all()):
                return "gives samples that are not finite"
            condition.of_file(io.BytesIO(data))
    except ValueError as error:
        if "\n" in str(error) or not str(error).endswith((".", "!")):
            return f"is refused in no sentence: {error!r}"
    except Exception as error:  # that is what is looked for
        return f"raises {error!r}"
    return "" if time.monotonic() - start < SECONDS else f"takes {time.monotonic() - start:.0f} s"


@contextmanager
def _limited() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"hangs for {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(files: int, seed: int) -> tuple[list[str], int]:
    """The problems of so many files, and how many of the files were read."""
    kinds, problems, read = seeds(), [], 0
    for number in range(files):
        draw = np.random.default_rng([seed, number])
        data = mutated(kinds[number % len(kinds)], draw)
        if found := problem(data):
            problems.append(f"file {number} of seed {seed} {found}")
        try:
            audio.header(io.BytesIO(data))
            read += 1
        except ValueError:
            pass
    return problems, read


def main() -> int:
    """Run it; exit code 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    start = time.monotonic()
    problems, read = run(arguments.files, arguments.seed)
    print("\n".join(problems[:50]))
    print(
        f"{arguments.files} files in {time.monotonic() - start:.0f} s: {read} opened, "
        f"{len(problems)} problems."
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
