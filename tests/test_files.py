"""Atomic files: complete, or as before; and command lines that speak in one sentence."""

import io
import json
import sys
from pathlib import Path

import pytest

from l2i_core.arguments import Parser
from l2i_core.files import atomic, write_text


def _names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def test_written_file_is_there_with_its_folders(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "text.json", "τ\n")
    assert (tmp_path / "a" / "b" / "text.json").read_bytes() == "τ\n".encode()
    assert _names(tmp_path) == {"a", "a/b", "a/b/text.json"}


def test_file_is_not_seen_before_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_text(path, "old")
    with atomic(path) as part:
        part.write_text("ne")
        assert path.read_text() == "old"
        part.write_text("new")
    assert path.read_text() == "new"
    assert _names(tmp_path) == {"x"}


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), RuntimeError("no")])
@pytest.mark.parametrize("old", [True, False])
def test_failed_block_leaves_all_as_it_was(tmp_path: Path, error: BaseException, old: bool) -> None:
    path = tmp_path / "x"
    if old:
        write_text(path, "old")

    def fails() -> None:
        with atomic(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)):
        fails()
    assert _names(tmp_path) == ({"x"} if old else set())
    assert not old or path.read_text() == "old"


def test_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "x", tmp_path / "folder"):
        with pytest.raises(ValueError, match=f"cannot write {path}") as refused:
            write_text(path, "text")
        assert "\n" not in str(refused.value)
    assert _names(tmp_path) == {"file", "folder"}


def test_parser_raises_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="job")
    parser.add_argument("--count", type=int, required=True)
    for argv in ([], ["--count", "x"], ["--count", "1", "--other"]):
        with pytest.raises(ValueError, match=r"count|--other") as refused:
            parser.parse_args(argv)
        assert str(refused.value).endswith("See job --help.")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_console_prints_what_it_can(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    Parser(prog="job").parse_args([])
    named = {"clip": "é ω 🙂 \udcff.wav"}  # the last is a byte of a file name that is no UTF-8
    for stream in streams:
        print("FF −1.82 at τ = 0.30", json.dumps(named, ensure_ascii=False), sep="\n", file=stream)
        stream.flush()
        told, read = stream.buffer.getvalue().decode(encoding).splitlines()
        assert told == ("FF -1.82 at tau = 0.30" if encoding != "utf-8" else "FF −1.82 at τ = 0.30")
        assert json.loads(read) == named
