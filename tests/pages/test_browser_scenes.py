"""The scene maker in a real browser: made, explained, and made again from its address alone."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from serving import SECONDS

from pages.shell import recipes


def _clip(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["clip"][0]


def _ready(page: Page) -> None:
    page.get_by_text("Does the claim hold?").wait_for()


def test_a_scene_from_clips_to_its_link(server: str, tab: BrowserContext) -> None:
    page = tab.new_page()
    page.goto(f"{server}/?bundle=random&clip=dog-1")
    _ready(page)
    page.get_by_role("button", name="Add a clip").click()
    page.get_by_role("button", name="Make a scene of several clips").click()
    expect(page.get_by_role("combobox", name="Sound 2")).to_have_value("Rain 1")
    level = page.get_by_role("spinbutton", name="Level, dB")
    level.fill("-12")
    level.press("Enter")
    expect(page.get_by_alt_text("Rain 1: from 4 s, −12 dB")).to_be_visible()
    assert _clip(page) == "dog-1", "nothing is explained before it is asked for"
    scene = page.locator("[data-set=scene]")
    scene.wait_for()
    lengths = scene.evaluate(
        "({l2i}) => Object.values(l2i.sounds).map(sound => sound.length / l2i.rate)"
    )
    assert lengths == [pytest.approx(10, abs=0.01)] * 3
    page.get_by_role("button", name="Explain this scene").click()
    page.wait_for_url("**clip=scene*")
    _ready(page)
    name = _clip(page)
    recipe = recipes.parse(name)
    assert [(p.clip, p.onset, p.level) for p in recipe.parts] == [
        ("dog-1", 0.5, 0.0),
        ("rain-1", 4.0, -12.0),
    ]
    page.get_by_text("Does B hold the true sound?").wait_for()

    other = tab.browser.new_page()  # type: ignore[union-attr]
    other.set_default_timeout(1000 * SECONDS)
    other.goto(page.url)
    _ready(other)
    assert _clip(other) == name
    expect(other.get_by_role("combobox", name="Clip", exact=True)).to_have_value(
        "Dog 1 + Rain 1 (10.0\u202fs)"
    )
    other.get_by_text("Change this scene, or make another").click()
    expect(other.get_by_role("spinbutton", name="Level, dB")).to_have_value("-12.0")
    expect(other.get_by_role("button", name="Explain this scene")).to_be_disabled()
    expect(other.get_by_test_id("stException")).to_have_count(0)
    other.close()
