"""Sounds for the ear: 16-bit WAV bytes at one common gain, and players that take turns.

`st.audio` with an array would normalise each sound by itself, which is dishonest in an A/B
comparison; bytes are played as they are.
"""

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st
from numpy.typing import ArrayLike
from streamlit.delta_generator import DeltaGenerator

from l2i_core.signal import audio

PEAK, MOST, common_gain = audio.PLAYED_PEAK, audio.MOST_GAIN, audio.common_gain
# Streamlit tells media over 1 MiB apart by length, head, middle and tail alone: with the samples'
# hash in the head, two sounds never share an address.
wav, float_wav, short = audio.short_wav, audio.float_wav, audio.short

# One sounds at a time, and a switch keeps the play position; a sound that is replaced while it
# plays goes on where it was. Listeners on the document, once per browser tab.
_TAKE_TURNS = """
(() => {
  if (window.l2iPlayers) return;
  const state = window.l2iPlayers = {position: 0, playing: null, loading: false};
  const ours = audio => audio.matches && audio.matches('[class*=st-key-players] audio, [class*=st-key-component] audio');
  const on = (name, act) => document.addEventListener(
    name, event => { if (ours(event.target)) act(event.target); }, true);
  on('play', audio => {
    if (state.playing && state.playing !== audio) state.position = state.playing.currentTime;
    for (const other of document.querySelectorAll('audio')) if (other !== audio) other.pause();
    const place = Math.min(state.position, audio.duration || 0);
    if (state.playing !== audio && Math.abs(audio.currentTime - place) > 0.05) audio.currentTime = place;
    state.playing = audio;
  });
  on('pause', audio => { if (state.playing === audio && !state.loading) state.playing = null; });
  on('ended', audio => { state.playing = null; state.position = 0; });
  on('emptied', audio => { if (state.playing === audio) state.loading = true; });
  on('timeupdate', audio => {
    if (state.playing === audio && !state.loading) state.position = audio.currentTime; });
  on('seeked', audio => { if (!state.loading && audio.paused) state.position = audio.currentTime; });
  on('loadedmetadata', audio => {
    if (state.playing !== audio || !state.loading) return;
    state.loading = false;
    audio.currentTime = Math.min(state.position, audio.duration || 0);
    audio.play().catch(() => { state.playing = null; });
  });
})();
"""


def decibels(gain: float) -> str:
    """A gain as text, "+3.2 dB"."""
    return f"{20 * math.log10(gain):+.1f}\u202fdB".replace("-", "−")


def one_gain(gain: float, whose: str = "the clip's") -> str:
    """What is said below sounds that are compared."""
    return f"One gain for all: {decibels(gain)} on {whose} own level."


def beside(
    key: str, sounds: Mapping[str, ArrayLike], rate: int, gain: float
) -> list[DeltaGenerator]:
    """Players in a row by title; returns the columns, for what comes below when every sound is on
    its way."""
    with st.container(key=key):
        columns = st.columns(len(sounds), gap="medium")
        for column, (title, sound) in zip(columns, sounds.items(), strict=True):
            column.markdown(f"**{title}**")
            column.audio(wav(sound, rate, gain), alt=f"Player: {title}")
    return columns


def alone(key: str, title: str, sound: ArrayLike, rate: int, place: Any = st) -> None:
    """One sound's player, at the level at which it would stand beside others."""
    with place.container(key=key):
        st.audio(wav(sound, rate, common_gain([sound])), alt=f"Player: {title}")


def take_turns() -> None:
    """Let the page's players take turns at one play position. Draws nothing."""
    st.html(f"<script>{_TAKE_TURNS}</script>", unsafe_allow_javascript=True)
