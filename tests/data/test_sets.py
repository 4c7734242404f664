"""Data sets on folders that the tests lay out, and errors that name the file."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import WriteClip

from l2i_core import AudioConfig
from l2i_core.bundle import Bundle
from l2i_core.data import sets, synth
from l2i_core.data.clips import Clip, DataSet, load_clip
from l2i_core.data.esc import ESC10_FOLDERS
from l2i_core.data.folders import any_folder, labelled
from l2i_core.data.sets import held_out, open_data_set
from l2i_core.data.synthesised import synthesised

K16 = AudioConfig(sample_rate=16000)


def _sound(path: Path, seconds: float = 0.3, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.3 * np.sin(np.arange(round(seconds * rate)) / 7)
    soundfile.write(path, tone.astype(np.float32), rate)


@pytest.fixture
def esc10(tmp_path: Path) -> Path:
    """ESC-10's layout: two classes, three folds; beside them what must be ignored."""
    root = tmp_path / "esc10"
    for folder in ("001 - Dog bark", "010 - Fire crackling"):
        for name in ("1-100-A", "1-100-B", "2-205-A", "3-301-A"):
            _sound(root / folder / f"{name}.ogg")
    _sound(root / "099 - Something else" / "1-1-A.ogg")
    (root / "001 - Dog bark" / "licence.txt").write_text("CC")
    (root / "README.md").write_text("# ESC-10")
    return root


@pytest.fixture
def esc50(tmp_path: Path) -> Path:
    """ESC-50's layout; the csv is not in the order of the targets."""
    root = tmp_path / "esc50"
    rows = [("1-7-A-36.wav", 1, 36, "vacuum_cleaner", "7"), ("2-9-A-0.wav", 2, 0, "dog", "9"),
            ("2-9-B-0.wav", 2, 0, "dog", "9")]  # fmt: skip
    (root / "meta").mkdir(parents=True)
    with (root / "meta" / "esc50.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "fold", "target", "category", "esc10", "src_file", "take"])
        for filename, fold, target, category, source in rows:
            writer.writerow([filename, fold, target, category, "False", source, "A"])
            _sound(root / "audio" / filename)
    return root


# ESC-10


def test_esc10_is_read_as_laid_out(esc10: Path) -> None:
    data = open_data_set("esc10", esc10)
    assert data.classes == ("dog", "crackling_fire")
    assert len(data.clips) == 8
    clip = data.clips[0]
    assert (clip.name, clip.label, clip.fold, clip.source) == ("1-100-A", "dog", 1, "100")
    assert clip.path == esc10 / "001 - Dog bark" / "1-100-A.ogg"
    assert {c.source for c in data.clips if c.fold == 1} == {"100"}, "takes share their recording"


def test_esc10_names_are_esc50s() -> None:
    assert set(ESC10_FOLDERS.values()) == set(synth.LABELS)


def test_folds_are_disjoint_and_complete(esc10: Path) -> None:
    data = open_data_set("esc10", esc10)
    train, test = data.in_folds([2, 3]), data.in_folds([1])
    assert {c.fold for c in train} == {2, 3}
    assert not {c.path for c in train} & {c.path for c in test}
    assert len(train) + len(test) == len(data.clips)
    with pytest.raises(ValueError, match=r"no fold 9.*\[1, 2, 3\]"):
        data.in_folds([1, 9])


def test_esc10_elsewhere_is_found_through_the_environment(
    esc10: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_ESC10", str(esc10))
    assert len(open_data_set("esc10").clips) == 8
    monkeypatch.delenv("L2I_ESC10")
    with pytest.raises(ValueError, match="L2I_ESC10"):
        open_data_set("esc10")


def test_badly_named_esc10_clip_is_named(esc10: Path) -> None:
    _sound(esc10 / "001 - Dog bark" / "bark.ogg")
    with pytest.raises(ValueError, match=r"bark\.ogg"):
        open_data_set("esc10", esc10)


# ESC-50


def test_esc50_follows_its_table(esc50: Path) -> None:
    data = open_data_set("esc50", esc50)
    assert data.classes == ("dog", "vacuum_cleaner"), "in the order of the targets"
    clip = data.clips[0]
    assert (clip.name, clip.label) == ("1-7-A-36", "vacuum_cleaner")
    assert (clip.fold, clip.source) == (1, "7")
    assert len(data.in_folds([2])) == 2


@pytest.mark.parametrize("column", ["fold", "target", "category", "src_file", "filename"])
def test_esc50_without_a_column_is_refused(esc50: Path, column: str) -> None:
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text().replace(column, "renamed", 1))
    with pytest.raises(ValueError, match=column):
        open_data_set("esc50", esc50)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("5-9-A-0.wav,two,0,dog,False,9,A", "of 5-9-A-0.wav must be whole numbers, received 'two'"),
        ("5-9-A-0.wav,5,0", "'5-9-A-0.wav,5,0' has no category; give every row filename, fold"),
        ("5-9-A-0.wav,5,0,,False,9,A", "has no category"),
        (",5,0,dog,False,9,A", "',5,0,dog,False,9,A' has no filename"),
        ("5-9-A-0.wav,5,,dog,False,9,A", "has no target"),
        ("5-9-A-0.wav,5,0,dog,False", "has no src_file"),
        (
            "5-9-A-0.wav,5,0,cat,False,9,A",
            "5-9-A-0.wav has target 0 and category 'cat', an earlier",
        ),
        (
            "5-9-A-0.wav,5,7,dog,False,9,A",
            "5-9-A-0.wav has target 7 and category 'dog', an earlier",
        ),
    ],
)
def test_esc50_with_a_bad_row_is_one_sentence(esc50: Path, row: str, sentence: str) -> None:
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text() + row + "\n")
    with pytest.raises(ValueError, match=r"^esc50\.csv, line 5: ") as refused:
        open_data_set("esc50", esc50)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_esc50_without_rows_is_refused(esc50: Path) -> None:
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n")
    with pytest.raises(ValueError, match="no clips"):
        open_data_set("esc50", esc50)


# A folder per class


def test_folders_are_classes_of_any_format(tmp_path: Path) -> None:
    for label, count in (("b class", 7), ("a", 2)):
        for index in range(count):
            suffix = ("wav", "flac", "ogg", "mp3", "aiff")[index % 5]
            _sound(tmp_path / label / f"{index}.{suffix}")
    (tmp_path / "a" / "notes.txt").write_text("no sound")
    (tmp_path / "empty").mkdir()
    data = open_data_set("folder", tmp_path)
    assert data.classes == ("a", "b class")
    assert [c.fold for c in data.clips if c.label == "b class"] == [1, 2, 3, 4, 5, 1, 2]
    assert data.clips[0].name == "a/0.wav"
    assert len({c.name for c in data.clips}) == 9
    for clip in data.clips:
        assert load_clip(clip, K16).ndim == 1


# The registry


def test_a_data_set_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "new_set.py").write_text(
        "from l2i_core.data.clips import Clip, DataSet\n"
        "from l2i_core.data.sets import KINDS, Kind\n"
        "clips = (Clip('1', 'a', 1, '1'),)\n"
        "made = Kind(lambda root: DataSet('New', ('a',), clips), 'new sounds', splits=True)\n"
        "KINDS.add('new')(made)\n"
    )
    assert (sets.title("new"), sets.has_splits("new")) == ("new", False)
    monkeypatch.setenv("L2I_PLUGINS", str(tmp_path))
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    assert open_data_set("new", tmp_path).classes == ("a",)
    assert (sets.title("new"), sets.has_splits("new")) == ("new sounds", True)
    with pytest.raises(ValueError, match="download it, or set the environment variable L2I_NEW"):
        open_data_set("new")


# Synthesised


def test_synthesised_clips_are_made_from_their_names() -> None:
    data = synthesised([3, 4, 5], n_folds=2)
    assert data.classes == synth.LABELS
    assert len(data.clips) == 30
    assert {(c.seed, c.fold) for c in data.clips} == {(3, 1), (4, 2), (5, 1)}
    assert len({c.name for c in data.clips}) == 30
    clip = next(c for c in data.clips if c.name == "rooster-4")
    np.testing.assert_array_equal(load_clip(clip, K16), synth.clip("rooster", 4, 16000))


def test_synth_needs_no_folder() -> None:
    data = open_data_set("synth")
    assert isinstance(data, DataSet)
    assert data.classes == synth.LABELS


# Loading


def test_clip_is_resampled_and_mixed_down(write_clip: WriteClip) -> None:
    stereo = np.stack([np.full(22050, 0.2), np.full(22050, 0.4)], axis=1)
    path = write_clip("a.wav", stereo, 44100)
    ours = load_clip(Clip("a", "dog", 1, "a", path), K16)
    assert ours.shape == (8000,)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours[500:-500], 0.3, atol=1e-3)


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "absent", "nan", "short"])
def test_damaged_clip_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "4-17-A.wav"
    _sound(path)
    if damage == "text":
        path.write_text("hello")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "absent":
        path.unlink()
    elif damage == "nan":
        soundfile.write(path, np.full(9000, np.nan), 16000, subtype="FLOAT")
    else:
        _sound(path, seconds=0.05)
    with pytest.raises(ValueError, match=r"4-17-A\.wav") as refused:
        load_clip(Clip("4-17-A", "dog", 4, "17", path), K16)
    assert "\n" not in str(refused.value)


def test_unknown_or_absent_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown data set 'esc500'; known: ") as refused:
        open_data_set("esc500", tmp_path)
    known = str(refused.value).rstrip(".").partition("known: ")[2].split(", ")
    assert {*known} == {"esc10", "esc50", "sonyc", "scenes", "folder", "recordings", "synth"}
    with pytest.raises(ValueError, match="does not exist"):
        open_data_set("esc10", tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"data\.root"):
        open_data_set("folder")
    for kind, word in (("esc10", "ESC-10"), ("esc50", "ESC-50"), ("folder", "folder")):
        with pytest.raises(ValueError, match=word):
            open_data_set(kind, tmp_path)


# Anybody's folder


def test_any_folder_takes_classes_and_loose_files(write_clip: WriteClip, tmp_path: Path) -> None:
    sound = np.zeros(4410, np.float32)
    for name in ("001 - Dog bark/a.wav", "Sea-Waves/b.wav", "cats/c.wav", "loose.wav"):
        write_clip(name, sound)
    (tmp_path / "notes.txt").write_text("x")
    found = any_folder(tmp_path, ("dog", "sea_waves"))
    assert {(c.name, c.label) for c in found.clips} == {
        ("001 - Dog bark/a.wav", "dog"),
        ("Sea-Waves/b.wav", "sea_waves"),
        ("cats/c.wav", ""),
        ("loose.wav", ""),
    }
    assert found.classes == ("dog", "sea_waves")
    assert found.notes == (
        "Labels are taken from “dog” and “sea_waves”; “cats” is no class of this model: labels unknown there.",
    )


def test_any_folder_refuses_what_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder"):
        any_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match="no audio files"):
        any_folder(tmp_path)


def test_the_test_set_is_the_recorded_one(
    bundle: Bundle, write_clip: WriteClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fold in (1, 2):
        write_clip(f"set/001 - Dog bark/{fold}-100-A.ogg", synth.clip("dog", fold, 44100, 1.0))
    data = {"kind": "esc10", "test_folds": [2], "root": "/of/another/machine"}
    recorded = replace(bundle, training={"config": {"data": data}})
    monkeypatch.setenv("L2I_ESC10", str(tmp_path / "set"))
    name, clips = held_out(recorded.training, recorded.name)
    assert name == "ESC-10, fold 2"
    assert [clip.fold for clip in clips] == [2]
    monkeypatch.delenv("L2I_ESC10")
    monkeypatch.setattr(sets, "data_folder", lambda kind: None)
    with pytest.raises(ValueError, match="L2I_ESC10"):
        held_out(recorded.training, recorded.name)
    with pytest.raises(ValueError, match="does not record its test set"):
        held_out(bundle.training, bundle.name)


def test_recordings_hold_out_a_fifth_of_each_folder_the_same_everywhere(tmp_path: Path) -> None:
    for folder, count in (("Sea waves", 10), ("deep/Rain", 10), (".", 5)):
        for number in range(count):
            _sound(tmp_path / "a" / folder / f"{number}.wav", 0.1)
    _sound(tmp_path / "a" / ".hidden" / "1.wav", 0.1)
    data = open_data_set("recordings", tmp_path / "a")
    assert len(data.clips) == 25
    for label, count in (("Sea waves", 2), ("Rain", 2), ("", 1)):
        assert sum(c.fold == 1 for c in data.clips if c.label == label) == count
    assert {clip.fold for clip in data.clips} == {1, 2}
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert [(c.name, c.fold) for c in open_data_set("recordings", tmp_path / "b").clips] == [
        (c.name, c.fold) for c in data.clips
    ]
    known = labelled(data.clips, ("rain", "sea_waves"))
    assert {clip.label for clip in known} == {"rain", "sea_waves", ""}
    assert {clip.label for clip in labelled(data.clips, ("siren",))} == {""}


def test_one_recording_is_refused(tmp_path: Path) -> None:
    _sound(tmp_path / "1.wav")
    with pytest.raises(ValueError, match="holds one audio file"):
        open_data_set("recordings", tmp_path)


def test_a_clip_may_be_a_part_of_a_file(tmp_path: Path) -> None:
    _sound(tmp_path / "1.wav", 3.0)
    whole = load_clip(Clip("1", "", 1, "1", tmp_path / "1.wav"), K16)
    part = load_clip(Clip("1", "", 1, "1", tmp_path / "1.wav", part=(1.0, 2.5)), K16)
    np.testing.assert_array_equal(part, whole[16000:40000])
