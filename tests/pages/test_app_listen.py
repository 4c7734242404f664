"""The Listen page, run from the router with Streamlit's AppTest, and the modules that it shares.

The shipped model where there is one, the random one of conftest otherwise: the laws below hold
for any weights.
"""

import copy
import hashlib
import io
import os
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import streamlit as st
from driving import (
    APP,
    Open,
    button,
    engine_for,
    go,
    noise,
    played,
    seen,
    select,
    texts,
    upload,
    url,
    wav_bytes,
)
from PIL import Image

from l2i_core import L2I, Analysis
from l2i_core.bundle import load_bundle, save_bundle
from l2i_core.dictionary.masking import THRESHOLDS
from l2i_core.measure.explained import Explained
from l2i_core.measure.fewest import fewest, none_suffice
from l2i_core.measure.random import draw
from l2i_core.words import moved
from pages.listen import pins
from pages.listen.downloads import every_threshold
from pages.shell import clips, models, uploads
from pages.show import pictures, players, words
from pages.show.words import sentence

A, B, C = 0, 1, 2


# --- the page ---------------------------------------------------------------------------------


def test_first_visit_sounds_and_states_its_question(open_app: Open) -> None:
    app = open_app()
    assert len(seen(app)) == 3
    assert seen(app)[B] != seen(app)[A]
    engine = engine_for(app)
    samples, rate = clips.at_hand()[clips.FIRST].read()
    said = engine.classes[engine.analyse(samples, rate).predicted]
    assert app.title[0].value == f"Why did the model say “{words.class_name(said)}”?"
    assert url(app) == {
        "bundle": engine.bundle.name,
        "interpreter": engine.bundle.default_interpreter,
        "clip": clips.FIRST,
        "class": said,
        "tau": "0.30",
        "domain": "log",
    }
    assert not app.error
    assert len(app.table) == 1


def test_tau_changes_what_is_heard_but_not_the_input(open_app: Open) -> None:
    app = open_app(tau="0.00")
    before = seen(app)
    go(app, tau="0.95")
    after = seen(app)
    assert after[A] == before[A]
    assert after[B] != before[B]
    assert after[C] != before[C]
    assert url(app)["tau"] == "0.95"


def test_equal_selections_sound_the_same(open_app: Open) -> None:
    app = open_app(tau="0.30")
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()[clips.FIRST].read())
    relevance = engine.relevance(analysis, url(app)["class"]).numpy()
    grid = np.arange(0, 96) / 100
    counts = [(relevance > tau).sum() for tau in grid]
    same = next(i for i in range(95) if counts[i] == counts[i + 1] > 0)
    go(app, tau=f"{float(grid[same]):.2f}")
    first = seen(app)
    go(app, tau=f"{float(grid[same + 1]):.2f}")
    assert seen(app) == first


def test_own_gains_are_a_link(open_app: Open) -> None:
    plain = open_app(tau="0.30")
    engine = engine_for(plain)
    analysis = engine.analyse(*clips.at_hand()[clips.FIRST].read())
    strongest = int(engine.relevance(analysis, url(plain)["class"]).argmax())
    link = {**url(plain), "own": f"{strongest}_0"}
    app = open_app(**link)
    assert url(app) == link
    assert seen(app)[A] == seen(plain)[A]
    assert seen(app)[B] != seen(plain)[B]
    half = open_app(**{**link, "own": f"{strongest}_50"})
    assert len({seen(other)[B] for other in (plain, app, half)}) == 3
    assert "by your own choice" in texts(half)
    select(app, "Class").set_value(next(c for c in engine.classes if c != link["class"])).run()
    assert "own" not in url(app)


def test_another_model_is_asked_the_same(
    open_app: Open, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has stays; what it lacks is said in one notice."""
    good = load_bundle(models / "random")
    classifier = copy.copy(good.classifier)
    classifier.classes = tuple("siren" if c == "sea_waves" else c for c in good.classes)
    other = replace(
        good,
        name="other",
        classifier=classifier,
        interpreters={"att": good.interpreters["att"]},
        interpreter_info={"att": good.interpreter_info["att"]},
        default_interpreter="att",
    )
    save_bundle(other, tmp_path / "other")
    monkeypatch.setenv("L2I_BUNDLES", f"{models}{os.pathsep}{tmp_path}")
    asked = {"interpreter": "max", "class": "sea_waves", "tau": "0.20", "domain": "linear"}
    app = open_app(bundle="random", clip="rain-1", step="3", **asked)
    select(app, "Model").set_value("turned").run()
    assert url(app) == {"bundle": "turned", "clip": "rain-1", "step": "3", **asked}
    assert not [w.value for w in app.warning if "disagrees" not in w.value]
    go(app, own="3_50", compare="max")
    select(app, "Model").set_value("other").run()
    assert not app.exception
    assert [w.value for w in app.warning if "disagrees" not in w.value] == [
        "other has no class “sea waves” and no interpreter “max”; showing its own choice instead. "
        "Your own choice of components was for another dictionary and is left aside."
    ]
    said = engine_for(app).analyse(*clips.at_hand()["rain-1"].read()).predicted
    kept = {"clip": "rain-1", "step": "3", "tau": "0.20", "domain": "linear"}
    assert url(app) == {
        **{"bundle": "other", "interpreter": "att", "class": other.classes[said]},
        **kept,
    }


def test_a_class_that_nobody_chose_is_each_models_decision(open_app: Open) -> None:
    app = open_app(bundle="random", clip="rain-1")
    for name in ("esc50-yamnet", "esc10", "random", "esc50-yamnet"):
        select(app, "Model").set_value(name).run()
        engine = engine_for(app)
        said = engine.analyse(*clips.at_hand()["rain-1"].read()).predicted
        assert url(app)["class"] == engine.classes[said]
        assert not [w.value for w in app.warning if "disagrees" not in w.value]
    select(app, "Class").set_value("dog").run()
    select(app, "Model").set_value("esc10").run()
    assert url(app)["class"] == "dog", "what was chosen stays"


@pytest.mark.parametrize("text", ["17", "x_1", "400_50", "3_101", "3_0-"])
def test_own_gains_that_cannot_be_read(open_app: Open, text: str) -> None:
    app = open_app(own=text)
    readable = text == "3_0-"
    assert bool(app.warning) != readable
    assert seen(app)


def test_pinned_view_stands_beside_the_present_one(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    monkeypatch.setattr(
        st, "download_button", lambda label, data, *_, **__: found.update({label: data})
    )
    app = open_app(tau="0.10")
    first = url(app)
    button(app, "Pin to compare").click().run()
    assert len(app.table) == 1, "a view is not compared with itself"
    assert len(played(app)["pins"]) == 1, "but seen and heard at once"
    go(app, clip="rain-1", tau="0.40", **{"class": "rain"})
    table = app.table[0].value
    assert list(table.columns) == ["pinned", "now"]
    assert table.loc["τ"].tolist() == ["0.10", "0.40"]
    assert table.loc["clip", "pinned"] != table.loc["clip", "now"]
    assert len(set(played(app)["pins"])) == 2
    page = found["Evidence (HTML)"]()
    assert "Compared with the pinned view" in page
    assert "<td>0.10</td><td>0.40</td>" in page
    button(app, "Go to the pinned").click().run()
    assert url(app) == first
    assert app.table[0].value.loc["τ"].tolist() == ["0.40", "0.10"]
    button(app, "Remove the pin").click().run()
    assert len(app.table) == 1


def test_class_change(open_app: Open) -> None:
    app = open_app()
    before, said = seen(app), url(app)["class"]
    other = next(c for c in engine_for(app).classes if c != said)
    select(app, "Class").set_value(other).run()
    assert url(app)["class"] == other
    assert seen(app)[A] == before[A]
    assert seen(app)[B] != before[B]
    assert f"What speaks for “{words.class_name(other)}”?" in app.title[0].value


def test_another_clip_brings_its_own_decision(open_app: Open) -> None:
    app = open_app(**{"class": "rooster", "tau": "0.10"})
    before = seen(app)
    select(app, "Clip").set_value("rain-1").run()
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()["rain-1"].read())
    assert url(app)["class"] == engine.classes[analysis.predicted]
    assert url(app)["tau"] == "0.10"
    assert seen(app)[A] != before[A]


def test_deep_link_restores_the_view(open_app: Open) -> None:
    link = {
        "bundle": "turned",
        "interpreter": "max",
        "clip": "dog+rain",
        "class": "rain",
        "tau": "0.12",
        "domain": "linear",
    }
    app = open_app(**link)
    assert url(app) == link
    assert select(app, "Clip").value == "dog+rain"
    assert select(app, "Class").value == "rain"
    assert select(app, "Interpreter").value == "max"
    assert app.session_state["l2i_view"].threshold == pytest.approx(0.12)
    again = open_app(**link)
    assert seen(again) == seen(app)


def test_the_back_button_and_a_late_url(open_app: Open) -> None:
    app = open_app(clip="dog-1", tau="0.20")
    first, old = seen(app), url(app)
    select(app, "Clip").set_value("rain-1").run()
    assert seen(app)[A] != first[A]
    for name in list(app.query_params):
        del app.query_params[name]
    for name, value in old.items():
        app.query_params[name] = value
    app.run()  # the browser went back: the URL rules
    assert seen(app) == first
    assert select(app, "Clip").value == "dog-1"
    app.query_params["tau"] = "0.90"
    select(app, "Clip").set_value("rain-2").run()  # sent with another URL: the control rules
    assert url(app)["tau"] == "0.20"


def test_a_plus_in_a_hand_written_link(open_app: Open) -> None:
    app = open_app(clip="dog rain")
    assert url(app)["clip"] == "dog+rain"
    assert not app.warning or "dog rain" not in texts(app)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clip", "no-such-clip"),
        ("tau", "abc"),
        ("tau", "7"),
        ("tau", "nan"),
        ("class", "unicorn"),
        ("interpreter", "oracle"),
        ("bundle", "nowhere"),
        ("domain", "cubic"),
        ("colour", "red"),
    ],
)
def test_wrong_values_in_the_url(open_app: Open, name: str, value: str) -> None:
    plain = open_app()
    app = open_app(**{name: value})
    named = value if name != "colour" else name
    told = [w.value for w in app.warning if f"“{named}”" in w.value]
    assert len(told) == 1
    assert told[0].endswith(".")
    assert url(app) == url(plain)
    assert seen(app) == seen(plain)
    go(app, tau="0.60")
    assert not [w.value for w in app.warning if f"“{named}”" in w.value]


def test_disagreement_is_marked_before_the_sound(open_app: Open, models: Path) -> None:
    marks = {}
    for name in ("random", "turned"):
        app = open_app(bundle=name, clip="dog-1")
        analysis = L2I.from_bundle(models / name).analyse(*clips.at_hand()["dog-1"].read())
        agrees = int(analysis.interpreter_logits.argmax()) == analysis.predicted
        marks[name] = any("disagrees with f" in w.value for w in app.warning)
        assert marks[name] == (not agrees)
        order = [getattr(e.proto, "component_name", e.type) for e in app.main]
        if marks[name]:
            assert order.index("warning") < order.index("l2i_live")
    assert any(marks.values()), "Θ and −Θ cannot both agree with f"


def test_a_pin_is_made_only_where_it_is_wanted(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = [], pins._now
    monkeypatch.setattr(pins, "_now", lambda *about: made.append(about) or real(*about))
    app = open_app(clip="dog-1")
    assert not made
    button(app, "Pin to compare").click().run()
    assert made
    assert not app.exception


def test_nothing_selected_is_said_plainly(open_app: Open) -> None:
    app = upload(open_app(), "silence.wav", wav_bytes(np.zeros(44100 * 3, dtype="f4")))
    assert "Nothing is selected" in texts(app)
    assert not app.error
    assert len(seen(app)) == 3
    assert seen(app)[B] == seen(app)[A]  # both are three seconds of silence
    assert "nothing is taken out, and FF is 0" in texts(app)


def test_damaged_model(open_app: Open) -> None:
    app = open_app(bundle="wrecked")
    assert len(app.error) == 1
    assert "classifier.safetensors is damaged" in app.error[0].value
    assert not seen(app)


def test_no_model_at_all(open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path))
    monkeypatch.setattr("l2i_core.bundle.SHIPPED", tmp_path)
    app = open_app()
    assert len(app.error) == 1
    assert "No model is at hand" in app.error[0].value


# --- uploads ----------------------------------------------------------------------------------


def _truncated() -> bytes:
    return wav_bytes(noise(2.0))[:100_000]


def _with_nan() -> bytes:
    samples = noise(1.0)
    samples[77] = np.nan
    return wav_bytes(samples)


BAD_UPLOADS = {
    "text": (lambda: b"this is a poem, not a sound\n" * 40, "cannot be read as audio"),
    "empty": (lambda: b"", "cannot be read as audio"),
    "no samples": (lambda: wav_bytes(np.zeros(0, dtype="f4")), "0 samples"),
    "too short": (lambda: wav_bytes(noise(0.05)), "at least 0.1 s"),
    "truncated": (_truncated, "truncated|cannot be read"),
    "nan": (_with_nan, "NaN or infinite"),
}


@pytest.mark.parametrize("kind", BAD_UPLOADS)
def test_a_bad_upload_is_one_sentence(kind: str) -> None:
    make, expected = BAD_UPLOADS[kind]
    with pytest.raises(ValueError, match=expected):
        uploads.from_upload("a.wav", make())


@pytest.mark.parametrize("kind", ["text", "too short", "nan"])
def test_a_bad_upload_loses_nothing(open_app: Open, kind: str) -> None:
    app = open_app(clip="rain-1", tau="0.20")
    before = seen(app), url(app)
    make, expected = BAD_UPLOADS[kind]
    upload(app, "bad.wav", make())
    assert len(app.error) == 1
    assert expected in app.error[0].value
    assert "bad.wav" in app.error[0].value
    assert (seen(app), url(app)) == before


def test_a_link_to_an_upload_asks_for_the_file(open_app: Open) -> None:
    data = wav_bytes(noise(1.0, seed=3))
    first = upload(open_app(), "mine.wav", data)
    select(first, "Class").set_value("rooster").run()
    go(first, tau="0.07")
    link = url(first)
    assert link["clip"] == f"upload-{hashlib.sha256(data).hexdigest()[:16]}"

    second = open_app(**link)
    assert "Which file" in second.title[0].value
    assert link["clip"] in second.info[0].value
    assert "“mine.wav”" in second.info[0].value
    assert not seen(second)
    assert url(second) == link  # nothing of the link is lost
    upload(second, "renamed.wav", data)
    assert url(second) == link | {"file": "renamed.wav"}
    assert seen(second) == seen(first)


def test_another_file_than_the_link_asks_for(open_app: Open) -> None:
    app = open_app(clip="upload-0123456789abcdef")
    upload(app, "other.wav", wav_bytes(noise(1.0)))
    assert any("another file" in w.value for w in app.warning)
    assert len(seen(app)) == 3


def test_shortest_clip(open_app: Open) -> None:
    app = upload(open_app(tau="0.00"), "short.wav", wav_bytes(noise(0.1)))
    assert not app.error
    assert any("hears silence after it" in caption.value for caption in app.caption)
    assert len(seen(app)) == 3


def test_long_clip_is_heard_in_windows(open_app: Open) -> None:
    app = upload(open_app(), "long.wav", wav_bytes(noise(31.0)))
    window = select(app, "Window")
    assert len(window.options) == 4
    assert url(app)["window"] == window.value
    assert "mean of the logits" in texts(app)
    before, engine = seen(app), engine_for(app)
    analysis = engine.analyse(noise(31.0), 44100)
    hop = engine.audio.hop_length / engine.audio.sample_rate
    ends = [end * hop for _, end in analysis.windows[:-1]]
    first, second = (f"{round(end, 2):g}" for end in ends[:2])
    tag = f"{first}-{second}" if window.value.startswith("0-") else f"0-{first}"
    select(app, "Window").set_value(tag).run()
    assert url(app)["window"] == tag
    assert seen(app)[A] != before[A]
    select(app, "Source").set_value("demo").run()
    assert url(app)["clip"] == "dog-1"
    assert "window" not in url(app)


# --- what pages share -------------------------------------------------------------------------


def test_one_gain_for_all_seen() -> None:
    rng = np.random.default_rng(0)
    quiet, loud = 0.01 * rng.standard_normal(5000), 0.5 * rng.standard_normal(5000)
    for chosen in ((quiet, 0.2 * quiet, 0.8 * quiet), (loud, 3 * loud, loud)):
        gain = players.common_gain(chosen)
        for sound in chosen:
            data, rate = soundfile.read(io.BytesIO(players.wav(sound, 16000, gain)))
            assert rate == 16000
            np.testing.assert_allclose(data, gain * sound, atol=1 / 32767)
    assert players.common_gain([np.zeros(10)]) == 1.0


def test_long_sounds_differ_in_their_first_bytes() -> None:
    first = noise(30.0)
    second = first.copy()
    second[400_000] += 0.1
    one, two = players.wav(first, 44100), players.wav(second, 44100)
    assert len(one) == len(two) > 2**20
    assert one[:128] != two[:128]


def test_picture_dims_what_is_left_out(engine: L2I, analysis: Analysis) -> None:
    whole = pictures.decibels(analysis.spectrogram.log_magnitude, engine.audio)
    half = whole.copy()
    half[:, : half.shape[1] // 2] -= 60
    reference = float(whole.max())
    drawn = pictures.spectrogram(half, reference, engine.audio, "light", whole=whole)
    pixels = np.asarray(Image.open(io.BytesIO(drawn)), dtype=int)
    left, right = pixels[100:300, 120:460], pixels[100:300, 560:920]
    assert np.ptp(left, axis=-1).max() == 0, "grey"
    assert np.ptp(right, axis=-1).max() > 60, "coloured"
    plain = pictures.spectrogram(whole, reference, engine.audio, "light")
    same = np.asarray(Image.open(io.BytesIO(plain)), dtype=int)[100:300, 560:920]
    np.testing.assert_allclose(right, same, atol=1)


def test_palette_is_the_theme() -> None:
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text())
    light, dark = config["theme"]["light"], config["theme"]["dark"]
    assert pictures.palette().accent == light["primaryColor"] != dark["primaryColor"]
    assert pictures.palette().paper == light["backgroundColor"]
    assert config["browser"]["gatherUsageStats"] is False
    assert config["runner"]["postScriptGC"] is False


def test_bundled_clips_name_themselves() -> None:
    titles = [clip.title for clip in clips.bundled()]
    assert "Sea waves 1" in titles
    assert "Dog + rain (mixture)" in titles
    assert len({clip.id for clip in clips.bundled()}) == len(titles)


@pytest.mark.parametrize("asked", ["dog-1", "scene:10*dog-1*0.5*0*rain-1*2.25*-8"])
def test_damaged_demo_clips_are_one_sentence(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    (tmp_path / "clips.json").write_text("{")
    monkeypatch.setattr(clips, "FOLDER", tmp_path)
    assert clips.bundled() == []
    app = open_app(clip=asked)
    assert not app.exception
    assert "cannot be read" in " ".join(error.value for error in app.error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.number(0.0412), "0.041"),
        (words.number(-2.9), "−2.9"),
        (words.number(1234.4), "1234"),
        (words.logit(-0.001), "0.00"),
        (words.percent(0.413), "41\u202f%"),
        (words.percent(float("nan")), "–"),
        (words.hertz(1234.0), "1.23\u202fkHz"),
        (words.clock(75.2), "1:15"),
    ],
)
def test_numbers_have_two_or_three_digits(text: str, expected: str) -> None:
    assert text == expected


def test_every_threshold_is_what_the_page_shows_at_each(engine: L2I, analysis: Analysis) -> None:
    made = engine.interpret(analysis, "dog", 0.3)
    rows = every_threshold(Explained(engine, analysis, made))
    assert [row["threshold"] for row in rows] == list(THRESHOLDS)
    row = next(row for row in rows if row["threshold"] == 0.3)
    verdict = engine.judge(analysis, made)
    assert row["components"] == len(made.selected)
    assert row["energy_kept"] == pytest.approx(made.energy_kept, abs=1e-5)
    assert row["faithfulness"] == pytest.approx(verdict.faithfulness, abs=1e-3)
    assert row["logit_residual"] == pytest.approx(
        float(verdict.logits_without[made.target_index]), abs=1e-3
    )


def test_many_draws_replace_the_few(open_app: Open) -> None:
    app = open_app(interpreter="max", bundle="random", tau="0.70")
    assert "(median of 5 draws)" in texts(app)
    button(app, "Both Random Baselines, 20 draws").click().run()
    assert "(median of 20 draws)" in texts(app)
    assert "(median of 5 draws)" not in texts(app)
    assert "the paper's Random Baseline), median FF of 20 draws: **" in texts(app)


def test_chance_that_cannot_remove_as_much_tests_nothing(open_app: Open) -> None:
    every = "-".join(f"{k}_100" for k in range(100) if k != 3)
    app = open_app(own=every)
    text = texts(app)
    assert "taking out all other components together instead" in text
    assert "random components of equal log energy" not in text
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()[url(app)["clip"]].read())
    gains = np.ones(100)
    gains[3] = 0.0
    made = engine.interpret(analysis, url(app)["class"], gains=gains)
    (few,) = draw(
        engine,
        analysis,
        made.target_index,
        made.gains,
        ("random_energy",),
        draws=1,
        generator=np.random.default_rng(0),
    )
    assert not few.as_much
    assert f"instead {moved(few.median, 2e-3, 'it')}." in text
    assert ("The claim is not tested" in text) == (
        engine.judge(analysis, made).faithfulness > max(few.median, 0) + 2e-3
    )


# --- The fewest components --------------------------------------------------------------------


def test_fewest_components_sets_tau_for_sound_downloads_and_address(open_app: Open) -> None:
    engine = L2I.from_bundle(models.bundle("random").folder or "", "max")
    name, analysis, found = next(
        (name, analysis, found)
        for name, source in clips.at_hand().items()
        for analysis in [engine.analyse(*source.read())]
        if (found := fewest(engine, analysis, analysis.predicted)) and found.components
    )
    app = open_app(interpreter="max", bundle="random", tau="0.90", clip=name)
    button(app, "Fewest components").click().run()
    assert not app.exception
    view = app.session_state["l2i_view"]
    made = view.explained()
    assert made.interpretation.selected == found.components
    assert analysis.predicted in engine.decided(made.verdict.logits_interpretation)
    assert url(app)["tau"] == f"{view.threshold:.2f}" != "0.90"
    assert f"τ = {view.threshold:.2f}: with {len(found.components)}, and no" in app.toast[0].value


def test_where_none_suffice_one_sentence_says_so(open_app: Open) -> None:
    engine = L2I.from_bundle(models.bundle("random").folder or "", "att")
    analysis = engine.analyse(*clips.at_hand()[clips.FIRST].read())
    never = [c for c in range(len(engine.classes)) if fewest(engine, analysis, c) is None]
    app = open_app(
        interpreter="att", bundle="random", tau="0.90", **{"class": engine.classes[never[0]]}
    )
    button(app, "Fewest components").click().run()
    assert not app.exception
    assert sentence(none_suffice(engine, analysis, never[0])) in [w.value for w in app.warning]
    assert url(app)["tau"] == "0.90"
