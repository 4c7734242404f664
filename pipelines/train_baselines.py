"""Train FLINT and VIBI: `python -m pipelines.train_baselines --config configs/esc50.yaml`.

Needs the finished interpreters of the same config and output folder; the baselines learn from the
same f and clips. When all are trained they join the bundle in OUT. Resumable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from l2i_core import audio
from l2i_core.baselines import flint, vibi
from l2i_core.bundle import BaselineInfo, new_baseline
from l2i_core.classifier import Classifier, freeze
from l2i_core.data import open_data_set
from pipelines.assemble import assemble, baseline_info
from pipelines.config import BaselineConfig, Config, command_line
from pipelines.learn_dictionary import learn
from pipelines.loop import Run
from pipelines.runs import device, main_guard, start_log
from pipelines.train_classifier import run_recipe, trained
from pipelines.train_interpreter import Cache, build_cache, trained_interpreter


def train(config: Config, name: str, out: Path, cached: Callable[[], Cache]) -> nn.Module:
    """Train one baseline of the config on f's answers, which are asked for if any are needed."""
    settings, classifier = config.baselines[name], trained(config, out)
    run = _run(config, name, out, classifier)
    if not run.finished:
        cache = cached()
        steps = {"flint": _flint_terms, "vibi": _vibi_terms}[settings.kind]

        def terms(chosen: Tensor) -> dict[str, Tensor]:
            return steps(settings, run.model, classifier, cache, chosen, config.audio)

        run.train(len(cache.logits), terms, config.seed)
    return freeze(run.model)


def _flint_terms(
    settings: BaselineConfig,
    model: Any,
    classifier: Classifier,
    cache: Cache,
    chosen: Tensor,
    config: audio.AudioConfig,
) -> dict[str, Tensor]:
    maps = [m[chosen].float().to(device()) for m in cache.maps]
    log_mel = (_log_mel(cache, chosen, config) - classifier.offset) / classifier.scale
    terms = flint.loss_terms(model, maps, log_mel, cache.logits[chosen].to(device()))
    weights = {
        "fidelity": settings.fidelity,
        "reconstruction": settings.reconstruction,
        "sparsity": settings.sparsity,
        "entropy": settings.entropy,
    }
    return {key: weights[key] * value for key, value in terms.items()}


def _vibi_terms(
    settings: BaselineConfig,
    model: Any,
    classifier: Classifier,
    cache: Cache,
    chosen: Tensor,
    config: audio.AudioConfig,
) -> dict[str, Tensor]:
    logits, log_mel = cache.logits[chosen].to(device()), _log_mel(cache, chosen, config)
    terms = vibi.loss_terms(model, log_mel, logits, settings.temperature)
    weights = {"fidelity": settings.fidelity, "compression": settings.compression}
    return {key: weights[key] * value for key, value in terms.items()}


def _log_mel(cache: Cache, chosen: Tensor, config: audio.AudioConfig) -> Tensor:
    x = cache.log_magnitude[chosen].float().to(device())
    return audio.log_mel(audio.magnitude(x), config)


def trained_baseline(config: Config, name: str, out: Path) -> nn.Module:
    """The frozen baseline that `train` left in OUT; ValueError where it is unfinished."""
    run = _run(config, name, out, trained(config, out))
    if not run.finished:
        raise ValueError(
            f"{out} holds {run.done} of {run.schedule.epochs} epochs of the baseline {name!r}; "
            "run pipelines.train_baselines first."
        )
    return freeze(run.model)


def _run(config: Config, name: str, out: Path, classifier: Classifier) -> Run:
    settings = config.baselines[name]
    torch.manual_seed(config.seed)
    info: BaselineInfo = baseline_info(settings)
    model = new_baseline(info, classifier, config.dictionary.components).to(device())
    shared = run_recipe(config, "precision", "classifier", "dictionary", "map_blocks")
    recipe = [shared, config.recipe("baselines")["baselines"][name]]
    path = out / "checkpoints" / f"baseline-{name}.safetensors"
    return Run(f"baseline {name}", model, settings, path, recipe)


def main(argv: list[str] | None = None) -> int:
    config, out, arguments = command_line(__doc__ or "", argv)
    start_log(out)
    names = [arguments.only] if arguments.only else list(config.baselines)
    if not names or set(names) - set(config.baselines):
        known = ", ".join(config.baselines) or "none"
        raise ValueError(f"the config has no such baseline ({arguments.only}); it has: {known}.")

    @lru_cache(maxsize=1)
    def cached() -> Cache:
        patterns = learn(config, out, only_finished=True)
        return build_cache(config, trained(config, out), patterns, views=1)

    for name in names:
        train(config, name, out, cached)
    if not arguments.only:
        assemble(
            config,
            out,
            open_data_set(config.data.kind, config.data.root).classes,
            trained(config, out),
            learn(config, out, only_finished=True),
            {name: trained_interpreter(config, name, out) for name in config.interpreters},
            {name: trained_baseline(config, name, out) for name in names},
        )
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
