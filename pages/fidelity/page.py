"""Fidelity & models: how closely does an interpreter follow f, and which one follows best?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core import bundle_folders
from l2i_core.bundle import read_card
from l2i_core.measure import metrics, tables
from l2i_core.measure.evaluation import Row
from l2i_core.measure.tables import TOPS, ClassFidelity
from l2i_core.report import paper
from pages.fidelity import detection, every_system
from pages.shell import models, results
from pages.shell.results import Results
from pages.shell.view import View, current
from pages.show import comparisons, pictures, plots
from pages.show.words import class_name, logit, percent

TITLES = ("top-1", "top-3", "top-5")


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title("How closely does the interpreter follow f?", anchor=False)
    name = view.engine.interpreter_name
    draw = detection.measured if view.multi_label else measured
    results.draw(view.key[0], name, lambda found: draw(view, found))
    every_system.draw(view)
    every_model(view)


def measured(view: View, found: Results) -> None:
    """Statement, systems beside the paper's, classes, disagreements, export."""
    classes = view.engine.classes
    places = tables.ranks(found.clips, classes)
    counts = tables.confusion(found.clips, classes)
    by_class = tables.fidelity_by_class(found.clips, classes)
    finding(view, found, places)
    st.subheader("Systems, and the paper's figures", anchor=False)
    systems(view, found)
    st.subheader("In which classes?", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        agreement(by_class, len(found.clips))
    with right:
        confusion(counts, classes)
    class_table(by_class)
    st.subheader("Where they disagree", anchor=False)
    rows = clip_rows(found, places)
    disagreements(view, found, rows)
    downloads(view, found, rows, by_class, counts)


def finding(view: View, found: Results, places: np.ndarray) -> None:
    """What the data say, in words."""
    n, name = len(places), results.title(view.engine.bundle, found.interpreter)
    first, third, fifth = (int((places <= k).sum()) for k in TOPS)
    st.markdown(
        f"**{name} names f's class first on {first} of {n} clips ({_share(first, n)}), among its "
        f"first 3 on {third} and among its first 5 on {fifth}.**"
    )
    right = np.array([r["predicted"] == r["label"] for r in found.clips])
    text = f"f itself is right on {int(right.sum())} of {n} clips ({_share(int(right.sum()), n)})."
    if not right.all():
        followed = int((places[~right] == 1).sum())
        text += (
            f" Where f is wrong, the interpreter names f's mistake on {followed} of "
            f"{int((~right).sum())} clips: it is to follow f, not the label."
        )
    st.markdown(text)
    st.caption(
        "Fidelity asks only whether the interpreter reaches f's decision, not whether what it "
        f"plays is what f used; that is faithfulness. {results.provenance(found)}"
    )


def _share(successes: int, n: int) -> str:
    low, high = metrics.wilson_interval(successes, n)
    return f"{percent(successes / n)}, 95 % interval {results.interval(low, high)}"


def systems(view: View, found: Results) -> None:
    """Every measured system of the bundle, and beside it the paper's tables."""
    ours, theirs = st.columns([1.2, 1], gap="medium")
    with ours:
        results.system_table(
            view,
            system_rows(view),
            "Top-1, 3 and 5 fidelity and reconstruction error of every system of this model",
        )
    with theirs:
        st.markdown("**The paper's: ESC-50**, fidelity to f (Table 1)")
        st.table(
            pd.DataFrame(
                {
                    name: {t: f"{v:.3f}" for t, v in zip(TITLES, values, strict=True)}
                    for name, values in paper.FIDELITY.items()
                }
            ).T,
            border="horizontal",
            alt="The paper's top-1, 3 and 5 fidelity on ESC-50",
        )
    levels = list(paper.FAITHFULNESS)
    with ours:
        st.markdown(f"**Ours: model {view.key[0]}**, median FF in logits")
        results.median_table(results.median_rows(view, found, levels), "logits")
    with theirs:
        st.markdown("**The paper's: ESC-50, fold 1**, median FF in logits (Table 2)")
        st.table(
            pd.DataFrame(
                {
                    "L2I + Θ_ATT": [logit(paper.FAITHFULNESS[t]) for t in levels],
                    "Random (count-matched)": [
                        logit(paper.RANDOM[t]) if t in paper.RANDOM else "–" for t in levels
                    ],
                },
                index=[f"τ {level}" for level in levels],
            ).T,
            border="horizontal",
            alt="The paper's median FF in logits on ESC-50",
        )
    st.caption(
        "The paper's figures are of another test: ESC-50 with 50 classes, f fine-tuned from "
        f"AudioSet weights (accuracy {100 * paper.ACCURACY:.1f}\u202f%), 44.1 kHz, fidelity as mean of five "
        f"folds. Here: {len(view.engine.classes)} classes; fewer classes make fidelity easier, as "
        "the row of guessing shows. Logits depend on how f was trained."
    )


def system_rows(view: View) -> list[Row]:
    """Fidelity of every measured system, and of guessing among the classes."""
    count, places = len(view.engine.classes), list(zip(TITLES, TOPS, strict=True))
    chance = {title: min(k / count, 1.0) for title, k in places}
    return results.system_rows(view, {title: f"top{k}" for title, k in places}, chance)


def agreement(by_class: Sequence[ClassFidelity], n: int) -> None:
    """A bar per class: where f's class stands in the interpreter's order."""
    shown = [c for c in by_class if c.n]
    whole = sum(c.top[0] == c.n for c in shown)
    st.markdown(
        f"**The interpreter's first choice is f's on every clip in {whole} of {len(shown)} classes** "
        f"(n = {n} clips)"
    )
    st.plotly_chart(
        comparisons.agreement_by_class(
            shown, [class_name(c.label) for c in shown], pictures.palette()
        ),
        key="agreement",
        theme=None,
        config=plots.LIVELY,
        alt="Clips whose class by f is the interpreter's first choice: "
        + "; ".join(f"{class_name(c.label)} {c.top[0]} of {c.n}" for c in shown),
    )


def confusion(counts: np.ndarray, classes: Sequence[str]) -> None:
    """f's decision against the interpreter's first choice, as figure and as table."""
    n, off = int(counts.sum()), counts - np.diag(np.diag(counts))
    names = [class_name(c) for c in classes]
    pairs = sorted(
        ((int(off[i, j]), names[i], names[j]) for i, j in zip(*np.nonzero(off), strict=True)),
        key=lambda pair: -pair[0],
    )
    if pairs:
        count, said, other = pairs[0]
        most = f"most often: f “{said}”, interpreter “{other}”, {count} of {n} clips"
        title = f"{int(off.sum())} clips off the diagonal; {most}"
    else:
        title = f"f and the interpreter agree on all {n} clips"
    st.markdown(f"**{title}**")
    st.plotly_chart(
        comparisons.confusion(counts, names, pictures.palette()),
        key="confusion",
        theme=None,
        config=plots.LIVELY,
        alt="f's decision against the interpreter's: "
        + ("; ".join(f"{a} as {b} {c}" for c, a, b in pairs) or "they agree on every clip"),
    )
    with st.expander("The same as a table (rows f, columns the interpreter)"):
        st.dataframe(
            pd.DataFrame(counts, index=names, columns=names),
            alt="Counts of clips, rows f's decision, columns the interpreter's first choice",
        )


def class_table(by_class: Sequence[ClassFidelity]) -> None:
    """Per class: agreement, f's accuracy, reconstruction error."""
    results.class_table(
        class_rows(by_class),
        ("‖X − W H‖ / ‖X‖",),
        (*TITLES, "f's accuracy"),
        "Fidelity, f's accuracy and reconstruction error by class",
    )
    st.caption(
        "Fidelity counts the clips that f gives to a class, f's accuracy those that are labelled "
        "with it. ‖X − W H‖ / ‖X‖: median over the former."
    )


def class_rows(by_class: Sequence[ClassFidelity]) -> list[Row]:
    """The table by class as rows, for the screen and for the CSV."""
    return [
        {
            "class": c.label,
            "n by f": c.n,
            **{t: k / c.n if c.n else None for t, k in zip(TITLES, c.top, strict=True)},
            "n labelled": c.labelled,
            "f right": c.right,
            "f's accuracy": c.right / c.labelled if c.labelled else None,
            "‖X − W H‖ / ‖X‖": None
            if math.isnan(c.reconstruction_error)
            else c.reconstruction_error,
        }
        for c in by_class
    ]


def clip_rows(found: Results, places: np.ndarray) -> list[Row]:
    """A row per clip, the worst disagreements first."""
    rows = [
        {
            "clip": r["clip"],
            "label": r["label"],
            "predicted": r["predicted"],
            "probability": r["probability"],
            "interpreter_predicted": r["interpreter_predicted"],
            "rank of f's class": int(place),
            "reconstruction_error": r["reconstruction_error"],
        }
        for r, place in zip(found.clips, places, strict=True)
    ]
    return sorted(rows, key=lambda r: (-r["rank of f's class"], -r["probability"]))


def disagreements(view: View, found: Results, rows: Sequence[Row]) -> None:
    """The clips whose interpretation should not be taken for f's reasons."""
    apart = [r for r in rows if r["rank of f's class"] > 1]
    left, right = st.columns([3, 1.25], gap="large")
    with right:
        results.choose(found, rows, "Clip, disagreements first", _describe)
    with left:
        if not apart:
            st.markdown("On no clip: the interpreter's first choice is f's on all of them.")
            return
        st.markdown(
            f"On {len(apart)} of {len(rows)} clips. Do not take what is played for f's reasons there."
        )
        key = f"apart {view.key[0]} {found.interpreter}"
        st.dataframe(
            pd.DataFrame(
                {
                    "clip": [r["clip"] for r in apart],
                    "f says": [class_name(r["predicted"]) for r in apart],
                    "probability": [r["probability"] for r in apart],
                    "interpreter's first": [class_name(r["interpreter_predicted"]) for r in apart],
                    "rank of f's class": [r["rank of f's class"] for r in apart],
                    "labelled": [class_name(r["label"]) for r in apart],
                }
            ),
            hide_index=True,
            column_config={"probability": results.DECIMALS},
            key=key,
            on_select=lambda: results.row_clicked([str(r["clip"]) for r in apart], key),
            selection_mode="single-row",
            alt="Clips on which the interpreter's first choice is not f's",
        )


def _describe(row: Row) -> str:
    place = row["rank of f's class"]
    if place == 1:
        return f"{row['clip']} · both “{class_name(row['predicted'])}”"
    return f"{row['clip']} · {results.disagreement(row)}"


def downloads(
    view: View,
    found: Results,
    rows: Sequence[Row],
    by_class: Sequence[ClassFidelity],
    counts: np.ndarray,
) -> None:
    """CSV files of what is shown."""
    name, interpreter = view.key[0], view.engine.interpreter_name
    classes = view.engine.classes
    matrix = [
        {"f": said, **dict(zip(classes, counted, strict=True))}
        for said, counted in zip(classes, counts.tolist(), strict=True)
    ]
    head, stem = {"bundle": name}, f"fidelity-{name}"
    mine, own = {**head, "interpreter": interpreter}, f"{stem}-{interpreter}"
    with view.corner, st.popover("Download", width="stretch"):
        results.csv_buttons(
            [
                (
                    "Systems, fidelity",
                    f"{stem}-systems",
                    [{**head, **r} for r in system_rows(view)],
                ),
                (
                    "Systems, median FF",
                    f"{own}-systems-ff",
                    [
                        {**head, **r}
                        for r in results.median_rows(view, found, list(paper.FAITHFULNESS))
                    ],
                ),
                ("Classes", f"{own}-classes", [{**mine, **r} for r in class_rows(by_class)]),
                ("Confusion", f"{own}-confusion", matrix),
                ("Clips", f"{own}-clips", [{**mine, **r} for r in rows]),
            ]
        )


def every_model(view: View) -> None:
    """Every model at hand, each with its own account; the chosen one first."""
    st.subheader("The models", anchor=False)
    lines, folders = models.outlines(), bundle_folders()
    for name in sorted(lines, key=lambda name: name != view.key[0]):
        chosen = "the one chosen above" if name == view.key[0] else ""
        with st.expander(" · ".join(filter(None, (f"**{name}**", lines[name], chosen)))):
            # Its headings go below the page's, and a picture would be fetched from elsewhere.
            text = re.sub(r"^(#+) ", r"\1## ", read_card(folders[name]), flags=re.MULTILINE)
            st.markdown(text.replace("![", "[") or "The model has no card (card.md).")


page()
