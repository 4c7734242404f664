"""What can be taken along: sounds, report, every τ, evidence."""

from __future__ import annotations

import json
from functools import partial

import streamlit as st

from l2i_core import Verdict
from l2i_core.measure.records import to_csv
from l2i_core.report.report import make_report
from l2i_core.words import TITLES
from pages.listen.heard import Heard
from pages.shell import cached, evidence
from pages.shell.view import View
from pages.show import players
from pages.show.files import download

FILES = ("input", "interpretation", "residual")


def downloads(view: View, heard: Heard, verdict: Verdict) -> None:
    """WAV files at the clip's own level, and the report."""
    stem = f"{view.source.stem}-{view.target}-tau{view.threshold:.2f}"
    stem += "-own" if view.choice.overrides else ""
    rate = view.engine.audio.sample_rate
    with view.corner, st.popover("Download", width="stretch"):
        st.caption(f"At the clip's own level, {rate / 1000:g}\u202fkHz, 32-bit float.")
        for title, name, sound in zip(TITLES, FILES, heard.sounds, strict=True):
            download(
                f"{title} (WAV)", partial(players.float_wav, sound, rate), f"{stem}-{name}.wav"
            )
        report = make_report(
            view.engine, view.analysis, heard.interpretation, verdict, view.source.file_name
        )
        download("Report (JSON)", json.dumps(report, indent=1), f"{stem}-report.json")
        download(
            "Every τ (CSV)",
            lambda: to_csv(
                cached.every_threshold(view.engine, view.analysis, view.target, view.domain)
            ),
            f"{view.source.stem}-{view.target}-every-tau.csv",
            help="Components, sound energy kept and FF for each τ in steps of 0.05, by τ alone.",
        )
        evidence.evidence_button(view, heard.interpretation, verdict)
        st.caption("The address of this page is a link to this view.")
