"""How the app writes names and numbers; what reports need as well is in `l2i_core.words`."""

from __future__ import annotations

import math

from l2i_core.words import THIN, class_name, hertz, logit, number, percent

DATA_SETS = {
    "esc10": "ESC-10",
    "esc50": "ESC-50",
    "sonyc": "SONYC-UST",
    "scenes": "synthesised scenes",
    "folder": "a folder of clips",
    "synth": "synthesised clips",
}

__all__ = [
    "DATA_SETS",
    "THIN",
    "class_name",
    "clock",
    "decibels",
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


def decibels(level: float) -> str:
    """A level or a difference of levels: "−2.4 dB"; "–" for NaN, "−∞ dB" for nothing."""
    if math.isnan(level):
        return "–"
    text = "−∞" if level == -math.inf else f"{level:.1f}"
    return f"{'0.0' if text == '-0.0' else text.replace('-', '−')}{THIN}dB"


def sentence(text: str) -> str:
    """An engine's message as a sentence: with a capital."""
    return text[:1].upper() + text[1:]
