"""The user's names for components: kept, exchanged, and never attached to another dictionary."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from l2i_core import load_bundle
from l2i_core.bundle import Bundle, save_bundle
from l2i_core.dictionary import names
from l2i_core.dictionary.nmf import Dictionary

MARK = "ab" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("L2I_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _text(**changes: object) -> bytes:
    content = {"format": names.FORMAT, "bundle": "b", "dictionary": MARK, "names": {"3": "bark"}}
    return json.dumps({**content, **changes}).encode()


def test_names_are_kept_and_read_again(home: Path) -> None:
    assert names.load("b", MARK, 12) == {}
    assert not home.exists(), "reading writes nothing"
    names.keep("b", MARK, 12, {3: "bark", 1: "雨 – «rain» 🌧"})
    assert names.load("b", MARK, 12) == {1: "雨 – «rain» 🌧", 3: "bark"}
    names.keep("b", MARK, 12, {3: "", 2: "hum"})
    assert names.load("b", MARK, 12) == {1: "雨 – «rain» 🌧", 2: "hum"}
    assert [path.name for path in (home / "names").iterdir()] == [f"b-{MARK[:16]}.json"]


def test_a_component_is_called_by_its_number_and_its_name() -> None:
    assert names.label({3: "bark"}, 3) == "#3 · bark"
    assert names.label({3: "bark"}, 12) == "#12"


def test_another_dictionary_has_other_names() -> None:
    names.keep("b", MARK, 12, {3: "bark"})
    assert names.load("b", "cd" * 32, 12) == {}
    assert names.load("c", MARK, 12) == {}


def test_default_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("L2I_HOME")
    assert names.path_for("b", MARK).parent == Path.home() / ".l2i" / "names"


def test_export_is_what_import_takes() -> None:
    kept = {0: 'quote " and \\', 11: "x" * names.MAX_LENGTH}
    data = names.encode("b", MARK, kept).encode()
    assert names.decode(data, "f.json", MARK, 12) == kept
    assert names.decode(b"\xef\xbb\xbf" + data, "f.json", MARK, 12) == kept, "with a BOM"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe poem", "is not JSON"),
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1, 2]", "not a file of component names"),
        (_text(format="other/1"), "not a file of component names"),
        (_text(extra=1), "must hold exactly"),
        (_text(names=["bark"]), "must hold exactly"),
        (_text(dictionary="cd" * 32, bundle="other"), "another dictionary.*other"),
        (_text(names={"12": "x"}), "numbered from 0 to 11"),
        (_text(names={"-1": "x"}), "numbered from 0 to 11"),
        (_text(names={"²": "x"}), "numbered from 0 to 11"),
        (_text(names={"9" * 5000: "x"}), "numbered from 0 to 11"),
        (_text(names={"3": 7}), "not text"),
        (_text(names={"3": "x" * 61}), "component 3.*60 characters"),
        (b" " * (names.MAX_BYTES + 1), "larger than 1 MB"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        names.decode(data, "f.json", MARK, 12)
    text = str(caught.value)
    assert text.startswith("f.json")
    assert text.endswith(".")
    assert len(text) < 250
    assert "\n" not in text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  a\t b\n c ", "a b c"),
        ("e\u0301", "é"),
        ("\u202egnirts\u202c", "gnirts"),
        ("a\x00b\x1b", "ab"),
        ("\u200b", ""),
        ("👩\u200d🚒", "👩\u200d🚒"),
        ("<b>*x*</b>", "<b>*x*</b>"),
    ],
)
def test_odd_characters(typed: str, kept: str) -> None:
    assert names.clean(typed) == kept


def test_long_names_are_refused() -> None:
    assert len(names.clean("x" * 60)) == 60
    with pytest.raises(ValueError, match="60 characters"):
        names.clean("x" * 61)


def test_a_damaged_file_is_not_overwritten(home: Path) -> None:
    path = names.path_for("b", MARK)
    path.parent.mkdir(parents=True)
    path.write_text("half a fi")
    with pytest.raises(ValueError, match="not JSON"):
        names.keep("b", MARK, 12, {1: "x"})
    assert path.read_text() == "half a fi"


def test_a_folder_that_cannot_be_written(home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(ValueError, match="cannot"):
        names.keep("b", MARK, 12, {1: "x"})


def test_fingerprint_follows_w(bundle: Bundle, bundle_folder: Path, tmp_path: Path) -> None:
    mark = names.fingerprint(bundle.stored_patterns())
    assert len(mark) == 64
    assert names.fingerprint(load_bundle(bundle_folder).stored_patterns()) == mark
    patterns = bundle.dictionary.patterns.clone()
    patterns[:, [0, 1]] = patterns[:, [1, 0]]
    other = replace(bundle, dictionary=Dictionary(patterns), folder=None)
    assert names.fingerprint(other.stored_patterns()) != mark
    turned = replace(bundle, dictionary=Dictionary(torch.flip(bundle.dictionary.patterns, [0])))
    save_bundle(turned, tmp_path / "turned")
    assert names.fingerprint(load_bundle(tmp_path / "turned").stored_patterns()) != mark
