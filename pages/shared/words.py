"""How the app writes names and numbers: two or three significant digits, units always."""

from __future__ import annotations

import math

THIN = "\u202f"  # narrow no-break space between a number and its unit


def class_name(label: str) -> str:
    """ "sea_waves" → "sea waves"."""
    return label.replace("_", " ")


def number(value: float, digits: int = 2) -> str:
    """`digits` significant digits without an exponent, and a true minus sign; "–" for NaN."""
    if math.isnan(value):
        return "–"
    if value == 0 or abs(value) < 5e-4:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 3)}f}".replace("-", "−")


def logit(value: float) -> str:
    """Logits are compared with each other, so all have two decimals."""
    text = f"{value:.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def percent(share: float) -> str:
    """0.413 → "41 %", 0.0042 → "0.42 %"; "–" for NaN."""
    if 0 < share < 5e-5:
        return f"< 0.01{THIN}%"
    text = number(100 * share, 2)
    return text if text == "–" else f"{text}{THIN}%"


def hertz(frequency: float) -> str:
    """312 → "312 Hz", 1234 → "1.23 kHz"."""
    if frequency < 1000:
        return f"{frequency:.0f}{THIN}Hz"
    return f"{number(frequency / 1000, 3)}{THIN}kHz"


def clock(seconds: float) -> str:
    """75.2 → "1:15"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def sentence(text: str) -> str:
    """An engine's message as a sentence: with a capital."""
    return text[:1].upper() + text[1:]
