"""What the documents say of the code is so."""

import importlib
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


def _named() -> list[str]:
    """The functions of method.md's table of equations."""
    table = (DOCS / "method.md").read_text().split("\n\n")
    (rows,) = (part for part in table if part.startswith("| paper | what | function |"))
    cells = [line.rsplit("|", 2)[1] for line in rows.splitlines()[2:]]
    return [name for cell in cells for name in re.findall(r"`([\w.]+\.\w+)`", cell)]


def test_there_are_functions_to_look_for() -> None:
    assert len(_named()) > 15


@pytest.mark.parametrize("name", _named())
def test_every_equations_function_is_there(name: str) -> None:
    parts = name.split(".")
    root = "" if parts[0] == "pipelines" else "l2i_core."
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(root + ".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            found = getattr(found, attribute)
        return
    raise AssertionError(name)


def test_every_room_is_told() -> None:
    told = (DOCS / "architecture.md").read_text()
    for root in ("l2i_core", "pages"):
        for path in (DOCS.parent / root).iterdir():
            if path.is_dir() and (path / "__init__.py").is_file():
                page = root == "pages" and (path / "page.py").is_file()
                assert page or f"`{root}/{path.name}/`" in told, path
