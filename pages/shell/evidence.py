"""What leaves the app as evidence: one interpretation as a zip, or as a page to read."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from l2i_core import L2I
from l2i_core.measure.explained import Explained
from l2i_core.report import evidence
from l2i_core.report.html_report import Pinned, decision_html, exhibit
from pages.shell import components, models, state, tags
from pages.shell.clips import ClipSource
from pages.shell.view import View
from pages.show import files

Evidence = tuple[Explained, dict[str, Any], Pinned | None]  # as `evidence_zip` takes it


def evidence_button(
    view: View, made: Explained, pinned: Callable[[], Pinned] | None = None
) -> None:
    """The evidence of what is on screen, beside both Randoms of this very clip, and the view that
    is pinned, if any."""
    stem = f"{view.source.stem}-{view.target}-tau{view.threshold:.2f}"
    stem += "-own" if view.choice.overrides else ""
    url, user = link(), of_user(made.engine, view.source, view.key.bundle, view.target)

    def make() -> Evidence:
        random = evidence.random_drops(made)
        about = report(made, view.source, view.key.bundle, user, url=url, random=random)
        return made, about, pinned and pinned()

    download(stem, make, "FF stands beside 20 draws of Random, which takes seconds.", "stretch")


def download(
    stem: str, make: Callable[[], Evidence] | None, note: str, width: Literal["stretch", "content"]
) -> None:
    """Buttons for the evidence as a zip, and for the page in it alone, made when they are asked
    for; None: it cannot be."""

    def packed() -> bytes:
        assert make is not None  # or the button is disabled
        return evidence.evidence_zip(*make())

    def page() -> str:
        assert make is not None  # or the button is disabled
        made, about, pinned = make()
        return decision_html(exhibit(str(about["clip"]), made, about), pinned)

    given: dict[str, Any] = {"disabled": make is None, "width": width}
    files.download(
        "Evidence (zip)",
        packed,
        f"{stem}-evidence.zip",
        key="evidence",
        help="A page to read, input, interpretation and residual as WAV, their spectrograms, and a "
        f"report with model, versions, settings and SHA-256 digests of everything. {note}",
        **given,
    )
    files.download(
        "Evidence (HTML)",
        page,
        f"{stem}-evidence.html",
        key="evidence-page",
        help="The page alone, to read or print; sounds and pictures are in it.",
        **given,
    )


def of_user(engine: L2I, source: ClipSource, bundle: str, target: str) -> dict[str, Any]:
    """The user's part of a report, names of components and the tag of the decision: taken while the
    page is drawn, for what is made when it is asked for no longer knows the session."""
    decision = tags.decision(source, bundle, target)
    tag = tags.of(bundle).get(decision) if decision else None
    return {"names": components.names_of(engine), "tag": tag}


def report(
    made: Explained,
    source: ClipSource,
    bundle: str,
    user: Mapping[str, Any] | None = None,
    **about: Any,
) -> dict[str, Any]:
    """`evidence_report` of a clip now; user: `of_user`; about: url, random, seed."""
    if user is None:
        user = of_user(made.engine, source, bundle, made.interpretation.target)
    return evidence.evidence_report(
        made,
        clip_name=source.file_name,
        input_sha256=source.digest,
        digests=digests(bundle),
        time=datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
        **user,
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
