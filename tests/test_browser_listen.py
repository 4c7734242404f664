"""The Listen page in a real browser: Debian's Chromium against a server of our own."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from serving import SECONDS, chromium, serving

from l2i_core import L2I
from pages.shared import clips


@pytest.fixture(scope="module")
def server(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with the random model; gives its address."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serving("app.py", {"L2I_BUNDLES": str(bundle_folder.parent)}, log) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab without history; a script error in it fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(1000 * SECONDS)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    assert not errors
    context.close()


def open_page(page: Page, server: str, **url: str) -> None:
    page.goto(f"{server}/?{urlencode(url)}")
    page.get_by_text("Does the claim hold?").wait_for()
    _idle(page)


def _idle(page: Page) -> None:
    """Until every player has its sound and nothing is being computed."""
    expect(page.locator("audio")).to_have_count(4, timeout=1000 * SECONDS)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')"
        " && [...document.querySelectorAll('audio')].every(a => a.readyState >= 1)"
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _source(page: Page, player: int) -> str:
    return page.locator("audio").nth(player).evaluate("a => a.currentSrc")


def _fetch(address: str) -> bytes:
    with urllib.request.urlopen(address) as answer:
        return answer.read()


def _url(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


@pytest.fixture(scope="module")
def edge(bundle_folder: Path) -> tuple[str, float]:
    """A class, and a τ from which one step up loses a component of clip dog-1."""
    engine = L2I.from_bundle(bundle_folder)
    analysis = engine.analyse(*clips.at_hand()["dog-1"].read())
    for label in engine.classes:
        relevance = np.sort(engine.relevance(analysis, label).numpy())
        inside = [r for r in relevance if 0.05 < r < 0.9 and 0.002 < r % 0.01 < 0.008]
        if inside:
            return label, float(np.floor(inside[0] * 100) / 100)
    raise AssertionError("no class has a component with a middling relevance")


def test_deep_link_is_the_first_request(page: Page, server: str) -> None:
    link = {"bundle": "random", "clip": "dog+rain", "class": "clock_tick", "tau": "0.17"}
    open_page(page, server, **link)
    expect(page.get_by_role("combobox", name="Clip")).to_have_value("Dog + rain (mixture)")
    expect(page.get_by_role("combobox", name="Class to explain")).to_have_value("clock tick")
    expect(page.get_by_role("slider").first).to_have_attribute("aria-valuetext", "0.17")
    assert _url(page) == {**link, "interpreter": "att", "domain": "log"}


def test_tau_by_keyboard_changes_the_sound(
    page: Page, server: str, edge: tuple[str, float]
) -> None:
    label, tau = edge
    open_page(page, server, bundle="random", clip="dog-1", tau=f"{tau:.2f}", **{"class": label})
    before = [_source(page, player) for player in range(3)]
    old = _fetch(before[1])
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelectorAll('audio')[1].currentSrc !== before", arg=before[1]
    )
    _idle(page)
    assert _source(page, 0) == before[0]
    assert _source(page, 1) != before[1]
    assert _source(page, 2) != before[2]
    assert _url(page)["tau"] == f"{tau + 0.01:.2f}"
    assert _fetch(_source(page, 1)) != old


def test_players_take_turns_at_one_position(page: Page, server: str) -> None:
    open_page(page, server, bundle="random", clip="dog-1")
    page.get_by_role("heading").first.click()  # browsers want a gesture before they play
    page.evaluate("() => document.querySelectorAll('audio')[0].play()")
    page.wait_for_function("() => document.querySelectorAll('audio')[0].currentTime > 0.5")
    page.evaluate("() => document.querySelectorAll('audio')[1].play()")
    page.wait_for_function("() => document.querySelectorAll('audio')[0].paused")
    states = page.evaluate(
        "() => [...document.querySelectorAll('audio')].map(a => [a.paused, a.currentTime])"
    )
    assert [paused for paused, _ in states] == [True, False, True, True]
    assert states[1][1] >= 0.5


def test_phone_width_without_sideways_scroll(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    open_page(page, server)
    overflow = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth - main.clientWidth }"
    )
    assert overflow <= 1
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 420
