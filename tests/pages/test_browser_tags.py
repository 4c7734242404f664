"""Tags in a real browser: two tabs that tag at once lose nothing."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from serving import serving

from l2i_core.data import synth
from l2i_core.signal import audio

RATE = 44100


@pytest.fixture(scope="module")
def server(measured_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a measured model, whose test clips are on disk; gives its address."""
    folder = tmp_path_factory.mktemp("tags")
    (folder / "meta").mkdir()
    (folder / "audio").mkdir()
    with (folder / "meta" / "esc50.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "fold", "target", "category", "src_file"])
        for seed, clip in enumerate(("dog-0", "rain-5")):
            rows.writerow([f"{clip}.wav", 1, seed, clip[:-2], seed])
            audio.write(folder / "audio" / f"{clip}.wav", synth.clip("dog", seed, RATE, 1.0), RATE)
    variables = {
        "L2I_BUNDLES": str(measured_bundles),
        "L2I_ESC50": str(folder),
        "L2I_HOME": str(folder / "home"),
    }
    with serving("app.py", variables, folder / "log.txt") as address:
        yield address


def _open(tab: BrowserContext, server: str, clip: str) -> Page:
    page = tab.new_page()
    link = {"bundle": "measured", "interpreter": "att", "evaluated": clip, "tau": "0.30"}
    page.goto(f"{server}/audit?{urlencode(link)}")
    page.get_by_text("L2I Explorer 0.1.0").wait_for()
    expect(page.get_by_role("combobox", name="Clip to look into")).to_have_value(
        re.compile(f"^{clip} ")
    )
    return page


def _note(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Note")


def _tag(page: Page, tag: str) -> Locator:
    return page.get_by_role("radio", name=tag)


def test_two_tabs_at_once_lose_nothing(tab: BrowserContext, server: str) -> None:
    first, second = (_open(tab, server, "rain-5") for _ in range(2))
    # Neither has seen the other's step when it takes its own.
    _note(first).fill("from afar")
    _tag(second, "unsure").click()
    expect(_tag(second, "unsure")).to_be_checked()
    _note(first).press("Enter")
    expect(_tag(first, "unsure")).to_be_checked()
    other = _open(tab, server, "dog-0")
    _tag(other, "confirmed").click()
    expect(_tag(other, "confirmed")).to_be_checked()

    fresh = _open(tab, server, "rain-5")
    expect(_note(fresh)).to_have_value("from afar")
    expect(_tag(fresh, "unsure")).to_be_checked()
    expect(fresh.get_by_role("button", name="Tags as CSV (2)")).to_be_enabled()
