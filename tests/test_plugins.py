"""The recipes of docs/architecture.md, followed as they are written, from outside the package."""

import json
import re
import shutil
from pathlib import Path

import pytest
from driving import Open, select, url

from l2i_core.__main__ import main
from l2i_core.bundle import load_bundle, save_bundle
from l2i_core.classifiers.protocol import registered
from l2i_core.data.clips import Clip
from l2i_core.measure.evaluation import Settings, evaluate
from pipelines.results import levels

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"


def _recipes() -> dict[str, str]:
    """Plug-in path → source, of every "### A …: `path`" and the first block of Python below it."""
    found = re.findall(r"^### [^\n]*?`([^`]+\.py)`(?:, as a plug-in `([^`]+)`)?\n(.*?)^```python\n(.*?)^```",
                       GUIDE.read_text(), re.M | re.S)  # fmt: skip
    return {plug or "/".join(path.split("/")[-2:]): source for path, plug, _, source in found}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the four recipes' files that may run."""
    for path, source in _recipes().items():
        target = tmp_path / "plugins" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source)
    monkeypatch.setenv("L2I_PLUGINS", str(tmp_path / "plugins"))
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    return tmp_path / "plugins"


def _answer(plugins: Path, body: str) -> None:
    """Let the toy explainer do something else."""
    path = plugins / "explainers" / "loudest.py"
    path.write_text(re.sub(r"return .*", lambda _: body, path.read_text()))


def test_the_recipes_are_short() -> None:
    recipes = _recipes()
    rooms = {Path(path).parts[0] for path in recipes}
    assert rooms == {"classifiers", "explainers", "metrics", "pages"}
    for path, source in recipes.items():
        code = [line for line in source.splitlines() if line.strip()]
        assert len(code) <= 15, path


def test_a_classifier(
    plugins: Path, bundle_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = "assets/clips/dog-1.flac"
    asked = ["interpret", clip, "--classifier", "loudness", "--bundle", "esc50", "--json"]
    assert main([*asked, "--interpreter", "loudest"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["classes"] == ["quiet", "loud"]
    assert report["interpreter_logits"] is None
    assert report["selected"]


def test_an_explainer_on_the_command_line(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", "--bundle", "esc10", "--json"]) == 0
    assert "loudest" in json.loads(capsys.readouterr().out)["interpreters"]
    with pytest.raises(SystemExit):
        main(["interpret", "-h"])
    assert "loudest" in capsys.readouterr().out
    assert main(["interpret", "assets/clips/dog-1.flac", "--interpreter", "loudest"]) == 0
    assert "loudest does not mimic f" in capsys.readouterr().out


def test_an_explainer_in_the_app(plugins: Path, open_app: Open) -> None:
    app = open_app(clip="dog-1", bundle="random")
    select(app, "Interpreter").set_value("loudest").run()
    assert not app.exception
    assert url(app)["interpreter"] == "loudest"
    for page in ("dictionary", "noise", "faithfulness", "fidelity", "audit", "lesson", "listen"):
        app.switch_page(f"pages/{page}/page.py").run()
        assert not app.exception, page
    assert any("does not mimic f" in told.value for told in app.caption)


def test_a_classifier_in_the_app(
    plugins: Path, open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = load_bundle("esc50").explaining(registered("loudness"), "loudness")
    save_bundle(made, tmp_path / "bundles" / "loudness")
    app = open_app(clip="dog-1", bundle="random")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "bundles"))
    app.run()
    select(app, "Model").set_value("loudness").run()
    assert not app.exception
    assert url(app)["bundle"] == "loudness"
    for page in ("dictionary", "noise", "faithfulness", "fidelity", "audit", "lesson", "listen"):
        app.switch_page(f"pages/{page}/page.py").run()
        assert not app.exception, page


def test_a_metric_in_an_evaluation(plugins: Path, bundle_folder: Path) -> None:
    clip = Clip("dog-1", "dog", 1, "dog-1", Path("assets/clips/dog-1.flac"))
    made = evaluate(load_bundle(bundle_folder), "att", [clip], Settings((0.3,), ()))
    assert 0 < made.levels[0].measured["concentration"] <= 1
    assert made.summary["concentration"]["0.3"] == made.levels[0].measured["concentration"]
    assert "top share" in levels(made.summary).splitlines()[0]


def test_a_page_in_the_app(plugins: Path, open_app: Open) -> None:
    app = open_app(clip="dog-1", bundle="random")
    app.switch_page(str(plugins / "pages" / "hello.py")).run()
    assert not app.exception
    assert app.title[0].value == "What does f say?"
    assert url(app)["clip"] == "dog-1"


@pytest.mark.parametrize("shared", ["", "1"])
def test_nothing_runs_untrusted(
    plugins: Path,
    shared: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without the user's word, and on a shared server whatever one says."""
    ran = plugins / "ran"
    for path in plugins.rglob("*.py"):
        path.write_text(f"open({str(ran)!r}, 'w')\n")
    monkeypatch.setenv("L2I_TRUST_CODE", shared)
    monkeypatch.setenv("L2I_SHARED", shared)
    assert main(["info"]) == 2
    assert "--trust-code" in capsys.readouterr().err
    assert not ran.exists()


def test_trust_is_given_on_the_command_line(
    plugins: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("L2I_TRUST_CODE", "")
    assert main(["info", "--trust-code"]) == 0
    assert "loudest" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("room", "source", "said"),
    [
        ("classifiers", "@CLASSIFIERS.add('x')\nclass X:\n    sample_rate = 8000", "lacks the method logits"),
        ("explainers", "@EXPLAINERS.add('x')\nclass X(Explainer):\n    title = description = 'x'", "lacks the method relevance"),
        ("explainers", "@EXPLAINERS.add('x')\nclass X: ...", "is no Explainer"),
        ("explainers", "1 / 0", "division by zero"),
        ("explainers", "class (", "invalid syntax"),
        ("explainers", "@EXPLAINERS.add('gradient')\nclass X(Explainer):\n    title = description = 'x'\n    def relevance(self, a, t, ask): ...", "'gradient' is taken"),
    ],
)  # fmt: skip
def test_a_bad_plugin_gets_one_sentence(
    plugins: Path, room: str, source: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(plugins)
    head = f"from l2i_core.{room}.protocol import *\n"
    (plugins / room).mkdir(parents=True)
    (plugins / room / "bad.py").write_text(head + source + "\n")
    assert main(["info"]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"error: the plug-in bad.py \({room}\) cannot be used: .*\n", error), error
    assert said in error


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("analysis.pooled[:3]", "loudest.relevance gave (3,), wanted (100,)"),
        ("0.5", "loudest.relevance gave float, wanted (100,)"),
        ("analysis.pooled * float('nan')", "loudest.relevance gave NaN or infinite numbers."),
        ("analysis.none", "loudest.relevance failed: AttributeError: "),
    ],
)
def test_a_bad_answer_is_told_in_one_sentence(
    plugins: Path, answer: str, said: str, capsys: pytest.CaptureFixture[str], open_app: Open
) -> None:
    """On the command line and on every page, from where one can go on with another interpreter."""
    _answer(plugins, f"return {answer}")
    asked = ["interpret", "assets/clips/dog-1.flac", "--interpreter", "loudest"]
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    app = open_app(clip="dog-1", bundle="random", interpreter="loudest")
    for page in ("listen", "dictionary", "noise", "faithfulness", "fidelity", "audit", "lesson"):
        app.switch_page(f"pages/{page}/page.py").run()
        assert not app.exception, page
        (told,) = app.error
        assert f"l{told.value[1:]}".startswith(said.replace("100", "12")), page
    select(app, "Interpreter").set_value("att").run()
    assert not app.error
    assert app.title


def test_activations_of_another_shape_are_told(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = plugins / "explainers" / "loudest.py"
    more = """
    def activations(self, heard, log_magnitude, patterns):
        return Activations(log_magnitude)
"""
    source = path.read_text().replace("Explainer\n\n", "Activations, Explainer\n\n", 1)
    path.write_text(source + more)
    assert main(["interpret", "assets/clips/dog-1.flac", "--interpreter", "loudest"]) == 2
    assert "loudest.activations gave (513, " in capsys.readouterr().err


def test_a_bad_answer_for_another_class_is_a_message_too(plugins: Path, open_many: Open) -> None:
    """Listen explains what else a multi-label model hears, too, and it fails there."""
    first = "seen = self.__dict__.setdefault('seen', target)"
    _answer(plugins, f"{first}; return analysis.pooled if target == seen else 0.5")
    app = open_many(clip="dog-1", interpreter="loudest")
    (told,) = app.error
    assert told.value.startswith("Loudest.relevance gave float")
    assert app.title


def test_a_bad_plugin_is_a_message_in_the_app(plugins: Path, open_app: Open) -> None:
    app = open_app(clip="dog-1", bundle="random")
    path = plugins / "explainers" / "loudest.py"
    path.write_text(path.read_text().replace("def relevance", "def nothing"))
    app.run()
    assert not app.exception
    told = " ".join(str(e.value) for e in app.error)
    assert "the plug-in loudest.py (explainers) cannot be used" in told
