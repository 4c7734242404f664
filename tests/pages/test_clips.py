"""Clip sources: what they list, how clips are named, what an upload may be."""

import csv
import dataclasses
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import streamlit as st
import torch
from conftest import several
from driving import noise, wav_bytes

from l2i_core import AudioConfig
from l2i_core.bundle import Bundle
from l2i_core.signal import audio
from pages.shell import chooser, clips, state, uploads, windows
from pages.shell.cached import Overview
from pages.shell.clips import ClipSource


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the machine's own, and a session without uploads."""
    for name in ("L2I_ESC10", "L2I_ESC50", "L2I_CLIPS", "L2I_MAX_UPLOAD_MB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("L2I_HOME", str(tmp_path / "home"))
    st.session_state.pop("l2i_uploads", None)
    yield
    st.session_state.pop("l2i_uploads", None)


def write(path: Path, seconds: float = 0.2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(seconds), 44100)
    return path


def esc50(root: Path, count: int) -> Path:
    """ESC-50's layout with `count` clips, of which the first alone has a file."""
    write(root / "audio" / "1-0-A-0.wav")
    (root / "meta").mkdir()
    with (root / "meta" / "esc50.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "fold", "target", "category", "src_file"])
        for i in range(count):
            fold, target = i % 5 + 1, i % 50
            label = ("dog", "rooster")[target] if target < 2 else f"other_{target}"
            rows.writerow([f"{fold}-{i}-A-{target}.wav", fold, target, label, i])
    return root


@pytest.fixture
def recorded(bundle: Bundle) -> Bundle:
    """The random bundle with ESC-10's training record."""
    record = {"data": {"kind": "esc10", "train_folds": [2, 3, 4, 5], "test_folds": [1]}}
    return dataclasses.replace(bundle, training={"config": record})


def test_every_source_is_listed_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "e10" / "001 - Dog bark" / "1-100-A.ogg")
    write(tmp_path / "own" / "loose.wav")
    write(tmp_path / "own" / "cat" / "purr.flac")
    monkeypatch.setenv("L2I_ESC10", str(tmp_path / "e10"))
    monkeypatch.setenv("L2I_ESC50", str(esc50(tmp_path / "e50", 7)))
    monkeypatch.setenv("L2I_CLIPS", str(tmp_path / "own"))
    found = {c.kind: c for c in clips.collections()}
    assert list(found) == ["demo", "esc10", "esc50", "folder", "yours"]
    assert list(found["esc10"].clips) == ["esc10:1-100-A"]
    assert len(found["esc50"].clips) == 7
    assert list(found["folder"].clips) == ["folder:loose.wav", "folder:cat/purr.flac"]
    assert found["folder"].title == "own"
    everything = clips.at_hand()
    assert everything["esc10:1-100-A"].labels == ("dog",)
    assert everything["folder:cat/purr.flac"].labels == ("cat",)
    assert everything["folder:loose.wav"].labels == ()
    for name, clip in everything.items():
        assert clip.id == name
        assert name in found[clips.kind_of(name)].clips
    assert set(clips.few_at_hand()) == set(found["demo"].clips)


def test_listing_reads_no_sound_and_choosing_reads_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_ESC50", str(esc50(tmp_path / "e50", 2000)))
    found = clips.at_hand()  # 1,999 of the files do not exist
    assert sum(name.startswith("esc50:") for name in found) == 2000
    data = (tmp_path / "e50" / "audio" / "1-0-A-0.wav").read_bytes()
    chosen = found["esc50:1-0-A-0"]
    assert chosen.digest == hashlib.sha256(data).hexdigest()
    with pytest.raises(ValueError, match=r"2-1-A-1\.wav cannot be read"):
        _ = found["esc50:2-1-A-1"].digest
    path = write(tmp_path / "e50" / "audio" / "1-0-A-0.wav", 0.3)
    assert chosen.digest == hashlib.sha256(path.read_bytes()).hexdigest(), "a replaced file"


def test_a_new_file_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "own" / "a.wav")
    monkeypatch.setenv("L2I_CLIPS", str(tmp_path / "own"))
    assert "folder:b.wav" not in clips.at_hand()
    write(tmp_path / "own" / "b.wav")
    assert "folder:b.wav" in clips.at_hand()


@pytest.mark.parametrize("kind", ["esc10", "esc50", "folder"])
def test_a_wrong_folder_is_one_sentence_and_harms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    variable = "L2I_CLIPS" if kind == "folder" else f"L2I_{kind.upper()}"
    for folder in (tmp_path, tmp_path / "absent"):
        monkeypatch.setenv(variable, str(folder))
        found = {c.kind: c for c in clips.collections()}
        assert not found[kind].clips
        assert found[kind].problem.endswith(".")
        assert str(folder) in found[kind].problem
        assert clips.FIRST in clips.at_hand()


@pytest.mark.parametrize(
    ("clip_id", "label", "fold", "expected"),
    [
        ("esc10:3-1-A", "dog", 3, "train"),
        ("esc10:1-1-A", "dog", 1, "test"),
        ("esc50:3-1-A-0", "dog", 3, "train"),  # the same recording in ESC-50
        ("esc50:3-1-A-9", "crow", 3, ""),  # a class that the model does not know
        ("folder:3.wav", "dog", 3, ""),
        ("upload-0123456789abcdef", "dog", None, ""),
    ],
)
def test_training_clips_are_told_from_test_clips(
    recorded: Bundle, bundle: Bundle, clip_id: str, label: str, fold: int | None, expected: str
) -> None:
    clip = ClipSource(clip_id, "x", "x.wav", labels=(label,), fold=fold)
    assert clips.role(clip, recorded) == expected
    assert clips.role(clip, bundle) == "", "a bundle without a training record"
    told = chooser.facts(clip, recorded, ("dog",))
    assert ("Training clip" in told) == (expected == "train")
    assert ("Test clip" in told) == (expected == "test")
    assert ("not a class of this model" in told) == (label == "crow")
    assert "f is wrong" not in told
    assert ("f is wrong" in chooser.facts(clip, recorded, ("rain",))) == (label == "dog")


def test_a_folders_own_model_knows_its_clips(
    tmp_path: Path, recorded: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"data": {"kind": "folder", "root": str(tmp_path), "train_folds": [2]}}
    own = dataclasses.replace(recorded, training={"config": record})
    clip = ClipSource("folder:a/b.wav", "x", "x.wav", labels=("a",), fold=2)
    monkeypatch.setenv("L2I_CLIPS", str(tmp_path / "."))
    assert clips.role(clip, own) == "train"
    monkeypatch.setenv("L2I_CLIPS", str(tmp_path / "elsewhere"))
    assert clips.role(clip, own) == ""


def test_metrics_say_where_f_was_wrong(tmp_path: Path, recorded: Bundle) -> None:
    assert clips.predictions(recorded) == {}
    (tmp_path / "metrics").mkdir()
    table = tmp_path / "metrics" / f"clips-{recorded.default_interpreter}.csv"
    table.write_text("clip,label,predicted\n1-1-A,dog,dog\n1-2-A,dog,rain\n")
    shown = dataclasses.replace(recorded, folder=tmp_path)
    assert clips.predictions(shown) == {"esc10:1-1-A": ("dog",), "esc10:1-2-A": ("rain",)}
    table.write_text(
        "clip,label,predicted,logit:dog,logit:rain\na,dog+rain,dog,1,-1\nb,(none),dog,-1,-2\n"
    )
    many = several(shown)
    assert clips.predictions(many) == {"esc10:a": ("dog",), "esc10:b": ()}


# --- uploads ----------------------------------------------------------------------------------


def test_uploads_and_recordings_have_names_of_their_own() -> None:
    data = wav_bytes(noise(0.5))
    one = uploads.from_upload("a.wav", data)
    two = uploads.from_upload("a.wav", data, recorded=True)
    assert one.id == f"upload-{hashlib.sha256(data).hexdigest()[:16]}"
    assert two.id == one.id.replace("upload", "recording")
    for clip in (one, two):
        assert clips.is_upload(clip.id)
        assert clips.kind_of(clip.id) == "yours"
        assert clips.same_content(two.id, clip)
    assert not clips.same_content("upload-0123456789abcdef", one)
    assert not clips.is_upload("upload-xyz")


@pytest.mark.parametrize(("rate", "fine"), [(7999, False), (8000, True), (192000, True), (200000, False)])  # fmt: skip
def test_sampling_rates(rate: int, fine: bool) -> None:
    data = wav_bytes(noise(1.0), rate)
    if fine:
        uploads.from_upload("a.wav", data)
    else:
        with pytest.raises(ValueError, match="8 to 192 kHz"):
            uploads.from_upload("a.wav", data)


def test_size_limit_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    data = wav_bytes(noise(7.0))  # 1.2 MB
    uploads.from_upload("a.wav", data)
    monkeypatch.setenv("L2I_MAX_UPLOAD_MB", "1")
    assert "Up to 1 MB" in uploads.limits()
    with pytest.raises(ValueError, match="at most 1 are accepted"):
        uploads.from_upload("a.wav", data)
    for text in ("abc", "-3", "0", ""):
        monkeypatch.setenv("L2I_MAX_UPLOAD_MB", text)
        assert uploads.max_upload_mb() == uploads.DEFAULT_UPLOAD_MB
    monkeypatch.setenv("L2I_MAX_UPLOAD_MB", "100000")
    assert uploads.max_upload_mb() == st.get_option("server.maxUploadSize")


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "_LARGEST_DECODED", 10 << 20)
    for channels, fine in ((1, True), (8, False)):
        buffer = io.BytesIO()
        silence = np.zeros((2 * 192000, channels), dtype="f4")
        soundfile.write(buffer, silence, 192000, format="FLAC")
        assert len(buffer.getvalue()) < 2**17
        if fine:
            uploads.from_upload("small.flac", buffer.getvalue())
        else:
            with pytest.raises(ValueError, match="more than this server unpacks"):
                uploads.from_upload("bomb.flac", buffer.getvalue())


def test_the_last_few_are_kept_within_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [uploads.from_upload(f"{i}.wav", wav_bytes(noise(0.2, seed=i))) for i in range(6)]
    gone = [clip.id for source in made for clip in uploads.keep(source)]
    assert gone == [made[0].id, made[1].id]
    assert list(clips.uploads()) == [source.id for source in made[2:]]
    oldest = made[2].id
    assert [clip.id for clip in uploads.keep(made[0], {oldest})] == [made[3].id], (
        "its scene needs it"
    )
    assert oldest in clips.uploads()
    monkeypatch.setenv("L2I_MAX_UPLOAD_MB", "1")
    large = [
        dataclasses.replace(made[i], id=f"upload-{i:016d}", data=bytes(900_000)) for i in range(3)
    ]
    for source in large:
        uploads.keep(source)
    assert list(clips.uploads()) == [source.id for source in large[1:]]


# --- windows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("3.2-8.2", "3.2-8.2"),
        ("0-30", "0-30"),
        ("3.20-8.20", "3.2-8.2"),
        ("5-5.1", "5-5.1"),
        ("0-31", None),  # longer than 30 s
        ("5-5.05", None),  # shorter than 0.1 s
        ("8-3", None),
        ("58-63", None),  # past the end
        ("-1-4", None),
        ("1e1-2e1", None),
        ("abc", None),
    ],
)
def test_a_window_from_a_link(asked: str, expected: str | None) -> None:
    st.session_state.pop("l2i_state", None)
    state.put(window=asked)
    long = Overview(60.0, ((0.0, 30.0), (30.0, 60.0)), torch.zeros(2, 3), torch.zeros(3))
    assert windows._settle_window(long, "30-60") == (expected or "30-60")
    assert state.value("window") == (expected or "30-60")
    messages = st.session_state["l2i_state"]["messages"]
    assert len(messages) == (expected is None)
    st.session_state.pop("l2i_state", None)


def test_stereo_is_mixed_as_the_engine_does() -> None:
    stereo = np.stack([noise(0.5), noise(0.5, seed=1)], axis=1)
    source = uploads.from_upload("s.wav", wav_bytes(stereo))
    samples, rate = source.read()
    assert samples.shape == (1, 22050)
    whole = audio.read(io.BytesIO(source.data or b""))
    np.testing.assert_array_equal(
        audio.prepare(samples, rate, AudioConfig()), audio.prepare(*whole, AudioConfig())
    )


def test_scenes_bring_their_classes_and_stems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scenes are a source only where there are some: they are made, not downloaded."""
    assert "scenes" not in {c.kind for c in clips.collections()}
    header = "split,audio_filename,annotator_id,1_dog_presence,2_birds_presence\n"
    rows = "train,a.wav,1,1,0\ntest,b.wav,0,1,1\ntest,c.wav,0,0,0\n"
    (tmp_path / "annotations.csv").write_text(header + rows)
    sound = np.zeros(8000, np.float32)
    for name in ("audio/a", "audio/b", "audio/c", "stems/b/dog", "stems/b/background"):
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, 8000)
    monkeypatch.setenv("L2I_SCENES", str(tmp_path))
    found = next(c for c in clips.collections() if c.kind == "scenes").clips
    assert [*found] == ["scenes:a", "scenes:b", "scenes:c"]
    assert [found[i].title for i in found] == ["Dog a", "Dog + birds b", "No source c"]
    assert [(s.title, s.labels) for s in found["scenes:b"].stems()] == [
        ("Background", ("background",)),
        ("Dog", ("dog",)),
    ]
    assert not found["scenes:a"].stems()
