"""How app, reports and command line write names and numbers: two or three digits, units always."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

THIN = "\u202f"  # narrow no-break space between a number and its unit


@dataclass(frozen=True, slots=True)
class Unit:
    """What FF is a drop of (`Task.score`): `name` as scales and axes have it, `of` what stands
    before a class, `amount` a drop in words."""

    name: str
    of: str
    ending: str

    def amount(self, drop: float) -> str:
        """ "1.26 logits", "0.31 in probability"."""
        return f"{logit(drop)} {self.ending}"


_LOGITS = Unit("logits", "logit for", "logits")
_PROBABILITY = Unit("probability", "probability of", "in probability")

# Of a claim beside energy-matched Random, where all components outside L carry less than L.
UNTESTED = (
    "Chance cannot take as much, so at equal energy the claim is not tested; "
    "at a larger τ it may be"
)


def unit(multi_label: bool) -> Unit:
    """The unit of FF: logits, or a multi-label model's probabilities."""
    return _PROBABILITY if multi_label else _LOGITS


def joined(names: Sequence[str]) -> str:
    """ "dog", "dog and engine", "dog, engine and birds"; "" for none."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


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


def logit(value: float | None) -> str:
    """Logits, or the probabilities that FF is a drop of, are compared with each other, so all have
    two decimals; "–" for NaN and for none."""
    if value is None or math.isnan(value):
        return "–"
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


def megabytes(size: int) -> str:
    """1_234_567 bytes → "1.2 MB"."""
    return f"{max(0.1, size / 1e6):.1f}{THIN}MB"


def counted(count: int, one: str, many: str | None = None) -> str:
    """1, "clip" → "1 clip"; 3, "clip" → "3 clips"."""
    return f"{count} {one if count == 1 else many or one + 's'}"
