"""What can be taken away from the Noise lab's comparison of one clip: six sounds and the figures."""

import json
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from l2i_core.measure import noise_lab
from l2i_core.measure.explained import Explained
from l2i_core.measure.stems import Part
from pages.noise.comparison import Comparison, Corruption
from pages.shell import decisions
from pages.shell.view import View
from pages.show import players
from pages.show.files import download
from pages.show.words import THIN


def downloads(view: View, corruption: Corruption, compared: Comparison) -> None:
    """The sounds at the clip's own level, and the figures, below the page's Download button."""
    rate, mixture = view.engine.audio.sample_rate, compared.mixture
    alone, mixed = (side.interpretation for side in compared.sides)
    stem = f"{view.source.stem}-{corruption.file_name}-{view.target}"
    stem += f"-{view.engine.interpreter_name}-tau{view.threshold:.2f}"
    sounds = (
        ("The mixture", "mixture", mixture.mixed),
        ("The sound alone, as mixed", "alone", mixture.followed),
        ("The added sound, as mixed", "added", mixture.rest),
        ("B of the sound alone", "alone-B", alone.audio),
        ("B of the mixture", "mixture-B", mixed.audio),
        ("C of the mixture", "mixture-C", mixed.residual),
    )
    with view.corner, st.popover("Download", width="stretch"):
        st.caption(f"At the clip's own level, {rate / 1000:g}{THIN}kHz, 32-bit float.")
        for title, name, sound in sounds:
            content = partial(players.float_wav, sound, rate)
            download(f"{title} (WAV)", content, f"{stem}-{name}.wav")
        report = json.dumps(_report(view, corruption, compared), indent=1)
        download("Figures (JSON)", report, f"{stem}.json")


def _report(view: View, corruption: Corruption, compared: Comparison) -> dict[str, Any]:
    """What is on screen, as numbers."""
    engine, (alone, mixed) = view.engine, compared.sides
    before, after = (side.interpretation.relevance for side in compared.sides)
    shift = noise_lab.relevance_shift(before, after, view.threshold)
    return {
        "clip": view.source.file_name,
        "bundle": engine.bundle.name,
        "interpreter": engine.interpreter_name,
        "target": view.target,
        "threshold": view.threshold,
        "mask_domain": view.domain,
        "faithfulness_unit": engine.task.unit.name,
        "kind": corruption.kind,
        "other": corruption.other.file_name if corruption.other else None,
        "seed": None if corruption.other else corruption.seed,
        "snr_asked_db": corruption.snr,
        "snr_measured_db": compared.mixture.snr_db,  # of the followed sound above the rest
        "followed_sound": compared.names[0],
        "rest_sound": compared.names[1],
        "classes": list(engine.classes),
        "alone": _side(alone),
        "mixture": _side(mixed),
        "followed": _part(compared.passed.target),
        "rest": _part(compared.passed.rest),
        "rank_correlation": _finite(shift.correlation),
        "selected_that_stay": shift.stayed,
    }


def _side(side: Explained) -> dict[str, Any]:
    engine, made = side.engine, side.interpretation
    ours, theirs = side.analysis.logits, side.analysis.interpreter_logits
    several = {"predicted_classes": list(decisions.decided(engine, ours))}
    return {
        "predicted": engine.classes[side.analysis.predicted],
        **(several if engine.task.multi_label else {}),
        "probabilities": engine.probabilities(ours).tolist(),
        "interpreter_predicted": None if theirs is None else engine.classes[int(theirs.argmax())],
        "place": noise_lab.place(theirs, made.target_index),
        "selected": list(made.selected),
        "relevance": made.relevance.tolist(),
        "energy_kept": made.energy_kept,
        "faithfulness": side.verdict.faithfulness,
        "relative_faithfulness": _finite(side.verdict.relative),
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "energy_passed": part.share,
        "si_sdr_mixture": _finite(part.sdr_before),
        "si_sdr_interpretation": _finite(part.sdr_after),
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity, so a silent B has no SI-SDR."""
    return float(value) if np.isfinite(value) else None
