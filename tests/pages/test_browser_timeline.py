"""The timeline of a long recording in a real browser: a click, and the window is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import soundfile
from driving import noise
from playwright.sync_api import BrowserContext, Page, expect
from serving import SECONDS, live, serving, signal

LENGTH = 34.0
# A point of the lanes on the screen, by seconds and lane.
_PLACE = """([seconds, lane]) => {
  const figure = document.querySelector('[class*=st-key-timeline] .js-plotly-plot');
  const {xaxis, yaxis, _size} = figure._fullLayout, box = figure.getBoundingClientRect();
  return [box.left + _size.l + xaxis.l2p(seconds), box.top + _size.t + yaxis.l2p(lane)];
}"""


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with the random model and a folder that holds a long clip; gives its address."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "field").mkdir()
    soundfile.write(folder / "field" / "long.wav", noise(LENGTH, seed=3), 44100, subtype="FLOAT")
    variables = {"L2I_BUNDLES": str(models), "L2I_CLIPS": str(folder / "field")}
    with serving("app.py", variables, folder / "log.txt") as address:
        yield address


def _settings(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def _idle(page: Page) -> None:
    page.get_by_text("Does the claim hold?").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')"
    )
    page.locator("[class*=st-key-timeline] .heatmaplayer image").wait_for(state="attached")
    page.locator("[class*=st-key-timeline]").scroll_into_view_if_needed()


def test_a_click_explains_the_window_and_a_drag_the_stretch(
    server: str, tab: BrowserContext
) -> None:
    page = tab.new_page()
    page.set_default_timeout(1000 * SECONDS)
    page.goto(f"{server}/?bundle=random&clip=folder:long.wav&window=0-5")
    _idle(page)
    lanes = page.evaluate(
        "() => document.querySelector('[class*=st-key-timeline] .js-plotly-plot')"
        "._fullLayout.yaxis.ticktext"
    )
    page.mouse.click(*page.evaluate(_PLACE, [20.1, 1]))
    page.wait_for_url(re.compile("window=17.5-22.5"))  # the one whose middle is next
    assert _settings(page)["class"].replace("_", " ") == lanes[1].rsplit(" ", 3)[0].strip()
    expect(live(page)).to_be_visible()
    _idle(page)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=live-interpretation]').l2i"
        ".signal('input').length === 5 * 44100"
    )
    page.wait_for_function(  # it has the window's length before it has its sound
        "() => document.querySelector('[data-testid=live-interpretation]').l2i"
        ".signal('input').some(x => x !== 0)"
    )
    heard = signal(page, "input")
    given = noise(LENGTH, seed=3)[round(17.5 * 44100) : round(22.5 * 44100)]
    assert np.corrcoef(heard, given)[0, 1] > 0.999
    page.get_by_text("Drag over seconds").click()
    page.get_by_text("Drag over up to 30 s").wait_for()
    _idle(page)
    page.mouse.move(*page.evaluate(_PLACE, [2.0, 0]))
    page.mouse.down()
    page.mouse.move(*page.evaluate(_PLACE, [6.0, 1]), steps=5)
    page.mouse.move(*page.evaluate(_PLACE, [8.0, 1]), steps=5)
    page.mouse.up()
    page.wait_for_url(lambda address: "17.5" not in address)
    start, end = map(float, _settings(page)["window"].split("-"))
    assert start == pytest.approx(2.0, abs=0.2)
    assert end == pytest.approx(8.0, abs=0.2)
