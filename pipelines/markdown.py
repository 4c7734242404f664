"""Tables as Markdown, for everything that commands write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells as they are written; a "|" in one must come escaped."""
    first, *others = ("| " + " | ".join(cells) + " |" for cells in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *others])


def made_by(abouts: Iterable[Mapping[str, Any]]) -> str:
    """A sentence on what made the figures of which these are the `about`: command, seed, date and
    hardware; "" where no command was recorded."""
    told: dict[str, None] = {}
    for about in abouts:
        if command := about.get("command"):
            seed = f"seed {about['seed']}" if "seed" in about else ""
            rest = (seed, about["date"], about["hardware"])
            told[", ".join((f"`{command}`", *filter(None, rest)))] = None
    return f"Made by {'; '.join(told)}." if told else ""
