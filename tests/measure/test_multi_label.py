"""Multi-label models: the tiny chain on clips in SONYC-UST's format, and its parts by hand."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from sklearn.metrics import average_precision_score, f1_score

from l2i_core import L2I
from l2i_core.__main__ import main as l2i
from l2i_core.data import synth
from l2i_core.data.clips import Clip, classes_of
from l2i_core.data.sets import open_data_set
from l2i_core.dictionary.nmf import sparse_nmf
from l2i_core.explainers import losses
from l2i_core.measure import metrics
from l2i_core.measure.contamination import other_clip
from l2i_core.measure.evaluation import Settings, evaluate
from l2i_core.measure.records import Case, ClipRow, LevelRow, read
from l2i_core.measure.summary import answers, refresh_summary
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES
from pipelines import features, learn_dictionary, train_classifier, train_interpreter
from pipelines.config import Config, load_config
from pipelines.evaluate import run as evaluate_run
from pipelines.train_baselines import main as train_baselines

TINY = Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml"
RATE = 8000
KINDS: tuple[tuple[str, ...], ...] = (("dog",), ("siren",), ("dog", "siren"), ())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen clips of 4.5 s: dog, siren, both or wind alone; twelve train, four test."""
    root = tmp_path_factory.mktemp("sonyc")
    (root / "audio").mkdir()
    with (root / "annotations.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        header = ("split", "audio_filename", "annotator_id")
        writer.writerow([*header, "1_dog_presence", "2_alert-signal_presence"])
        for seed in range(16):
            held = KINDS[seed % 4]
            scene = synth.scene((*held, "wind"), seed, None, RATE, 4.5)
            name = f"clip-{seed:02d}.wav"
            soundfile.write(root / "audio" / name, scene.mixture, RATE)
            split, who = ("train", 1) if seed < 12 else ("test", 0)
            writer.writerow([split, name, who, int("dog" in held), int("siren" in held)])
    return root


@pytest.fixture(scope="module")
def config(folder: Path) -> Config:
    return load_config(
        TINY,
        [
            "name=tiny-scenes",
            "data.kind=sonyc",
            f"data.root={folder}",
            "data.train_folds=[1]",
            "data.test_folds=[3]",
            "data.seconds=4.5",
            "classifier.epochs=30",
            "classifier.batch_size=6",
            "classifier.mixup=0",
            "classifier.halve_every=20",
            "classifier.positive_weights=[1.0, 1.5]",
            "dictionary.components=8",
            "dictionary.by_class=true",
            "dictionary.noise_components=2",
            "interpreters.att.batch_size=4",
            "interpreters.att-loop.batch_size=4",
            "interpreters.max.epochs=1",
        ],
    )


@pytest.fixture(scope="module")
def trained(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, trained by the commands and evaluated."""
    out = tmp_path_factory.mktemp("runs") / "tiny-scenes"
    path = out.parent / "tiny-scenes.yaml"
    path.write_text(yaml.safe_dump(config.to_dict()))
    argv = ["--config", str(path), "--out", str(out)]
    for main in (
        train_classifier.main,
        learn_dictionary.main,
        train_interpreter.main,
        train_baselines,
    ):
        assert main(argv) == 0
    evaluate_run(config, out)
    return out


@pytest.mark.timeout(600)
def test_chain_makes_a_multi_label_bundle(trained: Path) -> None:
    engine = L2I.from_bundle(trained)
    assert engine.bundle.multi_label
    assert engine.classes == ["dog", "alert_signal"]
    assert engine.dictionary.groups == ("dog",) * 4 + ("alert_signal",) * 4
    summary = json.loads((trained / "metrics" / "summary.json").read_text())
    baselines = json.loads((trained / "metrics" / "baselines.json").read_text())
    for block in (*summary.values(), *baselines.values()):
        assert block["accuracy"] is None
        assert block["n"] == 4
        assert 0 < block["truth"]["macro_auprc"] <= 1
        assert set(block["fidelity"]) >= {"macro_auprc", "micro_auprc", "max_f1"}


@pytest.mark.timeout(600)
def test_every_class_above_half_has_its_rows(trained: Path) -> None:
    clips = read(trained / "metrics" / "clips-att.csv", ClipRow)
    levels = read(trained / "metrics" / "levels-att.csv", LevelRow)
    active = {
        (row.clip, name)
        for row in clips
        for name in ("dog", "alert_signal")
        if row.logits[name] > 0
    }
    assert active, "f decides for something"
    assert {(r.clip, r.class_) for r in levels} == active
    assert [classes_of(r.label) for r in clips] == [
        ("dog",), ("alert_signal",), ("dog", "alert_signal"), (),
    ]  # fmt: skip
    for row in levels:  # FF is a drop of probability
        assert -1 <= row.faithfulness <= row.probability + 1e-6


@pytest.mark.timeout(600)
def test_summary_is_made_again_from_the_rows(trained: Path) -> None:
    path = trained / "metrics" / "summary.json"
    before = json.loads(path.read_text())
    refresh_summary(path.parent, ("dog", "alert_signal"), SEVERAL_CLASSES)
    after = json.loads(path.read_text())
    for name, block in before.items():
        assert after[name]["fidelity"] == pytest.approx(block["fidelity"], abs=1e-5)
        for t, level in block["faithfulness"].items():
            assert after[name]["faithfulness"][t] == pytest.approx(level, abs=1e-5)


@pytest.mark.timeout(600)
def test_command_line_reports_probabilities(
    trained: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = folder / "audio" / "clip-14.wav"
    argv = ["interpret", str(clip), "--bundle", str(trained), "--target", "dog", "--json"]
    assert l2i(argv) == 0
    report = json.loads(capsys.readouterr().out)
    p = [1 / (1 + math.exp(-v)) for v in report["logits"]]
    assert report["probabilities"] == pytest.approx(p, abs=1e-6)
    assert set(report["predicted_classes"]) == {
        name for name, value in zip(report["classes"], p, strict=True) if value > 0.5
    }
    without = 1 / (1 + math.exp(-report["logits_without"][0]))
    assert report["faithfulness"] == pytest.approx(p[0] - without, abs=1e-5)


@pytest.mark.timeout(600)
def test_random_and_span_are_drops_of_probability(trained: Path, folder: Path) -> None:
    engine = L2I.from_bundle(trained, "att")
    sound, rate = soundfile.read(folder / "audio" / "clip-14.wav", dtype="float32")
    a = engine.analyse(sound, rate)
    silent = torch.sigmoid(engine.hearing.silence())
    assert engine.span(a, "dog") == pytest.approx(float(torch.sigmoid(a.logits)[0] - silent[0]))
    swept = engine.sweep(a, "dog", (0.1, 0.5))
    for t, drop in zip((0.1, 0.5), swept.faithfulness.tolist(), strict=True):
        verdict = engine.judge(a, engine.interpret(a, "dog", t))
        assert drop == pytest.approx(verdict.faithfulness, abs=1e-4)


@pytest.mark.timeout(600)
def test_equal_logits_are_no_drop(trained: Path, folder: Path) -> None:
    """σ rounds one number differently in tensors of different shapes: FF of nothing is 0 still."""
    engine = L2I.from_bundle(trained, "att")
    sound, rate = soundfile.read(folder / "audio" / "clip-14.wav", dtype="float32")
    a = engine.analyse(sound, rate)
    for count in (1, 2, 7):
        left = engine.logits_without(a, [[]] * count)
        assert torch.equal(left, a.logits.expand(count, -1))
        for c in range(len(engine.classes)):
            assert engine.drop(a, left, c).tolist() == [0.0] * count
    both = engine.logits_without(a, [[], [0, 1, 2]])
    fell = engine.drop(a, both, 0)
    p = torch.sigmoid(torch.stack([a.logits[0], both[1, 0]]))
    assert fell.tolist() == pytest.approx([0.0, float(p[0] - p[1])], abs=1e-6)


@pytest.mark.timeout(600)
def test_what_vibi_keeps_is_judged_for_every_class_that_f_hears(trained: Path) -> None:
    clips = read(trained / "metrics" / "clips-vibi.csv", ClipRow)
    cases = read(trained / "metrics" / "cases-vibi.csv", Case)
    heard = [
        (row.clip, name)
        for row in clips
        for name in ("dog", "alert_signal")
        if row.logits[name] > 0
    ]
    assert sorted((r.clip, r.class_) for r in cases) == sorted(heard)
    block = json.loads((trained / "metrics" / "baselines.json").read_text())["vibi"]
    assert block["fid_in"] == pytest.approx(np.mean([r.same_class for r in cases]))
    assert not (trained / "metrics" / "cases-flint.csv").exists(), "nothing of it can be played"


@pytest.mark.timeout(600)
def test_classes_to_leave_out_are_known_ones(trained: Path, folder: Path) -> None:
    clips = open_data_set("sonyc", folder).in_folds([3])
    settings = Settings((0.3,), (), 1, without_classes=("music",))
    with pytest.raises(ValueError, match="unknown class 'music'"):
        evaluate(L2I.from_bundle(trained).bundle, "att", clips, settings)


@pytest.mark.timeout(600)
def test_info_says_how_well_f_and_its_interpreters_find_classes(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert l2i(["info", "--bundle", str(trained)]) == 0
    told = capsys.readouterr().out
    assert "f's macro-AUPRC " in told
    assert "macro-AUPRC of f's decisions att " in told


def test_a_contaminating_clip_shares_no_class() -> None:
    labels = [("dog",), ("dog", "siren"), ("siren",), (), ()]
    clips = [Clip(str(i), "", 1, str(i), labels=held) for i, held in enumerate(labels)]
    drawn = {i: {other_clip(clips, i, seed).name for seed in range(40)} for i in range(5)}
    assert drawn == {
        0: {"2", "3", "4"},
        1: {"3", "4"},
        2: {"0", "3", "4"},
        3: {"0", "1", "2"},
        4: {"0", "1", "2"},
    }


@pytest.mark.timeout(600)
def test_w_noise_stays_bit_for_bit_and_is_left_out(trained: Path, config: Config) -> None:
    parts, _ = learn_dictionary.read_tensors(
        trained / "checkpoints" / "dictionary.safetensors",
        json.dumps(train_classifier.run_recipe(config, "dictionary"), sort_keys=True),
    )
    noise, together = parts["part-0"], torch.cat([parts["part-1"], parts["part-2"]], dim=1)
    assert noise.shape[1] == 2
    assert torch.equal(parts["w"], together)
    _, clips = train_classifier.training_clips(config)
    dogs = [clip for clip in clips if "dog" in clip.held]
    matrix = learn_dictionary.training_matrix(config, dogs)
    result = sparse_nmf(matrix, 4, 0.2, 40, seed=0, fixed=noise)
    assert torch.equal(result.patterns[:, :2], noise)


def test_dictionary_by_class_asks_for_what_it_needs(config: Config, tmp_path: Path) -> None:
    uneven = replace(config, dictionary=replace(config.dictionary, components=7))
    with pytest.raises(ValueError, match="multiple of the 2 classes"):
        learn_dictionary.groups(uneven, ("dog", "alert_signal"))
    with pytest.raises(ValueError, match=r"noise_components needs dictionary\.by_class"):
        load_config(TINY, ["dictionary.noise_components=2"])


def test_positive_weights_are_one_per_class(config: Config) -> None:
    data = open_data_set("sonyc", config.data.root)
    wrong = replace(config.classifier, positive_weights=(1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="a number for each of the 2 classes"):
        train_classifier._positive_weights(wrong, data)
    with pytest.raises(ValueError, match="received 2 for one"):
        train_classifier._positive_weights(
            replace(config.classifier, positive_weights=(1.0, 2.0)),
            replace(data, name="one", multi_label=False),
        )


def test_targets_are_the_held_classes(config: Config) -> None:
    data = open_data_set("sonyc", config.data.root)
    wanted = features.targets(data.in_folds([1]), data.classes)
    assert wanted[:4].tolist() == [[1, 0], [0, 1], [1, 1], [0, 0]]


def test_loop_explains_one_of_the_decided_classes() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([[-3.0, -1.0, -2.0], [4.0, -1.0, 3.0]]).repeat_interleave(200, 0)
    chosen = train_interpreter._targets(logits, SEVERAL_CLASSES)
    assert set(chosen[:200].tolist()) == {1}, "of none the most probable"
    assert set(chosen[200:].tolist()) == {0, 2}
    assert train_interpreter._targets(logits, ONE_CLASS).tolist() == [1] * 200 + [0] * 200


def test_loop_terms_by_hand() -> None:
    x = torch.rand(2, 257, 8) + 0.1
    given = torch.tensor([[2.0, 0.0], [1.0, -1.0], [-1.0, 0.5], [0.0, 3.0]])
    keep, remove, _ = losses.decision_in_the_loop(
        lambda _: given,
        x,
        torch.rand(257, 3),
        torch.rand(2, 3, 8),
        torch.rand(2, 3),
        torch.tensor([0, 1]),
        torch.tensor([0.3, 0.3]),
        task=SEVERAL_CLASSES,
    )
    p = [1 / (1 + math.exp(-v)) for v in (2.0, -1.0, -1.0, 3.0)]
    assert float(keep) == pytest.approx(-(math.log(p[0]) + math.log(p[1])) / 2, abs=1e-6)
    assert float(remove) == pytest.approx(-(math.log(1 - p[2]) + math.log(1 - p[3])) / 2, abs=1e-6)


def test_detection_equals_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random((40, 3)) < 0.3
    truth[:, 2] = False  # a class that is nowhere counts in micro alone
    scores = generator.random((40, 3)) + truth * 0.5
    found = metrics.detection(scores, truth)
    each = [average_precision_score(truth[:, c], scores[:, c]) for c in (0, 1)]
    assert found.macro_auprc == pytest.approx(np.mean(each))
    micro = average_precision_score(truth, scores, average="micro")
    assert found.micro_auprc == pytest.approx(micro)
    best = max(f1_score(truth.ravel(), scores.ravel() >= t) for t in np.unique(scores))
    assert found.max_f1 == pytest.approx(best)
    with pytest.raises(ValueError, match="no class is present"):
        metrics.detection(scores, np.zeros_like(truth))
    with pytest.raises(ValueError, match="the truth"):
        metrics.detection(scores, truth[:3])


def test_answers_of_clips_without_labels_have_no_truth() -> None:
    row = ClipRow(
        clip="c",
        label="",
        fold=1,
        predicted="a",
        logits={"a": 2.0, "b": -1.0},
        interpreter_logits={"a": 1.0, "b": -3.0},
    )
    block = answers([row], ("a", "b"), SEVERAL_CLASSES)
    assert block["truth"] == dict.fromkeys(("macro_auprc", "micro_auprc", "max_f1"))
    assert block["fidelity"]["macro_auprc"] == 1.0


@pytest.mark.timeout(600)
def test_classes_can_be_left_out_and_nothing_found_is_said(trained: Path, folder: Path) -> None:
    engine = L2I.from_bundle(trained, "att")
    clips = open_data_set("sonyc", folder).in_folds([3])
    settings = Settings((0.3,), (), 1, without_classes=("dog",))
    made = evaluate(engine.bundle, "att", clips, settings)
    assert {row.class_ for row in made.levels} == {"alert_signal"}
    nothing = Settings((0.3,), (), 1, without_classes=("dog", "alert_signal"))
    with pytest.raises(ValueError, match="f finds no class in any of the 4 clips"):
        evaluate(engine.bundle, "att", clips, nothing)


def test_written_labels_are_read_back() -> None:
    one = Clip("a", "dog", 1, "a")
    several = Clip("b", "", 1, "b", labels=("dog", "birds"))
    none, unknown = Clip("c", "", 1, "c", labels=()), Clip("d", "", 1, "d")
    assert [c.written for c in (one, several, none, unknown)] == [
        "dog", "dog+birds", "(none)", "",
    ]  # fmt: skip
    assert [classes_of(c.written) for c in (one, several, none, unknown)] == [
        ("dog",), ("dog", "birds"), (), (),
    ]  # fmt: skip
    assert [c.held for c in (one, several, none, unknown)] == [
        ("dog",), ("dog", "birds"), (), (),
    ]  # fmt: skip
