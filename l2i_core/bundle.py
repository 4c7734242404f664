"""A trained model as a folder: config.json, *.safetensors in fp16, metrics/, card.md.

Loading is strict: a missing file, an unknown key or a tensor of another shape is one clear
ValueError. Everything that the app says about a model is read from its bundle.
"""

from __future__ import annotations

import dataclasses
import filecmp
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from l2i_core.classifiers.protocol import SoundClassifier, described, network_of, restored
from l2i_core.dictionary import choice
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.explainers.baselines import BaselineInfo, new_baseline
from l2i_core.explainers.conventions import PAPER, Conventions
from l2i_core.explainers.l2i import MAPS, Interpreter, PsiTheta
from l2i_core.explainers.protocol import EXPLAINERS, Explainer, made, missing, usable, with_settings
from l2i_core.files import write_text
from l2i_core.signal.spectra import AudioConfig
from l2i_core.strict import build
from l2i_core.task import Task, task_of
from l2i_core.weights import load_into, read_tensors, save_half
from l2i_core.words import THIN

SHIPPED = Path(__file__).resolve().parent.parent / "assets" / "bundles"
FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class InterpreterInfo:
    """How one interpreter was built, what its Ψ reads, and how to name it to a reader."""

    pooling: str
    channels: int
    title: str
    description: str
    reads: str = MAPS


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded model: f, W and the interpreters, all frozen and in float32."""

    name: str
    title: str
    audio: AudioConfig
    classifier: SoundClassifier
    dictionary: Dictionary
    interpreters: Mapping[str, Interpreter]
    interpreter_info: Mapping[str, InterpreterInfo]
    default_interpreter: str
    training: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    baselines: Mapping[str, nn.Module] = field(default_factory=dict)
    baseline_info: Mapping[str, BaselineInfo] = field(default_factory=dict)
    chosen_dictionary: str = choice.BUNDLE

    @property
    def classes(self) -> tuple[str, ...]:
        """f's classes, in the order of its logits."""
        return self.classifier.classes

    @property
    def multi_label(self) -> bool:
        """Whether f may decide for several classes, or none."""
        return self.classifier.multi_label

    @property
    def task(self) -> Task:
        """What f's logits mean."""
        return task_of(self.multi_label)

    def stored_patterns(self) -> Tensor:
        """W (F, K) as the folder holds it: restoring the unit norm may differ in the last bit
        elsewhere. Of a bundle without a folder W itself."""
        if self.folder is None or self.chosen_dictionary != choice.BUNDLE:
            return self.dictionary.patterns
        return read_tensors(self.folder / "dictionary.safetensors")["patterns"]

    def explainers(self) -> dict[str, tuple[str, str]]:
        """Title and description of all that explains this model, by name: its own trained
        interpreters first, then those without training that f allows."""
        own = {name: (i.title, i.description) for name, i in self.interpreter_info.items()}
        free = {
            name: (kind.title, kind.description)
            for name, kind in EXPLAINERS.items()
            if name not in own and not missing(kind, self.classifier)
        }
        return own | free

    def explainer(self, name: str, conventions: Conventions = PAPER) -> Explainer:
        """One of `explainers`; ValueError names those there are, or says why it cannot be had."""
        if name in self.interpreters:
            info = self.interpreter_info[name]
            model = self.interpreters[name]
            return PsiTheta(model, info.title, info.description, conventions, self.multi_label)
        known = ", ".join(self.explainers())
        if name in self.baselines:
            raise ValueError(
                f"{self.baseline_info[name].title} has no components to play or to mask; give an "
                f"interpreter: {known}."
            )
        kind, settings = with_settings(name)
        if kind not in EXPLAINERS:
            of = f"bundle {self.name!r} with the dictionary {self.chosen_dictionary!r}"
            raise ValueError(f"{of} has no interpreter {name!r}; it has: {known}.")
        if reason := missing(EXPLAINERS[kind], self.classifier):
            raise ValueError(f"{kind} cannot explain bundle {self.name!r}: {reason}; use: {known}.")
        return made(kind, settings)

    def explaining(self, classifier: SoundClassifier, name: str = "") -> Bundle:
        """Another classifier with the same W, explained without training.

        ValueError where no registered explainer can.
        """
        return self._untrained(
            classifier=classifier,
            name=name or f"{self.name}-dictionary",
            title=f"Another classifier with the dictionary of {self.title}",
            training={},
            folder=None,
        )

    def with_dictionary(self, given: str) -> Bundle:
        """The same f with another W, explained without training: "bundle" (as it is), "clip" (each
        clip's own, at f's rate where W's is another), or what `choice.read` reads.

        The bundle's figures do not come along. ValueError for another file.
        """
        if given == choice.BUNDLE:
            return self
        if given == choice.CLIP:
            rate = self.classifier.sample_rate
            audio = self.audio if rate == self.audio.sample_rate else AudioConfig.for_rate(rate)
            dictionary = Dictionary(torch.empty(audio.n_bins, 0))
        else:
            dictionary, audio = choice.read(given)
        return self._untrained(audio=audio, dictionary=dictionary, chosen_dictionary=given)

    def _untrained(self, classifier: SoundClassifier | None = None, **changes: Any) -> Bundle:
        f = classifier or self.classifier
        nothing: dict[str, Any] = dict.fromkeys(
            ("interpreters", "interpreter_info", "baselines", "baseline_info"), {}
        )
        changes |= nothing | {"classifier": f, "default_interpreter": usable(f)}
        return dataclasses.replace(self, **changes)

    def summary(self) -> dict[str, Any] | None:
        """metrics/summary.json, or None where the bundle has not been evaluated."""
        return self.experiment("summary")

    def experiment(self, name: str) -> dict[str, Any] | None:
        """metrics/NAME.json of summary, baselines, noise, …; None where it was not measured."""
        path = self.folder / "metrics" / f"{name}.json" if self.folder else None
        if path is None or not path.is_file() or self.chosen_dictionary != choice.BUNDLE:
            return None
        try:
            return json.loads(path.read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"{path} is damaged: it is not valid JSON.") from error

    def baseline(self, name: str) -> nn.Module:
        """A trained baseline by name; ValueError names those there are."""
        if name not in self.baselines:
            known = ", ".join(self.baselines) or "none"
            raise ValueError(f"bundle {self.name!r} has no baseline {name!r}; it has: {known}.")
        return self.baselines[name]

    def card(self) -> str:
        """card.md: data, licence, limits ("" where the bundle has none)."""
        return read_card(self.folder) if self.folder else ""


def bundle_folders() -> dict[str, Path]:
    """Names and folders of the shipped bundles and of those under L2I_BUNDLES."""
    roots = [SHIPPED, *(Path(p) for p in os.environ.get("L2I_BUNDLES", "").split(os.pathsep) if p)]
    found: dict[str, Path] = {}
    for root in roots:
        if root.is_dir():
            for path in sorted(root.iterdir()):
                if (path / "config.json").is_file():
                    found.setdefault(path.name, path)
    return found


def outline(folder: Path) -> str:
    """One line on a bundle from its config.json, without its weights: title, classes, rate.

    ValueError says what is wrong with the file.
    """
    config = _read_config(folder)
    rate = config.audio.sample_rate / 1000
    return f"{config.title} · {len(config.classes)} classes · {rate:g}{THIN}kHz"


def read_card(folder: Path) -> str:
    """A bundle's card.md ("" where it has none)."""
    path = folder / "card.md"
    return path.read_text(errors="replace") if path.is_file() else ""


def load_bundle(name_or_folder: str | os.PathLike[str]) -> Bundle:
    """Load by name (shipped, or under L2I_BUNDLES) or by folder. ValueError says what is wrong."""
    folder, known = Path(name_or_folder), bundle_folders()
    if (
        str(name_or_folder) in known
    ):  # a name wins over a folder of that name that happens to be here
        folder = known[str(name_or_folder)]
    elif not folder.is_dir():
        raise ValueError(
            f"no bundle {str(name_or_folder)!r}: it is neither a folder nor one of "
            f"{', '.join(known) or 'the shipped ones (there are none)'}."
        )
    config = _read_config(folder)
    try:
        return _build(folder, config)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        what = f"lacks {reason}" if isinstance(error, KeyError) else f"does not fit: {reason}"
        raise ValueError(f"{folder / 'config.json'} {what}.") from error


def save_bundle(bundle: Bundle, folder: str | os.PathLike[str]) -> None:
    """Write a bundle in fp16; card.md is kept. Metrics go where a network that they may speak of
    changed or went, and stay where one only came.

    The new files are complete before the first is moved into place, config.json last. Raises
    ValueError for weights that fp16 cannot hold and for a folder that cannot be written.
    """
    folder = Path(folder)
    _check_names(bundle.default_interpreter, bundle.interpreters, bundle.baselines)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ValueError(f"cannot write the bundle {folder} ({error.strerror}).") from error
    try:
        if network := network_of(bundle.classifier):
            save_half(part / "classifier.safetensors", network.state_dict())
        if bundle.dictionary.n_components:
            save_half(part / "dictionary.safetensors", {"patterns": bundle.dictionary.patterns})
        for name, model in bundle.interpreters.items():
            save_half(part / f"interpreter-{name}.safetensors", model.state_dict())
        for name, baseline in bundle.baselines.items():
            save_half(part / f"baseline-{name}.safetensors", baseline.state_dict())
        folder.mkdir(exist_ok=True)
        old = [path.name for path in folder.glob("*.safetensors")]
        _, changed, gone = filecmp.cmpfiles(part, folder, old, shallow=False)
        if changed or gone:
            shutil.rmtree(folder / "metrics", ignore_errors=True)
        for name in gone:
            (folder / name).unlink()
        for path in sorted(part.iterdir()):
            path.chmod(0o644)
            path.replace(folder / path.name)
        write_text(folder / "config.json", json.dumps(_config_of(bundle, folder), indent=1) + "\n")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_name(name: str) -> None:
    """ValueError for an interpreter name that could not be a file name everywhere."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"bad interpreter name {name!r}: use small letters, digits, '.', '_' and '-'."
        )


def _config_of(bundle: Bundle, folder: Path) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": bundle.name,
        "title": bundle.title,
        "classes": list(bundle.classes),
        "multi_label": bundle.multi_label,
        "audio": dataclasses.asdict(bundle.audio),
        "classifier": described(bundle.classifier, folder),
        "dictionary": {
            "components": bundle.dictionary.n_components,
            "groups": list(bundle.dictionary.groups),
        },
        "interpreters": {k: dataclasses.asdict(v) for k, v in bundle.interpreter_info.items()},
        "default_interpreter": bundle.default_interpreter,
        "baselines": {k: dataclasses.asdict(v) for k, v in bundle.baseline_info.items()},
        "training": dict(bundle.training),
    }


@dataclass(frozen=True, slots=True)
class _Dictionary:
    components: int  # 0 where each clip has its own
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    """config.json; one of before there were baselines names none."""

    format: int
    name: str
    title: str
    classes: tuple[str, ...]
    multi_label: bool
    audio: AudioConfig
    classifier: dict[str, Any]
    dictionary: _Dictionary
    interpreters: dict[str, InterpreterInfo]
    default_interpreter: str
    training: dict[str, Any]
    baselines: dict[str, BaselineInfo] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.classes:
            raise ValueError("'classes' must be a list of names.")
        if self.format != FORMAT:
            raise ValueError(f"it has format {self.format!r}; this version reads {FORMAT}.")
        _check_names(self.default_interpreter, self.interpreters, self.baselines)


def _read_config(folder: Path) -> _Stored:
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} is not a bundle: config.json is missing.")
    try:
        config = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: it is not valid JSON.") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is damaged: it must hold keys and values.")
    return build(_Stored, config, f"{path}: ")


def _build(folder: Path, config: _Stored) -> Bundle:
    settings, k = config.audio, config.dictionary.components
    classes, several = config.classes, config.multi_label
    classifier = restored(config.classifier, settings, classes, several, folder)
    if network := network_of(classifier):
        load_into(network, folder / "classifier.safetensors")
    dictionary = Dictionary(torch.empty(settings.n_bins, 0))
    if k:
        dictionary, _ = choice.read(folder)
    interpreters = {
        name: Interpreter.for_classifier(
            classifier, settings, k, info.pooling, info.channels, reads=info.reads
        )
        for name, info in config.interpreters.items()
    }
    baselines = {n: new_baseline(info, classifier, k) for n, info in config.baselines.items()}
    for kind, models in (("interpreter", interpreters), ("baseline", baselines)):
        for name, model in models.items():
            load_into(model, folder / f"{kind}-{name}.safetensors")
    return Bundle(
        name=config.name,
        title=config.title,
        audio=settings,
        classifier=classifier,
        dictionary=dictionary,
        interpreters=interpreters,
        interpreter_info=config.interpreters,
        default_interpreter=config.default_interpreter,
        training=config.training,
        folder=folder,
        baselines=baselines,
        baseline_info=config.baselines,
    )


def _check_names(default: str, interpreters: Mapping[str, Any], baselines: Iterable[str]) -> None:
    for name in (*interpreters, *baselines):
        check_name(name)
    if default not in interpreters and default not in EXPLAINERS:
        raise ValueError(f"the default interpreter {default!r} is not among the interpreters.")
