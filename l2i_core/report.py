"""The report of one interpretation: the stable JSON that the command line and the app share."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from l2i_core.engine import L2I
from l2i_core.explain import Analysis, Interpretation, Verdict


def make_report(
    engine: L2I,
    analysis: Analysis,
    interpretation: Interpretation,
    verdict: Verdict,
    clip_name: str,
) -> dict[str, Any]:
    """What was explained, with which model, and what f says of the sounds; JSON-ready.

    `length` is in samples at `sample_rate` (the model's, in Hz). `faithfulness` is FF_x (Eq. 6) in
    logits, of a multi-label model in probability; `relative_faithfulness` the same over
    f(x)_c − f(silence)_c, null where that is not positive.
    """
    probabilities = engine.probabilities(analysis.logits)
    report: dict[str, Any] = {
        "clip": clip_name,
        "sample_rate": engine.audio.sample_rate,
        "length": len(analysis.waveform),
        "seconds": [round(t, 3) for t in analysis.seconds],
        "gain": analysis.gain,
        "bundle": engine.bundle.name,
        "interpreter": engine.interpreter_name,
        "classes": list(engine.classes),
        "logits": _numbers(analysis.logits),
        "probabilities": _numbers(probabilities),
        "predicted": engine.classes[analysis.predicted],
        "interpreter_logits": _numbers(analysis.interpreter_logits),
        "interpreter_top": [
            engine.classes[i]
            for i in analysis.interpreter_logits.argsort(descending=True, stable=True)[:5].tolist()
        ],
        "target": interpretation.target,
        "threshold": interpretation.threshold,
        "mask_domain": interpretation.mask_domain,
        "conventions": engine.conventions.name,
        "relevance": _numbers(interpretation.relevance),
        "selected": list(interpretation.selected),
        "energy_kept": round(interpretation.energy_kept, 6),
        "faithfulness": verdict.faithfulness,
        "relative_faithfulness": verdict.relative if verdict.relative == verdict.relative else None,
        "logits_without": _numbers(verdict.logits_without),
        "logits_interpretation": _numbers(verdict.logits_interpretation),
    }
    if engine.bundle.multi_label:
        report["predicted_classes"] = [engine.classes[c] for c in engine.decided(analysis.logits)]
    if len(analysis.windows) > 1:
        hop = engine.audio.hop_length / engine.audio.sample_rate
        report["windows"] = [[round(s * hop, 3), round(e * hop, 3)] for s, e in analysis.windows]
    return report


def _numbers(values: Tensor) -> list[float]:
    return [float(v) for v in values.tolist()]
