"""Sounds for the ear: 16-bit WAV bytes at one common gain, and players that take turns.

`st.audio` with an array would normalise each sound by itself, which is dishonest in an A/B
comparison; bytes are played as they are.
"""

from __future__ import annotations

import hashlib
import math
import struct

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from l2i_core.signal import audio

PEAK, MOST, common_gain = audio.PLAYED_PEAK, audio.MOST_GAIN, audio.common_gain

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


def wav(sound: ArrayLike, sample_rate: int, gain: float = 1.0) -> bytes:
    """16-bit PCM WAV of gain · sound (n,), with the samples' hash near the start of the file.

    Streamlit tells media over 1 MiB apart by length, head, middle and tail alone: with the hash
    in the head, two sounds never share an address.
    """
    levels = np.round(np.asarray(sound, dtype=np.float32) * (gain * 32768))
    data = np.clip(levels, -32768, 32767).astype("<i2").tobytes()
    text = hashlib.sha256(data).hexdigest().encode()
    info = b"INFO" + b"ICMT" + struct.pack("<I", len(text)) + text
    chunks = b"".join(
        name + struct.pack("<I", len(body)) + body
        for name, body in (
            (b"fmt ", struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)),
            (b"LIST", info),
            (b"data", data),
        )
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def float_wav(sound: ArrayLike, sample_rate: int) -> bytes:
    """Float32 WAV at the clip's own level, as the command line writes it."""
    return audio.float_wav(np.asarray(sound), sample_rate)


def take_turns() -> None:
    """Let the page's players take turns at one play position. Draws nothing."""
    st.html(f"<script>{_TAKE_TURNS}</script>", unsafe_allow_javascript=True)
