"""Files to take along, and those that lie beside a module."""

import functools
import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st


def download(
    label: str,
    content: str | bytes | Callable[[], str | bytes],
    name: str,
    place: Any = st,
    **more: Any,
) -> None:
    """A button that saves `content` (made when it is asked for, where it is a function) as the file
    `name`, and starts no run; more as `st.download_button` takes it."""
    kind = mimetypes.guess_type(name)[0]
    given = {"mime": kind, "on_click": "ignore", "width": "stretch"} | more
    place.download_button(label, content, name, **given)


@functools.cache
def read_beside(module: str, name: str) -> str:
    """The text of the file `name` beside a module's `__file__`: a script, a style sheet, words."""
    return Path(module).with_name(name).read_text(encoding="utf-8")
