"""The Noise lab's player in a real browser: seven sounds, one playhead, one gain."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from playwright.sync_api import BrowserContext, Locator, Page, expect
from serving import NO_WEB_AUDIO, SECONDS

from l2i_core import L2I
from l2i_core.measure.stems import mix
from l2i_core.signal.corrupt import coloured_noise
from pages.shell import clips
from pages.show import players

LINK = {"bundle": "random", "clip": "dog-1", "kind": "white", "snr": "0", "tau": "0.05"}
SIDES, PARTS = ("alone", "mixture"), ("input", "interpretation", "residual")
SEVEN = [*(f"{side}-{part}" for side, part in product(SIDES, PARTS)), "added"]


def _player(page: Page) -> Locator:
    return page.locator("[data-set=compared]")


def _open(page: Page, server: str, **more: str) -> None:
    page.goto(f"{server}/noise?{urlencode(LINK | more)}")
    _settled(page)


def _settled(page: Page) -> None:
    # The first page of a new server loads torch and the model.
    page.get_by_text("How near is B to either sound?").wait_for(timeout=3000 * SECONDS)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')"
        " && document.querySelector('[data-set=compared]')?.l2i.ready"
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _state(page: Page) -> Any:
    return _player(page).evaluate("root => [root.l2i.heard, root.l2i.position, root.l2i.playing]")


def _sound(page: Page, name: str) -> np.ndarray:
    values = _player(page).evaluate("(root, name) => [...root.l2i.signal(name)]", name)
    return np.array(values, np.float32)


def test_seven_sounds_at_one_gain(page: Page, server: str, bundle_folder: Path) -> None:
    """They are the engine's, and what was added is the difference of two of them."""
    _open(page, server)
    engine = L2I.from_bundle(bundle_folder)
    clean = engine.analyse(*clips.at_hand()["dog-1"].read())
    clip = clean.waveform.numpy()
    mixed = mix(clip, coloured_noise("white", len(clip), 0, 44100), 0.0)
    wanted = [clip, *_made(engine, clean, clean.predicted), mixed.mixed]
    wanted += [*_made(engine, engine.analyse(mixed.mixed, 44100), clean.predicted), mixed.rest]
    gain = players.common_gain(wanted)
    for name, sound in zip(SEVEN, wanted, strict=True):
        np.testing.assert_allclose(_sound(page, name), gain * sound, atol=1e-4)
    expect(_player(page).get_by_text(f"one gain, {players.decibels(gain)}")).to_be_visible()


def _made(engine: L2I, analysis: Any, target: int) -> list[np.ndarray]:
    made = engine.interpret(analysis, target, 0.05, "linear")
    return [made.audio.numpy(), made.residual.numpy()]


def test_the_position_is_kept_over_all_sounds(page: Page, server: str) -> None:
    """By key and by button, over another SNR and another τ, while it plays."""
    _open(page, server)
    _player(page).get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('[data-set=compared]').l2i.position > 0.4")
    keys = {"alone": "1", "mixture": "2", "input": "a", "interpretation": "b", "residual": "c"}
    for name in SEVEN[:-1]:
        for pressed in name.split("-"):
            _switch(page, lambda pressed=pressed: page.keyboard.press(keys[pressed]))
        assert _state(page)[0] == name
    _switch(page, lambda: page.keyboard.press("3"))
    assert _state(page)[0] == "added"
    _switch(page, lambda: page.keyboard.press("b"))
    assert _state(page)[0] == "mixture-interpretation", "back to the last side"
    _switch(page, _player(page).get_by_role("button", name="1: the clip alone").click)
    assert _state(page)[0] == "alone-interpretation"
    _switch(page, lambda: page.keyboard.press("2"))
    before = _sound(page, "mixture-input")
    for label, parameter in (("SNR in dB", "snr=1"), ("Threshold τ", "tau=0.06")):
        place, time = _place(page)
        page.get_by_role("slider", name=label).focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("text => location.search.includes(text)", arg=parameter)
        _settled(page)
        _moved_on(page, place, time)
        assert _state(page)[0] == "mixture-interpretation"
    assert not np.array_equal(_sound(page, "mixture-input"), before)
    _player(page).get_by_role("button", name="Pause").click()
    place = _state(page)[1]
    _player(page).get_by_role("button", name="C: what is left").click()
    assert _state(page) == ["mixture-residual", place, False]


def _place(page: Page) -> tuple[float, float]:
    place, time = _player(page).evaluate("root => [root.l2i.position, performance.now() / 1000]")
    return place, time


def _moved_on(page: Page, place: float, time: float) -> None:
    """As far as the clock, round the loop; it plays on."""
    now, later = _place(page)
    seconds = _player(page).evaluate("root => root.l2i.player.duration")
    drift = (now - place - (later - time) + seconds / 2) % seconds - seconds / 2
    assert abs(drift) < 0.08
    assert _state(page)[2]


def _switch(page: Page, act: Any) -> None:
    place, time = _place(page)
    act()
    _moved_on(page, place, time)


def test_another_clip_begins_at_its_beginning(page: Page, server: str) -> None:
    _open(page, server)
    _player(page).evaluate("root => root.l2i.seek(2)")
    page.get_by_role("combobox", name="Clip", exact=True).click()
    page.get_by_role("option", name="Rain 1").click()
    page.wait_for_function("() => location.search.includes('clip=rain-1')")
    _settled(page)
    assert _state(page)[1] == 0


def test_an_overlap_has_the_same_player(page: Page, server: str) -> None:
    _open(page, server, kind="clip", other="rooster-1")
    for name in ("1: Dog 1 alone", "2: with Rooster 1", "3: Rooster 1 alone"):
        _player(page).get_by_role("button", name=name).click()
    added, clip, mixed = (_sound(page, name) for name in ("added", "alone-input", "mixture-input"))
    np.testing.assert_allclose(clip + added, mixed, atol=1e-4)
    assert added.any()


def test_without_web_audio_there_are_plain_players(
    page: Page, tab: BrowserContext, server: str
) -> None:
    tab.add_init_script(NO_WEB_AUDIO)
    _open(page, server)
    expect(page.locator(".st-key-players-compared audio")).to_have_count(7)


def test_every_control_has_a_name_and_a_phone_is_wide_enough(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    _open(page, server)
    unnamed = _player(page).evaluate(
        """root => [...root.querySelectorAll('button, input, select')].filter(control =>
            !control.getAttribute('aria-label') && !control.textContent.trim()).length"""
    )
    assert unnamed == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 420
    assert _player(page).evaluate("root => root.scrollWidth - root.clientWidth") <= 1
