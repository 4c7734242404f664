"""Relevance without training: integrated gradients over component gains (Sundararajan et al. 2017).

Along g = α·1 from silence to the clip, x(g) = INV(W (g ⊙ H) / (W H) ⊙ X, P):

    a_k = ∫₀¹ ∂ f_c(x(α1)) / ∂ g_k dα,   Σ_k a_k = f_c(x(1)) − f_c(silence)   (completeness)
"""

import torch
from torch import Tensor

from l2i_core.explainers.protocol import EXPLAINERS, GRADIENT, Analysis, Ask, Explainer
from l2i_core.strict import at_least

MIDPOINTS = 12
_TINY = 1e-12


@EXPLAINERS.add("gradient")
class Gradient(Explainer):
    """a_k by the midpoint rule, as shares of the largest: r_k = a_k / max_l |a_l|."""

    title = "Gradient"
    description = "Integrated gradients of f over the gains of components; nothing was trained."
    needs = frozenset({GRADIENT})
    seconds = 1.0

    def __init__(self, midpoints: int = MIDPOINTS) -> None:
        self.midpoints = midpoints
        at_least(self, 1, "midpoints")

    def relevance(self, analysis: Analysis, target: int, ask: Ask) -> Tensor:
        """r (K,); 0 where nothing has an effect."""
        effects = attributions(analysis, target, ask, self.midpoints)
        largest = effects.abs().max()
        return effects / largest if float(largest) > _TINY else torch.zeros_like(effects)


def attributions(analysis: Analysis, target: int, ask: Ask, midpoints: int = MIDPOINTS) -> Tensor:
    """a (K,) of a class by `midpoints` passes of f forth and back, in logits."""
    k = len(analysis.activations)
    found = torch.zeros(k)
    with torch.inference_mode(False), torch.enable_grad():
        for step in range(midpoints):
            gains = torch.full((1, k), (step + 0.5) / midpoints, requires_grad=True)
            logit = ask.kept(gains)[0, target]
            (slope,) = torch.autograd.grad(logit, gains)
            found += slope[0] / midpoints
            ask.tell(step + 1, midpoints)
    return found
