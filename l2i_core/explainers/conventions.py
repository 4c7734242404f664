"""Where the paper and its authors' released code differ in explaining and measuring.

Each difference is one field here, read wherever it matters; the default is the paper's side. The
released code: github.com/jayneelparekh/L2I-code, `audint_posthoc.py` and `dataloader.py`. What
differs in training (losses, epochs, choice of model) is a matter of the configs, not of these.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conventions:
    """One side of every difference.

    signed_scale: f meets a clip at x / max(x), not x / max|x|.
    signed_relevance: r = zθ / max_l z_l θ_l, not over max_l |z_l θ_l|.
    max_components: an interpretation holds at most so many of the components above τ (None: all).
    mask_epsilon: what is added to W H where it divides in the soft mask.
    max_pooled_faithfulness: FF of a multi-class model selects by the maxima of H over time whatever
        Θ pools with, and all components above τ.
    random_from_all: the Random Baseline draws from all components, not from those outside L.
    """

    name: str
    signed_scale: bool = False
    signed_relevance: bool = False
    max_components: int | None = None
    mask_epsilon: float = 0.0
    max_pooled_faithfulness: bool = False
    random_from_all: bool = False

    @classmethod
    def named(cls, name: str) -> Conventions:
        """Those called "paper" or "released"; ValueError for another name."""
        if name not in CONVENTIONS:
            raise ValueError(f"unknown conventions {name!r}; accepted: {', '.join(CONVENTIONS)}.")
        return CONVENTIONS[name]


PAPER = Conventions("paper")
RELEASED = Conventions(
    "released",
    signed_scale=True,
    signed_relevance=True,
    max_components=5,
    mask_epsilon=1e-6,
    max_pooled_faithfulness=True,
    random_from_all=True,
)
CONVENTIONS = {one.name: one for one in (PAPER, RELEASED)}
