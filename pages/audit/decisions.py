"""Whose decisions the Audit page shows, and the one of them that the whole page is about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from l2i_core.dictionary import choice
from l2i_core.measure import audit
from l2i_core.measure.records import CaseRow
from l2i_core.task import Task
from pages.audit import audits
from pages.audit.audits import OwnAudit
from pages.shell import results, state, tags
from pages.shell.clips import ClipSource
from pages.shell.evidence import link
from pages.shell.results import Results
from pages.shell.view import View


@dataclass(frozen=True, slots=True)
class Decisions:
    """A model's decisions at one τ as `audit.audit_rows` has them, most doubtful first: those of
    its stored evaluation, or of an audit of the user's `own` recordings."""

    bundle: str
    found: Results
    threshold: float
    rows: list[CaseRow]
    own: OwnAudit | None = None

    @property
    def key(self) -> str:
        """What tells its controls from those of other decisions."""
        return self.own.token if self.own else f"{self.bundle} {self.found.interpreter}"

    @property
    def dictionary(self) -> str:
        """Which W they were explained with."""
        return self.own.dictionary if self.own else choice.BUNDLE

    @property
    def task(self) -> Task:
        """What f's logits mean."""
        return self.found.levels[0].task

    @property
    def url(self) -> str | None:
        """A link to the view; None for recordings that only this session has."""
        return None if self.own else link()

    def sources(self, rows: Sequence[CaseRow]) -> dict[str, ClipSource]:
        """The clips of some of the rows, by case, where their audio is at hand."""
        if self.own is None:
            found = results.sources([row.clip for row in rows])
        else:
            found = [self.own.source(row.clip) for row in rows]
        return {
            row.case: source for row, source in zip(rows, found, strict=True) if source is not None
        }

    def chosen(self, shown: Sequence[CaseRow]) -> CaseRow:
        """The row that table, list, buttons and report are about: the one that was chosen last, or
        the most doubtful of `shown`, which is chosen from then on where the filters hide the last."""
        if self.own is None:
            results.settle_clip(shown)
            results.settle_clip(self.rows)  # one that another page chose and the filters hide
        asked = self.own.chosen if self.own else state.value("evaluated")
        by_case = {row.case: row for row in shown}
        if asked not in by_case:
            first = shown[0].case
            if asked and asked not in {row.case for row in self.rows}:
                state.notice(
                    f"There is no decision on “{str(asked)[:40]}” here; “{first}” is chosen instead."
                )
            asked = first
            self.choose(first)
        return by_case[asked]

    def choose(self, case: str) -> None:
        """Make it the chosen one, on every page where the evaluation is the model's own."""
        if self.own:
            self.own.chosen = case
        else:
            state.put(evaluated=case)


def on_page(view: View) -> Decisions | None:
    """Those that the reader looks at: the model's, or the session's own once they are measured.

    None where the model has no metrics, ValueError where they are damaged.
    """
    bundle, own = view.key.bundle, audits.current()
    measured = own.evaluation() if own else None
    if own is None or measured is None or _data(view, own) == "bundle":
        own, found = None, results.read(*view.key.measured)
    else:
        bundle, found = own.bundle, own.results(measured)
    if found is None:
        return None
    tau = audit.audited_threshold(found.levels, view.threshold)
    made = Decisions(bundle, found, tau, audit.audit_rows(found.clips, found.levels, tau), own)
    return replace(made, rows=_tagged(made))


def _tagged(made: Decisions) -> list[CaseRow]:
    """The rows with the reader's tags; no file is read where the model has none."""
    kept = tags.of(made.bundle)
    about = {row.case: row.predicted for row in made.rows}
    keys = {
        case: tags.decision(source, made.bundle, about[case])
        for case, source in (made.sources(made.rows) if kept else {}).items()
    }
    found = {case: kept[key] for case, key in keys.items() if key in kept}
    return audit.tagged(made.rows, found)


def _data(view: View, own: OwnAudit) -> str | None:
    names = {"bundle": f"the model's test clips ({view.key.bundle})", "own": own.title}
    key = f"audit-data {own.token}"
    return st.segmented_control(
        "Decisions on",
        list(names),
        key=state.hold(key, state.held(key, "own")),
        format_func=lambda name: names[name],
        required=True,
    )
