"""What was found in a model, what can explain it, and its way among the others."""

import pandas as pd
import streamlit as st

from l2i_core.classifiers.protocol import notes_of
from l2i_core.explainers.protocol import EXPLAINERS, missing
from pages.add import kept
from pages.add.given import Given
from pages.add.kept import Found
from pages.shell import state
from pages.shell.view import View
from pages.show.words import THIN, number, sentence

_FOUND = "l2i_found_model"
_SHOWN = 12  # names of classes
# What a message for the command line calls what the page has fields for.
_FIELDS = {
    "--classes FILE, one a line": "its classes, one a line",
    "--rate HZ": "its rate",
    "--outputs": "“It answers”",
    "--multi-label": "“Several classes at once”",
}


def draw(view: View, asked: Given) -> None:
    """Look where the button was pressed; then what is known, until another one is looked into."""
    if asked.pressed:
        _forget()
        try:
            with st.spinner("It hears five short sounds …"):
                st.session_state[_FOUND] = kept.look(asked, view.source)
        except ValueError as error:
            st.error(_said(error))
    found: Found | None = st.session_state.get(_FOUND)
    if found is None:
        return
    st.subheader(found.title, anchor=False)
    st.table(pd.DataFrame({"": _facts(found)}), border="horizontal", alt="What was found")
    for note in notes_of(found.classifier):
        st.caption(sentence(note))
    _explainers(found)
    _use(found)


def _facts(found: Found) -> dict[str, str]:
    f, shown = found.classifier, found.classifier.classes[:_SHOWN]
    more = f", … ({len(f.classes)})" if len(f.classes) > _SHOWN else ""
    return {
        "hears": f"{f.sample_rate / 1000:g}{THIN}kHz",
        "classes": ", ".join(shown) + more,
        "several at once": "yes" if f.multi_label else "no",
        "layers that can be read": str(len(f.layers)),
        "gradient reaches the sound": "yes" if f.differentiable else "no: a black box",
        f"one pass of {number(found.heard)}{THIN}s": f"{found.seconds:.2g}{THIN}s",
    }


def _explainers(found: Found) -> None:
    lines = []
    for kind in EXPLAINERS.values():
        if why := missing(kind, found.classifier):
            lines.append(f"- :gray[{kind.title}: {why}.]")
        else:
            lines.append(f"- **{kind.title}** {kind.description}")
    st.markdown("\n".join(lines))


def _use(found: Found) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Its name here", found.name, key=f"add-name {id(found.classifier)}", width=280
        )
        pressed = st.button("Use it", type="primary")
    if kept.lasting() is None:
        st.caption("Kept for this session; a folder named in L2I_BUNDLES keeps it for good.")
    if not pressed:
        return
    try:
        kept.keep(found, name.strip())
    except ValueError as error:
        st.error(_said(error))
        return
    st.session_state.pop(_FOUND)
    state.touch()
    state.put(bundle=name.strip(), **dict.fromkeys(kept.OF_A_MODEL))
    state.go("listen")


def _forget() -> None:
    old: Found | None = st.session_state.pop(_FOUND, None)
    if old is not None:
        old.place.cleanup()


def _said(error: ValueError) -> str:
    text = str(error)
    for option, field in _FIELDS.items():
        text = text.replace(option, field)
    return sentence(text)
