"""What f decides, and whether the interpreter follows it, in words: one class, or of a multi-label
model all above 0.5, maybe none."""

from collections.abc import Sequence

from torch import Tensor

from l2i_core import L2I, Analysis, words
from l2i_core.words import joined
from pages.show.words import class_name

LIMIT = 0.5  # the probability above which a multi-label model hears a class
NONE = "none of its classes"
_MOST = 8  # classes that are named in one sentence


def decided(engine: L2I, logits: Tensor) -> tuple[str, ...]:
    """The classes that f decides for, by name, the most probable first."""
    return tuple(engine.classes[c] for c in engine.decided(logits))


def offered(engine: L2I, logits: Tensor) -> list[str]:
    """The classes to choose from, f's most probable first."""
    return [engine.classes[c] for c in logits.argsort(descending=True, stable=True).tolist()]


def said(engine: L2I, logits: Tensor) -> str:
    """ "dog", "dog and engine", "none of its classes"."""
    return _named([class_name(label) for label in decided(engine, logits)]) or NONE


def with_chances(engine: L2I, logits: Tensor) -> str:
    """ "dog (0.93)", "dog (0.93) and engine (0.71)", "none of its classes (most probable: dog
    0.31)"."""
    chances = engine.probabilities(logits)
    names = [
        f"{class_name(engine.classes[c])} ({float(chances[c]):.2f})" for c in engine.decided(logits)
    ]
    best = int(logits.argmax())
    most = f"most probable: {class_name(engine.classes[best])} {float(chances[best]):.2f}"
    return _named(names) or f"{NONE} ({most})"


def _named(names: Sequence[str]) -> str:
    """`joined`, the first few of many."""
    more = len(names) - _MOST
    return joined([*names[:_MOST], f"{more} more"] if more > 0 else list(names))


def disagreement(engine: L2I, analysis: Analysis, target: str, where: str = "this clip") -> str:
    """`words.disagreement` where the interpreter does not decide as f does, else ""."""
    index, theirs = engine.class_index(target), analysis.interpreter_logits
    if theirs is None or engine.task.agrees(analysis.logits, theirs, index):
        return ""
    if engine.bundle.multi_label:
        heard = target in decided(engine, analysis.logits)
        return words.disagreement(where, class_name(target), "", heard)
    both = (analysis.logits, theirs)
    first, other = (class_name(engine.classes[int(logits.argmax())]) for logits in both)
    return words.disagreement(where, first, other)


def follows(engine: L2I, analysis: Analysis) -> str:
    """How a multi-label model's interpreter follows f, class by class, as a sentence."""
    if analysis.interpreter_logits is None:
        return "This explainer does not mimic f, so there is no agreement to look at."
    ours, theirs = (
        decided(engine, logits) for logits in (analysis.logits, analysis.interpreter_logits)
    )
    both, lost, more = (
        _named([class_name(label) for label in some])
        for some in (
            [label for label in ours if label in theirs],
            [label for label in ours if label not in theirs],
            [label for label in theirs if label not in ours],
        )
    )
    parts = [f"agrees on {both}"] if both else []
    parts += [f":orange[does not hear {lost}]"] if lost else []
    beside = " as well" if both else " instead" if lost else ""
    parts += [f":orange[hears {more}{beside}]"] if more else []
    return f"The interpreter {joined(parts) or 'agrees: it hears none either'}."
