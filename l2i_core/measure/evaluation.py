"""A bundle over a labelled data set: per-clip rows and the tables made from them.

Two passes. The first explains every clip at all τ; the second, which needs the average |L| of the
first, measures the Random Baselines. Everything is measured on the bundle as loaded.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit
from torch import Tensor

from l2i_core.bundle import Bundle
from l2i_core.conventions import Conventions
from l2i_core.data.clips import Clip, classes_of, load_clip
from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers.protocol import Analysis
from l2i_core.files import write_text
from l2i_core.measure import metrics
from l2i_core.measure.random import as_much, both_baselines
from l2i_core.signal import audio

Row = dict[str, Any]
# Columns of the CSV files that hold names or digests, be they made of digits.
_TEXTS = {
    *("clip", "label", "class", "predicted", "interpreter_predicted", "target"),
    *("interpreter", "system", "other", "other_class", "weights"),
}
Progress = Callable[[int, int], None]
LeftOut = Callable[[Clip, str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """τ grid, the τ at which Random Baselines are drawn (may be none), draws per clip, seed, mask
    domain, and whose conventions are followed, see `l2i_core.conventions`."""

    thresholds: tuple[float, ...] = masking.THRESHOLDS
    random_thresholds: tuple[float, ...] = (0.9, 0.7, 0.5, 0.3, 0.1)
    random_draws: int = 20
    seed: int = 0
    mask_domain: str = "log"
    conventions: str = "paper"
    without_classes: tuple[str, ...] = ()  # of a multi-label model: not explained, not in FF

    def __post_init__(self) -> None:
        if not set(self.random_thresholds) <= set(self.thresholds):
            raise ValueError("random_thresholds must be among the thresholds of the evaluation.")
        if self.random_draws < 1:
            raise ValueError(f"random_draws must be at least 1, received {self.random_draws}.")
        Conventions.named(self.conventions)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """clips: a row per clip; levels: a row per clip and τ, of a multi-label model per clip, class
    above 0.5 and τ."""

    interpreter: str
    clips: tuple[Row, ...]
    levels: tuple[Row, ...]
    summary: dict[str, Any]


def evaluate(
    bundle: Bundle,
    interpreter: str,
    clips: Sequence[Clip],
    settings: Settings | None = None,
    progress: Progress | None = None,
    left_out: LeftOut | None = None,
    longest: float = audio.MAX_SECONDS,
) -> Evaluation:
    """Explain f's prediction of every clip at every τ. `progress(done, total)` after each clip.

    Of a multi-label model every class above 0.5 is explained: a clip may have no row in `levels`.

    A clip that cannot be used, or lasts more than `longest` seconds, is a ValueError; with
    `left_out`, it is told there and left out.
    """
    steps, told = measure(bundle, interpreter, clips, settings, left_out, longest), 0
    while True:
        try:
            done, total = next(steps)
        except StopIteration as end:
            return end.value
        if progress and done > told:
            progress(done, total)
        told = done


def measure(
    bundle: Bundle,
    interpreter: str,
    clips: Sequence[Clip],
    settings: Settings | None = None,
    left_out: LeftOut | None = None,
    longest: float = audio.MAX_SECONDS,
) -> Generator[tuple[int, int], None, Evaluation]:
    """`evaluate` in steps of about a second, for callers that show progress and may stop.

    Yields (passes done, passes in all), two passes a clip, one where no Random is drawn; returns
    the evaluation.
    """
    settings = settings or Settings()
    passes = 2 if settings.random_thresholds else 1
    engine = L2I(bundle, interpreter, settings.conventions)
    for name in settings.without_classes:
        engine.class_index(name)  # refuses an unknown one
    if not clips:
        raise ValueError("there is no clip to evaluate.")
    clip_rows, level_rows, usable, total = [], [], [], passes * len(clips)
    for index, clip in enumerate(clips):
        try:
            _check_length(clip, longest)
            analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
        except ValueError as error:
            if left_out is None:
                raise
            left_out(clip, str(error))
        else:
            usable.append((index, clip))
            clip_rows.append(_clip_row(engine, clip, analysis))
            for c in explained(engine, analysis, settings.without_classes):
                level_rows.extend(_level_rows(engine, clip, analysis, c, settings))
        yield index + 1, total
    if not usable:
        raise ValueError(f"none of the {len(clips)} clips can be used.")
    if not level_rows:
        raise ValueError(
            f"f finds no class in any of the {len(clip_rows)} clips, so nothing can be explained."
        )
    counts = {
        threshold: round(
            np.mean([r["components"] for r in level_rows if r["threshold"] == threshold])
        )
        for threshold in settings.random_thresholds
    }
    by_clip: dict[str, list[Row]] = {}
    for row in level_rows:
        if row["threshold"] in counts:
            by_clip.setdefault(row["clip"], []).append(row)
    done = total - len(usable)
    for index, clip in usable if counts else []:
        analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
        for row in by_clip.get(clip.name, []):
            yield done, total
            count = counts[row["threshold"]]
            row.update(_random_columns(engine, analysis, row, count, settings, index))
        done += 1
        yield done, total
    summary = summarise(clip_rows, level_rows, engine.classes, bundle.multi_label)
    return Evaluation(interpreter, tuple(clip_rows), tuple(level_rows), summary)


def _check_length(clip: Clip, longest: float) -> None:
    if clip.path is None:
        return
    seconds = audio.header(clip.path).seconds
    if seconds > longest:
        raise ValueError(
            f"{clip.path.name} lasts {seconds:.0f} s; this evaluation takes clips of up to "
            f"{longest:.0f} s. Cut it into shorter ones."
        )


def summarise(
    clips: Sequence[Row],
    levels: Sequence[Row],
    classes: Sequence[str],
    multi_label: bool = False,
) -> dict[str, Any]:
    """The tables of one interpreter from its rows; τ keys are strings ("0.3")."""
    block = answers(clips, classes, multi_label)
    block["reconstruction_error"] = _joint_error(clips)
    tables: dict[str, dict[str, Any]] = {}
    for threshold in sorted({r["threshold"] for r in levels}):
        rows = [r for r in levels if r["threshold"] == threshold]
        for table, value in _level_tables(clips, rows).items():
            tables.setdefault(table, {})[f"{threshold:g}"] = value
    return block | tables


def answers(
    clips: Sequence[Row], classes: Sequence[str], multi_label: bool = False
) -> dict[str, Any]:
    """f's accuracy, the fidelity of what explains it, and n, from rows with `clip_logits`.

    Accuracy is over the clips that have a label, None where none has. Of a multi-label model it is
    None, and `truth` says how well f finds the labels; `fidelity` then also holds how well the
    interpreter's probabilities find f's decisions (`metrics.Detection`, None where f makes none).
    """
    logits = _columns(clips, "logit", classes)
    theirs = _columns(clips, "interpreter_logit", classes)
    known = [i for i, r in enumerate(clips) if r["label"] != ""]
    top = {f"top{k}": metrics.top_k_fidelity(logits, theirs, k) for k in (1, 3, 5)}
    if multi_label:
        held = [classes_of(clips[i]["label"]) for i in known]
        present = np.array([[c in labels for c in classes] for labels in held])
        return {
            "accuracy": None,
            "truth": _detection(logits[known], present),
            "fidelity": _detection(theirs, logits > 0) | top,
            "n": len(clips),
        }
    labels = [classes.index(r["label"]) if r["label"] in classes else -1 for r in clips]
    return {
        "accuracy": (
            metrics.accuracy(logits[known], [labels[i] for i in known]) if known else None
        ),
        "fidelity": top,
        "n": len(clips),
    }


def _detection(logits: np.ndarray, present: np.ndarray) -> dict[str, float | None]:
    """`metrics.detection` by the probabilities σ(logits); None where no class is present."""
    if not present.any():
        return dict.fromkeys(("macro_auprc", "micro_auprc", "max_f1"))
    return asdict(metrics.detection(expit(logits), present))


def gains_and_drops(
    probabilities: Sequence[float], probabilities_interpretation: Sequence[float]
) -> dict[str, float]:
    """AI, AD and AG of x_int over clips (n,), (n,)."""
    p, o = probabilities, probabilities_interpretation
    return {
        "average_increase": metrics.average_increase(p, o),
        "average_drop": metrics.average_drop(p, o),
        "average_gain": metrics.average_gain(p, o),
    }


def _joint_error(clips: Sequence[Row]) -> float:
    """‖X − W H‖ / ‖X‖ over all clips taken together."""
    norms = np.array([r["norm"] for r in clips])
    errors = np.array([r["reconstruction_error"] for r in clips]) * norms
    return float(np.sqrt(np.sum(errors**2) / max(float(np.sum(norms**2)), 1e-12)))


def _level_tables(clips: Sequence[Row], rows: Sequence[Row]) -> dict[str, Any]:
    # A row of a multi-label model is about one class of a clip and has these itself.
    by_clip = {r["clip"]: r for r in clips}
    about = [r if "span" in r else by_clip[r["clip"]] for r in rows]
    drops = [r["faithfulness"] for r in rows]
    spans = [r["span"] for r in about]
    relative = metrics.relative_faithfulness(drops, spans)
    p = [r["probability"] for r in about]
    o = [r["probability_interpretation"] for r in rows]
    tables: dict[str, Any] = {
        "faithfulness": metrics.faithfulness(drops, [r["components"] for r in rows]).to_dict(),
        "relative_faithfulness": quartiles(relative),
        "fid_in": float(np.mean([r["same_class"] for r in rows])),
        **gains_and_drops(p, o),
        "energy_kept": float(np.mean([r["energy_kept"] for r in rows])),
        "log_energy_removed": float(np.mean([r["log_energy_removed"] for r in rows])),
    }
    for kind in ("random", "random_energy"):
        if rows[0].get(kind) in (None, ""):
            continue
        values = [r[kind] for r in rows]
        shares = quartiles(metrics.relative_faithfulness(values, spans))
        tables[kind] = {
            **quartiles(values),
            **{f"relative_{name}": value for name, value in shares.items()},
            "log_energy_removed": float(np.mean([r[f"{kind}_log_energy"] for r in rows])),
            "test": _against(rows, kind),
        }
    return tables


def _against(rows: Sequence[Row], kind: str) -> dict[str, Any] | None:
    """The paired test of FF against a Random; None where no clip can be tested.

    At equal energy only clips count in which Random could remove as much as L does: elsewhere FF
    above it shows nothing.
    """
    tested = [
        (r["faithfulness"], r[kind])
        for r in rows
        if kind == "random" or as_much(r[f"{kind}_log_energy"], r["log_energy_removed"])
    ]
    if not tested:
        return None
    ours, theirs = zip(*tested, strict=True)
    return asdict(metrics.paired_test(ours, theirs, metrics.drop_resolution("class" in rows[0])))


def _clip_row(engine: L2I, clip: Clip, analysis: Analysis) -> Row:
    c, x = analysis.predicted, analysis.spectrogram.log_magnitude
    row: Row = {
        "clip": clip.name,
        "label": clip.written,
        "fold": clip.fold,
        "probability": float(engine.probabilities(analysis.logits)[c]),
        "span": engine.span(analysis, c),
        "norm": float(x.norm()),
        "reconstruction_error": masking.reconstruction_error(
            x, engine.dictionary.patterns, analysis.activations
        ),
    }
    row |= clip_logits(engine, analysis.logits, analysis.interpreter_logits)
    for k, value in enumerate(analysis.pooled.tolist()):
        row[f"z:{k}"] = value
    return row


def clip_logits(engine: L2I, logits: Tensor, theirs: Tensor | None) -> Row:
    """The columns that hold f's logits (C,) and those of what explains it (C,)."""
    row: Row = {"predicted": engine.classes[int(logits.argmax())]}
    row["interpreter_predicted"] = "" if theirs is None else engine.classes[int(theirs.argmax())]
    for name, value in zip(engine.classes, logits.tolist(), strict=True):
        row[f"logit:{name}"] = value
    given = [] if theirs is None else theirs.tolist()
    for name, value in zip(engine.classes if given else [], given, strict=True):
        row[f"interpreter_logit:{name}"] = value
    return row


def explained(engine: L2I, analysis: Analysis, without_classes: Sequence[str] = ()) -> list[int]:
    """The classes of a clip that an evaluation explains: those f decides for, but for some."""
    decided = engine.decided(analysis.logits)
    return [c for c in decided if engine.classes[c] not in without_classes]


def _level_rows(
    engine: L2I, clip: Clip, analysis: Analysis, target: int, settings: Settings
) -> list[Row]:
    sweep = engine.sweep(analysis, target, settings.thresholds, settings.mask_domain)
    c = sweep.target_index
    probabilities = engine.probabilities(sweep.logits_interpretation)[:, c].tolist()
    own: Row = {}
    if engine.bundle.multi_label:
        own = {
            "class": engine.classes[c],
            "probability": float(engine.probabilities(analysis.logits)[c]),
            "span": engine.span(analysis, c),
        }
    return [
        {
            "clip": clip.name,
            **own,
            "threshold": threshold,
            "components": int(sweep.counts[i]),
            "faithfulness": float(sweep.faithfulness[i]),
            "probability_interpretation": probabilities[i],
            "same_class": int(c in engine.decided(sweep.logits_interpretation[i])),
            "energy_kept": float(sweep.energy_kept[i]),
            "log_energy_removed": float(sweep.log_energy_removed[i]),
        }
        for i, threshold in enumerate(settings.thresholds)
    ]


def _random_columns(
    engine: L2I, analysis: Analysis, row: Row, count: int, settings: Settings, index: int
) -> Row:
    c = engine.classes.index(row["class"]) if "class" in row else analysis.predicted
    threshold = row["threshold"]
    seed = [settings.seed, index, round(threshold * 100)]
    generator = np.random.default_rng([*seed, c] if "class" in row else seed)
    selected = masking.select(engine.relevance(analysis, c, measured=True), threshold)
    counted, matched = both_baselines(
        engine,
        analysis,
        c,
        masking.gains_of(selected, engine.dictionary.n_components),
        count,
        settings.random_draws,
        generator,
        settings.mask_domain,
    )
    return {
        "random": counted.median,
        "random_log_energy": counted.log_energy_removed,
        "random_energy": matched.median,
        "random_energy_log_energy": matched.log_energy_removed,
    }


def write_evaluation(
    evaluations: Iterable[Evaluation], folder: Path, about: Mapping[str, Any]
) -> None:
    """metrics/summary.json and, per interpreter, clips-NAME.csv and levels-NAME.csv; atomic.

    `about` (data set, folds, seed, …) is recorded in every interpreter's block.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summary = {}
    for evaluation in evaluations:
        name = evaluation.interpreter
        summary[name] = {**evaluation.summary, "about": dict(about)}
        write_text(folder / f"clips-{name}.csv", to_csv(evaluation.clips))
        write_text(folder / f"levels-{name}.csv", to_csv(evaluation.levels))
    write_text(folder / "summary.json", json.dumps(summary, indent=1) + "\n")


def refresh_summary(
    folder: Path, classes: Sequence[str], multi_label: bool = False
) -> dict[str, Any]:
    """Make metrics/summary.json again from the rows beside it, without asking any model.

    Blocks without rows of both kinds stay as they are. The CSV files hold six digits, so figures
    agree with those of `write_evaluation` to about 1e-5. ValueError for an absent or damaged file.
    """
    path = folder / "summary.json"
    if not path.is_file():
        raise ValueError(f"there is no {path}; run pipelines.evaluate first.")
    summary: dict[str, Any] = json.loads(path.read_text())
    for name, block in summary.items():
        clips, levels = (folder / f"{table}-{name}.csv" for table in ("clips", "levels"))
        if not (clips.is_file() and levels.is_file()):
            continue
        try:
            made = summarise(read_rows(clips), read_rows(levels), classes, multi_label)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{clips.name} or {levels.name} is damaged: {error}.") from error
        summary[name] = {**made, "about": block.get("about", {})}
    write_text(path, json.dumps(summary, indent=1) + "\n")
    return summary


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """Rows of one of the CSV files, numbers as numbers, absent values as ""; names of clips and
    classes stay text, for "00_000066" is a name and so is the class "1"."""
    with Path(path).open(newline="") as file:
        rows = csv.DictReader(file)
        return [{k: v if k in _TEXTS else _number(v) for k, v in r.items()} for r in rows]


def to_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV text; the columns are those of all rows, in order of appearance."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()


def _columns(rows: Sequence[Row], prefix: str, classes: Sequence[str]) -> np.ndarray:
    return np.array([[float(r[f"{prefix}:{name}"]) for name in classes] for r in rows])


def quartiles(values: Sequence[float] | np.ndarray) -> dict[str, float | None]:
    """Over the values that are numbers; None, which JSON can hold, where there is none."""
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[~np.isnan(numbers)]
    if numbers.size == 0:
        return {"median": None, "q25": None, "q75": None}
    q25, median, q75 = np.quantile(numbers, (0.25, 0.5, 0.75))
    return {"median": float(median), "q25": float(q25), "q75": float(q75)}


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
