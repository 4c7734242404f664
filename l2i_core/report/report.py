"""The report of one interpretation: the stable JSON that the command line and the app share."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from l2i_core import words
from l2i_core.measure.explained import Explained
from l2i_core.measure.random import beats_chance
from l2i_core.task import Task, task_of
from l2i_core.words import class_name, joined


def make_report(made: Explained, clip_name: str) -> dict[str, Any]:
    """What was explained, with which model, and what f says of the sounds; JSON-ready.

    `length` is in samples at `sample_rate` (the model's, in Hz). `faithfulness` is FF_x (Eq. 6) in
    `faithfulness_unit`, "logits" or, of a multi-label model, "probability";
    `relative_faithfulness` the same over f(x)_c − f(silence)_c, null where that is not positive. A
    multi-label model's report also has `predicted_classes`, all above 0.5. `warnings`: sentences on
    the sound; `supported`: false where there is nothing to hear, whatever f says.
    """
    engine, analysis = made.engine, made.analysis
    interpretation, verdict = made.interpretation, made.verdict
    probabilities = engine.probabilities(analysis.logits)
    theirs, first, heard = analysis.interpreter_logits, None, made.heard
    if theirs is not None:
        first = [engine.classes[i] for i in theirs.argsort(descending=True, stable=True)[:5]]
    report: dict[str, Any] = {
        "clip": words.printable(clip_name),
        "sample_rate": engine.audio.sample_rate,
        "length": len(analysis.waveform),
        "seconds": [round(t, 3) for t in analysis.seconds],
        "gain": analysis.gain,
        "supported": not heard.nothing,
        "warnings": list(heard.all),
        "bundle": engine.bundle.name,
        "interpreter": engine.interpreter_name,
        "dictionary": engine.bundle.chosen_dictionary,
        "classes": list(engine.classes),
        "logits": analysis.logits.tolist(),
        "probabilities": probabilities.tolist(),
        "predicted": engine.classes[analysis.predicted],
        "interpreter_logits": None if theirs is None else theirs.tolist(),
        "interpreter_top": first,
        "target": interpretation.target,
        "threshold": interpretation.threshold,
        "mask_domain": interpretation.mask_domain,
        "conventions": engine.conventions.name,
        "relevance": interpretation.relevance.tolist(),
        "selected": list(interpretation.selected),
        "energy_kept": round(interpretation.energy_kept, 6),
        "faithfulness": verdict.faithfulness,
        "faithfulness_unit": engine.task.unit.name,
        "relative_faithfulness": verdict.relative if verdict.relative == verdict.relative else None,
        "logits_without": verdict.logits_without.tolist(),
        "logits_interpretation": verdict.logits_interpretation.tolist(),
    }
    if engine.task.multi_label:
        report["predicted_classes"] = [engine.classes[c] for c in engine.decided(analysis.logits)]
    if len(analysis.windows) > 1:
        hop = engine.audio.hop_length / engine.audio.sample_rate
        report["windows"] = [[round(s * hop, 3), round(e * hop, 3)] for s, e in analysis.windows]
    return report


def task_in(report: Mapping[str, Any]) -> Task:
    """What the logits of the report's f mean."""
    return task_of("predicted_classes" in report)


def score(report: Mapping[str, Any], value: float) -> float:
    """A logit of f in the unit of the report's FF."""
    return float(task_in(report).score(torch.tensor(value, dtype=torch.float64)))


def agrees(report: Mapping[str, Any]) -> bool | None:
    """Whether the interpreter's first class is f's; of a multi-label model, whether both hear the
    target, or neither; None where the explainer has no Θ."""
    if report["interpreter_top"] is None:
        return None
    if task_in(report).multi_label:
        theirs = report["interpreter_logits"][report["classes"].index(report["target"])] > 0
        return theirs == (report["target"] in report["predicted_classes"])
    return report["interpreter_top"][0] == report["predicted"]


def warning(report: Mapping[str, Any]) -> str:
    """`words.disagreement` where the interpreter does not decide as f does, else ""."""
    if agrees(report) is not False:
        return ""
    if "predicted_classes" in report:
        heard = report["target"] in report["predicted_classes"]
        return words.disagreement("this clip", class_name(report["target"]), "", heard)
    said, theirs = class_name(report["predicted"]), class_name(report["interpreter_top"][0])
    return words.disagreement("this clip", said, theirs)


def beats(report: Mapping[str, Any]) -> bool | None:
    """`beats_chance` of a report's FF, as far as its `random`, if any, tests it."""
    random = report.get("random") or {"energy_matched": None, "equal_energy": False}
    drops = report["faithfulness"], random["energy_matched"]
    return beats_chance(*drops, random["equal_energy"], task_in(report).resolution)


def statement(report: Mapping[str, Any]) -> tuple[str, str]:
    """What taking the interpretation out does to f, beside energy-matched Random where that was
    drawn; and whether the claim holds, "" where nothing tests it."""
    target, ff = class_name(report["target"]), report["faithfulness"]
    if not report["selected"]:
        return (
            f"No component is selected for “{target}”: the interpretation is silence, nothing is "
            "taken out, and FF is 0."
        ), ""
    resolution, share = task_in(report).resolution, report["relative_faithfulness"]
    done = words.moved(ff, resolution, f"f's {task_in(report).unit.of} “{target}”")
    text = f"Taking the interpretation out {done} (FF {words.drop(ff, resolution)})"
    if share is not None and ff > resolution:
        text += f", {words.percent(share)} of what silence would take away"
    random = report.get("random")
    if not random:
        return f"{text}.", ""
    others, matched = words.ALL_OTHERS, random["energy_matched"]
    if random["equal_energy"]:
        others = f"random components of equal log energy (median of {random['draws']} draws)"
    text += f"; taking out {others} instead {words.moved(matched, resolution, 'it')}."
    return text, words.claim(ff, matched, beats(report), resolution, agrees(report) is not False)


def decision(report: Mapping[str, Any], logits: Sequence[float]) -> str:
    """f's decision by logits (C,) in words: one class, or all that it hears."""
    decided = task_in(report).decided(torch.tensor(logits))
    return joined([class_name(report["classes"][c]) for c in decided]) or "none of its classes"
