"""Tables from per-clip rows: hand-computed cases and laws."""

import math
from dataclasses import replace

import numpy as np
import pytest
from measured import CLASSES as MANY
from measured import scenes
from scipy import stats

from l2i_core import load_bundle
from l2i_core.measure import metrics, tables
from l2i_core.measure.records import ClipRow, LevelRow, read
from l2i_core.measure.summary import summarise
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES

CLASSES = ("dog", "rain", "rooster")


def clip(
    name: str, label: str, f: tuple[float, ...], theirs: tuple[float, ...], span: float
) -> ClipRow:
    return ClipRow(
        clip=name,
        label=label,
        fold=1,
        predicted=CLASSES[int(np.argmax(f))],
        interpreter_predicted=CLASSES[int(np.argmax(theirs))],
        probability=0.9,
        span=span,
        reconstruction_error=0.5,
        logits=dict(zip(CLASSES, f, strict=True)),
        interpreter_logits=dict(zip(CLASSES, theirs, strict=True)),
    )


def level(name: str, ff: float, energy: float | None, removed: float = 0.2) -> LevelRow:
    return LevelRow(
        clip=name,
        threshold=0.3,
        components=3,
        faithfulness=ff,
        probability_interpretation=0.5,
        same_class=1,
        energy_kept=0.1,
        log_energy_removed=0.2,
        random=None if energy is None else 0.0,
        random_energy=energy,
        random_energy_log_energy=None if energy is None else removed,
    )


CLIPS = [
    clip("a", "dog", (3, 1, 0), (2, 1, 0), 4.0),
    clip("b", "rain", (3, 1, 0), (0, 2, 1), 2.0),  # f wrong; f's class is the interpreter's last
    clip("c", "rain", (0, 3, 1), (0, 1, 2), 0.0),  # the interpreter's second
]
LEVELS = [level("a", 2.0, 0.5), level("b", 1.0, 1.5, removed=0.1), level("c", -1.0, 0.0)]


def test_rows_at_a_threshold_in_both_scales() -> None:
    plain = tables.at_threshold(CLIPS, LEVELS, 0.3)
    assert [r.faithfulness for r in plain] == [2.0, 1.0, -1.0]
    assert [r.energy_matched for r in plain] == [1, 0, 1]
    share = tables.at_threshold(CLIPS, LEVELS, 0.3, "share")
    assert [r.faithfulness for r in share[:2]] == [0.5, 0.5]
    assert [r.random_energy for r in share[:2]] == [0.125, 0.75]
    assert math.isnan(share[2].faithfulness), "nothing to lose"


def test_rows_where_no_random_was_drawn() -> None:
    rows = tables.at_threshold(CLIPS, [level(c, 1.0, None) for c in "abc"], 0.3)
    assert all(r.random is r.random_energy is r.energy_matched is None for r in rows)
    assert tables.compare(rows, rows, "random_energy") is None
    assert tables.faithfulness_by_class(rows, CLASSES)[0]["above_energy"] is None
    assert tables.thresholds_with_random(LEVELS) == (0.3,)
    assert tables.thresholds_with_random([level("a", 1.0, None)]) == ()


@pytest.mark.parametrize(
    ("levels", "scale", "expected"),
    [(LEVELS[:2], "logits", "not every clip"), (LEVELS, "decibels", "unknown scale")],
)
def test_bad_rows(levels: list[LevelRow], scale: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        tables.at_threshold(CLIPS, levels, 0.3, scale)


def test_nearest_threshold() -> None:
    assert tables.nearest((0.1, 0.3, 0.35), 0.32) == 0.3
    assert tables.nearest((0.1, 0.3, 0.35), 0.33) == 0.35
    with pytest.raises(ValueError):
        tables.nearest((), 0.3)


def test_classes_are_fs_decisions() -> None:
    rows = tables.at_threshold(CLIPS, LEVELS, 0.3)
    dog, rain = tables.faithfulness_by_class(rows, CLASSES)  # nothing is called a rooster
    columns = ("class", "n", "positive_fraction", "above_energy")
    assert [dog[c] for c in columns] == ["dog", 2, 1.0, 1]
    assert dog["own"] == {
        "low": 1.0, "q25": 1.25, "median": 1.5, "q75": 1.75, "high": 2.0, "n": 2,
    }  # fmt: skip
    assert [rain[c] for c in columns[:3]] == ["rain", 1, 0.0]
    share = tables.faithfulness_by_class(tables.at_threshold(CLIPS, LEVELS, 0.3, "share"), CLASSES)
    assert set(share[1]["own"].values()) == {None, 0}
    assert share[1]["n"] == 1


def test_figures_by_class_are_medians_in_both_scales() -> None:
    found = tables.class_figures(CLIPS, LEVELS, 0.3)
    assert list(found) == ["dog", "rain"]
    assert found["dog"] == {
        "n": 2,
        "median": 1.5,
        "relative_median": 0.5,
        "positive_fraction": 1.0,
        "random": 0.0,
        "random_energy": 1.0,
        "random_energy_relative": (0.125 + 0.75) / 2,
    }
    assert found["rain"]["relative_median"] is None, "nothing to lose"
    undrawn = tables.class_figures(CLIPS, [level(c, 1.0, None) for c in "abc"], 0.3)["dog"]
    assert undrawn["random"] is undrawn["random_energy"] is None
    assert tables.class_figures(CLIPS, LEVELS, 0.35) == {}
    pairs = [replace(r, class_="dog") for r in LEVELS]
    assert tables.class_figures(CLIPS, pairs, 0.3) == {}


def test_ranks_confusion_and_fidelity_by_class() -> None:
    assert tables.ranks(CLIPS, CLASSES).tolist() == [1, 3, 2]
    assert tables.confusion(CLIPS, CLASSES).tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    dog, rain, rooster = tables.fidelity_by_class(CLIPS, CLASSES)
    columns = ("n by f", "top-1", "top-3", "top-5", "n labelled", "f right", "f's accuracy")
    assert [dog[c] for c in columns] == [2, 1 / 2, 1, 1, 1, 1, 1]
    assert [rain[c] for c in columns] == [1, 0, 1, 1, 2, 1, 1 / 2]
    assert [rooster[c] for c in columns] == [0, None, None, None, 0, 0, None]
    with pytest.raises(ValueError, match="lack the column 'logit:cat'"):
        tables.ranks(CLIPS, ("cat",))


def test_tables_of_the_shipped_model_agree_with_its_summary() -> None:
    bundle = load_bundle("esc10")
    assert bundle.folder is not None
    for name, block in (bundle.summary() or {}).items():
        clips = read(bundle.folder / "metrics" / f"clips-{name}.csv", ClipRow)
        levels = read(bundle.folder / "metrics" / f"levels-{name}.csv", LevelRow)
        places = tables.ranks(clips, bundle.classes)
        by_class = tables.fidelity_by_class(clips, bundle.classes)
        for k in tables.TOPS:
            assert float((places <= k).mean()) == pytest.approx(block["fidelity"][f"top{k}"])
            total = sum(c[f"top-{k}"] * c["n by f"] for c in by_class if c["n by f"]) / len(clips)
            assert total == pytest.approx(block["fidelity"][f"top{k}"])
        assert sum(c["f right"] for c in by_class) / len(clips) == pytest.approx(block["accuracy"])
        counts = tables.confusion(clips, bundle.classes)
        assert counts.sum() == len(clips)
        assert np.trace(counts) == (places == 1).sum()
        for scale, table, key in (
            ("logits", "faithfulness", "median"),
            ("share", "relative_faithfulness", "median"),
        ):
            t = tables.nearest(tables.thresholds_with_random(levels), 0.3)
            rows = tables.at_threshold(clips, levels, t, scale)
            spread = tables.spread(rows, "faithfulness")
            assert spread["median"] == pytest.approx(block[table][f"{t:g}"][key], rel=1e-4)
        at = [r for r in levels if r.threshold == t]
        again = summarise(clips, at, bundle.classes)["random_energy"][f"{t:g}"]["relative_median"]
        random = tables.spread(rows, "random_energy")
        assert random["median"] == pytest.approx(again)


def test_paired_test_is_wilcoxons() -> None:
    # Six positive differences without ties: the exact two-sided p is 2 / 2^6.
    test = metrics.paired_test([1, 2, 3, 4, 5, 6], np.zeros(6))
    assert (test.n, test.greater, test.median_difference) == (6, 6, 3.5)
    assert test.p == pytest.approx(2 / 64)
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.4, 1, 40), rng.normal(0, 1, 40)
    assert metrics.paired_test(a, b).p == pytest.approx(stats.wilcoxon(a, b).pvalue)
    assert metrics.paired_test(b, a).p == pytest.approx(metrics.paired_test(a, b).p)
    same = metrics.paired_test(a, a)
    assert (same.p, same.greater) == (1.0, 0)
    with pytest.raises(ValueError, match="pairs"):
        metrics.paired_test([1.0], [1.0, 2.0])


def test_drops_that_only_rounding_tells_apart_are_ties() -> None:
    """Nothing selected has FF 0 by definition; Random of silent components −2e-5 by rounding."""
    drops = [0.0, 0.0, 1.0, 2.0]
    chance = [-2e-5, 0.9 * ONE_CLASS.resolution, 0.5, 2.0 - 1.1 * ONE_CLASS.resolution]
    test = metrics.paired_test(drops, chance)
    assert (test.n, test.greater) == (4, 2)
    assert metrics.paired_test(drops[:2], chance[:2]) == metrics.PairedTest(2, 0, 0.0, 1.0)
    assert metrics.paired_test(drops, chance, 0.0).greater == 3


def test_ties_are_the_same_on_both_scales() -> None:
    """The resolution is one of f's logits: a clip that has little to lose gets no coarser one."""
    levels = [level("a", 0.0, -2e-5), level("b", 1.0, 0.5), level("c", 0.0, 0.0)]
    for scale in tables.scales(ONE_CLASS):
        rows = tables.at_threshold(CLIPS, levels, 0.3, scale)
        test = tables.compare(rows, rows, "random_energy")
        assert test is not None
        assert test.greater == 1
        assert sum(c["above_energy"] or 0 for c in tables.faithfulness_by_class(rows, CLASSES)) == 1
    assert rows[0].resolution == ONE_CLASS.resolution / 4.0


def test_wilson_interval() -> None:
    low, high = metrics.wilson_interval(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-3), pytest.approx(0.9433, abs=1e-3))
    assert metrics.wilson_interval(0, 5)[0] == 0.0
    assert metrics.wilson_interval(5, 5)[1] == pytest.approx(1.0)
    with pytest.raises(ValueError):
        metrics.wilson_interval(3, 2)


# --- multi-label models -----------------------------------------------------------------------


def test_a_multi_label_models_rows_are_pairs_of_clip_and_class() -> None:
    made = scenes("att")
    rows = tables.at_threshold(made.clips, made.levels, 0.3)
    assert [r.case for r in rows] == [
        *("both:dog", "both:rain", "more:dog"),
        *("alarm:rain", "alarm:dog", "missed:rain"),
    ]
    assert [r.agrees for r in rows] == [1, 1, 1, 1, 0, 1]
    assert rows[2].interpreter_predicted == "dog+rain"
    assert rows[0].scale == "probability"
    assert rows[0].resolution == SEVERAL_CLASSES.resolution == ONE_CLASS.resolution / 4
    assert rows[0].task.counted(len(rows)) == "6 pairs of clip and class"
    assert rows[0].task.counted(1) == "1 pair of clip and class"
    share = tables.at_threshold(made.clips, made.levels, 0.3, "share")
    assert [r.faithfulness for r in share] == pytest.approx(
        [2 * r.faithfulness for r in rows]  # the span is 0.5
    )
    dog, rain = tables.faithfulness_by_class(rows, MANY)
    assert (dog["n"], rain["n"]) == (3, 3)
    assert dog["own"]["median"] == pytest.approx(0.3 * 0.7)  # the first, third and fifth pair
    with pytest.raises(ValueError, match="accepted: probability, share"):
        tables.at_threshold(made.clips, made.levels, 0.3, "logits")
    with pytest.raises(ValueError, match="not every clip has a row"):
        tables.at_threshold(made.clips, made.levels[1:], 0.1)


def test_detection_and_co_occurrence_by_hand() -> None:
    made, classes = scenes("att"), MANY
    by_class = {c["class"]: c for c in tables.detection_by_class(made.clips, classes)}
    dog, rain, rooster = (by_class[name] for name in ("dog", "rain", "rooster"))
    columns = ("n by f", "both hear", "only f", "only the interpreter")
    columns += ("n labelled", "f's misses", "f's false alarms")
    assert [dog[c] for c in columns] == [3, 2, 1, 1, 3, 1, 1]
    assert [rain[c] for c in columns] == [3, 3, 0, 1, 3, 0, 0]
    assert (rooster["n by f"], rooster["n labelled"], rooster["AUPRC"]) == (0, 1, None)
    assert rooster[tables.ERROR] is None
    # f's rain: 3, 3, 2 where it is there, all others below.
    assert rain["f's AUPRC"] == 1.0
    # The interpreter's dog: 2 on "more", 1 on "both" and "missed", where f does not hear it; the
    # third that f hears has −2, as have the two clips with nothing.
    assert dog["AUPRC"] == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3 + 1 / 3 * 3 / 6)
    counts = tables.co_occurrence(made.clips, classes)
    d, r = classes.index("dog"), classes.index("rain")
    assert counts[d].tolist() == [2 if c == d else 3 if c == r else 0 for c in range(len(classes))]
    assert (counts[r, d], counts[r, r], counts.sum()) == (2, 3, 10)


def test_means_of_the_classes_are_the_summarys() -> None:
    made, classes = scenes("att"), MANY
    by_class = tables.detection_by_class(made.clips, classes)
    for name, block in (("AUPRC", "fidelity"), ("f's AUPRC", "truth")):
        values = [c[name] for c in by_class if c[name] is not None]
        assert np.mean(values) == pytest.approx(made.summary[block]["macro_auprc"])
    guess = tables.guessing(made.clips, classes)
    assert guess is not None
    assert guess.micro_auprc == pytest.approx(6 / 60)
    assert guess.macro_auprc == pytest.approx(0.5)
    assert guess.max_f1 == pytest.approx(0.2 / 1.1)
    constant = metrics.detection(np.zeros((4, 2)), [[1, 0], [1, 0], [0, 0], [0, 1]])
    assert constant.macro_auprc == pytest.approx((0.5 + 0.25) / 2)
    assert constant.max_f1 == pytest.approx(2 * 0.375 / 1.375)
