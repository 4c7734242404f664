"""Fidelity where f may decide for several classes a clip: there is no one class to be right about,
so AUPRC and F1 stand for the share of right clips."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from l2i_core.measure import tables
from l2i_core.measure.metrics.registry import fidelities_of
from l2i_core.report import paper
from l2i_core.task import SEVERAL_CLASSES
from l2i_core.words import joined
from pages.fidelity.account import Account, Chart, Line, Paper, matrix, occurring, share
from pages.shell import decisions, results
from pages.shell.results import Results
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.words import class_name, number

MEASURES = {m.symbol: m.name for m in fidelities_of(SEVERAL_CLASSES)}


def account(view: View, found: Results) -> Account:
    """AUPRC and F1 of the interpreter's finding f's decisions."""
    labels, n = view.engine.classes, len(found.clips)
    by_class = tables.detection_by_class(found.clips, labels)
    counts, clips = tables.co_occurrence(found.clips, labels), _clips(found)
    named, counts, by_class = occurring(labels, counts, by_class)
    guess = tables.guessing(found.clips, labels)
    return Account(
        finding=_finding(view, found, by_class, clips),
        terms=("AUPRC", "Macro, micro", "Max-F1"),
        measures=MEASURES,
        chance={title: getattr(guess, key, None) for title, key in MEASURES.items()},
        paper=Paper(
            "SONYC-UST",
            "Table 3",
            paper.DETECTION,
            "New York's streets, eight classes, one left out of macro-AUPRC. Its FF in probability "
            f"is a figure without numbers (Fig. 2, τ = {paper.CLASSWISE_TAU:g}): see Faithfulness. "
            "Guessing: one probability for everything.",
        ),
        charts=lambda wanted: [
            *_auprc([row for row in by_class if row["class"] in wanted], n),
            matrix(counts, named, n, view.engine.task, wanted),
        ],
        counts=counts,
        labels=named,
        classes=by_class,
        legend=(
            "Off the diagonal two classes share a clip, which is no mistake: “only …” count those. "
            "AUPRC: against f's decisions; f's AUPRC, misses and false alarms: against the labels."
        ),
        clips=clips,
    )


def _auprc(by_class: results.Table, n: int) -> list[Chart]:
    """Two bars per class: f against the labels, the interpreter against f, whose mean is dotted.
    Nothing where f hears nothing."""
    keys = ("f's AUPRC", "AUPRC")
    known = [row for row in by_class if any(row[key] is not None for key in keys)]
    shown = plots.most(known, lambda row: row["n by f"] + row["n labelled"])
    if not any(row["n by f"] for row in shown):
        return []
    names = [class_name(row["class"]) for row in shown]
    truth, ours = np.array([[row[key] for key in keys] for row in shown], dtype=float).T
    every = np.array([row[keys[1]] for row in known], dtype=float)
    both = {
        "f finds the labels": truth.tolist(),
        "the interpreter finds what f hears": ours.tolist(),
    }
    worst, macro = int(np.nanargmin(every)), float(np.nanmean(every))
    named = class_name(known[worst]["class"])
    drawn = plots.grouped_bars(names, both, "AUPRC", pictures.palette(), 1.0, macro)
    told = (
        f"The interpreter finds “{named}” worst, with an AUPRC of {number(every[worst])} "
        f"(dotted: the mean, {macro:.3f}; n = {n} clips)"
    )
    return [(told, plots.both_ends(drawn, len(names)))]


def _finding(
    view: View, found: Results, by_class: results.Table, clips: Sequence[Line]
) -> list[str]:
    name, n = view.engine.explainer.title, len(clips)
    block, truth = (found.summary.get(key, {}) for key in ("fidelity", "truth"))
    if block.get("macro_auprc") is None:
        told = [f"f hears none of its classes in these {n} clips."]
    else:
        columns = ("n by f", "both hear", "only the interpreter")
        heard, both, more = (sum(row[column] for row in by_class) for column in columns)
        same = sum(line.alike for line in clips)
        told = [
            f"{name} finds what f hears with {_three(block)}; 1 would be f itself.",
            f"At {decisions.LIMIT:g} for both, it hears {both} of the {heard} pairs of clip and class "
            f"that f hears, and {more} more. On {same} of {n} clips both hear the same "
            f"({share(same, n)}).",
        ]
    if truth.get("macro_auprc") is not None:
        told.append(
            f"f itself finds the labels with {_three(truth)}. The paper's f: macro-AUPRC "
            f"{paper.F_MACRO_AUPRC:.3f}, on SONYC-UST."
        )
    return told


def _three(block: dict[str, Any]) -> str:
    return joined([f"{name} {block[key]:.3f}" for name, key in MEASURES.items() if key in block])


def _clips(found: Results) -> list[Line]:
    """The clip with most classes that only one of the two hears first; to be explained in Listen:
    the first class that only f hears."""
    apart: list[tuple[int, Line]] = []
    for clip in found.clips:
        ours, theirs = tables.heard(clip.logits), tables.heard(clip.interpreter_logits)
        sides = {
            "only f": [c for c in ours if c not in theirs],
            "only the interpreter": [c for c in theirs if c not in ours],
        }
        differing = [c for side in sides.values() for c in side]
        told = ", ".join(f"{side} {_names(held)}" for side, held in sides.items() if held)
        cells = {name: _names(held) for name, held in {"f hears": ours, **sides}.items()}
        columns = {"f hears": ours, "the interpreter hears": theirs, **sides}
        line = Line(
            clip.clip,
            (*differing, clip.predicted)[0],
            not differing,
            told or f"both {_names(ours)}",
            {"clip": clip.clip, **cells, "labelled": results.labelled(clip.label)},
            {
                "label": clip.label,
                **{name: "+".join(held) for name, held in columns.items()},
                "apart": len(differing),
                "reconstruction_error": clip.reconstruction_error,
            },
            list(itertools.product(ours, theirs)),
        )
        apart.append((len(differing), line))
    return [line for _, line in sorted(apart, key=lambda pair: -pair[0])]


def _names(held: Sequence[str]) -> str:
    return " + ".join(class_name(label) for label in held) or "–"
