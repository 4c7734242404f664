"""What can be taken away from the Noise lab's comparison of one clip: six sounds and the figures."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from l2i_core.measure import noise_lab
from l2i_core.measure.noise_lab import Part
from pages.noise.noises import Comparison, Corruption, Side
from pages.shell import decisions
from pages.shell.view import View
from pages.show import players
from pages.show.files import download
from pages.show.words import THIN


def downloads(
    view: View, corruption: Corruption, comparison: Comparison, names: tuple[str, str]
) -> None:
    """The sounds at the clip's own level, and the figures, below the page's Download button."""
    rate = view.engine.audio.sample_rate
    mixture = comparison.mixture
    with view.corner, st.popover("Download", width="stretch"):
        st.caption(f"At the clip's own level, {rate / 1000:g}{THIN}kHz, 32-bit float.")
        stem = f"{view.source.stem}-{corruption.file_name}-{view.target}"
        stem += f"-{view.engine.interpreter_name}-tau{view.threshold:.2f}"
        for title, name, sound in (
            ("The mixture (WAV)", "mixture", mixture.mixed),
            ("The sound alone, as mixed (WAV)", "alone", mixture.followed),
            ("The added sound, as mixed (WAV)", "added", mixture.rest),
            ("B of the sound alone (WAV)", "alone-B", comparison.alone.made.audio.numpy()),
            ("B of the mixture (WAV)", "mixture-B", comparison.mixed.made.audio.numpy()),
            ("C of the mixture (WAV)", "mixture-C", comparison.mixed.made.residual.numpy()),
        ):
            download(title, partial(players.float_wav, sound, rate), f"{stem}-{name}.wav")
        download(
            "Figures (JSON)",
            json.dumps(_report(view, corruption, comparison, names), indent=1),
            f"{stem}.json",
        )
        st.caption("The address of this page is a link to this view.")


def _report(
    view: View, corruption: Corruption, comparison: Comparison, names: tuple[str, str]
) -> dict[str, Any]:
    """What is on screen, as numbers; JSON has no infinity, so a silent B has no SI-SDR."""
    engine, passed, shift = view.engine, comparison.passed, comparison.shift

    def finite(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    def side(one: Side) -> dict[str, Any]:
        theirs = one.analysis.interpreter_logits
        return {
            "predicted": engine.classes[one.analysis.predicted],
            **(
                {"predicted_classes": list(decisions.decided(engine, one.analysis.logits))}
                if view.multi_label
                else {}
            ),
            "probabilities": engine.probabilities(one.analysis.logits).tolist(),
            "interpreter_predicted": engine.classes[int(theirs.argmax())],
            "place": noise_lab.place(theirs, comparison.target),
            "selected": list(one.made.selected),
            "relevance": one.made.relevance.tolist(),
            "energy_kept": one.made.energy_kept,
            "faithfulness": one.verdict.faithfulness,
            "relative_faithfulness": finite(one.verdict.relative),
        }

    def part(one: Part) -> dict[str, Any]:
        return {
            "energy_passed": one.share,
            "si_sdr_mixture": finite(one.sdr_before),
            "si_sdr_interpretation": finite(one.sdr_after),
        }

    return {
        "clip": view.source.file_name,
        "bundle": engine.bundle.name,
        "interpreter": engine.interpreter_name,
        "target": view.target,
        "threshold": view.threshold,
        "mask_domain": view.domain,
        "faithfulness_unit": decisions.unit_of(engine).name,
        "kind": corruption.kind,
        "other": corruption.other.file_name if corruption.other else None,
        "seed": None if corruption.other else corruption.seed,
        "snr_asked_db": corruption.snr,
        "snr_measured_db": comparison.mixture.snr_db,  # of the followed sound above the rest
        "followed_sound": names[0],
        "rest_sound": names[1],
        "classes": list(engine.classes),
        "alone": side(comparison.alone),
        "mixture": side(comparison.mixed),
        "followed": part(passed.followed),
        "rest": part(passed.rest),
        "rank_correlation": finite(shift.correlation),
        "selected_that_stay": shift.stayed,
    }
