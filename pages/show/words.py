"""How the app writes names and numbers; what reports need as well is in `l2i_core.words`."""

import math
from collections.abc import Sequence

from l2i_core.data.sets import has_splits
from l2i_core.data.sonyc import SPLITS
from l2i_core.words import THIN, class_name, hertz, joined, logit, number, percent

__all__ = [
    "THIN",
    "class_name",
    "clock",
    "decibels",
    "folds",
    "hertz",
    "logit",
    "masked",
    "number",
    "percent",
    "sentence",
]


_SPLITS = {SPLITS["train"]: "training", SPLITS["validate"]: "validation", SPLITS["test"]: "test"}


def folds(kind: str, numbers: Sequence[int]) -> str:
    """ "folds 2, 3 and 4" of a data set; SONYC-UST, and scenes in its format, have splits."""
    split = has_splits(kind)
    names = joined([_SPLITS.get(n, str(n)) if split else str(n) for n in numbers])
    several = "s" if len(numbers) > 1 else ""
    return f"{names} split{several}" if split else f"fold{several} {names}"


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


def masked(domain: str) -> str:
    """What the masks of a domain work on."""
    return "log magnitudes" if domain == "log" else "magnitudes"


def sentence(text: str) -> str:
    """An engine's message as a sentence: with a capital."""
    return text[:1].upper() + text[1:]
