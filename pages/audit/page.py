"""Audit: which decisions deserve doubt, and the evidence that leaves the app."""

import streamlit as st

from l2i_core.measure import audit
from l2i_core.words import counted
from pages.audit import audits
from pages.audit.clip import clip
from pages.audit.decisions import Decisions, on_page
from pages.audit.filters import filtered
from pages.audit.report import take_away
from pages.audit.score import score
from pages.audit.table import table
from pages.shell import results, state
from pages.shell.view import View, current
from pages.show.words import sentence


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title("Which of the model's decisions deserve doubt?", anchor=False)
    try:
        decisions = on_page(view)
        if decisions is None:
            st.info(results.how_to_measure(view.key))
        else:
            audited(view, decisions)
    except ValueError as error:
        st.error(sentence(str(error)))
    audits.section(view)
    state.show_messages()
    state.write_url()


def audited(view: View, decisions: Decisions) -> None:
    """The finding, the table with its filters, the chosen clip, and what can be taken away."""
    st.markdown(f"**{audit.finding(decisions.rows)}**")
    measured(view, decisions)
    shown, chosen = filtered(decisions), None
    if shown:
        chosen = decisions.chosen(shown)
        table(decisions, shown, chosen)
        clip(decisions, shown, chosen)
    else:
        st.info(
            f"None of the {decisions.task.counted(len(decisions.rows))} is so; take a filter away."
        )
    score(decisions)
    take_away(decisions, shown, chosen)


def measured(view: View, decisions: Decisions) -> None:
    """On what the decisions were measured, with which model, at which τ, and what was left out."""
    own = decisions.own
    about = [results.provenance(decisions.found)]
    if own:
        about.append(f"{audit.measured(decisions.found.about)} Model {own.bundle}, {own.how}.")
    if decisions.threshold != view.threshold:
        about.append(
            f"τ = {decisions.threshold:.2f} is the measured one nearest to {view.threshold:.2f} "
            "for which Random was drawn."
        )
    st.caption(" ".join(about))
    if own and own.left_out:
        with st.expander(f"{counted(len(own.left_out), 'clip')} left out"):
            for why in own.left_out:
                st.text(why)  # opens with a file name, which keeps its case
    if own and (warned := decisions.found.about.get("warnings")):
        with st.expander(f"{counted(len(warned), 'clip')} with a warning"):
            for name, told in warned.items():
                st.text(f"{name}: {' '.join(told)}")


page()
