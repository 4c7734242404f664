"""The Noise lab, run from the router with Streamlit's AppTest, on the random bundle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from driving import Open, button, engine_for, noise, played, select, texts, url, wav_bytes
from streamlit.testing.v1 import AppTest

from l2i_core import L2I, load_bundle
from l2i_core.bundle import SHIPPED, save_bundle
from l2i_core.data import scenes, sets, synth
from l2i_core.data.sets import held_out
from l2i_core.measure import experiments, noise_lab, stems
from l2i_core.signal.corrupt import COLOURS, coloured_noise
from pages.shell import clips, jobs
from pages.show import words

RATE = 44100


@pytest.fixture
def open_lab(open_app: Open) -> Open:
    """The Noise lab with the random bundle, unless the URL says else."""
    return lambda **link: open_app(page="noise", **{"bundle": "random", **link})


def figures(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


def told(app: AppTest) -> str:
    return texts(app) + " ".join(caption.value for caption in app.caption)


def lab_sounds(app: AppTest) -> list[str]:
    """A, B and C alone, A, B and C mixed, what was added: a hash of the samples that the player
    is sent for each."""
    return played(app).get("compared", [])


def upload_other(app: AppTest, name: str, data: bytes) -> AppTest:
    picker = next(u for u in app.file_uploader if u.label.startswith("A clip to mix in"))
    picker.set_value((name, data, "audio/wav")).run()
    assert not app.exception, app.exception
    return app


def test_first_visit_is_white_noise_at_0_db(open_lab: Open) -> None:
    app = open_lab(clip="dog-1")  # or f and the interpreter would choose
    assert app.title[0].value == "Does the explanation survive added noise?"
    asked = {"kind": "white", "snr": "0", "seed": "0", "tab": "clip"}
    assert url(app).items() >= asked.items()
    assert "other" not in url(app)
    assert "at 0.0\u202fdB SNR" in texts(app)
    assert len(lab_sounds(app)) == 7
    drawn = [image.proto.imgs[0].url for image in app.get("image")[:-1]]  # the last is the legend
    assert len(set(drawn)) == 6, "a picture for each sound"
    assert not app.error
    assert len(app.table) == 2
    engine = engine_for(app)
    clean = engine.analyse(*clips.at_hand()[url(app)["clip"]].read())
    said = words.class_name(engine.classes[clean.predicted])
    assert f"**{said}**" in texts(app)


MODELS = sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


def _holds(engine: L2I, source: clips.ClipSource, kind: str) -> bool:
    """f's decision on a clip, right or wrong, stands at 0 dB, and something is heard of it."""
    clean = engine.analyse(*source.read())
    clip, rate = clean.waveform.numpy(), engine.audio.sample_rate
    mixture = stems.mix(clip, coloured_noise(kind, len(clip), 0, rate), 0.0)
    row = noise_lab.measure(engine, mixture, clean.predicted)
    return clean.predicted in engine.decided(clean.logits) and bool(
        row["decision"] and row["followed_passed"]
    )


@pytest.mark.parametrize("name", MODELS)
def test_the_first_view_of_every_shipped_model_has_an_answer(open_app: Open, name: str) -> None:
    """Its clip is named in the noise, and B of the mixture sounds, if there is any such clip of
    which f says what it is."""
    app = open_app(page="noise", bundle=name)
    assert url(app)["bundle"] == name
    assert url(app).items() >= {"snr": "0", "seed": "0"}.items()
    engine, source = engine_for(app), clips.at_hand()[url(app)["clip"]]
    if _holds(engine, source, url(app)["kind"]):
        assert "f still" in texts(app)
        assert "Nothing is selected" not in texts(app)
        return
    for other in clips.bundled():
        said = engine.classes[engine.analyse(*other.read()).predicted]
        if said in {scenes.class_of(label, engine.classes) for label in other.labels}:
            assert not any(_holds(engine, other, kind) for kind in COLOURS), other.id


def test_the_very_first_view_has_an_answer(open_app: Open) -> None:
    app = open_app(page="noise")
    engine, source = engine_for(app), clips.at_hand()[url(app)["clip"]]
    assert _holds(engine, source, url(app)["kind"])
    assert url(app)["masks"] == "linear", "masks of logarithms leave little of a clip in noise"
    assert url(app)["domain"] == "log", "no other page has the lab's masks"
    assert url(open_app(page="noise", masks="log"))["masks"] == "log"


def test_what_was_chosen_is_not_changed_for_an_answer(open_app: Open) -> None:
    """A clip chosen by a link, or on another page, stays."""
    assert url(open_app(page="noise", clip="rooster-1"))["clip"] == "rooster-1"
    app = open_app(bundle="random")
    select(app, "Clip").set_value("rooster-1").run()
    app.switch_page("pages/noise/page.py").run()
    assert url(app)["clip"] == "rooster-1"
    assert url(app)["bundle"] == "random"


def test_a_deep_link_and_what_the_page_says_of_it(open_lab: Open) -> None:
    link = {"clip": "rain-1", "tau": "0.05", "kind": "pink", "snr": "-7", "seed": "3"}
    link["masks"] = "log"
    app = open_lab(**link)
    assert url(app).items() >= link.items()
    assert app.slider[-1].value == -7
    assert app.number_input[0].value == 3
    engine = engine_for(app)
    samples, rate = clips.at_hand()["rain-1"].read()
    clean = engine.analyse(samples, rate)
    clip = clean.waveform.numpy()
    mixture = stems.mix(clip, coloured_noise("pink", len(clip), 3, rate), -7.0)
    row = noise_lab.measure(engine, mixture, clean.predicted, 0.05)
    chance = float(engine.probabilities(clean.logits)[clean.predicted])
    assert "at −7.0\u202fdB SNR" in texts(app)
    place = "still the first of" if row["place"] == 1 else f"at place {row['place']} of"
    assert place in texts(app)
    assert figures(app) == [
        f"{chance:.2f} → {row['probability']:.2f}",
        words.percent(row["rest_passed"]),
        words.percent(row["followed_passed"]),
    ]
    inside = (
        "top 5" if 1 < row["place"] <= 5 else "outside" if row["place"] > 5 else "still the first"
    )
    assert inside in texts(app)
    assert lab_sounds(open_lab(**link)) == lab_sounds(app)
    order = [getattr(e.proto, "component_name", e.type) for e in app.main]
    for sound, head in ((clip, "the clip alone"), (mixture.mixed, "the mixture")):
        heard = engine.analyse(sound, rate)
        agrees = int(heard.interpreter_logits.argmax()) == heard.predicted
        marked = [w for w in app.warning if f"disagrees with f on {head}" in w.value]
        assert bool(marked) == (not agrees)
        if marked:
            assert order.index("warning") < order.index("l2i_sounds")


def _said(engine: L2I, found: int | None, target: int) -> str:
    how = "does not hold even at **40" if found is None else "holds down to"
    level = f"**{found}\u202fdB**.".replace("-", "−")
    lowest = "the lowest, " if found == noise_lab.LOWEST else ""
    what = f"f's “{words.class_name(engine.classes[target])}” {how}"
    return f"{what}\u202fdB**." if found is None else f"{what} {lowest}{level}"


def test_the_most_noise_at_which_the_decision_holds(open_lab: Open) -> None:
    app = open_lab(clip="dog-1", snr="7", kind="pink", seed="2")
    engine = engine_for(app)
    clean = engine.analyse(*clips.at_hand()["dog-1"].read())
    clip = clean.waveform.numpy()
    found = noise_lab.most_noise(
        engine, clip, coloured_noise("pink", len(clip), 2, RATE), clean.predicted
    )
    assert _said(engine, found, clean.predicted) in texts(app)


def test_the_noise_changes_the_mixture_alone(open_lab: Open) -> None:
    app = open_lab(tau="0.05")
    before = lab_sounds(app)
    app.number_input[0].set_value(7).run()
    assert url(app)["seed"] == "7"
    after = lab_sounds(app)
    assert after[3] != before[3]
    assert after[6] != before[6]
    # Quieter noise: the mixture no longer needs the gain to be lowered, or lowers it less.
    app.slider[-1].set_value(20).run()
    assert url(app)["snr"] == "20"
    assert "at 20.0\u202fdB SNR" in texts(app)


@pytest.mark.parametrize(
    "link",
    [
        {"kind": "violet", "snr": "99", "seed": "-1", "tab": "attic"},
        {"snr": "2.5", "seed": "1e3"},
        {"snr": "loud", "seed": "٣x"},
    ],
)
def test_wrong_values_in_the_url(open_lab: Open, link: dict[str, str]) -> None:
    app = open_lab(**link)
    for value in link.values():
        said = [w.value for w in app.warning if f"“{value}”" in w.value]
        assert len(said) == 1
        assert said[0].endswith(".")
    asked = {"kind": "white", "snr": "0", "seed": "0", "tab": "clip"}
    assert url(app).items() >= asked.items()
    assert len(lab_sounds(app)) == 7


def test_an_overlap_is_explained_for_either_class(open_lab: Open, engine: L2I) -> None:
    decisions = {
        name: engine.classes[engine.analyse(*clip.read()).predicted]
        for name, clip in clips.at_hand().items()
        if name in ("dog-1", "rain-1", "rooster-1", "helicopter-1")
    }
    ours = decisions["dog-1"]
    other = next(name for name, label in decisions.items() if label != ours)
    app = open_lab(kind="clip", clip="dog-1", other=other, tau="0.05", snr="5")
    title = clips.at_hand()[other].title
    assert app.title[0].value.startswith("Two sounds at once")
    assert "at 5.0\u202fdB SNR" in texts(app)
    assert "**A**, Dog 1 alone" in texts(app)
    before = lab_sounds(app)
    switch = next(b for b in app.button_group if b.label == "Explain the mixture for")
    assert switch.value == ours
    switch.set_value(decisions[other]).run()
    assert not app.exception, app.exception
    assert url(app)["class"] == decisions[other]
    assert select(app, "Class").value == decisions[other]
    assert f"**A**, {title} alone" in texts(app)
    assert "at −5.0\u202fdB SNR" in texts(app), "the other clip is followed now"
    clip, rest = (
        engine.analyse(*clips.at_hand()[name].read()).waveform.numpy() for name in ("dog-1", other)
    )
    target = engine.class_index(decisions[other])
    assert _said(engine, noise_lab.most_noise(engine, rest, clip, target), target) in texts(app)
    assert lab_sounds(app)[0] != before[0]
    rows = list(app.table[-1].value.index)
    assert rows == [title, "Dog 1"]
    # The mixture's SI-SDR against a stem is the stem's SNR, up to the stems' correlation.
    shown = app.table[-1].value["SI-SDR of A"].iloc[0]
    assert float(shown.split("\u202f")[0].replace("−", "-")) == pytest.approx(-5.0, abs=0.5)


def test_clips_of_different_lengths(open_lab: Open) -> None:
    app = open_lab(kind="clip", clip="dog-1")
    upload_other(app, "short.wav", wav_bytes(noise(2.0)))
    assert "short.wav (upload) lasts 2.00\u202fs and is repeated to fill" in told(app)
    assert url(app)["other"].startswith("upload-")
    assert url(app)["clip"] == "dog-1"
    upload_other(app, "long.wav", wav_bytes(noise(7.0, seed=1)))
    assert "long.wav (upload) lasts 7.00\u202fs and is cut to" in told(app)
    assert len(lab_sounds(app)) == 7


def test_silence_is_one_sentence(open_lab: Open) -> None:
    app = open_lab()
    app.file_uploader[0].set_value(
        ("mute.wav", wav_bytes(np.zeros(3 * RATE, dtype="f4")), "audio/wav")
    ).run()
    assert not app.exception, app.exception
    assert [i.value for i in app.info if "the clip is silent" in i.value.lower()]
    assert not lab_sounds(app)
    app = open_lab(kind="clip", clip="dog-1")
    upload_other(app, "mute.wav", wav_bytes(np.zeros(3 * RATE, dtype="f4")))
    assert [i.value for i in app.info if "The other clip is silent" in i.value]
    assert not app.error


def test_a_link_to_an_upload_that_is_not_here_loses_nothing(open_lab: Open) -> None:
    data = wav_bytes(noise(2.0, seed=5))
    name = f"upload-{hashlib.sha256(data).hexdigest()[:16]}"
    app = open_lab(kind="clip", clip="dog-1", other=name, snr="3")
    assert any(name in w.value for w in app.warning)
    assert not lab_sounds(app)
    link = url(app)
    assert link["other"] == name
    upload_other(app, "again.wav", data)
    assert url(app) == link
    assert len(lab_sounds(app)) == 7
    upload_other(app, "broken.wav", b"RIFF nothing")
    assert any("broken.wav" in e.value for e in app.error)
    assert url(app) == link


def test_nothing_selected_offers_the_class_that_f_names(open_lab: Open) -> None:
    engine = engine_for(open_lab())
    samples, rate = clips.at_hand()["dog-1"].read()
    clip = engine.analyse(samples, rate).waveform.numpy()
    mixture = stems.mix(clip, coloured_noise("white", len(clip), 0, rate), 0.0)
    mixed = engine.analyse(mixture.mixed, rate)
    label = next(
        label
        for label in engine.classes
        if float(engine.relevance(mixed, label).max()) <= 0.95
        and label != engine.classes[mixed.predicted]
    )
    app = open_lab(clip="dog-1", tau="0.95", **{"class": label})
    assert "Nothing is selected in the mixture" in texts(app)
    assert figures(app)[1:] == ["0\u202f%", "0\u202f%"]
    button(app, "Explain").click().run()
    assert url(app)["class"] == engine.classes[mixed.predicted]


def test_a_sweep_runs_beside_the_page(open_lab: Open) -> None:
    app = open_lab(kind="clip", clip="dog-1", other="rain-1", tab="sweep", tau="0.10")
    total = len(noise_lab.SNRS)
    button(app, f"Measure {total}").click().run()
    assert not app.exception, app.exception
    job = next(reversed(jobs._jobs.values()))
    job.wait(60)
    assert job.complete
    app.run()
    assert not app.exception, app.exception
    charts = app.get("plotly_chart")
    assert len(charts) == 4
    decided = sum(row["decision"] for row in job.rows)
    assert f"in {decided} of {total} mixtures" in texts(app)
    assert not [b for b in app.button if b.label.startswith(("Measure", "Cancel"))]
    assert [row["snr_asked"] for row in job.rows] == list(noise_lab.SNRS)
    # Each of its cards opens at its SNR.
    mixed = {}
    for snr in (-20, 10):
        app.query_params["tab"] = "sweep"
        app.run()
        button(app, f"**{snr}".replace("-", "−")).click().run()
        assert not app.exception, app.exception
        assert url(app).items() >= {"snr": str(snr), "tab": "clip"}.items()
        assert f"at {snr}.0\u202fdB SNR".replace("-", "−") in texts(app)
        mixed[snr] = lab_sounds(app)[3]
    assert len(set(mixed.values())) == 2


def test_an_explainer_without_an_order_of_classes_is_counted_in_none(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise_lab, "SNRS", (0.0, 10.0))
    link = {"kind": "clip", "clip": "dog-1", "other": "rain-1", "interpreter": "gradient"}
    app = open_lab(tab="sweep", **link)
    button(app, "Measure").click().run()
    job = next(reversed(jobs._jobs.values()))
    job.wait(120)
    app.run()
    assert not app.exception, app.exception
    assert len(app.get("plotly_chart")) == 3
    assert "interpreter's top 5" not in texts(app)
    assert [row["place"] for row in job.rows] == [None, None]


def test_a_batch_on_the_recorded_test_set(
    open_lab: Open, models: Path, write_clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, label in (("001", "Dog bark"), ("002", "Rain")):
        kind = {"Dog bark": "dog", "Rain": "rain"}[label]
        write_clip(f"set/{number} - {label}/1-{number}-A.ogg", synth.clip(kind, 9, RATE, 2.0))
    data = {"kind": "esc10", "test_folds": [1], "root": None}
    recorded = replace(
        load_bundle(models / "random"), name="recorded", training={"config": {"data": data}}
    )
    save_bundle(recorded, tmp_path / "bundles" / "recorded")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "bundles"))
    monkeypatch.setenv("L2I_ESC10", str(tmp_path / "set"))
    app = open_lab(bundle="recorded", tab="batch", masks="log")
    button(app, "Measure 2 clips of ESC-10, fold 1").click().run()
    assert not app.exception, app.exception
    job = next(reversed(jobs._jobs.values()))
    job.wait(60)
    app.run()
    assert not app.exception, app.exception
    kept = sum(row["place"] <= 5 for row in job.rows)
    assert f"on {kept} of 2 clips" in texts(app)
    assert "five of 10 classes: 50\u202f%" in texts(app)
    settings = experiments.Settings(0, (0.3,))
    test_clips = held_out(recorded.training, "recorded")[1]
    (first,) = experiments.noise_rows(engine_for(app), test_clips, (0, 0.0), settings)
    assert json.dumps(job.rows[0]) == json.dumps(first), "as the stored experiment measures"
    assert sorted(app.dataframe[0].value["clip"]) == ["1-001-A", "1-002-A"]
    agrees = np.mean([r["predicted"] == r["interpreter_predicted"] for r in job.rows])
    assert figures(app)[3] == words.percent(float(agrees))
    assert figures(app)[4] == words.percent(float(np.median([r["rest_passed"] for r in job.rows])))


def test_a_batch_without_its_data_says_what_to_do(
    open_lab: Open, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_lab(tab="batch")
    assert "does not record its test set" in texts(app)
    data = {"kind": "esc10", "test_folds": [1], "root": None}
    recorded = replace(
        load_bundle(models / "random"), name="bare", training={"config": {"data": data}}
    )
    save_bundle(recorded, tmp_path / "bundles" / "bare")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "bundles"))
    monkeypatch.delenv("L2I_ESC10", raising=False)
    monkeypatch.setattr(sets, "data_folder", lambda kind: None)
    app = open_lab(bundle="bare", tab="batch")
    assert [i.value for i in app.info if "L2I_ESC10" in i.value]
    app = open_lab(bundle="bare", tab="batch", kind="clip")
    assert [i.value for i in app.info if "choose white, pink or brown" in i.value]


def test_own_gains_are_left_aside(open_lab: Open) -> None:
    app = open_lab(own="3_50")
    assert "components follow τ" in told(app)
    assert url(app)["own"] == "3_50"
    assert lab_sounds(app) == lab_sounds(open_lab(clip=url(app)["clip"]))
