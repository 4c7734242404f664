"""Sets of sounds in a real browser: one playhead and one gain each, one set sounds, keys."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import BrowserContext, Locator, Page, expect
from serving import serving

from pages.show import pictures, players

TONE = 0.1  # the level of the first sound, the input


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("sounds") / "server.log"
    with serving("tests/apps/sounds_app.py", {}, log) as address:
        yield address


@pytest.fixture
def page(tab: BrowserContext, server: str) -> Iterator[Page]:
    """The page of sets, ready; a script error fails the test."""
    page = tab.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server)
    _settled(page)
    yield page
    assert not errors


def _settled(page: Page) -> None:
    page.get_by_text("end of page").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]') &&"
        " [...document.querySelectorAll('.l2i-live')].filter(root => root.l2i.ready).length === 4"
    )


def _set(page: Page, name: str) -> Locator:
    return page.locator(f"[data-set={name}]")


def _of(found: Locator, what: str) -> Any:
    return found.evaluate(f"({{l2i}}) => l2i.{what}")


def test_switching_keeps_the_place_over_all_lengths(page: Page) -> None:
    several = _set(page, "several")
    gain = _of(several, "signal('0').reduce((most, x) => Math.max(most, x), 0)") / TONE
    assert gain == pytest.approx(players.PEAK / TONE, rel=1e-3), "the engine's rule"
    loudest = _of(several, "signal('2').reduce((most, x) => Math.max(most, x), 0)")
    assert loudest == pytest.approx(1.2 * TONE * gain, rel=1e-3), "no sound has a gain of its own"
    _of(several, "seek(2.5)")
    page.keyboard.press("2")
    assert _of(several, "position") == 1.5, "the end of the shorter sound"
    page.keyboard.press("4")
    assert (_of(several, "rate"), _of(several, "player.duration")) == (8000, 4.0)
    page.keyboard.press("3")
    assert _of(several, "position") == 2.5
    page.keyboard.press("Space")
    page.keyboard.press("2")
    page.wait_for_function("() => document.querySelector('[data-set=several]').l2i.position < 1.5")
    assert _of(several, "playing"), "from its beginning"
    page.keyboard.press("1")
    before = _of(several, "data.digest")
    page.get_by_text("Louder").click()  # another run, another sound of the same set
    page.wait_for_function(
        "before => document.querySelector('[data-set=several]').l2i.data.digest !== before",
        arg=before,
    )
    _settled(page)
    assert (_of(several, "heard"), _of(several, "playing")) == ("0", True)


def test_one_set_sounds_at_a_time_and_all_at_one_volume(page: Page) -> None:
    several, ten = _set(page, "several"), _set(page, "ten")
    several.get_by_role("button", name="Play").click()
    ten.get_by_role("button", name="Play").click()
    assert [_of(found, "playing") for found in (several, ten)] == [False, True]
    page.keyboard.press("0")  # the tenth of the set that sounds
    assert (_of(ten, "heard"), _of(several, "heard")) == ("9", "0")
    ten.get_by_role("slider", name="Volume").fill("0.4")
    assert [_of(found, "player.volume") for found in (several, ten)] == [0.4, 0.4]
    page.keyboard.press("m")
    assert _of(several, "player.volume") == 0
    page.keyboard.press("m")
    assert _of(several, "player.volume") == 0.4
    silence = _set(page, "silence")
    silence.get_by_role("button", name="Play").click()
    assert not _of(silence, "signal('0').some(x => x)")
    assert [_of(found, "playing") for found in (ten, silence)] == [False, True]


def test_keys_need_no_focus_but_leave_others_theirs(page: Page) -> None:
    several = _set(page, "several")
    page.get_by_role("textbox", name="Notes").fill("")
    page.keyboard.type("2 m?")
    expect(page.get_by_role("textbox", name="Notes")).to_have_value("2 m?")
    page.get_by_role("button", name="A button").focus()
    page.keyboard.press("Space")
    _settled(page)
    assert (_of(several, "heard"), _of(several, "playing")) == ("0", False)
    page.get_by_text("end of page").click()
    page.mouse.wheel(0, -5000)
    for key in ("2", "Home", "i", "ArrowRight", "o"):
        page.keyboard.press(key)
    assert _of(several, "player.region") == [0, 1]
    expect(several.get_by_role("button", name="loop 0.00–1.00")).to_be_visible()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys of the player")
    expect(keys).to_contain_text("loop up to here")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    assert _of(several, "player.region") == [0, 1], "that closed the list alone"
    page.keyboard.press("Escape")
    assert _of(several, "player.region") is None


def test_a_picture_plays_its_sound_from_where_it_is_clicked(page: Page) -> None:
    several, (left, width) = _set(page, "several"), pictures.FRAME
    picture = several.get_by_alt_text("a picture")
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": (left + width / 2) * box["width"], "y": 20})
    assert (_of(several, "heard"), _of(several, "playing")) == ("1", True)
    assert _of(several, "player.voice.offset") == pytest.approx(0.75, abs=0.02)


def test_the_sound_that_is_heard_can_be_saved(page: Page) -> None:
    several = _set(page, "several")
    several.get_by_role("button", name="4: slow").click()
    with page.expect_download() as download:
        several.get_by_role("button", name="Save").click()
    assert download.value.suggested_filename == "slow.wav"
    data, rate = soundfile.read(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert rate == 8000
    heard = np.array(_of(several, "signal('3').join()").split(","), float)
    np.testing.assert_allclose(data, heard, atol=1e-4)


def test_every_control_has_a_name_and_a_phone_is_wide_enough(page: Page) -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_timeout(300)
    for found in page.locator(".l2i-live").all():
        unnamed = found.evaluate(
            """root => [...root.querySelectorAll('button, input, select')].filter(control =>
                !control.getAttribute('aria-label') && !control.textContent.trim()).length"""
        )
        assert unnamed == 0
        assert found.evaluate("root => root.scrollWidth - root.clientWidth") <= 1
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 420
