"""The Dictionary page, run from the router with Streamlit's AppTest, on the random model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import APP, Open, button, engine_for, go, select, sounds, texts, url
from streamlit.testing.v1 import AppTest

from l2i_core import L2I
from l2i_core.dictionary import names
from l2i_core.measure import records, usage
from l2i_core.measure.records import ClipRow, to_csv
from pages.dictionary import use
from pages.shell import clips, components, evidence

FEW = ("dog-1", "rain-1", "dog+rain")
ENTRIES = [{"predicted": "dog", "label": "dog"}, {"predicted": "rain", "label": "rain"}]


@pytest.fixture(autouse=True)
def few_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {clip.id: clip for clip in clips.bundled() if clip.id in FEW}
    monkeypatch.setattr(clips, "few_at_hand", lambda: found)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("L2I_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("L2I_SHARED", raising=False)
    return tmp_path / "home"


@pytest.fixture
def opened(models: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """The page as the first request, with the random model, dog-1 unless the URL says else."""
    monkeypatch.setenv("L2I_BUNDLES", str(models))

    def open_at(**values: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in ({"bundle": "random", "clip": "dog-1"} | values).items():
            app.query_params[name] = value
        app.switch_page("pages/dictionary.py").run()  # as the first request: first.run_router
        assert not app.exception, app.exception
        return app

    return open_at


@pytest.fixture
def evaluated(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """evaluated(name, z (N, K), text=None): a copy of the random model with per-clip metrics."""

    def write(name: str, pooled: np.ndarray, text: str | None = None) -> None:
        root = tmp_path / "evaluated"
        shutil.copytree(models / "random", root / name)
        rows = [
            ClipRow(
                clip=f"clip-{i}",
                fold=1,
                **ENTRIES[i % 2],
                pooled={str(k): float(v) for k, v in enumerate(z)},
            )
            for i, z in enumerate(pooled)
        ]
        (root / name / "metrics").mkdir()
        for short in ("att", "max"):
            path = root / name / "metrics" / f"clips-{short}.csv"
            path.write_text(records.write(rows) if text is None else text)
        monkeypatch.setenv("L2I_BUNDLES", f"{models}:{root}")

    return write


def order(app: AppTest) -> list[int]:
    """The components as the wall has them."""
    return list(cells(app))


def cells(app: AppTest) -> dict[int, dict[str, Any]]:
    sent = [found.proto for found in app.get("bidi_component")]
    data = json.loads(next(proto.json for proto in sent if proto.component_name == "l2i_wall"))
    return {cell["k"]: cell for cell in data["cells"]}


def said(app: AppTest) -> str:
    return texts(app) + " ".join(c.value for c in app.caption)


def pooled_of(engine: L2I) -> dict[str, Any]:
    """z (K,) of the few clips."""
    few = clips.few_at_hand()
    return {name: engine.analyse(*clip.read()).pooled for name, clip in few.items()}


def used(engine: L2I) -> list[int]:
    """The components that any of the few clips uses."""
    found = sum(z for z in pooled_of(engine).values())
    return [k for k in range(len(found)) if float(found[k]) > 0]


def strongest(engine: L2I, k: int) -> str:
    pooled = pooled_of(engine)
    return max(pooled, key=lambda name: float(pooled[name][k]))


def test_first_visit_shows_the_clip_s_most_relevant_component(opened: Open) -> None:
    app = opened()
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()["dog-1"].read())
    best = int(engine.relevance(analysis, url(app)["class"]).argmax())
    assert url(app)["component"] == str(best)
    assert app.title[0].value == "Which 12 sounds can an explanation be made of?"
    assert sorted(order(app)) == list(range(12))
    assert len(set(sounds(app)[1:4])) == 3
    assert len(sounds(app)) == 1 + 3 + sum("Open in Listen" in b.label for b in app.button)
    assert not app.error
    assert not app.warning
    title = clips.at_hand()[strongest(engine, best)].title
    assert f"**Strongest in {title}**" in texts(app)
    assert "no per-clip metrics" in texts(app)


def test_deep_link_restores_the_view(opened: Open) -> None:
    link = {"component": "7", "sort": "weight", "among": "for", "band": "all", "class": "rain"}
    app = opened(**link)
    assert link.items() <= url(app).items()
    weights = engine_for(app).class_weights[engine_for(app).class_index("rain")]
    expected = [k for k in weights.argsort(descending=True).tolist() if weights[k] > 0]
    assert order(app) == expected
    assert select(app, "Component").value == "7"
    again = opened(**link)
    assert sounds(again) == sounds(app)


@pytest.mark.parametrize(
    ("name", "value"),
    [("component", "12"), ("component", "x"), ("sort", "taste"), ("band", "9-1")],
)
def test_wrong_values_in_the_url(opened: Open, name: str, value: str) -> None:
    plain = url(opened())
    app = opened(**{name: value})
    assert [w.value for w in app.warning if f"“{value}”" in w.value and w.value.endswith(".")]
    assert len(app.warning) == 1
    assert url(app) == plain
    select(app, "Sort by").set_value("use").run()
    assert not app.warning


def test_filters(opened: Open) -> None:
    app = opened(sort="number")
    engine = engine_for(app)
    weights = engine.class_weights[engine.class_index(url(app)["class"])]
    select(app, "Show").set_value("against").run()
    assert order(app) == [k for k in range(12) if weights[k] < 0]
    bins = np.arange(513) * 44100 / 1024
    patterns = engine.dictionary.patterns.numpy()
    centres = bins @ patterns / patterns.sum(axis=0)
    select(app, "Show").set_value("all").run()
    select(app, "Centre frequency").set_value("1000-4000").run()
    assert order(app) == [k for k in range(12) if 1000 <= centres[k] < 4000]
    select(app, "Centre frequency").set_value("0-250").run()
    select(app, "Show").set_value("named").run()
    assert order(app) == []
    assert "No component is left" in texts(app)
    assert not app.exception
    assert len(sounds(app)) > 1, "the chosen one can still be heard"


def test_another_component_sounds_different(opened: Open) -> None:
    app = opened(component="0", sort="number")
    heard, engine = {}, engine_for(app)
    first, second, *_ = used(engine)
    for k in (first, second):
        select(app, "Component").set_value(str(k)).run()
        assert url(app)["component"] == str(k)
        heard[k] = sounds(app)[2:4]
        assert f"**Strongest in {clips.at_hand()[strongest(engine, k)].title}**" in texts(app)
    assert not set(heard[first]) & set(heard[second])


def test_use_comes_from_the_metrics(opened: Open, evaluated: Any) -> None:
    pooled = np.zeros((4, 12))
    pooled[:, 5] = [1.0, 4.0, 2.0, 3.0]
    pooled[3, 2] = 0.5
    evaluated("counted", pooled)
    app = opened(bundle="counted", sort="use", component="5", tau="0.00")
    theta = engine_for(app).class_weights
    counts = {5: int(2 * (theta[0, 5] > 0) + 2 * (theta[1, 5] > 0)), 2: int(theta[1, 2] > 0)}
    shown = cells(app)
    assert {k: shown[k]["figure"] for k in (5, 2)} == {k: str(n) for k, n in counts.items()}
    assert [k for k in range(12) if not shown[k]["silent"]] == [2, 5]
    assert f"used in {counts[5]} of 4 test clips" in texts(app)
    table = app.dataframe[0].value
    assert table["clip"].tolist() == ["clip-1", "clip-3", "clip-2", "clip-0"]
    assert table["z"].tolist() == [4.0, 3.0, 2.0, 1.0]
    assert "2 of the 4 are labelled “dog”" in texts(app)
    select(app, "Component").set_value("7").run()
    assert "#7 is never active in the 4 test clips" in texts(app)
    select(app, "Show").set_value("silent").run()
    assert sorted(order(app)) == [k for k in range(12) if k not in (2, 5)]


def test_test_clips_play_where_their_audio_is_at_hand(
    opened: Open, evaluated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = np.zeros((4, 12))
    k = used(engine_for(opened()))[0]
    pooled[:, k] = [1.0, 4000.0, 2.0, 3.0]
    evaluated("counted", pooled)
    app = opened(bundle="counted", component=str(k))
    assert "The audio of clip-1 is not at hand: add the test set as a clip source" in said(app)
    assert "demo and own clips)" in texts(app)
    before = len(sounds(app))

    real, demo = clips.at_hand(), clips.at_hand()["rooster-1"]
    here = replace(demo, id="esc10:clip-1", title="Clip 1")
    monkeypatch.setattr(clips, "at_hand", lambda: {**real, here.id: here})
    app = opened(bundle="counted", component=str(k))
    assert "is not at hand" not in said(app)
    assert len(sounds(app)) == before + 1
    assert "**Strongest in Clip 1** (z = 4000, of 3 demo and own clips and 1 test" in texts(app)
    next(b for b in app.button if b.key == "listen esc10:clip-1").click().run()
    assert not app.exception
    assert url(app)["clip"] == "esc10:clip-1"


@pytest.mark.parametrize("text", ["clip,predicted\na,dog\n", ""])
def test_damaged_metrics_are_one_sentence(opened: Open, evaluated: Any, text: str) -> None:
    evaluated("damaged", np.ones((1, 12)), text)
    app = opened(bundle="damaged")
    assert len(app.warning) == 1
    assert "demo and own clips instead." in app.warning[0].value
    assert len(sounds(app)) > 3


def test_a_component_that_is_never_active_says_so(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = np.ones(12, dtype="f4")
    pooled[4] = 0.0
    monkeypatch.setattr(use, "pooled_in", lambda key, engine, source: (pooled, 0))
    app = opened(component="4", sort="number")
    assert "#4 has no sound here" in texts(app)
    assert "None of the 3 demo and own clips uses #4" in texts(app)
    assert len(sounds(app)) == 1
    assert cells(app)[4]["silent"]
    assert not app.exception


def test_open_in_listen(opened: Open) -> None:
    app = opened(component="0", tau="0.12", sort="use")
    wanted = strongest(engine_for(app), 0)
    button(app, "Open in Listen").click().run()
    assert not app.exception
    assert "speaks for" in app.title[0].value or app.title[0].value.startswith("Why did")
    assert url(app)["clip"] == wanted
    assert url(app)["tau"] == "0.12"
    assert url(app)["component"] == "0"


def test_names_are_kept_for_this_dictionary_only(opened: Open, home: Path) -> None:
    app = opened(component="3")
    odd = "*bark* [x](http://y) <b>"
    app.text_input[0].set_value(f"  {odd} ").run()
    assert not app.exception
    assert cells(app)[3]["below"] == odd
    assert [path.parent.name for path in home.rglob("*.json")] == ["names"]
    assert components.names_of(engine_for(app)) == {3: odd}
    assert [components.label(engine_for(app), k) for k in (3, 2)] == [f"#3 · {odd}", "#2"]
    other = opened(component="3")
    assert other.text_input[0].value == odd
    assert select(other, "Component").options[order(other).index(3)].startswith(f"#3 · {odd} · ")
    assert opened(bundle="turned").text_input[0].value == ""
    other.text_input[0].set_value("").run()
    assert components.names_of(engine_for(other)) == {}


def test_names_go_wherever_a_component_is_listed(opened: Open) -> None:
    app = opened()
    engine, view = engine_for(app), app.session_state["l2i_view"]
    first, second = map(
        int, engine.relevance(view.analysis, view.target).argsort().tolist()[:-3:-1]
    )
    name = "*bark* <b>"
    app.text_input[0].set_value(name).run()  # the most relevant is chosen at first
    app.switch_page("pages/listen/page.py").run()
    sent = [found.proto for found in app.get("bidi_component")]
    live = next(proto.json for proto in sent if proto.component_name == "l2i_live")
    labels = json.loads(live)["labels"]
    assert labels[first] == f"#{first} · {name}"
    assert labels[second] == f"#{second}"
    app.switch_page("pages/noise/page.py").run()
    bars = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]["y"]
    assert f"#{first} · *bark* &lt;b&gt;" in bars
    assert f"#{second}" in bars
    app.query_params["step"] = "7"
    app.switch_page("pages/lesson/page.py").run()
    assert components.escaped(f"#{first} · {name}") in texts(app)
    report = evidence.report(view.explained(), view.source, view.key[0])
    assert report["component_names"] == {str(first): name}


def test_a_shared_server_writes_no_names(
    opened: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_SHARED", "1")
    app = opened(component="3")
    app.text_input[0].set_value("mine").run()
    assert cells(app)[3]["below"] == "mine"
    assert not home.exists()
    assert opened(component="3").text_input[0].value == ""


def test_names_that_cannot_be_written_stay_in_the_session(opened: Open, home: Path) -> None:
    home.write_text("a file where the folder should be")
    app = opened(component="3")
    app.text_input[0].set_value("mine").run()
    assert cells(app)[3]["below"] == "mine"
    assert any("for this session only" in e.value for e in app.error)
    assert not app.exception


def _upload(app: AppTest, name: str, data: bytes) -> AppTest:
    uploader = next(one for one in app.file_uploader if one.label.startswith("Import names"))
    uploader.set_value((name, data, "application/json")).run()
    assert not app.exception, app.exception
    return app


def test_export_and_import(opened: Open, home: Path, models: Path) -> None:
    app = opened(component="3")
    app.text_input[0].set_value("bark").run()
    engine = engine_for(app)
    text = names.encode(
        "random", names.fingerprint(engine.bundle.stored_patterns()), {3: "woof", 0: "hum"}
    )
    _upload(app, "names.json", text.encode())
    assert {k: cells(app)[k]["below"] for k in (0, 3)} == {0: "hum", 3: "woof"}
    assert "2 names imported, 1 of them in place of others" in app.toast[0].value
    assert app.text_input[0].value == "woof"


@pytest.mark.parametrize("data", [b"poem", b'{"format": "l2i-component-names/1"}'])
def test_a_wrong_file_changes_nothing(opened: Open, data: bytes) -> None:
    app = opened(component="3")
    app.text_input[0].set_value("bark").run()
    before = url(app), cells(app), sounds(app)
    _upload(app, "names.json", data)
    assert len(app.error) == 1
    assert "names.json" in app.error[0].value.lower()
    assert (url(app), cells(app), sounds(app)) == before


def test_a_damaged_file_of_names_is_said_and_left_alone(opened: Open, home: Path) -> None:
    engine = engine_for(opened())
    path = names.path_for("random", names.fingerprint(engine.bundle.stored_patterns()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("half a fi")
    app = opened(component="3")
    assert any("Your names are not shown" in e.value for e in app.error)
    app.text_input[0].set_value("mine").run()
    assert cells(app)[3]["below"] == "mine"
    assert path.read_text() == "half a fi"


def test_the_back_button(opened: Open) -> None:
    app = opened(component="2")
    go(app, component="5")
    assert select(app, "Component").value == "5"


def test_theta_as_a_file(opened: Open) -> None:
    app = opened()
    lines = to_csv(usage.class_weight_rows(engine_for(app))).splitlines()
    assert len(lines) == 13
    assert lines[0].startswith("component,name,centre_hz,")
    table = app.dataframe[-1].value
    assert len(table) == 12


@pytest.mark.parametrize("text", ["a*b_c", "[x](y)", "`c` $d$ ~e~ :red[f] # g", "<b>", "1. x"])
def test_names_do_not_act_as_markdown(text: str) -> None:
    shown = components.escaped(text)
    assert shown.replace("\\", "") == text.replace("\\", "")
    for special in "*_[]`$~:<#":
        assert f"\\{special}" in shown or special not in text
