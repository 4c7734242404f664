"""The report: the keys others script against, and values that the engine confirms."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from conftest import several

from l2i_core import L2I, Analysis
from l2i_core.data import synth
from l2i_core.measure.explained import Explained
from l2i_core.report.report import agrees, decision, make_report, score, task_in
from l2i_core.words import class_name

# DESIGN §8, in its order.
STABLE_KEYS = [
    "clip",
    "sample_rate",
    "length",
    "bundle",
    "interpreter",
    "classes",
    "logits",
    "probabilities",
    "predicted",
    "interpreter_logits",
    "interpreter_top",
    "target",
    "threshold",
    "mask_domain",
    "relevance",
    "selected",
    "faithfulness",
    "logits_without",
    "logits_interpretation",
]


def _report(engine: L2I, analysis: Analysis, **request: object) -> dict[str, object]:
    i = engine.interpret(analysis, **request)  # type: ignore[arg-type]
    return make_report(Explained(engine, analysis, i), "dog.wav")


def test_stable_keys_in_their_order(engine: L2I, analysis: Analysis) -> None:
    report = _report(engine, analysis)
    assert [key for key in report if key in STABLE_KEYS] == STABLE_KEYS


def test_values_are_the_engines(engine: L2I, analysis: Analysis) -> None:
    report = _report(engine, analysis, target="rain", threshold=0.1, mask_domain="linear")
    i = engine.interpret(analysis, "rain", 0.1, "linear")
    verdict = engine.judge(analysis, i)
    c = synth.LABELS.index("rain")
    assert report["clip"] == "dog.wav"
    assert (report["sample_rate"], report["length"]) == (44100, 220500)
    assert report["seconds"] == [0.0, 5.0]
    assert report["gain"] == analysis.gain
    assert (report["bundle"], report["interpreter"]) == ("random", "att")
    assert report["classes"] == list(synth.LABELS)
    assert report["logits"] == analysis.logits.tolist()
    assert report["probabilities"] == torch.softmax(analysis.logits, -1).tolist()
    assert report["predicted"] == synth.LABELS[analysis.predicted]
    assert report["interpreter_logits"] == analysis.interpreter_logits.tolist()
    assert report["target"] == "rain"
    assert (report["threshold"], report["mask_domain"]) == (0.1, "linear")
    assert report["relevance"] == i.relevance.tolist()
    assert report["selected"] == list(i.selected)
    assert report["logits_without"] == verdict.logits_without.tolist()
    assert report["logits_interpretation"] == verdict.logits_interpretation.tolist()
    assert report["faithfulness"] == pytest.approx(
        report["logits"][c] - report["logits_without"][c], abs=1e-6
    )
    assert report["energy_kept"] == pytest.approx(i.energy_kept, abs=1e-6)


def test_interpreters_top_classes_fall_in_its_logits(engine: L2I, analysis: Analysis) -> None:
    report = _report(engine, analysis)
    logits = dict(zip(report["classes"], report["interpreter_logits"], strict=True))  # type: ignore[call-overload]
    top = report["interpreter_top"]
    assert isinstance(top, list)
    assert top == sorted(logits, key=lambda name: -logits[name])[:5]


def test_report_is_strict_json(engine: L2I, analysis: Analysis) -> None:
    report = _report(engine, analysis, threshold=0.0)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_silence_gives_strict_json_too(engine: L2I) -> None:
    silence = engine.analyse(np.zeros(5 * 44100, np.float32), 44100)
    report = _report(engine, silence, target="dog")
    json.dumps(report, allow_nan=False)
    assert report["faithfulness"] == 0.0
    assert report["selected"] == []
    relative = report["relative_faithfulness"]
    assert relative is None or not math.isnan(relative)  # type: ignore[arg-type]


def test_long_clips_say_their_windows_in_seconds(engine: L2I, analysis: Analysis) -> None:
    assert "windows" not in _report(engine, analysis)
    long = dataclasses.replace(analysis, windows=((0, 200), (200, 431)))
    seconds = [[0.0, 2.322], [2.322, 5.004]]
    assert _report(engine, long)["windows"] == seconds


def test_multi_label_models_name_all_classes_above_a_half(engine: L2I, analysis: Analysis) -> None:
    many_hear = L2I(several(engine.bundle), "att")
    report = _report(many_hear, analysis)
    sigmoid = torch.sigmoid(analysis.logits)
    assert report["probabilities"] == sigmoid.tolist()
    order = sorted(zip(sigmoid.tolist(), synth.LABELS, strict=True), reverse=True)
    assert report["predicted_classes"] == [name for p, name in order if p > 0.5]
    assert report["faithfulness_unit"] == "probability"
    assert "predicted_classes" not in _report(engine, analysis)


def test_a_multi_label_report_in_words(engine: L2I, analysis: Analysis) -> None:
    """Agreement is about the target; f's logits are told as probabilities, its unit of FF."""
    many_hear = L2I(several(engine.bundle), "att")
    plain, many = _report(engine, analysis), _report(many_hear, analysis)
    c = many["classes"].index(many["target"])
    theirs = many["interpreter_logits"]
    for turned in (abs(theirs[c]) + 1, -abs(theirs[c]) - 1):
        changed = [turned if k == c else value for k, value in enumerate(theirs)]
        heard = many["target"] in many["predicted_classes"]
        assert agrees({**many, "interpreter_logits": changed}) == ((turned > 0) == heard)
    assert agrees(plain) == (plain["interpreter_top"][0] == plain["predicted"])
    assert decision(plain, [0.0, 2.0, 1.0]) == class_name(plain["classes"][1])
    first, second = (class_name(many["classes"][k]) for k in (2, 0))
    assert decision(many, [1.0, -1.0, 2.0]) == f"{first} and {second}"
    assert decision(many, [-1.0, -2.0, -1.0]) == "none of its classes"
    assert (task_in(plain).unit.name, task_in(many).unit.name) == ("logits", "probability")
    assert (score(plain, 2.0), score(many, 0.0)) == (2.0, 0.5)
