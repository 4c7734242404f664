"""The field's terms, explained where they stand: `glossary.md`, an entry a paragraph."""

import functools
import re

from pages.show.files import read_beside


@functools.cache
def entries() -> dict[str, str]:
    """Every term with its entry, which begins with the term in bold."""
    paragraphs = read_beside(__file__, "glossary.md").strip().split("\n\n")
    return {re.findall(r"^\*\*(.+?)\.\*\*", text)[0]: text for text in paragraphs}


def told(*names: str) -> str:
    """Some entries, for the `help` of a heading or a control; KeyError for a term that has none."""
    return "\n\n".join(entries()[name] for name in names)
