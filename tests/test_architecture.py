"""Who may import whom, and where signal processing lives: read from the source, not run."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPECTRAL = {"stft", "istft", "log1p", "expm1"}
MODULES = sorted(
    path
    for folder in ("l2i_core", "pipelines", "pages")
    for path in (ROOT / folder).rglob("*.py")
) + [path for path in (ROOT / "app.py",) if path.is_file()]  # fmt: skip

PAGES = sorted((ROOT / "pages").glob("*/*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """The full names of all imported modules, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def spectral_uses(tree: ast.AST) -> list[str]:
    """Uses of the STFT and of the log scale other than through l2i_core.signal.spectra."""
    found = [name for name in imported(tree) if name.rsplit(".")[-1] in SPECTRAL]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.lstrip("_") in SPECTRAL:
            if not (isinstance(node.value, ast.Name) and node.value.id == "spectra"):
                found.append(ast.unparse(node))
        elif isinstance(node, ast.Name) and node.id in SPECTRAL:
            found.append(node.id)
    return found


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(_tree(path))}


def _top(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def test_the_rules_can_be_broken() -> None:
    for source in (
        "import torch\ntorch.stft(x)",
        "from torch import istft",
        "import numpy as np\nnp.log1p(x)",
        "y = x.expm1_",
        "from librosa import stft as s",
        "import torchaudio\ntorchaudio.functional.istft(x)",
    ):
        source = source.replace("expm1_", "expm1()")
        assert spectral_uses(ast.parse(source)), source
    assert not spectral_uses(ast.parse("from l2i_core.signal import spectra\nspectra.stft(x)"))
    assert "pipelines" in {
        n.split(".")[0] for n in imported(ast.parse("def f():\n    from pipelines import x"))
    }


def test_there_is_something_to_check() -> None:
    tops = {_top(path) for path in MODULES}
    assert {"l2i_core", "pipelines"} <= tops
    assert "l2i_core/signal/spectra.py" in {str(p.relative_to(ROOT)) for p in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    forbidden = {
        "l2i_core": {"streamlit", "pages", "pipelines", "app", "tests"},
        "pipelines": {"streamlit", "pages", "app", "tests"},
        "pages": {"pipelines", "app", "tests"},
        "app.py": {"pipelines", "tests"},
    }[_top(path)]
    if path == ROOT / "l2i_core" / "__main__.py":
        # One front for all commands: `fit` is training, which the engine does without, so the front
        # imports that one module, where it runs the command alone.
        tree = _tree(path)
        named = {name for name in imported(tree) if name.startswith("pipelines")}
        assert named == {"pipelines.fit"}
        assert not {n for node in tree.body for n in _imported_at_once(node)} & {"pipelines"}
        forbidden = forbidden - {"pipelines"}
    assert not _roots(path) & forbidden


def _imported_at_once(node: ast.stmt) -> set[str]:
    """The roots that a statement of a module imports when the module is."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return set()
    return {name.split(".")[0] for name in imported(node)}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_build_on_the_shell_and_the_shell_on_what_is_shown(path: Path) -> None:
    room = path.relative_to(ROOT).parts[1]
    below = {"show": {"show"}, "shell": {"show", "shell"}}.get(room, {"show", "shell", room})
    named = {name.split(".")[1] for name in imported(_tree(path)) if name.startswith("pages.")}
    assert named <= below


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_spectra_are_made_in_one_place(path: Path) -> None:
    if path == ROOT / "l2i_core" / "signal" / "spectra.py":
        assert {"stft", "istft", "log1p", "expm1"} == {
            use.rsplit(".")[-1] for use in spectral_uses(_tree(path))
        }
    else:
        assert spectral_uses(_tree(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_unpickles_but_the_one_importer(path: Path) -> None:
    source = path.read_text()
    if path.name == "import_kumar.py":
        assert "weights_only=True" in source
    else:
        assert "torch.load" not in source
        assert "pickle" not in _roots(path)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_house_rules(path: Path) -> None:
    tree = _tree(path)
    assert path.stem not in ("utils", "helpers", "misc")
    assert ast.get_docstring(tree), "a file opens with what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.args, *node.args.kwonlyargs]
            untyped = [
                a.arg for a in arguments if not a.annotation and a.arg not in ("self", "cls")
            ]
            assert not untyped, f"{node.name} lacks types for {untyped}"
            assert node.returns is not None, f"{node.name} lacks its return type"
        if isinstance(node, ast.Call):
            keywords = {k.arg: k.value for k in node.keywords}
            strict = keywords.get("strict")
            if ast.unparse(node.func).endswith("load_state_dict"):
                assert strict is None or ast.unparse(strict) == "True"
            assert not ast.unparse(node.func).endswith("parse_known_args")


def test_every_import_is_a_declared_requirement() -> None:
    required = (ROOT / "requirements.txt").read_text().lower()
    stems = {"yaml": "pyyaml", "sklearn": "scikit-learn", "PIL": "pillow"}
    standard = sys.stdlib_module_names
    for path in (p for p in MODULES if _top(p) in ("l2i_core", "pipelines")):
        for name in _roots(path) - standard - {"l2i_core", "pipelines"}:
            assert stems.get(name, name).lower() in required, f"{path.name} imports {name}"


def test_every_extra_is_declared_and_imported_where_it_is_needed_alone() -> None:
    optional = (ROOT / "pyproject.toml").read_text()
    needed = {
        node.args[0].value
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "extra"
    }
    assert needed == {"onnxruntime", "transformers"}
    for name in needed:
        assert f'["{name}>' in optional
        assert name in (ROOT / "requirements-dev.txt").read_text()


# The engine's floors, lowest first: a module imports its own floor and those below. A room is a
# floor; a file beside the rooms that is not named here is the lowest.
FLOORS = (
    {"l2i_core"},
    {"signal"},
    {"data", "dictionary"},
    {"classifiers"},
    {"explainers"},
    {"bundle"},
    {"engine"},
    {"measure"},
    {"report"},
    {"__main__"},
)
MOST_LINES, MOST_OF_AN_OUTLINE, MOST_FLAT = 400, 150, 10


def _floor(name: str) -> int:
    """The floor of a module of the engine by its full name; of `l2i_core` itself the engine's,
    which its front gives out."""
    parts = [*name.split("."), "engine"]
    found = (i for i, rooms in enumerate(FLOORS) if parts[1] in rooms)
    return next(found, 0)


@cache
def _imports_of_the_engine() -> dict[str, set[str]]:
    """Module → the modules of the engine that it imports, by full names."""
    names = {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p
        for p in MODULES
        if _top(p) == "l2i_core"
    }
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        given = imported(_tree(path))
        known = {n if n in names else n.rpartition(".")[0] for n in given}
        found[name] = {n for n in known if n in names}
    return found


@pytest.mark.parametrize("name", sorted(_imports_of_the_engine()))
def test_imports_go_down(name: str) -> None:
    if name == "l2i_core":
        return  # the front gives out what the rooms hold
    above = {n for n in _imports_of_the_engine()[name] if _floor(n) > _floor(name)}
    assert not above, f"{name} is on floor {_floor(name)}"


def test_the_floors_tell_high_from_low() -> None:
    assert _floor("l2i_core.words") < _floor("l2i_core.signal.spectra")
    assert _floor("l2i_core.explainers.l2i") < _floor("l2i_core.bundle") < _floor("l2i_core")
    assert _floor("l2i_core.measure.metrics") < _floor("l2i_core.report.html_report")


def test_no_circle_in_the_engine() -> None:
    left = _imports_of_the_engine()
    while free := [name for name, needed in left.items() if not needed & left.keys() - {name}]:
        for name in free:
            del left[name]
    assert not left


def test_no_module_is_long() -> None:
    scripts = [p for folder in ("l2i_core", "pages") for p in (ROOT / folder).rglob("*.js")]
    long = {
        str(p.relative_to(ROOT)): n
        for p in (*MODULES, *scripts)
        if (n := len(p.read_text().splitlines())) > MOST_LINES
    }
    assert not long


def test_pages_are_outlines_and_the_engine_has_rooms() -> None:
    outlines = {p: len(p.read_text().splitlines()) for p in (ROOT / "pages").glob("*/page.py")}
    assert len(outlines) == 8
    assert {str(p): n for p, n in outlines.items() if n > MOST_OF_AN_OUTLINE} == {}
    flat = {p.stem for p in (ROOT / "l2i_core").glob("*.py")} - {"__init__"}
    assert len(flat) <= MOST_FLAT, flat
