"""One interpretation for each class that a multi-label model hears, side by side: a sound, a picture
and its figures each. Sounds and pictures come at once; f's passes for the figures come last."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from l2i_core import Interpretation
from l2i_core.measure.explained import Explained
from l2i_core.measure.random import KINDS
from pages.shell import cached, state, verdicts
from pages.shell.view import View
from pages.show import live
from pages.show.choice import Choice
from pages.show.sounds import Sound, hear
from pages.show.words import class_name, logit, percent

_MOST = 4  # panels in a row
_IN_ROW = 3  # where there are more
_CLASSES = 6  # that are explained at once


@dataclass(frozen=True, slots=True)
class Panel:
    """One class's interpretation, and the place for what f says of it."""

    made: Explained
    figures: DeltaGenerator


def draw(view: View) -> list[Panel]:
    """The panels of the classes that f hears and of the one that is explained; [] where that is
    one class alone, which the rest of the page is about."""
    targets = list(dict.fromkeys([*view.decided[:_CLASSES], view.target]))
    if len(targets) < 2:
        return []
    st.subheader(_heading(view, targets), anchor=False)
    # While the live component plays another choice, its style sheet shows this as pending.
    with st.container(key=f"{live.verdict_key(view.choice)}-classes"):
        heard = [_heard(view, target) for target in targets]
        hear(
            "classes-heard",
            [
                Sound("the clip", view.analysis.waveform),
                *(
                    Sound(class_name(m.interpretation.target), m.interpretation.audio)
                    for m in heard
                ),
            ],
            view.engine.audio.sample_rate,
            subject=view.key[-2:],
            label="Listen to the clip, and to what f used for each class",
        )
        width = len(targets) if len(targets) <= _MOST else _IN_ROW
        panels = []
        for start in range(0, len(heard), width):
            columns = st.columns(width, gap="medium")
            for column, made in zip(columns, heard[start : start + width], strict=False):
                with column:
                    panels.append(_panel(view, made))
        _notes(view)
    return panels


def judge(view: View, panels: Sequence[Panel]) -> None:
    """What f says of each, beside both Randoms."""
    for panel in panels:
        panel.figures.markdown(_figures(panel.made))


def _heading(view: View, targets: Sequence[str]) -> str:
    count = len(view.decided)
    heard = "the class" if count == 1 else f"each of the {count} classes"
    if count > _CLASSES:
        heard = f"the {_CLASSES} most probable of the {count} classes"
    more = ""
    if len(targets) > min(count, _CLASSES):
        more = ", and what speaks for the one you chose"
    return f"What f used for {heard} that it hears{more}"


def _heard(view: View, target: str) -> Explained:
    """The class to explain as the page has it, gains set by ear included; others by τ alone."""
    choice = view.choice if target == view.target else Choice(view.threshold, view.domain)
    return view.explained(target, choice)


def _panel(view: View, explained: Explained) -> Panel:
    made = explained.interpretation
    name, count = class_name(made.target), len(made.selected)
    st.markdown(f"**{name}** {_standing(view, made)}")
    st.image(
        view.picture(("B", explained.name), made.log_magnitude, dim=True),
        width="stretch",
        alt=f"Spectrogram of what f used for {name}, {count} components, the rest of the clip grey",
    )
    st.markdown(
        f"{count} of {len(made.relevance)} components, {percent(made.energy_kept)} of the sound energy"
        if count
        else "**Nothing is selected:** lower τ to hear something."
    )
    figures = st.empty()
    figures.markdown(":gray[FF …]")
    if made.target == view.target:
        st.caption("In detail below.")
    else:
        st.button(
            "In detail",
            key=f"detail {made.target}",
            on_click=_explain,
            args=(made.target,),
            help=f"Explain “{name}” in the rest of the page",
        )
    return Panel(explained, figures)


def _standing(view: View, made: Interpretation) -> str:
    """f's probability, and whether the interpreter follows."""
    ours, theirs = (
        "–" if x is None else f"{float(view.engine.probabilities(x)[made.target_index]):.2f}"
        for x in (view.analysis.logits, view.analysis.interpreter_logits)
    )
    heard = "" if made.target in view.decided else ", not heard"
    agrees = view.follows(made.target)
    told = {True: "agrees", False: ":orange[disagrees]", None: "does not mimic f"}[agrees]
    return f"{ours}{heard}  \nThe interpreter {told} ({theirs})"


def _figures(made: Explained) -> str:
    text, claim = verdicts.told(made)
    if not made.interpretation.selected:
        return text
    (counted,), (few,) = (cached.randoms(made, [kind]) for kind in KINDS)
    energy = "equal log energy" if few.as_much else "less log energy (there is no more)"
    return (
        f"FF **{made.engine.task.unit.amount(made.verdict.faithfulness)}**  \n"
        f"Random **{logit(few.median)}** at {energy}, **{logit(counted.median)}** at equal count  \n"
        f"{claim}"
    )


def _notes(view: View) -> None:
    own = f" Your own choice of components holds for “{class_name(view.target)}” alone."
    st.caption(
        f"One scale for all pictures, as below. Random: other components "
        f"removed instead, median of {cached.FEW_DRAWS} draws.{own if view.choice.overrides else ''}"
    )


def _explain(target: str) -> None:
    """Callback: another class in detail; gains set by ear were for the last one."""
    state.chose(**{"class": target, "own": None})
