"""The decision that is chosen on the Audit page: its grounds for doubt, its sound, its evidence."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from l2i_core.measure import audit
from l2i_core.measure.explained import Explained
from l2i_core.measure.records import CaseRow
from pages.audit import audits
from pages.audit.decisions import Decisions
from pages.audit.filters import KINDS
from pages.audit.tagging import heard
from pages.shell import cached, evidence, models, results, state
from pages.shell.clips import ClipSource
from pages.show.choice import Choice
from pages.show.words import class_name, logit


def clip(decisions: Decisions, shown: Sequence[CaseRow], chosen: CaseRow) -> None:
    """The list that chooses as the table does; what is wrong with the chosen one, and its sound."""
    by_case = {row.case: row for row in shown}
    name = f"audit-clip {decisions.key}"

    def choose() -> None:
        state.touch()
        decisions.choose(st.session_state[f"control_{name}"])

    st.selectbox(
        "Clip to look into",
        list(by_case),
        key=state.control(name, chosen.case),
        format_func=lambda case: _describe(by_case[case]),
        on_change=choose,
    )
    st.markdown(audit.doubts(chosen))
    source = decisions.sources([chosen]).get(chosen.case)
    if source is not None:
        heard(decisions, chosen, source)
    stem, make = "", None
    if source is not None:
        stem = f"{source.stem}-{chosen.predicted}-tau{decisions.threshold:.2f}"
        about = (decisions.bundle, decisions.found.interpreter, decisions.dictionary)
        user = evidence.of_user(models.engine(*about), source, about[0], chosen.predicted)
        make = partial(_evidence, decisions, chosen, source, decisions.url, user)
    with st.container(horizontal=True):
        if st.button("Open in Listen", disabled=source is None, type="primary", key="open"):
            assert source is not None  # or the button is disabled
            name, bundle = source.id, decisions.bundle
            if decisions.own:
                name = audits.open_as_upload(source)
            w = decisions.dictionary
            offered = models.dictionaries(models.bundle(bundle), decisions.found.interpreter)
            state.put(bundle=bundle, interpreter=decisions.found.interpreter)
            state.put(dictionary=w if len(offered) > 1 else None)
            results.listen(decisions.found, chosen, name, decisions.threshold)
        evidence.download(stem, make, "FF and Random are the table's.", "content")
    if source is None:
        missing = f"The file of {chosen.clip} is gone: measure again"
        if decisions.own is None:
            missing = results.not_at_hand(chosen.clip, decisions.found.about.get("data"))
        st.caption(f"{missing} to hear it, tag it, and take its evidence away.")


def explained(
    decisions: Decisions,
    row: CaseRow,
    source: ClipSource,
    url: str | None = None,
    user: Mapping[str, Any] | None = None,
) -> tuple[Explained, dict[str, Any]]:
    """A decision as the table has it, at the table's τ, mask domain and Random, and its report;
    user: `evidence.of_user`."""
    about, bundle = decisions.found.about, decisions.bundle
    choice = Choice(decisions.threshold, about.get("mask_domain", "log"))
    w = decisions.dictionary
    made = cached.of_clip(bundle, decisions.found.interpreter, w, source, row.predicted, choice)
    random = None
    if row.random_energy is not None:
        random = {
            "count_matched": row.random,
            "energy_matched": row.random_energy,
            "equal_energy": bool(row.energy_matched),
            "draws": about.get("random_draws", 0),
        }
    drawn = {"random": random, "seed": int(about.get("seed", 0))}
    return made, evidence.report(made, source, bundle, user, url=url, **drawn)


def _evidence(*about: Any) -> evidence.Evidence:
    """`explained`, and nothing pinned beside it."""
    return *explained(*about), None


def _describe(row: CaseRow) -> str:
    """A line of the list: the clip, what f makes of it, FF, and the grounds for doubt."""
    missed = row.kind == audit.MISSED
    wrong = {audit.ALARM: "false alarm", audit.MISSED: ""}.get(row.kind, KINDS["wrong"])
    words = {**KINDS, "wrong": wrong}
    grounds = [words[name] for name, doubt in audit.GROUNDS.items() if doubt(row)]
    verb = "misses" if missed else row.task.decides
    said = f"{row.clip} · f {verb} {class_name(row.predicted)}"
    figure = "" if missed else f"FF {logit(row.faithfulness)}"
    return " · ".join(filter(None, (said, figure, ", ".join(filter(None, grounds)))))
