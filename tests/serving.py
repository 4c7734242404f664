"""A Streamlit app on a free port, for the tests in a real browser."""

import base64
import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
NO_WEB_AUDIO = "delete window.AudioContext; delete window.webkitAudioContext"
SECONDS = 60  # the longest wait for anything
_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def live(page: Page) -> Locator:
    """The live component's root; its property l2i is what tests talk to."""
    return page.get_by_test_id("live-interpretation")


def signal(page: Page, name: str) -> np.ndarray:
    """What the live component plays: "input", "interpretation", "residual" or "component:17"."""
    text = live(page).evaluate(
        """(root, name) => {
            const bytes = new Uint8Array(root.l2i.signal(name).slice().buffer);
            let text = '';
            for (let i = 0; i < bytes.length; i += 8192)
                text += String.fromCharCode(...bytes.subarray(i, i + 8192));
            return btoa(text);
        }""",
        name,
    )
    return np.frombuffer(base64.b64decode(text), dtype=np.float32)


@contextlib.contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """Debian's Chromium without a window, with further command-line options."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*_CHROMIUM, *options]
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def serving(script: str, environment: dict[str, str], log: Path) -> Iterator[str]:
    """Run a Streamlit script of this repository; yields its address once it is healthy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true"]
    options = [f"--server.port={port}", "--server.fileWatcherType=none"]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=variables, stdout=output, stderr=output
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address + "/_stcore/health", process, log)
            yield address
        finally:
            process.terminate()
            process.wait(SECONDS)


def _wait_for(health: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(10 * SECONDS):
        try:
            with urllib.request.urlopen(health, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())
