"""Put the parts that training left in OUT/checkpoints together into a bundle (fp16)."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from l2i_core.bundle import Bundle, InterpreterInfo, load_bundle, save_bundle
from l2i_core.classifiers.kumar import KumarVgg
from l2i_core.classifiers.protocol import network_of
from l2i_core.data.sets import open_data_set
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.explainers.baselines import BaselineInfo
from l2i_core.explainers.l2i import Interpreter
from pipelines.checkpoint import trained_on
from pipelines.config import Baseline, Config, InterpreterConfig
from pipelines.learn_dictionary import groups

_PACKAGES = ("torch", "torchaudio", "librosa", "numpy", "soundfile", "soxr", "scikit-learn")


def assemble(
    config: Config,
    out: Path,
    classifier: KumarVgg,
    patterns: Tensor,
    interpreters: dict[str, Interpreter],
    baselines: dict[str, nn.Module] | None = None,
) -> None:
    """Write config.json and the weights into OUT. Without `baselines` those of the bundle that is
    there already stay, if they were trained on this very f."""
    data = open_data_set(config.data.kind, config.data.root)
    info = {n: baseline_info(config.baselines[n]) for n in baselines or {}}
    if baselines is None:
        baselines, info = _there(out, classifier)
    classifier.network.cpu()
    save_bundle(
        Bundle(
            name=config.name,
            title=config.title or config.name,
            audio=config.audio,
            classifier=classifier,
            dictionary=Dictionary(patterns, groups(config, data.classes)),
            interpreters={name: model.cpu() for name, model in interpreters.items()},
            interpreter_info={n: _info(n, config.interpreters[n]) for n in interpreters},
            default_interpreter=config.default_interpreter or next(iter(interpreters)),
            training=provenance(config, out),
            baselines={name: model.cpu() for name, model in baselines.items()},
            baseline_info=info,
        ),
        out,
    )


def _there(out: Path, classifier: KumarVgg) -> tuple[dict[str, nn.Module], dict[str, BaselineInfo]]:
    if not (out / "config.json").is_file():
        return {}, {}
    bundle = load_bundle(out)
    mine, there = classifier.network.state_dict(), network_of(bundle.classifier)
    theirs = there.state_dict() if there else {}
    same = mine.keys() == theirs.keys() and all(
        torch.equal(mine[k].to(v.device, torch.float16), v.half()) for k, v in theirs.items()
    )
    return (dict(bundle.baselines), dict(bundle.baseline_info)) if same else ({}, {})


def provenance(config: Config, out: Path) -> dict[str, Any]:
    """What a bundle records of the run in OUT: recipe, seed, hardware, package versions, commit."""
    values = config.to_dict()
    values["data"]["root"] = None  # a path of the training machine says nothing elsewhere
    return {
        "config": values,
        "seed": config.seed,
        "trained_on": trained_on(out),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "commit": _commit(),
    }


def _info(name: str, settings: InterpreterConfig) -> InterpreterInfo:
    pooling = {"attention": "gated attention", "max": "the maximum"}[settings.pooling]
    if settings.in_the_loop:
        text = (
            f"Ours, not the paper's: Θ with {pooling}, trained with f's decision on what is kept "
            "and on what is left in the loss."
        )
    else:
        text = f"The paper's loss (Eq. 4); Θ pools with {pooling}."
    origin = "ours" if settings.in_the_loop else "paper"
    return InterpreterInfo(settings.pooling, settings.channels, f"{name.upper()} ({origin})", text)


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
