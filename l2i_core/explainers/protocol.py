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

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from l2i_core.classifiers.protocol import Heard, SoundClassifier
from l2i_core.dictionary import choice, nmf
from l2i_core.explainers.ask import Ask
from l2i_core.explainers.explained import Analysis
from l2i_core.registry import Registry

T = TypeVar("T")
GRADIENT, LAYERS = "gradient", "layers"  # what an explainer may need of f


@dataclass(frozen=True, slots=True)
class Activations:
    """H (K, T), and what a Θ adds: z (K,), attention (T,) summing to 1, its own logits (C,)."""

    activations: Tensor
    pooled: Tensor | None = None
    attention: Tensor | None = None
    logits: Tensor | None = None


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
