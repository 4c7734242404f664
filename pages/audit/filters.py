"""Which of the decisions the Audit page lists, and in which order: filters that a link keeps, and
slices of the reader's own that the session keeps."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from l2i_core.data.tags import TAGS
from l2i_core.measure import audit, slices
from l2i_core.measure.records import CaseRow
from pages.audit import own_slices
from pages.audit.decisions import Decisions
from pages.shell import state
from pages.show.words import class_name

_DOUBTS = {"disagrees": "interpreter disagrees", "chance": "FF ≤ 0 or ≤ Random"}
KINDS = {"wrong": "misclassified", "right": "classified right", **_DOUBTS}
_MANY = {audit.ALARM: "false alarms", audit.MISSED: "misses", "right": "found", **_DOUBTS}
_ANY = "any class"
_TAGGED = {f"tag-{name or 'none'}": name or "untagged" for name in (*TAGS, "")}
_EACH = "each"  # the token of the second order
_ORDERS = {"": "most doubtful first", _EACH: "worst of each class first"}
_CLASS, _CELL, _AS = "class:", "cell:", ">"
_LAST = re.compile(r"(?:^|\.)((?:class|cell):.*)", re.DOTALL)  # a name may hold a dot


@dataclass(frozen=True, slots=True)
class _Shown:
    """The setting "show": "wrong.tag-unsure.each.class:dog", or at its end "cell:LABEL>SAID"."""

    tokens: tuple[str, ...] = ()
    last: str = ""

    @classmethod
    def of(cls, text: str) -> "_Shown":
        found = _LAST.search(text)
        head = text[: found.start()] if found else text
        tokens = (token for token in head.split(".") if token)
        return cls(tuple(tokens), found[1] if found else "")

    def among(self, names: Mapping[str, str]) -> list[str]:
        return [token for token in self.tokens if token in names]

    @property
    def label(self) -> str | None:
        return self.last.removeprefix(_CLASS) if self.last.startswith(_CLASS) else None

    @property
    def cell(self) -> tuple[str, str] | None:
        label, found, said = self.last.removeprefix(_CELL).partition(_AS)
        return (label, said) if found and self.last.startswith(_CELL) else None

    @property
    def text(self) -> str | None:
        order = (*KINDS, audit.ALARM, audit.MISSED, *_TAGGED, _EACH)
        return ".".join([*sorted(self.tokens, key=order.index), *filter(None, [self.last])]) or None


def filtered(decisions: Decisions) -> list[CaseRow]:
    """The rows that filters and slices leave, in the order chosen."""
    many = decisions.task.multi_label
    names, lasts = _MANY if many else KINDS, _lasts(decisions)
    shown = _settled(names, lasts)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    kinds, tags = shown.among(names), shown.among(_TAGGED)
    label = "Show only" if many else "Show only clips that are"
    _pills(left, label, "kinds", names, kinds, lasts)
    right.selectbox(
        "Labelled or heard as",
        list(lasts),
        key=state.control("show_class", next(o for o in lasts if lasts[o] == shown.last)),
        format_func=class_name,
        on_change=_chosen,
        args=(lasts,),
    )
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    _pills(left, "Tagged", "tags", _TAGGED, tags, lasts)
    right.selectbox(
        "Order",
        list(_ORDERS),
        key=state.control("show_order", _EACH if _EACH in shown.tokens else ""),
        format_func=_ORDERS.__getitem__,
        on_change=_chosen,
        args=(lasts,),
    )
    wanted = ["" if tag == "tag-none" else _TAGGED[tag] for tag in tags]
    rows = audit.only(own_slices.kept(decisions), kinds, shown.label, wanted, shown.cell)
    return slices.worst_of_each(rows) if _EACH in shown.tokens else rows


def _lasts(decisions: Decisions) -> dict[str, str]:
    """What may be chosen of classes and confusions, and how the setting has it."""
    told = [row.predicted for row in decisions.rows]
    if not decisions.task.multi_label:
        told += [row.label for row in decisions.found.clips]
    found = {_ANY: ""} | {name: f"{_CLASS}{name}" for name in sorted({n for n in told if n})}
    for (label, said), n in slices.confusions(decisions.rows).items():
        found[f"{label} → {said} ({n})"] = f"{_CELL}{label}{_AS}{said}"
    return found


def _pills(
    place: st.delta_generator.DeltaGenerator,
    label: str,
    part: str,
    names: Mapping[str, str],
    chosen: Sequence[str],
    lasts: Mapping[str, str],
) -> None:
    place.pills(
        label,
        list(names),
        selection_mode="multi",
        key=state.control(f"show_{part}", list(chosen)),
        format_func=names.__getitem__,
        on_change=_chosen,
        args=(lasts,),
        wrap=True,
    )


def _chosen(lasts: Mapping[str, str]) -> None:
    """Callback of all filters."""
    held = {part: st.session_state[f"control_show_{part}"] for part in ("kinds", "tags", "order")}
    tokens = (*held["kinds"], *held["tags"], *filter(None, [held["order"]]))
    state.chose(show=_Shown(tokens, lasts[st.session_state["control_show_class"]]).text)


def _settled(names: Mapping[str, str], lasts: Mapping[str, str]) -> _Shown:
    """The setting, where it is one; a wrong part of it gives a notice."""
    shown = _Shown.of(str(state.value("show") or ""))
    accepted = [*names, *_TAGGED, _EACH]
    if unknown := [token for token in shown.tokens if token not in accepted]:
        state.notice(
            f"There is no filter “{unknown[0][:40]}” here; accepted: {', '.join(accepted)}, "
            "class:NAME, cell:LABEL>NAME. All clips are shown."
        )
        shown = _Shown()
    elif shown.last not in lasts.values():
        what, _, name = shown.last.partition(":")
        where = "of the class" if what == "class" else "confused as"
        state.notice(f"No clip is {where} “{name[:40]}” here; all classes are shown.")
        shown = _Shown(shown.tokens)
    state.put(show=shown.text)
    return shown
