"""The Listen page in a real browser: Debian's Chromium against a server of our own."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from serving import NO_WEB_AUDIO, live, serving, signal

from l2i_core import L2I
from l2i_core.signal import audio
from pages.shell import clips


def open_page(page: Page, server: str, **url: str) -> None:
    page.goto(f"{server}/?{urlencode(url)}")
    _idle(page)


def _idle(page: Page) -> None:
    """Until f has judged what is heard and the live component can play it."""
    page.get_by_text("Does the claim hold?").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')"
        " && document.querySelector('[data-testid=live-interpretation]')?.l2i.ready"
        " && !document.body.dataset.l2iPending"
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)


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
    link |= {"interpreter": "max", "domain": "linear", "own": "3_50-7_0"}
    open_page(page, server, **link)
    expect(page.get_by_role("combobox", name="Clip", exact=True)).to_have_value(
        "Dog + rain (mixture)"
    )
    expect(page.get_by_role("combobox", name="Class to explain")).to_have_value(
        re.compile("^clock tick · ")
    )
    state = live(page).evaluate("root => [root.l2i.threshold, root.l2i.domain]")
    assert state == [0.17, "linear"]
    expect(live(page).get_by_text("your own choice")).to_be_visible()
    assert _url(page) == link


def test_tau_by_keyboard_changes_the_sound_and_then_the_verdict(
    page: Page, server: str, edge: tuple[str, float]
) -> None:
    label, tau = edge
    open_page(page, server, bundle="random", clip="dog-1", tau=f"{tau:.2f}", **{"class": label})
    before = {name: signal(page, name) for name in ("input", "interpretation", "residual")}
    live(page).get_by_role("slider", name="τ").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.body.dataset.l2iPending === 'true'")
    assert np.array_equal(signal(page, "input"), before["input"])
    page.wait_for_function("tau => location.search.includes(`tau=${tau}`)", arg=f"{tau + 0.01:.2f}")
    _idle(page)
    for name in ("interpretation", "residual"):
        assert not np.array_equal(signal(page, name), before[name])


def test_a_component_that_is_switched_off_is_in_the_link(
    page: Page, server: str, edge: tuple[str, float]
) -> None:
    label, tau = edge
    open_page(page, server, bundle="random", clip="dog-1", tau=f"{tau:.2f}", **{"class": label})
    first = int(live(page).evaluate("root => root.l2i.selected[0]"))
    live(page).get_by_role("checkbox", name=f"Component #{first} on", exact=True).uncheck()
    page.wait_for_function("own => location.search.includes(own)", arg=f"own={first}_0")
    _idle(page)
    heard = signal(page, "interpretation")
    other = page.context.new_page()
    other.goto(page.url)
    _idle(other)
    assert np.array_equal(signal(other, "interpretation"), heard)


def test_long_uploads_that_differ_little_sound_different(
    page: Page, server: str, tmp_path: Path
) -> None:
    """Streamlit knows media over 1 MiB by a few samples of their bytes; ours differ elsewhere."""
    rng = np.random.default_rng(0)
    sound = 0.1 * rng.standard_normal(14 * 44100)
    heard = []
    open_page(page, server, bundle="random")
    for name, level in (("one.wav", 0.0), ("two.wav", 0.3)):
        sound[200_000:210_000] += level
        audio.write(tmp_path / name, sound, 44100)
        _upload(page, tmp_path / name)
        heard.append(signal(page, "input"))
    assert heard[0].shape == heard[1].shape
    assert np.abs(heard[0] - heard[1]).max() > 0.2


def _upload(page: Page, path: Path) -> None:
    field = page.locator("input[type=file]")
    if not field.count():
        page.get_by_role("button", name="Add a clip").click()
    field.first.set_input_files(path)
    page.wait_for_function("() => location.search.includes('clip=upload-')")
    expect(page.get_by_role("combobox", name="Clip", exact=True)).to_have_value(
        f"{path.name} (upload)"
    )
    _idle(page)


def test_without_web_audio_plain_players_take_turns_at_one_position(
    page: Page, tab: BrowserContext, server: str
) -> None:
    tab.add_init_script(NO_WEB_AUDIO)
    open_page(page, server, bundle="random", clip="dog-1")
    expect(page.locator("audio")).to_have_count(3)
    page.wait_for_function(
        "() => [...document.querySelectorAll('audio')].every(a => a.readyState >= 1)"
    )
    page.get_by_role("heading").first.click()  # browsers want a gesture before they play
    page.evaluate("() => document.querySelectorAll('audio')[0].play()")
    page.wait_for_function("() => document.querySelectorAll('audio')[0].currentTime > 0.5")
    page.evaluate("() => document.querySelectorAll('audio')[1].play()")
    page.wait_for_function("() => document.querySelectorAll('audio')[0].paused")
    states = page.evaluate(
        "() => [...document.querySelectorAll('audio')].map(a => [a.paused, a.currentTime])"
    )
    assert [paused for paused, _ in states] == [True, False, True]
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


def test_a_link_as_the_first_request_to_a_new_server(
    page: Page, bundle_folder: Path, tmp_path: Path
) -> None:
    """Streamlit would look for the pages among the files of the folder pages/."""
    environment = {"L2I_BUNDLES": str(bundle_folder.parent)}
    with serving("app.py", environment, tmp_path / "log.txt") as address:
        page.goto(f"{address}/lesson?{urlencode(LINK)}")
        page.get_by_text("L2I Explorer 0.1.0").wait_for()
        expect(page.get_by_role("heading", level=1)).to_contain_text("How does a model's decision")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert _url(page).items() >= LINK.items()


def test_every_page_can_be_the_first_request() -> None:
    root = Path(__file__).resolve().parents[2]
    pages = {f"{path.parent.name}.py" for path in (root / "pages").glob("*/page.py")}
    assert pages - {"listen.py"} == {path.name for path in (root / "pages").glob("[!_]*.py")}


LINK = {"bundle": "random", "clip": "dog+rain", "class": "clock_tick", "tau": "0.17"}


@pytest.mark.parametrize(
    "name", ["dictionary", "noise", "faithfulness", "fidelity", "audit", "lesson"]
)
def test_every_page_takes_a_deep_link_as_its_first_request(
    page: Page, server: str, name: str
) -> None:
    page.goto(f"{server}/{name}?{urlencode(LINK)}")
    page.get_by_text("L2I Explorer 0.1.0").wait_for()
    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Class to explain")).to_have_value(
        re.compile("^clock tick · ")
    )
    assert _url(page).items() >= LINK.items()
    page.get_by_role("link", name="Listen").click()
    _idle(page)
    assert live(page).evaluate("root => root.l2i.threshold") == 0.17
    assert _url(page).items() >= LINK.items()
