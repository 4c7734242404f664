"""How it works: the chosen clip walked through the method, one step at a time."""

import streamlit as st

from pages.lesson import reference
from pages.lesson.steps import STEPS, draw
from pages.shell import state
from pages.shell.view import current
from pages.show import pictures, players
from pages.show.files import read_beside

ALL = "all"


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title("How does a model's decision become a sound?", anchor=False)
    style = read_beside(__file__, "lesson.css").replace("ACCENT", pictures.palette().accent)
    st.html(f"<style>{style}</style>")
    shown = state.settle("step", [*STEPS, ALL], "1", "step")
    state.show_messages()
    state.write_url()
    made = view.explained().interpretation
    with st.container(key="lesson-steps"):
        label = f"{len(STEPS)} steps, about ten minutes, all made from “{view.source.title}”"
        words = {name: f"{name} {step.short}" for name, step in STEPS.items()}
        words[ALL], steps = "All on one page", list(words)
        state.select(
            st, label, "step", [*steps, ALL], words, widget="pills", required=True, wrap=True
        )
    for name in STEPS if shown == ALL else [shown]:
        _heading(name, shown)
        draw(name, view, made)
        if shown == ALL:
            st.divider()
    if shown not in (ALL, [*STEPS][-1]):
        following = str(int(shown) + 1)
        title = f"Next: {STEPS[following].title}"
        st.button(title, key="next-below", on_click=_go, args=(following, True))
    reference.draw(view, everything=shown == ALL)
    _up()
    players.take_turns()


def _heading(name: str, shown: str) -> None:
    """The title of a step and, where it stands alone, the way back and forth."""
    with st.container(key=f"heading-{name}", horizontal=True, vertical_alignment="center"):
        st.subheader(f"{name} · {STEPS[name].title}", anchor=False, width="stretch")
        if shown == ALL:
            return
        with st.container(horizontal=True, gap="small", width="content"):
            for label, by, key in (("Previous", -1, "Left"), ("Next", 1, "Right")):
                to = str(int(shown) + by)
                st.button(
                    label,
                    disabled=to not in STEPS,
                    on_click=_go,
                    args=(to,),
                    shortcut=f"Shift+{key}",
                )


def _go(step: str, up: bool = False) -> None:
    """Callback: another step; `up`: from below, so the page scrolls to where it begins."""
    state.chose(step=step)
    st.session_state["l2i_lesson_up"] = up


def _up() -> None:
    if st.session_state.pop("l2i_lesson_up", False):
        step = state.value("step")
        st.html(
            "<script>document.querySelector('.st-key-lesson-steps')"
            f"?.scrollIntoView(); // {step}</script>",
            unsafe_allow_javascript=True,
        )


page()
