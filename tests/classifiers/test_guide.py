"""docs/classifiers.md, followed as it is written."""

import json
import re
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from small_fit import make_small

from l2i_core.__main__ import main
from l2i_core.bundle import load_bundle

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "classifiers.md"
CLIPS = GUIDE.parents[1] / "assets"


def _section(title: str) -> tuple[str, list[str]]:
    """The Python of a section, and the arguments of the command below it."""
    (text,) = re.findall(rf"^## {title}[^\n]*\n(.*?)(?=^## |\Z)", GUIDE.read_text(), re.M | re.S)
    (source,) = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    commands = re.findall(r"^```\npython -m l2i_core (.*?)\n```", text, re.M | re.S)
    return source, shlex.split(commands[0]) if commands else []


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the shipped clips, where nothing is trusted yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("L2I_TRUST_CODE", "")
    (tmp_path / "assets").symlink_to(CLIPS)
    return tmp_path


def _explained(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    answer = main([*command, "--json"])
    out, err = capsys.readouterr()
    assert answer == 0, err
    assert json.loads(out)["predicted"] in ("low", "high", "loud", "quiet")


def test_a_module(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, command = _section("A PyTorch module")
    (desk / "my_model.py").write_text(source)
    _explained(command, capsys)


def test_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    source, command = _section("A Hugging Face folder")
    exec(source, {})
    _explained(command, capsys)


def test_an_onnx_file(capsys: pytest.CaptureFixture[str]) -> None:
    source, command = _section("An ONNX file")
    exec(source, {"__name__": "export"})
    _explained(command, capsys)


@pytest.fixture
def port() -> Iterator[int]:
    """A server that tells loud from quiet."""

    class Scorer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            clips = int(self.path.removeprefix("/score?clips="))
            sounds = np.frombuffer(body, np.float32).reshape(clips, -1)
            loud = np.log(np.square(sounds).mean(1) + 1e-6)
            told = json.dumps(np.stack([loud, -loud], 1).tolist()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *given: object) -> None: ...

    server = HTTPServer(("localhost", 0), Scorer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_server(desk: Path, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    source, command = _section("A function")
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
    (desk / "my_server.py").write_text(source.replace("localhost:8000", f"localhost:{port}"))
    _explained(command, capsys)


def test_a_server_that_is_gone(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, command = _section("A function")
    (desk / "my_server.py").write_text(source.replace("localhost:8000", "localhost:9"))
    assert main(command) == 2
    assert re.fullmatch(r"error: score raised URLError .*\n", capsys.readouterr().err)


def test_a_bundle(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk / "my_model.py").write_text(_section("A PyTorch module")[0])
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    exec(_section("For the app")[0], {})
    assert load_bundle(desk / "bundles" / "mine").classes == ("low", "high")


def test_fit(desk: Path, two_classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that names no layers, and whose gradient reaches the sound."""
    (desk / "my_model.py").write_text(_section("A PyTorch module")[0])
    (desk / "recordings").symlink_to(two_classes)
    (command,) = re.findall(r"^python -m l2i_core (fit .*)$", GUIDE.read_text(), re.M)
    make_small(monkeypatch, desk / "fit.yaml", seconds=1.5)
    assert main(shlex.split(command)) == 0
    bundle = load_bundle(desk / "bundles" / "mine")
    assert bundle.classes == ("low", "high")
    assert {info.reads for info in bundle.interpreter_info.values()} == {"log-mel"}
