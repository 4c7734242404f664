"""Names and marks of the files that leave the app."""

from __future__ import annotations

from typing import Any

import pytest

from pages.show.files import download, plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("dog-1-dog-tau0.30-evidence.zip", "dog-1-dog-tau0.30-evidence.zip"),
        ("a/b\\c:d*e?.wav", "a_b_c_d_e_.wav"),
        ("../../etc/passwd.csv", "_.._etc_passwd.csv"),
        ("a\nb\x00c.json", "a_b_c.json"),
        (" .wav", "clip.wav"),
        ("Käfer 日本.csv", "Käfer 日本.csv"),
        ("x" * 300 + ".zip", "x" * 150 + ".zip"),
    ],
)
def test_a_name_is_one_that_every_system_takes(name: str, plain: str) -> None:
    assert plain_name(name) == plain


class _Place:
    given: tuple[Any, ...] = ()

    def download_button(self, *given: Any, **more: Any) -> None:
        self.given = given


@pytest.mark.parametrize("content", ["ä,b\n", lambda: "ä,b\n"])
def test_a_table_has_the_mark_that_spreadsheets_need(content: Any) -> None:
    place = _Place()
    download("Table", content, "a.csv", place)
    _, made, _ = place.given
    assert (made() if callable(made) else made) == "\ufeffä,b\n".encode()
