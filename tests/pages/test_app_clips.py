"""Choosing clips on the page: sources, filters, what is not here, windows of long clips."""

from __future__ import annotations

import hashlib
import io
import shutil
import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from driving import Open, button, noise, seen, select, texts, upload, url, wav_bytes
from streamlit.testing.v1 import AppTest

from l2i_core.data import download
from l2i_core.data.esc import ESC10_FOLDERS
from l2i_core.measure.records import ClipRow, read
from pages.shell import jobs


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("L2I_ESC10", "L2I_ESC50", "L2I_CLIPS", "L2I_SHARED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("L2I_HOME", str(tmp_path / "home"))
    jobs._jobs.clear()


@pytest.fixture
def esc10(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ESC-10's layout: 20 dogs and 20 roosters; the bundle "known" was trained and tested on it,
    f was wrong on the test clip 1-3-A and right on the other test clips."""
    root = tmp_path / "esc10"
    first = root / "first.ogg"
    root.mkdir()
    soundfile.write(first, noise(0.5), 44100)
    rows = ["clip,label,predicted"]
    for number, label in ((1, "dog"), (9, "rooster")):
        title = next(name for name, known in ESC10_FOLDERS.items() if known == label)
        folder = root / f"{number:03d} - {title}"
        folder.mkdir()
        for i in range(20):
            name = f"{i % 5 + 1}-{i + 3 if number == 1 else i + 103}-A"
            shutil.copy(first, folder / f"{name}.ogg")
            if i % 5 == 0:
                rows.append(f"{name},{label},{'rain' if name == '1-3-A' else label}")
    first.unlink()
    known = models / "known"
    if not known.is_dir():
        shutil.copytree(models / "random", known)
        config = (known / "config.json").read_text()
        record = '"training": {"config": {"data": {"kind": "esc10", "train_folds": [2, 3, 4, 5], "test_folds": [1]}}, '
        (known / "config.json").write_text(config.replace('"training": {', record))
        (known / "metrics").mkdir()
        (known / "metrics" / "clips-att.csv").write_text("\n".join(rows) + "\n")
    assert len(read(known / "metrics" / "clips-att.csv", ClipRow)) == 8
    monkeypatch.setenv("L2I_ESC10", str(root))
    return root


def source(app: AppTest) -> Any:
    return select(app, "Source")


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def test_a_data_sets_clip_as_the_very_first_request(open_app: Open, esc10: Path) -> None:
    app = open_app(bundle="known", clip="esc10:2-4-A")
    assert url(app)["clip"] == "esc10:2-4-A"
    assert source(app).value == "esc10"
    assert len(select(app, "Clip").options) == 40
    assert "Labelled **dog**" in texts(app)
    assert "Training clip] (fold 2)" in texts(app)
    assert not app.warning or "There is no clip" not in texts(app)

    select(app, "f was").set_value("wrong").run()
    assert url(app)["clip"] == "esc10:1-3-A"
    assert select(app, "Clip").options == ["Dog 1-3-A · f said rain"]
    assert "Test clip (fold 1)" in texts(app)
    select(app, "Labelled").set_value("rooster").run()  # f was right on all of them
    assert "passes both filters" in texts(app)
    assert url(app)["clip"] == "esc10:1-3-A"
    select(app, "f was").set_value("").run()
    select(app, "Labelled").set_value("rooster").run()
    assert url(app)["clip"] == "esc10:1-103-A"
    assert len(select(app, "Clip").options) == 20

    source(app).set_value("demo").run()
    assert url(app)["clip"] == "dog-1"
    assert not [box for box in app.selectbox if box.label in ("Labelled", "f was")]
    assert not app.exception


def test_sources_without_clips_keep_what_is_on_screen(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app(clip="rain-1")
    before = seen(app), url(app)
    source(app).set_value("yours").run()
    assert "Nothing of yours is here yet" in texts(app)
    assert (seen(app), url(app)) == before
    source(app).set_value("esc50").run()
    assert "ESC-50 is not on this machine" in texts(app)
    assert (seen(app), url(app)) == before
    monkeypatch.setenv("L2I_SHARED", "1")
    app.run()
    assert "ask those who run it" in texts(app)
    assert not [b for b in app.button if b.label.startswith("Download ESC")]
    upload(app, "mine.wav", wav_bytes(noise(0.5)))
    assert source(app).value == "yours"
    assert url(app)["clip"].startswith("upload-")
    assert len(select(app, "Clip").options) == 1


def test_a_link_to_a_clip_of_a_data_set_that_is_not_here(
    open_app: Open, esc10: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("L2I_ESC10")
    link = {"bundle": "known", "clip": "esc10:1-3-A", "tau": "0.12"}
    app = open_app(**link)
    assert "Which sound" in app.title[0].value
    assert "name its folder in L2I_ESC10" in app.info[0].value
    assert not seen(app)
    assert url(app).items() >= link.items()

    def unreachable(address: str) -> Any:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(download, "open_address", unreachable)
    button(app, "Download ESC-10").click().run()
    job = jobs.find(("download", "esc10"))
    assert job is not None
    job.wait(20)
    app.run()
    assert len(app.error) == 1
    assert "no connection" in app.error[0].value
    assert url(app).items() >= link.items()

    monkeypatch.setenv("L2I_ESC10", str(esc10))
    app.run()
    assert len(seen(app)) == 3
    assert url(app).items() >= link.items()


def test_a_recordings_link_asks_for_its_file(open_app: Open) -> None:
    data = wav_bytes(noise(0.5, seed=8))
    name = f"recording-{hashlib.sha256(data).hexdigest()[:16]}"
    app = open_app(clip=name)
    assert "a recording" in app.info[0].value
    upload(app, "saved.wav", data)
    assert url(app)["clip"] == name
    assert len(seen(app)) == 3


def test_any_stretch_of_a_long_clip(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "field"
    folder.mkdir()
    soundfile.write(folder / "long.wav", noise(31.0, seed=4), 44100)
    monkeypatch.setenv("L2I_CLIPS", str(folder))
    app = open_app(bundle="random", clip="folder:long.wav", window="3.2-8.2")
    assert url(app)["window"] == "3.2-8.2"
    assert source(app).value == "folder"
    start = next(s for s in app.slider if s.label.startswith("Start"))
    assert start.value == 3.2
    before = seen(app)
    start.set_value(10.0).run()
    assert url(app)["window"] == "10-15"
    assert seen(app) != before
    length = app.number_input[0]
    assert length.value == 5.0
    length.set_value(1.0).run()
    assert url(app)["window"] == "10-11"
    button(app, "The 5 s most like").click().run()
    first, last = map(float, url(app)["window"].split("-"))
    assert last - first == pytest.approx(5.0)
    assert not app.exception
    app.query_params["window"] = "40-45"
    app.run()
    assert "“40-45” does not fit this clip of 31.0 s" in texts(app)
    assert url(app)["window"] == select(app, "Window").value
    assert len(seen(app)) == 3


def test_labels_that_change_keep_their_choice(open_app: Open) -> None:
    """ "rain · 0.02" becomes "rain · 0.97, f's decision" on a clip that f calls rain: it stays."""
    app = open_app(clip="dog-1")
    said = {}
    for name in ("dog-1", "rain-1", "rooster-1"):
        select(app, "Clip").set_value(name).run()
        said[name] = url(app)["class"]
    first, second = next((a, b) for a in said for b in said if said[a] != said[b])
    select(app, "Clip").set_value(first).run()
    select(app, "Class").set_value(said[second]).run()
    select(app, "Clip").set_value(second).run()
    assert url(app)["class"] == said[second]
    assert select(app, "Class").value == said[second]


def test_nothing_to_hear_is_said_before_a_class(open_app: Open) -> None:
    sound = noise(1.0)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([sound, -sound], 1), 44100, format="WAV")
    app = upload(open_app(), "cancel.wav", buffer.getvalue())
    assert any("channels cancel" in told.value for told in app.warning)
    assert app.title[0].value.startswith("There is nothing to hear, yet the model says ")
    assert any("**f says**, :orange[unsupported]" in told.value for told in app.markdown)
