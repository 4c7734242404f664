"""What a study's figures are of: digests of weights, as the shipped files record them."""

import dataclasses
import json
from pathlib import Path

import pytest

from l2i_core import load_bundle
from l2i_core.bundle import SHIPPED, Bundle, save_bundle
from l2i_core.measure import study
from l2i_core.measure.records import read_table
from l2i_core.measure.study import Kept, weights_of
from l2i_core.measure.surrogate import TEXTS


def test_shipped_figures_are_of_the_shipped_weights() -> None:
    bundle, metrics = load_bundle("esc50"), SHIPPED / "esc50" / "metrics"
    recorded = {
        (row["interpreter"], row["weights"]) for row in read_table(metrics / "surrogate.csv", TEXTS)
    }
    for name, kinds in json.loads((metrics / "contaminated.json").read_text()).items():
        recorded |= {(name, block["about"]["weights"]) for block in kinds.values()}
    assert recorded == {(name, weights_of(bundle, name)) for name in bundle.interpreters}


def test_a_digest_does_not_change_with_a_field_that_comes_later(bundle: Bundle) -> None:
    before = weights_of(bundle, "att")
    later = dataclasses.make_dataclass(
        "Later", [("hop", int, 3)], bases=(type(bundle.audio),), frozen=True
    )
    audio = later(**dataclasses.asdict(bundle.audio))
    assert weights_of(dataclasses.replace(bundle, audio=audio), "att") == before
    audio = dataclasses.replace(bundle.audio, n_mels=64)
    assert weights_of(dataclasses.replace(bundle, audio=audio), "att") != before


def test_a_digest_tells_settings_and_dictionaries_apart(
    bundle_folder: Path, tmp_path: Path
) -> None:
    bundle = load_bundle(bundle_folder)
    found = [weights_of(bundle, name) for name in ("gradient", "search", "search:energy=2")]
    found.append(weights_of(bundle.with_dictionary("clip"), "search"))
    for k in (0, 1):  # one path, whose W changes
        patterns = bundle.dictionary.patterns.roll(k, dims=1)
        dictionary = dataclasses.replace(bundle.dictionary, patterns=patterns)
        save_bundle(dataclasses.replace(bundle, dictionary=dictionary), tmp_path / "w")
        found.append(weights_of(bundle.with_dictionary(str(tmp_path / "w")), "search"))
    assert len(set(found)) == len(found)


def test_what_was_kept_is_believed_under_its_key_alone(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "x.json"
    first = Kept(path, "a")
    assert first.get((0, 1.5), lambda: [{"value": 2.0}]) == [{"value": 2.0}]
    assert first.get((1,), lambda: [{"error": "gone."}]) == [{"error": "gone."}]
    again = Kept(path, "a")
    assert again.get((0, 1.5), lambda: pytest.fail("made again")) == [{"value": 2.0}]
    assert again.get((1,), lambda: [{"value": 3.0}]) == [{"value": 3.0}], "an error is tried again"
    assert Kept(path, "b").steps == {}
    path.write_text(json.dumps({"key": "a", "clips": []}))  # of an older form
    assert Kept(path, "a").steps == {}


def test_a_study_of_nothing_says_why() -> None:
    with pytest.raises(ValueError, match=r"could be measured \(the disk is away\)\.$"):
        study.measured([{"error": "the disk is away."}])
