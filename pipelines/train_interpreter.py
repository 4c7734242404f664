"""Train the interpreters: `python -m pipelines.train_interpreter --config configs/esc10.yaml`.

Needs the classifier and the dictionary of the same config and output folder. f is frozen, so its
feature maps are computed once. When all interpreters are trained OUT is a bundle. Resumable.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from l2i_core.bundle import Bundle, save_bundle
from l2i_core.classifiers.kumar import KumarVgg
from l2i_core.classifiers.protocol import SoundClassifier, network_of
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.explainers import losses, theta
from l2i_core.explainers.baselines import new_baseline
from l2i_core.explainers.l2i import LOG_MEL, MAPS, Interpreter
from l2i_core.explainers.protocol import EXPLAINERS, usable
from l2i_core.explainers.training import Given
from l2i_core.signal import spectra
from l2i_core.task import Task
from pipelines.answers import Cache, Features, heard
from pipelines.assemble import baseline_info, baselines_of, interpreter_info, provenance
from pipelines.config import Baseline, Config, InterpreterConfig, wanted
from pipelines.learn_dictionary import groups, learn
from pipelines.loop import Run, stage
from pipelines.runs import autocast, device, main_guard
from pipelines.train_classifier import run_recipe, trained

_NORMALISED_ON = 64  # examples whose log-mels say what Ψ's are normalised by, where it reads them


def train(config: Config, name: str, out: Path, features: Features | None = None) -> nn.Module:
    """Train one interpreter of the config with Eq. 4 (and the loop where its weights are set), or
    one baseline, on f's answers, which are asked for if any are needed."""
    run = _run(config, name, out)
    if run.finished:
        return run.result()
    settings, classifier = config.explainers[name], trained(config, out)
    features = features or Features()
    if isinstance(settings, InterpreterConfig):
        check_trainable(name, settings, classifier)
        patterns = learn(config, out, only_finished=True).to(device())
        if run.done == 0 and settings.start_from:
            start = trained_interpreter(config, settings.start_from, out)
            run.model.load_state_dict(start.state_dict())
        cache = features.of(config, out, settings)
        if run.done == 0 and not settings.start_from and run.model.ear is not None:
            some = cache.log_magnitude[:_NORMALISED_ON].float()
            run.model.ear.normalise(run.model.read([], some)[0])
        terms = partial(loss_terms, config, settings, run.model, classifier, patterns, cache)
    else:
        if not isinstance(classifier, KumarVgg):
            raise ValueError(
                f"the baseline {name!r} reads the log-mel of Kumar's network, and f is of kind "
                f"{config.classifier.kind}; leave the baselines out."
            )
        cache = features.of(config, out, InterpreterConfig())
        terms = partial(baseline_terms, config, settings, run.model, classifier, cache)
    return run.train(len(cache.logits), lambda epoch: terms, config.seed)


def check_trainable(name: str, settings: InterpreterConfig, classifier: SoundClassifier) -> None:
    """ValueError where an interpreter needs of f what it does not give."""
    if settings.in_the_loop and not classifier.differentiable:
        raise ValueError(
            f"{name} is trained with f's decision in the loop, which needs f's gradient, and this "
            "classifier gives none; leave it out."
        )
    if settings.reads == MAPS and not classifier.layers:
        raise ValueError(
            f"{name} reads f's hidden layers, and this classifier shows none; name some, or set "
            f"reads: {LOG_MEL}."
        )


def loss_terms(
    config: Config,
    settings: InterpreterConfig,
    model: Interpreter,
    classifier: SoundClassifier,
    patterns: Tensor,
    cache: Cache,
    chosen: Tensor,
) -> dict[str, Tensor]:
    """The weighted terms of the loss for the examples `chosen` (B,)."""
    x, maps, logits = cache.of(chosen)
    activations, theirs, pooled, _ = model(model.read(maps, x), x.shape[2])
    terms = {
        "fidelity": settings.fidelity * losses.fidelity(theirs, logits, cache.task),
        "reconstruction": settings.reconstruction * losses.reconstruction(x, patterns, activations),
        "sparsity": settings.sparsity * losses.sparsity(activations),
    }
    if settings.in_the_loop:
        targets = _targets(logits, cache.task)
        low, high = settings.loop_thresholds
        thresholds = torch.rand(len(chosen)).to(device()) * (high - low) + low
        phase = None if cache.phase is None else cache.phase[chosen.to(x.device)].float()

        def answer(masked: Tensor) -> Tensor:
            twice = None if phase is None else torch.cat([phase, phase])
            with autocast(config.precision):
                return heard(config, classifier, masked, twice).logits.float()

        keep, remove, energy = losses.decision_in_the_loop(
            answer,
            x,
            patterns,
            activations,
            theta.relevance(pooled, model.class_weights[targets]),
            targets,
            thresholds,
            settings.loop_softness,
            cache.task,
        )
        terms["keep"] = settings.loop_keep * keep
        terms["remove"] = settings.loop_remove * remove
        terms["energy"] = settings.loop_energy * energy
    return terms


def _targets(logits: Tensor, task: Task) -> Tensor:
    """The class (B,) of each clip that the loop explains: f's decision; of several, one by chance;
    of none, the most probable."""
    most = logits.argmax(dim=1)
    if not task.multi_label:
        return most
    active = logits > 0
    none = ~active.any(dim=1)
    active[none, most[none]] = True
    return torch.multinomial(active.float(), 1).squeeze(1)


def baseline_terms(
    config: Config,
    settings: Baseline,
    model: nn.Module,
    classifier: KumarVgg,
    cache: Cache,
    chosen: Tensor,
) -> dict[str, Tensor]:
    """The weighted terms of a baseline's loss for the examples `chosen` (B,)."""
    x, maps, logits = cache.of(chosen)
    log_mel = spectra.log_mel(spectra.magnitude(x), config.audio)
    normalised = (log_mel - classifier.network.offset) / classifier.network.scale
    given = Given(log_mel, normalised, maps, logits, cache.task)
    return settings.loss_terms(model, given)  # type: ignore[arg-type]


def trained_interpreter(config: Config, name: str, out: Path) -> Interpreter:
    """The frozen interpreter that `train` left in OUT; ValueError where it is unfinished."""
    return _run(config, name, out).result()


def _run(config: Config, name: str, out: Path) -> Run[Any]:
    """The training of one of the config's interpreters or baselines."""
    settings, classifier = config.explainers[name], trained(config, out)
    components = config.dictionary.components
    torch.manual_seed(config.seed)
    if isinstance(settings, InterpreterConfig):
        kind, command = "interpreter", "train_interpreter"
        model: nn.Module = Interpreter.for_classifier(
            classifier,
            config.audio,
            components,
            settings.pooling,
            settings.channels,
            settings.dropout,
            settings.reads,
        )
    else:
        kind, command = "baseline", "train_baselines"
        model = new_baseline(baseline_info(settings), classifier, components)
    path = out / "checkpoints" / f"{kind}-{name}.safetensors"
    recipe = _recipe(config, name)
    return Run(f"{kind} {name}", command, model.to(device()), settings, path, recipe)


def _recipe(config: Config, name: str) -> Any:
    """What must agree on resuming: this explainer's settings and all that it builds on."""
    chain = [name]
    while start := getattr(config.explainers[chain[-1]], "start_from", None):
        if start not in config.interpreters or start in chain:
            raise ValueError(f"interpreter {chain[-1]!r} cannot start from {start!r}.")
        chain.append(start)
    shared = run_recipe(config, "precision", "classifier", "dictionary", "map_blocks")
    settings = config.recipe("interpreters", "baselines")
    every = settings["interpreters"] | settings["baselines"]
    return [shared, *(every[n] for n in chain)]


def make_bundle(config: Config, out: Path, baselines: dict[str, nn.Module] | None = None) -> None:
    """Put all that was trained in OUT together: config.json and the weights in fp16. Without
    `baselines` those of the bundle that is there already stay (`baselines_of`)."""
    classifier, patterns = trained(config, out), learn(config, out, only_finished=True)
    interpreters = {n: trained_interpreter(config, n, out).cpu() for n in config.interpreters}
    info = {n: baseline_info(config.baselines[n]) for n in baselines or {}}
    if baselines is None:
        baselines, info = baselines_of(out, classifier)
    if network := network_of(classifier):
        network.cpu()
    bundle = Bundle(
        name=config.name,
        title=config.title or config.name,
        audio=config.audio,
        classifier=classifier,
        dictionary=Dictionary(patterns, groups(config, classifier.classes)),
        interpreters=interpreters,
        interpreter_info={n: interpreter_info(n, config.interpreters[n]) for n in interpreters},
        default_interpreter=config.default_interpreter
        or next(iter(interpreters), None)
        or usable(classifier),
        training=provenance(config, out),
        baselines={name: model.cpu() for name, model in baselines.items()},
        baseline_info=info,
    )
    save_bundle(bundle, out)


def train_all(config: Config, out: Path, only: str | None) -> None:
    """Train the config's interpreters (or `only` one), and make a bundle of all; of none, where its
    default is an explainer without training."""
    features, untrained = Features(), config.default_interpreter in EXPLAINERS
    names = config.interpreters
    for name in wanted("interpreter", names, only) if names or not untrained else ():
        train(config, name, out, features)
    if only is None:
        make_bundle(config, out)


def main(argv: list[str] | None = None) -> int:
    return stage(__doc__, argv, train_all)


if __name__ == "__main__":
    sys.exit(main_guard(main))
