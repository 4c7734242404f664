"""How the app writes names and numbers; what reports need as well is in `l2i_core.words`."""

from __future__ import annotations

from l2i_core.words import THIN, class_name, hertz, logit, number, percent

__all__ = [
    "THIN",
    "class_name",
    "clock",
    "hertz",
    "logit",
    "number",
    "percent",
    "sentence",
]


def clock(seconds: float) -> str:
    """75.2 → "1:15"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def sentence(text: str) -> str:
    """An engine's message as a sentence: with a capital."""
    return text[:1].upper() + text[1:]
