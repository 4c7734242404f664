"""The wall of the Dictionary page in a real browser: chosen by mouse and by keyboard, named."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect
from serving import live


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
