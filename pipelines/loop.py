"""The epoch loop that every network trained on f's answers shares: seeded, logged, resumable."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from l2i_core.weights import freeze
from pipelines.checkpoint import load_checkpoint, one_cycle, save_checkpoint
from pipelines.optimizers import Optimizers, Rates

log = logging.getLogger("l2i")


class Schedule(Rates, Protocol):
    """How long and how fast a network is trained."""

    @property
    def epochs(self) -> int: ...
    @property
    def batch_size(self) -> int: ...


class Run:
    """One network's training: what its checkpoint holds, and what is left to do."""

    def __init__(
        self, name: str, model: nn.Module, schedule: Schedule, checkpoint: Path, recipe: Any
    ) -> None:
        self.name, self.model, self.schedule = name, model, schedule
        self._checkpoint, self._recipe = checkpoint, recipe
        self._optimizers = Optimizers(model, schedule)
        self.done = load_checkpoint(checkpoint, {"model": model}, self._optimizers.by_name, recipe)

    @property
    def finished(self) -> bool:
        return self.done >= self.schedule.epochs

    def result(self, command: str) -> nn.Module:
        """The frozen network; ValueError, naming the command to run, where it is unfinished."""
        if not self.finished:
            raise ValueError(
                f"{self._checkpoint.parent.parent} holds {self.done} of {self.schedule.epochs} "
                f"epochs of the {self.name}; run pipelines.{command} first."
            )
        return freeze(self.model)

    def train(
        self, n_examples: int, loss_terms: Callable[[Tensor], dict[str, Tensor]], seed: int
    ) -> None:
        """Run the epochs that are left; `loss_terms(chosen)` gives the weighted terms of the loss
        for the examples `chosen` (B,)."""
        schedule, model, optimizers = self.schedule, self.model, self._optimizers
        steps = -(-n_examples // schedule.batch_size)
        log.info("%s: %d examples, from epoch %d", self.name, n_examples, self.done)
        model.train()
        for epoch in range(self.done, schedule.epochs):
            start = time.time()
            sums: dict[str, float] = {}
            torch.manual_seed(seed * 100_003 + epoch)
            batches = torch.randperm(n_examples).split(schedule.batch_size)
            bar = tqdm(batches, desc=f"{self.name} epoch {epoch + 1}", leave=False)
            for step, chosen in enumerate(bar):
                now, last = epoch * steps + step, schedule.epochs * steps
                terms = loss_terms(chosen)
                loss = torch.stack(list(terms.values())).sum()
                if not bool(loss.isfinite()):
                    raise ValueError(
                        f"the loss of {self.name} is {loss.item()} in epoch {epoch + 1}; lower its "
                        "learning rates, or set precision: float32."
                    )
                model.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimizers.step(partial(one_cycle, now, last, warm_up=0.1))
                for key, value in terms.items():
                    sums[key] = sums.get(key, 0.0) + value.item() * len(chosen) / n_examples
            parts = " ".join(f"{key} {value:.4f}" for key, value in sums.items())
            seconds = time.time() - start
            log.info(
                "%s epoch %d/%d %s, %.1f s", self.name, epoch + 1, schedule.epochs, parts, seconds
            )
            self.done = epoch + 1
            save_checkpoint(
                self._checkpoint, {"model": model}, optimizers.by_name, self.done, self._recipe
            )
