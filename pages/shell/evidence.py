"""What leaves the app as evidence: one interpretation as a zip."""

from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from l2i_core.measure.explained import Explained
from l2i_core.report import evidence
from pages.shell import components, models, state, tags
from pages.shell.clips import ClipSource
from pages.shell.view import View
from pages.show import files


def evidence_button(view: View, made: Explained) -> None:
    """The evidence of what is on screen, beside both Randoms of this very clip."""
    stem = f"{view.source.stem}-{view.target}-tau{view.threshold:.2f}"
    stem += "-own" if view.choice.overrides else ""
    url = link()

    def write() -> bytes:
        random = evidence.random_drops(made)
        about = report(made, view.source, view.key.bundle, url=url, random=random)
        return evidence.evidence_zip(made, about)

    download(stem, write, "FF stands beside 20 draws of Random, which takes seconds.", "stretch")


def download(
    stem: str, write: Callable[[], bytes] | None, note: str, width: Literal["stretch", "content"]
) -> None:
    """A button for an evidence zip, which is written when it is asked for; None: it cannot be."""
    files.download(
        "Evidence (zip)",
        write or b"",
        f"{stem}-evidence.zip",
        key="evidence",
        disabled=write is None,
        width=width,
        help="Input, interpretation and residual as WAV, their spectrograms, and a report with "
        f"model, versions, settings and SHA-256 digests of everything. {note}",
    )


def report(made: Explained, source: ClipSource, bundle: str, **about: Any) -> dict[str, Any]:
    """`evidence_report` of a clip, with the user's names of components and tag; about: url, random,
    seed."""
    decision = tags.decision(source, bundle, made.interpretation.target)
    return evidence.evidence_report(
        made,
        clip_name=source.file_name,
        input_sha256=source.digest,
        digests=digests(bundle),
        names=components.names_of(made.engine),
        tag=tags.of(bundle).get(decision) if decision else None,
        **about,
    )


def link() -> str:
    """The address of the view on screen."""
    base = (st.context.url or "").split("?")[0]
    return f"{base}?{urlencode(state.url())}"


def digests(bundle: str) -> Mapping[str, str]:
    """SHA-256 of every file of a model."""
    return _digests(bundle, models.bundle_stamp(bundle))


@st.cache_resource(show_spinner=False, max_entries=4)
def _digests(bundle: str, stamp: float) -> Mapping[str, str]:
    return evidence.bundle_digests(models.bundle(bundle))
