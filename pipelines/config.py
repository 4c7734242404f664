"""Experiment files: YAML → frozen dataclasses, strictly (an unknown key is an error)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from l2i_core.bundle import check_name
from l2i_core.explainers import flint, vibi
from l2i_core.explainers.l2i import MAPS, POOLINGS, READS
from l2i_core.explainers.protocol import EXPLAINERS
from l2i_core.explainers.training import Training
from l2i_core.measure.evaluation import Settings
from l2i_core.signal.corrupt import COLOURS, check_snr
from l2i_core.signal.spectra import AudioConfig
from l2i_core.strict import at_least, build

PRECISIONS = ("bfloat16", "float32")
NETWORKS = ("kumar", "yamnet")
CLIP = "clip"  # the noise that is another training clip
Baseline = flint.Settings | vibi.Settings
# The two were one dataclass once: stored configs hold the other's settings, too, and the recipes
# of checkpoints hash them.
_OTHERS = {
    "flint": {"kept_chunks": 20, "compression": 0.1, "temperature": 0.5, "pool": 1},
    "vibi": {"channels": 128, "reconstruction": 10.0, "sparsity": 0.6, "entropy": 0.2},
}


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Which clips train, validate and test. Folds hold whole recordings, so splits do too."""

    kind: str = "esc10"
    root: str | None = None
    train_folds: tuple[int, ...] = (2, 3, 4, 5)
    test_folds: tuple[int, ...] = (1,)
    seconds: float = 5.0  # training clips are cut or zero-padded to this length
    synth_seeds: int = 0  # synthesised training clips per class, added to the training folds
    skip_damaged: bool = False  # False: a damaged clip stops the run; True: it is left out
    stretches: bool = False  # a longer recording gives several clips of `seconds`, not its first
    without: tuple[str, ...] = ()  # clips that are left out, by name
    most_tested: int = 0  # clips of the test folds, drawn by the seed; 0: all

    def __post_init__(self) -> None:
        at_least(self, 0, "most_tested")
        if self.seconds <= 0:
            raise ValueError(f"data.seconds must be above 0, received {self.seconds}.")
        if both := set(self.train_folds) & set(self.test_folds):
            raise ValueError(
                f"fold {min(both)} both trains and tests: data.train_folds is "
                f"{list(self.train_folds)}, data.test_folds {list(self.test_folds)}; leave it out "
                "of one of them."
            )


@dataclass(frozen=True, slots=True)
class GivenConfig:
    """An f that is there already and is not trained: what `classifiers.opening.opened` takes.
    model: "" where f is trained."""

    model: str = ""
    classes: tuple[str, ...] = ()
    rate: int | None = None
    multi_label: bool | None = None
    outputs: str | None = None


@dataclass(frozen=True, slots=True)
class NoiseConfig:
    """Noise that f's training adds, ours: the paper's f met none. See pipelines.noise."""

    share: float = 0.0  # of each batch's clips; 0: no noise
    kinds: tuple[str, ...] = (*COLOURS, CLIP)  # drawn alike
    snr_db: tuple[float, ...] = (-5.0, 30.0)  # the SNR is drawn between these

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"noise.share must lie between 0 and 1, received {self.share}.")
        known = (*COLOURS, CLIP)
        if not self.kinds or not set(self.kinds) <= set(known):
            raise ValueError(
                f"noise.kinds must be some of {', '.join(known)}, received {list(self.kinds)}."
            )
        if len(self.snr_db) != 2 or self.snr_db[0] > self.snr_db[1]:
            raise ValueError(
                "noise.snr_db must be the lowest and the highest SNR, received "
                f"{list(self.snr_db)}."
            )
        for snr_db in self.snr_db:
            check_snr(snr_db)


@dataclass(frozen=True, slots=True)
class ClassifierConfig(Training):
    """How f is trained; see pipelines.train_classifier."""

    muon_learning_rate: ClassVar[float] = 0.0  # type: ignore[misc]  # not a setting of f's

    kind: str = "kumar"  # or "yamnet", fine-tuned from AudioSet's weights (L2I_YAMNET)
    width: float = 1.0  # share of the channels of Kumar's network, for a smaller and faster f
    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 2e-3
    head_learning_rate: float = 0.0  # of the prediction layers; 0: as all others
    warm_up: float = 0.3  # share of the steps in which the learning rates rise
    weight_decay: float = 1e-2
    dropout: float = 0.2
    mixup: float = 0.3  # Beta(a, a); 0 switches it off
    mixup_free_epochs: int = 10  # the last epochs see unmixed clips, which restores logit size
    stretch: float = 0.2  # largest relative change of tempo
    shift: float = 0.1  # largest relative change of pitch
    masks: int = 2  # of SpecAugment, in time and in frequency each …
    mask_width: float = 1 / 6  # … whose width is at most this share of the axis
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    crop_seconds: float = 0.0  # training sees stretches of this length; 0: whole clips
    whole_epochs: int = 20  # the last epochs see whole clips, as f will be asked about
    pretrained: str | None = None  # safetensors from pipelines.import_kumar, to fine-tune
    head_only: bool = False  # train the prediction layers alone, as the paper does (A.1.2)
    head_epochs: int = 0  # … in the first epochs, and all layers after them
    pretrain_on: str | None = None  # a larger data set: f first learns its same folds
    pretrain_epochs: int = 30
    start_from: str | None = None  # a bundle whose f, but for its last layer, is fine-tuned
    halve_every: int = 0  # epochs after which the learning rate is halved; 0: one cycle
    positive_weights: tuple[float, ...] = ()  # multi-label: a positive's weight in each class

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        at_least(self, 1, "pretrain_epochs")
        if sum(map(bool, (self.pretrained, self.pretrain_on, self.start_from))) > 1:
            raise ValueError(
                "give only one of classifier.pretrained, classifier.pretrain_on and "
                "classifier.start_from."
            )
        if self.head_only and not self.pretrained:
            raise ValueError("classifier.head_only needs weights to build on: set pretrained.")
        at_least(self, 0, "weight_decay", "mixup", "mixup_free_epochs")
        at_least(self, 0, "crop_seconds", "whole_epochs", "halve_every", "head_learning_rate")
        at_least(self, 0, "warm_up", "masks", "mask_width", "head_epochs")
        if self.kind not in NETWORKS:
            known = " or ".join(NETWORKS)
            raise ValueError(f"classifier.kind must be {known}, received {self.kind!r}.")
        if self.kind == "yamnet" and (self.pretrained or self.pretrain_on):
            raise ValueError(
                "a classifier of kind yamnet starts from AudioSet's weights (L2I_YAMNET), or from "
                "the bundle classifier.start_from; leave pretrained and pretrain_on out."
            )


@dataclass(frozen=True, slots=True)
class DictionaryConfig:
    components: int = 100
    sparsity: float = 0.2  # μ of Eq. 5
    iterations: int = 200
    batch: int = 0  # clips of a mini-batch, one an iteration, see OnlineNmf; 0: all at once
    average: int = 5  # frames averaged before the factorisation (A.1.1)
    divergence: str = "euclidean"
    by_class: bool = False  # as many components for each class, learned on clips that hold it …
    noise_components: int = 0  # … beside a W_noise from clips without a class, held fixed
    clips_per_class: int = 700  # at most

    def __post_init__(self) -> None:
        at_least(self, 1, "components", "iterations", "average", "clips_per_class")
        at_least(self, 0, "sparsity", "noise_components", "batch")
        if self.batch and (self.by_class or self.divergence != "euclidean"):
            raise ValueError(
                "dictionary.batch learns all components together by the euclidean divergence; "
                "leave by_class and divergence out, or set batch: 0."
            )
        if self.noise_components and not self.by_class:
            raise ValueError("dictionary.noise_components needs dictionary.by_class: true.")


@dataclass(frozen=True, slots=True)
class InterpreterConfig(Training):
    """One interpreter. Loss weights are those of Eq. 4 on means; `loop_*` is the decision in the
    loop (0: the paper's loss alone)."""

    pooling: str = "attention"
    reads: str = MAPS  # f's maps, or the "log-mel" for an f that shows none
    start_from: str | None = None
    channels: int = 128
    fidelity: float = 1.0
    reconstruction: float = 10.0  # α
    sparsity: float = 0.8  # β
    views: int = 1  # every training clip, and circularly shifted copies of it
    most_clips: int = 0  # training clips, drawn by the seed; 0: all
    partial_views: int = 0  # further copies that lack a random part of their components
    noise: float = 0.0  # share of the copies that have noise, of classifier.noise's kinds and SNRs
    through_sound: bool = False  # f hears a masked X as sound, where it could start from X
    dropout: float = 0.0  # share of z that Θ does without in training
    loop_keep: float = 0.0
    loop_remove: float = 0.0
    loop_energy: float = 0.0
    loop_thresholds: tuple[float, ...] = (0.05, 0.65)  # τ is drawn between these
    loop_softness: float = 0.05

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        at_least(self, 1, "channels", "views")
        at_least(self, 0, "fidelity", "reconstruction", "sparsity")
        at_least(self, 0, "partial_views", "dropout", "most_clips", "noise")
        if self.noise > 1:
            raise ValueError(f"noise is a share of the copies, at most 1, received {self.noise}.")
        if self.reads not in READS:
            raise ValueError(f"reads must be {' or '.join(READS)}, received {self.reads!r}.")
        if self.pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {self.pooling!r}; accepted: {', '.join(POOLINGS)}.")
        if self.loop_softness <= 0:
            raise ValueError(f"loop_softness must be above 0, received {self.loop_softness}.")
        if len(self.loop_thresholds) != 2 or self.loop_thresholds[0] > self.loop_thresholds[1]:
            raise ValueError(
                "loop_thresholds must be the smallest and the largest τ, received "
                f"{list(self.loop_thresholds)}."
            )

    @property
    def seen(self) -> tuple[object, ...]:
        """What f is asked about: trainings that agree in it share f's answers."""
        return self.views, self.partial_views, self.most_clips, self.noise, self.through_sound

    @property
    def in_the_loop(self) -> bool:
        return max(self.loop_keep, self.loop_remove, self.loop_energy) > 0


_OF_F = ("kind", "width", "head_learning_rate", "warm_up", "masks", "mask_width", "head_epochs")
# Settings that checkpoints of a time before them do not hash, where they are as they were.
_LATER: dict[str, tuple[Any, tuple[str, ...]]] = {
    "classifier": (ClassifierConfig, _OF_F),
    "data": (DataConfig, ("stretches", "without")),
    "dictionary": (DictionaryConfig, ("batch",)),
    "interpreters": (InterpreterConfig, ("reads", "most_clips", "noise", "through_sound")),
}


@dataclass(frozen=True, slots=True)
class Config:
    name: str
    seed: int = 0
    precision: str = "bfloat16"  # autocast of the networks in training; "float32" switches it off
    title: str = ""
    map_blocks: tuple[int, ...] = (4, 5, 6)  # f's hidden layers for Ψ; the paper's last three
    default_interpreter: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    given: GivenConfig = field(default_factory=GivenConfig)
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)
    dictionary: DictionaryConfig = field(default_factory=DictionaryConfig)
    interpreters: dict[str, InterpreterConfig] = field(default_factory=dict)
    baselines: dict[str, Baseline] = field(default_factory=dict)
    evaluation: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            accepted = ", ".join(PRECISIONS)
            raise ValueError(f"unknown precision {self.precision!r}; accepted: {accepted}.")
        for name in self.explainers:
            check_name(name)
        if both := set(self.interpreters) & set(self.baselines):
            raise ValueError(f"{min(both)!r} names both an interpreter and a baseline.")
        known = (*self.interpreters, *EXPLAINERS)
        if self.default_interpreter not in (None, *known):
            raise ValueError(
                f"default_interpreter {self.default_interpreter!r} is not among the interpreters: "
                f"{', '.join(known)}."
            )

    @property
    def explainers(self) -> dict[str, InterpreterConfig | Baseline]:
        """The interpreters and the baselines."""
        return {**self.interpreters, **self.baselines}

    def to_dict(self) -> dict[str, Any]:
        return _plain(self)

    def recipe(self, *sections: str) -> dict[str, Any]:
        """The settings of these sections on which a training result depends."""
        values = {key: value for key, value in self.to_dict().items() if key in sections}
        if "data" in values:
            del values["data"]["test_folds"]
            del values["data"]["root"]
            del values["data"]["most_tested"]
        if "classifier" in values and self.given.model:
            values["classifier"] = dataclasses.asdict(self.given)
        elif "classifier" in values and not self.classifier.noise.share:
            del values["classifier"]["noise"]  # checkpoints of a time before it hash none
        for section, (kind, names) in _LATER.items():
            usual = _plain(kind())
            given = values.get(section, {})
            for one in given.values() if section == "interpreters" else [given]:
                for name in names:
                    if name in one and one[name] == usual[name]:
                        del one[name]
        for baseline in values.get("baselines", {}).values():
            baseline |= _OTHERS.get(baseline["kind"], {})
        return values


def _plain(settings: Any) -> dict[str, Any]:
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read an experiment file; `overrides` are "dotted.key=yaml value" strings.

    Raises ValueError for a missing file, malformed YAML, an unknown key or a value of a wrong type.
    """
    values = read_yaml(path)
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ValueError(f"--set takes key=value, received {override!r}.")
        _set(values, key.split("."), _yaml(value, f"--set {override}: the value"))
    return config_of(values)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The keys and values of a file; ValueError where it is absent, malformed or holds others."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no such config file: {path}. Give one of configs/*.yaml.")
    values = _yaml(path.read_text(), path.name) or {}
    if not isinstance(values, dict):
        raise ValueError(f"{path.name} must hold keys and values, not {type(values).__name__}.")
    return values


def _yaml(text: str, what: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{what} is not valid YAML ({str(error).splitlines()[0]}).") from error


def config_of(values: Mapping[str, Any]) -> Config:
    """The config of a mapping, as a file or a run's record holds it; what it lacks has its default.

    Raises ValueError for an unknown key or a value of a wrong type.
    """
    given = values.get("baselines")
    if isinstance(given, dict):
        values = {**values, "baselines": {name: _own(one) for name, one in given.items()}}
    return build(Config, values)


def _own(baseline: Any) -> Any:
    if not isinstance(baseline, dict):
        return baseline
    others = _OTHERS.get(str(baseline.get("kind")), {})
    return {key: value for key, value in baseline.items() if key not in others}


def wanted(what: str, known: Mapping[str, Any], only: str | None) -> list[str]:
    """The names to work on: all `known`, or `only` one; ValueError where it is none of them."""
    if not known:
        raise ValueError(f"the config names no {what}s; add at least one under {what}s.")
    if only is not None and only not in known:
        raise ValueError(f"the config has no {what} {only!r}; it has: {', '.join(known)}.")
    return [only] if only else list(known)


def _set(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise ValueError(f"config key {'.'.join(keys)!r}: {key!r} holds a value, not keys.")
    values[keys[-1]] = value
