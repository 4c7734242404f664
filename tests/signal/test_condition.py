"""Nothing there, or little: what is said of a sound before a class is named."""

import numpy as np
import pytest
from conftest import WriteClip

from l2i_core.data import synth
from l2i_core.signal import condition, decoding

RATE = 16000
DOG = synth.clip("dog", 3, RATE, 2.0) * 0.7
NOISE = np.random.default_rng(0).normal(0, 1e-5, (len(DOG), 2))
ZEROS = np.zeros_like(DOG)


def _two(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.stack([left, right], 1)


NOTHING = {
    "zeros": (ZEROS, "every sample is 0"),
    "quiet": (1e-4 * DOG, "next to nothing to hear"),
    "dither": (NOISE[:, 0], "next to nothing to hear"),
    "cancel": (_two(DOG, -DOG) + NOISE, "2 channels cancel"),
    "cancel exactly": (_two(DOG, -DOG), "2 channels cancel"),
    "four cancel": (np.column_stack([DOG, -DOG, 0.5 * DOG, -0.5 * DOG]), "4 channels cancel"),
    "offset": (ZEROS + 0.5, "constant offset of 0.5"),
    "stuck at the limit": (ZEROS - 1, "constant offset of 1"),
    "offset and dither": (NOISE[:, 0] - 0.2, "constant offset of 0.2"),
    "both channels stuck": (_two(ZEROS + 0.3, ZEROS - 0.3), "constant offset"),
}
FAULTS = {
    "clipped": (np.clip(8 * DOG, -1, 0.99), "clipped"),
    "clipped below full scale": (0.6 * np.clip(8 * DOG, -1, 1), "clipped"),
    "offset": (0.3 * DOG + 0.4, "constant offset of 0.4"),
    "stuck": (_two(DOG, ZEROS + 0.9), "Channel 2 of 2 is stuck at 0.9"),
    "dead": (_two(ZEROS, DOG), "Channel 1 of 2 is silent"),
    "nearly cancel": (_two(DOG, -0.9 * DOG), "nearly cancel"),
}
FINE = {
    "dog": DOG,
    "quiet dog": 0.01 * DOG,
    "stereo": _two(DOG, 0.5 * DOG),
    "wide stereo": _two(DOG, np.roll(DOG, 40)),
    "full scale": DOG / np.abs(DOG).max(),
    "low tone": 0.999 * np.sin(np.arange(RATE) / RATE * 2 * np.pi * 100),
    "one loud click": np.concatenate([0.01 * DOG, [1.0]]),
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_there_is_said(name: str, write_clip: WriteClip) -> None:
    sound, sentence = NOTHING[name]
    found = condition.of_file(write_clip("a.wav", sound, RATE, subtype="PCM_24"))
    assert sentence in found.nothing
    assert found.nothing.endswith("f's decision is unsupported.")
    assert condition.of_sound(sound.T, RATE).nothing[:20] == found.nothing[:20]


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_one_line_each(name: str, write_clip: WriteClip) -> None:
    sound, sentence = FAULTS[name]
    found = condition.of_file(write_clip("a.wav", sound, RATE, subtype="PCM_16"))
    assert not found.nothing
    assert len(found.warnings) == 1
    assert sentence in found.warnings[0]


@pytest.mark.parametrize("name", FINE)
def test_nothing_is_said_of_what_is_fine(name: str, write_clip: WriteClip) -> None:
    assert condition.of_file(write_clip("a.wav", FINE[name], RATE, subtype="PCM_16")).all == ()


@pytest.mark.parametrize(
    ("rate", "half"), [(8000, "4 kHz"), (11025, "5.5125 kHz"), (4000, "2 kHz")]
)
def test_a_telephone_is_named(write_clip: WriteClip, rate: int, half: str) -> None:
    (told,) = condition.of_file(write_clip("a.wav", DOG, rate)).warnings
    assert f"above {half} there is nothing to hear" in told


def test_the_very_short_is_named(write_clip: WriteClip) -> None:
    (told,) = condition.of_file(write_clip("a.wav", DOG[: RATE // 4], RATE)).warnings
    assert told == "It lasts 0.25 s: there is little to hear."


def test_blocks_are_added_up(write_clip: WriteClip, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip("a.wav", NOTHING["cancel"][0], RATE, subtype="PCM_16")
    whole = condition.of_file(path)
    monkeypatch.setattr(decoding, "_BLOCK", 777)
    assert condition.of_file(path).nothing == whole.nothing
