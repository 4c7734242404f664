"""Scenes from a tiny ESC-50: repeatable, exact stems, no recording on both sides."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from l2i_core.data import clips, scenes, sets, synth
from l2i_core.data.scenes import BACKGROUNDS, CLASSES
from pipelines import make_scenes

RATE = 16000
WANTED = [*BACKGROUNDS, *(category for group in CLASSES.values() for category in group)]


def tiny_esc50(root: Path, absent: str = "") -> Path:
    """ESC-50's layout: every category that scenes need, a clip in folds 1 and 2; the hens of both
    are of one recording. What `synth` cannot make is a crow of a seed of its own."""
    (root / "meta").mkdir(parents=True)
    (root / "audio").mkdir()
    with (root / "meta" / "esc50.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "fold", "target", "category", "src_file"])
        for target, category in enumerate(WANTED):
            known = category if category in synth.ALL_LABELS else "crow"
            for fold in (1, 2):
                name, seed = f"{fold}-{target}-A-{target}.wav", 2 * target + fold
                soundfile.write(root / "audio" / name, synth.clip(known, seed, RATE, 1.5), RATE)
                source = "one" if category == "hen" else f"{fold}-{target}"
                if category != absent:
                    rows.writerow([name, fold, target, category, source])
            if category == "hen":  # else training would have none
                name = f"2-{target}-B-{target}.wav"
                soundfile.write(root / "audio" / name, synth.clip("crow", 99, RATE, 1.5), RATE)
                rows.writerow([name, 2, target, category, "another"])
    return root


@pytest.fixture(scope="module")
def esc50(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_esc50(tmp_path_factory.mktemp("esc50") / "data")


def make(out: Path, esc50: Path, *options: str) -> list[dict[str, Any]]:
    folds = ["--train-folds", "2", "--test-folds", "1"]
    assert make_scenes.main(["--out", str(out), "--esc50", str(esc50), *folds, *options]) == 0
    return json.loads((out / "scenes.json").read_text())


@pytest.fixture(scope="module")
def made(esc50: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scenes") / "made"
    make(out, esc50, "--train", "12", "--test", "8")
    return out


def files(root: Path) -> dict[str, bytes]:
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def test_stems_sum_to_the_mixture_exactly(made: Path) -> None:
    for mixture in sorted((made / "audio").glob("test-*.wav")):
        whole, rate = soundfile.read(mixture, dtype="int16")
        assert (rate, len(whole)) == (RATE, scenes.SECONDS * RATE)
        stems = scenes.stem_files(mixture)
        parts = [soundfile.read(path, dtype="int16")[0].astype(int) for path in stems.values()]
        assert np.array_equal(sum(parts), whole)
        assert abs(whole.astype(int)).max() <= 0.9 * 32767 + len(parts)
        assert all(part.any() for part in parts)
    assert not list((made / "stems").glob("train-*")), "training needs no stems"


def test_scenes_are_read_as_sonyc_is(made: Path) -> None:
    listed = json.loads((made / "scenes.json").read_text())
    found = sets.open_data_set("scenes", made)
    assert found.classes == tuple(CLASSES)
    assert found.multi_label
    assert len(found.in_folds([1])) == 12
    for clip, scene in zip(found.clips, listed, strict=True):
        assert clip.path == made / "audio" / scene["file"]
        assert set(clip.held) == {source["label"] for source in scene["sources"]}
        if clip.fold == 3:
            assert set(scenes.stem_files(clip.path)) == {*clip.held, "background"}
    assert {len(scene["sources"]) for scene in listed} <= {0, 1, 2, 3}
    for scene in listed:
        for source in scene["sources"]:
            assert source["category"] in CLASSES[source["label"]]
            assert source["onset"] + source["seconds"] <= scenes.SECONDS + 0.01


def test_no_recording_is_in_both_splits(made: Path) -> None:
    heard: dict[str, set[str]] = {"train": set(), "test": set()}
    for scene in json.loads((made / "scenes.json").read_text()):
        behind = [scene["background"]] if "source" in scene["background"] else []
        heard[scene["split"]] |= {part["source"] for part in [*scene["sources"], *behind]}
        fold = "2-" if scene["split"] == "train" else "1-"
        assert all(part["clip"].startswith(fold) for part in [*scene["sources"], *behind])
    assert heard["train"]
    assert not heard["train"] & heard["test"]
    assert "one" not in heard["train"], "the hens' recording is a test clip's"


def test_the_same_seed_gives_the_same_files_and_a_longer_run_starts_alike(
    made: Path, esc50: Path, tmp_path: Path
) -> None:
    make(tmp_path / "longer", esc50, "--train", "14", "--test", "9")
    before, longer = files(made), files(tmp_path / "longer")
    for name, content in before.items():
        if name.endswith(".wav"):
            assert longer[name] == content, name
    assert len(longer) > len(before)
    make(tmp_path / "other", esc50, "--train", "12", "--test", "8", "--seed", "1")
    other = files(tmp_path / "other")
    assert all(other[name] != before[name] for name in before if name.startswith("audio"))
    make(tmp_path / "again", esc50, "--train", "12", "--test", "8", "--seed", "1")
    assert files(tmp_path / "again") == other


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--train-folds", "1", "2"], "fold 1 cannot be in training and in test; give it once."),
        (["--test-folds", "2"], "fold 2 cannot be in training and in test"),
        (["--train", "0"], "--train and --test must be at least 1, --seed at least 0."),
        (["--seed", "-1"], "--seed at least 0."),
        (["--train-folds", "4"], "ESC-50 has no fold 4; it has"),
        (["--esc50", "nowhere"], "the data folder nowhere does not exist"),
    ],
)
def test_bad_requests_are_one_sentence(
    esc50: Path, tmp_path: Path, options: list[str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        make(tmp_path / "out", esc50, *options)
    assert not (tmp_path / "out").exists()


def test_an_absent_category_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the folds hold no clip of siren; scenes need all"):
        make(tmp_path / "out", tiny_esc50(tmp_path / "data", absent="siren"))


def test_a_damaged_clip_is_named(esc50: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder given for the data set 'esc50'"):
        make_scenes.main(["--out", str(tmp_path / "out")])
    absent = [
        clips.Clip(f"{label}.wav", label, 2, label, tmp_path / f"{label}.wav") for label in WANTED
    ]
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"\.wav"):
        _ = [make_scenes.make_scene(out, "train", index, 0, absent) for index in range(4)]
