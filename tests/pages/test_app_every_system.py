"""Fidelity's section that explains one clip by all systems: interpreters, FLINT and VIBI."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import random_bundle
from driving import Open, go, noise, played, texts, url, wav_bytes
from PIL import Image
from streamlit.testing.v1 import AppTest

from l2i_core import L2I, AudioConfig, load_bundle
from l2i_core.bundle import save_bundle
from l2i_core.explainers import flint, vibi
from l2i_core.explainers.baselines import BaselineInfo, new_baseline
from l2i_core.explainers.surrogate import LocalSurrogate
from l2i_core.signal import audio
from pages.shell import clips
from pages.show import pictures
from pages.show.words import logit, percent

BASELINES = {
    "flint": BaselineInfo("flint", "FLINT", "Nothing of it can be played.", channels=8),
    "vibi": BaselineInfo("vibi", "VIBI", "Chunks of the log-mel.", kept_chunks=10),
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_app: Open) -> AppTest:
    """The page with a model that has every kind of system."""
    bundle = random_bundle(AudioConfig(), "all")
    torch.manual_seed(0)
    made = {n: new_baseline(i, bundle.classifier, 12).eval() for n, i in BASELINES.items()}
    bundle = dataclasses.replace(bundle, baselines=made, baseline_info=BASELINES)
    save_bundle(bundle, tmp_path / "all")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path))
    # The page is under test, not how well a surrogate fits: 16 passes of f instead of 256.
    monkeypatch.setattr(LocalSurrogate.__init__, "__defaults__", (16,))
    return open_app(page="fidelity", bundle="all", tau="0.2")


def test_all_systems_explain_the_clip(app: AppTest, open_app: Open, tmp_path: Path) -> None:
    assert not played(app)
    app = open_app(page="fidelity", bundle="all", tau="0.2", systems="all")
    assert not app.exception
    assert not app.error
    table = app.table[-1].value
    explainers = load_bundle(tmp_path / "all").explainers()
    assert list(table.index) == [title for title, _ in explainers.values()] + ["FLINT", "VIBI"]
    assert table.loc["VIBI", "keeps"] == "10 of 40 chunks"
    assert table.loc["FLINT", "sound energy kept"] == "–"
    assert "active attributes" in table.loc["FLINT", "keeps"]
    assert table.loc["VIBI", "sound energy kept"] != "–"
    assert any("Neither the class nor τ changes" in c.value for c in app.caption)
    # The clip, then all explainers' and VIBI's; FLINT has none.
    assert len(played(app)["systems"]) == 1 + len(explainers) + 1
    assert any("Nothing of it can be played" in c.value for c in app.caption)


def test_the_switch_is_a_link(app: AppTest, open_app: Open) -> None:
    assert "systems" not in url(app)
    app.toggle(key="control_systems").set_value(True).run()
    quick = url(app)["systems"]
    assert quick == "att,max,gradient,flint,vibi", "search and surrogate take seconds"
    again = open_app(page="fidelity", bundle="all", systems=quick)
    assert list(again.table[-1].value.index) == list(app.table[-1].value.index)
    again.toggle(key="control_systems").set_value(False).run()
    assert "systems" not in url(again)


def picked(app: AppTest) -> Any:
    return next(group for group in app.button_group if group.label == "Systems")


def test_any_of_the_systems_can_be_shown_alone(app: AppTest, open_app: Open) -> None:
    app.toggle(key="control_systems").set_value(True).run()
    assert {"att", "max", "gradient", "flint", "vibi"} <= set(picked(app).value)
    picked(app).set_value(["flint"]).run()
    assert url(app)["systems"] == "flint"
    assert list(app.table[-1].value.index) == ["FLINT"]
    assert not played(app)
    again = open_app(page="fidelity", bundle="all", systems="vibi,att")
    assert list(again.table[-1].value.index) == ["ATT", "VIBI"]
    picked(again).set_value([]).run()
    assert "systems" not in url(again)
    assert not again.toggle(key="control_systems").value
    wrong = open_app(page="fidelity", bundle="all", systems="flint,max-loop")
    assert "no system “max-loop”" in texts(wrong)
    assert picked(wrong).value == ["flint"]


@pytest.mark.parametrize("which", ["flint", "vibi"])
def test_a_system_that_refuses_leaves_the_others(
    which: str, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError(f"{which} cannot explain this clip.")

    monkeypatch.setattr({"flint": flint, "vibi": vibi}[which], "explain", refuse)
    app.toggle(key="control_systems").set_value(True).run()
    assert [e.value for e in app.error] == [f"{which.title()} cannot explain this clip."]
    table = app.table[-1].value
    assert set(table.loc[which.upper()]) == {"–"}
    assert (table.drop(which.upper())["keeps"] != "–").all()
    assert len(played(app)["systems"]) == len(table) - (which == "vibi")
    picked(app).set_value([which]).run()
    assert not app.exception
    assert len(app.error) == 1


def test_figures_are_the_engines(app: AppTest, tmp_path: Path) -> None:
    app.toggle(key="control_systems").set_value(True).run()
    table, bundle = app.table[-1].value, load_bundle(tmp_path / "all")
    engine = L2I(bundle, url(app).get("interpreter"))
    source = clips.at_hand()[url(app)["clip"]]
    analysis = engine.analyse(*audio.read(source.path))
    seen = vibi.explain(bundle.baseline("vibi"), engine.hearing, analysis)
    assert table.loc["VIBI", "sound energy kept"] == percent(seen.energy_kept)


def test_an_explainer_without_logits_of_its_own(app: AppTest, tmp_path: Path) -> None:
    app.toggle(key="control_systems").set_value(True).run()
    engine = L2I(load_bundle(tmp_path / "all"), "gradient")
    row = app.table[-1].value.loc[engine.explainer.title]
    assert row[["its first choice", "rank of f's class"]].tolist() == ["–", "–"]
    analysis = engine.analyse(*audio.read(clips.at_hand()[url(app)["clip"]].path))
    made = engine.interpret(analysis, url(app)["class"], 0.2)
    assert row["FF, logits"] == logit(engine.judge(analysis, made).faithfulness)


def test_attributes_are_drawn_with_their_relevances(app: AppTest, tmp_path: Path) -> None:
    app.toggle(key="control_systems").set_value(True).run()
    engine = L2I(load_bundle(tmp_path / "all"))
    analysis = engine.analyse(*audio.read(clips.at_hand()[url(app)["clip"]].path))
    model = engine.bundle.baseline("flint")
    explained = flint.explain(
        model, engine.hearing, analysis, engine.class_index(url(app)["class"])
    )
    figure = json.loads(app.get("plotly_chart")[-1].proto.spec)
    attributes, relevance = figure["data"]
    active = int((explained.attributes > 0).sum())
    assert len(attributes["y"]) == min(active, 8) > 1
    chosen = [int(k) for k in attributes["y"]]
    np.testing.assert_allclose(attributes["x"], explained.attributes[chosen], rtol=1e-4)
    np.testing.assert_allclose(relevance["x"], explained.relevance[chosen], rtol=1e-4)
    assert relevance["x"] == sorted(relevance["x"], reverse=True)
    best = int(explained.relevance.abs().argmax())
    assert any(f"; {best} weighs most" in c.value for c in app.caption)


@pytest.mark.parametrize("seconds", [5.0, 0.4])
def test_kept_chunks_are_framed_and_the_others_grey(engine: L2I, seconds: float) -> None:
    analysis = engine.analyse(noise(seconds), engine.audio.sample_rate)

    def drawn(*chosen: int) -> np.ndarray:
        kept = torch.zeros(40)
        kept[list(chosen)] = 1.0
        data = pictures.chunks(analysis, kept.view(10, 4), engine.audio, "light")
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)

    def changed(pixels: np.ndarray) -> np.ndarray:
        """Rows and columns that differ from the picture in which nothing is kept."""
        return np.argwhere((pixels != drawn()).any(axis=2))

    lowest = drawn(0)
    rows, columns = changed(lowest).T
    assert rows.min() > changed(drawn(1))[:, 0].min(), "low bands are below high ones"
    # The first of ten steps in time and of four in mel; a short clip is padded and shows fewer.
    assert np.ptp(rows) == pytest.approx(380 / 4, abs=4)
    if seconds == 5.0:
        assert np.ptp(columns) == pytest.approx(860 / 10, abs=4)
        assert (drawn(0, 39) != lowest).any()
    else:
        assert np.ptp(columns) > 860 / 5
        np.testing.assert_array_equal(drawn(0, 39), lowest)


def test_chunks_in_a_short_clips_padding_are_accounted_for(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def padded() -> bool:
        return any("padding" in c.value for c in app.caption)

    app.toggle(key="control_systems").set_value(True).run()
    assert not padded()
    (tmp_path / "short").mkdir()
    (tmp_path / "short" / "short.wav").write_bytes(wav_bytes(noise(0.4)))
    monkeypatch.setenv("L2I_CLIPS", str(tmp_path / "short"))
    go(app, clip="folder:short.wav")
    assert padded()
