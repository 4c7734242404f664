"""Where in a recording is what: windows as f hears them, and events where they were planted."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from l2i_core import L2I
from l2i_core.__main__ import main
from l2i_core.bundle import Bundle
from l2i_core.classifiers.protocol import checked
from l2i_core.measure import timeline
from l2i_core.measure.timeline import Event, Grid, Timeline
from l2i_core.report import labels
from l2i_core.signal import audio

RATE = 8000
TONES = {"low": 440.0, "mid_tone": 1000.0, "high": 2500.0}
TOLD = Grid(1.0, 0.5)


class Tones:
    """Hears a tone where it holds most of the energy of a window."""

    sample_rate, classes = RATE, (*TONES, "noise")

    def __init__(self, multi_label: bool) -> None:
        self.multi_label = multi_label

    def logits(self, waveforms: Tensor) -> Tensor:
        n = waveforms.shape[1]
        at = torch.arange(n) / RATE
        wave = torch.stack([torch.exp(2j * torch.pi * f * at) for f in TONES.values()])
        power = (waveforms.to(wave.dtype) @ wave.T).abs().square() * 2 / n
        share = power / waveforms.square().sum(dim=1, keepdim=True).clamp_min(1e-9)
        rest = 1 - share.sum(dim=1, keepdim=True)
        return 20 * (torch.cat([share, rest], dim=1) - 0.35)


@pytest.fixture(scope="module", params=[True, False], ids=["several", "one"])
def tones(request: pytest.FixtureRequest, bundle: Bundle) -> L2I:
    return L2I(bundle.explaining(checked(Tones(request.param))).with_dictionary("clip"))


def _sound(seconds: float, *events: tuple[str, float, float], noise: float = 0.01) -> np.ndarray:
    sound = noise * np.random.default_rng(0).standard_normal(round(seconds * RATE))
    for label, start, end in events:
        at = np.arange(round(start * RATE), round(end * RATE))
        sound[at] += 0.3 * np.sin(2 * np.pi * TONES[label] * at / RATE)
    return sound.astype(np.float32)


def _file(folder: Path, sound: np.ndarray, rate: int = RATE, name: str = "long.wav") -> Path:
    soundfile.write(folder / name, sound, rate, subtype="FLOAT")
    return folder / name


PLANTED = (("low", 3.0, 6.2), ("high", 9.3, 11.0), ("mid_tone", 20.0, 23.7))


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_planted_events_are_found_within_a_hop(tones: L2I, tmp_path: Path, noise: float) -> None:
    """Of an f that needs about half a window of a sound."""
    path = _file(tmp_path, _sound(30.0, *PLANTED, noise=noise))
    told = timeline.timeline(tones, path, TOLD).events(0.6)
    found = [event for event in told if event.label in TONES]
    assert [event.label for event in found] == [label for label, *_ in PLANTED]
    for event, (_, start, end) in zip(found, PLANTED, strict=True):
        assert abs(event.start - start) <= TOLD.hop
        assert abs(event.end - end) <= TOLD.hop
        assert event.score >= 0.6


def test_two_sounds_at_once_are_two_events_where_f_hears_several(
    bundle: Bundle, tmp_path: Path
) -> None:
    engine = L2I(bundle.explaining(checked(Tones(True))).with_dictionary("clip"))
    both = ("low", 2.0, 6.0), ("high", 2.0, 6.0)
    found = timeline.timeline(engine, _file(tmp_path, _sound(8.0, *both)), TOLD).events()
    assert sorted({event.label for event in found}) == ["high", "low", "noise"]


def test_windows_are_what_the_engine_hears(tones: L2I, tmp_path: Path) -> None:
    """Of a file at another rate, stereo, over several blocks: as the whole read at once."""
    sound = np.stack([_sound(21.3, *PLANTED[:2]), _sound(21.3)], axis=1)
    path = _file(tmp_path, sound, 11025)
    found = timeline.timeline(tones, path, TOLD)
    whole = audio.prepare(*audio.read(path), tones.audio)
    torch.testing.assert_close(
        found.logits, tones.logits_at(whole, found.windows), atol=1e-3, rtol=1e-3
    )
    assert found.seconds == pytest.approx(len(whole) / RATE, abs=0.011)
    starts = [start for start, _ in found.windows]
    assert starts[:-1] == [0.5 * i for i in range(len(starts) - 1)]
    edges = found.edges
    assert (np.diff(edges) > 0).all()
    assert (edges[0], edges[-1]) == (0.0, found.seconds)
    for i, (start, end) in enumerate(found.windows):
        assert found.at((start + end) / 2) == i


def test_blocks_and_batches_do_not_show(
    tones: L2I, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(tmp_path, _sound(13.37, *PLANTED[:2]), 11025)
    whole = timeline.timeline(tones, path, TOLD)
    monkeypatch.setattr("l2i_core.signal.decoding._BLOCK", 997)
    monkeypatch.setattr(timeline, "_BATCH", 3)
    again = timeline.timeline(tones, path, TOLD)
    assert again.windows == whole.windows
    torch.testing.assert_close(again.logits, whole.logits)


def test_the_stream_is_the_file_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("l2i_core.signal.decoding._BLOCK", 5000)
    for rate in (8000, 16000, 44100):
        path = _file(tmp_path, _sound(7.0, PLANTED[0]), rate)
        config = audio.AudioConfig(sample_rate=16000)
        streamed = np.concatenate(list(audio.stream(path, 16000)))
        np.testing.assert_allclose(streamed, audio.prepare(*audio.read(path), config), atol=1e-6)


@pytest.mark.parametrize(("seconds", "windows"), [(0.1, 1), (0.7, 1), (1.0, 1), (1.2, 2), (1.5, 2)])
def test_short_files(tones: L2I, tmp_path: Path, seconds: float, windows: int) -> None:
    path = _file(tmp_path, _sound(seconds, ("low", 0, seconds)))
    found = timeline.timeline(tones, path, TOLD)
    assert len(found.windows) == windows
    assert found.windows[-1][1] == pytest.approx(seconds)
    assert found.events() == [Event(0.0, found.seconds, "low", pytest.approx(1, abs=0.05))]


def test_silence_holds_no_event(tones: L2I, tmp_path: Path) -> None:
    sound = _sound(6.0, ("low", 0.0, 6.0), noise=0.0)
    sound[2 * RATE :] *= 1e-4  # faint, and the gain of its own would make it plain
    found = timeline.timeline(tones, _file(tmp_path, sound), TOLD)
    assert bool(found.silent[-1])
    (event,) = (event for event in found.events() if event.label in TONES)
    assert event.label == "low"
    assert event.end <= 2.0 + TOLD.hop
    assert timeline.timeline(tones, _file(tmp_path, 0 * sound + 0.2), TOLD).events() == []


def test_an_event_goes_on_above_its_hold_and_not_below() -> None:
    chances = torch.tensor([[0.1], [0.3], [0.6], [0.3], [0.7], [0.2], [0.4], [0.1]])
    windows = tuple((float(i), i + 2.0) for i in range(8))
    made = Timeline(9.0, ("dog",), windows, chances.logit(), chances, chances[:, 0] < 0)
    assert made.events(0.5) == [Event(1.5, 5.5, "dog", pytest.approx(0.7))]
    assert [e.start for e in made.events(0.5, {"dog": 0.4})] == [1.5]  # 0.2 holds 0.4
    assert made.events(0.5, {"dog": 0.4})[0].end == 7.5
    assert made.events(0.5, {"dog": 0.71}) == []
    assert made.surest(made.events(0.5)[0]) == (4.0, 6.0)
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="must lie in"):
            made.events(wrong)
    with pytest.raises(ValueError, match="unknown class"):
        made.events(0.5, {"cat": 0.5})


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e20])
def test_what_cannot_be_computed_with_is_refused(tones: L2I, tmp_path: Path, bad: float) -> None:
    sound = _sound(5.0)
    sound[4 * RATE] = bad
    with pytest.raises(ValueError, match="Repair"):
        timeline.timeline(tones, _file(tmp_path, sound), TOLD)


def test_the_windows_are_as_long_as_the_clips_f_was_trained_on(engine: L2I, tones: L2I) -> None:
    trained = L2I(
        Bundle(**{f: getattr(engine.bundle, f) for f in engine.bundle.__dataclass_fields__})
    )
    object.__setattr__(trained.bundle, "training", {"config": {"data": {"seconds": 4.0}}})
    assert timeline.grid(trained) == Grid(4.0, 2.0)
    assert timeline.grid(tones) == Grid(5.0, 2.5)
    assert timeline.grid(tones, 2.0, 0.5) == Grid(2.0, 0.5)
    for window, hop in ((0.05, None), (31.0, None), (1.0, 1.5), (1.0, 0.0)):
        with pytest.raises(ValueError, match="received|lasts"):
            timeline.grid(tones, window, hop)


EVENTS = [Event(0.0, 2.5, "sea_waves", 0.75), Event(61.25, 70.0, "dog", 0.5)]


def test_exports_can_be_read_back() -> None:
    told = [(e.start, e.end, e.label) for e in EVENTS]
    rows = list(csv.DictReader(io.StringIO(labels.csv(EVENTS))))
    assert [(float(r["start"]), float(r["end"]), r["class"]) for r in rows] == told
    assert [float(r["score"]) for r in rows] == [0.75, 0.5]
    lines = [line.split("\t") for line in labels.audacity(EVENTS).splitlines()]
    assert [(float(a), float(b), text.split()[0]) for a, b, text in lines] == told
    table = list(csv.DictReader(io.StringIO(labels.raven(EVENTS, 8000)), delimiter="\t"))
    assert list(table[0])[:7] == [
        "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)",
        "High Freq (Hz)",
    ]  # fmt: skip
    assert [
        (float(r["Begin Time (s)"]), float(r["End Time (s)"]), r["Annotation"]) for r in table
    ] == told
    assert [r["Selection"] for r in table] == ["1", "2"]
    for text in (labels.csv([]), labels.raven([], 8000)):
        assert len(text.splitlines()) == 1
    assert labels.audacity([]) == ""


def test_the_command(
    bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _file(tmp_path, _sound(3.0, ("low", 1.0, 2.0)))
    given = ["timeline", str(path), "--bundle", str(bundle_folder), "--window", "1", "--json"]
    for name in ("labels.txt", "e.csv", "e.json", "long.Table.1.selections.txt"):
        more = ["--threshold", "0.01", "--threshold", "dog=0.9", "--out", str(tmp_path / name)]
        windows = tmp_path / "windows.csv"
        assert main([*given, *more, "--windows", str(windows)]) == 0
        told = json.loads(capsys.readouterr().out)
        count = len(told["events"])
        assert count > 0
        assert told["thresholds"] == {"dog": 0.9}
        text = (tmp_path / name).read_text()
        if name.endswith("json"):
            assert json.loads(text) == told
        else:
            header = name != "labels.txt"
            assert len(text.splitlines()) == count + header
            assert text.startswith("Selection\tView") == ("selections" in name)
    (first, *_) = csv.DictReader(windows.open())
    assert float(first["end"]) == 1.0
    assert list(first) == ["start", "end", *told["classes"]]
    assert len(told["windows"]) == 5


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--out", "labels.xyz"], "tells no format"),
        (["--format", "raven"], "--out names"),
        (["--threshold", "dog"], "give P or CLASS=P"),
        (["--threshold", "2"], "give P or CLASS=P"),
        (["--threshold", "cat_dog=0.5"], "unknown class"),
        (["--hop", "9"], "the hop must lie"),
        (["--window", "0"], "a window lasts"),
    ],
)
def test_bad_input_is_one_sentence(
    bundle_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    told: str,
) -> None:
    path = _file(tmp_path, _sound(0.5))
    assert main(["timeline", str(path), "--bundle", str(bundle_folder), *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1
