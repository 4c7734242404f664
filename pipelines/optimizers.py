"""AdamW, or Muon for a network's convolutions and AdamW for all else, behind one step.

Muon (Jordan et al. 2024, torch.optim.Muon) moves a weight matrix along the nearest orthogonal
matrix of its momentum, so that no direction waits for another: Ψ, which has no batch normalisation,
then learns in far fewer steps (docs/method.md).
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from l2i_core.explainers.training import Training

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)


class Optimizers:
    """What steps a model's parameters. `by_name` holds their states, for the checkpoint.

    muon_learning_rate 0: AdamW for every parameter. Else Muon with that rate for the weights of
    convolutions, each as a matrix (output channels × the rest), and AdamW for the others.
    head: modules of the model that learn, by AdamW, at the rate head[name] of their own.
    """

    def __init__(
        self, model: nn.Module, rates: Training, head: Mapping[str, float] | None = None
    ) -> None:
        layers = [m for m in model.modules() if isinstance(m, _CONVOLUTIONS)]
        self._weights = [m.weight for m in layers] if rates.muon_learning_rate else []
        # Muon takes matrices alone: these share the weights' storage.
        self._matrices = [nn.Parameter(w.detach().view(len(w), -1)) for w in self._weights]
        by_muon = {id(w) for w in self._weights}
        heads = {name: list(model.get_submodule(name).parameters()) for name in head or {}}
        apart = by_muon | {id(p) for parameters in heads.values() for p in parameters}
        others = [p for p in model.parameters() if id(p) not in apart]
        decay = rates.weight_decay
        self._peaks = [rates.learning_rate]
        self.by_name: dict[str, torch.optim.Optimizer] = {
            "optimizer": torch.optim.AdamW(others, weight_decay=decay)
        }
        if self._matrices:
            self._peaks.append(rates.muon_learning_rate)
            # match_rms_adamw: a step as long as AdamW's at that rate.
            self.by_name["muon"] = torch.optim.Muon(
                self._matrices, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
            )
        for name, parameters in heads.items():
            self._peaks.append((head or {})[name])
            self.by_name[f"optimizer-{name}"] = torch.optim.AdamW(parameters, weight_decay=decay)

    def step(self, rate: Callable[[float], float]) -> None:
        """One step along the parameters' gradients; rate(peak) is the learning rate of now."""
        for weight, matrix in zip(self._weights, self._matrices, strict=True):
            matrix.grad = None if weight.grad is None else weight.grad.flatten(1)
        for optimizer, peak in zip(self.by_name.values(), self._peaks, strict=True):
            optimizer.param_groups[0]["lr"] = rate(peak)
            optimizer.step()
