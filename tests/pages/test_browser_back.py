"""From one page to the next and back by the browser's own button: settings survive."""

import csv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from serving import serving

from l2i_core.data import synth
from l2i_core.signal import audio

CLIP, RATE = "dog-4", 44100  # one of those that `measured.evaluation` measures

# Where the point of a clip lies in the window.
_PLACE = """clip => {
  const figure = document.querySelector('.js-plotly-plot');
  const {xaxis, yaxis, _size} = figure._fullLayout, box = figure.getBoundingClientRect();
  for (const trace of figure.calcdata) {
    const point = trace.find(p => p.data?.[0] === clip);
    if (point) return [box.left + _size.l + xaxis.c2p(point.x),
                       box.top + _size.t + yaxis.c2p(point.y)];
  }
}"""

_HEIGHT = 900  # of the tab, in pixels


@pytest.fixture(scope="module")
def server(measured_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a measured model, one of whose test clips is on disk; gives its address."""
    folder = tmp_path_factory.mktemp("esc50")
    (folder / "meta").mkdir()
    (folder / "audio").mkdir()
    with (folder / "meta" / "esc50.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "fold", "target", "category", "src_file"])
        rows.writerow([f"{CLIP}.wav", 1, 0, "dog", "1"])
    audio.write(folder / "audio" / f"{CLIP}.wav", synth.clip("dog", 9, RATE, 2.0), RATE)
    variables = {"L2I_BUNDLES": str(measured_bundles), "L2I_ESC50": str(folder)}
    with serving("app.py", variables, folder / "log.txt") as address:
        yield address


def _idle(page: Page, title: str) -> None:
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(title)
    page.get_by_text("L2I Explorer 0.1.0").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')"
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _url(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def _place(page: Page) -> tuple[float, float]:
    """Where the clip's point is on the screen, once it no longer moves: a figure is laid out more
    than once, and what stands above it grows."""
    before: list[float] = []
    while True:
        now = page.wait_for_function(_PLACE, arg=CLIP).json_value()
        if now == before and 0 < now[1] < _HEIGHT:
            return now[0], now[1]
        if now == before:
            page.mouse.move(now[0], _HEIGHT / 2)
            page.mouse.wheel(0, now[1] - _HEIGHT / 2)
        before = now
        page.wait_for_timeout(500)


def test_a_point_opens_its_clip_and_back_leads_to_the_figure(
    tab: BrowserContext, server: str
) -> None:
    page = tab.new_page()
    link = {"bundle": "measured", "clip": "rain-1", "tau": "0.10", "scale": "share"}
    page.goto(f"{server}/faithfulness?{urlencode(link)}")
    _idle(page, "Does f depend on")
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    page.mouse.click(*_place(page))
    page.wait_for_function("() => location.pathname === '/'")
    _idle(page, "“dog”")
    heard = {"clip": f"esc50:{CLIP}", "class": "dog", "tau": "0.10"}
    assert _url(page).items() >= heard.items()

    page.go_back()
    _idle(page, "Does f depend on")
    assert urlsplit(page.url).path == "/faithfulness"
    kept = {"bundle": "measured", "tau": "0.10", "scale": "share", "evaluated": CLIP}
    assert _url(page).items() >= kept.items()
    expect(page.get_by_role("radio", name="share of")).to_be_checked()
    page.go_forward()
    page.wait_for_function("() => location.pathname === '/'")
    _idle(page, "“dog”")
    assert _url(page).items() >= heard.items()


def test_back_after_the_navigation_keeps_the_settings(tab: BrowserContext, server: str) -> None:
    page = tab.new_page()
    link = {"bundle": "measured", "clip": "dog+rain", "class": "rain", "tau": "0.17"}
    page.goto(f"{server}/fidelity?{urlencode(link)}")
    _idle(page, "How closely")
    page.get_by_role("link", name="Dictionary").click()
    _idle(page, "Which")
    page.wait_for_function("() => location.search.includes('component')")
    page.go_back()  # one step is one page, however often Streamlit notes its address
    page.wait_for_function("() => location.pathname === '/fidelity'")
    _idle(page, "How closely")
    page.wait_for_function("() => location.search.includes('tau=0.17')")  # written by the rerun
    assert _url(page).items() >= link.items()


def test_who_leaves_before_the_controls_are_drawn_keeps_the_settings(
    tab: BrowserContext, server: str
) -> None:
    link = {"bundle": "measured", "clip": "dog+rain", "class": "rain", "tau": "0.17"}
    for _ in range(3):  # how far the first page has come at the click is a matter of chance
        page = tab.new_page()
        page.goto(f"{server}/fidelity?{urlencode(link)}")
        page.get_by_role("heading", level=1).wait_for()  # the link was read
        page.get_by_role("link", name="Dictionary").click()
        _idle(page, "Which")
        page.wait_for_function("() => location.search.includes('component')")
        expect(page.get_by_role("combobox", name="Model")).to_have_value("measured")
        expect(page.get_by_role("slider", name="τ")).to_have_value("0.17")
        page.close()
