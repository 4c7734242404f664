"""Rows and tables of an evaluation against the engine, one clip and one τ at a time."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2i_core import L2I
from l2i_core.data.clips import Clip, load_clip
from l2i_core.data.synthesised import synthesised
from l2i_core.dictionary import masking
from l2i_core.measure import audit, metrics
from l2i_core.measure import evaluation as evaluation_module
from l2i_core.measure.evaluation import (
    Evaluation,
    Settings,
    evaluate,
    measure,
    write_evaluation,
)
from l2i_core.measure.records import ClipRow, LevelRow, read
from l2i_core.measure.summary import refresh_summary, summarise
from l2i_core.signal import audio

LEVELS = (0.0, 0.1, 0.3, 0.5, 0.9)
SETTINGS = Settings(LEVELS, (0.3, 0.0), random_draws=3, seed=4)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    chosen = synthesised([31]).clips
    return [clip for clip in chosen if clip.label in ("dog", "rain", "rooster", "helicopter")]


@pytest.fixture(scope="module")
def told() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def result(engine_16k: L2I, clips: list[Clip], told: list[tuple[int, int]]) -> Evaluation:
    return evaluate(engine_16k.bundle, "att", clips, SETTINGS, lambda *row: told.append(row))


def _numbers(values: Any) -> list[Any]:
    """All leaves of nested tables."""
    if isinstance(values, dict):
        return [leaf for value in values.values() for leaf in _numbers(value)]
    return [values]


def test_rows_cover_every_clip_and_level(result: Evaluation, clips: list[Clip]) -> None:
    assert [r.clip for r in result.clips] == [c.name for c in clips]
    keys = [(r.clip, r.threshold) for r in result.levels]
    assert sorted(keys) == sorted((c.name, t) for c in clips for t in LEVELS)


def test_clip_rows_are_the_engines(engine_16k: L2I, result: Evaluation, clips: list[Clip]) -> None:
    for clip, row in zip(clips, result.clips, strict=True):
        a = engine_16k.analyse(load_clip(clip, engine_16k.audio), 16000)
        assert (row.label, row.fold) == (clip.label, clip.fold)
        assert row.predicted == engine_16k.classes[a.predicted]
        ours = [row.logits[name] for name in engine_16k.classes]
        assert ours == pytest.approx(a.logits.tolist(), abs=1e-5)
        theirs = [row.interpreter_logits[name] for name in engine_16k.classes]
        assert theirs == pytest.approx(a.interpreter_logits.tolist(), abs=1e-5)
        assert row.interpreter_predicted == engine_16k.classes[int(np.argmax(theirs))]
        pooled = [row.pooled[str(k)] for k in range(7)]
        assert pooled == pytest.approx(a.pooled.tolist(), abs=1e-6)
        probability = float(torch.softmax(a.logits, -1).max())
        assert row.probability == pytest.approx(probability, abs=1e-6)
        assert row.span == pytest.approx(engine_16k.span(a, a.predicted), abs=1e-5)
        x = a.spectrogram.log_magnitude
        error = (x - engine_16k.dictionary.patterns @ a.activations).norm() / x.norm()
        assert row.reconstruction_error == pytest.approx(float(error), rel=1e-5)


def test_level_rows_are_the_engines(engine_16k: L2I, result: Evaluation, clips: list[Clip]) -> None:
    a = engine_16k.analyse(load_clip(clips[0], engine_16k.audio), 16000)
    for row in (r for r in result.levels if r.clip == clips[0].name):
        i = engine_16k.interpret(a, threshold=row.threshold)
        verdict = engine_16k.judge(a, i)
        assert row.components == len(i.selected)
        assert row.faithfulness == pytest.approx(verdict.faithfulness, abs=2e-3)
        kept = verdict.logits_interpretation
        assert row.probability_interpretation == pytest.approx(
            float(torch.softmax(kept, -1)[a.predicted]), abs=1e-3
        )
        assert row.same_class == int(int(kept.argmax()) == a.predicted)
        assert row.energy_kept == pytest.approx(i.energy_kept, abs=1e-5)


def test_random_columns_stand_where_they_were_asked_for(result: Evaluation) -> None:
    for row in result.levels:
        drawn = row.threshold in SETTINGS.random_thresholds
        for name in ("random", "random_energy", "random_log_energy", "random_energy_log_energy"):
            assert (getattr(row, name) is not None) == drawn


def test_energy_matched_draws_remove_the_energy_of_the_selection(
    engine_16k: L2I, result: Evaluation, clips: list[Clip]
) -> None:
    drawn = [r for r in result.levels if r.random_energy is not None and r.components > 0]
    assert drawn, "the case must select something"
    by_name = {c.name: c for c in clips}
    for row in drawn:
        a = engine_16k.analyse(load_clip(by_name[row.clip], engine_16k.audio), 16000)
        energy = masking.component_log_energy(
            a.spectrogram.log_magnitude, engine_16k.dictionary.patterns, a.activations
        )
        selected = list(engine_16k.interpret(a, threshold=row.threshold).selected)
        available = float(energy.sum() - energy[selected].sum())
        wanted = min(row.log_energy_removed, available)
        assert row.random_energy_log_energy >= wanted - 1e-5


def test_progress_goes_twice_over_the_clips(
    result: Evaluation, told: list[tuple[int, int]], clips: list[Clip]
) -> None:
    assert told == [(n, 2 * len(clips)) for n in range(1, 2 * len(clips) + 1)]


def test_without_random_every_clip_is_passed_once(
    engine_16k: L2I, result: Evaluation, clips: list[Clip]
) -> None:
    steps: list[tuple[int, int]] = []
    plain = evaluate(
        engine_16k.bundle, "att", clips, Settings(LEVELS, ()), lambda *row: steps.append(row)
    )
    assert steps == [(n, len(clips)) for n in range(1, len(clips) + 1)]
    assert plain.clips == result.clips
    undrawn = dict.fromkeys(f.name for f in fields(LevelRow) if f.name.startswith("random"))
    assert list(plain.levels) == [replace(row, **undrawn) for row in result.levels]
    assert "random" not in plain.summary
    assert plain.summary["faithfulness"] == result.summary["faithfulness"]


def test_summary_is_the_metrics_of_the_rows(
    engine_16k: L2I, result: Evaluation, clips: list[Clip]
) -> None:
    summary = result.summary
    logits = np.array([[r.logits[n] for n in engine_16k.classes] for r in result.clips])
    theirs = np.array([[r.interpreter_logits[n] for n in engine_16k.classes] for r in result.clips])
    labels = [engine_16k.classes.index(c.label) for c in clips]
    assert summary["n"] == len(clips)
    assert summary["accuracy"] == np.mean(logits.argmax(1) == labels)
    for k in (1, 3, 5):
        assert summary["fidelity"][f"top{k}"] == metrics.top_k_fidelity(logits, theirs, k)
    for threshold in LEVELS:
        rows = [r for r in result.levels if r.threshold == threshold]
        key = f"{threshold:g}"
        drops = [r.faithfulness for r in rows]
        block = summary["faithfulness"][key]
        assert block["median"] == pytest.approx(np.median(drops))
        assert (block["q25"], block["q75"]) == pytest.approx(tuple(np.percentile(drops, (25, 75))))
        assert block["positive_fraction"] == np.mean(np.array(drops) > 0)
        assert block["mean_components"] == np.mean([r.components for r in rows])
        assert summary["fid_in"][key] == np.mean([r.same_class for r in rows])
        p = np.array([r.probability for r in result.clips])
        o = np.array([r.probability_interpretation for r in rows])
        dropped, gained = np.maximum(0, p - o) / p, np.maximum(0, o - p) / (1 - p)
        assert summary["average_drop"][key] == pytest.approx(100 * dropped.mean())
        assert summary["average_gain"][key] == pytest.approx(100 * gained.mean())
        assert summary["average_increase"][key] == pytest.approx(100 * (o > p).mean())
    assert set(summary["random"]) == set(summary["random_energy"]) == {"0", "0.3"}
    rows = [r for r in result.levels if r.threshold == 0.3]
    drawn, spans = [r.random for r in rows], [r.span for r in result.clips]
    block = summary["random"]["0.3"]
    spread = [block[k] for k in ("q25", "median", "q75")]
    assert spread == pytest.approx(np.percentile(drawn, (25, 50, 75)).tolist())
    shares = metrics.relative_faithfulness(drawn, spans)
    spread = [block[f"relative_{k}"] for k in ("q25", "median", "q75")]
    assert spread == pytest.approx(np.nanpercentile(shares, (25, 50, 75)).tolist())


def test_random_is_tested_clip_by_clip(engine_16k: L2I, result: Evaluation) -> None:
    """At equal count over all clips; at equal energy over those where Random removed as much."""
    removed, drawn = (0.3, 0.1, 0.3, 0.4), (1.0, -2.0, 3.0, -4.0)
    rows = [
        replace(
            row,
            faithfulness=0.0,
            log_energy_removed=0.3,
            random=value,
            random_energy=value,
            random_energy_log_energy=share,
        )
        for row, share, value in zip(
            [r for r in result.levels if r.threshold == 0.3], removed, drawn, strict=True
        )
    ]
    summary = summarise(result.clips, rows, engine_16k.classes)
    every = metrics.paired_test([0.0] * 4, drawn)
    assert summary["random"]["0.3"]["test"] == asdict(every)
    assert summary["random"]["0.3"]["test"]["greater"] == 2
    assert summary["random"]["0.3"]["test"]["median_difference"] == 0.5
    equal = metrics.paired_test([0.0] * 3, [1.0, 3.0, -4.0])
    assert summary["random_energy"]["0.3"]["test"] == asdict(equal)
    short = [replace(row, random_energy_log_energy=0.1) for row in rows]
    summary = summarise(result.clips, short, engine_16k.classes)
    assert summary["random_energy"]["0.3"]["test"] is None


def test_reconstruction_error_is_that_of_all_clips_together(
    engine_16k: L2I, result: Evaluation, clips: list[Clip]
) -> None:
    error = energy = 0.0
    for clip in clips:
        a = engine_16k.analyse(load_clip(clip, engine_16k.audio), 16000)
        x = a.spectrogram.log_magnitude
        model = engine_16k.dictionary.patterns @ a.activations
        error += float((x - model).square().sum())
        energy += float(x.square().sum())
    expected = (error / energy) ** 0.5
    assert result.summary["reconstruction_error"] == pytest.approx(expected, rel=1e-4)


def test_seed_decides_everything(engine_16k: L2I, result: Evaluation, clips: list[Clip]) -> None:
    again = evaluate(engine_16k.bundle, "att", clips, SETTINGS)
    assert again.clips == result.clips
    assert again.levels == result.levels


def test_clips_of_other_classes_count_as_wrong(engine_16k: L2I, tmp_path: Path) -> None:
    path = tmp_path / "cat.wav"
    audio.write(path, 0.1 * np.sin(np.arange(40000)), 16000)
    clip = Clip("cat", "cat", 1, "cat", path)
    result = evaluate(engine_16k.bundle, "att", [clip], Settings((0.5,), (0.5,), 1))
    assert result.summary["accuracy"] == 0.0


def test_silent_clip_counts(engine_16k: L2I, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    audio.write(path, np.zeros(5 * 16000, np.float32), 16000)  # as long as the silence of the span
    clip = Clip("silence", "rain", 1, "silence", path)
    result = evaluate(engine_16k.bundle, "att", [clip], Settings((0.5,), (0.5,), 1))
    assert result.summary["faithfulness"]["0.5"]["median"] == 0.0
    assert result.summary["faithfulness"]["0.5"]["n"] == 1
    assert result.summary["reconstruction_error"] == 0.0
    json.dumps(result.summary, allow_nan=False)


def test_nothing_to_lose_on_any_clip_is_null_not_nan(engine_16k: L2I, result: Evaluation) -> None:
    clips = [replace(row, span=-1.0) for row in result.clips]
    summary = summarise(clips, result.levels, engine_16k.classes)
    json.dumps(summary, allow_nan=False)
    assert summary["relative_faithfulness"]["0.3"]["median"] is None
    assert summary["random_energy"]["0.3"]["relative_median"] is None


# Files


def test_files_hold_the_rows_and_tables(
    engine_16k: L2I, result: Evaluation, tmp_path: Path
) -> None:
    write_evaluation([result], tmp_path / "metrics", {"data": "synth", "seed": 4})
    folder = tmp_path / "metrics"
    assert sorted(p.name for p in folder.iterdir()) == [
        "clips-att.csv",
        "levels-att.csv",
        "summary.json",
    ]
    written = json.loads(
        (folder / "summary.json").read_text(),
        parse_constant=lambda name: pytest.fail(f"{name} is not JSON"),
    )
    assert written["att"]["about"] == {"data": "synth", "seed": 4}
    assert written["att"]["faithfulness"].keys() == {"0", "0.1", "0.3", "0.5", "0.9"}
    clip_rows = read(folder / "clips-att.csv", ClipRow)
    level_rows = read(folder / "levels-att.csv", LevelRow)
    again = summarise(clip_rows, level_rows, engine_16k.classes)
    for ours, theirs in zip(_numbers(again), _numbers(result.summary), strict=True):
        if theirs is None:
            assert ours is None
        else:
            assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)


def test_summary_is_made_again_from_the_rows(
    engine_16k: L2I, result: Evaluation, tmp_path: Path
) -> None:
    about = {"data": "synth", "seed": 4}
    write_evaluation([result], tmp_path, about)
    whole = json.loads((tmp_path / "summary.json").read_text())
    poorer = {"att": {"n": 0, "about": about}, "flint": {"n": 1}}
    (tmp_path / "summary.json").write_text(json.dumps(poorer))
    made = refresh_summary(tmp_path, engine_16k.classes)
    assert made["flint"] == {"n": 1}, "a block without rows stays"
    assert made["att"]["about"] == about
    assert json.loads((tmp_path / "summary.json").read_text()) == made
    for ours, theirs in zip(_numbers(made["att"]), _numbers(whole["att"]), strict=True):
        if isinstance(theirs, float):
            assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)
        else:
            assert ours == theirs


def test_summary_is_not_made_from_damaged_rows(
    engine_16k: L2I, result: Evaluation, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"no .*summary\.json"):
        refresh_summary(tmp_path, engine_16k.classes)
    write_evaluation([result], tmp_path, {})
    before = (tmp_path / "summary.json").read_text()
    path = tmp_path / "levels-att.csv"
    path.write_text(path.read_text().replace("energy_kept", "energy_left"))
    with pytest.raises(
        ValueError, match=r"levels-att\.csv is damaged: it lacks the column 'energy_kept'"
    ):
        refresh_summary(tmp_path, engine_16k.classes)
    assert (tmp_path / "summary.json").read_text() == before


def test_failed_write_leaves_the_old_tables(
    result: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_evaluation([result], tmp_path, {"run": 1})
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def breaks(*_: object, **__: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(evaluation_module.json, "dumps", breaks)
    with pytest.raises(OSError, match="disk full"):
        write_evaluation([result], tmp_path, {"run": 2})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


# Refusals


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="random_thresholds"):
        Settings((0.1, 0.2), (0.3,))
    with pytest.raises(ValueError, match="at least 1, received 0"):
        Settings(random_draws=0)


def test_nothing_to_evaluate_is_refused(engine_16k: L2I) -> None:
    with pytest.raises(ValueError, match="no clip"):
        evaluate(engine_16k.bundle, "att", [])
    with pytest.raises(ValueError, match="'nmf'"):
        evaluate(engine_16k.bundle, "nmf", synthesised([1]).clips)


def test_damaged_clip_is_named(engine_16k: L2I, tmp_path: Path) -> None:
    path = tmp_path / "bad.wav"
    path.write_text("text")
    with pytest.raises(ValueError, match=r"bad\.wav"):
        evaluate(engine_16k.bundle, "att", [Clip("bad", "dog", 1, "bad", path)])


def test_unusable_clips_are_told_and_left_out(engine_16k: L2I, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("text")
    audio.write(tmp_path / "long.wav", np.zeros(31 * 16000, np.float32), 16000)
    audio.write(tmp_path / "good.wav", 0.1 * np.sin(np.arange(16000)), 16000)
    clips = [Clip(n, "", 1, n, tmp_path / f"{n}.wav") for n in ("bad", "long", "good")]
    told: list[tuple[str, str]] = []
    steps: list[tuple[int, int]] = []
    settings = Settings((0.5,), (0.5,), 1)
    result = evaluate(
        engine_16k.bundle,
        "att",
        clips,
        settings,
        lambda *step: steps.append(step),
        lambda clip, why: told.append((clip.name, why)),
        audit.load,
    )
    assert [r.clip for r in result.clips] == ["good"]
    assert [name for name, _ in told] == ["bad", "long"]
    assert "lasts 31 s" in told[1][1]
    assert steps[-1] == (6, 6)
    assert result.summary["accuracy"] is None, "no clip has a label"
    with pytest.raises(ValueError, match="none of the 1 clips"):
        evaluate(engine_16k.bundle, "att", clips[:1], settings, left_out=lambda *_: None)


def test_measuring_can_be_stopped_between_steps(engine_16k: L2I, clips: list[Clip]) -> None:
    settings = Settings((0.3, 0.5), (0.3, 0.5), 1)
    steps = measure(engine_16k.bundle, "att", clips[:1], settings)
    assert [next(steps) for _ in range(3)] == [(1, 2)] * 3, "before each draw of Random"
    steps.close()
