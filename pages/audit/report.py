"""What leaves the Audit page: the table, every figure, and a report with sound and pictures."""

import datetime
from collections.abc import Mapping, Sequence

import streamlit as st

from l2i_core.measure import audit
from l2i_core.measure.records import CaseRow
from l2i_core.report import evidence
from l2i_core.report.html_report import MOST_EXHIBITS, Exhibit, audit_html, exhibit
from l2i_core.words import counted, megabytes
from pages.audit.clip import explained
from pages.audit.decisions import Decisions
from pages.audit.tagging import exchange
from pages.shell import models, results, state
from pages.shell.clips import ClipSource
from pages.shell.evidence import digests
from pages.show.files import download

_FIRST = 3  # clips of a report, where the reader names none


def take_away(decisions: Decisions, shown: Sequence[CaseRow], chosen: CaseRow | None) -> None:
    """CSV of the rows that are shown, JSON of everything, and the report."""
    st.subheader("Take it with you", anchor=False)
    name = decisions.own.title.rsplit(".", 1)[0] if decisions.own else decisions.bundle
    stem = f"audit-{name}-{decisions.found.interpreter}-tau{decisions.threshold:.2f}"
    found = decisions.found
    with st.container(horizontal=True):
        download(
            f"Table as CSV ({counted(len(shown), 'row')})",
            audit.to_csv(shown),
            f"{stem}.csv",
            width="content",
            disabled=not shown,
        )
        download(
            "Everything as JSON",
            lambda: audit.to_json(
                found.about, found.summary, found.clips, found.levels, decisions.rows
            ),
            f"{stem}.json",
            width="content",
            help="All rows, the summary, and every figure of every clip at every τ.",
        )
        exchange(decisions, f"tags-{decisions.bundle}")
    _report(decisions, shown, chosen, stem)


def _report(
    decisions: Decisions, shown: Sequence[CaseRow], chosen: CaseRow | None, stem: str
) -> None:
    """One HTML file with table, sounds and pictures, made on request with progress."""
    sources = decisions.sources(shown)
    names = _clips(decisions, sources, chosen)
    if 0 < len(sources) < len(shown):
        st.caption(
            f"The audio of {len(shown) - len(sources)} of the {len(shown)} "
            f"{decisions.task.cases} in the table is not at hand."
        )
    signature = (
        *(decisions.key, models.bundle_stamp(decisions.bundle), decisions.threshold),
        *(tuple(names), tuple(row.case for row in shown)),
    )
    made = st.session_state.get("l2i_audit_report")
    place = st.empty()
    if made is not None and made[0] == signature:
        download(
            f"Download the report (HTML, {megabytes(len(made[1]))})",
            made[1],
            f"{stem}.html",
            place,
            width="content",
            type="primary",
        )
    elif place.button("Make the report (HTML)", disabled=not shown, key="make-report"):
        with place.container():
            bar = st.progress(0.0, text="Making the report …")
            st.button("Cancel", key="cancel-report")  # any step of the reader's ends this run
            by_case, pages = {row.case: row for row in shown}, []
            for number, name in enumerate(names):
                bar.progress(number / len(names), text=f"Clip {number + 1} of {len(names)} …")
                pages.append(exhibit(name, *explained(decisions, by_case[name], sources[name])))
        st.session_state["l2i_audit_report"] = (signature, _html(decisions, shown, pages).encode())
        st.rerun()


def _clips(
    decisions: Decisions, sources: Mapping[str, ClipSource], chosen: CaseRow | None
) -> list[str]:
    """The clips that the report shows in full, most doubtful first: the first of the table and the
    chosen one, until the reader names others."""
    key = f"report-clips {decisions.key}"
    first = [*list(sources)[:_FIRST], chosen and chosen.case]
    kept = state.held(f"{key} named", first)
    st.session_state[key] = [name for name in sources if name in kept]
    named = st.multiselect(
        f"Clips with sound and pictures in the report (at most {MOST_EXHIBITS})",
        list(sources),
        key=key,
        max_selections=MOST_EXHIBITS,
        placeholder="none: the table alone",
        on_change=_name,
        args=(key,),
    )
    return [name for name in sources if name in named]


def _name(key: str) -> None:
    """Callback of the clips of a report: from now on they are the reader's own choice."""
    state.hold(f"{key} named", st.session_state[key])


def _html(decisions: Decisions, shown: Sequence[CaseRow], pages: Sequence[Exhibit]) -> str:
    bundle = models.bundle(decisions.bundle)
    title, text = bundle.explainers()[decisions.found.interpreter]
    made_with = ", ".join(f"{what} {which}" for what, which in evidence.versions().items())
    data = results.provenance(decisions.found)
    if decisions.own:
        data += f" {audit.measured(decisions.found.about)}"
        if decisions.own.left_out:
            data += f" Left out: {'; '.join(decisions.own.left_out)}"
        for name, told in decisions.found.about["warnings"].items():
            data += f" {name}: {' '.join(told)}"
    headline = audit.finding(decisions.rows)
    if len(shown) < len(decisions.rows):
        headline += (
            f" The table lists {len(shown)} of the {decisions.task.counted(len(decisions.rows))}."
        )
    return audit_html(
        title=f"Audit of {decisions.own.title if decisions.own else bundle.title}",
        model={
            "Model": f"{decisions.bundle}: {bundle.title}",
            "Interpreter": f"{title}. {text}",
            "Made with": made_with,
        },
        digests=digests(decisions.bundle),
        data=data,
        date=datetime.date.today().isoformat(),
        headline=headline,
        rows=shown,
        exhibits=pages,
        url=decisions.url,
    )
