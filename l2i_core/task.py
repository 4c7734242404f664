"""What f's logits mean: one class a clip (softmax), or several at once (a sigmoid per class).

Whatever depends on that asks the task: a model has one (`bundle.task`, `engine.task`), and so have
a report and the rows of an evaluation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from l2i_core.words import Unit, counted, unit

# What is removed passes an inverse STFT, which alone moves f's logit by up to 1.6e-3 on the clips
# of the shipped models: below this, one drop is not larger than another.
_RESOLUTION = 2e-3


@dataclass(frozen=True, slots=True)
class Task:
    """multi_label: whether f may decide for several classes, or none.

    unit: what FF (Eq. 6) is a drop of. resolution: the smallest drop that is told from none, in
    that unit. decides: the verb of f's decision ("f says dog", "f hears dog"). cases: what its
    explained decisions are called, clips, or pairs of a clip and a class.
    """

    multi_label: bool
    unit: Unit
    resolution: float
    decides: str
    cases: str

    def counted(self, cases: int) -> str:
        """ "80 clips", or "123 pairs of clip and class"."""
        one = self.cases.removesuffix("s")
        if not self.multi_label:
            return counted(cases, one)
        return counted(cases, f"{one} of clip and class", f"{self.cases} of clip and class")

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over the classes, or σ of each: (…, C) → (…, C)."""
        return torch.sigmoid(logits) if self.multi_label else torch.softmax(logits, dim=-1)

    def loss(self, logits: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
        """Cross-entropy with the wanted probabilities, (B, C), (B, C), mean over clips; of several
        classes binary, mean over both, a positive of each class weighing its `weights` (C,)."""
        if self.multi_label:
            return functional.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weights)
        return functional.cross_entropy(logits, wanted)

    def score(self, logits: Tensor) -> Tensor:
        """What FF is a drop of: logits, or probabilities as in the paper's Fig. 2: (…, C)."""
        return torch.sigmoid(logits) if self.multi_label else logits

    def drop(self, logits: Tensor, without: Tensor, target: int) -> Tensor:
        """FF_x (Eq. 6) (N,): how far the class's `score` falls from the clip's logits (C,) to those
        without something (N, C). An equal logit is no drop, whatever σ rounds."""
        fell = self.score(logits)[target] - self.score(without)[:, target]
        return torch.where(without[:, target] == logits[target], 0.0, fell)

    def decided(self, logits: Tensor) -> tuple[int, ...]:
        """The classes decided for by logits (C,): the most probable one, or all above 0.5, the most
        probable first, maybe none."""
        order = torch.argsort(logits, descending=True, stable=True).tolist()
        if self.multi_label:
            return tuple(c for c in order if logits[c] > 0)
        return (order[0],)

    def agrees(self, logits: Tensor, theirs: Tensor | None, target: int) -> bool | None:
        """Whether the first class by an interpreter's logits (C,) is f's; of several classes,
        whether both hear the target, or neither; None without logits."""
        if theirs is None:
            return None
        if self.multi_label:
            return bool((theirs[target] > 0) == (logits[target] > 0))
        return int(theirs.argmax()) == int(logits.argmax())


ONE_CLASS = Task(False, unit(False), _RESOLUTION, "says", "clips")
# A probability moves by at most a quarter of what its logit does.
SEVERAL_CLASSES = Task(True, unit(True), _RESOLUTION / 4, "hears", "pairs")


def task_of(multi_label: bool) -> Task:
    """The task by a bundle's or a data set's flag."""
    return SEVERAL_CLASSES if multi_label else ONE_CLASS
