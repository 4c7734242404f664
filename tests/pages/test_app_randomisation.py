"""What the Faithfulness page says of explanations with f drawn anew, driven by AppTest."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import Open, texts
from streamlit.testing.v1 import AppTest

Write = Callable[..., Path]


def _level(layers: int, rho: float | None, undefined: int = 0) -> dict[str, Any]:
    spread = {"median": rho, "q25": rho, "q75": rho}
    similar = {"median": 0.5, "q25": 0.4, "q75": 0.6}
    known = {"down_to": "linear", "n": 20, "undefined": undefined}
    return {"layers": layers, **known, "spearman": spread, "ssim": similar}


def _block(rho: float | None, undefined: int = 0, passed: bool | None = True) -> dict[str, Any]:
    return {
        "n": 4,
        "all_layers": 14,
        "active": {"median": 20.0},
        "ssim_chance": {"median": 0.45},
        "levels": [_level(1, 0.9), _level(14, rho, undefined)],
        "passed": passed,
        "about": {"seeds": 5},
    }


@pytest.fixture
def write(models: Path) -> Write:
    """Figures into the bundle "drawn"."""

    def put(**blocks: Any) -> Path:
        folder = models / "drawn"
        if not folder.is_dir():
            shutil.copytree(models / "random", folder)
        (folder / "metrics").mkdir(exist_ok=True)
        path = folder / "metrics" / "randomisation.json"
        path.write_text(json.dumps(blocks))
        return path

    return put


def _figures(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")][-2:]


def test_the_finding_and_a_curve_per_explainer(open_app: Open, write: Write) -> None:
    write(att=_block(0.66, passed=False), max=_block(0.05, 3))
    app = open_app(page="faithfulness", bundle="drawn", interpreter="max")
    assert "With f drawn anew" in [s.value for s in app.subheader]
    assert (
        "MAX's relevances keep ρ = 0.05 with the true f's: its explanations come from what f"
        in (texts(app))
    )
    assert "In 3 of 20 cases all are equal, and there is no ρ." in texts(app)
    for figure in _figures(app):
        named = [trace for trace in figure["data"] if trace.get("name")]
        assert [trace["name"] for trace in named] == ["MAX", "ATT"], "the one shown is first"
        assert all(trace["x"] == [0.0, 1 / 14, 1.0] for trace in named)
    assert [trace["y"] for trace in _figures(app)[0]["data"] if trace.get("name")] == [
        [1.0, 0.9, 0.05],
        [1.0, 0.9, 0.66],
    ]
    told = " ".join(caption.value for caption in app.caption)
    assert "4 clips, 5 random f's" in told
    assert "shuffled among the clip's components: 0.45" in told


def test_what_keeps_more_is_told_in_the_colour_of_warnings(open_app: Open, write: Write) -> None:
    write(att=_block(0.66, passed=False))
    app = open_app(page="faithfulness", bundle="drawn", interpreter="att")
    assert "keep ρ = 0.66 with the true f's: :orange[more than 0.2" in texts(app)
    app = open_app(page="faithfulness", bundle="drawn", interpreter="max")
    assert "MAX was not checked; the others:" in texts(app)


def test_constant_explanations_have_no_rho(open_app: Open, write: Write) -> None:
    write(att=_block(None, 20, None))
    app = open_app(page="faithfulness", bundle="drawn", interpreter="att")
    assert "ATT gives every component the same" in texts(app)
    assert not app.exception


def test_unchecked_and_damaged_are_one_sentence(open_app: Open, write: Write) -> None:
    app = open_app(page="faithfulness", bundle="random")
    assert "(`pipelines.check_randomisation`)" in " ".join(c.value for c in app.caption)
    write(att={"n": 4})
    app = open_app(page="faithfulness", bundle="drawn", interpreter="att")
    assert "metrics/randomisation.json cannot be read" in texts(app)
    assert not app.exception
