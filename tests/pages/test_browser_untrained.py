"""A model of the user's own in the chooser, and another dictionary while the sound plays."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page
from serving import live, serving, signal

from l2i_core import L2I
from l2i_core.bundle import load_bundle, save_bundle
from l2i_core.classifiers.opening import opened
from l2i_core.measure.fewest import fewest
from pages.shell import clips

CLIP = "dog-1"
CODE = """
import torch
from torch import nn
from l2i_core.classifiers import wrap


class Bands(nn.Module):
    def forward(self, waveforms):
        power = torch.fft.rfft(waveforms).abs().square()
        split = power.shape[1] // 4
        level = torch.stack([power[:, :split].mean(1), power[:, split:].mean(1)], 1)
        return level.add(1e-6).log() + torch.tensor([0.0, 0.5])  # "high" is what silence is


def load():
    return wrap(Bands(), sample_rate=16000, classes=["low", "high"])
"""
_SETTLED = """([components, length]) => {
  const root = document.querySelector('[data-testid=live-interpretation]');
  return document.querySelector('[data-testid=stException]') || (root?.l2i.ready
    && root.innerText.includes(` of ${components} components`)
    && root.l2i.signal('interpretation').length === length
    && !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]'));
}"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with a stranger's, "mine", which has the dictionary of esc50."""
    root = tmp_path_factory.mktemp("own")
    (root / "my_model.py").write_text(CODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L2I_TRUST_CODE", "1")
        f = opened(f"{root / 'my_model.py'}:load")
        save_bundle(load_bundle("esc50").explaining(f, "mine"), root / "mine")
    return root


@pytest.fixture(scope="module")
def server(own: Path) -> Iterator[str]:
    given = {"L2I_BUNDLES": str(own), "L2I_TRUST_CODE": "1"}
    with serving("app.py", given, own / "log.txt") as address:
        yield address


def _plays(page: Page, engine: L2I) -> None:
    """The component makes the engine's sound of the clip; leaves it playing."""
    analysis = engine.analyse(*clips.at_hand()[CLIP].read())
    sound = engine.interpret(analysis, threshold=0.3).audio.numpy()
    page.wait_for_function(_SETTLED, arg=[len(analysis.activations), len(sound)])
    assert page.get_by_test_id("stException").count() == 0
    heard = signal(page, "interpretation")
    assert np.linalg.norm(heard - sound) <= 1e-3 * np.linalg.norm(sound)
    live(page).get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=live-interpretation]').l2i.position > 0.1"
    )


def test_a_foreign_model_and_its_dictionaries_while_the_sound_plays(
    tab: BrowserContext, server: str, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    page = tab.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(f"{server}/?bundle=esc10&clip={CLIP}&tau=0.30")
    _plays(page, L2I.from_bundle("esc10"))
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="mine", exact=True).click()
    shared = L2I.from_bundle(own / "mine", "gradient")
    _plays(page, shared)
    page.get_by_role("combobox", name="Dictionary").click()
    page.get_by_role("option", name="the clip's own", exact=True).click()
    engine = L2I.from_bundle(own / "mine", "gradient", dictionary="clip")
    _plays(page, engine)
    assert "dictionary=clip" in page.url
    analysis = engine.analyse(*clips.at_hand()[CLIP].read())
    found = fewest(engine, analysis, analysis.predicted)
    assert found is not None
    assert found.components
    page.get_by_role("button", name="Fewest components").click()
    page.wait_for_function(
        """wanted => {
          const {l2i} = document.querySelector('[data-testid=live-interpretation]');
          return l2i.ready && String([...l2i.selected].sort()) === String(wanted.sort());
        }""",
        arg=list(found.components),
    )
    page.wait_for_function(
        """() => {
          const {l2i} = document.querySelector('[data-testid=live-interpretation]');
          return location.search.includes(`tau=${l2i.threshold.toFixed(2)}`);
        }"""
    )
    assert not errors
