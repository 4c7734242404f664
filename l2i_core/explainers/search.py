"""Relevance without training: the gains that keep a class, searched by gradient descent.

Gains g = σ(s a) ∈ (0, 1)^K with which f still says the class on x(g), no longer on what is left,
and which keep little of the clip (Fong and Vedaldi 2017, on components instead of pixels):

    CE(f(x(g)), c) + 2 (f_c(x_2(g)) − f_c(silence)) / (f_c(x) − f_c(silence)) + λ E(g) + ν |g| / K

E(g) is the share of ‖X‖² kept. The slope s rises from 1 to 3, so that the gains near 0 and 1, as τ
will have them. The relevance is σ(a).
"""

import torch
from torch import Tensor

from l2i_core.dictionary import choice
from l2i_core.explainers.protocol import EXPLAINERS, GRADIENT, Analysis, Ask, Explainer
from l2i_core.strict import at_least

_RATE = 0.45  # Adam's
_STEEPEST = 3.0  # s of the last step
_LEFT = 2.0  # weight of what is left
_LEAST_SPAN = 1.0  # logits: a class that f does not hear has nothing to lose


@EXPLAINERS.add("search")
class Search(Explainer):
    """The searched gains themselves. Settings: energy is λ, count ν, steps of f forth and back."""

    title = "Search"
    description = "The fewest sounds with which f still says the class; nothing was trained."
    needs = frozenset({GRADIENT})
    seconds = 3.0
    dictionary = choice.CLIP  # half as many components

    def __init__(self, energy: float = 1.0, count: float = 0.3, steps: int = 20) -> None:
        self.energy, self.count, self.steps = energy, count, steps
        at_least(self, 0, "energy", "count")
        at_least(self, 1, "steps")

    def relevance(self, analysis: Analysis, target: int, ask: Ask) -> Tensor:
        """r (K,) = g; 0 where nothing is active."""
        return searched(analysis, target, ask, self.energy, self.count, self.steps)


def searched(
    analysis: Analysis, target: int, ask: Ask, energy: float, count: float, steps: int
) -> Tensor:
    """The gains (K,) of a class by `steps` passes of f forth and back; energy is λ, count ν."""
    shares = ask.energies()
    heard = shares > 0
    silence = ask.silence[target]
    span = max(float(analysis.logits[target] - silence), _LEAST_SPAN)
    with torch.inference_mode(False), torch.enable_grad():
        shares, heard = shares.clone(), heard.clone()
        logits = torch.zeros(len(shares), requires_grad=True)
        descent = torch.optim.Adam([logits], lr=_RATE)
        for step in range(steps):
            gains = torch.sigmoid((1 + (_STEEPEST - 1) * step / max(steps - 1, 1)) * logits)
            kept, left = ask.both((gains * heard)[None])
            loss = (
                surprise(ask, kept[0], target)
                + _LEFT * (left[0, target] - silence) / span
                + energy * (gains * shares).sum()
                + count * gains.mean()
            )
            descent.zero_grad()
            loss.backward()
            descent.step()
            ask.tell(step + 1, steps)
        return torch.sigmoid(logits.detach()) * heard


def surprise(ask: Ask, logits: Tensor, target: int) -> Tensor:
    """−log p of the class by f's logits (C,)."""
    if ask.task.multi_label:
        return torch.nn.functional.softplus(-logits[target])
    return -torch.log_softmax(logits, dim=-1)[target]
