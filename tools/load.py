"""Many users at once: browser-like sessions on a server of this app, and what they wait for.

python -m tools.load [--sessions 20] [--seconds 120] [--pause 5]

Starts the app on a free port of localhost. Each session speaks Streamlit's own protocol over a
websocket as the browser does: it opens Listen, then changes τ, the clip or the page, fetches the
sounds and pictures that it is sent, and pauses as somebody who listens does. Prints a table; exit
code 1 where a goal is missed: no error, p95 of "change τ → new verdict" under 1.5 s, and the
server's memory under 4 GB.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).resolve().parent.parent
MOST_SECONDS = 1.5  # p95 of a change of τ
MOST_BYTES = 4 << 30
LONGEST = 120.0  # seconds: who waits longer counts as an error
TAU, CLIP, PAGE, OPEN = "change τ", "change clip", "switch page", "open"
ACTIONS = (TAU,) * 6 + (CLIP,) * 2 + (PAGE,) * 2
# What the page of a verdict says, and nothing else does.
VERDICT = "f's logit"


@dataclass
class Log:
    """What all sessions measured: seconds by action, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    bytes_received: int = 0

    def add(self, action: str, seconds: float) -> None:
        self.seconds.setdefault(action, []).append(seconds)


@dataclass
class Answer:
    """One run of the script as the client sees it."""

    verdict: bool = False
    problems: list[str] = field(default_factory=list)
    media: set[str] = field(default_factory=set)


class Session:
    """One browser tab."""

    def __init__(self, address: str, log: Log, chance: random.Random, clips: list[str]) -> None:
        self.address, self.log, self.chance, self.clips = address, log, chance, clips
        self.query: dict[str, str] = {}
        self.pages: dict[str, str] = {}
        self.page = ""  # script hash
        self.fetched: set[str] = set()

    async def live(self, until: float, pause: float) -> None:
        """Open the app and use it until then."""
        stream = self.address.replace("http", "ws") + "/_stcore/stream"
        try:
            async with websockets.connect(
                stream, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None
            ) as self.socket:
                await self._do(OPEN)
                while time.monotonic() < until:
                    await asyncio.sleep(pause * self.chance.uniform(0.5, 1.5))
                    await self._do(self.chance.choice(ACTIONS))
        except (OSError, websockets.WebSocketException, TimeoutError) as error:
            self.log.errors.append(f"connection: {type(error).__name__} {error}")

    async def _do(self, action: str) -> None:
        listen = self.pages.get("", "")
        if action == PAGE:
            self.page = self.chance.choice([h for h in self.pages.values() if h != self.page])
        elif self.page != listen:
            action, self.page = PAGE, listen
        elif action == TAU:
            self.query["tau"] = f"{self.chance.randrange(2, 90) / 100:.2f}"
        elif action == CLIP:
            others = [clip for clip in self.clips if clip != self.query.get("clip")]
            tau = self.query.get("tau", "0.30")
            self.query = {"clip": self.chance.choice(others), "tau": tau}
        message = BackMsg()
        message.rerun_script.query_string = urllib.parse.urlencode(self.query)
        message.rerun_script.page_script_hash = self.page
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        answer = await asyncio.wait_for(self._answer(), LONGEST)
        self.log.add(action, time.perf_counter() - start)
        for problem in answer.problems:
            self.log.errors.append(f"{action} {self.query}: {problem}")
        if action in (TAU, CLIP, OPEN) and not answer.verdict:
            self.log.errors.append(f"{action} {self.query}: no verdict on the page")
        await self._fetch(answer.media - self.fetched, action)

    async def _answer(self) -> Answer:
        """Everything that the server sends until the script has run to its end."""
        answer = Answer()
        while True:
            data = await self.socket.recv()
            assert isinstance(data, bytes)
            self.log.bytes_received += len(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self.pages = {
                    page.url_pathname if not page.is_default else "": page.page_script_hash
                    for page in message.navigation.app_pages
                }
                self.page = message.navigation.page_script_hash
            elif kind == "page_info_changed":
                text = message.page_info_changed.query_string
                self.query = dict(urllib.parse.parse_qsl(text))
            elif kind == "delta":
                self._look(message.delta, data, answer)
            elif kind == "script_finished":
                if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return answer
                if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    answer.problems.append("the script does not compile")
                    return answer

    def _look(self, delta: ForwardMsg, data: bytes, answer: Answer) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            answer.problems.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            answer.problems.append(element.alert.body)
        elif kind == "audio":
            answer.media.add(element.audio.url)
        elif kind == "imgs":
            answer.media.update(image.url for image in element.imgs.imgs)
        answer.verdict |= VERDICT.encode() in data

    async def _fetch(self, urls: set[str], action: str) -> None:
        for url in sorted(url for url in urls if url.startswith("/")):
            try:
                size = await asyncio.to_thread(_size, self.address + url)
            except OSError as error:
                self.log.errors.append(f"{action} {self.query}: {url}: {error}")
            else:
                self.log.bytes_received += size
                self.fetched.add(url)


def _size(address: str) -> int:
    with urllib.request.urlopen(address, timeout=LONGEST) as response:
        return len(response.read())


async def use(address: str, sessions: int, seconds: float, pause: float, seed: int) -> Log:
    """All sessions at once; they arrive within the first pause."""
    table = json.loads((ROOT / "assets" / "clips" / "clips.json").read_text())
    clips, log = [Path(entry["file"]).stem for entry in table], Log()
    until = time.monotonic() + seconds

    async def arrive(number: int) -> None:
        await asyncio.sleep(pause * number / sessions)
        await Session(address, log, random.Random(seed + number), clips).live(until, pause)

    await asyncio.gather(*(arrive(number) for number in range(sessions)))
    return log


@contextlib.contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """The app on a free port: its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    options = [f"--server.port={port}", "--server.address=127.0.0.1"]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(600):
                with contextlib.suppress(OSError):
                    _size(address + "/_stcore/health")
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.2)
            else:
                process.kill()
            if process.poll() is not None:
                output.seek(0)
                raise SystemExit(f"the server did not start:\n{output.read()}")
            yield address, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def peak_bytes(pid: int) -> int | None:
    """The largest resident memory that a process had; None where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def report(log: Log, peak: int | None) -> bool:
    """Print the table; whether all goals are met."""
    print(f"{'action':<14}{'n':>6}{'p50 s':>9}{'p95 s':>9}{'max s':>9}")
    for action in (OPEN, TAU, CLIP, PAGE):
        times = log.seconds.get(action)
        if times:
            p50, p95 = np.percentile(times, [50, 95])
            print(f"{action:<14}{len(times):>6}{p50:>9.2f}{p95:>9.2f}{max(times):>9.2f}")
    tau = log.seconds.get(TAU, [])
    p95 = float(np.percentile(tau, 95)) if tau else float("inf")
    goals = [
        (f"no error: {len(log.errors)}", not log.errors),
        (f"p95 of change τ → new verdict under {MOST_SECONDS} s: {p95:.2f} s", p95 < MOST_SECONDS),
    ]
    if peak is None:
        print("the server's memory is unknown: this system has no /proc")
    else:
        goals.append(
            (f"memory under {MOST_BYTES / 2**30:.0f} GB: {peak / 2**30:.2f} GB", peak < MOST_BYTES)
        )
    print(f"{log.bytes_received / 1e6:.0f} MB sent to the sessions")
    for text, met in goals:
        print(f"{'met   ' if met else 'MISSED'}  {text}")
    for error in log.errors[:10]:
        print(f"error: {error}", file=sys.stderr)
    return all(met for _, met in goals)


def main() -> int:
    """Measure; the exit code says whether the goals are met."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.load", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--pause", type=float, default=5.0, help="mean seconds between two actions")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(
        f"{given.sessions} sessions for {given.seconds:g} s, {given.pause:g} s of listening "
        f"between two actions; {os.cpu_count()} cores"
    )
    with serving() as (address, pid):
        log = asyncio.run(use(address, given.sessions, given.seconds, given.pause, given.seed))
        peak = peak_bytes(pid)
    return 0 if report(log, peak) else 1


if __name__ == "__main__":
    sys.exit(main())
