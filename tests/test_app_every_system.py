"""Fidelity's section that explains one clip by all systems: interpreters, FLINT and VIBI."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from conftest import random_bundle
from driving import Open, texts, url
from streamlit.testing.v1 import AppTest

from l2i_core import L2I, AudioConfig, audio, load_bundle
from l2i_core.baselines import explanations
from l2i_core.bundle import BaselineInfo, new_baseline, save_bundle
from pages.shared import clips
from pages.shared.words import percent

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
    return open_app(page="fidelity", bundle="all", tau="0.2")


def test_all_systems_explain_the_clip(app: AppTest) -> None:
    assert not any("One gain for all" in c.value for c in app.caption)
    app.toggle(key="control_systems").set_value(True).run()
    assert not app.exception
    assert not app.error
    table = app.table[-1].value
    assert list(table.index)[2:] == ["FLINT", "VIBI"]
    assert len(table) == 4
    assert table.loc["VIBI", "keeps"] == "10 of 40 chunks"
    assert table.loc["FLINT", "energy kept"] == "–"
    assert "active attributes" in table.loc["FLINT", "keeps"]
    assert table.loc["VIBI", "energy kept"] != "–"
    assert "VIBI explains f's output as a whole" in texts(app)
    # Context bar's player, then both interpreters' and VIBI's; FLINT has none.
    assert len(app.get("audio")) == 4
    assert any("Nothing of it can be played" in c.value for c in app.caption)


def test_the_switch_is_a_link(app: AppTest, open_app: Open) -> None:
    assert "systems" not in url(app)
    app.toggle(key="control_systems").set_value(True).run()
    assert url(app)["systems"] == "all"
    again = open_app(page="fidelity", bundle="all", systems="all")
    assert list(again.table[-1].value.index)[2:] == ["FLINT", "VIBI"]
    again.toggle(key="control_systems").set_value(False).run()
    assert "systems" not in url(again)


def test_figures_are_the_engines(app: AppTest, tmp_path: Path) -> None:
    app.toggle(key="control_systems").set_value(True).run()
    table, bundle = app.table[-1].value, load_bundle(tmp_path / "all")
    engine = L2I(bundle, url(app).get("interpreter"))
    source = clips.at_hand()[url(app)["clip"]]
    analysis = engine.analyse(*audio.read(source.path))
    seen = explanations.vibi(bundle.baseline("vibi"), engine, analysis)
    assert table.loc["VIBI", "energy kept"] == percent(seen.energy_kept)
