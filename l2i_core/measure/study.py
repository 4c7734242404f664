"""A study measures interpreters in steps: a plan of steps, each step's rows, figures of all rows.

A step's rows depend on the model's weights, the test set, the settings and the step alone, so that
a run of fewer steps is the beginning of a longer one. They are kept as soon as they are there: a
killed run goes on with the next step, and other weights or settings begin anew.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from tqdm import tqdm

from l2i_core.bundle import Bundle
from l2i_core.classifiers.protocol import files_of
from l2i_core.data.clips import Clip
from l2i_core.dictionary import choice, names
from l2i_core.engine import L2I
from l2i_core.files import write_text
from l2i_core.measure.records import read_table

Row = dict[str, Any]
Step = tuple[Any, ...]
S = TypeVar("S")

log = logging.getLogger("l2i")
# What a digest goes by. Not all fields of today: one more would make every digest that is recorded
# with figures another model's.
_AUDIO = ("sample_rate", "n_fft", "win_length", "hop_length", "n_mels", "f_min", "f_max", "top_db")
_INTERPRETER = ("pooling", "channels", "title", "description")


@dataclass(frozen=True, slots=True)
class Study(Generic[S]):
    """plan: the steps, in order; measure: one step's rows, a single one with `error` where it
    cannot be done; summarise: the figures of all rows, ValueError where none was measured.

    settings: the names of those it goes by; sizes: those of them that say how many steps there
    are, not what is in one. published: the rows by step that the figures on disk hold of these
    weights (a digest as `weights_of` gives it), for a study whose files record them.
    """

    name: str
    unit: str
    plan: Callable[[Sequence[Clip], S], list[Step]]
    measure: Callable[[L2I, Sequence[Clip], Step, S], list[Row]]
    summarise: Callable[[Sequence[Row]], dict[str, Any]]
    settings: tuple[str, ...]
    sizes: tuple[str, ...] = ()
    published: Callable[[L2I, Sequence[Clip], S, str], Mapping[Step, list[Row]]] | None = None

    def about(self, settings: S) -> dict[str, Any]:
        """The settings by name."""
        return {name: getattr(settings, name) for name in self.settings}


def of_clips(
    name: str,
    rows_of: Callable[[L2I, Clip, int, S], list[Row]],
    summarise: Callable[[Sequence[Row]], dict[str, Any]],
    settings: tuple[str, ...],
    texts: Collection[str],
    told: tuple[str, ...],
) -> Study[S]:
    """A study with a step for every clip of the test set, its number, and rows in metrics/NAME.csv.

    rows_of(engine, clip, number, settings): a clip's rows, ValueError for one that has none; they
    begin with interpreter, clip and the settings `told`. texts: their columns that are names.
    """

    def about(engine: L2I, chosen: S) -> Row:
        return {name: getattr(chosen, name) for name in told} | {"interpreter": system_of(engine)}

    def measure(engine: L2I, clips: Sequence[Clip], step: Step, chosen: S) -> list[Row]:
        (number,) = step
        clip = clips[number]
        same = {"interpreter": "", "clip": clip.name} | about(engine, chosen)
        try:
            return [same | row for row in rows_of(engine, clip, number, chosen)]
        except ValueError as error:
            return [same | {"error": f"{clip.name}: {error}"}]

    def published(
        engine: L2I, clips: Sequence[Clip], chosen: S, weights: str
    ) -> Mapping[Step, list[Row]]:
        same = about(engine, chosen) | {"weights": weights}
        return by_step(clips, rows_on_disk(engine.bundle, f"{name}.csv", texts, **same))

    return Study(
        name,
        "clip",
        lambda clips, _: [(number,) for number in range(len(clips))],
        measure,
        summarise,
        settings,
        published=published,
    )


class Kept:
    """What a run has made so far, by step, in a file that only runs of the same key believe."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        found = json.loads(path.read_text()) if path.is_file() else {}
        self.steps: dict[str, Any] = found.get("steps", {}) if found.get("key") == key else {}

    def get(self, step: Step, make: Callable[[], Any]) -> Any:
        """What a step made; made now, and kept, where it is not there. A row with `error` is not
        kept: the next run tries again."""
        name = json.dumps(step)
        if name not in self.steps:
            made = make()
            if isinstance(made, list) and made and "error" in made[0]:
                log.warning("left out: %s", made[0]["error"])
                return made
            self.steps[name] = made
            write_text(self.path, json.dumps({"key": self.key, "steps": self.steps}))
        return self.steps[name]


def run(
    study: Study[S],
    engines: Sequence[L2I],
    clips: Sequence[Clip],
    plan: Sequence[Step],
    settings: S,
) -> Iterator[tuple[str, list[Row]]]:
    """The rows of these interpreters of a bundle on disk, each with its name as soon as its plan is
    done: those that are there of the same weights, and what is missing."""
    going_by = [getattr(settings, name) for name in study.settings if name not in study.sizes]
    sounds = [[clip.name, clip.written] for clip in clips]
    for engine in engines:
        bundle, name = engine.bundle, system_of(engine)
        path = on_disk(bundle) / "checkpoints" / f"{study.name}-{name}.json"
        key = fingerprint(bundle, engine.interpreter_name, [sounds, going_by])
        kept = Kept(path, key)
        if study.published is not None:
            weights = weights_of(bundle, engine.interpreter_name)
            found = study.published(engine, clips, settings, weights)
            kept.steps = {json.dumps(step): rows for step, rows in found.items()} | kept.steps
        rows: list[Row] = []
        for step in tqdm(plan, desc=f"{study.name}, {name}", unit=study.unit):
            rows += kept.get(step, partial(study.measure, engine, clips, step, settings))
        yield name, rows
        if study.published is not None:  # what was published serves from now on
            path.unlink(missing_ok=True)


def publish(bundle: Bundle, study: str, interpreter: str, block: Mapping[str, Any]) -> None:
    """Put an explainer's figures into metrics/STUDY.json, beside those that are there."""
    blocks = {**figures_on_disk(bundle, study), interpreter: block}
    path = on_disk(bundle) / "metrics" / f"{study}.json"
    write_text(path, json.dumps(blocks, indent=1) + "\n")


def figures_on_disk(bundle: Bundle, study: str) -> dict[str, Any]:
    """metrics/STUDY.json of the folder, whichever W the bundle has; {} where there is none."""
    return dataclasses.replace(bundle, chosen_dictionary=choice.BUNDLE).experiment(study) or {}


def rows_on_disk(bundle: Bundle, file: str, texts: Collection[str], **same: Any) -> list[Row]:
    """The rows of a CSV file of the bundle's metrics, see `read_table`, in which these columns hold
    this; none where there is no file."""
    path = on_disk(bundle) / "metrics" / file
    rows = read_table(path, texts) if path.is_file() else []
    return [row for row in rows if same.items() <= row.items()]


def by_step(clips: Sequence[Clip], rows: Iterable[Row]) -> dict[Step, list[Row]]:
    """Rows by the (number,) of their clip, for plans of such steps."""
    numbers = {clip.name: number for number, clip in enumerate(clips)}
    steps: dict[Step, list[Row]] = {}
    for row in rows:
        if row["clip"] in numbers:
            steps.setdefault((numbers[row["clip"]],), []).append(row)
    return steps


def measured(rows: Sequence[Row]) -> list[Row]:
    """The rows of steps that could be measured; ValueError with the first reason for none."""
    good = [row for row in rows if "error" not in row]
    if not good:
        reason = f" ({rows[0]['error'].rstrip('.')})" if rows else ""
        raise ValueError(f"no clip of the test set could be measured{reason}.")
    return good


def on_disk(bundle: Bundle) -> Path:
    """The folder of a bundle that was loaded from one."""
    assert bundle.folder is not None
    return bundle.folder


def fingerprint(bundle: Bundle, name: str, about: Sequence[Any]) -> str:
    """Changes with `about`, and with all of the bundle that an explainer's figures rest on."""
    info = bundle.interpreter_info.get(name)
    if info:
        own: Any = {key: getattr(info, key) for key in _INTERPRETER}
    else:
        w = bundle.chosen_dictionary
        if w not in (choice.BUNDLE, choice.CLIP):
            w = names.fingerprint(bundle.dictionary.patterns)
        own = [name, w, vars(bundle.explainer(name))]
    audio = {key: getattr(bundle.audio, key) for key in _AUDIO}
    built = [audio, list(bundle.classes), own]
    digest = hashlib.sha256(json.dumps([about, built], sort_keys=True).encode())
    parts = (f"{part}.safetensors" for part in ("classifier", "dictionary", f"interpreter-{name}"))
    for path in (*(on_disk(bundle) / part for part in parts), *files_of(bundle.classifier)):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def weights_of(bundle: Bundle, name: str) -> str:
    """A short digest of what an explainer of a bundle on disk is: what was measured of other
    weights has another."""
    return fingerprint(bundle, name, [])[:16]


def system_of(engine: L2I) -> str:
    """What explains, as tables name it: "att", or of another W than the bundle's "search@clip"."""
    w = engine.bundle.chosen_dictionary
    return engine.interpreter_name + ("" if w == choice.BUNDLE else f"@{Path(w).name}")
