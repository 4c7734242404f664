"""The Fidelity page of a multi-label model: how well its interpreters find what f hears, and f the
labels. There is no one class to be right about, so AUPRC and F1 stand for the share of right clips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core.measure import metrics, tables
from l2i_core.measure.evaluation import Row
from l2i_core.measure.tables import ClassDetection
from l2i_core.report import paper
from l2i_core.words import joined
from pages.shell import decisions, results
from pages.shell.results import Results
from pages.shell.view import View
from pages.show import comparisons, pictures, plots
from pages.show.words import class_name, number, percent

FIGURES = {"macro-AUPRC": "macro_auprc", "micro-AUPRC": "micro_auprc", "max-F1": "max_f1"}
LEVELS = ("0.9", "0.7", "0.5", "0.3", "0.1")


def measured(view: View, found: Results) -> None:
    """Statement, systems beside the paper's, classes, disagreements, export."""
    classes = view.engine.classes
    by_class = tables.detection_by_class(found.clips, classes)
    counts = tables.co_occurrence(found.clips, classes)
    rows = clip_rows(found)
    finding(view, found, by_class, rows)
    st.subheader("Systems, and the paper's figures", anchor=False)
    systems(view, found)
    st.subheader("In which classes?", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        by_class_figure(found, by_class)
    with right:
        together(counts, classes, len(found.clips))
    class_table(by_class)
    st.subheader("Where they disagree", anchor=False)
    disagreements(view, found, rows)
    downloads(view, found, rows, by_class, counts)


def finding(
    view: View, found: Results, by_class: Sequence[ClassDetection], rows: Sequence[Row]
) -> None:
    """What the data say, in words."""
    name = results.title(view.engine.bundle, found.interpreter)
    block = found.summary.get("fidelity", {})
    if block.get("macro_auprc") is None:
        st.markdown(f"**f hears none of its classes in these {len(rows)} clips.**")
    else:
        heard, both = (sum(getattr(c, part) for c in by_class) for part in ("n", "both"))
        more = sum(c.theirs - c.both for c in by_class)
        same = sum(not r["only f"] and not r["only the interpreter"] for r in rows)
        low, high = metrics.wilson_interval(same, len(rows))
        st.markdown(f"**{name} finds what f hears with {_three(block)}; 1 would be f itself.**")
        st.markdown(
            f"With {decisions.LIMIT:g} as the limit for both, it hears {both} of the {heard} pairs "
            f"of clip and class that f hears, and {more} more. On {same} of {len(rows)} clips both "
            f"hear the same ({percent(same / len(rows))}, 95 % interval "
            f"{results.interval(low, high)})."
        )
    truth = found.summary.get("truth", {})
    if truth.get("macro_auprc") is not None:
        st.markdown(
            f"f itself finds the labels with {_three(truth)}. The paper's f: macro-AUPRC "
            f"{paper.F_MACRO_AUPRC:.3f}, on SONYC-UST."
        )
    st.caption(
        "AUPRC: the area under precision and recall over all limits; macro: the mean over classes, "
        "micro: over all pairs of clip and class. max-F1: the best F1 of all limits. Fidelity asks "
        "only whether the interpreter reaches f's decisions, not whether what it plays is what f "
        f"used; that is faithfulness. {results.provenance(found)}"
    )


def _three(block: dict[str, Any]) -> str:
    return joined([f"{name} {block[key]:.3f}" for name, key in FIGURES.items()])


def systems(view: View, found: Results) -> None:
    """Every measured system of the bundle, and beside it the paper's table."""
    ours, theirs = st.columns([1.2, 1], gap="medium")
    with ours:
        results.system_table(
            view,
            system_rows(view, found),
            "AUPRCs, best F1 and reconstruction error of every system of this model",
        )
        name = decisions.unit_of(view.engine).name
        st.markdown(f"**Ours: model {view.key[0]}**, median FF in {name}")
        results.median_table(results.median_rows(view, found, LEVELS), name)
    with theirs:
        st.markdown("**The paper's: SONYC-UST**, fidelity to f (Table 3)")
        st.table(
            pd.DataFrame(
                {
                    system: {name: f"{v:.3f}" for name, v in zip(FIGURES, values, strict=True)}
                    for system, values in paper.DETECTION.items()
                }
            ).T,
            border="horizontal",
            alt="The paper's AUPRCs and best F1 on SONYC-UST",
        )
        st.caption(
            "The paper's figures are of another test: recordings of New York's streets, eight "
            "classes, one of them left out of its macro-AUPRC. Its FF in probability is a figure "
            f"without numbers, at τ = {paper.CLASSWISE_TAU:g} (Fig. 2): the Faithfulness page has "
            "its counterpart. Guessing: one probability for everything."
        )


def system_rows(view: View, found: Results) -> list[Row]:
    """Fidelity of every measured system, and of guessing."""
    guess = tables.guessing(found.clips, view.engine.classes)
    chance = {title: getattr(guess, key) if guess else None for title, key in FIGURES.items()}
    return results.system_rows(view, FIGURES, chance)


def by_class_figure(found: Results, by_class: Sequence[ClassDetection]) -> None:
    """AUPRC by class: f against the labels, the interpreter against f."""
    shown = [c for c in by_class if c.auprc is not None or c.truth is not None]
    known = [c for c in shown if c.auprc is not None]
    if not known:
        st.markdown("**Which classes does the interpreter find?** f hears none in these clips.")
        return
    worst = min(known, key=lambda c: c.auprc or 0.0)
    st.markdown(
        f"**The interpreter finds “{class_name(worst.label)}” worst, with an AUPRC of "
        f"{number(worst.auprc or 0.0)}** (n = {len(found.clips)} clips)"
    )
    names = [class_name(c.label) for c in shown]
    truth, auprc = (
        [_nan(value) for value in values]
        for values in zip(*((c.truth, c.auprc) for c in shown), strict=True)
    )
    macro = float(np.mean([c.auprc for c in known]))
    st.plotly_chart(
        comparisons.paired_bars(
            names,
            truth,
            auprc,
            ("f finds the labels", "the interpreter finds what f hears"),
            macro,
            "AUPRC",
            pictures.palette(),
        ),
        key="auprc",
        theme=None,
        config=plots.LIVELY,
        alt="AUPRC of f against the labels and of the interpreter against f: "
        + "; ".join(
            f"{name} {number(t)} and {number(a)}"
            for name, t, a in zip(names, truth, auprc, strict=True)
        ),
    )
    st.caption(f"Dotted: the interpreter's macro-AUPRC, {macro:.3f}.")


def together(counts: np.ndarray, classes: Sequence[str], n: int) -> None:
    """Which classes f and the interpreter hear in the same clips."""
    names = [class_name(c) for c in classes]
    off = counts - np.diag(np.diag(counts))
    if off.any():
        i, j = np.unravel_index(int(off.argmax()), off.shape)
        title = (
            f"Most often together: f hears “{names[i]}” and the interpreter “{names[j]}” in "
            f"{int(off[i, j])} of {n} clips"
        )
    else:
        title = f"No two classes are heard in one of the {n} clips"
    st.markdown(f"**{title}**")
    st.plotly_chart(
        comparisons.confusion(counts, names, pictures.palette(), together=True),
        key="together",
        theme=None,
        config=plots.LIVELY,
        alt="Clips by the classes that f and the interpreter hear: "
        + "; ".join(
            f"{names[i]} and {names[j]} {int(counts[i, j])}"
            for i, j in zip(*np.nonzero(counts), strict=True)
        ),
    )
    st.caption(
        "On the diagonal both hear the class. Off it two classes share a clip, which is no mistake: "
        "the table below counts what only one of the two hears."
    )


def class_table(by_class: Sequence[ClassDetection]) -> None:
    """Per class: agreement with f, f's own finding of the labels, reconstruction error."""
    somewhere = [c for c in by_class if c.n or c.theirs or c.labelled]
    results.class_table(
        class_rows(somewhere),
        ("AUPRC", "f's AUPRC", "‖X − W H‖ / ‖X‖"),
        (),
        "AUPRC of the interpreter and of f, and counts of clips, by class",
    )
    st.caption(
        "AUPRC: the interpreter's probability against f's decision; f's AUPRC: f's probability "
        "against the label. Misses and false alarms are f's, by the labels."
        + ("" if len(somewhere) == len(by_class) else " Classes that are nowhere are left out.")
    )


def class_rows(by_class: Sequence[ClassDetection]) -> list[Row]:
    """The table by class as rows, for the screen and for the CSV."""
    return [
        {
            "class": c.label,
            "AUPRC": c.auprc,
            "n by f": c.n,
            "both hear": c.both,
            "only f": c.n - c.both,
            "only the interpreter": c.theirs - c.both,
            "f's AUPRC": c.truth,
            "n labelled": c.labelled,
            "f's misses": c.labelled - c.right,
            "f's false alarms": c.n - c.right,
            "‖X − W H‖ / ‖X‖": None
            if math.isnan(c.reconstruction_error)
            else c.reconstruction_error,
        }
        for c in by_class
    ]


def clip_rows(found: Results) -> list[Row]:
    """A row per clip, the one with most classes that only one of the two hears first; `predicted`:
    the class to explain in Listen, the first that only f hears."""
    rows = []
    for clip in found.clips:
        ours, theirs = tables.heard(clip), tables.heard(clip, "interpreter_logit")
        lost = [c for c in ours if c not in theirs]
        more = [c for c in theirs if c not in ours]
        rows.append(
            {
                "clip": clip["clip"],
                "label": clip["label"],
                "predicted": (*lost, *more, clip["predicted"])[0],
                "f hears": "+".join(ours),
                "the interpreter hears": "+".join(theirs),
                "only f": "+".join(lost),
                "only the interpreter": "+".join(more),
                "apart": len(lost) + len(more),
                "reconstruction_error": clip["reconstruction_error"],
            }
        )
    return sorted(rows, key=lambda r: -r["apart"])


def disagreements(view: View, found: Results, rows: Sequence[Row]) -> None:
    """The clips with a class that only one of the two hears."""
    apart = [r for r in rows if r["apart"]]
    left, right = st.columns([3, 1.25], gap="large")
    with right:
        results.choose(found, rows, "Clip, disagreements first", _describe)
    with left:
        if not apart:
            st.markdown("On no clip: the interpreter hears what f hears on all of them.")
            return
        st.markdown(
            f"On {len(apart)} of {len(rows)} clips. Do not take what is played for a class that only "
            "one of the two hears for f's reasons."
        )
        key = f"apart {view.key[0]} {found.interpreter}"
        columns = ("f hears", "only f", "only the interpreter")
        st.dataframe(
            pd.DataFrame(
                {
                    "clip": [r["clip"] for r in apart],
                    **{name: [_names(r[name]) for r in apart] for name in columns},
                    "labelled": [results.labelled(r["label"]) for r in apart],
                }
            ),
            hide_index=True,
            key=key,
            on_select=lambda: results.row_clicked([str(r["clip"]) for r in apart], key),
            selection_mode="single-row",
            alt="Clips in which f and the interpreter do not hear the same classes",
        )


def _describe(row: Row) -> str:
    if not row["apart"]:
        return f"{row['clip']} · both {_names(row['f hears'])}"
    parts = [f"only f {_names(row['only f'])}"] if row["only f"] else []
    if row["only the interpreter"]:
        parts.append(f"only the interpreter {_names(row['only the interpreter'])}")
    return f"{row['clip']} · {', '.join(parts)}"


def _names(written: str) -> str:
    return class_name(written).replace("+", " + ") or "–"


def downloads(
    view: View,
    found: Results,
    rows: Sequence[Row],
    by_class: Sequence[ClassDetection],
    counts: np.ndarray,
) -> None:
    """CSV files of what is shown."""
    name, classes = view.key[0], view.engine.classes
    matrix = [
        {"f": ours, **dict(zip(classes, counted, strict=True))}
        for ours, counted in zip(classes, counts.tolist(), strict=True)
    ]
    mine, own = {"bundle": name, "interpreter": found.interpreter}, f"fidelity-{name}"
    medians = results.median_rows(view, found, LEVELS)
    files = (
        ("Systems, fidelity", "systems", [{"bundle": name, **r} for r in system_rows(view, found)]),
        ("Systems, median FF", f"{found.interpreter}-systems-ff", medians),
        ("Classes", f"{found.interpreter}-classes", [{**mine, **r} for r in class_rows(by_class)]),
        ("Heard together", f"{found.interpreter}-together", matrix),
        ("Clips", f"{found.interpreter}-clips", [{**mine, **r} for r in rows]),
    )
    with view.corner, st.popover("Download", width="stretch"):
        results.csv_buttons([(title, f"{own}-{stem}", table) for title, stem, table in files])


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
