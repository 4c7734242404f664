"""What the user settled on, apart from clip, model and class: what a live player and a page share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

MAX_TAU = 0.95


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user settled on: τ, mask domain, and gains in [0, 1] of single components that
    override the selection by τ."""

    tau: float
    domain: str
    overrides: Mapping[int, float] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The choice as a name of letters, digits, "-" and "_"; `choice.js` makes the same."""
        own = f"-{self.own}" if self.overrides else ""
        return f"{self.domain}-{round(100 * self.tau)}{own}"

    @property
    def own(self) -> str:
        """The overrides as the URL has them: "17_50-3_0" is component 17 at 0.5, 3 off."""
        return "-".join(f"{k}_{round(100 * g)}" for k, g in sorted(self.overrides.items()))

    @classmethod
    def of(cls, relevance: Tensor, components: Sequence[int], domain: str) -> Choice:
        """The choice that selects just these of K components: by τ where one of its steps does,
        else by as few overrides as any step needs."""
        wanted = torch.zeros(len(relevance), dtype=torch.bool)
        wanted[list(components)] = True
        steps = [round(step / 100, 2) for step in range(round(100 * MAX_TAU) + 1)]
        wrong = [int(((relevance > tau) != wanted).sum()) for tau in steps]
        tau = steps[wrong.index(min(wrong))]
        others = ((relevance > tau) != wanted).nonzero().flatten().tolist()
        return cls(tau, domain, {k: float(wanted[k]) for k in others})

    def gains(self, relevance: Tensor) -> np.ndarray | None:
        """K gains for `engine.interpret`, or None where τ alone decides."""
        if not self.overrides:
            return None
        weights = (relevance > self.tau).numpy().astype(np.float32)
        for k, gain in self.overrides.items():
            weights[k] = gain
        return weights
