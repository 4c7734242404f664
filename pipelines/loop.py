"""What the commands on an experiment share: options and log, and the epoch loop of every network:
seeded, logged, resumable."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from l2i_core.arguments import Parser
from l2i_core.explainers.training import Training
from l2i_core.weights import freeze
from pipelines.checkpoint import load_checkpoint, one_cycle, save_checkpoint
from pipelines.config import Config, load_config
from pipelines.optimizers import Optimizers
from pipelines.runs import start_log

log = logging.getLogger("l2i")
Model = TypeVar("Model", bound=nn.Module)
_EARLY_PEAK = partial(one_cycle, warm_up=0.1)


def stage(
    description: str | None,
    argv: list[str] | None,
    work: Callable[[Config, Path, str | None], object],
) -> int:
    """A command on an experiment: options, log, then `work(config, OUT, only)`."""
    parser = Parser(description=description)
    parser.add_argument(
        "--config", required=True, help="an experiment file, e.g. configs/esc10.yaml"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--out", type=Path, help="the bundle's folder (default: runs/NAME)")
    parser.add_argument("--only", help="one interpreter of the config (default: all)")
    given = parser.parse_args(argv)
    config = load_config(given.config, given.overrides)
    out = given.out or Path("runs") / config.name
    start_log(out)
    work(config, out, given.only)
    return 0


class Run(Generic[Model]):
    """One network's training by pipelines.COMMAND: what its checkpoint, OUT/checkpoints/FILE,
    holds, and what is left to do. part: the network's name in the checkpoint; head: its modules
    that have a learning rate of their own."""

    def __init__(
        self,
        name: str,
        command: str,
        model: Model,
        schedule: Training,
        checkpoint: Path,
        recipe: Any,
        part: str = "model",
        head: Mapping[str, float] | None = None,
    ) -> None:
        self.name, self.model, self.schedule = name, model, schedule
        self._command = command
        self._checkpoint, self._recipe = checkpoint, recipe
        self._models: dict[str, nn.Module] = {part: model}
        self._optimizers = Optimizers(model, schedule, head)
        self.done = load_checkpoint(checkpoint, self._models, self._optimizers.by_name, recipe)

    @property
    def finished(self) -> bool:
        return self.done >= self.schedule.epochs

    def result(self) -> Model:
        """The frozen network; ValueError where it is unfinished."""
        if not self.finished:
            raise ValueError(
                f"{self._checkpoint.parent.parent} holds {self.done} of {self.schedule.epochs} "
                f"epochs of the {self.name}; run pipelines.{self._command} first."
            )
        return freeze(self.model)

    def train(
        self,
        n_examples: int,
        loss_terms: Callable[[int], Callable[[Tensor], dict[str, Tensor]]],
        seed: int,
        rate: Callable[[int, int, float], float] = _EARLY_PEAK,
        longest: float = 5.0,
    ) -> Model:
        """Run the epochs that are left; the frozen network.

        `loss_terms(epoch)` is called when an epoch's batches are drawn; what it returns gives the
        weighted terms of the loss on the examples `chosen` (B,): one without a gradient is only
        logged. `rate(step, steps, peak)` is the learning rate; a gradient is cut to `longest`.
        """
        schedule, model, optimizers = self.schedule, self.model, self._optimizers
        steps = -(-n_examples // schedule.batch_size)
        log.info("%s: %d examples, from epoch %d", self.name, n_examples, self.done)
        model.train()
        for epoch in range(self.done, schedule.epochs):
            start = time.time()
            sums: dict[str, float] = {}
            torch.manual_seed(seed * 100_003 + epoch)
            batches = torch.randperm(n_examples).split(schedule.batch_size)
            terms_of = loss_terms(epoch)
            bar = tqdm(batches, desc=f"{self.name} epoch {epoch + 1}", leave=False)
            for step, chosen in enumerate(bar):
                now, last = epoch * steps + step, schedule.epochs * steps
                terms = terms_of(chosen)
                loss = torch.stack([term for term in terms.values() if term.requires_grad]).sum()
                if not bool(loss.isfinite()):
                    raise ValueError(
                        f"the loss of {self.name} is {loss.item()} in epoch {epoch + 1}; lower its "
                        "learning rates, or set precision: float32."
                    )
                model.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), longest)
                optimizers.step(partial(rate, now, last))
                for key, value in terms.items():
                    sums[key] = sums.get(key, 0.0) + value.item() * len(chosen) / n_examples
            parts = " ".join(f"{key} {value:.4f}" for key, value in sums.items())
            seconds = time.time() - start
            log.info(
                "%s epoch %d/%d %s, %.1f s", self.name, epoch + 1, schedule.epochs, parts, seconds
            )
            self.done = epoch + 1
            save_checkpoint(
                self._checkpoint, self._models, optimizers.by_name, self.done, self._recipe
            )
        return freeze(model)
