"""The scene maker and the truth of a mixture, driven by AppTest."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import several
from driving import Open, button, engine_for, played, select, texts, upload, url, wav_bytes
from streamlit.testing.v1 import AppTest

from l2i_core import L2I
from l2i_core.bundle import Bundle
from l2i_core.data import scenes, synth
from l2i_core.measure.stems import gather
from pages.listen import truths
from pages.shell import chooser, clips, recipes

SCENE = "scene:5*dog-1*0*0*rain-1*0*-8"


def number(app: AppTest, label: str, place: int = 0) -> Any:
    return [box for box in app.number_input if box.label == label][place]


def shown(app: AppTest) -> str:
    return texts(app) + " ".join(caption.value for caption in app.caption)


def images(app: AppTest) -> list[str]:
    return [image.proto.imgs[0].url for image in app.get("image")]


def test_a_scene_is_made_heard_and_explained(open_app: Open) -> None:
    app = open_app(clip="dog-1")
    before = url(app)
    button(app, "Make a scene").click().run()
    assert not app.exception
    assert select(app, "Source").value == "scene"
    assert url(app) == before, "what is on screen stays until the scene is done"
    assert (select(app, "Sound 1").value, select(app, "Sound 2").value) == ("dog-1", "rain-1")
    before_adding = len(played(app)["scene"])
    button(app, "Add a sound").click().run()
    assert select(app, "Sound 3").value not in ("dog-1", "rain-1")
    assert len(played(app)["scene"]) == before_adding + 1
    button(app, "Remove").click().run()  # the first: the next has no level of its own now
    assert select(app, "Sound 1").value == "rain-1"
    number(app, "Scene lasts, s").set_value(6.0).run()
    number(app, "Starts at, s").set_value(1.25).run()
    number(app, "Level, dB").set_value(-3.0).run()
    select(app, "Background").set_value("noise-pink").run()
    assert not app.exception
    second = select(app, "Sound 2").value
    button(app, "Explain this scene").click().run()
    assert not app.exception
    made = recipes.parse(url(app)["clip"])
    assert made.seconds == 6
    assert [(p.clip, p.onset, p.level) for p in made.parts][0] == ("rain-1", 1.25, 0.0)
    assert (made.parts[1].clip, made.parts[1].level) == (second, -3.0)
    assert made.background == recipes.Part("noise-pink", 0.0, -15.0)
    assert select(app, "Source").value == "scene"
    assert "Rain 1 + " in select(app, "Clip").options[0]
    assert len(app.get("image")) >= 3, "the page explains it"


def test_a_link_makes_the_scene_again(open_app: Open) -> None:
    app = open_app(clip=SCENE, tau="0.1", **{"class": "dog"})
    assert url(app)["clip"] == SCENE
    assert not app.error
    maker = next(e for e in app.expander if e.label.startswith("Change this scene"))
    assert maker is not None
    assert "Does B hold the true sound?" in [s.value for s in app.subheader]
    again = open_app(clip=SCENE, tau="0.1", **{"class": "dog"})
    assert images(again) == images(app)
    assert "x_int keeps" in shown(app) or "B is silence" in shown(app)


@pytest.mark.parametrize(
    ("clip", "sentence"),
    [
        ("scene:10*dog-1*0*0", "a scene holds 2 to 4 sounds, not 1"),
        ("scene:nonsense", "The link's scene cannot be made"),
        ("scene:99*dog-1*0*0*rain-1*0*0", "a scene lasts 5 to 30 s, not 99"),
    ],
)
def test_a_wrong_recipe_is_one_sentence_and_shows_a_clip(
    open_app: Open, clip: str, sentence: str
) -> None:
    app = open_app(clip=clip)
    assert sentence in shown(app)
    assert url(app)["clip"] == "dog-1"


def test_a_scene_asks_for_the_upload_that_it_lacks(open_app: Open) -> None:
    data = wav_bytes(synth.clip("crow", 3))
    mine = upload(open_app(), "mine.wav", data)
    name = url(mine)["clip"]
    link = f"scene:5*dog-1*0*0*{name}*1*-3"
    app = open_app(clip=link, bundle="random")
    assert "scene" in app.title[0].value
    assert name in app.info[0].value
    assert "upload the same files" in app.info[0].value
    upload(app, "other.wav", wav_bytes(synth.clip("dog", 9)))
    assert url(app)["clip"] != link, "another file is another clip"
    app = open_app(clip=link, bundle="random")
    upload(app, "renamed.wav", data)
    assert url(app)["clip"] == link
    assert len(app.get("image")) >= 3


def test_an_upload_joins_the_scene_that_is_made(open_app: Open) -> None:
    app = open_app(clip="dog-1")
    select(app, "Source").set_value("scene").run()
    place = next(u for u in app.file_uploader if u.label == "A sound for the scene")
    place.set_value(("mine.wav", wav_bytes(synth.clip("crow", 3)), "audio/wav")).run()
    assert not app.exception
    assert select(app, "Sound 3").value.startswith("upload-")
    place = next(u for u in app.file_uploader if u.label == "A sound for the scene")
    place.set_value(("bad.wav", b"no sound", "audio/wav")).run()
    assert "bad.wav" in app.error[0].value
    assert len([b for b in app.selectbox if b.label.startswith("Sound ")]) == 3


# --- the truth --------------------------------------------------------------------------------


def test_truth_measures_the_class_that_is_explained(open_app: Open) -> None:
    app = open_app(clip="dog+rain", bundle="random", tau="0.1", **{"class": "dog"})
    text = shown(app)
    assert "x_int keeps" in text
    assert "of the dog and" in text
    assert "of the rain" in text
    assert "random choices of equal log energy put the target first" in text
    assert "no source separation" in text
    every = "-".join(f"{k}_100" for k in range(11))
    text = shown(open_app(clip="dog+rain", bundle="random", own=every, **{"class": "dog"}))
    assert "All other components together put " in text
    assert "of equal log energy put" not in text
    table = app.table[-1].value
    assert list(table.columns) == [
        "log masks", "log masks: change", "linear masks", "linear masks: change",
    ]  # fmt: skip
    assert len(table) == 3
    engine = engine_for(app)
    sounds = [synth.scene(("dog", "rain"), 1_000_002, (0.0, -8.0)).stems]
    analysis = engine.analyse(sum(sounds[0]), 44100)
    before = f"{gather(engine, analysis, sounds[0]).sdrs[0]:.1f}".replace("-", "−")
    assert f"SI-SDR, {before}" in text
    other = open_app(clip="dog+rain", bundle="random", tau="0.1", **{"class": "rain"})
    assert "of the rain and" in shown(other)


def test_truth_says_where_no_stem_is_of_the_class(open_app: Open) -> None:
    app = open_app(clip="dog+rain", bundle="random", **{"class": "rooster"})
    assert (
        "This clip is made of the dog and the rain; none of that is labelled as “rooster”"
        in shown(app)
    )
    assert "Explain “dog” or “rain”" in shown(app)
    plain = open_app(clip="dog-1", bundle="random")
    assert "Does B hold the true sound?" not in [s.value for s in plain.subheader]


def test_a_sound_belongs_to_the_class_of_its_group(bundle: Bundle) -> None:
    made = several(bundle)
    made.classifier.classes = (*scenes.CLASSES, "ninth", "tenth")
    demo = {clip.id: clip for clip in clips.bundled()}
    mixture, bells = demo["siren+engine+wind"], demo["church_bells-1"]
    view: Any = SimpleNamespace(engine=L2I(made), target="alert_signal", key="key")
    found = truths._truth(view, mixture.stems())
    assert found.names == ("the siren", "the engine", "the wind")
    longer = replace(bells, id="bells", path=mixture.stems()[0].path, labels=("church_bells",))
    both = truths._truth(view, (*mixture.stems(), longer))
    assert both.names == ("the alert signal", "the engine", "the wind")
    assert np.allclose(both.sounds[0], 2 * found.sounds[0])
    assert np.allclose(found.rest, found.sounds[1] + found.sounds[2])
    told = chooser.facts(mixture, made, ("alert_signal", "dog"))
    assert "Labelled **siren + engine + wind**: :orange[f misses engine and hears dog" in told


def test_truth_of_silence_is_said(open_app: Open) -> None:
    app = open_app(
        clip="dog+rain", bundle="random", own="-".join(f"{k}_0" for k in range(12)),
        **{"class": "dog"},
    )  # fmt: skip
    assert "B is silence: nothing of the dog and the rain is kept." in shown(app)
    assert not app.exception


# --- the figures of a model -------------------------------------------------------------------

FIGURES = {
    "n": 5, "target_first": 0.8, "target_passed": 0.12, "interferer_passed": 0.03,
    "si_sdr": -1.0, "si_sdr_gain": 1.5, "components": 5.0,
}  # fmt: skip


def write_truth(folder: Path, **change: Any) -> None:
    def systems() -> dict[str, Any]:
        chance = FIGURES | {"target_first": 0.4, "si_sdr": None, "si_sdr_gain": None}
        best = FIGURES | {"target_first": 1.0, "target_passed": 0.9}
        blocks = {"interpretation": FIGURES, "random_energy": chance, "ideal": best}
        return {name: {"all": block | {"n": 9}, "right": block} for name, block in blocks.items()}

    made = {d: {t: systems() for t in ("0.3", "0.1")} for d in ("log", "linear")}
    about = {"command": "python -m pipelines.check_truth", "scenes": 7, "random_draws": 5}
    text = json.dumps({"about": about, "att": made, "max": made} | change)
    (folder / "metrics").mkdir(exist_ok=True)
    (folder / "metrics" / "truth.json").write_text(text)


@pytest.fixture
def told(models: Path) -> Path:
    """The bundle "told" with hand-written truth."""
    folder = models / "told"
    if not folder.is_dir():
        shutil.copytree(models / "random", folder)
    write_truth(folder)
    return folder


def test_stored_truth_is_a_table(open_app: Open, told: Path) -> None:
    app = open_app(page="faithfulness", bundle="told", interpreter="max", tau="0.12")
    assert "Beside the stems" in [s.value for s in app.subheader]
    table = app.table[-1].value
    assert list(table.index) == [
        "ATT",
        "Random of equal log energy, beside ATT",
        "MAX",
        "Random of equal log energy, beside MAX",
        "Ideal mask with this W",
    ]
    assert table.loc["ATT"].tolist() == ["80\u202f%", "12\u202f%", "3.0\u202f%", "+1.5\u202fdB"]
    assert table.loc["Random of equal log energy, beside ATT"].tolist()[-1] == "–"
    text = shown(app)
    assert "MAX lets more pass of the source it explains than of any other in 80\u202f%" in text
    assert "over 5 sounds in 7 test scenes" in text
    assert "τ = 0.1, the nearest of 0.3 and 0.1" in text


def test_without_stored_truth_a_line_names_the_check(open_app: Open) -> None:
    app = open_app(page="faithfulness", bundle="random")
    told = " ".join(c.value for c in app.caption)
    assert "Not measured for this model: beside the stems (`pipelines.check_truth`)" in told
    assert not app.exception


def test_damaged_truth_is_one_sentence(open_app: Open, told: Path) -> None:
    (told / "metrics" / "truth.json").write_text('{"about": {}}')
    app = open_app(page="faithfulness", bundle="told")
    assert "cannot be read" in " ".join(error.value for error in app.error)
    assert not app.exception
