"""A trained model as a folder: config.json, *.safetensors in fp16, metrics/, card.md.

Loading is strict: a missing file, an unknown key or a tensor of another shape is one clear
ValueError. Everything that the app says about a model is read from its bundle.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from l2i_core.audio import AudioConfig
from l2i_core.classifier import Classifier, freeze
from l2i_core.interpreter import Interpreter
from l2i_core.nmf import Dictionary, normalise

SHIPPED = Path(__file__).resolve().parent.parent / "assets" / "bundles"
FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class InterpreterInfo:
    """How one interpreter was built, and how to name it to a reader."""

    pooling: str
    channels: int
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded model: f, W and the interpreters, all frozen and in float32."""

    name: str
    title: str
    classes: tuple[str, ...]
    audio: AudioConfig
    classifier: Classifier
    dictionary: Dictionary
    interpreters: Mapping[str, Interpreter]
    interpreter_info: Mapping[str, InterpreterInfo]
    default_interpreter: str
    multi_label: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def summary(self) -> dict[str, Any] | None:
        """metrics/summary.json, or None where the bundle has not been evaluated."""
        path = self.folder / "metrics" / "summary.json" if self.folder else None
        return json.loads(path.read_text()) if path and path.is_file() else None

    def card(self) -> str:
        """card.md: data, licence, limits ("" where the bundle has none)."""
        path = self.folder / "card.md" if self.folder else None
        return path.read_text() if path and path.is_file() else ""


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


def load_bundle(name_or_folder: str | os.PathLike[str]) -> Bundle:
    """Load by name (shipped, or under L2I_BUNDLES) or by folder. ValueError says what is wrong."""
    folder = Path(name_or_folder)
    if not folder.is_dir():
        known = bundle_folders()
        if str(name_or_folder) not in known:
            raise ValueError(
                f"no bundle {str(name_or_folder)!r}: it is neither a folder nor one of "
                f"{', '.join(known) or 'the shipped ones (there are none)'}."
            )
        folder = known[str(name_or_folder)]
    config = _read_config(folder)
    try:
        return _build(folder, config)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        what = f"lacks {reason}" if isinstance(error, KeyError) else f"does not fit: {reason}"
        raise ValueError(f"{folder / 'config.json'} {what}.") from error


def save_bundle(bundle: Bundle, folder: str | os.PathLike[str]) -> None:
    """Write a bundle in fp16, complete or not at all; metrics and card that exist are kept."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (part / "config.json").write_text(json.dumps(_config_of(bundle), indent=1) + "\n")
        _save_half(part / "classifier.safetensors", bundle.classifier.state_dict())
        _save_half(part / "dictionary.safetensors", {"patterns": bundle.dictionary.patterns})
        for name, model in bundle.interpreters.items():
            _save_half(part / f"interpreter-{name}.safetensors", model.state_dict())
        folder.mkdir(exist_ok=True)
        for path in part.iterdir():
            path.chmod(0o644)
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _config_of(bundle: Bundle) -> dict[str, Any]:
    classifier = bundle.classifier
    return {
        "format": FORMAT,
        "name": bundle.name,
        "title": bundle.title,
        "classes": list(bundle.classes),
        "multi_label": bundle.multi_label,
        "audio": dataclasses.asdict(bundle.audio),
        "classifier": {
            "head_channels": classifier.linear.in_features,
            "map_blocks": list(classifier.map_blocks),
        },
        "dictionary": {
            "components": bundle.dictionary.n_components,
            "groups": list(bundle.dictionary.groups),
        },
        "interpreters": {k: dataclasses.asdict(v) for k, v in bundle.interpreter_info.items()},
        "default_interpreter": bundle.default_interpreter,
        "training": dict(bundle.training),
    }


_KEYS = frozenset(
    [
        "format",
        "name",
        "title",
        "classes",
        "multi_label",
        "audio",
        "classifier",
        "dictionary",
        "interpreters",
        "default_interpreter",
        "training",
    ]
)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} is not a bundle: config.json is missing.")
    try:
        config = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: it is not valid JSON.") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is damaged: it must hold keys and values.")
    if unknown := sorted(set(config) - _KEYS):
        raise ValueError(f"{path} has the unknown key {unknown[0]!r}.")
    if missing := sorted(_KEYS - set(config)):
        raise ValueError(f"{path} lacks the key {missing[0]!r}.")
    if config["format"] != FORMAT:
        raise ValueError(f"{path} has format {config['format']!r}; this version reads {FORMAT}.")
    return config


def _build(folder: Path, config: dict[str, Any]) -> Bundle:
    settings = AudioConfig.from_dict(config["audio"])
    classes, k = tuple(config["classes"]), config["dictionary"]["components"]
    blocks = tuple(config["classifier"]["map_blocks"])
    classifier = Classifier(
        len(classes), settings.n_mels, **{**config["classifier"], "map_blocks": blocks}
    )
    _load_into(classifier, folder / "classifier.safetensors")
    tensors = _read_tensors(folder / "dictionary.safetensors")
    expected = {"patterns": torch.empty(settings.n_bins, k)}
    _check_shapes(tensors, expected, folder / "dictionary.safetensors")
    # fp16 rounds the columns: their unit norm is restored.
    dictionary = Dictionary(
        normalise(tensors["patterns"].float()), tuple(config["dictionary"]["groups"])
    )
    interpreters, infos = {}, {}
    for name, values in config["interpreters"].items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{folder / 'config.json'}: bad interpreter name {name!r}.")
        info = InterpreterInfo(**values)
        model = Interpreter(
            classifier.map_channels,
            classifier.map_strides,
            k,
            len(classes),
            info.pooling,
            info.channels,
        )
        _load_into(model, folder / f"interpreter-{name}.safetensors")
        interpreters[name], infos[name] = model, info
    if config["default_interpreter"] not in interpreters:
        raise ValueError(
            f"{folder / 'config.json'}: the default interpreter "
            f"{config['default_interpreter']!r} is not among the interpreters."
        )
    return Bundle(
        config["name"],
        config["title"],
        classes,
        settings,
        classifier,
        dictionary,
        interpreters,
        infos,
        config["default_interpreter"],
        config["multi_label"],
        config["training"],
        folder,
    )


def _load_into(model: nn.Module, path: Path) -> None:
    tensors = _read_tensors(path)
    state = model.state_dict()
    _check_shapes(tensors, state, path)
    model.load_state_dict({k: v.to(state[k].dtype) for k, v in tensors.items()})
    freeze(model)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"the bundle {path.parent} lacks the file {path.name}.")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}. Restore the file.") from error


def _check_shapes(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path
) -> None:
    if missing := sorted(set(expected) - set(tensors)):
        raise ValueError(f"{path} lacks the tensor {missing[0]!r}.")
    if unknown := sorted(set(tensors) - set(expected)):
        raise ValueError(f"{path} has the unknown tensor {unknown[0]!r}.")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(
                f"{path}: {name!r} has shape {tuple(tensor.shape)}, "
                f"config.json asks for {tuple(expected[name].shape)}."
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{path}: {name!r} holds NaN or infinite values.")


def _save_half(path: Path, tensors: Mapping[str, Tensor]) -> None:
    halves = {
        k: (v.half() if v.is_floating_point() else v).contiguous().clone()
        for k, v in tensors.items()
    }
    save_file(halves, path)
