"""Train FLINT and VIBI: `python -m pipelines.train_baselines --config configs/esc50.yaml`.

Needs the finished interpreters of the same config and output folder; the baselines learn from the
same f and clips. When all are trained they join the bundle in OUT. Resumable.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from l2i_core.classifiers.kumar import KumarVgg
from l2i_core.explainers.baselines import new_baseline
from l2i_core.explainers.training import Given
from l2i_core.signal import spectra
from pipelines.assemble import baseline_info
from pipelines.config import Baseline, Config, wanted
from pipelines.loop import Run, stage
from pipelines.runs import device, main_guard
from pipelines.train_classifier import run_recipe, trained
from pipelines.train_interpreter import Cache, Features, make_bundle


def train(config: Config, name: str, out: Path, features: Features) -> nn.Module:
    """Train one baseline of the config on f's answers, which are asked for if any are needed."""
    settings, classifier = config.baselines[name], trained(config, out)
    run = _run(config, name, out, classifier)
    if run.finished:
        return run.result("train_baselines")
    cache = features.of(config, out, views=1)
    terms = partial(loss_terms, config, settings, run.model, classifier, cache)
    return run.train(len(cache.logits), lambda epoch: terms, config.seed)


def loss_terms(
    config: Config,
    settings: Baseline,
    model: nn.Module,
    classifier: KumarVgg,
    cache: Cache,
    chosen: Tensor,
) -> dict[str, Tensor]:
    """The weighted terms of a baseline's loss for the examples `chosen` (B,)."""
    chosen = chosen.to(cache.logits.device)
    magnitude = spectra.magnitude(cache.log_magnitude[chosen].float())
    log_mel = spectra.log_mel(magnitude, config.audio)
    normalised = (log_mel - classifier.network.offset) / classifier.network.scale
    maps = [m[chosen].float() for m in cache.maps]
    given = Given(log_mel, normalised, maps, cache.logits[chosen], cache.multi_label)
    return settings.loss_terms(model, given)  # type: ignore[arg-type]


def _run(config: Config, name: str, out: Path, classifier: KumarVgg) -> Run[nn.Module]:
    settings = config.baselines[name]
    torch.manual_seed(config.seed)
    info = baseline_info(settings)
    model = new_baseline(info, classifier, config.dictionary.components).to(device())
    shared = run_recipe(config, "precision", "classifier", "dictionary", "map_blocks")
    recipe = [shared, config.recipe("baselines")["baselines"][name]]
    path = out / "checkpoints" / f"baseline-{name}.safetensors"
    return Run(f"baseline {name}", model, settings, path, recipe)


def train_all(config: Config, out: Path, only: str | None) -> None:
    """Train the config's baselines (or `only` one); all of them join the bundle."""
    features = Features()
    names = wanted("baseline", config.baselines, only)
    models = {name: train(config, name, out, features) for name in names}
    if only is None:
        make_bundle(config, out, models)


def main(argv: list[str] | None = None) -> int:
    return stage(__doc__, argv, train_all)


if __name__ == "__main__":
    sys.exit(main_guard(main))
