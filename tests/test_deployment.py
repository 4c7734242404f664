"""What a deployment relies on: the image's recipe and the variables that the README explains."""

import re
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = [
    path
    for folder in ("l2i_core", "pages", "pipelines", "tools")
    for path in (ROOT / folder).rglob("*.py")
]


def _steps() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {name for step, rest in _steps() if step == "COPY" for name in rest.split()[:-1]}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def test_everything_that_the_app_imports_is_copied() -> None:
    copied = {name for step, rest in _steps() if step == "COPY" for name in rest.split()[:-1]}
    for path in [
        ROOT / "app.py",
        *(ROOT / "pages").rglob("*.py"),
        *(ROOT / "l2i_core").rglob("*.py"),
    ]:
        for name in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE):
            if (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file():
                assert name in copied or f"{name}.py" in copied, f"{path.name} imports {name}"


def test_it_does_not_run_as_root_and_says_whether_it_is_well() -> None:
    steps = _steps()
    names = [name for name, _ in steps]
    assert names.index("USER") < names.index("CMD")
    assert dict(steps)["USER"] not in ("root", "0")
    assert "/_stcore/health" in dict(steps)["HEALTHCHECK"]


def test_the_torch_step_finds_its_lines() -> None:
    step = next(rest for name, rest in _steps() if name == "RUN" and "TORCH_INDEX" in rest)
    pattern = next(w for w in shlex.split(step) if w.startswith("^("))
    found = subprocess.run(
        ["grep", "-E", pattern, str(ROOT / "requirements.txt")], capture_output=True, text=True
    ).stdout.split()
    assert [line.split("==")[0] for line in found] == ["torch", "torchaudio"]


def test_the_readme_explains_every_variable() -> None:
    used = {name for path in CODE for name in re.findall(r"\bL2I_[A-Z0-9]+(?:_[A-Z0-9]+)*\b", path.read_text())}  # fmt: skip
    assert {"L2I_BUNDLES", "L2I_HOME", "L2I_WORKERS"} <= used
    readme = (ROOT / "README.md").read_text()
    table = set(re.findall(r"^\| `(L2I_[A-Z0-9_]+)`", readme, re.MULTILINE))
    assert table == used | {"L2I_ESC10", "L2I_ESC50"}
