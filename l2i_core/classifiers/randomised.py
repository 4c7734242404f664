"""f with weights drawn anew from the top down, for the model-randomisation check: Adebayo et al.
2018, "Sanity Checks for Saliency Maps" (Quantus calls it MPRT). f itself is never touched.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from l2i_core.classifiers.faults import first_line
from l2i_core.classifiers.foreign import probe_sounds
from l2i_core.classifiers.protocol import SoundClassifier, module_of

_SECONDS = 1.0  # of the probe sounds, at least
_NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm)  # a layer's own, drawn with it


class Randomiser:
    """Copies of a classifier f whose top layers have other weights.

    layers: names of the modules that have weights of their own, the last that a pass reaches
    first; a normalisation goes with the layer before it. ValueError, in one sentence, for a black
    box, for a module without weights, and for one that cannot be copied.
    """

    def __init__(self, classifier: SoundClassifier) -> None:
        self._f, self._name = classifier, name_of(classifier)
        _, weighted = check_drawable(classifier)
        self._place = {name: place for place, name in enumerate(weighted)}
        self._drawn: tuple[int, dict[str, nn.Module]] | None = None
        self.layers = self._from_the_top(weighted)

    def drawn(self, count: int, seed: int) -> SoundClassifier:
        """A copy of f with new weights in its first `count` layers, counted from the top.

        A layer's draw depends on the seed and the layer alone. Its own `reset_parameters` draws, as
        before training; without one, its values are permuted. New values have the trained ones'
        root mean square, and a batch normalisation's statistics are those of the new layer's
        answers to probe sounds: a deep f as `reset_parameters` leaves it answers every sound alike,
        within float32 (YAMNet by 3e-9 of a logit), so that there would be nothing to explain.
        """
        new = self._anew(seed)
        made, module = self._copied()
        parts = dict(module.named_modules())
        names = [name for group in self.layers[:count] for name in group]
        with torch.no_grad():
            for name in names:
                for own, other in zip(_own(parts[name]), _own(new[name]), strict=True):
                    own.copy_(other)
        with _measuring([parts[name] for name in names]):
            _probe(made)
        return made

    def _anew(self, seed: int) -> dict[str, nn.Module]:
        """The modules of a copy whose layers are all drawn; the last seed's are kept."""
        if self._drawn is None or self._drawn[0] != seed:
            parts = dict(self._copied()[1].named_modules())
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                for name in (name for group in self.layers for name in group):
                    entropy = np.random.SeedSequence([seed, self._place[name]])
                    torch.manual_seed(int(entropy.generate_state(1)[0]))
                    _redraw(parts[name])
            self._drawn = (seed, parts)
        return self._drawn[1]

    def _copied(self) -> tuple[SoundClassifier, nn.Module]:
        try:
            made = copy.deepcopy(self._f)
        except Exception as error:  # a stranger's class may raise anything
            raise ValueError(
                f"{self._name} cannot be copied ({first_line(error)}), and f itself is never drawn "
                "anew."
            ) from error
        module = module_of(made)
        assert module is not None
        return made, module

    def _from_the_top(self, weighted: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Groups of names by the order in which a pass reaches them; a module that is not called
        itself (its parent reads its weights) comes with its parent."""
        made, module = self._copied()
        reached: dict[str, int] = {}

        def hook(name: str) -> Any:
            def reach(*_: Any) -> None:
                reached.setdefault(name, len(reached))

            return reach

        parts = dict(module.named_modules())
        for name, part in parts.items():
            part.register_forward_pre_hook(hook(name))
        _probe(made)

        def moment(name: str) -> tuple[int, int]:
            while name and name not in reached:
                name = name.rpartition(".")[0]
            return reached.get(name, -1), self._place.get(name, -1)

        groups: list[list[str]] = []
        for name in sorted(weighted, key=moment):
            if groups and isinstance(parts[name], _NORMS):
                groups[-1].append(name)
            else:
                groups.append([name])
        return tuple(tuple(group) for group in reversed(groups))


def check_drawable(classifier: SoundClassifier) -> tuple[nn.Module, list[str]]:
    """f's module, and the names of those in it that have weights of their own; ValueError, in one
    sentence, where there is none."""
    module, name = module_of(classifier), name_of(classifier)
    if module is None:
        raise ValueError(
            f"{name} is a black box: its weights are not here, so they cannot be drawn anew to see "
            "whether an explanation depends on them."
        )
    weighted = [name for name, part in module.named_modules() if _weights(part)]
    if not weighted:
        raise ValueError(f"{name} has no weights that could be drawn anew.")
    return module, weighted


def name_of(classifier: SoundClassifier) -> str:
    """How a sentence calls a classifier."""
    given = getattr(classifier, "given", classifier)
    return str(getattr(given, "name", type(given).__name__))


def _weights(part: nn.Module) -> bool:
    statistics = isinstance(part, _BatchNorm) and part.running_mean is not None
    return statistics or any(True for _ in part.parameters(recurse=False))


def _own(part: nn.Module) -> list[torch.Tensor]:
    return [*part.parameters(recurse=False), *part.buffers(recurse=False)]


def _redraw(part: nn.Module) -> None:
    own = [w for w in part.parameters(recurse=False) if w.is_floating_point() and w.numel()]
    before = [weights.clone() for weights in own]
    reset = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
    if reset is not None:
        reset()
    for old, new in zip(before, own, strict=True):
        power = new.square().mean()
        new.mul_(torch.where(power > 0, old.square().mean() / power, power).sqrt())
    if all(torch.equal(a, b) for a, b in zip(before, own, strict=True)):
        for weights in own:
            flat = weights.flatten()
            weights.copy_(flat[torch.randperm(len(flat))].view_as(weights))


@contextmanager
def _measuring(parts: Sequence[nn.Module]) -> Iterator[None]:
    """In a pass inside, each of these batch normalisations takes what reaches it for its
    statistics, in the order of the pass."""

    def measure(part: _BatchNorm, inputs: tuple[torch.Tensor, ...]) -> None:
        given = inputs[0].transpose(0, 1).flatten(1).double()
        assert part.running_mean is not None
        assert part.running_var is not None
        part.running_mean.copy_(given.mean(1))
        part.running_var.copy_(given.var(1, correction=0))

    handles = [
        part.register_forward_pre_hook(measure)
        for part in parts
        if isinstance(part, _BatchNorm) and part.running_mean is not None
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _probe(classifier: SoundClassifier) -> None:
    rate = classifier.sample_rate
    n = math.ceil(max(_SECONDS, classifier.min_seconds) * rate)
    with torch.no_grad():
        classifier.hear(probe_sounds(n, rate, 5))
