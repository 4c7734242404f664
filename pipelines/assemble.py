"""Put the parts that training left in OUT/checkpoints together into a bundle (fp16)."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from l2i_core.bundle import Bundle, InterpreterInfo, save_bundle
from l2i_core.data import open_data_set
from l2i_core.nmf import Dictionary
from pipelines.config import Config, InterpreterConfig

_PACKAGES = ("torch", "torchaudio", "librosa", "numpy", "soundfile", "soxr", "scikit-learn")


def assemble(config: Config, out: Path) -> None:
    """Write config.json and the weights of every interpreter of the config into OUT."""
    from pipelines.learn_dictionary import learn
    from pipelines.train_classifier import trained
    from pipelines.train_interpreter import trained_interpreter

    data = open_data_set(config.data.kind, config.data.root)
    interpreters = {n: trained_interpreter(config, n, out).cpu() for n in config.interpreters}
    infos = {n: _info(n, s) for n, s in config.interpreters.items()}
    save_bundle(
        Bundle(
            name=out.name,
            title=config.title or config.name,
            classes=data.classes,
            audio=config.audio,
            classifier=trained(config, out).cpu(),
            dictionary=Dictionary(learn(config, out, only_finished=True)),
            interpreters=interpreters,
            interpreter_info=infos,
            default_interpreter=config.default_interpreter or next(iter(interpreters)),
            training=provenance(config),
        ),
        out,
    )


def provenance(config: Config) -> dict[str, Any]:
    """The recipe, seed, package versions and commit that a bundle records."""
    values = config.to_dict()
    values["data"]["root"] = None  # a path of the training machine says nothing elsewhere
    return {
        "config": values,
        "seed": config.seed,
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
    return InterpreterInfo(settings.pooling, settings.channels, name.upper(), text)


def _commit() -> str | None:
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
