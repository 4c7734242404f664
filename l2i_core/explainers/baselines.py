"""The trained baselines that a bundle may hold beside its interpreters: FLINT and VIBI."""

from dataclasses import dataclass

from torch import nn

from l2i_core.classifiers.protocol import SoundClassifier, network_of
from l2i_core.explainers.flint import Flint
from l2i_core.explainers.vibi import Vibi

BASELINES = ("flint", "vibi")


@dataclass(frozen=True, slots=True)
class BaselineInfo:
    """How one trained baseline was built, and how to name it to a reader. kept_chunks: VIBI's k;
    pool: over how many points its input is averaged, each way."""

    kind: str
    title: str
    description: str
    channels: int = 0
    kept_chunks: int = 0
    pool: int = 1


def new_baseline(info: BaselineInfo, classifier: SoundClassifier, n_components: int) -> nn.Module:
    """An untrained FLINT or VIBI that fits f; FLINT has as many attributes as W has components."""
    n_classes = len(classifier.classes)
    if info.kind == "flint":
        channels = [layer.channels for layer in classifier.layers]
        return Flint(channels, n_components, n_classes, info.channels)
    if info.kind == "vibi":
        network = network_of(classifier)  # whose normalisation of the log-mel VIBI takes over
        offset, scale = (float(getattr(network, n, d)) for n, d in (("offset", 0), ("scale", 1)))
        return Vibi(n_classes, info.kept_chunks, offset, scale, info.pool)
    raise ValueError(f"unknown baseline {info.kind!r}; accepted: {', '.join(BASELINES)}.")
