"""The glossary as it stands beside headings."""

import pytest

from pages.show import terms


def test_every_entry_begins_with_its_term_and_ends_as_a_sentence() -> None:
    entries = terms.entries()
    assert len(entries) > 25
    for name, text in entries.items():
        assert text.startswith(f"**{name}.** ")
        assert text.endswith((".", "paper's."))
        assert "\n" not in text


@pytest.mark.parametrize("name", ["f", "FF", "|L|", "θ", "x_int", "Fid-In", "‖X‖²", "τ"])
def test_the_shorthand_of_the_pages_has_entries(name: str) -> None:
    assert name in terms.entries()


def test_several_are_told_in_the_order_asked() -> None:
    told = terms.told("τ", "FF")
    assert told.index("**τ.**") < told.index("**FF.**")
    with pytest.raises(KeyError):
        terms.told("no such term")
