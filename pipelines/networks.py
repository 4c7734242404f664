"""What f may be made of: for each `classifier.kind` of a config how its network is made, which
log-mel it reads, where its weights start, and the classifier that it becomes."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from l2i_core.bundle import load_bundle
from l2i_core.classifiers import yamnet
from l2i_core.classifiers.kumar import Classifier, KumarVgg, load_kumar
from l2i_core.classifiers.opening import opened
from l2i_core.classifiers.protocol import SoundClassifier, network_of
from l2i_core.classifiers.yamnet import Yamnet, YamnetNetwork
from l2i_core.data.clips import DataSet
from l2i_core.signal import spectra
from pipelines.config import Config, GivenConfig

_EQUALISED_ON = 96  # clips


class Recipe(Protocol):
    """One kind of network under a config. decibel: what one dB is in its log-mel; head: its modules
    that learn at `classifier.head_learning_rate`."""

    decibel: float
    head: tuple[str, ...]

    def network(self, n_classes: int) -> nn.Module:
        """A new one: log-mel (B, bands, T) → logits (B, C) and maps."""
        ...

    def log_mel(self, waveforms: Tensor) -> Tensor:
        """What it reads (B, bands, T) of sounds (B, n)."""
        ...

    def n_frames(self, length: int) -> int:
        """T of so many samples."""
        ...

    def min_seconds(self, network: Any) -> float:
        """The shortest sound that it can learn from."""
        ...

    def start(self, network: Any, features: Tensor) -> bool:
        """Give it the weights that the config names; whether there are any. features: the log-mels
        (N, bands, T) that it will learn from."""
        ...

    def normalise(self, network: Any, features: Tensor) -> None:
        """Fit it to the log-mels (N, bands, T) that it will learn from anew."""
        ...

    def body(self, network: Any) -> list[nn.Module]:
        """All of it but its prediction layers."""
        ...

    def classifier(self, network: Any, data: DataSet) -> SoundClassifier:
        """f with the trained network."""
        ...


class Kumar:
    """Kumar's VGG: from the weights of `pretrained`, of `start_from`'s f, or at random."""

    decibel = 1.0
    head: tuple[str, ...] = ("head", "linear")

    def __init__(self, config: Config) -> None:
        self._config = config

    def network(self, n_classes: int) -> Classifier:
        config = self._config
        return Classifier(
            n_classes,
            config.audio.n_mels,
            dropout=config.classifier.dropout,
            map_blocks=config.map_blocks,
            width=config.classifier.width,
        )

    def log_mel(self, waveforms: Tensor) -> Tensor:
        audio = self._config.audio
        return spectra.log_mel(spectra.stft(waveforms, audio).abs(), audio)

    def n_frames(self, length: int) -> int:
        return self._config.audio.n_frames(length)

    def min_seconds(self, network: Classifier) -> float:
        audio = self._config.audio
        return (network.min_frames - 1) * audio.hop_length / audio.sample_rate

    def start(self, network: Classifier, features: Tensor) -> bool:
        settings = self._config.classifier
        if settings.pretrained:  # Kumar's network was trained on plain decibels
            load_kumar(network, read_weights(settings.pretrained))
            return True
        if settings.start_from:
            theirs = bundled(settings.start_from, Classifier, "Kumar's")
            if theirs.width != network.width:
                raise ValueError(
                    f"the f of classifier.start_from has the width {theirs.width:g}, the recipe "
                    f"{network.width:g}; set classifier.width to {theirs.width:g}."
                )
            keep_last(network, theirs, "linear.")
            return True
        return False

    def normalise(self, network: Classifier, features: Tensor) -> None:
        network.offset.fill_(round(float(features.mean()), 3))
        network.scale.fill_(round(float(features.std()), 3))

    def body(self, network: Classifier) -> list[nn.Module]:
        return [network.blocks, network.embedding]

    def classifier(self, network: Classifier, data: DataSet) -> KumarVgg:
        return KumarVgg(network, self._config.audio, data.classes, data.multi_label)


class FineTunedYamnet:
    """YAMNet with a head of its own: from AudioSet's weights (L2I_YAMNET), or `start_from`'s f."""

    decibel = 0.1151  # ln(10) / 20
    head: tuple[str, ...] = ("head",)

    def __init__(self, config: Config) -> None:
        if config.audio.sample_rate != Yamnet.sample_rate:
            raise ValueError(
                f"YAMNet hears {Yamnet.sample_rate} Hz, audio.sample_rate is "
                f"{config.audio.sample_rate}; set it to {Yamnet.sample_rate}."
            )
        self._config = config

    def network(self, n_classes: int) -> YamnetNetwork:
        config = self._config
        return YamnetNetwork(n_classes, "mean-max", config.map_blocks, config.classifier.dropout)

    def log_mel(self, waveforms: Tensor) -> Tensor:
        return yamnet.log_mel(waveforms)

    def n_frames(self, length: int) -> int:
        return yamnet.n_frames(length)

    def min_seconds(self, network: YamnetNetwork) -> float:
        return Yamnet.min_seconds

    def start(self, network: YamnetNetwork, features: Tensor) -> bool:
        name = self._config.classifier.start_from
        theirs = bundled(name, YamnetNetwork, "YAMNet's") if name else yamnet.published()[0]
        keep_last(network, theirs, "head.", "normalise.")
        if not name:
            every = max(1, len(features) // _EQUALISED_ON)
            equalise(network, features[::every][:_EQUALISED_ON])
        return True

    def normalise(self, network: YamnetNetwork, features: Tensor) -> None:
        raise AssertionError("it always starts from weights")

    def body(self, network: YamnetNetwork) -> list[nn.Module]:
        return [network.stem, network.blocks]

    def classifier(self, network: YamnetNetwork, data: DataSet) -> Yamnet:
        return Yamnet(network, data.classes, data.multi_label)


def equalise(network: YamnetNetwork, log_mel: Tensor) -> None:
    """Bring the channels of all convolutions to an RMS of 1 on log_mel (N, 64, T) and leave what
    the network computes as it is: what a channel is divided by, the next layer multiplies again
    (Nagel et al. 2019), which a ReLU allows.

    Folding the batch normalisations left weights of which some layers' are fifty times smaller
    than others', so that no learning rate suits all. The divisor of a channel that is hardly ever
    active is a twentieth of its layer's mean.
    """
    chain = network.convolutions
    squares: dict[nn.Module, Tensor] = dict.fromkeys(chain, torch.zeros(()))

    def add(layer: nn.Module, given: Any, made: Tensor) -> None:
        squares[layer] = squares[layer] + made.square().mean(dim=(0, 2, 3))

    hooks = [layer.register_forward_hook(add) for layer in chain]
    parts, training = log_mel.split(16), network.training
    network.eval()
    with torch.no_grad():
        for part in parts:
            network(part)
        for hook in hooks:
            hook.remove()
        network.train(training)
        for layer, following in zip(chain, [*chain[1:], None], strict=True):
            size = (squares[layer] / len(parts)).sqrt()
            size = size.clamp_min(0.05 * float(size.mean()))
            for values in layer.parameters():
                values.div_(size.view(-1, *[1] * (values.ndim - 1)))
            if following is not None:
                by_channel = (-1, 1, 1, 1) if following.groups > 1 else (1, -1, 1, 1)
                following.weight *= size.view(by_channel)


RECIPES: dict[str, Callable[[Config], Recipe]] = {"kumar": Kumar, "yamnet": FineTunedYamnet}


def recipe_of(config: Config) -> Recipe:
    """The recipe of a config's `classifier.kind`; ValueError where f is given."""
    if config.given.model:
        raise ValueError(f"the config's f is given, {config.given.model}: it is not trained here.")
    return RECIPES[config.classifier.kind](config)


def given(settings: GivenConfig) -> SoundClassifier:
    """The f that a config gives, opened and asked once for each version of its file."""
    file = Path(settings.model.rpartition(":")[0] or settings.model)
    return _opened(settings, file.stat().st_mtime_ns if file.exists() else 0)


@lru_cache(maxsize=1)
def _opened(settings: GivenConfig, changed: int) -> SoundClassifier:
    return opened(
        settings.model,
        classes=settings.classes or None,
        rate=settings.rate,
        multi_label=settings.multi_label,
        outputs=settings.outputs,
    )


def keep_last(network: nn.Module, known: nn.Module, *last: str) -> None:
    """Give a network another's weights but for its layers `last`, by the beginnings of names."""
    own = {k: v for k, v in network.state_dict().items() if k.startswith(last)}
    theirs = {k: v for k, v in known.state_dict().items() if not k.startswith(last)}
    network.load_state_dict({**theirs, **own})


def bundled(name: str, kind: type[nn.Module], whose: str) -> nn.Module:
    """The network of a bundle's f; ValueError where it is of another kind than we train."""
    network = network_of(load_bundle(name).classifier)
    if not isinstance(network, kind):
        raise ValueError(f"classifier.start_from: the f of {name} is not {whose} network.")
    return network


def read_weights(path: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file; ValueError for an absent or another file."""
    if not Path(path).is_file():
        raise ValueError(
            f"classifier.pretrained: no such file: {path}. Write it with "
            "python -m pipelines.import_kumar FILE, or name another file."
        )
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"classifier.pretrained: {path} is not a safetensors file.") from error
