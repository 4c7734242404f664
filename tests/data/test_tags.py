"""Tags of decisions: kept one change at a time, by two at once too, and exchanged as CSV."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from l2i_core.data import tags
from l2i_core.data.tags import Decision, Tag
from l2i_core.files import SPREADSHEET

FIRST, SECOND = (Decision(digit * 64, "esc10", "dog") for digit in "ab")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2I_HOME", str(tmp_path / "home"))


def _both(*changes: tags.Tags) -> tags.Tags:
    """The changes made on disk, after the same in memory."""
    told: tags.Tags = {}
    for change in changes:
        tags.keep(change)
        told = tags.merged(told, change)
        assert tags.load("esc10") == told
    return told


def test_tag_and_note_change_apart_and_what_is_empty_goes() -> None:
    assert tags.load("esc10") == {}
    assert not tags.path().exists(), "reading makes no file"
    made = _both(
        {FIRST: Tag("wrong", clip="a.wav")},
        {FIRST: Tag(note="a cat", clip="b.wav"), SECOND: Tag("unsure")},
        {SECOND: Tag("")},
    )
    assert made == {FIRST: Tag("wrong", "a cat", "b.wav")}
    assert tags.load("esc50") == {}, "another model's decisions are others"
    assert _both({FIRST: Tag("", "")}) == {}


def test_many_who_write_at_once_lose_nothing() -> None:
    def tab(number: int) -> None:
        for step in range(5):
            tags.keep({Decision(f"{number:032x}{step:032x}", "esc10", "dog"): Tag("wrong")})
            field = {"tag": "confirmed"} if number % 2 else {"note": "heard"}
            tags.keep({FIRST: Tag(**field)})

    with ThreadPoolExecutor(4) as tabs:
        list(tabs.map(tab, range(4)))
    found = tags.load("esc10")
    assert len(found) == 21
    assert found[FIRST] == Tag("confirmed", "heard")


def test_who_comes_second_waits_its_turn() -> None:
    tags.keep({FIRST: Tag("wrong")})
    # As another process has it: a connection of its own.
    with sqlite3.connect(tags.path(), isolation_level=None) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE tags SET note = 'first'")
        with ThreadPoolExecutor(1) as tab:
            second = tab.submit(tags.keep, {SECOND: Tag("unsure")})
            with pytest.raises(TimeoutError):
                second.result(0.3)
            assert tags.load("esc10") == {FIRST: Tag("wrong", "")}, "a reader does not wait"
            database.execute("COMMIT")
            second.result(30)
    assert tags.load("esc10") == {FIRST: Tag("wrong", "first"), SECOND: Tag("unsure", "")}


def test_all_of_the_changes_or_none() -> None:
    with pytest.raises(ValueError, match="cannot be read or written"):
        tags.keep({FIRST: Tag("wrong"), SECOND: Tag("wrong", clip=None)})  # type: ignore[arg-type]
    assert tags.load("esc10") == {}


@pytest.mark.parametrize("damage", ["poem", "newer", "folder"])
def test_a_damaged_file_is_one_sentence_and_left_alone(damage: str) -> None:
    tags.path().parent.mkdir(parents=True)
    if damage == "folder":
        tags.path().mkdir()
    elif damage == "poem":
        tags.path().write_bytes(b"a poem, and no data base at all" * 40)
    else:
        with sqlite3.connect(tags.path()) as database:
            database.execute("PRAGMA user_version = 9")
    before = tags.path().read_bytes() if tags.path().is_file() else None
    for job in (lambda: tags.load("esc10"), lambda: tags.keep({FIRST: Tag("wrong")})):
        with pytest.raises(ValueError, match=r"tags\.sqlite cannot be read or written"):
            job()
    if before and damage == "poem":
        assert tags.path().read_bytes() == before


NOTES = ("=cmd()", "'=x", "-1", "1.0", "a “cat”, or; two\tnot one", "猫", "", "'", "@me")


def test_csv_brings_everything_back() -> None:
    given = {
        Decision(f"{i:064x}", "=esc10", f"+{note}"): Tag("wrong", tags.cleaned(note), "-a,b.wav")
        for i, note in enumerate(NOTES)
    }
    text = tags.encode(given)
    assert not [line for line in text.splitlines() if line[:1] in "=+-@"]
    for encoding in (SPREADSHEET, "utf-8", "utf-16"):
        read = tags.decode(text.encode(encoding), "tags.csv")
        assert tags.merged({}, read) == given
    semicolons = f"tag;sound;model;class\nUnsure;{'A' * 64};esc10;dog\n"
    assert tags.decode(semicolons.encode(), "t.csv") == {FIRST: Tag("unsure")}


def test_an_empty_cell_changes_nothing() -> None:
    tags.keep({FIRST: Tag("wrong", "kept")})
    line = f"sound,model,class,tag,note\n{FIRST.sound},esc10,dog,,\n"
    tags.keep(tags.decode(line.encode(), "tags.csv"))
    assert tags.load("esc10") == {FIRST: Tag("wrong", "kept")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "lacks the column “class”"),
        ("clip,label\na,b\n", "lacks the column “class”"),
        ("sound,model,class,tag\n", "holds no tags"),
        ("sound,model,class,tag\n12,m,dog,wrong\n", "line 2: “sound” must hold a SHA-256"),
        (f"sound,model,class,tag\n{'a' * 64},m,dog,maybe\n", "line 2: “maybe” is no tag"),
        (f"sound,model,class,tag\n{'a' * 64},,dog,wrong\n", "lacks the class or the model"),
        (f"sound,model,class,tag,note\n{'a' * 64},m,dog,,{'x' * 501}\n", "a note may have 500"),
        ("\x00\x01" * 30, "lacks the column"),
    ],
)
def test_a_bad_file_is_one_sentence(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        tags.decode(text.encode(), "tags.csv")
    with pytest.raises(ValueError, match="larger than 16 MB"):
        tags.decode(bytes(tags.MAX_BYTES + 1), "tags.csv")
