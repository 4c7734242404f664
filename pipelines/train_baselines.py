"""Train FLINT and VIBI: `python -m pipelines.train_baselines --config configs/esc50.yaml`.

Needs the finished interpreters of the same config and output folder; the baselines learn from the
same f and clips. When all are trained they join the bundle in OUT. Resumable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from l2i_core.bundle import BaselineInfo, new_baseline
from l2i_core.classifiers.kumar import KumarVgg
from l2i_core.explainers import flint, vibi
from l2i_core.explainers.flint import Flint
from l2i_core.explainers.vibi import Vibi
from l2i_core.signal import spectra
from l2i_core.weights import freeze
from pipelines.assemble import assemble, baseline_info
from pipelines.config import BaselineConfig, Config, command_line, wanted
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
        run.train(
            len(cache.logits),
            lambda chosen: loss_terms(config, settings, run.model, classifier, cache, chosen),
            config.seed,
        )
    return freeze(run.model)


def loss_terms(
    config: Config,
    settings: BaselineConfig,
    model: nn.Module,
    classifier: KumarVgg,
    cache: Cache,
    chosen: Tensor,
) -> dict[str, Tensor]:
    """The weighted terms of a baseline's loss for the examples `chosen` (B,)."""
    chosen = chosen.to(cache.logits.device)
    x, logits = cache.log_magnitude[chosen].float(), cache.logits[chosen]
    log_mel = spectra.log_mel(spectra.magnitude(x), config.audio)
    if isinstance(model, Flint):
        maps = [m[chosen].float() for m in cache.maps]
        normalised = (log_mel - classifier.network.offset) / classifier.network.scale
        terms = flint.loss_terms(model, maps, normalised, logits, cache.multi_label)
    else:
        assert isinstance(model, Vibi)
        terms = vibi.loss_terms(model, log_mel, logits, settings.temperature, cache.multi_label)
    return {name: getattr(settings, name) * value for name, value in terms.items()}


def trained_baseline(config: Config, name: str, out: Path) -> nn.Module:
    """The frozen baseline that `train` left in OUT; ValueError where it is unfinished."""
    return _run(config, name, out, trained(config, out)).result("train_baselines")


def _run(config: Config, name: str, out: Path, classifier: KumarVgg) -> Run:
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
    names = wanted("baseline", config.baselines, arguments.only)

    @lru_cache(maxsize=1)
    def cached() -> Cache:
        patterns = learn(config, out, only_finished=True).to(device())
        return build_cache(config, trained(config, out), patterns, views=1)

    for name in names:
        train(config, name, out, cached)
    if not arguments.only:
        assemble(
            config,
            out,
            trained(config, out),
            learn(config, out, only_finished=True),
            {name: trained_interpreter(config, name, out) for name in config.interpreters},
            {name: trained_baseline(config, name, out) for name in names},
        )
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
