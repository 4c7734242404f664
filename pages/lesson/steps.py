"""The nine steps, and their one drawer: words on the left, pictures on the right."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from l2i_core import Interpretation
from pages.lesson import reasons, taken_apart
from pages.lesson.material import Told, Try
from pages.shell import state
from pages.shell.view import View

# Settings that fall back to their own choice when a prompt sets another.
_RESETS = {"clip": ("class", "window", "own"), "interpreter": ("own",)}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, its name in the row of steps, and what draws it and tells its words."""

    title: str
    short: str
    show: Callable[[View, Interpretation], Told]


_STEPS = (
    Step("From sound to picture", "Sound", taken_apart.sound),
    Step("What the classifier hears and says", "Classifier", taken_apart.classifier),
    Step("The dictionary W", "Dictionary", taken_apart.dictionary),
    Step("The activations H", "Activations", taken_apart.activations),
    Step("W·H gives back X", "W·H", taken_apart.product),
    Step("Pooling, and whether to trust it", "Fidelity", reasons.pooling),
    Step("Relevance: what speaks for the class", "Relevance", reasons.relevance),
    Step("From mask to sound", "Mask and sound", reasons.mask),
    Step("The test: was it right?", "Test", reasons.test),
)
STEPS = {str(number): step for number, step in enumerate(_STEPS, start=1)}


def draw(name: str, view: View, made: Interpretation) -> None:
    """One step below its heading."""
    words, show = st.columns([2, 3], gap="large")
    with show:
        said = STEPS[name].show(view, made)
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
    reset = dict.fromkeys(_RESETS.get(setting, ()))
    state.chose(**{setting: float(value) if setting == "tau" else value}, **reset)
