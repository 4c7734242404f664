"""Fidelity where f decides for one class a clip: its place in the interpreter's order."""

import numpy as np

from l2i_core.measure import tables
from l2i_core.measure.metrics.registry import fidelities_of
from l2i_core.measure.records import ClipRow
from l2i_core.measure.tables import ERROR, TOPS
from l2i_core.report import paper
from l2i_core.task import ONE_CLASS
from l2i_core.words import counted
from pages.fidelity.account import Account, Chart, Line, Paper, matrix, occurring, share
from pages.shell import results
from pages.shell.results import Results
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name

MEASURES = {m.symbol: m.name for m in fidelities_of(ONE_CLASS)}


def account(view: View, found: Results) -> Account:
    """Top-1, 3 and 5 fidelity."""
    labels, n = view.engine.classes, len(found.clips)
    places, counts = tables.ranks(found.clips, labels), tables.confusion(found.clips, labels)
    by_class = tables.fidelity_by_class(found.clips, labels)
    named, counts, by_class = occurring(labels, counts, by_class)
    return Account(
        finding=_finding(view.engine.explainer.title, found, places),
        terms=(),
        measures=MEASURES,
        chance=dict.fromkeys(MEASURES) | {f"top-{k}": min(k / len(labels), 1.0) for k in TOPS},
        paper=Paper(
            "ESC-50",
            "Table 1",
            paper.FIDELITY,
            f"50 classes, f from AudioSet weights (accuracy {100 * paper.ACCURACY:.1f}\u202f%), 44.1 kHz, "
            f"fidelity as mean of five folds. Here: {len(labels)} classes; fewer are easier, see "
            "guessing. Logits depend on how f was trained.",
        ),
        charts=lambda wanted: [
            *_agreement([row for row in by_class if row["class"] in wanted], n),
            matrix(counts, named, n, view.engine.task, wanted),
        ],
        counts=counts,
        labels=named,
        classes=by_class,
        legend=(
            f"Fidelity and {ERROR} (median): of the clips that f gives to a class; f's accuracy: of "
            "those labelled with it."
        ),
        clips=_clips(found, places),
    )


def _agreement(by_class: results.Table, n: int) -> list[Chart]:
    """A bar of clips per class that f names, where it is followed least first: interpreter's first,
    among its 3, among its 5, not; nothing where f names none of the classes."""
    every, colours = [row for row in by_class if row["n by f"]], pictures.palette()
    if not every:
        return []
    every.sort(key=lambda row: (row["top-1"], -row["n by f"]))
    rows = plots.most(every, lambda row: row["n by f"])
    names = [class_name(row["class"]) for row in rows]
    shares = np.array([[0, *(row[f"top-{k}"] for k in TOPS), 1] for row in rows])
    steps = np.diff(shares * [[row["n by f"]] for row in rows]).round().astype(int).T
    looks = (
        ("its first choice", colours.accent),
        (f"among its first {TOPS[1]}", plots.faded(colours.accent, 0.5)),
        (f"among its first {TOPS[2]}", plots.faded(colours.accent, 0.22)),
        ("further down", colours.warning),
    )
    figure = plots.figure_of(
        colours,
        110 + 36 * len(rows),
        {"title": "clips that f gives to the class", "nticks": 6, "showgrid": True},
        plots.NAMES,
        barmode="stack",
        bargap=0.45,
        showlegend=True,
        margin={"t": 30, "b": 48},
    )
    for counts, (name, colour) in zip(steps.tolist(), looks, strict=True):
        hover = f"%{{y}}: %{{x}} clips, {name}<extra></extra>"
        plots.add_bars(figure, names, counts, colour, name=name, text=None, hovertemplate=hover)
    whole = sum(row["top-1"] == 1 for row in every)
    told = (
        f"The interpreter's first choice is f's on every clip in {whole} of {len(every)} classes "
        f"(n = {n} clips)"
    )
    return [(told, plots.both_ends(figure, len(rows)))]


def _finding(name: str, found: Results, places: np.ndarray) -> tuple[str, str]:
    n, (first, third, fifth) = len(places), (int((places <= k).sum()) for k in TOPS)
    wrong = np.array([r.predicted != r.label for r in found.clips])
    right = n - int(wrong.sum())
    text = f"f itself is right on {right} of {n} clips ({share(right, n)})"
    if wrong.any():
        same = int((places[wrong] == 1).sum())
        text += (
            f"; of its {counted(n - right, 'mistake')} the interpreter names {same}, as it should"
        )
    return (
        f"{name} names f's class first on {first} of {n} clips ({share(first, n)}), among its "
        f"first 3 on {third}, its first 5 on {fifth}."
    ), f"{text}."


def _clips(found: Results, places: np.ndarray) -> list[Line]:
    def line(row: ClipRow, place: int) -> Line:
        said, theirs = class_name(row.predicted), class_name(row.interpreter_predicted)
        return Line(
            row.clip,
            row.predicted,
            place == 1,
            f"both “{said}”" if place == 1 else f"f “{said}”, interpreter “{theirs}”",
            {
                "clip": row.clip,
                "f says": said,
                "probability": row.probability,
                "interpreter's first": theirs,
                "rank of f's class": place,
                "labelled": class_name(row.label),
            },
            {
                "label": row.label,
                "probability": row.probability,
                "interpreter_predicted": row.interpreter_predicted,
                "rank of f's class": place,
                "reconstruction_error": row.reconstruction_error,
            },
            [(row.predicted, row.interpreter_predicted)],
        )

    rows = zip(found.clips, places.tolist(), strict=True)
    worst = sorted(rows, key=lambda pair: (-pair[1], -(pair[0].probability or 0.0)))
    return [line(row, place) for row, place in worst]
