"""Both sides of the comparison for ear and eye: one player for all their sounds, one scale for all
their pictures."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from numpy.typing import ArrayLike

from l2i_core.words import TITLES
from pages.noise import comparison
from pages.noise.comparison import Comparison
from pages.shell.view import View
from pages.show import compared as player
from pages.show import pictures, players


def draw(view: View, compared: Comparison) -> None:
    """The player, then the pictures."""
    rate, (first, second) = view.engine.audio.sample_rate, compared.sides
    sounds = player.named((first.sounds, second.sounds), compared.mixture.rest)
    heads = (*compared.heads, f"{compared.names[1]} alone")
    subject = (view.key[-2:], compared.names)  # clip and window, whatever the model
    with st.container(key="players-noise"):
        if player.player(sounds, rate, heads, subject):
            _plain_players(sounds, rate, heads)
    _pictures(view, compared)


def _plain_players(sounds: Mapping[str, ArrayLike], rate: int, heads: tuple[str, str, str]) -> None:
    """Players of the browser's own, where it has no Web Audio."""
    gain = players.common_gain(list(sounds.values()))
    *rest, added = sounds.values()
    for row, title in enumerate(TITLES):
        two = {f"{title}, {head}": rest[row + 3 * side] for side, head in enumerate(heads[:2])}
        players.beside(f"players-{row}", two, rate, gain)
    players.beside("players-added", {heads[2]: added}, rate, gain)
    st.caption(players.one_gain(gain))


def _pictures(view: View, compared: Comparison) -> None:
    drawn = iter(comparison.drawn(view, compared))
    for column, title in zip(st.columns(3, gap="medium"), TITLES, strict=True):
        for head in compared.heads:
            column.markdown(f"**{title}**, {head}")
            alt = f"Spectrogram: {title}, {head}, on a mel scale"
            column.image(next(drawn), width="stretch", alt=alt)
    left, right = st.columns([2, 1], gap="large", vertical_alignment="top")
    left.caption(
        "0 dB is the loudest band of the two inputs; grey in B: less than a tenth of the magnitude "
        "is kept. f meets either input with its peak at 1, B and C at their input's scale. B is "
        "what the model used, not the sound cleaned of noise."
    )
    pictures.draw_legend(right)
