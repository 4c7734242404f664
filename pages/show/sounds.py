"""A set of sounds heard at one playhead and one gain, by click or by key, with their pictures.

The player is the Listen page's (`live/`), without what makes sounds there: these come ready-made.
"""

import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from pages.show import live, pictures, players
from pages.show.files import plain_name

KEYS = "1234567890"
_ABREAST = 3  # plain players in a row


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound (n,) at the clip's own level, what it is called, a PNG of `pictures` with its `alt`
    where it has one, a note beside its title, its rate in Hz where not all have the same."""

    title: str
    samples: ArrayLike
    picture: bytes | None = None
    alt: str = ""
    note: str = ""
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something that the choice of a sound answers: the answers' names, keys and titles. A sound is
    called by its answers, joined by "-", or by one that is enough."""

    label: str
    answers: Sequence[tuple[str, str, str]]


def hear(
    key: str,
    sounds: Sequence[Sound],
    rate: int,
    *,
    subject: Hashable,
    gain: float | None = None,
    keys: str = KEYS,
    label: str = "Sounds to compare",
    whose: str = "the clip's",
) -> None:
    """One player for all of them, by default the keys 1 … 9 and 0 for the first ten.

    gain: by default `common_gain`, the first sound being the input. subject: whose sounds they are;
    while it stays, the play position does. whose: whose level the gain is on.
    """
    named = {str(i): sound for i, sound in enumerate(sounds)}
    letters = keys if len(sounds) > 1 else ""
    answers = [(n, letters[i : i + 1], sounds[i].title) for i, n in enumerate(named)]
    asked = [Question("Sound", answers)]
    mounted(key, named, rate, asked, ["0"], subject, gain, label, whose)


def mounted(
    key: str,
    sounds: Mapping[str, Sound],
    rate: int,
    questions: Sequence[Question],
    first: Sequence[str],
    subject: Hashable,
    gain: float | None = None,
    label: str = "Sounds to compare",
    whose: str = "the clip's",
) -> None:
    """`hear` of sounds that are called by the answers to several questions; `first`: the answers at
    the beginning. Where the browser cannot play (no Web Audio) there are players of its own."""
    if gain is None:
        gain = players.common_gain([sound.samples for sound in sounds.values()])
    drawn = {name: sound.picture for name, sound in sounds.items() if sound.picture}
    header = {
        "rates": {name: sound.rate or rate for name, sound in sounds.items()},
        "set": key,
        "names": list(sounds),
        "titles": {name: sound.title for name, sound in sounds.items()},
        "notes": {name: sound.note for name, sound in sounds.items()},
        "alts": {name: sound.alt for name, sound in sounds.items()},
        "files": {name: plain_name(f"{sound.title}.wav") for name, sound in sounds.items()},
        "groups": [{"label": q.label, "options": [*map(list, q.answers)]} for q in questions],
        "first": list(first),
        "frame": pictures.FRAME,
        "subject": str(subject),
        "gain": f"one gain, {players.decibels(gain)}" if len(sounds) > 1 else "",
        "label": label,
    }
    levels = {name: players.short(sound.samples, gain) for name, sound in sounds.items()}
    png = {f"picture-{name}": np.frombuffer(data, np.uint8) for name, data in drawn.items()}
    _, content = live.packed(header, levels | png)  # bytes last: they may be odd in number
    result = live.player("l2i_sounds", _script())(
        key=key,
        data=content,
        default={"fallback": False},
        on_fallback_change=live.nothing,
        height="content",
    )
    if result.fallback:
        plain(key, list(sounds.values()), rate, gain, whose)


def plain(
    key: str, sounds: Sequence[Sound], rate: int, gain: float, whose: str = "the clip's"
) -> None:
    """Players of the browser's own, which take turns (`players.take_turns`)."""
    with st.container(key=f"players-{key}"):
        for start in range(0, len(sounds), _ABREAST):
            several = sounds[start : start + _ABREAST]
            for column, sound in zip(st.columns(len(several)), several, strict=True):
                column.markdown(f"**{sound.title}**")
                data = players.wav(sound.samples, sound.rate or rate, gain)
                column.audio(data, alt=f"Player: {sound.title}")
                if sound.picture:
                    column.image(sound.picture, width="stretch", alt=sound.alt)
    st.caption(players.one_gain(gain, whose))


@functools.cache
def _script() -> str:
    return live.script(*live.PLAYER, "sounds.js")
