"""The bounded cache, and the pool around f."""

import os
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from driving import noise, wav_bytes

from l2i_core import L2I
from l2i_core.signal import audio
from pages.dictionary import use
from pages.listen import truths
from pages.noise import comparison
from pages.shell import cached, models, recipes, uploads
from pages.shell.memory import Memory, nbytes
from pages.show.choice import Choice


def test_the_longest_unused_goes_first() -> None:
    memory: Memory[np.ndarray] = Memory(100)
    for name in "abc":
        memory.get(name, lambda: np.zeros(40, dtype=np.uint8))
        memory.get("a", lambda: pytest.fail("a is kept"))
    assert "a" in memory
    assert "b" not in memory
    assert "c" in memory
    assert memory.bytes == 80


def test_a_value_over_the_bound_is_kept_alone() -> None:
    memory: Memory[np.ndarray] = Memory(100)
    memory.get("small", lambda: np.zeros(10, dtype=np.uint8))
    memory.get("large", lambda: np.zeros(500, dtype=np.uint8))
    assert "large" in memory
    assert "small" not in memory
    memory.get("small", lambda: np.zeros(10, dtype=np.uint8))
    assert memory.bytes == 10


def test_one_makes_it_and_the_others_wait() -> None:
    memory: Memory[int] = Memory(100)
    made, got = [], []

    def make() -> int:
        made.append(1)
        time.sleep(0.1)
        return 7

    threads = [threading.Thread(target=lambda: got.append(memory.get("x", make))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert memory.get("y", lambda: 3) == 3, "another key is not held up"
    for thread in threads:
        thread.join()
    assert got == [7] * 5
    assert len(made) == 1


def test_a_failure_is_passed_on_and_not_kept() -> None:
    memory: Memory[int] = Memory(100)
    with pytest.raises(ValueError, match="no"):
        memory.get("x", lambda: int(_fail()))
    assert memory.get("x", lambda: 5) == 5


def _fail() -> str:
    raise ValueError("no")


def test_an_analysis_weighs_its_arrays(engine: L2I, dog: np.ndarray) -> None:
    heard = engine.analyse(dog, 44100)
    spectra = 2 * 513 * heard.spectrogram.log_magnitude.shape[1] * 4
    assert nbytes(heard) >= spectra + heard.waveform.numel() * 4
    assert nbytes("text") == 0


def test_workers_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, expected in (("3", 3), ("0", os.cpu_count()), ("many", os.cpu_count())):
        monkeypatch.setenv("L2I_WORKERS", text)
        assert models.workers() == expected


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A 1 for each turn that is taken."""
    taken: list[int] = []

    class Turn:
        def __enter__(self) -> None:
            taken.append(1)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(cached, "turn", Turn())
    return taken


def test_what_asks_f_takes_a_turn_once(engine: L2I, dog: np.ndarray, turns: list[int]) -> None:
    """A costly explainer, the verdict and Random; no other τ that selects the same asks again."""
    gradient = L2I(engine.bundle, "gradient")
    analysis, target = gradient.analyse(dog, 44100), gradient.classes[0]
    key = ("turns", 0.0, "gradient", "dog", "")
    made = [
        cached.explained(key, gradient, analysis, target, Choice(tau, "log"))
        for tau in (0.3, 0.3001)
    ]
    assert turns == [1]
    assert [one.interpretation.threshold for one in made] == [0.3, 0.3001]
    assert made[0].verdict is made[1].verdict
    assert made[0].randoms(draws=2) is made[1].randoms(draws=2)
    assert turns == [1] * 3
    trained = engine.analyse(dog, 44100)
    cached.relevance(engine, trained, target)
    assert turns == [1] * 3


def test_a_long_clip_is_heard_window_by_window(engine: L2I, turns: list[int]) -> None:
    """The same logits as the engine's on the whole clip, and a turn for each window."""
    source = uploads.from_upload("long.wav", wav_bytes(noise(32.0, seed=9)))
    told: list[tuple[int, int]] = []
    key = cached.Key("b", 0.0, "att", "bundle", source.digest)
    made = cached.overview(key, engine, source, lambda *n: told.append(n))
    whole = engine.analyse(*source.read())
    assert turns == [1] * len(whole.windows)
    assert told == [(i, len(whole.windows)) for i in range(len(whole.windows))]
    torch.testing.assert_close(made.window_logits, whole.window_logits, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(made.logits, whole.logits, atol=1e-3, rtol=1e-3)
    assert made.windows[0][0] == 0.0
    assert made.windows[-1][1] == pytest.approx(32.0, abs=0.02)
    other = key._replace(interpreter="max", dictionary="clip")
    assert cached.overview(other, engine, source) is made, "f is not asked again"


def test_the_best_five_seconds(engine: L2I) -> None:
    clip = noise(31.0, seed=2)
    clip[: 44100 * 12] *= 0.01
    source = uploads.from_upload("b.wav", wav_bytes(clip))
    key = cached.Key("best", 0.0, "att", "bundle", source.digest)
    overview = cached.overview(key, engine, source)
    target = engine.classes[3]
    start, end = cached.best_window(key, engine, source, overview, target)
    assert end - start == pytest.approx(5.0)
    assert 0.0 <= start < end <= 31.0
    sound = audio.prepare(*source.read(), engine.audio)
    best = engine.analyse(sound, 44100, window=(start, end)).logits[3]
    torch.testing.assert_close(engine.logits_at(sound, [(start, end)])[0, 3], best, atol=1e-3, rtol=1e-3)  # fmt: skip
    top = overview.windows[int(overview.window_logits[:, 3].argmax())]
    for other in (top[0], top[0] + 2.0):
        if other + 5.0 <= 31.0:
            rival = engine.logits_at(sound, [(other, other + 5.0)])[0, 3]
            assert rival <= best + 0.02, "at least as good as stretches beside it"


def test_a_clip_that_is_not_held_is_explained_as_one_that_is(
    engine: L2I, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a clip over 20 minutes only stretches are read: the same logits at the same seconds."""
    source = uploads.from_upload("h.wav", wav_bytes(noise(20.0, seed=8)))
    key, window = ("held", 0.0, "att", "bundle", source.digest), (3.4, 5.9)
    whole = engine.analyse(*source.read(), window=window)
    monkeypatch.setattr(audio, "MAX_SECONDS", 13)
    assert uploads.from_upload("h.wav", source.data or b"").digest == source.digest
    made = cached.analysis(cached.Key(*key, "3.4-5.9"), engine, source, window)
    assert made.seconds == pytest.approx(whole.seconds)
    torch.testing.assert_close(made.logits, whole.logits, atol=1e-3, rtol=1e-3)
    seen = cached.timeline(cached.Key(*key), engine, source)
    found = cached.overview(cached.Key(*key), engine, source)
    assert found.windows == seen.windows
    torch.testing.assert_close(found.logits, seen.logits.mean(0))
    start, end = cached.best_window(cached.Key(*key), engine, source, found, engine.classes[0])
    assert 0 <= start < end <= 20.0
    monkeypatch.setattr(uploads, "LONGEST_HOURS", 0.002)
    with pytest.raises(ValueError, match="hours"):
        uploads.from_upload("h.wav", source.data or b"")


def test_all_bounds_together_are_the_readmes() -> None:
    modules = (cached, comparison, recipes, truths, use)
    bounds = [m.most for module in modules for m in vars(module).values() if isinstance(m, Memory)]
    assert len(bounds) == 11
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    promised = re.search(r"within fixed bounds \(([\d.]+) GB of arrays at most\)", readme)
    assert promised
    assert 0.95 * float(promised[1]) <= sum(bounds) / 1e9 <= float(promised[1]) + 0.05
