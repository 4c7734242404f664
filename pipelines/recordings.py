"""A folder of recordings before it is learned from: what can be used, and what is held out."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from l2i_core.data.clips import Clip
from l2i_core.files import write_text
from l2i_core.measure.records import to_csv
from l2i_core.signal import condition

_KEPT_EVERY = 200  # files
_SILENT = 1e-8  # peak, as `audio.peak_gain` takes it


@dataclass(frozen=True, slots=True)
class Recording:
    """One file. why: a sentence on why it is left out, "" where it is not."""

    clip: Clip
    seconds: float
    why: str

    @property
    def use(self) -> str:
        """What it is for: trained on, held out, or left out."""
        return "left out" if self.why else "held out" if self.clip.fold == 1 else "trained on"


def surveyed(clips: Sequence[Clip], kept: Path) -> list[Recording]:
    """Every file read once, a block at a time; goes on with what KEPT holds of these files.

    Silent and unreadable files are told on stderr. ValueError where nothing is left to train on or
    to hold out.
    """
    key = listed(clips)
    found = json.loads(kept.read_text()) if kept.is_file() else {}
    known: dict[str, list[object]] = found.get("files", {}) if found.get("key") == key else {}
    todo = [clip for clip in clips if clip.name not in known]
    for done, clip in enumerate(tqdm(todo, desc="reading recordings", unit="file"), start=1):
        known[clip.name] = list(_read(clip))
        if done % _KEPT_EVERY == 0 or done == len(todo):
            write_text(kept, json.dumps({"key": key, "files": known}))
    recordings = [Recording(c, float(known[c.name][0]), str(known[c.name][1])) for c in clips]  # type: ignore[arg-type]
    for one in recordings:
        if one.why:
            print(f"left out: {one.clip.name}: {one.why}", file=sys.stderr)
    for use in ("trained on", "held out"):
        if not any(one.use == use for one in recordings):
            few = f"{sum(not one.why for one in recordings)} of {len(clips)} files can be used"
            raise ValueError(f"{few}, and none of them can be {use}; give more recordings.")
    return recordings


def _read(clip: Clip) -> tuple[float, str]:
    assert clip.path is not None
    try:
        found = condition.of_file(clip.path)
    except ValueError as error:
        return 0.0, str(error)
    return found.seconds, "" if found.peak > _SILENT else "it is silent."


def listed(clips: Sequence[Clip]) -> str:
    """A digest of the files' names and sizes."""
    each = [[clip.name, clip.path.stat().st_size] for clip in clips if clip.path]
    return hashlib.sha256(json.dumps(each).encode()).hexdigest()[:16]


def as_csv(recordings: Sequence[Recording]) -> str:
    """Every file with its duration, its folder's name and what it was used for."""
    return to_csv(
        [
            {
                "file": one.clip.name,
                "seconds": round(one.seconds, 3),
                "folder": one.clip.label,
                "use": one.use,
                "why": one.why,
            }
            for one in recordings
        ]
    )


def hours(recordings: Sequence[Recording]) -> float:
    """How long they last together."""
    return sum(one.seconds for one in recordings) / 3600
