"""Slices of the reader's own: by a column of a CSV, and by a line drawn around clips on a map of
their pooled activations. The session keeps them: a link cannot hold them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from l2i_core.dictionary import choice
from l2i_core.measure import slices
from l2i_core.measure.records import CaseRow, ClipRow
from l2i_core.measure.slices import Plane
from l2i_core.words import counted, percent
from pages.audit.decisions import Decisions
from pages.shell import models, results, state, uploads
from pages.shell.components import escaped, escaped_html
from pages.show import pictures, plots
from pages.show.words import class_name

_ANY = "any value"


def kept(decisions: Decisions) -> list[CaseRow]:
    """The rows that both kinds of slices leave, under the controls that make them."""
    rows = decisions.rows
    opened = st.expander("Slices of your own", on_change="rerun", key="own-slices")
    if opened.open:
        with opened:
            _column(decisions)
            _compared(decisions)
            _map(decisions)
    column, value = _value(decisions)
    if value is not None:
        held = _columns(decisions)[column]
        rows = [row for row in rows if held.get(row.clip) == value]
    if chosen := state.held(f"audit-lasso {decisions.key}", None):
        rows = [row for row in rows if row.clip in chosen]
    told = [] if value is None else [escaped(f"{column} = {value}")]
    if chosen:
        told.append(f"{counted(len(chosen), 'clip')} drawn around on the map")
    if told:
        left, right = st.columns([3, 1], vertical_alignment="center")
        left.caption(f"Your slice: {'; '.join(told)}.")
        right.button("All clips again", on_click=_forget, args=(decisions.key,), key="all-clips")
    return rows


def _columns(decisions: Decisions) -> dict[str, slices.Values]:
    return state.held(f"audit-columns {decisions.key}", {})


def _value(decisions: Decisions) -> tuple[str, str | None]:
    """The column and the value that are chosen, None for any."""
    columns = _columns(decisions)
    column = state.held(f"audit-column {decisions.key}", None)
    if column not in columns:
        column = next(iter(columns), "")
    value = state.held(f"audit-value {decisions.key}", _ANY)
    known = value in columns.get(column, {}).values()
    return column, value if known else None


def _column(decisions: Decisions) -> None:
    """The file of columns, and which value of which counts."""
    clips = {row.clip for row in decisions.found.clips}

    def read(name: str, data: bytes) -> None:
        state.hold(f"audit-columns {decisions.key}", slices.columns(data, name, clips))

    label = "A CSV with a column of clip names and others of yours: site, recorder, SNR …"
    uploads.table_uploader(label, "csv", f"audit-columns-file {decisions.key}", read)
    if not (columns := _columns(decisions)):
        return
    column, value = _value(decisions)
    left, right = st.columns(2)
    key = state.hold(f"audit-column {decisions.key}", column)
    left.selectbox("Column", list(columns), key=key, on_change=state.touch)
    values = list(columns[column].values())
    right.selectbox(
        "Value",
        [_ANY, *sorted(set(values))],
        key=state.hold(f"audit-value {decisions.key}", _ANY if value is None else value),
        format_func=lambda v: v if v == _ANY else f"{v} ({values.count(v)})",
        on_change=state.touch,
    )


def _compared(decisions: Decisions) -> None:
    """What the audit counts, slice beside slice."""
    columns, says = _columns(decisions), f"class that f {decisions.task.decides}"
    by: dict[str, Callable[[CaseRow], str]] = {
        says: lambda row: class_name(row.predicted),
        "label": lambda row: results.labelled(row.label),
        "tag": lambda row: row.tag or "untagged",
    }
    by |= {name: partial(_value_of, held) for name, held in columns.items()}
    chosen = state.held(f"audit-compare {decisions.key}", None)
    what = st.selectbox(
        "Compare slices by",
        list(by),
        index=None,
        key=state.hold(f"audit-compare {decisions.key}", chosen if chosen in by else None),
        placeholder="nothing",
        on_change=state.touch,
    )
    if not what:
        return
    table = slices.compared(decisions.rows, by[what])
    shares = ("doubtful", "f right", "interpreter agrees", "FF > 0 and Random")
    results.class_table(table, ["median FF"], shares, f"Slices by {what}")
    about = {"bundle": decisions.bundle, "by": what, "threshold": decisions.threshold}
    results.csv_buttons([("Slices", f"by-{what}", table)], "audit-slices", about)


def _value_of(values: slices.Values, row: CaseRow) -> str:
    return values.get(row.clip, "–")


def _map(decisions: Decisions) -> None:
    """The clips by z; what is drawn around becomes the slice."""
    own_w = decisions.dictionary != choice.BUNDLE
    about = (decisions.key, models.bundle_stamp(decisions.bundle))
    made = None if own_w else _plane(about, decisions.found.clips)
    if made is None:
        why = "each clip has a dictionary of its own" if own_w else "it takes three clips with z"
        st.caption(f"No map of the clips: {why}.")
        return
    st.markdown("**Clips that use the same components lie together: draw around some**")
    times = state.held(f"audit-map-times {decisions.key}", 0)
    name = f"audit-map {times} {decisions.key}"  # another one has no line drawn
    drawn = _figure(made, decisions.rows)

    def chosen() -> None:
        state.touch()
        event: Any = st.session_state[name]
        clips = {point["customdata"][0] for point in event.selection.points}
        state.hold(f"audit-lasso {decisions.key}", frozenset(clips))

    alt = f"The {len(made.points)} clips on the first two principal components of z"
    plots.chart(drawn, name, alt, lively=True, on_select=chosen, selection_mode=("box", "lasso"))


@st.cache_resource(show_spinner=False, max_entries=16)
def _plane(about: tuple[str, float], _clips: Sequence[ClipRow]) -> Plane | None:
    return slices.plane(_clips)


def _figure(made: Plane, rows: Sequence[CaseRow]) -> Any:
    """A point per clip: right, wrong in any of its decisions, or without a label."""
    colours = pictures.palette()
    titles = [f"{n}. component of z, {percent(s)}" for n, s in enumerate(made.shares, 1)]
    axes = ({"title": title, "nticks": 5, "ticks": "outside"} for title in titles)
    figure = plots.figure_of(
        colours, 420, *axes, showlegend=True, dragmode="lasso", margin={"t": 30}
    )
    said: dict[str, list[CaseRow]] = {}
    for row in rows:
        said.setdefault(row.clip, []).append(row)
    groups: dict[str, list[str]] = {"right": [], "wrong": [], "label unknown": []}
    for clip in made.points:
        verdicts = [row.right for row in said.get(clip, [])]
        kind = "wrong" if False in verdicts else "right"
        groups["label unknown" if None in verdicts else kind].append(clip)
    looks = {"right": ("circle", colours.accent), "wrong": ("diamond", colours.warning)}
    for kind, clips in groups.items():
        symbol, colour = looks.get(kind, ("circle-open", colours.neutral))
        if clips:
            figure.add_scatter(
                x=[made.points[clip][0] for clip in clips],
                y=[made.points[clip][1] for clip in clips],
                name=f"{kind} ({len(clips)})",
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.85},
                customdata=[[clip] for clip in clips],
                text=[_told(clip, said.get(clip, [])) for clip in clips],
                hoverinfo="text",
            )
    return figure


def _told(clip: str, rows: Sequence[CaseRow]) -> str:
    each = [
        f"{row.task.decides if row.heard else 'misses'} {class_name(row.predicted)}" for row in rows
    ]
    known = f", label {class_name(rows[0].label)}" if rows and rows[0].label else ""
    return escaped_html(f"{clip}: f {', '.join(each) or 'hears nothing'}{known}")


def _forget(key: str) -> None:
    """Callback: no slice of one's own."""
    state.touch()
    state.hold(f"audit-value {key}", _ANY)
    state.hold(f"audit-lasso {key}", None)
    times = f"audit-map-times {key}"
    state.hold(times, state.held(times, 0) + 1)
