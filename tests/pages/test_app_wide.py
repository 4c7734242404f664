"""Every page with a model of 521 classes: quick, the top ones first, and no figure of all of them."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from driving import Open, select, texts, url
from measured import ABOUT, THRESHOLDS, _level
from streamlit.testing.v1 import AppTest
from torch import nn

from l2i_core.bundle import Bundle, load_bundle, save_bundle
from l2i_core.classifiers.kumar import KumarVgg
from l2i_core.classifiers.opening import opened
from l2i_core.classifiers.protocol import network_of
from l2i_core.data import synth
from l2i_core.measure.evaluation import Evaluation, write_evaluation
from l2i_core.measure.records import ClipRow, LevelRow
from l2i_core.measure.summary import summarise
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES
from pages.show import plots

LABELS = (*synth.LABELS, *(f"class_{number:03d}" for number in range(len(synth.LABELS), 521)))
PAGES = (None, "dictionary", "noise", "faithfulness", "fidelity", "audit", "lesson")
SECONDS = 15  # of processor time for a page whose models are loaded; a busy machine's clock lies


def _wider(linear: nn.Linear) -> nn.Linear:
    """The same with 521 rows, the new ones never the largest."""
    made = nn.Linear(linear.in_features, len(LABELS), bias=linear.bias is not None)
    with torch.no_grad():
        made.weight.mul_(0.01)
        made.weight[: linear.out_features] = linear.weight
        if linear.bias is not None:
            made.bias.fill_(-9.0)
            made.bias[: linear.out_features] = linear.bias
    return made


def _evaluated(several: bool) -> Evaluation:
    """A clip of each of 200 classes; the interpreter errs on every third."""
    clips: list[ClipRow] = []
    levels: list[LevelRow] = []
    for index, label in enumerate(LABELS[:200]):
        theirs = LABELS[(index + (index % 3 == 0)) % 200]
        clips.append(
            ClipRow(
                clip=f"clip-{index}",
                label=label,
                fold=1,
                predicted=label,
                interpreter_predicted=theirs,
                probability=0.9,
                span=2.5,
                norm=1.0,
                reconstruction_error=0.4,
                logits={c: 2.0 if c == label else -2.0 for c in LABELS},
                interpreter_logits={c: 2.0 if c == theirs else -2.0 for c in LABELS},
            )
        )
        for threshold in THRESHOLDS:
            row = _level(f"clip-{index}", threshold, 0.2 + index / 1000)
            own = {"class_": label, "probability": 0.9, "span": 0.5} if several else {}
            levels.append(replace(row, **own))
    task = SEVERAL_CLASSES if several else ONE_CLASS
    return Evaluation("att", tuple(clips), tuple(levels), summarise(clips, levels, LABELS, task))


def _wide(bundle: Bundle, folder: Path, several: bool) -> None:
    network = network_of(bundle.classifier)
    assert network is not None
    if network.linear.out_features < len(LABELS):
        network.linear = _wider(network.linear)
        for interpreter in bundle.interpreters.values():
            interpreter.theta.linear = _wider(interpreter.theta.linear)
    f = KumarVgg(network, bundle.audio, LABELS)
    f.multi_label = several
    save_bundle(replace(bundle, name=folder.name, classifier=f), folder)
    write_evaluation([_evaluated(several)], folder / "metrics", ABOUT)


@pytest.fixture(scope="module")
def wide(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ "one" and "several", with metrics."""
    root = tmp_path_factory.mktemp("wide")
    bundle = load_bundle(bundle_folder)
    _wide(bundle, root / "one", several=False)
    _wide(bundle, root / "several", several=True)
    return root


@pytest.fixture
def open_wide(open_app: Open, wide: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    def open_at(page: str | None = None, **given: str) -> AppTest:
        monkeypatch.setenv("L2I_BUNDLES", str(wide))
        return open_app(page=page, **given)

    return open_at


def _tallest(app: AppTest) -> int:
    """The rows of the largest figure: its longest axis of names."""
    found = [0]
    for chart in app.get("plotly_chart"):
        figure = json.loads(chart.proto.spec)
        for trace in figure["data"]:
            names = [n for n in (trace.get("y"), trace.get("x")) if isinstance(n, list)]
            found += [len({n for n in axis if isinstance(n, str)}) for axis in names]
        ticks = figure["layout"].get("yaxis", {}).get("tickvals", [])
        found.append(len(ticks) if isinstance(ticks, list) else 0)
    return max(found)


@pytest.mark.parametrize("bundle", ["one", "several"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_quick_and_draws_no_more_than_can_be_read(
    open_wide: Open, page: str | None, bundle: str
) -> None:
    app = open_wide(page, bundle=bundle, step="all")
    assert not app.error, texts(app)
    begun = time.process_time()
    app.run()
    assert time.process_time() - begun < SECONDS
    assert not app.exception
    assert 0 < _tallest(app) <= plots.MOST_CLASSES + 1 or page in ("noise", "audit")


def test_classes_are_offered_by_falling_probability(open_wide: Open) -> None:
    app = open_wide(bundle="one")
    box = select(app, "Class to explain")
    view = app.session_state["l2i_view"]
    chances = view.engine.probabilities(view.analysis.logits)
    order = chances.argsort(descending=True, stable=True).tolist()
    assert [name.split(", ")[0] for name in box.options] == [
        f"{LABELS[c].replace('_', ' ')} · {float(chances[c]):.2f}" for c in order
    ]
    assert [", " in name for name in box.options].count(True) == len(view.decided)
    box.select("class_500").run()
    assert url(app)["class"] == "class_500"
    assert not app.exception


def test_figures_say_what_they_leave_out(open_wide: Open) -> None:
    app = open_wide("faithfulness", bundle="one")
    captions = " ".join(caption.value for caption in app.caption)
    assert f"Drawn: the {plots.MOST_CLASSES} of 200 classes" in captions
    app = open_wide("fidelity", bundle="one")
    assert "of 200 classes" in texts(app)  # the sentence is about all of them
    frames = [frame.value for frame in app.dataframe]
    assert any(frame.shape == (200, 200) for frame in frames)  # and so is the table


@pytest.mark.parametrize("page", ["faithfulness", "fidelity"])
def test_classes_can_be_found_and_stay_found(open_wide: Open, page: str) -> None:
    app = open_wide(page, bundle="one")
    find = app.multiselect[0]
    assert find.options == sorted(find.options)
    find.set_value(["class_150", "class_151"]).run()
    frame = next(d.value for d in app.dataframe if "class" in d.value)
    assert frame["class"].tolist() in (["class 150", "class 151"], ["class 151", "class 150"])
    app.switch_page("pages/lesson/page.py").run()
    app.switch_page(f"pages/{page}/page.py").run()
    assert app.multiselect[0].value == ["class_150", "class_151"]
    assert not app.exception


def test_yamnet_itself(
    open_app: Open, yamnet_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_bundle(load_bundle("esc50").explaining(opened("yamnet"), "yamnet"), tmp_path / "yamnet")
    app = open_app()
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path))
    for page in PAGES[1:]:
        app.query_params["bundle"] = "yamnet"
        app.switch_page(f"pages/{page}/page.py").run()
        assert not app.exception, app.exception
        assert not app.error, texts(app)
        assert len(select(app, "Class to explain").options) == 521
