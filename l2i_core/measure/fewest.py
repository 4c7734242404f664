"""The fewest components with which f still says a class: the shortest sufficient explanation.

Components join in falling order of relevance, one at a time. More of them are not always enough
where fewer are, so every number is tried from none on.
"""

from dataclasses import dataclass

import torch

from l2i_core.dictionary import masking
from l2i_core.engine import L2I
from l2i_core.explainers.ask import Tell
from l2i_core.explainers.explained import Analysis, Interpretation
from l2i_core.words import class_name

_AT_ONCE = 8  # numbers tried before it is looked whether one suffices
_BELOW_ONE = 0.999


@dataclass(frozen=True, slots=True)
class Fewest:
    """The components, most relevant first, and the lowest τ that selects no others."""

    components: tuple[int, ...]
    threshold: float


def fewest(
    engine: L2I,
    analysis: Analysis,
    target: str | int,
    mask_domain: str = "log",
    tell: Tell = lambda done, total: None,
) -> Fewest | None:
    """The shortest sequence of the most relevant components with which f decides for the class
    (of several classes: for it among others); None where all that speak for it do not suffice.

    None of them at all is the answer where f says the class of silence.
    """
    index = engine.class_index(target)
    relevance = engine.relevance(analysis, index)
    order, k = masking.select(relevance, 0.0), len(relevance)
    ask, total = engine.ask(analysis, mask_domain), len(order) + 1
    for start in range(0, total, _AT_ONCE):
        counts = range(start, min(start + _AT_ONCE, total))
        gains = torch.stack([masking.gains_of(order[:count], k) for count in counts])
        with torch.no_grad():
            answers = ask.kept(gains)
        for count, logits in zip(counts, answers, strict=True):
            if index in engine.decided(logits):
                left = [float(relevance[one]) for one in order[count : count + 1]]
                return Fewest(tuple(order[:count]), min([*left, _BELOW_ONE]) if left else 0.0)
        tell(counts[-1] + 1, total)
    return None


def interpreted(
    engine: L2I, analysis: Analysis, target: str | int | None = None, mask_domain: str = "log"
) -> Interpretation:
    """`engine.interpret` with the fewest components instead of those above a τ; ValueError, in a
    sentence, where none suffice."""
    index = engine.class_index(analysis.predicted if target is None else target)
    found = fewest(engine, analysis, index, mask_domain)
    if found is None:
        raise ValueError(none_suffice(engine, analysis, index))
    gains = masking.gains_of(found.components, len(analysis.activations))
    return engine.interpret(analysis, index, found.threshold, mask_domain, gains=gains)


def none_suffice(engine: L2I, analysis: Analysis, target: str | int) -> str:
    """What is to be said where `fewest` finds none."""
    index = engine.class_index(target)
    count = int((engine.relevance(analysis, index) > 0).sum())
    name, task = class_name(engine.classes[index]), engine.task
    if not count:
        return f"no component speaks for “{name}” in this clip, so none can be enough for it."
    return (
        f"f {task.decides} “{name}” with no number of the {count} components that speak for it: "
        "what they hold is not enough."
    )
