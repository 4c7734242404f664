"""One decision of f explained: one clip, one class, one choice of components."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from torch import Tensor

from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis, Interpretation, Sweep, Verdict
from l2i_core.measure.random import KINDS, RandomDrops, draw
from l2i_core.signal.condition import Condition, little, of_sound


@dataclass(frozen=True, slots=True)
class Explained:
    """An engine, a clip's analysis, an interpretation of it, and what f says of that, asked once.

    `turn` is held while f is asked: a server's requests take turns. `memory` keeps the answers;
    whoever exchanges τ alone, and not the components, may share it. condition: of the file that the
    clip is from, where there is one.
    """

    engine: L2I
    analysis: Analysis
    interpretation: Interpretation
    turn: AbstractContextManager[Any] = field(default_factory=nullcontext, compare=False)
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    condition: Condition | None = field(default=None, compare=False)

    @property
    def name(self) -> tuple[str, str, bytes]:
        """What tells it from everything else that may be explained of the clip, in caches."""
        made = self.interpretation
        return made.target, made.mask_domain, made.gains.numpy().tobytes()

    @property
    def sounds(self) -> dict[str, Tensor]:
        """x, x_int and x_2 (n′,) at the clip's own level, by the names of their files."""
        made = self.interpretation
        return {
            "input": self.analysis.waveform,
            "interpretation": made.audio,
            "residual": made.residual,
        }

    @property
    def heard(self) -> Condition:
        """What must be known of the sound before f's decision."""
        return heard(self.engine, self.analysis, self.condition)

    @property
    def relevance(self) -> Tensor:
        """r (K,), whatever τ, as FF is measured by."""
        index = self.interpretation.target_index
        return self.engine.relevance(self.analysis, index, measured=True)

    @property
    def verdict(self) -> Verdict:
        """What f says of x_int and x_2."""
        return self._once("verdict", lambda: self.engine.judge(self.analysis, self.interpretation))

    @property
    def sweep(self) -> Sweep:
        """The same for all τ of an evaluation, by τ alone."""
        made = self.interpretation
        return self._once(
            "sweep",
            lambda: self.engine.sweep(
                self.analysis, made.target_index, mask_domain=made.mask_domain
            ),
        )

    def randoms(
        self, kinds: Sequence[str] = KINDS, draws: int = 20, seed: int = 0
    ) -> tuple[RandomDrops, ...]:
        """FF after removing random components instead, those of `measure.random.KINDS`."""
        made = self.interpretation
        return self._once(
            (*kinds, draws, seed),
            lambda: draw(
                self.engine,
                self.analysis,
                made.target_index,
                made.gains,
                kinds,
                draws=draws,
                generator=np.random.default_rng(seed),
                mask_domain=made.mask_domain,
            ),
        )

    def _once(self, name: Any, ask: Callable[[], Any]) -> Any:
        if name not in self.memory:
            with self.turn:
                self.memory[name] = ask()
        return self.memory[name]


def heard(engine: L2I, analysis: Analysis, file: Condition | None = None) -> Condition:
    """The condition of a clip as f hears it, with what is known of the file that it is from."""
    rate, length = engine.audio.sample_rate, len(analysis.waveform)
    if "condition" not in analysis.memory:
        analysis.memory["condition"] = of_sound(analysis.waveform.numpy(), rate)
    clip = analysis.memory["condition"]
    nothing, warnings = clip.nothing, clip.warnings
    if file is not None:
        nothing, warnings = file.nothing or nothing, file.warnings
    if length < engine.min_length:
        warnings = tuple(told for told in warnings if told != little(length / rate))
        warnings += (
            f"The clip lasts {length / rate:.2f} s; f needs {engine.min_length / rate:.2f} s, so "
            "it hears silence after it.",
        )
    return replace(clip, nothing=nothing, warnings=warnings)
