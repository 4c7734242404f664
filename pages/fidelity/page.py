"""Fidelity & models: how closely does an interpreter follow f, and which one follows best?"""

import re
from functools import partial

import pandas as pd
import streamlit as st

from l2i_core.bundle import read_card
from l2i_core.measure.tables import ERROR
from pages.fidelity import account as accounts
from pages.fidelity import apart, detection, every_system, top_k
from pages.fidelity.account import Account
from pages.shell import finder, models, results
from pages.shell.results import Results
from pages.shell.view import View, current
from pages.show import plots, terms
from pages.show.words import class_name

# The columns by class of either task, by how they are written.
DECIMALS, SHARES = ("AUPRC", "f's AUPRC", ERROR), ("top-1", "top-3", "top-5", "f's accuracy")


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title("How closely does the interpreter follow f?", anchor=False)
    results.draw(view.key, lambda found: measured(view, found))
    every_system.draw(view)
    every_model(view)


def measured(view: View, found: Results) -> None:
    """Statement, systems beside the paper's, classes, disagreements, export."""
    account = (detection if view.engine.task.multi_label else top_k).account(view, found)
    first, *more = account.finding
    for text in (f"**{first}**", *more):
        st.markdown(text)
    st.caption(results.provenance(found))
    st.subheader("Systems", anchor=False, help=terms.told("Fidelity", *account.terms))
    accounts.systems(view, found, account)
    st.subheader("In which classes?", anchor=False)
    wanted = finder.found(account.labels)
    cell = f"cell {view.key.bundle} {found.interpreter}"
    *bars, (says, figure) = account.charts(wanted)
    *places, last = st.columns(len(bars) + 1, gap="large")
    for place, (told, drawn) in zip(places, bars, strict=True):
        with place:
            plots.finding(told, drawn, f"{account.paper.data} {told}")
    with last:
        key = f"matrix {cell} {says}"
        look = partial(apart.look_into, cell, key, account.clips)
        note = ". A click lists the clips."
        plots.finding(says, figure, key, note, on_select=look, selection_mode="points")
    with st.expander("As tables"):
        st.markdown("Clips by f's classes (rows) and the interpreter's (columns)")
        names = [class_name(label) for label in account.labels]
        counts = pd.DataFrame(account.counts, index=names, columns=names)
        st.dataframe(counts, alt="Counts of clips, rows f's classes, columns the interpreter's")
        rows = [row for row in account.classes if row["class"] in wanted]
        results.class_table(rows, DECIMALS, SHARES, "Fidelity and f's accuracy by class")
        st.caption(account.legend)
    apart.disagreements(found, account, cell)
    downloads(view, found, account)


def downloads(view: View, found: Results, account: Account) -> None:
    """CSV files of what is shown."""
    classes, about = account.labels, {"bundle": view.key.bundle}
    mine, stem = {**about, "interpreter": found.interpreter}, f"fidelity-{view.key.bundle}"
    counts = [
        {"f": label, **dict(zip(classes, row, strict=True))}
        for label, row in zip(classes, account.counts.tolist(), strict=True)
    ]
    fidelity, medians = (
        accounts.fidelity_rows(view, account),
        accounts.faithfulness_rows(view, found),
    )
    clips = [{"clip": c.clip, "predicted": c.predicted, **c.columns} for c in account.clips]
    files = (
        ("Systems, median FF", "systems-ff", medians),
        ("Classes", "classes", account.classes),
        ("f against the interpreter", "counts", counts),
        ("Clips", "clips", clips),
    )
    with view.corner, st.popover("Download", width="stretch"):
        results.csv_buttons([("Systems, fidelity", "systems", fidelity)], stem, about)
        results.csv_buttons(files, f"{stem}-{found.interpreter}", mine)


def every_model(view: View) -> None:
    """Every model at hand, each with its own account; the chosen one first."""
    st.subheader("The models", anchor=False)
    lines, folders = models.outlines(), models.folders()
    for name in sorted(lines, key=lambda name: name != view.key.bundle):
        chosen = "the one chosen above" if name == view.key.bundle else ""
        with st.expander(" · ".join(filter(None, (f"**{name}**", lines[name], chosen)))):
            # Its headings go below the page's, and a picture would be fetched from elsewhere.
            text = re.sub(r"^(#+) ", r"\1## ", read_card(folders[name]), flags=re.MULTILINE)
            st.markdown(text.replace("![", "[") or "The model has no card (card.md).")


page()
