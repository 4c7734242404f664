"""The app's pages: `pages/NAME/page.py` each, and `pages/NAME.py` of a plug-in folder.

A page's title is its docstring up to the colon. Its address is its name; the default page's is "".
"""

import ast
import functools
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from l2i_core.classifiers.protocol import CLASSIFIERS
from l2i_core.explainers.protocol import EXPLAINERS
from l2i_core.measure.metrics.registry import METRICS
from l2i_core.registry import plugin_files

_HERE = Path(__file__).resolve().parents[1]
# The reading order; pages that are not named here follow by name.
ORDER = ("listen", "dictionary", "noise", "faithfulness", "fidelity", "audit", "lesson")


def pages() -> tuple[list[StreamlitPage], list[str]]:
    """All pages, the default one first, and a sentence for each plug-in that is not shown."""
    found = {path.parent.name: path for path in _HERE.glob("*/page.py")}
    names = [*ORDER, *sorted(set(found) - set(ORDER))]
    files, problems = plugin_files("pages")
    registries = (CLASSIFIERS, EXPLAINERS, METRICS)
    problems += [problem for registry in registries for problem in registry.problems]
    taken = {path.stem for path in files} & set(found)
    problems += [f"the plug-in page {n}.py is not shown: there is one of its name." for n in taken]
    every = {n: found[n] for n in names} | {p.stem: p for p in files if p.stem not in taken}
    made = []
    for name, path in every.items():
        title = _title(path, path.stat().st_mtime_ns)
        if not title:
            problems.append(
                f"the page {path} is not shown: it begins with no docstring “Title: …”."
            )
            continue
        first = name == ORDER[0]
        made.append(st.Page(path, title=title, url_path=None if first else name, default=first))
    return made, list(dict.fromkeys(problems))


@functools.lru_cache
def _title(path: Path, stamp: int) -> str:
    try:
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
    except (SyntaxError, ValueError, OSError):
        return ""
    return text.partition(":")[0].strip() if ":" in text else ""
