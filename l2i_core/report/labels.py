"""Events of a recording as files that editors open: CSV, Audacity's label track, Raven's selection
table; all of a timeline as JSON, and f on every window as CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from l2i_core.measure.records import to_csv
from l2i_core.measure.timeline import Event, Timeline

_RAVEN = (
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)",
    "High Freq (Hz)", "Annotation", "Score",
)  # fmt: skip


def csv(events: Sequence[Event]) -> str:
    """A line for each event: start and end in seconds, class, score."""
    if not events:
        return "start,end,class,score\n"
    return to_csv(
        [{"start": e.start, "end": e.end, "class": e.label, "score": e.score} for e in events]
    )


def audacity(events: Sequence[Event]) -> str:
    """The standard format of a label track: start, end and text, parted by tabs, a label a line
    (Audacity manual, "Importing and Exporting Labels"); the text is the class and its score."""
    return "".join(f"{e.start:.6f}\t{e.end:.6f}\t{e.label} {e.score:.2f}\n" for e in events)


def raven(events: Sequence[Event], highest: float) -> str:
    """A selection table of Raven (Cornell Lab of Ornithology; Raven Pro user's manual, chapter 6):
    a tab between columns, a box for each event from 0 Hz to the highest frequency in Hz."""
    rows = [
        (k, "Spectrogram 1", 1, f"{e.start:.6f}", f"{e.end:.6f}", 0, f"{highest:g}", e.label,
         f"{e.score:.4f}")
        for k, e in enumerate(events, start=1)
    ]  # fmt: skip
    return "".join("\t".join(map(str, row)) + "\n" for row in (_RAVEN, *rows))


def windows_csv(found: Timeline) -> str:
    """A line for each window: start and end in seconds, then the probability of every class."""
    table = found.probabilities.tolist()
    return to_csv(
        [
            {"start": start, "end": end} | dict(zip(found.classes, chances, strict=True))
            for (start, end), chances in zip(found.windows, table, strict=True)
        ]
    )


def as_json(found: Timeline, events: Sequence[Event], about: dict[str, Any]) -> str:
    """What was asked (`about`), events, and windows with f's probabilities in the classes' order;
    silent: there is nothing to hear."""
    each = zip(found.windows, found.silent.tolist(), found.probabilities.tolist(), strict=True)
    return json.dumps(
        {
            **about,
            "seconds": found.seconds,
            "classes": list(found.classes),
            "events": [
                {"start": e.start, "end": e.end, "class": e.label, "score": round(e.score, 4)}
                for e in events
            ],
            "windows": [
                {
                    "start": start,
                    "end": end,
                    "silent": silent,
                    "probabilities": [round(chance, 4) for chance in chances],
                }
                for (start, end), silent, chances in each
            ],
        },
        ensure_ascii=False,
    )


def formats(highest: float) -> dict[str, Callable[[Sequence[Event]], str]]:
    """How events are written, by a format's name; highest: half of the rate that f hears, in Hz."""
    return {"csv": csv, "audacity": audacity, "raven": lambda events: raven(events, highest)}
