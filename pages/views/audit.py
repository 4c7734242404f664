"""Audit: which decisions deserve doubt, and the evidence that leaves the app."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from l2i_core import audit, evidence, tables
from l2i_core.evaluation import Row
from l2i_core.html_report import MOST_EXHIBITS, Exhibit, audit_html, exhibit
from l2i_core.words import counted, megabytes
from pages.shared import audits, clips, components, context, engines, jobs, results, state
from pages.shared.audits import OwnAudit
from pages.shared.clips import ClipSource
from pages.shared.context import View
from pages.shared.evidence import digests, evidence_button, exhibit_of_view, link
from pages.shared.live import Choice
from pages.shared.results import Results
from pages.shared.words import class_name, logit, sentence

KINDS = {
    "wrong": "misclassified",
    "right": "classified right",
    "disagrees": "interpreter disagrees",
    "chance": "FF ≤ 0 or ≤ Random",
}
MANY = {
    audit.ALARM: "false alarms",
    audit.MISSED: "misses",
    "right": "found",
    "disagrees": "interpreter disagrees",
    "chance": "FF ≤ 0 or ≤ Random",
}
ANY = "any class"
_CLASS = "class:"
_CURRENT = "the clip above"
_TABLE = "audit-table"


def page() -> None:
    """The whole page."""
    view = context.current()
    view.head.title("Which of the model's decisions deserve doubt?", anchor=False)
    with view.corner:
        evidence_button(view)
    try:
        found, own = _chosen_data(view)
        if found is None:
            st.info(results.how_to_measure(view.key[0], view.engine.interpreter_name))
        else:
            audited(view, found, own)
    except ValueError as error:
        st.error(sentence(str(error)))
    own_recordings(view)
    state.show_messages()
    state.write_url()


def audited(view: View, found: Results, own: OwnAudit | None) -> None:
    """The finding, the table with its filters, the chosen clip, and what can be taken away."""
    threshold = audit.audited_threshold(found.levels, view.threshold)
    rows = audit.audit_rows(found.clips, found.levels, threshold)
    st.markdown(f"**{audit.finding(rows)}**")
    about = results.provenance(found)
    if own is not None:
        about += f" Model {own.bundle}, interpreter {own.interpreter}."
    if threshold != view.threshold:
        about += (
            f" τ = {threshold:.2f} is the measured one nearest to {view.threshold:.2f} "
            "for which Random was drawn."
        )
    if (domain := found.about.get("mask_domain", "log")) != view.domain:
        about += f" The table's masks are “{domain}”, the clip's above “{view.domain}”."
    st.caption(about)
    if own is not None:
        _left_out(own)
    kinds, label = filters(found, rows)
    shown = audit.only(rows, kinds, label)
    if not shown:
        st.info(f"None of the {tables.counted_cases(rows)} is so; take a filter away.")
    else:
        table(shown, rows, threshold)
        with st.container(key="audit-choice"):
            choose(view, found, own, shown, threshold)
    st.subheader("Take it with you", anchor=False)
    take_away(view, found, own, rows, shown)


def filters(found: Results, rows: Sequence[Row]) -> tuple[list[str], str | None]:
    """The kinds and the class that are shown; together the setting "show"."""
    names = _kinds(rows)
    if names is MANY:
        labels = sorted({str(r["class"]) for r in rows})
    else:
        told = (str(r[c]) for r in found.clips for c in ("label", "predicted"))
        labels = sorted({label for label in told if label})
    kinds, label = _shown(labels, names)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.pills(
        "Show only clips that are" if names is KINDS else "Show only",
        list(names),
        selection_mode="multi",
        key=state.control("show_kinds", kinds),
        format_func=lambda kind: names[kind],
        on_change=_filtered,
        wrap=True,
    )
    right.selectbox(
        "Labelled or heard as",
        [ANY, *labels],
        key=state.control("show_class", label or ANY),
        format_func=class_name,
        on_change=_filtered,
    )
    return kinds, label


def _kinds(rows: Sequence[Row]) -> dict[str, str]:
    return MANY if tables.cases(rows) == "pairs" else KINDS


def table(shown: Sequence[Row], rows: Sequence[Row], threshold: float) -> None:
    """One line per clip, of a multi-label model also per class; a line that is chosen is the clip
    below."""
    total, many = tables.counted_cases(rows), _kinds(rows) is MANY
    frame = pd.DataFrame(
        {
            "clip": [r["clip"] for r in shown],
            "label": [results.labelled(r["label"]) for r in shown],
            **(_heard(shown) if many else _said(shown)),
            "confidence": [r["probability"] for r in shown],
            "interpreter agrees": ["yes" if r["agrees"] else "no" for r in shown],
            "FF": pd.Series([r["faithfulness"] for r in shown], dtype=float).round(2) + 0.0,
            "Random": pd.Series([r["random_energy"] for r in shown], dtype=float).round(2) + 0.0,
            "FF > 0 and Random": [
                {True: "yes", False: "no", None: "–"}[r["beats_random"]] for r in shown
            ],
            "|L|": pd.Series([r["components"] for r in shown], dtype="Int64"),
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=min(38 + 35 * len(shown), 423),
        column_config={
            name: st.column_config.NumberColumn(format="%.2f")
            for name in ("confidence", "FF", "Random")
        },
        key=_TABLE,
        on_select=_selected,
        selection_mode="single-row",
        alt=f"{len(shown)} of {total} with f's decision, the interpreter's, FF and Random",
    )
    st.session_state["l2i_audit_names"] = [r["case"] for r in shown]
    what = "probability of the class" if many else "logit for its decision"
    st.caption(
        f"{len(shown)} of {total}, the most doubtful first. FF: what f's {what} "
        f"loses without the interpretation at τ = {threshold:.2f}; Random: the same "
        "for random other components of equal log energy, median of the draws. “–”: all others together "
        "hold less log energy, or none was drawn, so FF is not tested. |L|: components."
        + (_OF_PAIRS if many else "")
    )


_OF_PAIRS = (
    " A line for each class that f hears in a clip or that its label holds; where f misses it, there "
    "is nothing to take out. The label of a folder's clips is one class: what f hears besides counts "
    "as a false alarm."
)


def _said(shown: Sequence[Row]) -> dict[str, list[str]]:
    return {
        "f says": [class_name(r["predicted"]) for r in shown],
        "right": [{True: "yes", False: "no", None: "–"}[r["right"]] for r in shown],
    }


def _heard(shown: Sequence[Row]) -> dict[str, list[str]]:
    marks = {audit.ALARM: "false alarm", audit.MISSED: "missed"}
    return {
        "class": [class_name(r["class"]) for r in shown],
        "f": [
            marks.get(audit.kind(r)) or {True: "found", None: "heard"}[r["right"]] for r in shown
        ],
    }


def choose(
    view: View, found: Results, own: OwnAudit | None, shown: Sequence[Row], threshold: float
) -> None:
    """The chosen clip: its grounds for doubt, and the way to its sound."""
    names = [r["case"] for r in shown]
    if own is None:
        results.settle_clip(shown)
        if state.value("evaluated") not in names:
            state.put(evaluated=None)
        row = results.choose(found, shown, "Clip to look into", _describe, threshold)
        st.markdown(audit.doubts(row))
        return
    by_name = dict(zip(names, shown, strict=True))
    key = f"audit-own-clip {own.token}"
    chosen = state.held(key, names[0])
    name = st.selectbox(
        "Clip to look into",
        names,
        key=state.hold(key, chosen if chosen in names else names[0]),
        format_func=lambda n: _describe(by_name[n]),
    )
    source = own.source(str(by_name[name]["clip"]))
    if st.button("Open in Listen", disabled=source is None, type="primary"):
        assert source is not None  # or the button is disabled
        state.touch()
        kept = audits.open_as_upload(source, engines.bundle(own.bundle))
        state.put(
            bundle=own.bundle, interpreter=own.interpreter, clip=kept, window=None, own=None,
            tau=threshold, domain="log", **{"class": by_name[name]["predicted"]},
        )  # fmt: skip
        state.go("listen")
    st.markdown(audit.doubts(by_name[name]))


def take_away(
    view: View,
    found: Results,
    own: OwnAudit | None,
    rows: Sequence[Row],
    shown: Sequence[Row],
) -> None:
    """CSV and JSON of the table, and the report with sound and pictures."""
    title, threshold = own.title if own else view.key[0], rows[0]["threshold"]
    stem = f"audit-{title.rsplit('.', 1)[0]}-{found.interpreter}-tau{threshold:.2f}"
    left, middle, right = st.columns([1, 1, 2])
    left.download_button(
        f"Table as CSV ({counted(len(shown), 'row')})",
        audit.to_csv(shown),
        f"{stem}.csv",
        "text/csv",
        on_click="ignore",
        disabled=not shown,
        width="stretch",
    )
    middle.download_button(
        "Everything as JSON",
        lambda: audit.to_json(found.about, found.summary, found.clips, found.levels, rows),
        f"{stem}.json",
        "application/json",
        on_click="ignore",
        width="stretch",
    )
    right.caption(
        "CSV: the rows that are shown. JSON: also the summary and every figure of every clip at "
        "every τ. The zip at the top of the page is the evidence for the clip above."
    )
    html_report(view, found, own, rows, shown, stem)


def html_report(
    view: View,
    found: Results,
    own: OwnAudit | None,
    rows: Sequence[Row],
    shown: Sequence[Row],
    stem: str,
) -> None:
    """One HTML file with table, sounds and pictures, made on request with progress."""
    sources = _sources(found, own, shown)
    # The clip above is explained by the model of the bar, which need not be the audited one.
    same = own is None or (own.bundle, own.interpreter) == (
        view.key[0],
        view.engine.interpreter_name,
    )
    options = [*([_CURRENT] if same else []), *sources]
    key = f"report-clips {own.token if own else ''} {found.interpreter} {view.key[0]}"
    kept = state.held(key, [_CURRENT, *list(sources)[:3]])
    state.hold(key, [name for name in kept if name in options])
    chosen = st.multiselect(
        f"Clips with sound and pictures in the report (at most {MOST_EXHIBITS})",
        options,
        key=key,
        max_selections=MOST_EXHIBITS,
        format_func=lambda name: (
            f"{view.source.title} (the clip above)" if name == _CURRENT else name
        ),
        placeholder="none: the table alone",
    )
    if len(sources) < len(shown):
        st.caption(
            f"The audio of {len(shown) - len(sources)} of the {len(shown)} "
            f"{tables.cases(shown)} in the table is not at hand; they are in the report's table "
            "without sound."
        )
    signature = (
        *(view.key, view.target, view.choice.token, found.interpreter, own and own.token),
        *(tuple(chosen), tuple(r["case"] for r in shown), rows[0]["threshold"]),
    )
    made = st.session_state.get("l2i_audit_report")
    place = st.empty()
    if made is not None and made[0] == signature:
        place.download_button(
            f"Download the report (HTML, {megabytes(len(made[1]))})",
            made[1],
            f"{stem}.html",
            "text/html",
            on_click="ignore",
            type="primary",
        )
        return
    if place.button("Make the report (HTML)", disabled=not (chosen or shown), key="make-report"):
        with place.container():
            bar = st.progress(0.0, text="Making the report …")
            st.button("Cancel", key="cancel-report")  # any step of the reader's ends this run
            pages = []
            for number, name in enumerate(chosen):
                bar.progress(number / len(chosen), text=f"Clip {number + 1} of {len(chosen)} …")
                pages.append(
                    exhibit_of_view(view, link())
                    if name == _CURRENT
                    else _exhibit(view, found, own, sources[name], name, shown)
                )
        page = _html(view, found, own, rows, shown, pages)
        st.session_state["l2i_audit_report"] = (signature, page.encode())
        st.rerun()


def own_recordings(view: View) -> None:
    """The same evaluation on the reader's own recordings, in the background."""
    st.subheader("Audit your own recordings", anchor=False)
    own = audits.current()
    if own is not None:
        _running(view, own)
    st.caption(
        "A folder of files for each class, or files side by side (labels unknown); clips of up to "
        f"{audit.LONGEST:.0f} s. Measured with the model and interpreter chosen above, "
        f"{audit.SETTINGS.random_draws} random draws per clip and τ: some seconds a clip. Uploads lie "
        "in a temporary folder of the server until the audit is discarded or this session ends."
    )
    job = jobs.find(own.key) if own else None
    busy = job is not None and job.running
    with st.form("own-audit", border=False):
        left, right = st.columns(2, gap="large")
        files = left.file_uploader(
            "Audio files, or a zip of folders",
            [*clips.SUFFIXES, "zip"],
            accept_multiple_files=True,
            key="own-files",
        )
        path = ""
        if not audits.shared():
            path = right.text_input(
                "Or a folder on this machine", placeholder="/path/to/recordings", key="own-path"
            )
        if st.form_submit_button("Measure", disabled=busy):
            name, interpreter = view.key[0], view.engine.interpreter_name
            try:
                audits.start(
                    audits.of_files(files, name, interpreter, view.engine.bundle)
                    if files or audits.shared()
                    else audits.of_folder(path, name, interpreter, view.engine.bundle)
                )
            except ValueError as error:
                st.error(sentence(str(error)))
            else:
                st.rerun()
    folder = shlex.quote(path.strip()) if path.strip() else "FOLDER"
    st.caption("The same on the command line:")
    st.code(
        f"python -m l2i_core evaluate {folder} --bundle {view.key[0]} "
        f"--interpreter {view.engine.interpreter_name} --threshold {view.threshold:.2f} --out AUDIT",
        language="bash",
        wrap_lines=True,
    )


def _running(view: View, own: OwnAudit) -> None:
    """Progress of the session's audit; where it is complete, a word on where the result is."""
    made = own.evaluation()
    st.markdown(
        f"**{own.title}**, {counted(len(own.clips), 'recording')}, model {own.bundle}, interpreter "
        f"{own.interpreter}"
    )
    if made is None:
        try:
            jobs.control(own.key, own.total, own.rows(), "Measure again", own.each)
        except ValueError as error:
            st.error(sentence(str(error)))
    else:
        st.caption("Measured: choose it under “Decisions on” at the top of the page.")
    st.button("Discard it", key="discard-audit", on_click=_discard)


def _chosen_data(view: View) -> tuple[Results | None, OwnAudit | None]:
    """The evaluation that is shown: the bundle's, or the session's own where it is complete."""
    theirs = results.read(view.key[0], view.engine.interpreter_name)
    own = audits.current()
    made = own.evaluation() if own else None
    if own is None or made is None:
        return theirs, None
    names = {"bundle": f"the model's test clips ({view.key[0]})", "own": own.title}
    key = f"audit-data {own.token}"
    chosen = st.segmented_control(
        "Decisions on",
        list(names),
        key=state.hold(key, state.held(key, "own")),
        format_func=lambda n: names[n],
        required=True,
    )
    return (own.results(made), own) if chosen == "own" else (theirs, None)


def _left_out(own: OwnAudit) -> None:
    if own.left_out:
        with st.expander(f"{counted(len(own.left_out), 'file')} left out"):
            for why in own.left_out:
                st.text(why)  # opens with a file name, which keeps its case


def _sources(found: Results, own: OwnAudit | None, shown: Sequence[Row]) -> dict[str, ClipSource]:
    """The clips of the table whose audio is at hand, by name."""
    if own is not None:
        named = {r["case"]: own.source(str(r["clip"])) for r in shown}
    else:
        names = [r["case"] for r in shown]
        named = dict(zip(names, results.sources(shown), strict=True))
    return {name: source for name, source in named.items() if source is not None}


def _exhibit(
    view: View,
    found: Results,
    own: OwnAudit | None,
    source: ClipSource,
    name: str,
    shown: Sequence[Row],
) -> Exhibit:
    """One clip of the table as the table has it: f's decision at the table's τ and mask domain."""
    row = next(r for r in shown if r["case"] == name)
    bundle = own.bundle if own else view.key[0]
    engine = engines.engine(bundle, found.interpreter)
    key = (bundle, engines.bundle_stamp(bundle), found.interpreter, source.digest, "")
    analysis = engines.analysis(key, engine, source, None)
    choice = Choice(row["threshold"], found.about.get("mask_domain", "log"))
    made = engines.interpretation(key, engine, analysis, row["predicted"], choice)
    random = None
    if row["random_energy"] is not None:
        draws = found.about.get("random_draws", 0)
        random = {
            "energy_matched": row["random_energy"],
            "equal_energy": bool(row["energy_matched"]),
            "draws": draws,
        }
    report = evidence.evidence_report(
        engine,
        analysis,
        made,
        engines.verdict(key, engine, analysis, made),
        clip_name=source.file_name,
        input_sha256=source.digest,
        digests=digests(bundle),
        random=random,
        seed=int(found.about.get("seed", 0)),
        names=components.names_of(engine),
    )
    return exhibit(engine, name, analysis, made, report)


def _html(
    view: View,
    found: Results,
    own: OwnAudit | None,
    rows: Sequence[Row],
    shown: Sequence[Row],
    pages: Sequence[Exhibit],
) -> str:
    name = own.bundle if own else view.key[0]
    bundle = engines.bundle(name)
    info = bundle.interpreter_info[found.interpreter]
    made_with = ", ".join(f"{what} {which}" for what, which in evidence.versions().items())
    data = results.provenance(found)
    if own is not None:
        data = f"{own.title}. {data}"
    if own is not None and own.left_out:
        data += f" Left out: {'; '.join(own.left_out)}"
    headline = audit.finding(rows)
    if len(shown) < len(rows):
        headline += f" The table lists {len(shown)} of the {tables.counted_cases(rows)}."
    return audit_html(
        title=f"Audit of {bundle.title}",
        model={
            "Model": f"{name}: {bundle.title}",
            "Interpreter": f"{info.title}. {info.description}",
            "Made with": made_with,
        },
        digests=digests(name),
        data=data,
        date=datetime.date.today().isoformat(),
        headline=headline,
        rows=shown,
        exhibits=pages,
        url=link(),
    )


def _describe(row: Row) -> str:
    names = _kinds([row])
    marks = [name for kind, name in KINDS.items() if kind in names and _doubted(kind, row)]
    name = class_name(row["predicted"])
    if audit.kind(row) == audit.MISSED:
        return " · ".join([f"{row['clip']} · f misses {name}", *marks])
    alarm = ["false alarm"] if audit.kind(row) == audit.ALARM else []
    said = f"{row['clip']} · f {'says' if names is KINDS else 'hears'} {name}"
    marks = [", ".join([*alarm, *marks])] if alarm or marks else []
    return " · ".join([said, f"FF {logit(row['faithfulness'])}", *marks])


def _doubted(kind: str, row: Row) -> bool:
    return kind in audit.GROUNDS and audit.GROUNDS[kind](row)


def _shown(labels: Sequence[str], names: Mapping[str, str]) -> tuple[list[str], str | None]:
    """The setting "show" as kinds and class: "wrong.chance.class:dog"."""
    text = str(state.value("show") or "")
    text, found, label = text.partition(_CLASS)
    kinds = [part for part in text.split(".") if part]
    if unknown := [kind for kind in kinds if kind not in names]:
        state.notice(
            f"There is no filter “{unknown[0][:40]}” here; accepted: {', '.join(names)}, "
            f"{_CLASS}NAME. All clips are shown."
        )
        state.put(show=None)
        return [], None
    if found and label not in labels:
        state.notice(f"No clip is of the class “{label[:40]}” here; all classes are shown.")
        label = ""
        state.put(show=_joined(kinds, None))
    return kinds, label or None


def _joined(kinds: Sequence[str], label: str | None) -> str | None:
    parts = [kind for kind in (*KINDS, audit.ALARM, audit.MISSED) if kind in kinds]
    return ".".join([*parts, *([_CLASS + label] if label else [])]) or None


def _filtered() -> None:
    """Callback of both filters."""
    state.touch()
    label = st.session_state["control_show_class"]
    kinds = st.session_state["control_show_kinds"]
    state.put(show=_joined(kinds, None if label == ANY else label))


def _selected() -> None:
    """Callback of the table: the line that was clicked is the clip below."""
    rows = st.session_state[_TABLE].selection.rows
    names = st.session_state.get("l2i_audit_names", [])
    if rows and rows[0] < len(names):
        state.touch()
        if audits.current() is not None and st.session_state.get("audit-data") == "own":
            st.session_state["audit-own-clip"] = names[rows[0]]
        else:
            state.put(evaluated=names[rows[0]])


def _discard() -> None:
    state.touch()
    audits.forget()


page()
