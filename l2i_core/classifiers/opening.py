"""What `--classifier` names: a file, a folder, or a name of the registry."""

import hashlib
import inspect
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from l2i_core.classifiers.faults import first_line, raised
from l2i_core.classifiers.foreign import Foreign
from l2i_core.classifiers.protocol import (
    CLASSIFIERS,
    Plain,
    SoundClassifier,
    check_attributes,
    checked,
    registered,
)
from l2i_core.registry import TRUST, run_file, trusted
from l2i_core.signal import audio
from l2i_core.signal.spectra import AudioConfig

_PYTHON = re.compile(r"(.+\.py):([A-Za-z_]\w*)")
_FILES = {"python": "FILE.py:NAME", "onnx": "FILE.onnx", "huggingface": "a model's folder"}
_PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib")
ACCEPTED = "FILE.py:NAME, FILE.onnx, a Hugging Face model's folder, or a registered name"


def opened(
    spec: str,
    *,
    classes: Sequence[str] | None = None,
    rate: int | None = None,
    multi_label: bool | None = None,
    outputs: str | None = None,
) -> SoundClassifier:
    """The classifier that `spec` names, asked once.

    classes, rate in Hz, multi_label and outputs ("logits" or "probabilities") are what an ONNX file
    or a folder may lack; where a model says them itself, they must agree. ValueError, in one
    sentence, for what cannot be used.
    """
    path = Path(spec).expanduser()
    given: dict[str, Any] = {"classes": classes, "sample_rate": rate, "multi_label": multi_label}
    if found := _PYTHON.fullmatch(spec):
        return _agreeing(python(Path(found[1]).expanduser(), found[2], outputs), spec, given)
    if path.suffix == ".py":
        raise ValueError(f"{spec} names no function; give {spec}:NAME, one that loads the model.")
    if path.suffix.lower() == ".onnx":
        return CLASSIFIERS["onnx"](path, outputs=outputs, **given)
    if path.suffix.lower() in _PICKLES and not path.is_dir():
        raise ValueError(
            f"{spec} is a pickle, which is code; give a Hugging Face folder with safetensors, "
            "FILE.onnx, or FILE.py:NAME with a function that loads it."
        )
    if spec in _FILES:
        raise ValueError(f"--classifier {spec} needs its file: give {_FILES[spec]}.")
    if spec in CLASSIFIERS:
        made = registered(spec)
        _say_outputs(made, outputs, spec)
        return _agreeing(made, spec, given)
    if path.is_dir():
        return CLASSIFIERS["huggingface"](path, outputs=outputs, **given)
    known = ", ".join(name for name in CLASSIFIERS if name not in _FILES)
    raise ValueError(f"unknown classifier {spec!r}; accepted: {ACCEPTED} ({known}).")


@CLASSIFIERS.add("python")
def python(file: str | os.PathLike[str], name: str, outputs: str | None = None) -> SoundClassifier:
    """What the function `name` of a Python file returns: a wrapped model, or anything that fulfils
    the protocol. It runs only where the user trusts it (`registry.trusted`).

    ValueError, in one sentence, for a file that may not run, is not there, or raises.
    """
    path = Path(file)
    spec = f"{path.name}:{name}"
    if not path.is_file():
        raise ValueError(f"there is no file {path}.")
    if not trusted():
        raise ValueError(f"{path} is code that is not ours; it runs {TRUST}.")
    path = path.resolve()
    with _beside(path.parent):
        try:
            key = hashlib.sha256(str(path).encode()).hexdigest()[:12]
            module = run_file(path, f"l2i_opened.{path.stem}_{key}")
            load = getattr(module, name, None)
            if load is None:
                known = ", ".join(n for n, v in vars(module).items() if inspect.isfunction(v))
                raise ValueError(
                    f"{path.name} has no function {name!r}; it has: {known or 'none'}."
                )
            _check_function(load, spec)
            made: Any = load()
        except (Exception, SystemExit) as error:  # a stranger's code may raise anything
            said = str(error)
            if isinstance(error, ValueError) and said.endswith(".") and "\n" not in said:
                raise  # a sentence already: ours, of `wrap`, or the file's own
            raise raised(spec, error) from error
    if isinstance(made, nn.Module) and not hasattr(made, "classes"):
        raise ValueError(
            f"{spec} returned an nn.Module; return wrap(module, sample_rate=…, classes=[…]) of "
            "l2i_core.classifiers."
        )
    origin = {"file": str(path), "name": name, "outputs": outputs}
    if not isinstance(made, Foreign):
        check_attributes(made)
        _say_outputs(made, outputs, spec)
        return checked(Plain(made, origin))
    _say_outputs(made, outputs, spec)
    made.origin = origin
    return made


def _check_function(load: Any, spec: str) -> None:
    if not callable(load):
        raise ValueError(f"{spec} is no function but a {type(load).__name__}; name a function.")
    needed = [
        p.name
        for p in inspect.signature(load).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed:
        raise ValueError(
            f"{spec} asks for the argument {needed[0]!r}; it must take none and return the model."
        )


def _say_outputs(f: SoundClassifier, outputs: str | None, spec: str) -> None:
    if outputs is None:
        return
    if not isinstance(f, Foreign):
        raise ValueError(f"{spec} gives logits by its own word; leave outputs out.")
    f.say_outputs(outputs)


def _agreeing(f: SoundClassifier, spec: str, given: dict[str, Any]) -> SoundClassifier:
    """f, where what was told of it beside its own word is the same; else ValueError."""
    rate, classes, several = given["sample_rate"], given["classes"], given["multi_label"]
    if rate not in (None, f.sample_rate):
        raise ValueError(f"{spec} hears {f.sample_rate} Hz, and the rate given is {rate} Hz.")
    if classes is not None and len(classes) != len(f.classes):
        raise ValueError(
            f"{spec} has {len(f.classes)} classes, and the list given has {len(classes)}."
        )
    if classes is not None and tuple(classes) != tuple(f.classes):
        theirs, told = next(p for p in zip(f.classes, classes, strict=True) if p[0] != p[1])
        raise ValueError(
            f"{spec} names its classes itself ({theirs!r} where the list has {told!r}); leave the "
            "list out."
        )
    if several not in (None, f.multi_label):
        raise ValueError(f"{spec} says itself that it is for one class a clip.")
    return f


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """A file's own folder is searched for what it imports, as Python does for a script."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def timed(
    f: SoundClassifier, waveform: np.ndarray | Tensor, sample_rate: int
) -> tuple[float, float]:
    """Seconds that f takes for one pass over a clip (n,) or (channels, n), and how many of it, 5 at
    most, it heard."""
    clip = audio.prepare(waveform, sample_rate, AudioConfig.for_rate(f.sample_rate))
    clip = clip[: 5 * f.sample_rate]
    sound = (clip * audio.peak_gain(clip))[None]
    begun = time.perf_counter()
    with torch.no_grad():
        f.hear(sound)
    return time.perf_counter() - begun, len(clip) / f.sample_rate


def class_list(path: str | os.PathLike[str]) -> list[str]:
    """The class names of a text file, one a line; ValueError where it cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the class list {path} cannot be read: {first_line(error)}.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
