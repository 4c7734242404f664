"""Sound files opened: by libsndfile, or, where it cannot or holds back, by FFmpeg (PyAV).

What phones and browsers write (m4a, webm, mp4's sound) libsndfile does not know; of an MP3 or Ogg
file that was joined from others it reads the first, of an MP3 file without a length as much as it
guesses. FFmpeg follows no reference out of a file: playlists would read others, or addresses.
"""

import contextlib
import io
import itertools
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from l2i_core.signal import riff
from l2i_core.words import printable

Source = str | os.PathLike[str] | BinaryIO
_ENDINGS = (
    "wav wave bwf rf64 w64 flac ogg oga opus mp3 mp2 aif aiff aifc au snd caf m4a m4b mp4 m4v mov "
    "aac webm weba mka mkv 3gp 3g2 amr wma asf ac3 wv tta ape avi mpg mpeg"
)
SUFFIXES = frozenset(f".{ending}" for ending in _ENDINGS.split())  # what is taken for sound
TAKEN = "WAV, FLAC, OGG, MP3, AIFF, M4A, MP4, WebM, Opus and whatever else FFmpeg decodes"
_BLOCK = 1 << 20  # frames of a file that are read at a time
_MOST_PIPED = 1 << 30  # bytes
_NO_LENGTH = 1 << 40  # frames: libsndfile's way to say that it does not know
# What libsndfile's log says of a chunk of samples whose size is not the file's.
_WRONG_SIZE = re.compile(r"\b(?:data|SSND) : (\d+) \(should be (\d+)\)")
_CUT = 0.95  # of what a header announces: a file that ends before is cut off
_LITTLE = 0.2  # seconds by which codecs' padding makes lengths differ


class Sndfile:
    """A file that libsndfile reads, `frames` by its header; note: what the header got wrong, a
    sentence or ""."""

    def __init__(self, file: BinaryIO, note: str, given: BinaryIO) -> None:
        own = riff.Part(b"", file, 0, file.seek(0, io.SEEK_END)) if file is given else file
        self._file, self._given, self.note = soundfile.SoundFile(own), given, note
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int = self._file.frames
        self.format: str = self._file.format
        self._wrong = _WRONG_SIZE.search(self._file.extra_info)
        if self._wrong and not note and int(self._wrong[1]) < riff.UNKNOWN_SIZE:
            has = self.frames / self.sample_rate
            self.note = riff.lies(has * int(self._wrong[1]) / max(1, int(self._wrong[2])), has)

    @property
    def seconds(self) -> float:
        """By the header."""
        return self.frames / self.sample_rate

    def blocks(self, start: int = 0) -> Iterator[np.ndarray]:
        """Float32 (n, channels), a block at a time, from a frame on."""
        if start:
            self._file.seek(min(start, self.frames))
        while len(block := self._file.read(_BLOCK, dtype="float32", always_2d=True)):
            yield block

    def cut_off(self, filled: int) -> bool:
        """Whether the file ends before its sound does, of which `filled` frames were read."""
        if filled < 0.99 * self.frames:
            return True
        if self.format == "OGG":
            return _cut_ogg(self._given)
        if self._wrong is None:
            return False
        announced, present = int(self._wrong[1]), int(self._wrong[2])
        self._given.seek(4)
        head, end = self._given.read(4), self._given.seek(0, io.SEEK_END)
        whole = int.from_bytes(head, "big" if self.format == "AIFF" else "little") + 8
        return present < _CUT * announced and announced < riff.UNKNOWN_SIZE and end + 1 < whole

    def close(self) -> None:
        self._file.close()


class Libav:
    """A file that FFmpeg reads: its main stream of sound, as `Sndfile` gives it. frames: by the
    durations of its packets; those that are damaged are passed over."""

    format = "FFmpeg"

    def __init__(self, file: BinaryIO, held: float, note: str = "") -> None:
        self.note, self._container = note, _ffmpeg_opens(file)
        try:
            self._decoded = self._frames()
            self._first: Any = next(self._decoded, None)
            if self._first is None or not self._first.sample_rate:
                raise RuntimeError("it holds no sound that FFmpeg decodes")
        except BaseException:
            self.close()
            raise
        self.sample_rate: int = self._first.sample_rate
        self.channels: int = self._first.layout.nb_channels
        self.frames = round(held * self.sample_rate)
        announced = (self._container.duration or 0) / 1e6
        if not note and announced * _CUT > held + _LITTLE:
            self.note = riff.lies(announced, held)

    @property
    def seconds(self) -> float:
        """By the packets."""
        return self.frames / self.sample_rate

    def blocks(self, start: int = 0) -> Iterator[np.ndarray]:
        """Float32 (n, channels), a block at a time, from a frame on; once."""
        import av

        resamplers: dict[object, Any] = {}  # rate and channels may change where files were joined
        parts, size, layout = [], 0, self._first.layout.name
        for frame in itertools.chain((self._first,), self._decoded):
            form = (frame.format.name, frame.layout.name, frame.sample_rate)
            if form not in resamplers:
                resamplers[form] = av.AudioResampler("flt", layout, self.sample_rate)
            frame.pts = None
            for part in resamplers[form].resample(frame):
                samples = part.to_ndarray().reshape(-1, self.channels)
                skipped = min(start, len(samples))
                start, size = start - skipped, size + len(samples) - skipped
                parts.append(samples[skipped:])
            if size >= _BLOCK:
                yield np.concatenate(parts)
                parts, size = [], 0
        if size:
            yield np.concatenate(parts)

    def _frames(self) -> Iterator[Any]:
        import av

        stream = self._container.streams.best("audio")
        if stream is None or stream.codec_context is None:  # none, or of a codec that it lacks
            return
        stream.codec_context.thread_count = 1
        with contextlib.suppress(EOFError, av.error.FFmpegError):  # the file breaks off
            for packet in self._container.demux(stream):
                with contextlib.suppress(av.error.InvalidDataError):
                    yield from packet.decode()

    def cut_off(self, filled: int) -> bool:
        """Never: what there is was read, and `note` says what was announced."""
        return False

    def close(self) -> None:
        self._container.close()


@contextlib.contextmanager
def opened(source: Source) -> Iterator[Sndfile | Libav]:
    """The open file; whatever cannot be done with it is a ValueError."""
    failures = (soundfile.LibsndfileError, RuntimeError, OSError, EOFError, TypeError)
    with _bytes(source) as file:
        try:
            with contextlib.closing(_decoder(file)) as decoder:
                yield decoder
        except failures as error:
            raise ValueError(
                f"{name_of(source)} cannot be read as audio ({reason(error)}). Accepted: {TAKEN}; "
                "export it again in one of these."
            ) from error


def piped(path: str | os.PathLike[str]) -> Path | io.BytesIO:
    """The path of a file; of a pipe, which can be read once, what comes out of it."""
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            return Path(path)
        with open(path, "rb") as pipe:
            content = pipe.read(_MOST_PIPED + 1)
    except OSError:
        return Path(path)
    if len(content) > _MOST_PIPED:
        raise ValueError(f"{path} gives more than {_MOST_PIPED >> 30} GiB; give it in a file.")
    return io.BytesIO(content)


def name_of(source: Source) -> str:
    """How a message calls a file."""
    named = isinstance(source, (str, os.PathLike))
    return printable(Path(source).name) if named else "the upload"  # type: ignore[arg-type]


def reason(error: BaseException) -> str:
    """What a library says is wrong, short."""
    text = str(error).strip().rstrip(".")
    if "not a regular file" in text:  # libsndfile's word for an MP3 file without sound
        return "no sound is found in it"
    return text.split(": ")[-1] if text else type(error).__name__


@contextlib.contextmanager
def _bytes(source: Source) -> Iterator[BinaryIO]:
    if not isinstance(source, (str, os.PathLike)):
        yield source
        return
    given = piped(source)
    if isinstance(given, io.BytesIO):
        yield given
    elif given.is_file():
        try:
            file = given.open("rb")
        except OSError as error:
            raise ValueError(f"{given.name} cannot be read ({error.strerror}).") from error
        with file:
            yield file
    else:
        raise ValueError(
            f"no such audio file: {printable(os.fspath(source))}. "
            "Give the path of an existing file."
        )


def _decoder(file: BinaryIO) -> Sndfile | Libav:
    given, note = riff.mended(file)
    try:
        first = Sndfile(given, note, file)
    except soundfile.LibsndfileError:
        held, _ = _held(file)
        if not held:
            raise
        return Libav(file, held)
    if first.format in ("WAV", "WAVEX", "RF64"):
        return first
    held, last = _held(file)
    more = held > 1.01 * first.seconds + _LITTLE
    whole = first.format == "FLAC" and held < 0.99 * first.seconds and _crc16(last) == 0
    if not held or not more and not whole:
        return first
    first.close()
    says = first.seconds if first.frames < _NO_LENGTH else held
    return Libav(file, held, riff.lies(says, held) if says != held else "")


def _refuse(*_: object) -> None:
    raise OSError("a sound file may not refer to other files")


def _ffmpeg_opens(file: BinaryIO) -> Any:
    import av  # a quarter of a second, for those that need it

    av.logging.set_level(None)  # its remarks would go to stderr
    file.seek(0)
    options = {"protocol_whitelist": "none"}
    try:
        return av.open(file, metadata_errors="ignore", options=options, io_open=_refuse)
    except av.error.FFmpegError as error:
        raise RuntimeError(error.strerror) from error


def _held(file: BinaryIO) -> tuple[float, bytes]:
    """Seconds of the packets of sound in a file, none of them decoded, and the last of them; 0
    where FFmpeg finds none."""
    import av

    seconds, last = 0.0, b""
    failures = (RuntimeError, av.error.FFmpegError, EOFError)
    with contextlib.suppress(*failures), _ffmpeg_opens(file) as container:
        stream = container.streams.best("audio")
        for packet in container.demux(stream) if stream is not None else ():
            if packet.size and 0 < (packet.duration or 0) < 2**31:  # above: a negative one, wrapped
                seconds += float(packet.duration * packet.time_base)
            last = bytes(packet) or last
    return seconds, last


def _crc16(data: bytes) -> int:
    """The check sum of a frame of FLAC, its last two bytes; over all of it 0 where it is whole."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x8005 * (value >> 15)) & 0xFFFF
    return value if data else 1


def _cut_ogg(file: BinaryIO) -> bool:
    """Whether an Ogg file is cut off, which libsndfile reads up to the cut: its last page is marked
    as the end of the stream, and is there in full."""
    file.seek(0)
    content = file.read()
    page = content[content.rfind(b"OggS") :]
    if len(page) < 27 or not page[5] & 4:
        return True
    return len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])
