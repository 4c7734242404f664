"""Where in a long recording is what: lanes of classes, events, and the way to any window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from l2i_core.classifiers.hearing import WINDOWED_ABOVE_SECONDS
from l2i_core.measure.timeline import HOLD, THRESHOLD, Event, Timeline
from l2i_core.report import labels
from l2i_core.signal.audio import MIN_SECONDS
from pages.shell import cached, results, windows
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.files import download
from pages.show.pictures import Palette
from pages.show.words import class_name, clock, number

LANES, MOST_LANES = 5, 12
_POINTER = {
    False: "Click a window to explain it.",
    True: f"Drag over up to {WINDOWED_ABOVE_SECONDS:g} s to explain them.",
}
_COLUMNS = 240  # of a lane: in a longer recording, one holds several windows
_TICKS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)  # seconds


def draw(view: View) -> None:
    """Nothing for a clip that is heard at once."""
    if view.overview is None or view.window is None:
        return
    key = view.key.of(view.source.digest)
    with cached.telling("f listens to the whole recording") as tell:
        found = cached.timeline(key, view.engine, view.source, tell)
    name = f"{view.key.bundle} {view.source.digest[:12]}"
    title = st.container()
    left, right = st.columns([4, 1.2], vertical_alignment="bottom")
    names = [found.classes[c] for c in found.ranked]
    lanes = left.multiselect(
        "Lanes (type to search)",
        names,
        names[:LANES],
        class_name,
        key=f"lanes {name}",
        max_selections=MOST_LANES,
    )
    with right.popover("Thresholds", width="stretch"):
        threshold, each = _thresholds(lanes, name)
    drag = right.toggle("Drag over seconds", key="drag-timeline")
    events = found.events(threshold, each)
    with title:
        st.markdown(f"**{_told(found, events)}** {_POINTER[drag]}")
        if lanes:
            _lanes(view, found, lanes, events, drag)
    _events(view, found, events, name)


def _thresholds(lanes: Sequence[str], name: str) -> tuple[float, dict[str, float]]:
    shared = st.slider("Of every class", 0.05, 0.95, THRESHOLD, 0.05, key=f"threshold {name}")
    each = {
        label: st.number_input(
            class_name(label),
            0.01,
            1.0,
            None,
            0.05,
            key=f"threshold {name} {label}",
            placeholder=f"{shared:.2f}",
        )
        for label in lanes
    }
    st.caption(f"An event opens at its class's threshold and goes on above {HOLD:g} of it.")
    return shared, {label: value for label, value in each.items() if value is not None}


def _told(found: Timeline, events: Sequence[Event]) -> str:
    if not events:
        return f"No class reaches its threshold in {clock(found.seconds)} min."
    held: dict[str, float] = {}
    for event in events:
        held[event.label] = held.get(event.label, 0.0) + event.end - event.start
    longest = sorted(held, key=lambda label: -held[label])[:2]
    most = ", ".join(f"“{class_name(label)}” {clock(held[label])}" for label in longest)
    count = f"{len(events)} event{'s' if len(events) > 1 else ''}"
    return f"{count} in {clock(found.seconds)} min; longest in all: {most}."


def _lanes(
    view: View, found: Timeline, lanes: Sequence[str], events: Sequence[Event], drag: bool
) -> None:
    assert view.window is not None  # by `draw`
    # A new choice draws a new figure: it has no selection left over.
    key = f"timeline {windows.span(*view.window)} {view.target} {drag} {pictures.theme()}"

    def chosen() -> None:
        event: Any = st.session_state.get(key)
        selection = event["selection"] if event else {}
        boxes, points = selection.get("box"), selection.get("points")
        if boxes and boxes[0]["x"][0] != boxes[0]["x"][1]:
            windows.listen_to(*_stretch(boxes[0]["x"], found.seconds))
        elif points:
            start, end, label = points[0]["customdata"][:3]
            windows.listen_to(start, end, label)

    drawn = figure(found, lanes, events, view.window, pictures.palette(), drag)
    alt = "Highest probability anywhere: " + ", ".join(
        f"{class_name(label)} {_highest(found, label):.2f}" for label in lanes
    )
    mode = "box" if drag else "points"
    plots.chart(drawn, key, alt, lively=True, on_select=chosen, selection_mode=mode)


def _stretch(dragged: Sequence[float], seconds: float) -> tuple[float, float]:
    """What was dragged over, as far as it can be explained."""
    start, end = sorted(dragged)
    start = min(max(start, 0.0), seconds - MIN_SECONDS)
    return start, min(max(end, start + MIN_SECONDS), start + WINDOWED_ABOVE_SECONDS, seconds)


def _highest(found: Timeline, label: str) -> float:
    return float(found.probabilities[:, found.classes.index(label)].max())


def figure(
    found: Timeline,
    lanes: Sequence[str],
    events: Sequence[Event],
    window: tuple[float, float],
    colours: Palette,
    drag: bool = False,
) -> go.Figure:
    """A lane for each class, darker where it is more probable, a bar below each event; the window
    that is explained is framed. Points for the pointer carry start, end, class, probability of
    the window that is surest of those that they stand for."""
    n = len(found.windows)
    first = np.unique(np.linspace(0, n, min(n, _COLUMNS), endpoint=False).astype(int))
    last, edges = np.append(first[1:], n), found.edges
    at = [found.classes.index(label) for label in lanes]
    table = found.probabilities.numpy()[:, at]
    best = np.array([a + table[a:b].argmax(axis=0) for a, b in zip(first, last, strict=True)])
    chances = np.take_along_axis(table, best, axis=0)
    step = next((s for s in _TICKS if found.seconds <= 8 * s), _TICKS[-1])
    ticks = np.arange(0, found.seconds, step)
    rows = list(range(len(lanes)))
    drawn = plots.figure_of(
        colours,
        34 * len(lanes) + 40,
        {
            "range": [0, found.seconds],
            "tickvals": ticks,
            "ticktext": [clock(t) for t in ticks],
            "ticks": "outside",
        },
        {
            "range": [len(lanes) - 0.5, -0.5],
            "tickvals": rows,
            "ticktext": [f"{class_name(label)} {_highest(found, label):.2f}  " for label in lanes],
        },
        dragmode="select" if drag else False,
        selectdirection="h",
        hoverdistance=-1,
        margin={"r": 8, "b": 24},
    )
    drawn.add_heatmap(
        x=edges[np.append(first, n)],
        y=rows,
        z=chances.T,
        zmin=0,
        zmax=1,
        colorscale=[[0, plots.faded(colours.neutral, 0.12)], [1, colours.accent]],
        showscale=False,
        hoverinfo="skip",
        ygap=4,
    )
    marks: dict[str, list[float | None]] = {"x": [], "y": []}
    for event in events:
        if event.label in lanes:
            marks["x"] += [event.start, event.end, None]
            marks["y"] += [lanes.index(event.label) + 0.44] * 2 + [None]
    drawn.add_scatter(
        **marks, mode="lines", line={"color": colours.warning, "width": 3}, hoverinfo="skip"
    )
    middles = (edges[first] + edges[last]) / 2
    drawn.add_scatter(
        x=np.repeat(middles, len(lanes)),
        y=rows * len(first),
        mode="markers",
        marker={"opacity": 0, "size": 12},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[
            [*found.windows[i], label, chance, windows.span(*found.windows[i]), class_name(label)]
            for line, row in zip(best.tolist(), chances.tolist(), strict=True)
            for i, label, chance in zip(line, lanes, row, strict=True)
        ],
        hovertemplate="%{customdata[5]} %{customdata[3]:.2f}, %{customdata[4]}<extra></extra>",
    )
    drawn.add_vrect(*window, line={"color": colours.ink, "width": 1.5})
    return drawn


def _events(view: View, found: Timeline, events: Sequence[Event], name: str) -> None:
    with st.expander(f"Events as a table ({len(events)})"):
        if events:
            key = f"events {name}"

            def chosen() -> None:
                picked: Any = st.session_state.get(key)
                rows = picked["selection"]["rows"] if picked else []
                if rows and rows[0] < len(events):
                    event = events[rows[0]]
                    windows.listen_to(*found.surest(event), event.label)

            st.dataframe(
                pd.DataFrame(
                    {
                        "start, s": [round(e.start, 2) for e in events],
                        "end, s": [round(e.end, 2) for e in events],
                        "class": [class_name(e.label) for e in events],
                        "highest probability": [e.score for e in events],
                    }
                ),
                hide_index=True,
                key=key,
                on_select=chosen,
                selection_mode="single-row",
                column_config={"highest probability": results.DECIMALS},
                alt="Every event: start, end, class, highest probability",
            )
            st.caption("A row explains the window of the event that f is surest of.")
        stem, places = f"{view.source.stem}-events", st.columns(4)
        highest = view.engine.hearing.classifier.sample_rate / 2
        for (form, write), label, ending, place in zip(
            labels.formats(highest).items(),
            ("Events (CSV)", "Audacity labels", "Raven selections"),
            (".csv", ".txt", ".Table.1.selections.txt"),
            places,
            strict=False,
        ):
            download(label, write(events), stem + ending, place, key=f"{form} {name}")
        download(
            "Every window (CSV)",
            lambda: labels.windows_csv(found),
            f"{view.source.stem}-windows.csv",
            places[-1],
        )
        first = found.windows[0][1] - found.windows[0][0]
        st.caption(f"f hears windows of {number(first)} s, each at its own gain.")
