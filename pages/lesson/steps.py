"""The nine steps: what each tells on the left, what it shows on the right, and their one drawer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from l2i_core import Interpretation
from pages.lesson import shown, told
from pages.lesson.told import Told, Try
from pages.shell import state
from pages.shell.view import View

# Settings that fall back to their own choice when a prompt sets another.
_RESETS = {"clip": ("class", "window", "own"), "interpreter": ("own",)}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, its name in the row of steps, its words and what draws it."""

    title: str
    short: str
    tell: Callable[[View, Interpretation], Told]
    show: Callable[[View, Interpretation], None]


STEPS = {
    str(number): Step(*step)
    for number, step in enumerate(
        (
            ("From sound to picture", "Sound", told.sound, shown.sound),
            ("What the classifier hears and says", "Classifier", told.classifier, shown.classifier),
            ("The dictionary W", "Dictionary", told.dictionary, shown.dictionary),
            ("The activations H", "Activations", told.activations, shown.activations),
            ("W·H gives back X", "W·H", told.product, shown.product),
            ("Pooling, and whether to trust it", "Fidelity", told.pooling, shown.pooling),
            ("Relevance: what speaks for the class", "Relevance", told.relevance, shown.relevance),
            ("From mask to sound", "Mask and sound", told.mask, shown.mask),
            ("The test: was it right?", "Test", told.test, shown.test),
        ),
        start=1,
    )
}


def draw(name: str, view: View, made: Interpretation) -> None:
    """One step below its heading."""
    step = STEPS[name]
    said = step.tell(view, made)
    words, show = st.columns([2, 3], gap="large")
    with words:
        with st.container(key=f"idea-{name}"):
            st.markdown(said.idea)
        with st.container(key=f"formula-{name}"):
            st.latex(said.formula)
        st.caption(said.reading)
        if said.found:
            st.markdown(said.found)
        if said.warning:
            st.warning(said.warning)
        if said.prompt:
            _prompt(name, view, said.prompt)
    with show:
        step.show(view, made)


def _prompt(name: str, view: View, prompt: Try) -> None:
    with st.container(key=f"prompt-{name}"):
        st.markdown(f"**Try it.** {prompt.text}")
        if prompt.more:
            prompt.more(view)
            return
        now = {
            "clip": state.value("clip"),
            "interpreter": view.engine.interpreter_name,
            "tau": f"{view.threshold:.2f}",
            "domain": view.domain,
        }[prompt.setting]
        with st.container(horizontal=True, gap="small"):
            for value, label in prompt.options.items():
                st.button(
                    label,
                    key=f"try-{name}-{value}",
                    disabled=value == now,
                    on_click=_set,
                    args=(prompt.setting, value),
                )


def _set(setting: str, value: str) -> None:
    """Callback: what the bar's own control would do."""
    state.touch()
    reset = dict.fromkeys(_RESETS.get(setting, ()))
    state.put(**{setting: float(value) if setting == "tau" else value}, **reset)
