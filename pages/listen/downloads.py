"""What can be taken along: sounds, report, every τ, evidence."""

import json
from collections.abc import Callable
from functools import partial

import streamlit as st

from l2i_core.measure.explained import Explained
from l2i_core.measure.records import to_csv
from l2i_core.report.html_report import Pinned
from l2i_core.report.report import make_report
from l2i_core.words import TITLES
from pages.shell import evidence
from pages.shell.view import View
from pages.show import players
from pages.show.files import download


def downloads(view: View, made: Explained, pinned: Callable[[], Pinned] | None) -> None:
    """WAV files at the clip's own level, and the report; `pinned`: what evidence is compared with."""
    stem = f"{view.source.stem}-{view.target}-tau{view.threshold:.2f}"
    stem += "-own" if view.choice.overrides else ""
    rate = view.engine.audio.sample_rate
    with view.corner, st.popover("Download", width="stretch"):
        st.caption(f"At the clip's own level, {rate / 1000:g}\u202fkHz, 32-bit float.")
        for title, (name, sound) in zip(TITLES, made.sounds.items(), strict=True):
            content = partial(players.float_wav, sound, rate)
            download(f"{title} (WAV)", content, f"{stem}-{name}.wav")
        report = make_report(made, view.source.file_name)
        download("Report (JSON)", json.dumps(report, indent=1), f"{stem}-report.json")
        download(
            "Every τ (CSV)",
            lambda: to_csv(every_threshold(made)),
            f"{view.source.stem}-{view.target}-every-tau.csv",
            help="Components, sound energy kept and FF for each τ in steps of 0.05, by τ alone.",
        )
        evidence.evidence_button(view, made, pinned)


def every_threshold(made: Explained) -> list[dict[str, float | None]]:
    """What τ decides on one clip, a row for each τ of an evaluation: |L|, sound energy kept, f's logit
    and probability of the class on what is kept, its logit on what is left, FF."""
    swept, index = made.sweep, made.interpretation.target_index
    span = made.engine.span(made.analysis, index)
    chances = made.engine.probabilities(swept.logits_interpretation)[:, index]
    return [
        {
            "threshold": threshold,
            "components": int(swept.counts[i]),
            "energy_kept": float(swept.energy_kept[i]),
            "logit_interpretation": float(swept.logits_interpretation[i, index]),
            "probability_interpretation": float(chances[i]),
            "logit_residual": float(swept.logits_without[i, index]),
            "faithfulness": float(swept.faithfulness[i]),
            "relative_faithfulness": float(swept.faithfulness[i]) / span if span > 0 else None,
        }
        for i, threshold in enumerate(swept.thresholds)
    ]
