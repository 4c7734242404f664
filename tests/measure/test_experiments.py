"""The experiments with mixtures over a test set: plans, rows, figures, and the command."""

import csv
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from killing import Killed
from mixed import noise_rows, overlap_rows

from l2i_core import L2I, load_bundle
from l2i_core.data.clips import Clip, load_clip
from l2i_core.data.sets import held_out
from l2i_core.measure import experiments, metrics, noise_lab
from l2i_core.measure.experiments import STUDIES, Settings
from l2i_core.measure.records import read_table
from l2i_core.measure.stems import gather, mix
from l2i_core.measure.study import Row, Step, Study
from l2i_core.signal.corrupt import coloured_noise
from pipelines import experiments as command
from pipelines.runs import main_guard

NAMES = {"clip", "label", "class", "other", "other_class", "predicted", "interpreter_predicted"}
SHORT = Settings(snrs=(0.0, 20.0), swept=2, pairs=3, random_draws=3, levels=(0.0, -5.0))


@pytest.fixture(scope="module")
def small(tested_folder: Path) -> L2I:
    return L2I.from_bundle(tested_folder)


@pytest.fixture(scope="module")
def clips(small: L2I) -> tuple[Clip, ...]:
    return held_out(small.bundle.training, "small")[1]


@pytest.fixture(scope="module")
def done(tested_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips and two pairs by both interpreters, without a break."""
    out = Path(shutil.copytree(tested_folder, tmp_path_factory.mktemp("done") / "small"))
    assert command.main(["--bundle", str(out), "--limit", "2"]) == 0
    return out


def same(first: list[Row], second: list[Row]) -> bool:
    return json.dumps(first) == json.dumps(second)  # as text: NaN is no equal of itself


# --- plans ------------------------------------------------------------------------------------


def test_the_noise_plan_holds_every_clip_and_some_at_every_snr(clips: tuple[Clip, ...]) -> None:
    plan = experiments.noise_plan(clips, SHORT)
    assert sorted(step[0] for step in plan) == list(range(len(clips)))
    assert [step[1:] for step in plan[:2]] == [(0.0, 20.0)] * 2
    assert {step[1:] for step in plan[2:]} == {(0.0,)}
    longer = experiments.noise_plan(clips, replace(SHORT, swept=None))
    assert longer[:2] == plan[:2]
    assert {step[1:] for step in longer} == {(0.0, 20.0)}
    assert experiments.noise_plan(clips, SHORT) == plan
    assert experiments.noise_plan(clips, replace(SHORT, seed=1)) != plan


def test_pairs_are_of_different_classes_and_none_comes_twice(clips: tuple[Clip, ...]) -> None:
    plan = experiments.overlap_plan(clips, replace(SHORT, pairs=40))
    assert [number for number, *_ in plan] == list(range(40))
    assert len({frozenset(ends) for _, *ends in plan}) == 40
    assert all(clips[a].label != clips[b].label for _, a, b in plan)
    assert experiments.overlap_plan(clips, SHORT) == plan[:3], "fewer are the beginning of more"
    assert experiments.overlap_plan(clips, replace(SHORT, seed=1)) != plan[:3]


def test_a_small_test_set_gives_all_its_pairs() -> None:
    three = [Clip(name, label, 1, name) for name, label in (("a", "x"), ("b", "x"), ("c", "y"))]
    unlabelled = [*three, Clip("d", "", 1, "d")]
    plan = experiments.overlap_plan(unlabelled, replace(SHORT, pairs=9))
    assert {frozenset(ends) for _, *ends in plan} == {frozenset((0, 2)), frozenset((1, 2))}
    for none in (three[:2], unlabelled[2:], []):
        with pytest.raises(ValueError, match=r"needs clips of two classes.*none\.$"):
            experiments.overlap_plan(none, SHORT)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="pairs must be at least 1, received 0"):
        Settings(pairs=0)
    with pytest.raises(ValueError, match="random_draws must be at least 1, received -1"):
        Settings(random_draws=-1)
    with pytest.raises(ValueError, match="the paper's 0 dB"):
        Settings(snrs=(10.0,))


# --- rows -------------------------------------------------------------------------------------


def test_noise_rows_say_what_the_engine_says(small: L2I, clips: tuple[Clip, ...]) -> None:
    rows = experiments.noise_rows(small, clips, (3, 0.0, 20.0), SHORT)
    assert [(row["snr_asked"], row["threshold"]) for row in rows] == [
        (0.0, 0.3),
        (0.0, 0.1),
        (20.0, 0.3),
        (20.0, 0.1),
    ]
    clean = load_clip(clips[3], small.audio)
    said = small.analyse(clean, 8000).predicted
    mixture = mix(clean, coloured_noise("white", len(clean), 3, 8000), 20.0)
    analysis = small.analyse(mixture.mixed, 8000)
    made = small.interpret(analysis, said, 0.1)
    passed = gather(small, analysis, mixture.sounds).into(made)
    row = rows[3]
    assert row["class"] == small.classes[said]
    assert row["snr_db"] == pytest.approx(20.0, abs=0.05)
    assert row["components"] == len(made.selected) > 0
    assert row["followed_passed"] == pytest.approx(passed.target.share)
    assert row["rest_passed"] == pytest.approx(passed.rest.share)
    for name, stem in (("followed", mixture.followed), ("rest", mixture.rest)):
        by_hand = np.corrcoef(made.audio.numpy().astype(float), stem.astype(float))[0, 1]
        assert row[f"{name}_correlation"] == pytest.approx(by_hand, abs=1e-6)
    assert row["si_sdr_gain"] == pytest.approx(
        metrics.si_sdr(made.audio.numpy(), mixture.followed)
        - metrics.si_sdr(mixture.mixed, mixture.followed)
    )
    assert row["place"] == noise_lab.place(analysis.interpreter_logits, said)
    assert row["place_of_decision"] == noise_lab.place(
        analysis.interpreter_logits, analysis.predicted
    )


def test_rows_depend_on_seed_and_step_alone(small: L2I, clips: tuple[Clip, ...]) -> None:
    for name, step in (("noise", (2, 0.0)), ("overlap", (1, 2, 9))):
        measure = STUDIES[name].measure
        rows = measure(small, clips, step, SHORT)
        assert same(measure(small, clips, step, SHORT), rows)
        assert not same(measure(small, clips, step, replace(SHORT, seed=1)), rows)


def test_a_pair_is_explained_for_either_class(small: L2I, clips: tuple[Clip, ...]) -> None:
    step = experiments.overlap_plan(clips, SHORT)[0]
    first, second = (clips[index] for index in step[1:])
    rows = experiments.overlap_rows(small, clips, step, SHORT)
    assert len(rows) == 2 * 2 * 2, "levels, sides, τ"
    assert [(row["clip"], row["snr_asked"]) for row in rows[::2]] == [
        (first.name, 0.0),
        (second.name, 0.0),
        (first.name, -5.0),
        (second.name, 5.0),
    ]
    assert not math.copysign(1, rows[2]["snr_asked"]) < 0, "never −0"
    for row in rows:
        assert row["snr_db"] == pytest.approx(row["snr_asked"], abs=0.05)
    mixture = mix(*(load_clip(c, small.audio) for c in (first, second)), -5.0).swapped()
    analysis = small.analyse(mixture.mixed, 8000)
    made = small.interpret(analysis, second.label, 0.1)
    passed = gather(small, analysis, mixture.sounds).into(made)
    row = rows[7]
    assert (row["class"], row["other"], row["threshold"]) == (second.label, first.name, 0.1)
    assert row["followed_passed"] == pytest.approx(passed.target.share, rel=1e-4)
    assert row["rest_correlation"] == pytest.approx(passed.rest.correlation, abs=1e-5)
    assert row["f_place"] == noise_lab.place(analysis.logits, small.classes.index(second.label))
    assert row["more"] == int(passed.target.share > passed.rest.share)


def test_random_carries_as_much_energy_or_all_the_rest(small: L2I, clips: tuple[Clip, ...]) -> None:
    for step in experiments.overlap_plan(clips, SHORT):
        for row in experiments.overlap_rows(small, clips, step, SHORT):
            everything = 1.0 - row["log_energy"]
            least = min(row["log_energy"], everything - 0.02)  # bins where W H is zero
            assert row["random_log_energy"] >= least - 1e-5
            assert 0 <= row["random_more"] <= 1


def test_a_bad_clip_is_one_row_that_says_so(
    small: L2I, clips: tuple[Clip, ...], tmp_path: Path, write_clip
) -> None:
    mute = write_clip("mute.wav", np.zeros(8000, np.float32), 8000)
    bad = [
        replace(clips[0], path=tmp_path / "gone.wav"),
        Clip("mute", "rain", 1, "m", mute),
        clips[1],
    ]
    for step, reason in (((0, 0.0, 20.0), "gone.wav"), ((1, 0.0), "silent")):
        (row,) = experiments.noise_rows(small, bad, step, SHORT)
        assert reason in row["error"]
        assert row["index"] == step[0]
    for step, reason in (((0, 0, 2), "gone.wav"), ((1, 2, 1), "other clip is silent")):
        (row,) = experiments.overlap_rows(small, bad, step, SHORT)
        assert reason in row["error"]
    with pytest.raises(ValueError, match="no clip of the test set could be measured.*silent"):
        experiments.summarise_overlap([row])


# --- figures ----------------------------------------------------------------------------------


def test_noise_figures_by_hand() -> None:
    made = experiments.summarise_noise([*noise_rows(), {"index": 7, "error": "gone."}])
    assert made["left_out"] == 1
    whole = made["test_set"]
    assert whole["n"] == 3
    assert whole["top5"] == pytest.approx(2 / 3)
    assert whole["top1"] == whole["decision"] == pytest.approx(1 / 3)
    assert whole["accuracy"] == pytest.approx(2 / 3)
    assert (whole["clean_top5"], whole["noisy_top5"]) == (1.0, 0.0)
    figures = whole["thresholds"]["0.3"]
    assert (figures["empty"], figures["components"]) == (1, pytest.approx(8 / 3))
    assert figures["followed_passed"] == {"median": 0.2, "q25": 0.1, "q75": pytest.approx(0.3)}
    assert figures["followed_correlation"]["median"] == 0.5, "over the two that are not silent"
    assert list(made["levels"]) == ["-10", "0"]
    assert made["levels"]["0"]["n"] == 2, "the curve is about the same clips at every SNR"
    assert made["levels"]["0"]["top5"] == 1.0
    json.dumps(made, allow_nan=False)
    with pytest.raises(ValueError, match="no clip of the test set could be measured"):
        experiments.summarise_noise([])


def test_an_explainer_without_an_order_of_classes_is_counted_in_none() -> None:
    places = dict.fromkeys(("place", "place_clean", "place_of_decision"))
    table = experiments.noise_table([{**row, **places} for row in noise_rows()])
    assert [table[k] for k in ("top5", "top1", "clean_top5", "noisy_top5")] == [None] * 4
    assert table["decision"] == pytest.approx(2 / 5)


def test_overlap_figures_by_hand() -> None:
    rows = overlap_rows()
    made = experiments.summarise_overlap([*rows, {"pair": 2, "error": "gone."}])
    assert (made["n"], made["left_out"]) == (2, 1)
    groups = made["levels"]["0"]["0.3"]
    assert {name: group["n"] for name, group in groups.items()} == {"all": 3, "top2": 2, "top1": 1}
    every = groups["all"]
    assert every["more"] == pytest.approx(2 / 3)
    assert every["followed_passed"]["median"] == 0.5
    assert every["random"]["followed_passed"]["median"] == 0.2
    assert every["random"]["followed_correlation"]["median"] == 0.2
    assert every["random"]["more"] == 0.5
    assert every["random"]["matched"] == pytest.approx(2 / 3)
    test = every["test"]
    assert (test["n"], test["greater"]) == (2, 2)
    assert test["median_difference"] == pytest.approx((0.4 + 0.2) / 2)
    assert experiments.summarise_overlap(rows[2:])["levels"]["0"]["0.3"]["all"]["test"] is None
    json.dumps(made, allow_nan=False)


# --- the command ------------------------------------------------------------------------------


def test_files_hold_rows_figures_and_what_made_them(done: Path) -> None:
    bundle = load_bundle(done)
    for name, steps in (("noise", "index"), ("overlap", "pair")):
        blocks = bundle.experiment(name)
        assert blocks is not None
        assert list(blocks) == ["att", "max"]
        for interpreter, block in blocks.items():
            rows = read_table(done / "metrics" / f"{name}-rows-{interpreter}.csv", NAMES)
            assert len({row[steps] for row in rows}) == 2
            about = block.pop("about")
            assert about["command"] == f"python -m pipelines.experiments --bundle {done} --limit 2"
            assert about["seed"] == 0
            assert about["thresholds"] == [0.3, 0.1]
            assert about["data"] == "synthesised, fold 1"
            assert about["limit"] == 2
            assert len(about["date"]) == 10
            assert ("pairs" in about) == (name == "overlap")
            made = json.loads(json.dumps(STUDIES[name].summarise(rows)))
            assert made.keys() == block.keys()
            assert made["left_out"] == block["left_out"] == 0


def test_killed_run_goes_on_with_the_next_step(
    tested_folder: Path, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, calls = Path(shutil.copytree(tested_folder, tmp_path / "small")), [0]
    argv = ["--bundle", str(out), "--limit", "2"]

    def counting(name: str, dies_at: int) -> Study[Settings]:
        def measure(*arguments: object) -> list[Row]:
            calls[0] += 1
            if calls[0] == dies_at:
                raise Killed
            return original[name].measure(*arguments)  # type: ignore[arg-type]

        return replace(original[name], measure=measure)

    original = dict(STUDIES)
    for name in original:
        monkeypatch.setitem(STUDIES, name, counting(name, 6))
    with pytest.raises(Killed):
        command.main(argv)
    assert (out / "metrics" / "noise.json").is_file(), "four clips of noise, then one of two pairs"
    assert not (out / "metrics" / "overlap.json").exists()
    assert command.main(argv) == 0
    assert calls == [6 + 3], "five of eight steps were there"
    for path in sorted((done / "metrics").iterdir()):
        made = (out / "metrics" / path.name).read_text()
        if path.suffix == ".json":
            assert _without_about(made) == _without_about(path.read_text())
        else:
            assert made == path.read_text()
    assert command.main(argv) == 0
    assert calls == [9], "a finished run has nothing left to do"
    assert command.main([*argv[:3], "3", "--only", "noise", "--interpreter", "max"]) == 0
    assert calls == [10], "a longer run begins with what a shorter one left"
    assert command.main([*argv, "--only", "noise", "--interpreter", "max", "--seed", "1"]) == 0
    assert calls == [12], "another seed is another run"


def _without_about(text: str) -> dict[str, Row]:
    return {
        name: {k: v for k, v in block.items() if k != "about"}
        for name, block in json.loads(text).items()
    }


def test_blocks_of_other_interpreters_stay(done: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(done, tmp_path / "small"))
    before = load_bundle(out).experiment("noise")
    argv = ["--bundle", str(out), "--only", "noise", "--interpreter", "max", "--limit", "1"]
    assert command.main([*argv, "--all-levels"]) == 0
    after = load_bundle(out).experiment("noise")
    assert before is not None
    assert after is not None
    assert after["att"] == before["att"]
    assert after["max"]["test_set"]["n"] == 1
    assert after["max"]["about"]["swept"] is None
    with (out / "metrics" / "noise-rows-max.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 5 * 2


def test_a_clip_that_fails_is_tried_again(
    tested_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(tested_folder, tmp_path / "small"))
    argv = ["--bundle", str(out), "--only", "noise", "--interpreter", "att", "--limit", "2"]
    original, failed = STUDIES["noise"], []

    def once(engine: L2I, clips: tuple[Clip, ...], step: Step, s: Settings) -> list[Row]:
        if failed:
            return original.measure(engine, clips, step, s)
        failed.append(step)
        return [{"index": step[0], "error": "the disk is away."}]

    monkeypatch.setitem(STUDIES, "noise", replace(original, measure=once))
    left_out = []
    for _ in range(2):
        assert command.main(argv) == 0
        blocks = load_bundle(out).experiment("noise")
        assert blocks is not None
        left_out.append(blocks["att"]["left_out"])
    assert left_out == [1, 0]


def test_bad_requests_are_one_sentence(
    tested_folder: Path, bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tested_folder.rglob("*"))
    broken = Path(shutil.copytree(tested_folder, tmp_path / "broken"))
    (broken / "metrics").mkdir()
    (broken / "metrics" / "noise.json").write_text("{")
    one = ["--limit", "1", "--interpreter", "att"]
    for argv, sentence in (
        (["--bundle", str(tested_folder), "--interpreter", "nmf"], "no interpreter 'nmf'"),
        (
            ["--bundle", str(tested_folder), "--limit", "0"],
            "--limit: must be at least 1, received 0",
        ),
        (["--bundle", str(tested_folder), "--limit", "few"], "--limit"),
        (["--bundle", str(tested_folder), "--pairs", "0"], "pairs must be at least 1"),
        (["--bundle", str(tested_folder), "--only", "echo"], "--only"),
        (["--bundle", str(bundle_folder)], "does not record its test set"),
        (["--bundle", str(broken), *one], "noise.json is damaged"),
        (["--bundle", "nowhere"], "no bundle 'nowhere'"),
    ):
        assert main_guard(lambda a=argv: command.main(a)) == 2  # type: ignore[misc]
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("error: ")
        assert sentence in error
    assert sorted(tested_folder.rglob("*")) == before
