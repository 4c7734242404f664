"""What components are called: their numbers, and the user's own names for them.

Names are kept on this machine, on a server for many users in the session only. All texts are plain:
`escaped` makes them fit for Markdown, `escaped_html` for Plotly.
"""

import functools
import html
import re
from collections.abc import Sequence

import streamlit as st

from l2i_core import L2I
from l2i_core.dictionary import names
from l2i_core.dictionary.names import Names
from pages.shell.clips import shared

_TICK = 24  # characters beside an axis


def label(engine: L2I, component: int) -> str:
    """ "#17 · bark", "#17" where it has no name."""
    return names.label(names_of(engine), component)


def labels(engine: L2I) -> list[str]:
    """The labels of all components."""
    known = names_of(engine)
    return [names.label(known, k) for k in range(engine.dictionary.n_components)]


def listed(engine: L2I, chosen: Sequence[int], most: int) -> str:
    """The labels of the first `most` components, and how many more there are."""
    known = labels(engine)
    text = ", ".join(known[k] for k in chosen[:most])
    return f"{text} and {len(chosen) - most} more" if len(chosen) > most else text


def ticks(engine: L2I, chosen: Sequence[int]) -> list[str]:
    """Labels as Plotly puts them beside an axis: a long name is cut."""
    known = labels(engine)
    cut = (
        known[k] if len(known[k]) <= _TICK else f"{known[k][: _TICK - 1].rstrip()}…" for k in chosen
    )
    return [escaped_html(text) for text in cut]


def names_of(engine: L2I) -> Names:
    """All names of this dictionary; those of a damaged file are left out (`names_problem`)."""
    return names.merged(_kept(engine)[0], _session(engine))


def names_problem(engine: L2I) -> str:
    """What is wrong with the file of names, "" where nothing is."""
    return _kept(engine)[1]


def rename(engine: L2I, changes: Names) -> str:
    """Take over names ("" removes one); returns what prevented keeping them beyond the session."""
    if shared():
        _session(engine).update(changes)
        return ""
    try:
        names.keep(
            engine.bundle.name, _fingerprint(engine), engine.dictionary.n_components, changes
        )
    except ValueError as error:
        _session(engine).update(changes)
        return str(error)
    for component in changes:
        _session(engine).pop(component, None)
    return ""


def imported(engine: L2I, file_name: str, data: bytes) -> Names:
    """The names in a file; ValueError in one sentence where it is not one for this dictionary."""
    return names.decode(data, file_name, _fingerprint(engine), engine.dictionary.n_components)


def exported(engine: L2I) -> str:
    """All names as the JSON that `imported` takes."""
    return names.encode(engine.bundle.name, _fingerprint(engine), names_of(engine))


def escaped(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$&])", r"\\\1", text)


def escaped_html(text: str) -> str:
    """Text that Plotly, which knows some HTML, shows as it is."""
    return html.escape(text, quote=False)


def _session(engine: L2I) -> Names:
    return st.session_state.setdefault("l2i_names", {}).setdefault(_fingerprint(engine), {})


def _kept(engine: L2I) -> tuple[Names, str]:
    """The names that are kept on this machine, and what is wrong with their file, else ""."""
    name, k = engine.bundle.name, engine.dictionary.n_components
    try:
        return ({} if shared() else names.load(name, _fingerprint(engine), k)), ""
    except ValueError as error:
        return {}, str(error)


# A bundle that is replaced gets another engine.
@functools.lru_cache(maxsize=16)
def _fingerprint(engine: L2I) -> str:
    shared = engine.bundle.dictionary.n_components
    return names.fingerprint(
        engine.bundle.stored_patterns() if shared else engine.dictionary.patterns
    )
