"""`python -m l2i_core timeline FILE`: where in a long recording is what, as labels or a table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from l2i_core.engine import L2I
from l2i_core.files import write_text
from l2i_core.measure import timeline
from l2i_core.measure.timeline import HOLD, THRESHOLD
from l2i_core.report import labels
from l2i_core.words import class_name

_ENDINGS = {".csv": "csv", ".txt": "audacity", ".json": "json", ".selections.txt": "raven"}
_FORMATS = tuple(_ENDINGS.values())


def add_options(command: argparse.ArgumentParser) -> None:
    """All but those that name the model."""
    command.add_argument("recording", type=Path, help="a file of any length")
    command.add_argument("--out", type=Path, help="the file to write the events to")
    command.add_argument(
        "--format",
        choices=_FORMATS,
        help=f"of --out; by default by its ending: {', '.join(_ENDINGS)} in this order",
    )
    command.add_argument("--windows", type=Path, metavar="CSV", help="f's classes on each window")
    command.add_argument("--window", type=float, help="seconds (default: f's own clip length)")
    command.add_argument("--hop", type=float, help="seconds (default: half a window)")
    command.add_argument(
        "--threshold",
        action="append",
        metavar="P or CLASS=P",
        help=f"the probability at which an event opens (default: {THRESHOLD:g}), of all classes or "
        f"of one; may be given again; an event goes on above {HOLD:g} of it",
    )
    command.add_argument("--json", action="store_true", help="print events and windows as JSON")


def run(arguments: argparse.Namespace, engine: L2I) -> None:
    """The command; ValueError says what is wrong with what was given."""
    form = _format(arguments.out, arguments.format)
    steps = timeline.grid(engine, arguments.window, arguments.hop)
    threshold, each = _thresholds(arguments.threshold or ())
    for label in each:
        engine.class_index(label)
    parts = []
    with tqdm(unit="s", disable=None) as bar:
        for part in timeline.heard(engine, arguments.recording, steps):
            parts.append(part)
            bar.update(int(part.done) - bar.n)
    found = timeline.joined(engine, parts)
    events = found.events(threshold, each)
    about = {
        "recording": arguments.recording.name,
        "bundle": engine.bundle.name,
        "window": steps.window,
        "hop": steps.hop,
        "threshold": threshold,
        "thresholds": each,
    }
    written = labels.formats(engine.hearing.classifier.sample_rate / 2)
    written["json"] = lambda given: labels.as_json(found, given, about) + "\n"
    if arguments.out:
        write_text(arguments.out, written[form](events))
    if arguments.windows:
        write_text(arguments.windows, labels.windows_csv(found))
    if arguments.json:
        print(written["json"](events), end="")
        return
    for event in events:
        print(f"{event.start:.2f}–{event.end:.2f} s: {class_name(event.label)} {event.score:.2f}")
    if not events:
        print(f"No class reaches its threshold in {arguments.recording.name}.")
    for path in filter(None, (arguments.out, arguments.windows)):
        print(f"Written to {path}.")


def _format(out: Path | None, named: str | None) -> str:
    if out is None:
        if named:
            raise ValueError("--format is of the file that --out names; name one.")
        return "csv"
    found = [form for ending, form in _ENDINGS.items() if out.name.lower().endswith(ending)]
    if not named and not found:
        raise ValueError(
            f"--out {out.name} tells no format; end it in {', '.join(_ENDINGS)} or give --format "
            f"({', '.join(_FORMATS)})."
        )
    if out.is_dir():
        raise ValueError(f"--out {out} is a folder; give the file to write.")
    return named or found[-1]  # .selections.txt ends in .txt, too


def _thresholds(given: Sequence[str]) -> tuple[float, dict[str, float]]:
    """Of every class, and of single ones, by "0.3" and "dog=0.3"."""
    found: dict[str, float] = {}
    for text in given:
        label, _, value = text.rpartition("=")
        try:
            found[label] = timeline.checked_threshold(float(value))
        except ValueError as error:
            raise ValueError(f"--threshold {text}: give P or CLASS=P, P in (0, 1].") from error
    return found.pop("", THRESHOLD), found
