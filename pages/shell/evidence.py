"""What leaves the app as evidence: the zip of one interpretation, and a clip of an HTML report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from l2i_core import Interpretation, Verdict
from l2i_core.report import evidence
from l2i_core.report.html_report import Exhibit, exhibit
from pages.shell import cached, components, models, state
from pages.shell.view import View
from pages.show.files import download


def evidence_button(
    view: View,
    interpretation: Interpretation | None = None,
    verdict: Verdict | None = None,
    label: str = "Evidence (zip)",
) -> None:
    """A download of the evidence zip of what is on screen, made when it is asked for.

    Without an interpretation or a verdict, those of the view are taken.
    """
    stem = f"{view.source.stem}-{view.target}-tau{view.threshold:.2f}"
    stem += "-own" if view.choice.overrides else ""
    download(
        label,
        _zip_later(view, interpretation, verdict, link()),
        f"{stem}-evidence.zip",
        key="evidence",
        help="Input, interpretation and residual as WAV, their spectrograms, and a report with "
        "model, versions, settings and SHA-256 digests of everything. FF stands beside 20 draws "
        "of Random, which takes seconds.",
    )


def link() -> str:
    """The address of the view on screen."""
    base = (st.context.url or "").split("?")[0]
    return f"{base}?{urlencode(state.url())}"


def of_view(view: View) -> tuple[Interpretation, Verdict]:
    """What is on screen, from the caches where it was heard before."""
    made = cached.interpretation(view.key, view.engine, view.analysis, view.target, view.choice)
    return made, cached.verdict(view.key, view.engine, view.analysis, made)


def report_of_view(view: View, made: Interpretation, verdict: Verdict, url: str) -> dict[str, Any]:
    """The report of what is on screen, beside both Randoms of this very clip."""
    with models.turn:
        random = evidence.random_drops(view.engine, view.analysis, made)
    return evidence.evidence_report(
        view.engine,
        view.analysis,
        made,
        verdict,
        clip_name=view.source.file_name,
        input_sha256=view.source.digest,
        digests=digests(view.key[0]),
        url=url,
        random=random,
        names=components.names_of(view.engine),
    )


def exhibit_of_view(view: View, url: str) -> Exhibit:
    """The clip on screen for an HTML report."""
    made, verdict = of_view(view)
    report = report_of_view(view, made, verdict, url)
    return exhibit(view.engine, view.source.title, view.analysis, made, report)


def digests(bundle: str) -> Mapping[str, str]:
    """SHA-256 of every file of a model."""
    return _digests(bundle, models.bundle_stamp(bundle))


def _zip_later(
    view: View, made: Interpretation | None, verdict: Verdict | None, url: str
) -> Callable[[], bytes]:
    def write() -> bytes:
        shown, said = of_view(view) if made is None or verdict is None else (made, verdict)
        report = report_of_view(view, shown, said, url)
        return evidence.evidence_zip(view.engine, view.analysis, shown, report)

    return write


@st.cache_resource(show_spinner=False, max_entries=4)
def _digests(bundle: str, stamp: float) -> Mapping[str, str]:
    return evidence.bundle_digests(models.bundle(bundle))
