"""Files to take along, and those that lie beside a module."""

import functools
import mimetypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from l2i_core.files import SPREADSHEET

MOST = 150  # letters of a file name


def download(
    label: str,
    content: str | bytes | Callable[[], str | bytes],
    name: str,
    place: Any = st,
    **more: Any,
) -> None:
    """A button that saves `content` (made when it is asked for, where it is a function) as the file
    `name`, and starts no run; more as `st.download_button` takes it."""
    kind, name = mimetypes.guess_type(name)[0], plain_name(name)
    if name.endswith(".csv"):
        content = _marked(content)
    given = {"mime": kind, "on_click": "ignore", "width": "stretch"} | more
    place.download_button(label, content, name, **given)


@functools.cache
def read_beside(module: str, name: str) -> str:
    """The text of the file `name` beside a module's `__file__`: a script, a style sheet, words."""
    return Path(module).with_name(name).read_text(encoding="utf-8")


def plain_name(name: str) -> str:
    """A file name that every system takes, whatever clip it is named after."""
    stem, dot, ending = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "_", name).rpartition(".")
    stem = stem.strip(" .")[:MOST].rstrip(" .")
    return f"{stem or 'clip'}{dot}{ending}"


def _marked(content: str | bytes | Callable[[], str | bytes]) -> Callable[[], bytes] | bytes:
    """A CSV file as spreadsheets read it."""
    if callable(content):
        return lambda: _marked(content())  # type: ignore[return-value]
    return content if isinstance(content, bytes) else content.encode(SPREADSHEET)
