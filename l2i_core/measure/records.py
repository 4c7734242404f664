"""The rows of an evaluation, and the one CSV form of all rows.

A row is a frozen dataclass: its fields are the columns, in the file's order, and their types say
what a column may hold. `class_` is the column "class"; a `Series` is a group of columns, one for
each class or component; a field with a default is a column that a file may lack, and is written
where any row has it. Numbers have six digits, and `write(read(path))` is the file, byte for byte.
"""

import csv
import dataclasses
import functools
import io
import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from l2i_core.measure.explained import Explained
from l2i_core.measure.random import beats_chance
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES, Task

Undefined = Annotated[float, "may be NaN or infinite"]
R = TypeVar("R")
MISSED, ALARM = "missed", "alarm"  # the two ways in which a multi-label model is wrong
_NO_COLUMN = {"column": False}


@dataclass(frozen=True, slots=True)
class Series:
    """Marks a mapping whose entries are columns `prefix:key`; with the prefix "", all columns that
    are no field's."""

    prefix: str

    def column(self, key: str) -> str:
        return f"{self.prefix}:{key}" if self.prefix else key


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRow:
    """One clip: f's decision, and that of what explains it ("" where it has none). label: as
    `Clip.written`. probability, span: f(x)_c and f(x)_c − f(silence)_c of f's decision; norm: ‖X‖;
    reconstruction_error: ‖X − W H‖ / ‖X‖; pooled: z. A baseline's row lacks all from probability to
    reconstruction_error, and z."""

    clip: str
    label: str
    fold: int | None = None
    probability: float | None = None
    span: Undefined | None = None
    norm: float | None = None
    reconstruction_error: float | None = None
    predicted: str
    interpreter_predicted: str = ""
    logits: Annotated[Mapping[str, float], Series("logit")] = field(default_factory=dict)
    interpreter_logits: Annotated[Mapping[str, float], Series("interpreter_logit")] = field(
        default_factory=dict
    )
    pooled: Annotated[Mapping[str, float], Series("z")] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """One clip at one τ, of a multi-label model one class of it, which then has its own `class_`,
    probability and span.

    components: |L|; faithfulness: FF_x (Eq. 6); same_class: 1 where f decides for the class on
    x_int; energy_kept: x_int's share of the input's energy; log_energy_removed: L's of ‖X‖²; the
    Randoms' median FF and shares of ‖X‖² where they were drawn; measured: by the metrics that need
    the clip itself.
    """

    clip: str
    class_: str | None = None
    probability: float | None = None
    span: Undefined | None = None
    threshold: float
    components: int
    faithfulness: float
    probability_interpretation: float
    same_class: int
    energy_kept: float
    log_energy_removed: float
    random: float | None = None
    random_log_energy: float | None = None
    random_energy: float | None = None
    random_energy_log_energy: float | None = None
    measured: Annotated[Mapping[str, float], Series("")] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        return ONE_CLASS if self.class_ is None else SEVERAL_CLASSES

    @property
    def case(self) -> str:
        """The row's name beside others of its τ."""
        return case_name(self.clip, self.class_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One decision of f explained, as metrics take it: a row of a baseline's cases-NAME.csv, or a
    `LevelRow` with what it is about. Fields as there; `explained` while it is being measured."""

    clip: str
    class_: str
    probability: float
    probability_interpretation: float
    same_class: int
    faithfulness: float
    span: Undefined
    energy_kept: float
    log_energy_removed: float | None = None
    measured: Annotated[Mapping[str, float], Series("")] = field(default_factory=dict)
    explained: Explained | None = field(default=None, metadata=_NO_COLUMN)

    def __post_init__(self) -> None:
        for p in (self.probability, self.probability_interpretation):
            if not 0 <= p <= 1:
                raise ValueError(f"probabilities must lie in [0, 1], received {p:g}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One decision of f at one τ: FF and the Randoms (None where not drawn) in a scale. Of a
    multi-label model one clip and class above 0.5, `class_`: `predicted` is then that class, and
    `interpreter_predicted` all that the interpreter hears. A class that it misses is a row without
    FF, `heard` False: there is nothing to take out.

    energy_matched: whether all draws of energy-matched Random could remove as much of ‖X‖² as L
    does (1), or all other components together hold less (0); None where it was not drawn.
    resolution: what two drops must differ by, `Task.resolution` in the scale. agrees: the
    interpreter decides as f does, None where it has no logits of its own. case: the row's own name.
    measured: every metric that has no field. probability: of the decision; right: None for a clip
    without a label. tag, note: a listener's (`data.tags`), "" for none.
    """

    clip: str
    label: str
    predicted: str
    interpreter_predicted: str
    class_: str | None = None
    threshold: float
    scale: str
    faithfulness: Undefined = math.nan
    random_energy: Undefined | None = None
    random: Undefined | None = None
    components: int | None = None
    same_class: int | None = None
    energy_matched: int | None = None
    resolution: Undefined
    agrees: bool | None
    case: str
    measured: Annotated[Mapping[str, float], Series("")] = field(default_factory=dict)
    probability: float = field(metadata=_NO_COLUMN)
    right: bool | None = field(metadata=_NO_COLUMN)
    heard: bool = field(default=True, metadata=_NO_COLUMN)
    tag: str = field(default="", metadata=_NO_COLUMN)
    note: str = field(default="", metadata=_NO_COLUMN)

    @property
    def task(self) -> Task:
        return ONE_CLASS if self.class_ is None else SEVERAL_CLASSES

    @property
    def beats_random(self) -> bool | None:
        """`beats_chance` of FF and energy-matched Random; None where nothing tests it."""
        if math.isnan(self.faithfulness):
            return None
        equal = bool(self.energy_matched)
        return beats_chance(self.faithfulness, self.random_energy, equal, self.resolution)

    @property
    def untested(self) -> bool:
        """Whether Random was drawn and could not remove as much."""
        return self.beats_random is None and self.random_energy is not None

    @property
    def kind(self) -> str:
        """How a multi-label model is wrong: MISSED or ALARM; "" where it is not."""
        if self.right is not False or not self.task.multi_label:
            return ""
        return ALARM if self.heard else MISSED


_SHARED = {field.name for field in dataclasses.fields(Case)} & set(LevelRow.__annotations__)


def case_name(clip: str, class_: str | None) -> str:
    """What a row is about, for links and choices: a clip, of a multi-label model with the class."""
    return clip if class_ is None else f"{clip}:{class_}"


def cases_of(clips: Sequence[ClipRow], levels: Sequence[LevelRow]) -> list[Case]:
    """Level rows with what they are about; ValueError where the clips' rows do not have it."""
    by_name, found = {row.clip: row for row in clips}, []
    for level in levels:
        clip = by_name.get(level.clip)
        about = clip if level.class_ is None else level
        if clip is None or about is None or about.probability is None or about.span is None:
            raise ValueError(f"the metrics are damaged: nothing tells what {level.case} is about.")
        class_ = clip.predicted if level.class_ is None else level.class_
        own = {"class_": class_, "probability": about.probability, "span": about.span}
        found.append(Case(**{name: getattr(level, name) for name in _SHARED} | own))
    return found


def matrix(
    clips: Sequence[ClipRow],
    name: Literal["logits", "interpreter_logits"],
    classes: Sequence[str],
) -> np.ndarray:
    """One of the clips' series by class (n, C); ValueError for a class that it lacks."""
    try:
        return np.array([[getattr(row, name)[label] for label in classes] for row in clips])
    except KeyError as error:
        column = f"{name.removesuffix('s')}:{error.args[0]}"
        raise ValueError(f"the metrics are damaged: they lack the column {column!r}.") from error


@dataclass(frozen=True, slots=True)
class _Column:
    """A field of a row: its column, or the series of its columns; whether a file may lack it; what
    a cell holds, and whether it may be empty or no finite number."""

    name: str
    column: str
    series: Series | None
    optional: bool
    base: type
    empty: bool
    finite: bool

    def among(self, names: Collection[str]) -> dict[str, str]:
        """Which of these columns are its own, with their keys in the series."""
        if self.series is not None:
            start = self.series.column("")
            return {name: name.removeprefix(start) for name in names if name.startswith(start)}
        if self.column in names:
            return {self.column: ""}
        if not self.optional:
            raise ValueError(f"it lacks the column {self.column!r}")
        return {}

    def parse(self, name: str, text: str) -> Any:
        if self.empty and text == "":
            return None
        try:
            value = self.base(text)
        except ValueError:
            raise ValueError(f"its column {name!r} holds {text!r} where a number must be") from None
        if self.finite and isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"its column {name!r} holds {text!r} where a finite number must be")
        return value


@functools.cache
def _columns(kind: type) -> tuple[_Column, ...]:
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for part in dataclasses.fields(kind):
        if not part.metadata.get("column", True):
            continue
        hint = hints[part.name]
        empty = type(None) in get_args(hint)
        if empty:
            hint = next(h for h in get_args(hint) if h is not type(None))
        extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        series = next((extra for extra in extras if isinstance(extra, Series)), None)
        optional = part.default is not dataclasses.MISSING or series is not None
        base, column = float if extras else hint, part.name.rstrip("_")
        empty, finite = empty or series == Series(""), hint is not Undefined
        found.append(_Column(part.name, column, series, optional, base, empty, finite))
    return tuple(found)


def read(path: str | os.PathLike[str], kind: type[R]) -> list[R]:
    """The rows of a CSV file. Raises OSError, and ValueError with the column that is damaged."""
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names, *lines = [*csv.reader(file)] or [[]]
        for line in lines:
            if len(line) != len(names):
                raise ValueError(f"a line has {len(line)} values, not {len(names)}")
        cells = {name: [line[place] for line in lines] for place, name in enumerate(names)}
        rows: list[dict[str, Any]] = [{} for _ in lines]
        columns = _columns(kind)  # type: ignore[arg-type]  # a class is hashable
        # A series without a prefix has the columns that are left.
        for column in sorted(columns, key=lambda column: column.series is not None):
            for name, key in column.among(cells).items():
                for row, text in zip(rows, cells.pop(name), strict=True):
                    value = column.parse(name, text)
                    if column.series is None:
                        row[column.name] = value
                    elif value is not None:
                        row.setdefault(column.name, {})[key] = value
        return [kind(**row) for row in rows]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is damaged: it is no text.") from error
    except ValueError as error:
        raise ValueError(f"{path.name} is damaged: {error}.") from None


def read_evaluation(folder: Path, name: str) -> tuple[list[ClipRow], list[LevelRow]]:
    """The rows of an interpreter's evaluation in a metrics folder; raises as `read` does."""
    clips, levels = (folder / f"{table}-{name}.csv" for table in ("clips", "levels"))
    return read(clips, ClipRow), read(levels, LevelRow)


def flat(row: Any) -> dict[str, Any]:
    """A row's values by column, None for those that it has not."""
    values: dict[str, Any] = {}
    for column in _columns(row.__class__):
        value = getattr(row, column.name)
        if column.series is None:
            values[column.column] = int(value) if isinstance(value, bool) else value
        else:
            values |= {column.series.column(key): number for key, number in value.items()}
    return values


def table(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of one kind by column, without those that no row has."""
    lines = [flat(row) for row in rows]
    names = dict.fromkeys(name for line in lines for name in line)
    there = [name for name in names if any(line.get(name) is not None for line in lines)]
    return [{name: line.get(name) for name in there} for line in lines]


def write(rows: Sequence[Any]) -> str:
    """Rows of one kind as CSV text."""
    return to_csv(table(rows))


def to_csv(lines: Sequence[Mapping[str, Any]]) -> str:
    """A table for the reader as CSV text; the columns are those of all its lines, in order of
    appearance."""
    names = list(dict.fromkeys(key for line in lines for key in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in line.items()})
    return text.getvalue()


def read_table(path: str | os.PathLike[str], texts: Collection[str]) -> list[dict[str, Any]]:
    """A CSV file's lines by column: the columns `texts` as they are written, for "00_000066" is a
    name and so is the class "1"; elsewhere numbers as numbers, and "" where there is none."""

    def value(name: str, text: str) -> Any:
        return text if name in texts or not text else float(text)

    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        return [{k: value(k, v) for k, v in line.items()} for line in csv.DictReader(file)]
