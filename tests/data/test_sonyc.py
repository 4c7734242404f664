"""SONYC-UST v2's table: whose ears count, and every way in which it can be wrong."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from l2i_core import AudioConfig
from l2i_core.data import clips, sets, sonyc

ABOUT = (
    "split", "sensor_id", "audio_filename", "annotator_id", "borough", "block", "latitude",
    "longitude", "year", "week", "day", "hour",
)  # fmt: skip
FINE = (
    "1-1_small-sounding-engine", "1-2_medium-sounding-engine", "1-3_large-sounding-engine",
    "1-X_engine-of-uncertain-size", "2-1_rock-drill", "2-2_jackhammer", "2-3_hoe-ram",
    "2-4_pile-driver", "2-X_other-unknown-impact-machinery", "3-1_non-machinery-impact",
    "4-1_chainsaw", "4-2_small-medium-rotating-saw", "4-3_large-rotating-saw",
    "4-X_other-unknown-powered-saw", "5-1_car-horn", "5-2_car-alarm", "5-3_siren",
    "5-4_reverse-beeper", "5-X_other-unknown-alert-signal", "6-1_stationary-music",
    "6-2_mobile-music", "6-3_ice-cream-truck", "6-X_music-from-uncertain-source",
    "7-1_person-or-small-group-talking", "7-2_person-or-small-group-shouting",
    "7-3_large-crowd", "7-4_amplified-speech", "7-X_other-unknown-human-voice",
    "8-1_dog-barking-whining",
)  # fmt: skip
COARSE = (
    "1_engine_presence", "2_machinery-impact_presence", "3_non-machinery-impact_presence",
    "4_powered-saw_presence", "5_alert-signal_presence", "6_music_presence",
    "7_human-voice_presence", "8_dog_presence",
)  # fmt: skip
HEADER = (
    *ABOUT,
    *(f"{name}_presence" for name in FINE),
    *(f"{name}_proximity" for name in FINE),
    *COARSE,
)
CLASSES = (
    "engine", "machinery_impact", "non_machinery_impact", "powered_saw", "alert_signal", "music",
    "human_voice", "dog",
)  # fmt: skip


def row(split: str, name: str, who: Any, *heard: str, **answers: Any) -> dict[str, Any]:
    """One annotator's answers: `heard` are the coarse classes that he heard, by name."""
    about = {"sensor_id": 1, "borough": 1, "block": 547, "latitude": 40.7, "longitude": -73.9,
             "year": 2017, "week": 44, "day": 2, "hour": 7}  # fmt: skip
    fine = {f"{n}_presence": 0 for n in FINE} | {f"{n}_proximity": "notvisible" for n in FINE}
    coarse = {column: int(label in heard) for column, label in zip(COARSE, CLASSES, strict=True)}
    said = {"split": split, "audio_filename": name, "annotator_id": who}
    return {**about, **fine, **coarse, **said, **answers}


def write(root: Path, rows: Sequence[dict[str, Any]], header: Sequence[str] = HEADER) -> Path:
    root.mkdir(exist_ok=True)
    with (root / "annotations.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, header, extrasaction="ignore", restval=0)
        writer.writeheader()
        writer.writerows(rows)
    return root


def test_the_published_header_gives_eight_classes_in_their_order(tmp_path: Path) -> None:
    made = sonyc.sonyc(write(tmp_path, [row("train", "a.wav", 5, "dog")]))
    assert made.classes == CLASSES
    assert made.multi_label
    clip = made.clips[0]
    assert (clip.name, clip.label, clip.fold, clip.source) == ("a", "", 1, "a.wav")
    assert clip.labels == ("dog",)


def test_one_volunteer_is_enough_and_the_team_does_not_vote(tmp_path: Path) -> None:
    rows = [
        row("train", "a.wav", 11),
        row("train", "a.wav", 12, "dog"),
        row("train", "a.wav", 13, "engine"),
        row("train", "a.wav", -1, "music"),
        row("train", "a.wav", 0, "music"),
        row("train", "b.wav", -2, "alert_signal"),  # nobody else was asked
        row("train", "c.wav", 11, dog=0, **{"8_dog_presence": -1}),
    ]
    labels = [clip.labels for clip in sonyc.sonyc(write(tmp_path, rows)).clips]
    assert labels == [("engine", "dog"), ("alert_signal",), ()]


def test_test_clips_have_the_agreed_truth_or_none(tmp_path: Path) -> None:
    rows = [
        row("validate", "a.wav", 11, "dog"),
        row("validate", "a.wav", 0, "music"),
        row("test", "b.wav", 0, "engine", "human_voice"),
        row("test", "b.wav", -3, "dog"),
        row("test", "c.wav", 11, "dog"),  # no agreement: left out
    ]
    clips = sonyc.sonyc(write(tmp_path, rows)).clips
    assert [(c.name, c.fold, c.labels) for c in clips] == [
        ("a", 2, ("music",)),
        ("b", 3, ("engine", "human_voice")),
    ]
    with pytest.raises(ValueError, match="annotations.csv lists no clip that can be used"):
        sonyc.sonyc(write(tmp_path, rows[4:]))


def test_files_are_found_in_any_folder_but_the_stems(tmp_path: Path) -> None:
    write(tmp_path, [row("test", name, 0, "dog") for name in ("a.wav", "b.wav", "c.wav")])
    for folder, name, value in (
        ("audio-3", "a.wav", 0.1), ("stems/a", "a.wav", 0.9), ("audio/deep", "b.wav", 0.2)
    ):  # fmt: skip
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True)
        soundfile.write(path, np.full(8000, value), 8000)
    made = sets.open_data_set("sonyc", tmp_path)
    first, second, absent = made.clips
    assert first.path == tmp_path / "audio-3" / "a.wav"
    assert second.path == tmp_path / "audio" / "deep" / "b.wav"
    assert clips.load_clip(first, AudioConfig(sample_rate=8000)).max() < 0.2
    with pytest.raises(ValueError, match=r"c\.wav"):
        clips.load_clip(absent, AudioConfig())


def test_another_layout_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not laid out as SONYC-UST: annotations.csv is missing"):
        sonyc.sonyc(tmp_path)


@pytest.mark.parametrize("missing", ["split", "audio_filename", "annotator_id"])
def test_a_missing_column_is_named(tmp_path: Path, missing: str) -> None:
    header = [name for name in HEADER if name != missing]
    with pytest.raises(ValueError, match=f"annotations.csv lacks the column '{missing}'"):
        sonyc.sonyc(write(tmp_path, [row("train", "a.wav", 1)], header))


def test_unknown_columns_and_no_class_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has the unknown column 'mood'; accepted are those of"):
        sonyc.sonyc(write(tmp_path, [row("train", "a.wav", 1)], [*HEADER, "mood"]))
    with pytest.raises(ValueError, match="names no class: it lacks columns such as '1_engine_pre"):
        sonyc.sonyc(write(tmp_path, [row("train", "a.wav", 1)], ABOUT))
    (tmp_path / "annotations.csv").write_text("")
    with pytest.raises(ValueError, match="annotations.csv lacks the column 'split'"):
        sonyc.sonyc(tmp_path)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"8_dog_presence": 2}, r"line 3: 8_dog_presence must be −1, 0 or 1, received '2'"),
        ({"8_dog_presence": ""}, r"line 3: 8_dog_presence must be −1, 0 or 1, received ''"),
        ({"8_dog_presence": "yes"}, r"8_dog_presence must be −1, 0 or 1, received 'yes'"),
        ({"annotator_id": "Ann"}, r"line 3: annotator_id must be a whole number, received 'Ann'"),
        ({"split": "dev"}, r"line 3: the split must be train, validate or test, received 'dev'"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(
    tmp_path: Path, answers: dict[str, Any], sentence: str
) -> None:
    rows = [row("train", "a.wav", 1), row("train", "b.wav", 1) | answers]
    with pytest.raises(ValueError, match=sentence):
        sonyc.sonyc(write(tmp_path, rows))


def test_a_row_that_ends_early_is_named(tmp_path: Path) -> None:
    write(tmp_path, [row("train", "a.wav", 1)])
    with (tmp_path / "annotations.csv").open("a") as file:
        file.write("train,1,b.wav,7\n")
    with pytest.raises(ValueError, match="line 3: 1_engine_presence must be −1, 0 or 1"):
        sonyc.sonyc(tmp_path)
