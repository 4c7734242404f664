"""Zips from strangers: what is taken, what is left out, what is refused."""

import io
import zipfile
from pathlib import Path

import pytest

from l2i_core.data.archives import keep_upload, unpack_audio


def _zip(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_audio_is_taken_with_its_class(tmp_path: Path) -> None:
    found = _zip(
        {
            "set/dog/a.wav": b"1",
            "set\\rain\\b.FLAC": b"2",
            "loose.ogg": b"3",
            "set/notes.txt": b"x",
            "__MACOSX/set/dog/a.wav": b"x",
            "set/dog/.hidden.wav": b"x",
            "set/dog/empty/": b"",
        }
    )
    assert unpack_audio(found, tmp_path) == 3
    assert _files(tmp_path) == {"dog/a.wav", "rain/b.FLAC", "loose.ogg"}
    assert (tmp_path / "dog" / "a.wav").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["../a.wav", "x/../../a.wav", "/etc/a.wav", "C:/x/a.wav"])
def test_no_way_out_of_the_folder(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    with pytest.raises(ValueError, match="leads out of its folder"):
        unpack_audio(_zip({name: b"1"}), inner)
    assert not _files(tmp_path)


def test_links_are_left_out(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("dog/link.wav")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ValueError, match="no audio"):
        unpack_audio(buffer, tmp_path)


def test_a_bomb_is_stopped_by_what_comes_out(tmp_path: Path) -> None:
    bomb = _zip({"a.wav": bytes(5_000_000)})
    assert len(bomb.getvalue()) < 10_000
    with pytest.raises(ValueError, match="more than 0.003 GB"):
        unpack_audio(bomb, tmp_path, most_bytes=3_000_000)
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) <= 3_000_000


def test_too_many_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 audio files; at most 2"):
        unpack_audio(_zip({f"{i}.wav": b"" for i in range(3)}), tmp_path, most_files=2)


def test_what_is_no_zip(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a zip"):
        unpack_audio(io.BytesIO(b"a poem"), tmp_path)
    stored = _zip({"a.wav": b"0123456789"}, zipfile.ZIP_STORED).getvalue()
    with pytest.raises(ValueError, match="not a zip"):
        unpack_audio(io.BytesIO(stored.replace(b"0123456789", b"0123456780")), tmp_path)
    packed = bytearray(_zip({"a.wav": b"0123456789" * 9}).getvalue())
    for place in range(35, 38):  # within what is deflated
        packed[place] ^= 0xFF
    with pytest.raises(ValueError, match="not a zip"):
        unpack_audio(io.BytesIO(bytes(packed)), tmp_path / "packed")
    unknown = bytearray(stored)
    unknown[8] = unknown[unknown.rfind(b"PK\x01\x02") + 10] = 99  # a compression nobody knows
    with pytest.raises(ValueError, match="not a zip"):
        unpack_audio(io.BytesIO(bytes(unknown)), tmp_path / "unknown")
    flagged = bytearray(_zip({"b.wav": b"0123456789"}).getvalue())
    flagged[6] |= 1  # encrypted, says the entry
    flagged[flagged.rfind(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ValueError, match="encrypted"):
        unpack_audio(io.BytesIO(bytes(flagged)), tmp_path)


def test_the_same_name_twice(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dog/a\.wav twice"):
        unpack_audio(_zip({"x/dog/a.wav": b"1", "y/dog/a.wav": b"2"}), tmp_path)


def test_single_uploads(tmp_path: Path) -> None:
    keep_upload("../../x/a.wav", io.BytesIO(b"1"), tmp_path)
    assert _files(tmp_path) == {"a.wav"}
    with pytest.raises(ValueError, match="twice"):
        keep_upload("a.wav", io.BytesIO(b"1"), tmp_path)
    with pytest.raises(ValueError, match="not an audio file"):
        keep_upload("a.exe", io.BytesIO(b"1"), tmp_path)
