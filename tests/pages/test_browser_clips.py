"""The microphone and an upload in a real browser."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from driving import noise, wav_bytes
from playwright.sync_api import Page, expect
from serving import SECONDS, chromium


def _open(page: Page, server: str) -> None:
    page.set_default_timeout(1000 * SECONDS)
    page.goto(f"{server}/?bundle=random")
    page.get_by_text("Does the claim hold?").wait_for()
    page.get_by_role("button", name="Add a clip").click()


def _clip(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["clip"][0]


def test_a_refused_microphone_says_what_to_do(server: str) -> None:
    with chromium() as browser:  # without a grant, a headless browser refuses
        page = browser.new_page()
        _open(page, server)
        page.get_by_test_id("stAudioInput").get_by_role("button", name="Record").click()
        expect(page.get_by_test_id("stAudioInput")).to_contain_text("microphone")
        expect(page.get_by_text("allow the microphone for this page")).to_be_visible()
        assert _clip(page) == "dog-1"


def test_recording_and_upload_are_heard_at_once(server: str) -> None:
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with chromium(*fake) as browser:
        page = browser.new_context(permissions=["microphone"]).new_page()
        _open(page, server)
        recorder = page.get_by_test_id("stAudioInput")
        recorder.get_by_role("button", name="Record").click()
        page.wait_for_timeout(1500)
        recorder.get_by_role("button", name="Stop recording").click()
        page.wait_for_url("**clip=recording-*")
        expect(page.get_by_role("combobox", name="Source")).to_have_value("Yours")
        page.get_by_text("Does the claim hold?").wait_for()
        expect(recorder).to_have_count(0)  # the dialog closes when the clip is there
        page.get_by_role("button", name="Add a clip").click()
        page.locator("input[type=file]").first.set_input_files(
            {"name": "mine.wav", "mimeType": "audio/wav", "buffer": wav_bytes(noise(1.0))}
        )
        page.wait_for_url("**clip=upload-*")
        clip = page.get_by_role("combobox", name="Clip", exact=True)
        expect(clip).to_have_value("mine.wav (upload)")
        expect(recorder).to_have_count(0)
        expect(page.get_by_test_id("stException")).to_have_count(0)
