"""Slices of an audit's decisions: the confusions, the worst of each class, a column of the
listener's own, and clips that lie together on a plane of their pooled activations."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from l2i_core.data.spreadsheet import Table
from l2i_core.measure import tables
from l2i_core.measure.audit import doubtful
from l2i_core.measure.records import CaseRow, ClipRow

MAX_BYTES = 16 * 2**20  # of a file of columns
QUARTERS = 4  # a column of many numbers is cut into as many equal parts
_FEW = 12  # different numbers that stay as they are
_LEAST = 3  # clips of a plane

Values = Mapping[str, str]  # by clip


@dataclass(frozen=True, slots=True)
class Plane:
    """Clips as points, by their names, and the shares of the variance that both axes hold."""

    points: Mapping[str, tuple[float, float]]
    shares: tuple[float, float]


def confusions(rows: Sequence[CaseRow]) -> dict[tuple[str, str], int]:
    """How often f says what the label does not, by label and class, most frequent first; {} for a
    multi-label model, whose errors are false alarms and misses of one class."""
    wrong = (row for row in rows if row.right is False and not row.task.multi_label)
    return dict(Counter((row.label, row.predicted) for row in wrong).most_common())


def worst_of_each(rows: Sequence[CaseRow]) -> list[CaseRow]:
    """The first row of each class that f decides for, then the second of each, and so on; within
    each round as the rows are: of `audit_rows`, the most doubtful first."""
    before: dict[str, int] = defaultdict(int)
    ranked = []
    for row in rows:
        ranked.append((before[row.predicted], row))
        before[row.predicted] += 1
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]


def compared(rows: Sequence[CaseRow], name: Callable[[CaseRow], str]) -> list[dict[str, Any]]:
    """What an audit counts, slice by slice, most doubtful first; `name` tells a row's slice.

    Shares are of the rows that have what they need, None where none has: a label, an interpreter's
    decision, a Random that could be given as much. FF: the median, NaN where nothing was taken out.
    """
    groups: dict[str, list[CaseRow]] = defaultdict(list)
    for row in rows:
        groups[name(row)].append(row)
    found = [
        {
            "slice": slice_,
            "n": len(own),
            "doubtful": _share([*map(doubtful, own)]),
            "f right": _share([r.right for r in own]),
            "interpreter agrees": _share([r.agrees for r in own]),
            "median FF": tables.spread(own, "faithfulness")["median"],
            "FF > 0 and Random": _share([r.beats_random for r in own]),
        }
        for slice_, own in groups.items()
    ]
    return sorted(found, key=lambda row: (-row["doubtful"], -row["n"], row["slice"]))


def _share(answers: Sequence[bool | None]) -> float | None:
    known = [answer for answer in answers if answer is not None]
    return sum(known) / len(known) if known else None


def columns(data: bytes, file_name: str, clips: Collection[str]) -> dict[str, Values]:
    """The columns of a CSV file, each by clip; what is empty is left out.

    The column that names most clips tells which clip a line is about: by the clip's name, or by its
    last part with or without ending, where no other clip has it. A column of more than twelve
    different numbers is cut into quarters of equal count. ValueError in one sentence where no
    column names a clip, or there is none beside.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"{file_name} is larger than 16 MB; leave the lines of other clips out.")
    table = Table(Path(file_name), data)
    lines, known = [line for _, line in table], _aliases(clips)
    named = {name: sum(line[name] in known for line in lines) for name in table.names if name}
    key = max(named, key=named.__getitem__, default="")
    if not named or not named[key]:
        example = min(clips, default="")
        raise ValueError(
            f"{file_name} names none of these clips; give it a column with their names, such as "
            f"“{example}”."
        )
    others = [name for name in named if name != key]
    found = {
        name: {known[line[key]]: line[name] for line in lines if line[key] in known and line[name]}
        for name in others
    }
    filled = {name: _in_quarters(values) for name, values in found.items() if values}
    if not filled:
        raise ValueError(f"{file_name} says nothing of its clips: it needs a second column.")
    return filled


def plane(clips: Sequence[ClipRow]) -> Plane | None:
    """The first two principal components of z, the pooled activations (n, K) of the clips; None for
    fewer than three clips, and where they have no z or all the same."""
    from sklearn.decomposition import PCA

    known = [row for row in clips if row.pooled]
    if len(known) < _LEAST or len({tuple(row.pooled) for row in known}) > 1:
        return None
    z = np.array([list(row.pooled.values()) for row in known])
    if z.shape[1] < 2 or not np.ptp(z, axis=0).any():
        return None
    fitted = PCA(2, svd_solver="full")
    points = fitted.fit_transform(z)
    first, second = fitted.explained_variance_ratio_.tolist()
    placed = {row.clip: (float(x), float(y)) for row, (x, y) in zip(known, points, strict=True)}
    return Plane(placed, (first, second))


def _aliases(clips: Collection[str]) -> dict[str, str]:
    """What a clip may be called in a file → the clip."""
    found = {clip: clip for clip in clips}
    for shorten in (lambda path: path.name, lambda path: path.stem):
        short = {clip: shorten(PurePosixPath(clip)) for clip in clips}
        count = Counter(short.values())
        for clip, name in short.items():
            if count[name] == 1:
                found.setdefault(name, clip)
    return found


def _in_quarters(values: Values) -> Values:
    try:
        numbers = {clip: float(text) for clip, text in values.items()}
    except ValueError:
        return values
    held = np.array(list(numbers.values()))
    if not np.isfinite(held).all() or len(set(held)) <= _FEW:
        return values
    edges = np.quantile(held, np.linspace(0, 1, QUARTERS + 1))
    names = [f"{low:.4g} … {high:.4g}" for low, high in zip(edges, edges[1:], strict=False)]
    places = np.searchsorted(edges[1:-1], held, side="right")
    return {clip: names[place] for clip, place in zip(numbers, places, strict=True)}
