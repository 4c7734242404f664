"""What explains a decision of f: where activations come from, and where relevance does.

A stranger's file writes a class, and adds it; every model then offers it beside its own:

    from l2i_core.explainers.protocol import EXPLAINERS, Explainer

    @EXPLAINERS.add("mine")
    class Mine(Explainer):
        title = "Mine"
        description = "One sentence."

        def relevance(self, analysis, target, ask):  # → r (K,), at most 1
            ...
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor

from l2i_core.classifiers.protocol import Heard, SoundClassifier
from l2i_core.dictionary import choice, nmf
from l2i_core.registry import Registry
from l2i_core.signal.spectra import Spectrogram
from l2i_core.task import Task

T = TypeVar("T")
GRADIENT, LAYERS = "gradient", "layers"  # what an explainer may need of f


@dataclass(frozen=True, slots=True)
class Activations:
    """H (K, T), and what a Θ adds: z (K,), attention (T,) summing to 1, its own logits (C,)."""

    activations: Tensor
    pooled: Tensor | None = None
    attention: Tensor | None = None
    logits: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything about a clip that depends on neither class nor τ: one pass of f, and H.

    waveform (n',) is mono, at the model's rate and the clip's own level; `gain` · waveform is what
    f met; `seconds` says which part of the given clip it is. spectrogram: X, phase (F, T) at f's
    scale. logits (C,); activations H (K, T) of the dictionary `patterns` W (F, K); pooled z (K,),
    by Θ or, without one, the mean over time. Of an explainer with a Θ also its logits
    `interpreter_logits` (C,) and attention (T,), summing to 1; else None. Long clips are analysed
    in `windows`, frame ranges, with logits `window_logits` (n, C); the clip's logits and z are the
    windows' means, so that relevances still sum to the interpreter's logit. `memory` keeps what was
    computed of this clip, by name.
    """

    waveform: Tensor
    seconds: tuple[float, float]
    gain: float
    spectrogram: Spectrogram
    logits: Tensor
    activations: Tensor
    patterns: Tensor
    windows: tuple[tuple[int, int], ...]
    window_logits: Tensor
    pooled: Tensor
    interpreter_logits: Tensor | None = None
    attention: Tensor | None = None
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def predicted(self) -> int:
        """f's most probable class."""
        return int(self.logits.argmax())


class Ask(Protocol):
    """f on one clip's components: gains (N, K) in [0, 1] → logits (N, C), differentiable where f
    is; `silence` (C,) is f on nothing."""

    @property
    def silence(self) -> Tensor: ...

    @property
    def task(self) -> Task:
        """What f's logits mean."""
        ...

    def kept(self, gains: Tensor) -> Tensor:
        """f on the sound of M ⊙ X."""
        ...

    def left(self, gains: Tensor) -> Tensor:
        """f on the sound of (1 − M) ⊙ X: not `kept(1 − gains)`, for where W H = 0 the bin stays in
        the residual."""
        ...

    def both(self, gains: Tensor) -> tuple[Tensor, Tensor]:
        """`kept` and `left`, their masks computed once."""
        ...

    def energies(self) -> Tensor:
        """Every component's share of ‖X‖² (K,)."""
        ...

    def tell(self, done: int, total: int) -> object:
        """How far what takes long is."""
        ...


class Explainer(ABC):
    """Where activations come from and where relevance does; below relevance all is one code.

    title and description name it to a reader; `needs` of f: LAYERS, GRADIENT or nothing; `seconds`:
    what the relevances of one class cost, roughly; `dictionary`: "bundle" or "clip", the W that it
    explains best with, where none is chosen. class_weights: θ (C, K) where a linear layer on
    pooled activations mimics f, else None.
    """

    title: str = ""
    description: str = ""
    needs: ClassVar[frozenset[str]] = frozenset()
    seconds: float = 0.0
    dictionary: ClassVar[str] = choice.BUNDLE
    class_weights: Tensor | None = None

    def activations(self, heard: Heard, log_magnitude: Tensor, patterns: Tensor) -> Activations:
        """H of one window: X (F, T), W (F, K), what f gave for it. By default the projection of X
        on W (Eq. 5 with W fixed)."""
        return Activations(nmf.project(log_magnitude, patterns, iterations=60))

    @abstractmethod
    def relevance(self, analysis: Analysis, target: int, ask: Ask) -> Tensor:
        """r (K,) of every component for a class, at most 1."""

    def measured_relevance(self, analysis: Analysis, target: int, ask: Ask) -> Tensor:
        """r (K,) as FF is measured by: the same, but for the released code's (`conventions`)."""
        return self.relevance(analysis, target, ask)


def missing(explainer: type[Explainer] | Explainer, classifier: SoundClassifier) -> str:
    """Why an explainer cannot explain f, as the end of a sentence; "" where it can."""
    if LAYERS in explainer.needs and not classifier.layers:
        return "it reads f's hidden layers, and this classifier shows none"
    if GRADIENT in explainer.needs and not classifier.differentiable:
        return "it needs f's gradient, and this classifier gives none"
    return ""


def with_settings(text: str) -> tuple[str, dict[str, float]]:
    """A name and settings from "search" or "search:energy=3,steps=40"; ValueError for another
    form."""
    name, _, rest = text.partition(":")
    settings = {}
    for part in rest.split(",") if rest else ():
        key, _, value = part.partition("=")
        try:
            number = float(value)
            settings[key.strip()] = int(number) if number.is_integer() else number
            if not math.isfinite(number):
                raise ValueError
        except ValueError:
            raise ValueError(f"{part!r} of {text!r} is no setting; write NAME=NUMBER.") from None
    return name, settings


def made(name: str, settings: Mapping[str, float]) -> Explainer:
    """The registered explainer with these settings; ValueError names those it has."""
    kind = EXPLAINERS[name]
    known = inspect.signature(kind).parameters
    if other := sorted({*settings} - {*known}):
        has = ", ".join(known) or "none"
        raise ValueError(f"{name} has no setting {other[0]!r}; it has: {has}.")
    return kind(**settings)


def usable(classifier: SoundClassifier) -> str:
    """The first registered explainer that can explain f without training; ValueError for none."""
    reasons = {name: missing(kind, classifier) for name, kind in EXPLAINERS.items()}
    for name, reason in reasons.items():
        if not reason:
            return name
    why = next(iter(reasons.values()))
    raise ValueError(f"nothing explains this classifier without training: {why}.")


class ExplainerError(ValueError):
    """An explainer does not answer as the protocol says: one sentence that names it."""


def asked(name: str, method: Callable[..., T], *given: Any) -> T:
    """What a method of an explainer gives; ExplainerError for whatever it raises."""
    try:
        return method(*given)
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ExplainerError(f"{name}.{method.__name__} failed: {kind}{error}") from error


def checked_relevance(name: str, relevance: Any, n_components: int) -> Tensor:
    """r (K,) as an explainer gave it; ExplainerError says the shape received and the one wanted."""
    if not isinstance(relevance, Tensor) or tuple(relevance.shape) != (n_components,):
        shape = tuple(getattr(relevance, "shape", ())) or type(relevance).__name__
        raise ExplainerError(
            f"{name}.relevance gave {shape}, wanted ({n_components},): one number a component."
        )
    if not bool(torch.isfinite(relevance).all()):
        raise ExplainerError(f"{name}.relevance gave NaN or infinite numbers.")
    return relevance.detach()


def checked_activations(name: str, found: Any, patterns: Tensor, frames: int) -> Activations:
    """H (K, T) of the patterns (F, K) as an explainer gave it, with what its Θ adds."""
    if not isinstance(found, Activations):
        kind = type(found).__name__
        raise ExplainerError(f"{name}.activations gave {kind}, wanted Activations.")
    wanted, shape = (patterns.shape[1], frames), tuple(found.activations.shape)
    if shape != wanted:
        raise ExplainerError(f"{name}.activations gave {shape}, wanted {wanted}: K × T.")
    return found


def _explainer(name: str, entry: Any) -> None:
    if not (isinstance(entry, type) and issubclass(entry, Explainer)):
        raise ValueError(f"{name!r} is no Explainer; write class {name.title()}(Explainer).")
    if abstract := sorted(entry.__abstractmethods__):
        raise ValueError(
            f"{entry.__name__} lacks the method {abstract[0]}: analysis, target, ask → r (K,)."
        )
    if not entry.title or not entry.description:
        raise ValueError(f"{entry.__name__} lacks a title or a description.")


EXPLAINERS: Registry[type[Explainer]] = Registry("l2i_core.explainers", "explainer", _explainer)
