"""Clips with another sound in them: what is added, the command's files, resuming, bad input."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from killing import other_weights

from l2i_core import AudioConfig, load_bundle
from l2i_core.data.clips import Clip, load_clip
from l2i_core.data.sets import held_out
from l2i_core.data.synthesised import synthesised
from l2i_core.measure.contamination import KINDS, contaminate, contaminated, other_clip
from l2i_core.measure.evaluation import Settings, evaluate
from l2i_core.signal.corrupt import coloured_noise
from pipelines import contaminate as command
from pipelines import results
from pipelines.runs import evenly

CONFIG = AudioConfig(sample_rate=8000, n_fft=512, win_length=512, hop_length=256)
CLIPS = synthesised(range(2)).clips


@pytest.fixture(scope="module")
def measured(tested_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips by both interpreters."""
    out = Path(shutil.copytree(tested_folder, tmp_path_factory.mktemp("measured") / "small"))
    assert command.main(_argv(out)) == 0
    return out


def _argv(folder: Path, *more: str) -> list[str]:
    return ["--bundle", str(folder), "--limit", "3", *more]


def _blocks(folder: Path) -> dict[str, dict]:
    return json.loads((folder / "metrics" / "contaminated.json").read_text())


@pytest.mark.parametrize("snr_db", [0.0, 12.0])
def test_the_other_sound_is_of_another_class_at_the_ratio(snr_db: float) -> None:
    drawn = set()
    for index, clip in enumerate(CLIPS):
        other = other_clip(CLIPS, index)
        assert other.label != clip.label
        drawn.add(other.name)
    assert len(drawn) > len(CLIPS) / 3, "not always the same"
    clean, other = (load_clip(c, CONFIG) for c in (CLIPS[3], other_clip(CLIPS, 3)))
    mixture = contaminate(CLIPS, 3, "clip", CONFIG, snr_db)
    np.testing.assert_array_equal(mixture.followed, clean)
    assert mixture.snr_db == pytest.approx(snr_db, abs=0.05)
    assert np.corrcoef(mixture.rest, np.resize(other, clean.shape))[0, 1] > 0.999
    white = contaminate(CLIPS, 3, "white", CONFIG, snr_db, seed=4)
    noise = coloured_noise("white", len(clean), 7, CONFIG.sample_rate)
    assert np.corrcoef(white.rest, noise)[0, 1] > 0.999
    assert white.snr_db == pytest.approx(snr_db, abs=0.05)


def test_seed_and_index_decide_the_sound() -> None:
    first, again = (contaminate(CLIPS, 1, "clip", CONFIG, seed=3).mixed for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len({other_clip(CLIPS, 1, seed).name for seed in range(10)}) > 4
    assert other_clip(CLIPS[:1] + CLIPS[10:11] + CLIPS[1:2], 0) == CLIPS[1], "the only one left"


def test_what_cannot_be_mixed() -> None:
    with pytest.raises(ValueError, match="unknown contamination 'hum'; accepted: clip, white"):
        contaminate(CLIPS, 0, "hum", CONFIG)
    with pytest.raises(ValueError, match="all 2 clips are of the class 'dog'"):
        contaminate([CLIPS[0]] * 2, 0, "clip", CONFIG)


def test_clips_are_evaluated_with_their_other_sound(tested_folder: Path, tmp_path: Path) -> None:
    clips = [*CLIPS[:2], Clip("lost", "rain", 1, "lost", tmp_path / "lost.wav")]
    bundle, settings, load = (
        load_bundle(tested_folder),
        Settings((0.3,), ()),
        contaminated(clips, "white"),
    )
    told: list[str] = []
    heard: list[np.ndarray] = []

    def listen(clip: Clip, config: AudioConfig) -> np.ndarray:
        heard.append(load(clip, config))
        return heard[-1]

    made = evaluate(
        bundle, "max", clips, settings, left_out=lambda c, why: told.append(c.name), load=listen
    )
    assert [row.clip for row in made.clips] == [c.name for c in CLIPS[:2]]
    assert told == ["lost"]
    for index in (0, 1):
        mixed = contaminate(clips, index, "white", bundle.audio).mixed
        np.testing.assert_array_equal(heard[index], mixed)
    with pytest.raises(ValueError, match=r"lost\.wav"):
        evaluate(bundle, "max", clips, settings, load=load)
    with pytest.raises(ValueError, match="none of the 1 clips can be used"):
        evaluate(bundle, "max", clips[2:], settings, left_out=lambda *_: None, load=load)


def test_blocks_are_an_evaluation_of_the_mixtures(measured: Path) -> None:
    blocks = _blocks(measured)
    assert {name: list(kinds) for name, kinds in blocks.items()} == {
        name: [f"{kind} at 0 dB" for kind in KINDS] for name in ("att", "max")
    }
    bundle = load_bundle(measured)
    clips = held_out(bundle.training, bundle.name)[1]
    assert clips == synthesised(range(8)).in_folds([1])
    settings = Settings(thresholds=command.THRESHOLDS, random_thresholds=())
    load = contaminated(clips, "clip")
    own = evaluate(bundle, "max", evenly(clips, 3), settings, load=load).summary
    found = blocks["max"]["clip at 0 dB"]
    about = found.pop("about")
    assert found == json.loads(json.dumps(own))
    assert list(found["fid_in"]) == ["0.1", "0.3", "0.5"]
    assert (about["clips"], about["snr_db"], about["seed"]) == (3, 0.0, 0)
    assert about["command"].startswith("python -m pipelines.contaminate --bundle")


def test_what_is_there_is_not_measured_again(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(measured, tmp_path / "small"))
    path = out / "metrics" / "contaminated.json"
    whole = path.read_text()
    asked: list[str] = []
    real = command.evaluate_with_bar

    def counting(bundle: object, name: str, *rest: object, **more: object) -> object:
        asked.append(name)
        return real(bundle, name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "evaluate_with_bar", counting)
    assert command.main(_argv(out)) == 0
    assert asked == []
    assert path.read_text() == whole
    part = json.loads(whole)
    del part["max"]["white at 0 dB"]
    path.write_text(json.dumps(part))
    assert command.main(_argv(out)) == 0
    assert asked == ["max"]
    again, before = _blocks(out)["max"]["white at 0 dB"], json.loads(whole)["max"]["white at 0 dB"]
    assert {**again, "about": None} == {**before, "about": None}
    assert command.main([*_argv(out, "--interpreter", "att"), "--snr", "12"]) == 0
    assert list(_blocks(out)["att"])[2:] == ["clip at 12 dB", "white at 12 dB"]
    assert command.main(_argv(out, "--interpreter", "att", "--seed", "1")) == 0
    assert asked == ["max"] + 4 * ["att"]
    asked.clear()
    assert command.main(_argv(out, "--interpreter", "att", "--seed", "1")) == 0
    assert asked == []
    other_weights(out, "att")
    assert command.main(_argv(out, "--interpreter", "att", "--seed", "1")) == 0
    assert asked == ["att", "att"]


def test_results_print_clean_and_contaminated_beside_the_published(
    measured: Path, measured_bundles: Path
) -> None:
    blocks = _blocks(measured)
    summary = load_bundle(measured_bundles / "measured").summary()
    assert summary is not None
    lines = results.contaminated(blocks, summary).splitlines()
    assert len({line.count("|") - line.count("\\|") for line in lines}) == 1
    assert [line.split(" | ")[1:5] for line in lines if line.startswith("| att | clean")] == [
        ["clean", "12", "0.917", t] for t in ("0.3", "0.1")
    ]
    assert sum(line.startswith("| max | white at 0 dB | 3 |") for line in lines) == 3
    assert lines[-2].endswith("| 0.82 | 61.6 | 3.8 | 33.5 |")
    del summary["att"]
    assert "| att | clean" not in results.contaminated(blocks, summary)


def test_bad_requests_are_one_sentence(
    tested_folder: Path, bundle_folder: Path, refused_command: Callable[..., str]
) -> None:
    before = sorted(tested_folder.rglob("*"))
    for argv, sentence in (
        (["--bundle", str(tested_folder), "--interpreter", "nmf"], "no interpreter 'nmf'"),
        (
            ["--bundle", str(tested_folder), "--limit", "0"],
            "--limit: must be at least 1, received 0",
        ),
        (["--bundle", str(tested_folder), "--snr", "999"], "the SNR must lie between"),
        (["--bundle", str(bundle_folder)], "does not record its test set"),
        (["--bundle", "esc50", "--interpreter", "flint"], "FLINT has no components to play"),
        (["--bundle", "nowhere"], "no bundle 'nowhere'"),
    ):
        assert sentence in refused_command(lambda a=argv: command.main(a))  # type: ignore[misc]
    assert sorted(tested_folder.rglob("*")) == before
