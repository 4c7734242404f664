"""Downloading a data set: from a generated archive that a server on localhost hands out."""

import contextlib
import functools
import io
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile
from driving import noise

from l2i_core.data.download import PUBLISHED, Progress, download
from l2i_core.data.sets import data_folder, open_data_set
from pages.shell import jobs

Opener = Callable[[str], Any]
CSV = "filename,fold,target,category,esc10,src_file,take\n"
ROWS = ("1-7-A-36.wav,1,36,vacuum_cleaner,False,7,A\n", "2-9-A-0.wav,2,0,dog,True,9,A\n")


@functools.cache
def sound(kind: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(0.2), 44100, format=kind)
    return buffer.getvalue()


def esc50_archive(**change: str | None) -> bytes:
    """The archive as the repository's host makes it; `change` adds, replaces or (None) drops."""
    top = f"ESC-50-{PUBLISHED['esc50'].commit}"
    files: dict[str, str | bytes | None] = {
        "README.md": "# ESC-50",
        "LICENSE": "CC BY-NC",
        "meta/esc50.csv": CSV + "".join(ROWS),
        "tests/test_dataset.py": "",
        "audio/1-7-A-36.wav": sound("WAV"),
        "audio/2-9-A-0.wav": sound("WAV"),
        **change,
    }
    return _zip({f"{top}/{name}": data for name, data in files.items() if data is not None})


def esc10_archive() -> bytes:
    top = f"ESC-10-{PUBLISHED['esc10'].commit}"
    readme = (
        "- 001 - Dog bark\n\n001 - Dog bark:\n- [1-100-A.ogg]: clip derived from x [CC0]\n"
        "- [2-205-A.ogg]: clip\n\n010 - Fire crackling:\n- [1-7-B.ogg]:   clip\n"
    )
    clips = ("001 - Dog bark/1-100-A.ogg", "001 - Dog bark/2-205-A.ogg")
    files = {name: sound("OGG") for name in (*clips, "010 - Fire crackling/1-7-B.ogg")}
    return _zip({f"{top}/README.txt": readme, **{f"{top}/{n}": d for n, d in files.items()}})


def _zip(files: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("L2I_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("L2I_ESC10", raising=False)
    monkeypatch.delenv("L2I_ESC50", raising=False)
    return tmp_path / "home"


@pytest.fixture
def serve() -> Iterator[Callable[..., Opener]]:
    """serve(data, cut=None, slow=False) → an opener that asks a server on localhost for it."""
    servers = []

    def start(data: bytes, status: int = 200, cut: int | None = None, slow: bool = False) -> Opener:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who cancels hangs up
                    for at in range(0, len(data[:cut]), 2000):
                        self.wfile.write(data[:cut][at : at + 2000])
                        time.sleep(0.05 if slow else 0)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)

        def opener(address: str) -> Any:
            assert address.startswith("https://github.com/karolpiczak/ESC-")
            return urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/a.zip")

        return opener

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetch(kind: str, opener: Opener) -> list[Progress]:
    """The whole of a download's progress."""
    return list(download(kind, opener))


def test_esc50_is_fetched_and_found(home: Path, serve: Callable[..., Opener]) -> None:
    seen, folder = fetch("esc50", serve(esc50_archive())), home / "esc50"
    assert data_folder("esc50") == folder
    data = open_data_set("esc50")
    assert {clip.name for clip in data.clips} == {"1-7-A-36", "2-9-A-0"}
    assert all(soundfile.info(clip.path).frames for clip in data.clips if clip.path)
    assert (folder / "LICENSE").is_file()
    assert not (folder / "tests").exists()
    assert [doing for doing, share in seen if share == 1.0] == [
        "Downloading ESC-50",
        "Unpacking ESC-50",
    ]
    assert list(home.iterdir()) == [folder], "nothing is left beside it"


def test_esc10_follows_the_list_in_its_readme(home: Path, serve: Callable[..., Opener]) -> None:
    fetch("esc10", serve(esc10_archive()))
    data = open_data_set("esc10")
    assert [(c.label, c.fold) for c in data.clips] == [
        ("dog", 1),
        ("dog", 2),
        ("crackling_fire", 1),
    ]


def test_a_data_set_at_hand_is_not_fetched_again(home: Path, serve: Callable[..., Opener]) -> None:
    fetch("esc50", serve(esc50_archive()))

    def never(address: str) -> Any:
        raise AssertionError(address)

    assert fetch("esc50", never) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"audio/2-9-A-0.wav": None}, r"lacks 1 of the 2 clips, first audio/2-9-A-0\.wav"),
        ({"audio/3-1-A-0.wav": "x"}, r"1 clips that its table does not list, first audio/3-1"),
        ({"meta/esc50.csv": CSV}, r"table does not list"),
        ({"meta/esc50.csv": None}, r"not its archive"),
        ({"meta/esc50.csv": CSV + ROWS[0] + "../../x.wav,1,0,dog,True,9,A\n"}, r"does not list"),
    ],
)
def test_an_archive_that_does_not_match_its_table_is_refused(
    home: Path, serve: Callable[..., Opener], change: dict[str, str | None], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        fetch("esc50", serve(esc50_archive(**change)))
    assert list(home.iterdir()) == []


def test_what_is_no_archive_is_refused(home: Path, serve: Callable[..., Opener]) -> None:
    whole = esc50_archive()
    broken = bytearray(whole)
    middle = whole.index(b"RIFF") if b"RIFF" in whole else len(whole) // 3
    broken[middle : middle + 50] = bytes(50)  # a byte wrong in a clip: its checksum tells
    for data in (b"<html>captive portal</html>", bytes(broken)):
        with pytest.raises(ValueError, match="not its archive"):
            fetch("esc50", serve(data))
    assert list(home.iterdir()) == []


def test_a_download_that_breaks_off(home: Path, serve: Callable[..., Opener]) -> None:
    with pytest.raises(ValueError, match=r"broke off|no connection"):
        fetch("esc50", serve(esc50_archive(), cut=4000))
    assert list(home.iterdir()) == []


def test_no_network_is_one_sentence(home: Path, serve: Callable[..., Opener]) -> None:
    def unreachable(address: str) -> Any:
        raise urllib.error.URLError(OSError("Name or service not known"))

    with pytest.raises(ValueError, match=r"no connection to github.com.*L2I_ESC10") as caught:
        fetch("esc10", unreachable)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="answered 404"):
        fetch("esc10", serve(b"", status=404))


def test_no_space_and_no_folder(
    home: Path, serve: Callable[..., Opener], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**6))
        with pytest.raises(ValueError, match=r"needs 1\.9 GB.*has 0\.0 GB"):
            fetch("esc50", serve(esc50_archive()))
    blocked = home / "file"
    blocked.write_text("")
    monkeypatch.setenv("L2I_HOME", str(blocked / "sub"))
    with pytest.raises(ValueError, match="Name another folder in L2I_HOME"):
        fetch("esc50", serve(esc50_archive()))


def test_cancelling_leaves_nothing(home: Path, serve: Callable[..., Opener]) -> None:
    for steps in range(1, 8):  # in the download, then while it is unpacked
        coming = download("esc50", serve(esc50_archive()))
        doing = [next(coming)[0] for _ in range(steps)]
        coming.close()
        assert list(home.iterdir()) == [], doing


def test_jobs_run_once_and_can_be_cancelled(home: Path, serve: Callable[..., Opener]) -> None:
    def start(kind: str, opener: Opener) -> jobs.Job:
        return jobs.start(("test", kind), 0, lambda: download(kind, opener), computes=False)

    opener = serve(esc50_archive(), slow=True)
    first = start("esc50", opener)
    assert start("esc50", opener) is first
    first.cancel()
    first.wait(20)
    assert not first.running
    assert first.error is None
    assert list(home.iterdir()) == []
    second = start("esc50", serve(esc50_archive()))
    assert second is not first
    second.wait(20)
    assert second.error is None
    assert second.rows[-1] == ("Unpacking ESC-50", 1.0)
    assert data_folder("esc50") == home / "esc50"
    third = start("esc10", serve(b"no zip"))
    third.wait(20)
    assert third.error
    assert "not its archive" in third.error


@pytest.mark.parametrize("damage", ["bytes", "method"])
def test_a_damaged_deflated_clip_is_refused(
    home: Path, serve: Callable[..., Opener], damage: str
) -> None:
    """zlib complains of some damage before the checksum can; and of Deflate64 zipfile knows the
    name alone."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(esc50_archive())) as whole,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as deflated,
    ):
        for name in whole.namelist():
            deflated.writestr(name, whole.read(name))
        first = next(i for i in deflated.infolist() if i.filename.endswith(".wav"))
    data = bytearray(packed.getvalue())
    start = first.header_offset + 30 + len(first.filename)
    if damage == "bytes":
        data[start : start + 8] = b"\xff" * 8
    else:
        entry = data.rindex(first.filename.encode()) - 46  # in the central directory
        for place in (first.header_offset + 8, entry + 10):
            data[place : place + 2] = (9).to_bytes(2, "little")
    with pytest.raises(ValueError, match="not its archive"):
        fetch("esc50", serve(bytes(data)))
    assert list(home.iterdir()) == []
