"""How app, reports and command line write names and numbers: two or three digits, units always."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_UNWRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # controls and ends of lines
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

# Two energies, never by the bare word: ∑ |S|², of which a mask lets a share pass, and ‖X‖² of the
# log spectrogram, of which components hold shares and in which Random is matched.
SOUND_ENERGY, LOG_ENERGY = "sound energy", "log energy"

TITLES = ("A · input", "B · what it listened to", "C · what is left")
# What energy-matched Random takes out where all that is outside L carries less than L, and why.
ALL_OTHERS = "all other components together"
WEAK = f"{ALL_OTHERS} hold less log energy"


def unit(multi_label: bool) -> Unit:
    """The unit of FF: logits, or a multi-label model's probabilities."""
    return _PROBABILITY if multi_label else _LOGITS


def joined(names: Sequence[str]) -> str:
    """ "dog", "dog and engine", "dog, engine and birds"; "" for none."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def printable(name: str) -> str:
    """A file's name as it can be written anywhere: on one line, in UTF-8."""
    return _UNWRITTEN.sub("?", name.encode("utf-8", "replace").decode())


def one_line(text: str, most: int, what: str = "a name") -> str:
    """A user's text as it is kept: NFC, one line, no control or direction characters, trimmed.

    Raises ValueError where more than `most` characters remain.
    """
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    kept = "".join(c for c in spaced if not _invisible(c)).strip()
    if len(kept) > most:
        raise ValueError(
            f"{what} may have {most} characters, “{kept[:20]}…” has {len(kept)}; shorten it."
        )
    return kept


def _invisible(character: str) -> bool:
    # Joiners shape emoji and several scripts; other format characters turn the text around.
    if character in "\u200c\u200d":
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")


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


def logit(value: float | None, decimals: int = 2) -> str:
    """Logits, or the probabilities that FF is a drop of, are compared with each other, so all have
    two decimals; "–" for NaN and for none."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def _decimals(first: float, second: float, resolution: float) -> int:
    """Two, or as many more as show apart what differs by more than the resolution."""
    same = abs(first - second) <= resolution
    return next((d for d in (2, 3) if same or logit(first, d) != logit(second, d)), 4)


def drop(value: float, resolution: float) -> str:
    """FF, 0.00 only where it is none at the resolution (`Task.resolution`)."""
    return logit(value, _decimals(value, 0, resolution))


def moved(value: float, resolution: float, it: str) -> str:
    """What taking sound away does to f's score: "lowers it by 2.00", "raises it by 1.82" for a drop
    of −1.82, "leaves it as it is" for one that is none at the resolution."""
    if abs(value) <= resolution:
        return f"leaves {it} as it is"
    return f"{'lowers' if value > 0 else 'raises'} {it} by {drop(abs(value), resolution)}"


def compared(own: float, random: float, beats: bool | None, resolution: float) -> str:
    """FF beside energy-matched Random's, as `beats` (`measure.random.beats_chance`) has it: what
    differs by no more than the resolution is one number here."""
    if own <= resolution:
        gains = "is surer" if own < -resolution else "loses nothing"
        return f"f {gains} without its interpretation (FF {drop(own, resolution)})"
    if abs(own - random) <= resolution:
        return f"FF {drop(own, resolution)} is no more than Random's"
    decimals = max(_decimals(own, other, resolution) for other in (random, 0))
    way = "below" if own < random else "above"
    text = f"FF {logit(own, decimals)} is {way} Random's {logit(random, decimals)}"
    return f"{text}, but {WEAK}" if beats is None else text


def claim(
    own: float, random: float, beats: bool | None, resolution: float, agrees: bool = True
) -> str:
    """The sentence on what an interpretation claims, that f used it; `agrees`: the interpreter
    decides as f does, or its sounds are not f's reasons whatever FF is."""
    if beats is None:
        return f"The claim is not tested: {WEAK}; a larger τ may allow it."
    why = compared(own, random, beats, resolution)
    if not beats:
        return f"The claim does not hold: {why}."
    if agrees:
        return f"The claim holds: {why}."
    return f"What was taken out matters to f ({why}), but the interpreter disagrees with f here."


def disagreement(where: str, said: str, theirs: str, heard: bool | None = None) -> str:
    """The warning before anybody listens: f's class and the interpreter's first; of a multi-label
    model the class that is explained, and whether f hears it."""
    if heard is None:
        told = f"{where}: its first choice is “{theirs}”, f says “{said}”"
    else:
        first, second = ("f", "the interpreter") if heard else ("the interpreter", "f")
        told = f"{where} about “{said}”: {first} hears it, {second} does not"
    ending = "Do not take the interpretation for f's reasons."
    return f"The interpreter disagrees with f on {told}. {ending}"


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
