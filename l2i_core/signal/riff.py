"""WAV and AIFF files whose header lies: a size that is 0, too large or too small, odd chunks.

A RIFF file is a chain of chunks, each with its size, padded to even lengths; "data" holds the
sound (Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0, 1991). RF64,
for more than 4 GiB, has its sizes in a chunk "ds64" (EBU Tech 3306).
"""

import io
import re
import struct
from typing import BinaryIO

# A program that writes to a pipe cannot know the length: it puts a size from here on, which tells
# nothing, and is no lie.
UNKNOWN_SIZE = 2**31 - 4096
_NEAR = 1 << 20  # bytes in which a chunk is looked for behind one whose size is wrong
_TAGS = (b"ID3", b"TAG", b"APETAGEX")  # what other programs put behind the chunks
_LAST = re.compile(
    rb"LIST|id3 |ID3 |cue |bext|iXML|smpl|fact|afsp|_PMX|junk|JUNK|PAD |MARK|INST|COMT|APPL"
)


class Part(io.RawIOBase):
    """A header before a part of a file, or only that part; nobody's place in the file but its own.

    A damaged file makes libsndfile seek before the start: that is the start.
    """

    def __init__(self, header: bytes, file: BinaryIO, start: int, length: int) -> None:
        self._header, self._file, self._start = header, file, start
        self._size, self._at = len(header) + length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._size - self._at))
        if self._at < len(self._header):
            data = self._header[self._at : self._at + wanted]
        else:
            self._file.seek(self._start + self._at - len(self._header))
            data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def mended(file: BinaryIO) -> tuple[BinaryIO, str]:
    """A file as it is, or, of a WAV or AIFF file whose header lies, one with a header that is right
    before the same samples; and what was wrong, a sentence, "" for nothing.

    A file that is shorter than its outermost size says is cut off: it is left as it is.
    """
    end = file.seek(0, io.SEEK_END)
    head = _at(file, 0, 12)
    wav = head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE"
    if not wav and (head[:4] != b"FORM" or head[8:] not in (b"AIFF", b"AIFC")):
        return file, ""
    order, sound, about = ("<", b"data", b"fmt ") if wav else (">", b"SSND", b"COMM")
    position, form, wide, lost = 12, b"", None, False
    while (chunk := _chunk(file, position, end, order)) is not None and chunk[0] != sound:
        name, position, size = chunk
        if not _named(name):
            return file, ""
        if name == about:
            form = _at(file, position, size)
        elif name == b"ds64":
            wide = int.from_bytes(_at(file, position + 8, 8), "little")
        if position + size > end:  # its size is wrong: the sound may follow it at once
            found = _at(file, position, _NEAR).find(sound)
            if found < 0:
                return file, ""
            lost, position = True, position + found
            continue
        position += size + size % 2
        if size % 2 and not _named(_at(file, position, 4)):  # it was not padded
            lost, position = True, position - 1
    if chunk is None or len(form) < 16:
        return file, ""
    _, position, announced = chunk
    if announced == 2**32 - 1 and wide is not None:
        announced = wide
    elif announced >= UNKNOWN_SIZE:
        return file, ""
    whole, rest = struct.unpack(f"{order}I", head[4:8])[0] + 8, end - position
    if announced > rest and end + 1 < whole < UNKNOWN_SIZE:
        return file, ""
    held = min(rest, _held(file, position, announced, end, order))
    if held == announced and not lost:
        return file, ""
    padded = form + b"\0" * (len(form) % 2)
    sizes = len(form), min(held, 2**32 - 1), min(held + len(padded) + 20, 2**32 - 1)
    chunks = head[8:] + struct.pack(f"{order}4sI", about, sizes[0]) + padded
    chunks += struct.pack(f"{order}4sI", sound, sizes[1])
    outer = struct.pack(f"{order}4sI", b"RIFF" if wav else b"FORM", sizes[2])
    rebuilt = Part(outer + chunks, file, position, held)
    bytes_a_second = _speed(form) if wav else _speed_of_aiff(form)
    if announced == held or not bytes_a_second:
        told = "The header has a chunk of a wrong size; the sound behind it was found and read."
    else:
        told = lies(announced / bytes_a_second, held / bytes_a_second)
    return rebuilt, told  # type: ignore[return-value]


def _speed(form: bytes) -> int:
    rate, _, frame = struct.unpack("<IIH", form[4:14])
    return rate * frame


def _speed_of_aiff(form: bytes) -> float:
    channels, _, bits, exponent, mantissa = struct.unpack(">HIHHQ", form[:18].ljust(18, b"\0"))
    return channels * -(-bits // 8) * mantissa * 2.0 ** min(exponent - 16383 - 63, 0)


def lies(says: float, has: float) -> str:
    """What a reader is told of a header that announces `says` seconds before `has` seconds."""
    return f"The header announces {says:.2f} s of sound, the file holds {has:.2f} s: all was read."


def _at(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)


def _chunk(file: BinaryIO, position: int, end: int, order: str) -> tuple[bytes, int, int] | None:
    """Name of the chunk at `position`, where its content starts, and its size as it says."""
    head = _at(file, position, 8)
    if position + 8 > end or len(head) < 8:
        return None
    return head[:4], position + 8, struct.unpack(f"{order}I", head[4:])[0]


def _named(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= letter < 127 for letter in name)


def _held(file: BinaryIO, start: int, announced: int, end: int, order: str) -> int:
    """Bytes of sound from `start`: all to the end, where neither the end nor a chunk, a tag or
    padding follows what is announced."""
    position = start + announced + announced % 2
    while position < end:
        tail = _at(file, position, 8)
        if tail.startswith(_TAGS) or not any(_at(file, position, _NEAR)):
            return announced
        chunk = _chunk(file, position, end, order)
        if chunk is None or not _named(chunk[0]) or chunk[1] + chunk[2] > end:
            break
        position = chunk[1] + chunk[2] + chunk[2] % 2
    else:
        return announced
    if end - position < 8 or position > start + announced + 1:  # a rest, or one behind chunks
        return announced
    near = max(start, end - _NEAR)
    for found in _LAST.finditer(_at(file, near, end - near)):
        last = _chunk(file, near + found.start(), end, order)
        if last is not None and end - 1 <= last[1] + last[2] <= end:
            return near + found.start() - start
    return end - start
