"""Any Python function that scores sounds, a black box: a process, a server, another library."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from l2i_core.classifiers.foreign import Answer, Foreign
from l2i_core.classifiers.protocol import BATCH


class Function(Foreign):
    """A function of waveforms (B, n), float32 at `sample_rate` Hz, that returns (B, C) as an array,
    a list or a tensor, as a classifier. The other arguments are `wrap`'s; batch: most sounds at
    once. ValueError, in one sentence, for one that cannot be asked.
    """

    inside = "take waveforms (B, n) and return (B, C)"

    def __init__(
        self,
        function: Callable[[np.ndarray], Any],
        *,
        sample_rate: int,
        classes: Sequence[str],
        multi_label: bool = False,
        outputs: str | None = None,
        length: int | None = None,
        batch: int = BATCH,
    ) -> None:
        kind = type(function).__name__
        if not callable(function):
            raise ValueError(f"wrap_function takes a function, received {kind}.")
        self.function, name = function, getattr(function, "__name__", kind)
        settings: dict[str, Any] = {"outputs": outputs, "length": length, "batch": batch}
        super().__init__(name, sample_rate, classes, multi_label, **settings)

    def _ask(self, sounds: Tensor) -> Answer:
        return self.function(sounds.detach().clone().numpy()), ()


wrap_function = Function
