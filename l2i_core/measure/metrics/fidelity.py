"""How closely an interpreter's answers follow f's decisions: top-k, or AUPRC and F1 where f may
decide for several classes at once (Tables 1 and 3)."""

import functools

from scipy.special import expit

from l2i_core.measure.metrics import Array, detection, top_k_fidelity
from l2i_core.measure.metrics.registry import fidelity
from l2i_core.task import ONE_CLASS, SEVERAL_CLASSES

for k in (1, 3, 5):
    formula = f"share of clips whose class by f is among the interpreter's first {k}"
    top = fidelity(f"top{k}", f"top-{k}", formula, (ONE_CLASS,))
    top(functools.partial(top_k_fidelity, k=k))


def _detected(name: str, decided: Array, logits: Array) -> float | None:
    present = decided > 0
    return getattr(detection(expit(logits), present), name) if present.any() else None


for name, symbol, formula in (
    ("macro_auprc", "macro-AUPRC", "area under precision and recall, mean over classes"),
    ("micro_auprc", "micro-AUPRC", "the same over all pairs of clip and class"),
    ("max_f1", "max-F1", "the best micro F1 of all limits"),
):
    found = fidelity(name, symbol, formula, (SEVERAL_CLASSES,))
    found(functools.partial(_detected, name))
