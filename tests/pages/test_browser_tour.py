"""The guided tour and the lesson in a real browser: what the browser remembers, and how it looks
to those who come back."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

# Notes the largest height that the card ever has, from the first element on.
_WATCH = """
window.tallestCard = 0;
new MutationObserver(() => {
  const card = document.querySelector('.st-key-tour');
  if (card) window.tallestCard = Math.max(window.tallestCard, card.offsetHeight);
}).observe(document, {childList: true, subtree: true, attributes: true});
"""


@pytest.fixture
def visitor(tab: BrowserContext) -> Iterator[BrowserContext]:
    """Somebody who has never been here; a script error in one of his tabs fails the test."""
    tab.add_init_script(_WATCH)
    errors: list[str] = []
    tab.on("weberror", lambda error: errors.append(str(error.error)))
    yield tab
    assert not errors


def open_lesson(visitor: BrowserContext, server: str, **settings: str) -> Page:
    return _opened(visitor, f"{server}/lesson", settings)


def open_listen(visitor: BrowserContext, server: str, **settings: str) -> Page:
    """The page that offers the tour by itself."""
    return _opened(visitor, server, settings)


def _opened(visitor: BrowserContext, address: str, settings: dict[str, str]) -> Page:
    page = visitor.new_page()
    page.goto(f"{address}?{urlencode({'bundle': 'random', **settings})}")
    _idle(page)
    return page


def _idle(page: Page) -> None:
    page.get_by_text("runs offline").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')"
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _url(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_closed_once_it_never_comes_back_and_never_flashes(
    visitor: BrowserContext, server: str
) -> None:
    link = {"clip": "dog+rain", "class": "rain", "tau": "0.12"}
    page = open_listen(visitor, server, **link)
    card = page.get_by_role("region", name="Guided tour")
    expect(card).to_be_visible()
    assert {name: _url(page)[name] for name in link} == link  # the link is what it says
    expect(page.get_by_role("heading", level=1)).to_contain_text("rain")
    expect(page.get_by_test_id("live-interpretation")).to_be_visible()
    page.get_by_role("button", name="Close the tour").focus()
    page.keyboard.press("Enter")
    expect(card).to_be_hidden()

    page.reload()
    _idle(page)
    expect(card).to_be_hidden()
    assert page.evaluate("window.tallestCard") <= 1  # one pixel: folded
    assert {name: _url(page)[name] for name in link} == link

    another = open_lesson(visitor, server)  # a new tab is a new session
    assert another.evaluate("window.tallestCard") <= 1
    another.get_by_role("button", name="Show the tour").click()
    expect(another.get_by_role("region", name="Guided tour")).to_be_visible()


def test_an_open_card_is_there_again_after_a_reload(visitor: BrowserContext, server: str) -> None:
    page = open_listen(visitor, server)
    card = page.get_by_role("region", name="Guided tour")
    expect(card).to_contain_text("1 of 5")
    page.reload()
    _idle(page)
    expect(card).to_be_visible()


def test_a_stop_scrolls_to_its_thing_and_nothing_moves_when_it_is_closed(
    visitor: BrowserContext, server: str
) -> None:
    page = open_listen(visitor, server)
    page.get_by_role("button", name="Next stop").click()
    player = page.get_by_test_id("live-interpretation")
    expect(player).to_be_in_viewport()
    top = player.bounding_box()
    for number in (3, 4):
        page.get_by_role("button", name="Next stop").click()
        expect(page.get_by_role("region", name="Guided tour")).to_contain_text(f"{number} of 5")
    claim = page.get_by_role("heading", name="Does the claim hold?")
    expect(claim).to_be_in_viewport()
    page.get_by_role("button", name="Previous stop").click()
    expect(player).to_be_in_viewport()
    page.wait_for_function(
        "top => document.querySelector('[data-testid=live-interpretation]')"
        ".getBoundingClientRect().top - top < 1",
        arg=top["y"] if top else 0,
    )
    before = player.bounding_box()
    page.get_by_role("button", name="Close the tour").click()
    expect(page.get_by_role("region", name="Guided tour")).to_be_hidden()
    assert player.bounding_box() == before


def test_back_leads_to_where_the_reader_was(visitor: BrowserContext, server: str) -> None:
    visitor.grant_permissions(["clipboard-read", "clipboard-write"], origin=server)
    page = open_lesson(visitor, server, step="8")
    page.get_by_role("button", name="Next: ").wait_for()  # the page is as long as it gets
    page.mouse.move(900, 500)
    page.mouse.wheel(0, 260)
    main = "document.querySelector('[data-testid=stMain]').scrollTop"
    page.wait_for_function(f"() => {main} > 200")
    page.wait_for_timeout(1000)  # a wheel scrolls on for a while
    was = page.evaluate(main)
    page.get_by_role("link", name="Dictionary").click()
    page.get_by_role("heading", level=1, name="Which").wait_for()
    page.wait_for_function(f"() => {main} < 10")
    page.wait_for_url("**/dictionary?*component=*")  # its settings are no step of their own
    page.go_back()
    page.get_by_role("heading", name="8 · From mask").wait_for()
    page.wait_for_function(f"was => Math.abs({main} - was) < 2", arg=was)
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_without_a_memory_the_session_remembers(visitor: BrowserContext, server: str) -> None:
    visitor.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused') }})"
    )
    page = open_listen(visitor, server)
    card = page.get_by_role("region", name="Guided tour")
    expect(card).to_be_visible()
    page.get_by_role("button", name="Close the tour").click()
    expect(card).to_be_hidden()
    page.get_by_role("link", name="Dictionary").click()
    page.get_by_role("heading", level=1, name="Which").wait_for()
    expect(card).to_be_hidden()


def test_steps_by_keyboard_on_a_phone_without_sideways_scroll(
    visitor: BrowserContext, server: str
) -> None:
    page = open_lesson(visitor, server, step="8")
    page.set_viewport_size({"width": 420, "height": 900})
    page.get_by_role("button", name="Show the tour").click()
    expect(page.get_by_role("region", name="Guided tour")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 420
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"() => {main}.scrollWidth - {main}.clientWidth") <= 1
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("heading", name="9 · The test")).to_be_visible()
    assert _url(page)["step"] == "9"
    page.get_by_role("button", name="Previous", exact=False).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="8 · From mask")).to_be_visible()
