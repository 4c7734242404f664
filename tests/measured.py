"""A bundle with hand-written metrics, for the pages that read them."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from l2i_core.data import synth
from l2i_core.measure.evaluation import Evaluation, write_evaluation
from l2i_core.measure.records import ClipRow, LevelRow
from l2i_core.measure.summary import summarise
from l2i_core.task import SEVERAL_CLASSES

CLASSES = synth.LABELS
THRESHOLDS = (0.1, 0.3, 0.4)
DRAWN = (0.1, 0.3)  # where the Randoms are
ABOUT = {"data": "esc10", "test_folds": [1], "random_draws": 5, "mask_domain": "linear", "seed": 0}


def evaluation(name: str, factor: float = 1.0) -> Evaluation:
    """Twelve clips: dog-0 … rain-5. FF is factor · (1 + index) / 5 · (1 − τ), energy-matched
    Random 0.4 of it, f(x)_c − f(silence)_c 2.5; "rain-5" is called a dog, and the interpreter says
    rooster there, with f's class its second."""
    clips: list[ClipRow] = []
    levels: list[LevelRow] = []
    for index, label in enumerate(("dog",) * 6 + ("rain",) * 6):
        clip = f"{label}-{index % 6}"
        said = "dog" if clip == "rain-5" else label
        theirs = "rooster" if clip == "rain-5" else label
        clips.append(
            ClipRow(
                clip=clip,
                label=label,
                fold=1,
                predicted=said,
                interpreter_predicted=theirs,
                probability=0.9,
                span=2.5,
                norm=1.0,
                reconstruction_error=0.4,
                logits={c: float(c == said) for c in CLASSES},
                interpreter_logits={c: 2.0 * (c == theirs) + (c == said) for c in CLASSES},
            )
        )
        for threshold in THRESHOLDS:
            ff = factor * (1 + index) / 5 * (1 - threshold)
            levels.append(_level(clip, threshold, ff))
    return Evaluation(name, tuple(clips), tuple(levels), summarise(clips, levels, CLASSES))


# clip: labels, f's classes, the interpreter's; the first named is the most probable.
SCENES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "both": ("dog+rain", ("dog", "rain"), ("rain", "dog")),
    "more": ("dog", ("dog",), ("dog", "rain")),
    "alarm": ("rain", ("rain", "dog"), ("rain",)),
    "missed": ("dog+rain", ("rain",), ("rain", "dog")),
    "nothing": ("(none)", (), ()),
    "deaf": ("rooster", (), ()),
}


def scenes(name: str, components: int = 12) -> Evaluation:
    """A multi-label model's six clips, `SCENES`, with six pairs of clip and class. FF of the i-th is
    0.1 · (1 + i) · (1 − τ) in probability, energy-matched Random 0.4 of it, the span 0.5."""
    clips: list[ClipRow] = []
    levels: list[LevelRow] = []
    for index, (clip, (label, ours, theirs)) in enumerate(SCENES.items()):
        logits = {c: 3.0 - ours.index(c) if c in ours else -1.0 - 0.1 * index for c in CLASSES}
        others = {c: 2.0 - theirs.index(c) if c in theirs else -2.0 for c in CLASSES}
        clips.append(
            ClipRow(
                clip=clip,
                label=label,
                fold=3,
                predicted=max(CLASSES, key=logits.__getitem__),
                interpreter_predicted=max(CLASSES, key=others.__getitem__),
                probability=0.9,
                span=0.5,
                norm=1.0,
                reconstruction_error=0.4,
                logits=logits,
                interpreter_logits=others,
                pooled={str(k): float((k + index) % 4) for k in range(components)},
            )
        )
        for label in ours:
            pair = len(levels) // len(THRESHOLDS)
            for threshold in THRESHOLDS:
                ff = 0.1 * (1 + pair) * (1 - threshold)
                own = {"class_": label, "probability": 0.9, "span": 0.5}
                levels.append(replace(_level(clip, threshold, ff), **own))
    summary = summarise(clips, levels, CLASSES, SEVERAL_CLASSES)
    return Evaluation(name, tuple(clips), tuple(levels), summary)


def _level(clip: str, threshold: float, ff: float) -> LevelRow:
    """Four components; both Randoms where they are drawn."""
    row = LevelRow(
        clip=clip,
        threshold=threshold,
        components=4,
        faithfulness=ff,
        probability_interpretation=0.8,
        same_class=1,
        energy_kept=0.2,
        log_energy_removed=0.3,
    )
    if threshold not in DRAWN:
        return row
    return replace(
        row,
        random=0.0,
        random_log_energy=0.1,
        random_energy=0.4 * ff,
        random_energy_log_energy=0.3,
    )


def _with(made: Evaluation, change: Callable[[int, LevelRow], dict[str, float]]) -> Evaluation:
    """The evaluation with other figures in its levels, by their numbers."""
    rows = enumerate(made.levels)
    return replace(made, levels=tuple(replace(row, **change(i, row)) for i, row in rows))


def worse_than_random(name: str) -> Evaluation:
    """Energy-matched Random costs f more on every clip."""
    return _with(evaluation(name), lambda _, row: {"random_energy": row.faithfulness + 0.1})


def like_random(name: str) -> Evaluation:
    """Energy-matched Random costs f more on every other clip, and as much less on the others."""

    def change(index: int, row: LevelRow) -> dict[str, float]:
        return {"random_energy": row.faithfulness + 0.1 * (-1) ** (index // len(THRESHOLDS))}

    return _with(evaluation(name), change)


def short_of_energy(name: str) -> Evaluation:
    """On the last six clips all other components together hold less log energy than L."""

    def change(index: int, row: LevelRow) -> dict[str, float]:
        if row.threshold not in DRAWN:
            return {}
        return {"random_energy_log_energy": 0.3 if index < 6 * len(THRESHOLDS) else 0.2}

    return _with(evaluation(name), change)


def write_bundles(source: Path, root: Path) -> None:
    """ "measured" (att and, twice as faithful, max), "half" (att alone, short of energy), "odd"
    (att worse than Random, max like it), "broken" (a column of att's levels has another name)."""
    add_metrics(source, root / "measured", [evaluation("att"), evaluation("max", factor=2.0)])
    add_metrics(source, root / "half", [short_of_energy("att")])
    add_metrics(source, root / "odd", [worse_than_random("att"), like_random("max")])
    broken = add_metrics(source, root / "broken", [evaluation("att")])
    levels = broken / "metrics" / "levels-att.csv"
    levels.write_text(levels.read_text().replace("energy_kept", "energy_left"))


def add_metrics(source: Path, folder: Path, evaluations: Sequence[Evaluation]) -> Path:
    """A copy of a bundle in `folder` with metrics; returns its folder."""
    shutil.copytree(source, folder)
    write_evaluation(evaluations, folder / "metrics", ABOUT)
    return folder
