"""What a page looks at, as the context bar made it: model, clip, class, choice, the clip analysed."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from l2i_core import L2I, Analysis
from l2i_core.measure.explained import Explained, heard
from l2i_core.signal.condition import Condition
from pages.shell import cached, decisions
from pages.shell.cached import Key, Overview
from pages.shell.clips import ClipSource
from pages.show import pictures
from pages.show.choice import Choice


@dataclass(frozen=True, slots=True)
class View:
    """What the user looks at. `head` and `corner` are places above the context bar, for the
    page's question and its downloads, `said` and `below` are beside and below the class to explain;
    `key` names clip and model in every cache."""

    engine: L2I
    source: ClipSource
    analysis: Analysis
    overview: Overview | None
    window: tuple[float, float] | None
    target: str
    choice: Choice
    key: Key
    head: DeltaGenerator
    corner: DeltaGenerator
    said: DeltaGenerator | None = None
    below: DeltaGenerator | None = None

    @property
    def threshold(self) -> float:
        """τ."""
        return self.choice.tau

    @property
    def domain(self) -> str:
        """The mask domain."""
        return self.choice.domain

    def picture(
        self, what: Hashable, log_magnitude: Tensor | Callable[[], Tensor], dim: bool = False
    ) -> bytes:
        """`pictures.of_clip` of X_int, X_2 or X itself (F, T), which `what` names in the cache; a
        function is called where the picture is not there yet."""

        def draw(shown: str) -> bytes:
            x = log_magnitude() if callable(log_magnitude) else log_magnitude
            config = self.engine.audio
            return pictures.of_clip(self.analysis, x, config, shown, self.start, dim)

        return pictures.once((self.key, what, dim), draw)

    def explained(self, target: str | None = None, choice: Choice | None = None) -> Explained:
        """The explanation on screen, or one of another class or by another choice."""
        target, choice = target or self.target, choice or self.choice
        made = cached.explained(self.key, self.engine, self.analysis, target, choice)
        return replace(made, condition=cached.condition(self.source.digest, self.source))

    @property
    def heard(self) -> Condition:
        """What must be known of the sound before f's decision."""
        file = cached.condition(self.source.digest, self.source)
        return heard(self.engine, self.analysis, file)

    @property
    def unsupported(self) -> str:
        """What is said behind f's decision on a clip in which there is nothing to hear, else ""."""
        return ", :orange[unsupported]" if self.heard.nothing else ""

    @property
    def start(self) -> float:
        """Seconds at the left edge of its pictures."""
        return self.window[0] if self.window else 0.0

    @property
    def agrees(self) -> bool | None:
        """Whether the interpreter follows f, of a multi-label model for the class to explain."""
        return self.follows(self.target)

    def follows(self, target: str) -> bool | None:
        """Whether the interpreter follows f for a class, see `Task.agrees`."""
        index, theirs = self.engine.class_index(target), self.analysis.interpreter_logits
        return self.engine.task.agrees(self.analysis.logits, theirs, index)

    @property
    def decided(self) -> tuple[str, ...]:
        """The classes that f decides for, the most probable first."""
        return decisions.decided(self.engine, self.analysis.logits)

    @property
    def dictionary(self) -> tuple[str, ...]:
        """W by name: the model and its date, where W is the clip's own the clip and window too."""
        model = (self.key.bundle, f"{self.key.stamp}")
        return (*model, *self.key[-2:]) if self.own_dictionary else model

    @property
    def own_dictionary(self) -> bool:
        """Whether W is the clip's own: no other clip has these components."""
        return not self.engine.bundle.dictionary.n_components


def current() -> View:
    """The view that the router prepared in this run."""
    return st.session_state["l2i_view"]
