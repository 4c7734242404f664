"""From one model or clip to any other while the sound plays: by the chooser, and back again."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from serving import live, serving, signal

from l2i_core import L2I
from pages.shell import clips

# Every ordered pair of the three shipped models, and backwards every one again.
WALK = ("esc10", "scenes", "esc50", "esc10", "esc50", "scenes", "esc10")
SHORT, LONG = "dog-1", "dog+crow+rain"  # 5 s and 10 s

_SETTLED = """([bundle, rate, components, length]) => {
  const root = document.querySelector('[data-testid=live-interpretation]');
  return document.querySelector('[data-testid=stException]')
    || document.body.innerText.includes('BidiComponent Error') || (
    location.search.includes(`bundle=${bundle}`) && root?.l2i.ready && root.l2i.rate === rate
    && root.innerText.includes(` of ${components} components`)
    && root.l2i.signal('interpretation').length === length
    && !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]'));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with the shipped models; gives its address."""
    with serving("app.py", {}, tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@cache
def _wanted(bundle: str, clip: str) -> tuple[int, int, np.ndarray]:
    """What the engine says: sample rate, K, x_int (n,)."""
    engine = L2I.from_bundle(bundle)
    made = engine.interpret(engine.analyse(*clips.at_hand()[clip].read()), threshold=0.3)
    return engine.audio.sample_rate, engine.dictionary.n_components, made.audio.numpy()


def _plays(page: Page, bundle: str, clip: str = SHORT) -> None:
    """The component shows this model and makes its sound of this clip; leaves it playing."""
    rate, components, sound = _wanted(bundle, clip)
    page.wait_for_function(_SETTLED, arg=[bundle, rate, components, len(sound)])
    assert page.get_by_text("BidiComponent Error").count() == 0
    assert page.get_by_test_id("stException").count() == 0
    more = live(page).get_by_role("button", name=f"Show all {components}", exact=True)
    if more.is_visible():
        more.click()
    expect(live(page).get_by_role("listitem")).to_have_count(components)
    heard = signal(page, "interpretation")
    assert np.linalg.norm(heard - sound) <= 1e-3 * np.linalg.norm(sound)
    live(page).get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=live-interpretation]').l2i.position > 0.1"
    )


def test_the_player_outlives_every_change_of_model_and_clip(
    tab: BrowserContext, server: str
) -> None:
    assert len({_wanted(bundle, SHORT)[:2] for bundle in WALK}) == 3
    page = tab.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(f"{server}/?bundle={WALK[0]}&clip={SHORT}")
    _plays(page, WALK[0])
    for bundle in WALK[1:]:
        page.get_by_role("combobox", name="Model").click()
        page.get_by_role("option", name=bundle, exact=True).click()
        _plays(page, bundle)
    page.get_by_role("combobox", name="Clip", exact=True).fill("Dog + crow + rain")
    page.get_by_role("option").first.click()
    _plays(page, WALK[-1], LONG)
    for bundle in reversed(WALK):
        page.go_back()
        _plays(page, bundle)
    assert not errors
