"""A bundle over a labelled data set: per-clip rows and the tables made from them.

Two passes. The first explains every clip at all τ; the second, which needs the average |L| of the
first, measures the Random Baselines. Everything is measured on the bundle as loaded. FLINT and VIBI
have no τ: one pass, and of what can be played a case per clip and class that f decides for.
"""

import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from l2i_core.bundle import Bundle
from l2i_core.data.clips import Clip, load_clip
from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers import flint, vibi
from l2i_core.explainers.conventions import Conventions
from l2i_core.explainers.explained import Analysis
from l2i_core.explainers.flint import Flint
from l2i_core.explainers.vibi import Vibi
from l2i_core.files import write_text
from l2i_core.measure import records
from l2i_core.measure.explained import Explained
from l2i_core.measure.metrics.registry import metrics_of
from l2i_core.measure.random import draw
from l2i_core.measure.records import Case, ClipRow, LevelRow
from l2i_core.measure.summary import answers, figures, summarise
from l2i_core.signal.spectra import AudioConfig
from l2i_core.strict import at_least

Progress = Callable[[int, int], None]
LeftOut = Callable[[Clip, str], None]
Load = Callable[[Clip, AudioConfig], np.ndarray]


@dataclass(frozen=True, slots=True)
class Settings:
    """τ grid, the τ at which Random Baselines are drawn (may be none), draws per clip, seed, mask
    domain, and whose conventions are followed, see `l2i_core.explainers.conventions`."""

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
        at_least(self, 1, "random_draws")
        Conventions.named(self.conventions)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of one interpreter or baseline. clips: a row per clip; levels: a row per clip and τ, of a
    multi-label model per clip, class above 0.5 and τ; cases: of a baseline that can be played."""

    interpreter: str
    clips: tuple[ClipRow, ...]
    levels: tuple[LevelRow, ...]
    summary: dict[str, Any]
    cases: tuple[Case, ...] = ()


def evaluate(
    bundle: Bundle,
    interpreter: str,
    clips: Sequence[Clip],
    settings: Settings | None = None,
    progress: Progress | None = None,
    left_out: LeftOut | None = None,
    load: Load = load_clip,
) -> Evaluation:
    """Explain f's prediction of every clip at every τ. `progress(done, total)` after each clip.
    `interpreter`: one of the bundle's interpreters or baselines.

    Of a multi-label model every class above 0.5 is explained: a clip may have no row in `levels`.

    load: a clip's sound (n,) at the model's rate. Where that is a ValueError, or the clip cannot be
    used, it is one here; with `left_out`, it is told there and the clip left out.
    """
    steps, told = measure(bundle, interpreter, clips, settings, left_out, load), 0
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
    load: Load = load_clip,
) -> Generator[tuple[int, int], None, Evaluation]:
    """`evaluate` in steps of about a second, for callers that show progress and may stop.

    Yields (passes done, passes in all), two passes a clip, one where no Random is drawn; returns
    the evaluation.
    """
    settings = settings or Settings()
    baseline = interpreter in bundle.baselines
    engine = L2I(bundle) if baseline else L2I(bundle, interpreter, settings.conventions)
    drawn = () if baseline else settings.random_thresholds
    for name in settings.without_classes:
        engine.class_index(name)  # refuses an unknown one
    if not clips:
        raise ValueError("there is no clip to evaluate.")
    clip_rows: list[ClipRow] = []
    levels: list[LevelRow] = []
    cases: list[Case] = []
    usable, total = [], (2 if drawn else 1) * len(clips)
    for index, clip in enumerate(clips):
        try:
            analysis = engine.analyse(load(clip, engine.audio), engine.audio.sample_rate)
            targets = [
                c
                for c in engine.decided(analysis.logits)
                if engine.classes[c] not in settings.without_classes
            ]
            if baseline:
                row, played = _baseline_rows(engine, interpreter, clip, analysis, targets)
                cases += played
            else:
                row = _clip_row(engine, clip, analysis)
        except ValueError as error:
            if left_out is None:
                raise
            left_out(clip, str(error))
        else:
            usable.append((index, clip))
            clip_rows.append(row)
            for c in () if baseline else targets:
                levels += _level_rows(engine, row, analysis, c, settings)
        yield index + 1, total
    if not usable:
        raise ValueError(f"none of the {len(clips)} clips can be used.")
    if baseline:
        summary = answers(clip_rows, engine.classes, engine.task) | figures(cases, engine.task)
        return Evaluation(interpreter, tuple(clip_rows), (), summary, tuple(cases))
    if not levels:
        raise ValueError(
            f"f finds no class in any of the {len(clip_rows)} clips, so nothing can be explained."
        )
    counts = {
        threshold: round(np.mean([r.components for r in levels if r.threshold == threshold]))
        for threshold in drawn
    }
    done = total - len(usable)
    for index, clip in usable if counts else []:
        analysis = engine.analyse(load(clip, engine.audio), engine.audio.sample_rate)
        for place, level in enumerate(levels):
            if level.clip == clip.name and level.threshold in counts:
                yield done, total
                count = counts[level.threshold]
                levels[place] = _with_random(engine, analysis, level, count, settings, index)
        done += 1
        yield done, total
    summary = summarise(clip_rows, levels, engine.classes, engine.task)
    return Evaluation(interpreter, tuple(clip_rows), tuple(levels), summary)


def _clip_row(engine: L2I, clip: Clip, analysis: Analysis) -> ClipRow:
    c, x = analysis.predicted, analysis.spectrogram.log_magnitude
    return replace(
        _answers(engine, clip, analysis, analysis.interpreter_logits),
        probability=float(engine.probabilities(analysis.logits)[c]),
        span=engine.span(analysis, c),
        norm=float(x.norm()),
        reconstruction_error=masking.reconstruction_error(
            x, analysis.patterns, analysis.activations
        ),
        pooled={str(k): value for k, value in enumerate(analysis.pooled.tolist())},
    )


def _answers(engine: L2I, clip: Clip, analysis: Analysis, theirs: Tensor | None) -> ClipRow:
    """f's logits (C,) on a clip and those of what explains it (C,), None where it has none."""
    given = [] if theirs is None else theirs.tolist()
    return ClipRow(
        clip=clip.name,
        label=clip.written,
        fold=clip.fold,
        predicted=engine.classes[analysis.predicted],
        interpreter_predicted="" if theirs is None else engine.classes[int(theirs.argmax())],
        logits=dict(zip(engine.classes, analysis.logits.tolist(), strict=True)),
        interpreter_logits=dict(zip(engine.classes if given else [], given, strict=True)),
    )


def _baseline_rows(
    engine: L2I, name: str, clip: Clip, analysis: Analysis, targets: Sequence[int]
) -> tuple[ClipRow, list[Case]]:
    model = engine.bundle.baselines[name]
    if isinstance(model, Flint):  # its attributes cannot be played
        logits = flint.explain(model, engine.hearing, analysis, analysis.predicted).logits
        return _answers(engine, clip, analysis, logits), []
    assert isinstance(model, Vibi)
    kept = vibi.explain(model, engine.hearing, analysis)
    before, after = map(engine.probabilities, (analysis.logits, kept.logits_interpretation))
    cases = [
        Case(
            clip=clip.name,
            class_=engine.classes[c],
            probability=float(before[c]),
            probability_interpretation=float(after[c]),
            same_class=int(c in engine.decided(kept.logits_interpretation)),
            faithfulness=float(engine.drop(analysis, kept.logits_without[None], c)[0]),
            span=engine.span(analysis, c),
            energy_kept=kept.energy_kept,
        )
        for c in targets
    ]
    return _answers(engine, clip, analysis, kept.logits), cases


def _level_rows(
    engine: L2I, clip: ClipRow, analysis: Analysis, target: int, settings: Settings
) -> list[LevelRow]:
    sweep = engine.sweep(analysis, target, settings.thresholds, settings.mask_domain)
    probabilities = engine.probabilities(sweep.logits_interpretation)[:, target].tolist()
    own: dict[str, Any] = {}
    if engine.task.multi_label:
        own = {
            "class_": engine.classes[target],
            "probability": float(engine.probabilities(analysis.logits)[target]),
            "span": engine.span(analysis, target),
        }
    rows = [
        LevelRow(
            clip=clip.clip,
            **own,
            threshold=threshold,
            components=int(sweep.counts[i]),
            faithfulness=float(sweep.faithfulness[i]),
            probability_interpretation=probabilities[i],
            same_class=int(target in engine.decided(sweep.logits_interpretation[i])),
            energy_kept=float(sweep.energy_kept[i]),
            log_energy_removed=float(sweep.log_energy_removed[i]),
        )
        for i, threshold in enumerate(settings.thresholds)
    ]
    asking = [m for m in metrics_of(engine.task) if m.needs == "clip"]
    if not asking:
        return rows
    measured = []
    for row, case in zip(rows, records.cases_of([clip], rows), strict=True):
        made = engine.interpret(analysis, target, row.threshold, settings.mask_domain)
        explained = Explained(engine, analysis, made)
        values = {m.name: m.of(replace(case, explained=explained)) for m in asking}
        known = {name: value for name, value in values.items() if value is not None}
        measured.append(replace(row, measured=known))
    return measured


def _with_random(
    engine: L2I, analysis: Analysis, row: LevelRow, count: int, settings: Settings, index: int
) -> LevelRow:
    c = analysis.predicted if row.class_ is None else engine.classes.index(row.class_)
    seed = [settings.seed, index, round(row.threshold * 100)]
    generator = np.random.default_rng(seed if row.class_ is None else [*seed, c])
    selected = masking.select(engine.relevance(analysis, c, measured=True), row.threshold)
    counted, matched = draw(
        engine,
        analysis,
        c,
        masking.gains_of(selected, len(analysis.activations)),
        draws=settings.random_draws,
        generator=generator,
        mask_domain=settings.mask_domain,
        count=count,
    )
    return replace(
        row,
        random=counted.median,
        random_log_energy=counted.log_energy_removed,
        random_energy=matched.median,
        random_energy_log_energy=matched.log_energy_removed,
    )


def write_evaluation(
    evaluations: Iterable[Evaluation],
    folder: Path,
    about: Mapping[str, Any],
    name: str = "summary.json",
    encoding: str = "utf-8",
) -> None:
    """metrics/summary.json (baselines.json) and, per system, clips-NAME.csv and, where there are
    any, levels-NAME.csv or cases-NAME.csv; atomic.

    `about` (data set, folds, seed, …) is recorded in every system's block; encoding: of the tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summary = {}
    for made in evaluations:
        summary[made.interpreter] = {**made.summary, "about": dict(about)}
        tables = {"clips": made.clips, "levels": made.levels, "cases": made.cases}
        for table, rows in tables.items():
            if rows:
                write_text(
                    folder / f"{table}-{made.interpreter}.csv", records.write(rows), encoding
                )
    write_text(folder / name, json.dumps(summary, indent=1) + "\n")
