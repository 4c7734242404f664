"""How it works, run from the router with Streamlit's AppTest, and the pictures made for it."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from driving import (
    Open,
    engine_for,
    noise,
    played,
    seen,
    select,
    sounds,
    texts,
    upload,
    url,
    wav_bytes,
)
from PIL import Image
from streamlit.testing.v1 import AppTest

from l2i_core import L2I, Analysis
from l2i_core.dictionary import masking, shapes
from l2i_core.task import ONE_CLASS
from l2i_core.words import moved
from pages.lesson import material, reasons, taken_apart
from pages.shell import clips
from pages.show import pictures, plots, words
from pages.show.pictures import palette
from pages.show.plots import Line

TITLES = [
    "1 · From sound to picture",
    "2 · What the classifier hears and says",
    "3 · The dictionary W",
    "4 · The activations H",
    "5 · W·H gives back X",
    "6 · Pooling, and whether to trust it",
    "7 · Relevance: what speaks for the class",
    "8 · From mask to sound",
    "9 · The test: was it right?",
]


def _headings(app: AppTest) -> list[str]:
    return [heading.value for heading in app.subheader]


def _button(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


# --- the page ---------------------------------------------------------------------------------


def test_first_visit_shows_one_step_of_a_clip_that_sounds(open_app: Open) -> None:
    app = open_app(page="lesson")
    assert app.title[0].value == "How does a model's decision become a sound?"
    assert _headings(app) == TITLES[:1]
    assert url(app)["step"] == "1"
    assert url(app)["clip"] == clips.FIRST
    assert len(app.get("image")) == 2
    assert len(app.latex) == 1
    assert len(sounds(app)) == 2  # the bar's and the step's
    assert sounds(app)[0] == sounds(app)[1]


def test_next_leads_through_all_steps_and_back(open_app: Open) -> None:
    app = open_app(page="lesson")
    assert next(b for b in app.button if b.label == "Previous").disabled
    seen = [*_headings(app)]
    for _ in TITLES[1:]:
        _button(app, "Next")
        assert not app.exception
        seen += _headings(app)
        assert url(app)["step"] == str(len(seen))
    assert seen == TITLES
    assert next(b for b in app.button if b.label == "Next").disabled
    _button(app, "Previous")
    assert _headings(app) == [TITLES[7]]


def test_all_on_one_page_from_a_link_with_the_engines_numbers(open_app: Open) -> None:
    link = {"bundle": "random", "interpreter": "att", "clip": "dog+rain", "tau": "0.10"}
    app = open_app(page="lesson", step="all", **link)
    assert _headings(app) == TITLES
    assert len(app.latex) == len(TITLES)
    assert {name: url(app)[name] for name in link} == link
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()["dog+rain"].read())
    made = engine.interpret(analysis, url(app)["class"], 0.10)
    x, patterns = analysis.spectrogram.log_magnitude, engine.dictionary.patterns
    error = float((x - patterns @ analysis.activations).norm() / x.norm())
    assert f"‖X − W H‖ / ‖X‖: **{error:.2f}**" in texts(app)
    assert f"L holds **{len(made.selected)}** components at τ = 0.10" in texts(app)
    verdict = engine.judge(analysis, made)
    score = f"f's logit for “{words.class_name(made.target)}”"
    done = moved(verdict.faithfulness, ONE_CLASS.resolution, score)
    assert f"Taking the interpretation out {done} (FF " in texts(app)
    assert app.table[0].value.iloc[:, 0].tolist() == [
        words.logit(float(row[made.target_index]))
        for row in (verdict.logits, verdict.logits_interpretation, verdict.logits_without)
    ]


def test_prompts_move_the_bars_own_controls(open_app: Open) -> None:
    app = open_app(page="lesson", step="7", clip="dog-1", tau="0.30", **{"class": "rain"})
    before = texts(app)
    _button(app, "τ 0.05")
    assert url(app)["tau"] == "0.05"
    assert app.slider[0].value == 0.05
    assert url(app)["class"] == "rain"
    assert texts(app) != before
    assert next(b for b in app.button if b.label == "τ 0.05").disabled


def test_a_prompt_that_changes_the_clip_asks_f_again(open_app: Open) -> None:
    app = open_app(page="lesson", clip="dog-1", **{"class": "rooster"})
    _button(app, "Rain 1")
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()["rain-1"].read())
    assert select(app, "Clip").value == "rain-1"
    assert url(app)["class"] == engine.classes[analysis.predicted]
    assert url(app)["step"] == "1"


def test_a_wrong_step_gives_one_notice_and_the_first_step(open_app: Open) -> None:
    app = open_app(page="lesson", step="12")
    assert [w.value for w in app.warning if "“12”" in w.value] == [
        "There is no step “12” here; showing “1” instead."
    ]
    assert _headings(app) == TITLES[:1]
    assert url(app)["step"] == "1"


def test_disagreement_is_said_where_fidelity_is_taught(open_app: Open) -> None:
    marks = []
    for bundle in ("random", "turned"):
        app = open_app(page="lesson", step="6", bundle=bundle, clip="dog-1")
        analysis = engine_for(app).analyse(*clips.at_hand()["dog-1"].read())
        agrees = int(analysis.interpreter_logits.argmax()) == analysis.predicted
        assert any("disagrees" in w.value for w in app.warning) == (not agrees)
        assert ("the interpreter agrees: both say" in texts(app)) == agrees
        marks.append(agrees)
    assert not all(marks), "Θ and −Θ cannot both agree with f"


def test_widgets_of_plain_text_show_no_escapes(open_app: Open) -> None:
    app = open_app(page="lesson", step="all", clip="dog-1")
    view = app.session_state["l2i_view"]
    shown = select(app, "Component to hear alone").options
    assert shown == material.names(view, material.parts(view).main)
    assert any("." in name for name in shown), "a kHz has decimals, which Markdown would escape"
    told = [option for box in app.selectbox for option in box.options]
    assert not [text for text in told if "\\" in text]


def test_a_silent_clip_leaves_no_step_without_words(open_app: Open) -> None:
    app = open_app(page="lesson", step="all")
    upload(app, "silence.wav", wav_bytes(np.zeros(44100 * 3, dtype="f4")))
    assert _headings(app) == TITLES
    assert texts(app).count("The clip is silent") == 2
    assert "Every relevance is 0" in texts(app)
    assert "Nothing is chosen, so the mask is 0 everywhere" in texts(app)
    assert "FF is 0" in texts(app)


def test_the_shortest_clip_and_own_gains(open_app: Open) -> None:
    app = open_app(page="lesson", bundle="random", step="all")
    upload(app, "short.wav", wav_bytes(noise(0.1)))
    assert _headings(app) == TITLES
    assert "**9 frames**" in texts(app)  # 4410 samples, without the padding that f needs
    link = {"bundle": "random", "step": "7", "clip": "dog-1", "tau": "0.30"}
    own = open_app(page="lesson", **link, own="3_100-5_50")
    assert re.search(r"L holds \*\*\d+\*\* components by your own choice: .*#[35]", texts(own))


def test_glossary_limits_and_interpreters_are_at_hand(open_app: Open) -> None:
    app = open_app(page="lesson", bundle="random")
    for term in ("STFT", "Hop length", "Log-mel", "Soft mask", "Random", "Residual"):
        assert f"**{term}.**" in texts(app)
    assert "not source separation" in texts(app)
    for info in engine_for(app).bundle.interpreter_info.values():
        assert info.description in texts(app)


# --- what it draws ----------------------------------------------------------------------------


def test_mel_rows_are_means_over_the_mel_axis(engine: L2I) -> None:
    config = engine.audio
    constant = np.full((config.n_bins, 3), 2.5)
    np.testing.assert_allclose(shapes.mel_rows(constant, config), 2.5, rtol=1e-9)
    for hertz in (300.0, 1000.0, 9000.0):
        bin_ = round(hertz / config.sample_rate * config.n_fft)
        one = np.zeros((config.n_bins, 1))
        one[bin_] = 1.0
        rows = shapes.mel_rows(one, config, 190)[:, 0]
        centre = float((rows * (np.arange(190) + 0.5)).sum() / rows.sum()) / 190
        exact = shapes.mel_places(bin_ * config.sample_rate / config.n_fft, config)
        assert centre == pytest.approx(exact, abs=0.01)
        assert rows.max() <= 1.0


def test_heat_puts_high_values_where_they_are(engine: L2I) -> None:
    rows = np.zeros((10, 20))
    rows[9, 19] = 1.0  # the highest frequency, the last frame
    drawn = pictures.heat(rows, 0.0, 1.0, engine.audio, "light")
    pixels = np.asarray(Image.open(io.BytesIO(drawn)).convert("L"), dtype=float)
    picture = pixels[10:390, 86:946]  # without axes and scale
    y, x = np.unravel_index(picture.argmax(), picture.shape)
    assert y < 60
    assert x > 780
    other = pictures.heat(rows, 0.0, 2.0, engine.audio, "light")
    assert Image.open(io.BytesIO(other)).getpixel((940, 14)) != Image.open(
        io.BytesIO(drawn)
    ).getpixel((940, 14)), "one value, two scales: two colours"


def test_waveform_is_high_where_the_sound_is_loud(engine: L2I) -> None:
    sound = np.zeros(44100, dtype=np.float32)
    sound[22050:] = 0.5 * np.sin(np.arange(22050) / 5)
    drawn = pictures.waveform(sound, engine.audio, "light")
    ink = np.asarray(Image.open(io.BytesIO(drawn)).convert("L"))[10:160, 86:946] < 200
    height = ink.sum(axis=0)
    assert height[:420].max() <= 2
    assert height[440:].min() > 100


def test_ranked_holds_the_highest_and_what_speaks_against(engine: L2I, analysis: Analysis) -> None:
    made = engine.interpret(analysis, threshold=0.1)
    drawn = material.ranked(made)
    order = masking.select(made.relevance, -float("inf"))
    assert len(set(drawn)) == len(drawn)
    assert drawn[: min(len(order), material.RANKED)] == order[: material.RANKED]
    assert set(made.selected) <= set(drawn)
    many = torch.linspace(1.0, -1.0, 100)
    wide = replace(made, relevance=many, selected=tuple(range(15)))
    assert material.ranked(wide) == [*range(17), 99]


def test_figures_mark_what_is_chosen() -> None:
    colours = palette()
    bars = reasons.relevance_bars(["#1", "#2"], [1.0, -0.4], [True, False], 0.3, colours)
    assert list(bars.data[0].marker.color) == [colours.accent, colours.neutral]
    assert bars.layout.shapes[0].x0 == 0.3
    curves = taken_apart.ridges(
        [0.0, 1.0], [[0.0, 2.0], [0.0, 1.0]], ["a", "b"], {"title": "s"}, colours, [False, True]
    )
    tops = [max(curve.y) for curve in curves.data[1::2]]
    assert tops == pytest.approx([1.9, 0.45])  # one scale; the first is on top
    assert [c.line.color for c in curves.data[1::2]] == [colours.neutral, colours.accent]
    alone = taken_apart.ridges(
        [0.0, 1.0], [[0.0, 1.0]], ["a"], {"title": "s"}, colours, [False], True
    )
    assert max(alone.data[1].y) == pytest.approx(0.9)
    pairs = plots.grouped_bars(["x"], {"f": [2.0], "Θ": [-1.0]}, "logit", colours)
    assert [(bar.name, bar.x[0]) for bar in pairs.data] == [("f", 2.0), ("Θ", -1.0)]


def test_the_alternative_of_a_figure_has_its_numbers() -> None:
    both = {"f": [2.0, 0.5], "Θ": [-1.0, 3.0]}
    bars = plots.grouped_bars(["dog", "rain"], both, "logit", palette(), decimals=1)
    assert plots.numbers(bars) == "f dog 2.0, rain 0.50; Θ dog −1.0, rain 3.0"
    bars.add_scatter(x=[1.0], y=[2.0], mode="markers")
    assert plots.numbers(bars).endswith("rain 3.0"), "a cloud of points is no list"
    line = Line("clip", [-10.0, 0.0], [0.25, 0.5], "#000000", band=([0.1, 0.2], [0.3, 0.6]))
    curves = plots.lines([line], 0.0, "dB", "share", palette())
    assert plots.numbers(curves) == "clip −10 0.25, 0 0.50", "the band is in the picture alone"


def test_w_h_is_spelled_out_component_by_component(open_app: Open) -> None:
    app = open_app(page="lesson", step="5")
    (clip, whole), (x, model, *_) = played(app)["lesson-product"], seen(app)
    app.select_slider[0].set_value(1).run()
    assert not app.exception
    again, one = played(app)["lesson-product"]
    assert again == clip
    assert one != whole
    assert seen(app)[0] == x
    assert seen(app)[1] != model


def test_the_projector_stays_on_from_page_to_page(open_app: Open) -> None:
    app = open_app(page="lesson")
    app.toggle[0].set_value(True).run()
    assert url(app)["projector"] == "1"
    app.switch_page("pages/listen/page.py").run()
    assert app.toggle[0].value is True
    app.toggle[0].set_value(False).run()
    assert "projector" not in url(app)
