"""The most noise at which f's decision on the followed sound holds, in a sentence and as a mark."""

from __future__ import annotations

from typing import Any

import streamlit as st

from l2i_core.measure import most_noise
from l2i_core.measure.most_noise import HIGHEST, LOWEST
from pages.noise.comparison import Comparison, Corruption
from pages.noise.figures import level
from pages.shell import models
from pages.shell.view import View
from pages.show.words import class_name


def told(view: View, corruption: Corruption, compared: Comparison) -> str:
    """The sentence, "" where f does not decide for the class without the added sound."""
    if not _decided(compared):
        return ""
    snr = found(view, corruption, compared)
    name = class_name(view.engine.classes[compared.decision])
    if snr is None:
        return f"f's “{name}” does not hold even at **{level(HIGHEST)}**."
    lowest = "the lowest, " if snr == LOWEST else ""
    return f"f's “{name}” holds down to {lowest}**{level(snr)}**."


def mark(view: View, corruption: Corruption, compared: Comparison) -> tuple[float, str] | None:
    """Where it stands on an axis of the clip's level above the added sound's, with its words."""
    snr = found(view, corruption, compared) if _decided(compared) else None
    if snr is None:
        return None
    return float(-snr if compared.follows_other else snr), f"holds to {level(snr)}"


def found(view: View, corruption: Corruption, compared: Comparison) -> int | None:
    """The SNR of the followed sound, see `most_noise.of_decision`; it is no matter at which SNR the
    two were mixed."""
    key = (view.key, corruption.token, compared.follows_other, compared.decision)
    return _found(key, compared)


def _decided(compared: Comparison) -> bool:
    alone = compared.sides[0]
    return compared.decision in alone.engine.decided(alone.analysis.logits)


@st.cache_resource(show_spinner=False, max_entries=1024)
def _found(key: tuple[Any, ...], _compared: Comparison) -> int | None:
    mixed, engine = _compared.mixture, _compared.sides[0].engine
    with models.turn:
        return most_noise.of_decision(engine, mixed.followed, mixed.rest, _compared.decision)
