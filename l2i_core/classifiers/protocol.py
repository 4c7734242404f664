"""What a classifier f must be to be explained: sound in, logits out.

A stranger's file writes a class with `sample_rate`, `classes` and `logits`, and adds it:

    from l2i_core.classifiers.protocol import CLASSIFIERS

    @CLASSIFIERS.add("mine")
    class Mine:
        sample_rate = 16000
        classes = ("low", "high")

        def logits(self, waveforms):  # (B, n) → (B, C)
            ...

A bundle whose config.json says `"classifier": {"kind": "mine"}` is explained through it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from l2i_core.classifiers.faults import Unusable, raised
from l2i_core.registry import Registry
from l2i_core.signal.spectra import AudioConfig

MIN_SECONDS = 0.1  # of a clip that f hears unpadded, where f does not say
BATCH = 16
_PATHS = ("file", "folder")  # of a classifier's settings in a bundle: places that may move with it


@dataclass(frozen=True, slots=True)
class Layer:
    """One hidden layer that may be read: its channels, and seconds from one step to the next."""

    name: str
    channels: int
    step_seconds: float


def layers_of_blocks(network: Any, frame: float) -> tuple[Layer, ...]:
    """Of a network that says which of its blocks are maps, `map_blocks` with `map_channels` and
    `map_strides` in frames of so many seconds."""
    each = zip(network.map_blocks, network.map_channels, network.map_strides, strict=True)
    return tuple(Layer(f"block {block}", width, stride * frame) for block, width, stride in each)


@dataclass(frozen=True, slots=True)
class Heard:
    """One pass of f over B sounds: logits (B, C), and of a white box the feature maps
    [(B, channels, time, bands), …] of its `layers`."""

    logits: Tensor
    maps: tuple[Tensor, ...] = ()


@runtime_checkable
class SoundClassifier(Protocol):
    """f, frozen: sound in, logits out; what comes before its first layer is its own business.

    sample_rate in Hz; classes in the order of the logits; multi_label: σ per class, not softmax;
    min_seconds: shorter clips are zero-padded at their end; differentiable: gradients of the logits
    reach the waveform; layers that can be read (none of a black box); batch: sounds at once.
    """

    sample_rate: int
    classes: tuple[str, ...]
    multi_label: bool
    min_seconds: float
    differentiable: bool
    layers: tuple[Layer, ...]
    batch: int

    def hear(self, waveforms: Tensor) -> Heard:
        """Waveforms (B, n) at f's rate and scale → logits and maps of one pass."""
        ...


@runtime_checkable
class Spectral(Protocol):
    """What a classifier may offer beside `hear`: the same from magnitudes |S| (B, F, T) of the STFT
    `front_end`, which saves the transform. Equal to `hear` on the STFT of a sound; a masked |S| is
    the STFT of no sound, and there it is an approximation."""

    front_end: AudioConfig

    def hear_spectrogram(self, magnitude: Tensor) -> Heard:
        """Magnitudes (B, F, T) → logits and maps."""
        ...


@runtime_checkable
class Seen(Protocol):
    """What a classifier may tell of its front end, for the lesson."""

    def seen(self, waveform: Tensor) -> tuple[Tensor, str]:
        """A sound (n,) as f's first layer receives it (bands, T), and what that is in words."""
        ...


class Plain:
    """A given object with `logits` (or `hear`), `sample_rate` and `classes` as a full
    `SoundClassifier`: what it does not say is a black box's, and what it does wrong one sentence.

    origin: the Python file and the function that gave it, for a bundle.
    """

    def __init__(self, given: Any, origin: Mapping[str, Any] | None = None) -> None:
        self.given, self.origin = given, origin
        self.sample_rate: int = given.sample_rate
        self.classes = tuple(given.classes)
        self.multi_label = bool(getattr(given, "multi_label", False))
        self.min_seconds = float(getattr(given, "min_seconds", MIN_SECONDS))
        self.differentiable = bool(getattr(given, "differentiable", False))
        self.batch = int(getattr(given, "batch", BATCH))
        self.layers: tuple[Layer, ...] = tuple(getattr(given, "layers", ()))

    def hear(self, waveforms: Tensor) -> Heard:
        """What the given object answers; ValueError for another shape, numbers that are not finite,
        and what it raises.

        A black box is asked on detached sounds: no gradient is made up for it.
        """
        sounds = waveforms if self.differentiable else waveforms.detach()
        whole = hasattr(self.given, "hear")
        name = f"{type(self.given).__name__}.{'hear' if whole else 'logits'}"
        try:
            heard = self.given.hear(sounds) if whole else Heard(self.given.logits(sounds))
            logits = _checked_logits(name, heard.logits, (len(sounds), len(self.classes)))
        except Unusable:
            raise
        except Exception as error:  # a stranger's code may raise anything
            raise raised(name, error) from error
        return Heard(logits, tuple(heard.maps))


def _checked_logits(name: str, answer: Any, wanted: tuple[int, int]) -> Tensor:
    logits = answer if isinstance(answer, Tensor) else torch.from_numpy(np.asarray(answer))
    if tuple(logits.shape) != wanted:
        raise Unusable(
            f"{name} gave the shape {tuple(logits.shape)} for {wanted[0]} sounds, wanted {wanted}: "
            "one number a class."
        )
    if not bool(torch.isfinite(logits).all()):
        raise Unusable(f"{name} gave NaN or infinite numbers; f must answer with finite.")
    return logits.float()


def check_attributes(given: Any) -> None:
    """ValueError names the attribute or method that a classifier lacks, or what is odd about it."""
    name = type(given).__name__
    for attribute, what in (("sample_rate", "Hz"), ("classes", "names in the logits' order")):
        if not hasattr(given, attribute):
            raise ValueError(f"{name} lacks the attribute {attribute} ({what}).")
    if not given.classes or not all(isinstance(label, str) for label in given.classes):
        raise ValueError(f"{name}.classes must be names, received {given.classes!r:.60}.")
    if not isinstance(given.sample_rate, int) or given.sample_rate <= 0:
        raise ValueError(f"{name}.sample_rate must be whole Hz, received {given.sample_rate!r}.")
    if not hasattr(given, "hear") and not hasattr(given, "logits"):
        raise ValueError(f"{name} lacks the method logits: waveforms (B, n) → (B, C).")


def checked(given: Any) -> SoundClassifier:
    """A full `SoundClassifier` of what a file gave: itself, or wrapped where it has `logits` alone.

    It is asked once, on silence. ValueError names the attribute or method that is missing, or the
    shape received and the shape wanted.
    """
    check_attributes(given)
    name = type(given).__name__
    classifier: SoundClassifier = given if isinstance(given, SoundClassifier) else Plain(given)
    with torch.no_grad():
        silence = torch.zeros(1, max(1, round(classifier.min_seconds * classifier.sample_rate)))
        heard = classifier.hear(silence)
    if tuple(heard.logits.shape) != (1, len(classifier.classes)):
        raise ValueError(
            f"{name}.hear gave logits of shape {tuple(heard.logits.shape)}, wanted "
            f"{(1, len(classifier.classes))}: one number a class."
        )
    return classifier


def registered(name: str, /, **settings: Any) -> SoundClassifier:
    """A classifier of the registry, made and checked; ValueError says what is wrong with it."""
    try:
        return checked(CLASSIFIERS[name](**settings))
    except TypeError as error:
        raise ValueError(f"the classifier {name!r} cannot be made: {error}.") from error


def restored(
    values: Mapping[str, Any],
    audio: AudioConfig,
    classes: Sequence[str],
    multi_label: bool,
    folder: Path | None = None,
) -> SoundClassifier:
    """The classifier that the config of the bundle in `folder` describes, its weights not loaded
    yet.

    `values` holds `kind` (absent: "kumar") and the kind's own settings. ValueError for an unknown
    kind, for what `checked` refuses, and for other classes or another task than the bundle's.
    """
    settings = {key: value for key, value in values.items() if key != "kind"}
    for key in set(_PATHS) & set(settings):
        settings[key] = str((folder or Path()) / settings[key])
    entry = CLASSIFIERS[values.get("kind", "kumar")]
    if hasattr(entry, "from_config"):
        return entry.from_config(settings, audio, tuple(classes), multi_label)
    made = registered(values.get("kind", "kumar"), **settings)
    if made.classes != tuple(classes) or made.multi_label != multi_label:
        raise ValueError(
            f"{entry.__name__} has the classes {_listed(made.classes, made.multi_label)}; the "
            f"bundle names {_listed(classes, multi_label)}."
        )
    return made


def _listed(classes: Sequence[str], multi_label: bool) -> str:
    shown = ", ".join(classes[:8]) + (f", … ({len(classes)})" if len(classes) > 8 else "")
    return f"{shown} (several at once)" if multi_label else shown


def described(classifier: SoundClassifier, folder: Path | None = None) -> dict[str, Any]:
    """What the config of a bundle in `folder` keeps of a classifier, for `restored`: a file inside
    the folder by its place there, another by its full path. ValueError for one that is neither of a
    registered class nor of a file, for nobody could load it again."""
    values = _description(classifier)
    for key in set(_PATHS) & set(values):
        path = Path(values[key])
        if folder and path.is_relative_to(folder.resolve()):
            values[key] = path.relative_to(folder.resolve()).as_posix()
    return values


def files_of(classifier: SoundClassifier) -> tuple[Path, ...]:
    """The files that a classifier was read from, beside the weights that a bundle keeps."""
    try:
        values = _description(classifier)
    except ValueError:
        return ()
    found = [Path(values[key]) for key in _PATHS if key in values]
    return tuple(p for path in found for p in (sorted(path.iterdir()) if path.is_dir() else [path]))


def _description(classifier: SoundClassifier) -> dict[str, Any]:
    if origin := getattr(classifier, "origin", None):
        return {"kind": "python", **origin}
    given = getattr(classifier, "given", classifier)
    for kind, entry in CLASSIFIERS.items():
        if isinstance(entry, type) and isinstance(given, entry):
            values: dict[str, Any] = getattr(given, "config", dict)()
            return values if kind == "kumar" else {"kind": kind, **values}
    raise ValueError(
        f"the class {type(given).__name__} of a classifier cannot be kept in a bundle; add it "
        'with @CLASSIFIERS.add("name"), or open it from a file, FILE.py:NAME.'
    )


def notes_of(classifier: SoundClassifier) -> tuple[str, ...]:
    """What was assumed of a classifier that does not say it itself, in sentences."""
    return tuple(getattr(classifier, "notes", ()))


def network_of(classifier: SoundClassifier) -> nn.Module | None:
    """The network whose weights a bundle keeps; None where there is none."""
    return getattr(classifier, "network", None)


def module_of(classifier: SoundClassifier) -> nn.Module | None:
    """The torch module that answers, of whatever kind of classifier; None of a black box, whose
    weights are not here."""
    given = getattr(classifier, "given", classifier)
    if isinstance(given, nn.Module):
        return given
    own = {n: v for n, v in getattr(given, "__dict__", {}).items() if isinstance(v, nn.Module)}
    return next(iter(own.values())) if len(own) == 1 else nn.ModuleDict(own) if own else None


def _class_with_logits(name: str, entry: Any) -> None:
    if not callable(entry):
        raise ValueError(f"{name!r} is no class or function that makes a classifier.")
    if isinstance(entry, type) and not (hasattr(entry, "logits") or hasattr(entry, "hear")):
        raise ValueError(f"{entry.__name__} lacks the method logits: waveforms (B, n) → (B, C).")


CLASSIFIERS: Registry[Any] = Registry("l2i_core.classifiers", "classifier", _class_with_logits)
