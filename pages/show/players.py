"""Sounds for the ear: 16-bit WAV bytes at one common gain, and players that take turns.

`st.audio` with an array would normalise each sound by itself, which is dishonest in an A/B
comparison; bytes are played as they are.
"""

import math
from typing import Any

import streamlit as st
from numpy.typing import ArrayLike

from l2i_core.signal import audio
from pages.show.files import read_beside

PEAK, MOST, common_gain = audio.PLAYED_PEAK, audio.MOST_GAIN, audio.common_gain
# Streamlit tells media over 1 MiB apart by length, head, middle and tail alone: with the samples'
# hash in the head, two sounds never share an address.
wav, float_wav, short = audio.short_wav, audio.float_wav, audio.short


def decibels(gain: float) -> str:
    """A gain as text, "+3.2 dB"."""
    return f"{20 * math.log10(gain):+.1f}\u202fdB".replace("-", "−")


def one_gain(gain: float, whose: str = "the clip's") -> str:
    """What is said below sounds that are compared."""
    return f"One gain for all: {decibels(gain)} on {whose} own level."


def alone(key: str, title: str, sound: ArrayLike, rate: int, place: Any = st) -> None:
    """One sound's player, at the level at which it would stand beside others."""
    with place.container(key=key):
        st.audio(wav(sound, rate, common_gain([sound])), alt=f"Player: {title}")


def take_turns() -> None:
    """Let the page's players take turns at one play position. Draws nothing."""
    st.html(f"<script>{read_beside(__file__, 'turns.js')}</script>", unsafe_allow_javascript=True)
