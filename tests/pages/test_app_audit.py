"""The Audit page, run from the router: table, filters, evidence, and audits of own recordings."""

import io
import json
import re
import shutil
import time
import weakref
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import streamlit as st
from driving import Open, noise, select, texts, url, wav_bytes
from streamlit.testing.v1 import AppTest

from l2i_core import load_bundle
from l2i_core.data.clips import Clip
from l2i_core.measure import audit
from l2i_core.measure.evaluation import Settings, evaluate, write_evaluation
from pages.audit import audits
from pages.shell import jobs, models

QUICK = Settings((0.0, 0.3), (0.3,), random_draws=2)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three short clips, each in that of its class."""
    folder = tmp_path_factory.mktemp("sounds")
    for index, label in enumerate(("dog", "rain", "rooster")):
        (folder / label).mkdir()
        soundfile.write(folder / label / f"{index}.wav", noise(0.5, index), 44100)
    return folder


@pytest.fixture(scope="module")
def measured(models: Path, sounds: Path) -> Path:
    """The models, the random one with metrics of the three clips."""
    clips = []
    for path in sorted(sounds.glob("*/*.wav")):
        label = path.parent.name
        clips.append(Clip(f"{label}/{path.name}", label, 1, label, path))
    result = evaluate(load_bundle(models / "random"), "att", clips, QUICK)
    metrics = models / "random" / "metrics"
    write_evaluation([result], metrics, {"data": "esc10", "random_draws": 2, "seed": 0})
    yield models
    shutil.rmtree(metrics)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SETTINGS", QUICK)


def _open(open_app: Open, **values: str) -> AppTest:
    return open_app(page="audit", bundle="random", interpreter="att", **values)


def _rows(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["clip"])


def _measure(app: AppTest, path: str) -> AppTest:
    next(t for t in app.text_input if t.label.startswith("Or a folder")).set_value(path)
    next(b for b in app.button if b.label == "Measure").click().run()
    assert not app.exception, app.exception
    return app


def _wait(app: AppTest) -> AppTest:
    own = app.session_state["l2i_own_audit"]
    for _ in range(600):
        job = jobs.find(own.key)
        assert job is not None
        if not job.running:
            break
        time.sleep(0.1)
    app.run()
    assert not app.exception, app.exception
    return app


def _tick(app: AppTest, line: int) -> AppTest:
    """What the browser sends when a line of the table is ticked."""
    states = app._tree.get_widget_states()
    ticked = {"selection": {"rows": [line], "columns": [], "cells": []}}
    states.widgets.add(id=app.dataframe[0].proto.id, string_value=json.dumps(ticked))
    app._run(states)
    assert not app.exception, app.exception
    return app


def _exhibits(app: AppTest) -> Any:
    return next(m for m in app.multiselect if m.label.startswith("Clips with sound"))


def test_confusions_and_orders_are_links(open_app: Open, measured: Path) -> None:
    app = _open(open_app)
    everything = app.dataframe[0].value
    box = select(app, "Labelled or heard as")
    if cells := [option for option in box.options if "→" in option]:
        box.set_value(cells[0]).run()
        [(label, said)] = set(app.dataframe[0].value[["label", "f says"]].itertuples(index=False))
        assert cells[0].startswith(f"{label} → {said} (")
        assert url(app)["show"] == f"cell:{label}>{said}".replace(" ", "_")
    app = _open(open_app, show="each")
    assert select(app, "Order").value == "each"
    first = app.dataframe[0].value["f says"].tolist()
    classes = len(set(first))
    assert len(set(first[:classes])) == classes, "one of each class comes first"
    assert sorted(_rows(app)) == sorted(everything["clip"])


def _give(app: AppTest, label: str, data: bytes) -> None:
    place = next(u for u in app.file_uploader if u.label.startswith(label))
    place.set_value(("own.csv", data, "text/csv")).run()
    assert not app.exception, app.exception


def _unfold(app: AppTest, key: str) -> AppTest:
    app.session_state[key] = True
    app.run()
    assert not app.exception, app.exception
    return app


def test_a_column_of_ones_own_is_a_slice(open_app: Open, measured: Path) -> None:
    app = _unfold(_open(open_app), "own-slices")
    first, second, third = _rows(app)
    _give(app, "A CSV with", b"clip,site\nnobody,A\n")
    assert "names none of these clips" in " ".join(e.value for e in app.error)
    assert len(_rows(app)) == 3
    data = f"clip,site,year\n{first},A,2020\n{third},A,2021\n{second},B,2020\n"
    _give(app, "A CSV with", data.encode())
    select(app, "Value").set_value("A").run()
    assert _rows(app) == [first, third]
    assert any("Your slice: site = A" in c.value for c in app.caption)
    select(app, "Column").set_value("year").run()
    assert len(_rows(app)) == 3, "another column has other values"
    select(app, "Value").set_value("2021").run()
    assert _rows(app) == [third]
    next(b for b in app.button if b.label == "All clips again").click().run()
    assert len(_rows(app)) == 3


def test_slices_stand_beside_each_other(open_app: Open, measured: Path) -> None:
    app = _unfold(_open(open_app), "own-slices")
    first, second, third = _rows(app)
    data = f"clip,site\n{first},far_off\n{third},far_off\n{second},here\n"
    _give(app, "A CSV with", data.encode())
    select(app, "Compare slices by").set_value("site").run()
    table = next(d.value for d in app.dataframe if "slice" in d.value)
    assert dict(zip(table["slice"], table["n"], strict=True)) == {"far_off": 2, "here": 1}
    select(app, "Compare slices by").set_value("label").run()
    assert not app.exception
    assert next(d.value for d in app.dataframe if "slice" in d.value)["n"].sum() == 3


def test_a_confidence_is_explained_where_labels_are(
    open_app: Open, measured: Path, quick: None, tmp_path: Path
) -> None:
    app = _unfold(_open(open_app), "audit-score")
    assert "f's confidence is" in texts(app)
    assert any(c.value.startswith("ECE ") for c in app.caption)
    cuts = app.dataframe[1].value
    assert cuts["n"].sum() == 3
    soundfile.write(tmp_path / "loose.wav", noise(0.5), 44100)
    app = _wait(_measure(app, str(tmp_path)))
    assert any("none of these has one" in c.value for c in app.caption)
    assert len(app.dataframe) == 1


Downloads = dict[str, Any]


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """The data of each download button by its label, as the last run drew it."""
    found: Downloads = {}
    button = st.download_button

    def spy(label: str, data: Any, *arguments: Any, **options: Any) -> bool:
        found[label] = data
        return button(label, data, *arguments, **options)

    monkeypatch.setattr(st, "download_button", spy)
    return found


def _evidence(found: Downloads) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(found["Evidence (zip)"]())) as archive:
        return json.loads(archive.read("report.json"))


def test_first_visit_states_the_finding(open_app: Open, measured: Path) -> None:
    app = _open(open_app)
    assert app.title[0].value == "Which of the model's decisions deserve doubt?"
    assert "of 3 decisions deserve doubt" in texts(app)
    frame = app.dataframe[0].value
    assert len(frame) == 3
    wrong = (frame["label"] != frame["f says"]).tolist()
    assert (frame["right"] == "no").tolist() == wrong
    assert wrong == sorted(wrong, reverse=True), "misclassified first"
    assert not app.error
    assert [b for b in app.get("download_button") if "Evidence" in b.proto.label]


def test_filters_are_a_link(open_app: Open, measured: Path) -> None:
    app = _open(open_app)
    everything = app.dataframe[0].value
    app.button_group[0].set_value(["right"]).run()
    assert url(app)["show"] == "right"
    right = everything[everything["right"] == "yes"]["clip"].tolist()
    assert (_rows(app) if right else []) == right
    select(app, "Labelled or heard as").set_value("dog").run()
    assert url(app)["show"] == "right.class:dog"
    again = _open(open_app, show="class:dog")
    touching = everything[(everything["label"] == "dog") | (everything["f says"] == "dog")]
    assert sorted(_rows(again)) == sorted(touching["clip"])
    assert select(again, "Labelled or heard as").value == "dog"


@pytest.mark.parametrize("value", ["nonsense", "class:unicorn"])
def test_a_wrong_filter_is_one_sentence(open_app: Open, measured: Path, value: str) -> None:
    app = _open(open_app, show=value)
    told = [w.value for w in app.warning if value.removeprefix("class:") in w.value]
    assert len(told) == 1
    assert len(app.dataframe[0].value) == 3
    assert "show" not in url(app)


def test_nothing_left_by_the_filters(open_app: Open, measured: Path) -> None:
    app = _open(open_app, show="wrong.right")
    assert "take a filter away" in texts(app)
    assert not app.dataframe


def test_the_nearest_tau_with_random_is_said(open_app: Open, measured: Path) -> None:
    app = _open(open_app, tau="0.80")
    assert any("nearest to 0.80" in c.value for c in app.caption)


def test_without_metrics_the_way_to_them_is_said(open_app: Open) -> None:
    app = open_app(page="audit", bundle="turned")
    assert "pipelines.evaluate" in texts(app)
    assert any(b.label == "Measure" for b in app.button), "own recordings can be measured"
    assert not app.error


def test_own_folder_is_measured_in_the_background(
    open_app: Open, quick: None, tmp_path: Path
) -> None:
    (tmp_path / "dog").mkdir()
    soundfile.write(tmp_path / "dog" / "one.wav", noise(0.5), 44100)
    (tmp_path / "dog" / "bad.wav").write_text("a poem")
    soundfile.write(tmp_path / "loose.wav", noise(0.5, 1), 44100)
    app = _measure(open_app(page="audit", bundle="turned"), str(tmp_path))
    app.switch_page("pages/fidelity/page.py").run()  # left, and returned to
    app.switch_page("pages/audit/page.py").run()
    app = _wait(app)
    assert sorted(_rows(app)) == ["dog/one.wav", "loose.wav"]
    assert "of 2 decisions" in texts(app) or "of 1 with a label" in texts(app)
    assert any("bad.wav" in t.value for t in app.text)
    next(b for b in app.button if b.label == "Open in Listen").click().run()
    assert not app.exception, app.exception
    assert url(app)["clip"].startswith("upload-")


def test_an_audit_belongs_to_its_session_and_goes_with_it(
    open_app: Open, quick: None, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "one.wav", noise(0.5), 44100)
    app = _measure(open_app(page="audit", bundle="turned"), str(tmp_path))
    other = open_app(page="audit", bundle="turned")
    assert "l2i_own_audit" not in other.session_state
    next(b for b in app.button if b.label == "Discard it").click().run()
    assert "l2i_own_audit" not in app.session_state


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "No folder was given"), ("/no/such/place", "There is no folder /no/such/place")],
)
def test_a_bad_folder_is_one_sentence(open_app: Open, path: str, expected: str) -> None:
    app = _measure(open_app(page="audit", bundle="turned"), path)
    assert [e.value for e in app.error if expected in e.value]
    assert len(app.error) == 1


def test_a_shared_server_reads_no_folders(
    open_app: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("L2I_SHARED", "1")
    app = open_app(page="audit", bundle="turned")
    assert not [t for t in app.text_input if t.label.startswith("Or a folder")]
    with pytest.raises(ValueError, match="shared"):
        audits.of_folder(str(tmp_path), "turned", "att", load_bundle("turned"))


class _Upload(io.BytesIO):
    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name = name


def test_uploads_go_to_a_private_folder_that_is_removed(models: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("set/Sea Waves/a.wav", wav_bytes(noise(0.2)))
    files = [_Upload("set.zip", packed.getvalue()), _Upload("b.wav", wav_bytes(noise(0.2)))]
    own = audits.of_files(files, "random", "att", load_bundle(models / "random"))
    assert own.folder is not None
    folder = Path(own.folder.name)
    assert folder.stat().st_mode & 0o077 == 0
    assert [(c.name, c.label) for c in own.clips] == [
        ("b.wav", ""),
        ("Sea Waves/a.wav", "sea_waves"),
    ]
    source = own.source("b.wav")
    assert source is not None
    assert np.shape(source.read()[0])[-1] == int(0.2 * 44100)
    del own
    assert not folder.exists()


def test_bad_uploads_leave_nothing(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bundle = load_bundle(models / "random")
    for files, expected in (
        ([], "no file was given"),
        ([_Upload("a.zip", b"poem")], "not a zip"),
        ([_Upload("a.txt", b"poem")], "not an audio file"),
    ):
        with pytest.raises(ValueError, match=expected):
            audits.of_files(files, "random", "att", bundle)
    assert not list(tmp_path.iterdir())


def test_the_work_ends_with_its_session(models: Path, quick: None, tmp_path: Path) -> None:
    for index in range(2):
        soundfile.write(tmp_path / f"{index}.wav", noise(0.3, index), 44100)
    own = audits.of_folder(str(tmp_path), "turned", "att", load_bundle(models / "turned"))
    rows = audits._rows(load_bundle(models / "turned"), "att", own.clips, [], weakref.ref(own))
    assert next(rows) == {"done": 1, "of": 4}
    del own  # what Streamlit does when the browser has gone
    assert next(rows, None) is None


def test_a_cancelled_audit_goes_on_where_it_stopped(
    open_app: Open, quick: None, tmp_path: Path
) -> None:
    for index in range(3):
        soundfile.write(tmp_path / f"{index}.wav", noise(0.3, index), 44100)
    app = open_app(page="audit", bundle="turned")
    with models.turn:  # another request has f: the job waits
        app = _measure(app, str(tmp_path))
        own = app.session_state["l2i_own_audit"]
        job = jobs.find(own.key)
        assert job is not None
        job.cancel()
    job.wait(30)
    assert not job.running
    assert not job.complete
    app.run()
    assert "Cancelled after" in texts(app)
    assert own.evaluation() is None
    next(b for b in app.button if b.label == "Go on").click().run()
    assert len(_rows(_wait(app))) == 3


def _group(app: AppTest, label: str) -> Any:
    return next(g for g in app.button_group if g.label == label)


@pytest.fixture
def heard(measured: Path, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sounds are at hand, and tags have a home of their own."""
    monkeypatch.setenv("L2I_CLIPS", str(sounds))
    monkeypatch.setenv("L2I_HOME", str(tmp_path))
    return sounds


def _tag(app: AppTest, tag: str | None, note: str | None = None) -> AppTest:
    """Tag the chosen decision."""
    if note is not None:
        next(t for t in app.text_input if t.label == "Note").set_value(note).run()
    if tag is not None:
        next(g for g in app.button_group if g.label.endswith("is")).set_value(tag).run()
    assert not app.exception, app.exception
    return app


def test_a_tag_is_in_table_filters_csv_and_evidence(
    open_app: Open, heard: Path, downloads: Downloads
) -> None:
    app = _open(open_app)
    first, second, _ = _rows(app)
    assert "tag" not in app.dataframe[0].value
    _tag(app, "wrong", "a =cat")
    assert app.dataframe[0].value.set_index("clip")["tag"].tolist() == ["wrong", "", ""]
    report = _evidence(downloads)
    assert (report["tag"], report["note"]) == ("wrong", "a =cat")
    assert "a =cat" in next(str(d) for label, d in downloads.items() if "Table as CSV" in label)
    _group(app, "Tagged").set_value(["tag-wrong"]).run()
    assert url(app)["show"] == "tag-wrong"
    assert _rows(app) == [first]
    _group(app, "Tagged").set_value(["tag-none"]).run()
    assert first not in _rows(app)
    _tag(app, "unsure")
    assert second not in _rows(app), "what is tagged makes way for the next"
    other = _open(open_app, show="tag-unsure.tag-wrong")
    assert _rows(other) == [first, second], "kept: another session has them"
    _tag(_tick(other, 0), None, "")
    assert other.dataframe[0].value["note"].tolist() == ["", ""]
    assert other.dataframe[0].value["tag"].tolist() == ["wrong", "unsure"]


def test_a_tag_outlives_the_run_and_the_place_of_the_file(
    open_app: Open, heard: Path, quick: None, tmp_path: Path
) -> None:
    app = _tag(_open(open_app), "confirmed")
    tagged, said = app.dataframe[0].value.loc[0, ["clip", "f says"]]
    (tmp_path / "moved").mkdir()
    shutil.copy(heard / tagged, tmp_path / "moved" / "other name.wav")
    app = _wait(_measure(_open(open_app), str(tmp_path / "moved")))
    [line] = app.dataframe[0].value.to_dict("records")
    assert (line["clip"], line["f says"], line["tag"]) == ("other name.wav", said, "confirmed")


def test_on_a_shared_server_tags_live_in_the_session(
    open_app: Open,
    heard: Path,
    downloads: Downloads,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("L2I_SHARED", "1")
    app = _tag(_open(open_app), "wrong", "mine")
    exported = downloads["Tags as CSV (1)"]
    assert _evidence(downloads)["tag"] == "wrong", "made later, it knows the session's tag"
    _tag(app, "unsure")
    assert app.dataframe[0].value.loc[0, "tag"] == "unsure"
    other = _open(open_app)
    assert "tag" not in other.dataframe[0].value
    assert not list(tmp_path.glob("tags*")), "nothing is left on the server's disk"
    _give(other, "Tags", exported)
    assert other.dataframe[0].value.loc[0, ["tag", "note"]].tolist() == ["wrong", "mine"]
    _give(other, "Tags", b"clip,label\n")
    assert "lacks the column" in " ".join(e.value for e in other.error)
    assert other.dataframe[0].value.loc[0, "tag"] == "wrong", "nothing is lost"


def test_tags_that_cannot_be_kept_live_in_the_session(
    open_app: Open, heard: Path, tmp_path: Path
) -> None:
    (tmp_path / "tags.sqlite").write_bytes(b"a poem, and no data base at all" * 40)
    app = _tag(_open(open_app), "wrong")
    assert "cannot be read or written" in texts(app)
    assert app.dataframe[0].value.loc[0, "tag"] == "wrong"


def _chosen(app: AppTest) -> Any:
    return next(g for g in app.button_group if g.label == "Decisions on")


@pytest.mark.parametrize("own", [False, True], ids=["stored", "own"])
def test_one_clip_is_chosen_everywhere(
    open_app: Open,
    measured: Path,
    sounds: Path,
    quick: None,
    downloads: Downloads,
    monkeypatch: pytest.MonkeyPatch,
    own: bool,
) -> None:
    monkeypatch.setenv("L2I_CLIPS", str(sounds))
    app = _open(open_app)
    if own:
        app = _wait(_measure(app, str(sounds)))

    def chosen() -> str:
        """The clip of the list; the same is ticked and in the report."""
        clip = select(app, "Clip to look into").value
        [line] = app.session_state[app.dataframe[0].key]["selection"]["rows"]
        assert _rows(app)[line] == clip
        assert clip in _exhibits(app).value
        return clip

    first, second, third = _rows(app)
    assert chosen() == first, "the most doubtful at first"
    _tick(app, 2)
    assert chosen() == third
    assert third.endswith(_evidence(downloads)["clip"])
    select(app, "Clip to look into").set_value(second).run()
    assert chosen() == second
    table = app.dataframe[0].value.set_index("clip")
    hidden = {
        label: [c for c in table.index if label not in (table["label"][c], table["f says"][c])]
        for label in table["label"]
    }
    label = next(label for label, clips in hidden.items() if clips)
    _tick(app, _rows(app).index(hidden[label][-1]))
    assert chosen() == hidden[label][-1]
    select(app, "Labelled or heard as").set_value(label).run()
    left = chosen()
    assert left == _rows(app)[0], "the filter hid the chosen one: the most doubtful left is it"
    assert left.endswith(_evidence(downloads)["clip"])
    select(app, "Labelled or heard as").set_value("any class").run()
    assert chosen() == left
    _tick(app, 1)
    app.switch_page("pages/dictionary/page.py").run()
    app.switch_page("pages/audit/page.py").run()
    assert chosen() == second
    next(b for b in app.button if b.label == "Open in Listen").click().run()
    assert not app.exception, app.exception
    if own:
        kept = app.session_state["l2i_uploads"][url(app)["clip"]]
        assert kept.data == (sounds / second).read_bytes()
    else:
        assert url(app)["clip"] == f"folder:{second}"
        assert url(app)["evaluated"] == second


def test_a_clip_without_audio_has_no_evidence(
    open_app: Open, measured: Path, downloads: Downloads
) -> None:
    app = _open(open_app, evaluated="no such")
    assert "There is no decision on “no such” here" in texts(app)
    button = next(b for b in app.download_button if b.label == "Evidence (zip)")
    assert button.disabled
    assert any("is not at hand: add ESC-10" in c.value for c in app.caption)


def test_the_report_of_an_own_audit_is_about_it(
    open_app: Open, measured: Path, sounds: Path, quick: None
) -> None:
    app = _wait(_measure(_open(open_app), str(sounds)))
    next(b for b in app.button if b.label == "Make the report (HTML)").click().run()
    assert not app.exception, app.exception
    page = app.session_state["l2i_audit_report"][1].decode()
    assert f"<h1>Audit of {sounds.name}</h1>" in page
    assert f"Measured on {sounds.name}, 3 clips" in page
    assert "View in the app" not in page, "no link leads to what one session holds"
    assert re.findall(r"<section id=[^>]*><h2>(.*?)</h2>", page) == _rows(app)
    _exhibits(app).set_value(_rows(app)[2:0:-1]).run()
    assert _exhibits(app).value == _rows(app)[1:], "most doubtful first"
    _tick(app, 0)
    assert _exhibits(app).value == _rows(app)[1:], "the reader's own choice"


def test_a_second_audit_takes_the_place_of_the_first(
    open_app: Open, measured: Path, quick: None, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / f"{name}.wav", noise(0.3), 44100)
    app = _wait(_measure(_open(open_app), str(tmp_path / "first")))
    _chosen(app).set_value("bundle").run()
    assert len(_rows(app)) == 3
    app = _wait(_measure(app, str(tmp_path / "second")))
    assert _rows(app) == ["second.wav"]


def test_an_own_audit_stays_the_audited_models(
    open_app: Open, measured: Path, quick: None, tmp_path: Path
) -> None:
    for index in range(2):
        soundfile.write(tmp_path / f"{index}.wav", noise(0.3, index), 44100)
    app = _wait(_measure(open_app(page="audit", bundle="turned"), str(tmp_path)))
    select(app, "Clip to look into").set_value("1.wav").run()
    select(app, "Model").set_value("random").run()
    assert _rows(app) == ["0.wav", "1.wav"] or _rows(app) == ["1.wav", "0.wav"]
    assert any("Model turned, interpreter att." in c.value for c in app.caption)
    assert sorted(_exhibits(app).options) == ["0.wav", "1.wav"], "no other clip than its own"
    _chosen(app).set_value("bundle").run()
    assert not any("Model turned" in c.value for c in app.caption)
    app.switch_page("pages/fidelity/page.py").run()
    app.switch_page("pages/audit/page.py").run()
    assert _chosen(app).value == "bundle", "a choice outlives a visit to another page"
    _chosen(app).set_value("own").run()
    assert select(app, "Clip to look into").value == "1.wav"
    next(b for b in app.button if b.label == "Open in Listen").click().run()
    assert not app.exception, app.exception
    assert (url(app)["bundle"], url(app)["interpreter"]) == ("turned", "att")
