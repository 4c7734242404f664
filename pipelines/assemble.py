"""What a bundle records of its parts and of the run that made them."""

import platform
import subprocess
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from l2i_core.bundle import InterpreterInfo, load_bundle
from l2i_core.classifiers.protocol import SoundClassifier, network_of
from l2i_core.explainers.baselines import BaselineInfo
from l2i_core.explainers.l2i import LOG_MEL
from pipelines.checkpoint import trained_on
from pipelines.config import Baseline, Config, InterpreterConfig

_PACKAGES = ("torch", "torchaudio", "librosa", "numpy", "soundfile", "soxr", "scikit-learn")


def baselines_of(
    out: Path, classifier: SoundClassifier
) -> tuple[dict[str, nn.Module], dict[str, BaselineInfo]]:
    """The baselines of the bundle that is in OUT already, if they were trained on this very f."""
    if not (out / "config.json").is_file():
        return {}, {}
    bundle = load_bundle(out)
    here, there = network_of(classifier), network_of(bundle.classifier)
    mine, theirs = (each.state_dict() if each else {} for each in (here, there))
    same = mine.keys() == theirs.keys() and all(
        torch.equal(mine[k].to(v.device, torch.float16), v.half()) for k, v in theirs.items()
    )
    return (dict(bundle.baselines), dict(bundle.baseline_info)) if same else ({}, {})


def provenance(config: Config, out: Path) -> dict[str, Any]:
    """What a bundle records of the run in OUT: recipe, seed, hardware, package versions, commit."""
    values = config.to_dict()
    values["data"]["root"] = None  # a path of the training machine says nothing elsewhere
    if config.given.model:
        del values["classifier"]  # it was not trained
    return {
        "config": values,
        "seed": config.seed,
        "trained_on": trained_on(out),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "commit": _commit(),
    }


def interpreter_info(name: str, settings: InterpreterConfig) -> InterpreterInfo:
    """How an interpreter is built, and what to tell a reader of its loss."""
    pooling = {"attention": "gated attention", "max": "the maximum"}[settings.pooling]
    origin, text = "paper", f"The paper's loss (Eq. 4); Θ pools with {pooling}."
    if settings.in_the_loop:
        origin = "ours"
        text = (
            f"Ours, not the paper's: Θ with {pooling}, trained with f's decision on what is kept "
            "and on what is left in the loss."
        )
    if settings.reads == LOG_MEL:
        origin, text = "ours", f"{text} Ψ reads the log-mel, not f's hidden layers."
    title = f"{name.upper()} ({origin})"
    return InterpreterInfo(settings.pooling, settings.channels, title, text, settings.reads)


def baseline_info(settings: Baseline) -> BaselineInfo:
    """How a trained baseline is built, and what can be played of it."""
    names = [f.name for f in fields(BaselineInfo) if hasattr(settings, f.name)]
    return BaselineInfo(**{name: getattr(settings, name) for name in names})


def _commit() -> str | None:
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
