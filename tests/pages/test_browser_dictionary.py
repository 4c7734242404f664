"""The wall of the Dictionary page in a real browser: chosen by mouse and by keyboard, named."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, Page, expect
from serving import live

from l2i_core import L2I
from pages.shell import clips


def test_the_wall_by_mouse_and_keyboard(page: Page, server: str) -> None:
    page.goto(f"{server}/dictionary?bundle=random&component=3&sort=number")
    wall = page.get_by_test_id("wall")

    def cell(k: int) -> Locator:
        return wall.locator(f"button[data-k='{k}']")

    cell(3).wait_for()
    expect(cell(3)).to_have_attribute("aria-pressed", "true")
    cell(5).click()
    page.wait_for_url("**component=5&**")
    page.keyboard.press("ArrowRight")
    expect(cell(6)).to_be_focused()
    assert "component=5" in page.url, "moving does not choose yet"
    page.keyboard.press("Enter")
    page.wait_for_url("**component=6&**")
    expect(cell(6)).to_be_focused()
    expect(wall.locator("button[aria-pressed=true]")).to_have_count(1)
    page.keyboard.press("Home")
    expect(cell(0)).to_be_focused()

    page.get_by_label("Your name for #6").fill("a <b>bark</b>")
    page.keyboard.press("Enter")
    expect(cell(6)).to_contain_text("a <b>bark</b>")
    box = page.get_by_role("combobox", name="Component", exact=True)
    expect(box).to_have_value(re.compile(r"#6 · a <b>bark</b> · "))
    page.get_by_role("link", name="Listen").click()
    listed = live(page).get_by_role("checkbox", name="Component #6 · a <b>bark</b> on", exact=True)
    expect(listed).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_click_on_the_wall_plays_at_once(page: Page, server: str, bundle_folder: Path) -> None:
    """The component as it sounds in the clip, several together, and one that the clip has not."""
    page.goto(f"{server}/dictionary?bundle=random&clip=dog-1&sort=number")
    player = page.get_by_test_id("wall-player")
    player.wait_for()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=wall-player]').l2i.core"
        " && !document.querySelector('[data-testid=stStatusWidget]')"
    )
    engine = L2I.from_bundle(bundle_folder)
    analysis = engine.analyse(*clips.at_hand()["dog-1"].read())
    there = (analysis.activations > 0).any(dim=1).tolist()
    first, second = [k for k, active in enumerate(there) if active][:2]

    def cell(k: int) -> Locator:
        return player.locator(f"button[data-k='{k}']")

    def heard() -> np.ndarray:
        return np.array(player.evaluate("({l2i}) => [...l2i.player.sound]"), np.float32)

    milliseconds = player.evaluate(
        """(root, k) => new Promise(done => {
            const [began, {player}] = [performance.now(), root.l2i];
            root.querySelector(`button[data-k="${k}"]`).click();
            const wait = () => player.playing && player.context.currentTime > player.voice.began
                ? done(performance.now() - began) : setTimeout(wait, 1);
            wait();
        })""",
        first,
    )
    print(f"\na click sounds after {milliseconds:.0f} ms")
    wanted = engine.component_audio(analysis, first).numpy()
    np.testing.assert_allclose(heard(), wanted, atol=1e-3 * np.abs(wanted).max())
    page.wait_for_url(f"**component={first}&**")
    assert player.evaluate("({l2i}) => l2i.playing"), "the page's run does not stop it"
    player.get_by_role("button", name="several").click()
    cell(second).click()
    gains = np.zeros(len(there), np.float32)
    gains[[first, second]] = 1
    wanted = engine.interpret(analysis, gains=gains).audio.numpy()
    np.testing.assert_allclose(heard(), wanted, atol=1e-3 * np.abs(wanted).max())
    player.get_by_role("button", name="invert").click()
    assert set(player.evaluate("({l2i}) => [...l2i.solos]")) == set(range(len(there))) - {
        first,
        second,
    }
    player.get_by_role("button", name="none").click()
    assert not player.evaluate("({l2i}) => l2i.playing")
    for k in [k for k, active in enumerate(there) if not active][:1]:
        cell(k).click()
        expect(player.get_by_role("status")).to_contain_text(f"#{k}: not in Dog 1")
        assert heard().any()
    expect(page.get_by_test_id("stException")).to_have_count(0)
