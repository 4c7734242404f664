"""Training losses of the interpreter: Eq. 1–4, and the decision in the loop.

All are means (over clips, bins, components), so that weights do not depend on a clip's length.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from l2i_core.dictionary import masking
from l2i_core.task import ONE_CLASS, Task


def fidelity(
    interpreter_logits: Tensor, classifier_logits: Tensor, task: Task = ONE_CLASS
) -> Tensor:
    """Eq. 1, −Σ_c softmax(f)_c log softmax(Θ)_c, mean over clips; (B, C), (B, C). Of several
    classes Eq. 2, binary cross-entropy with σ(f), mean over clips and classes."""
    return task.loss(interpreter_logits, task.probabilities(classifier_logits))


def reconstruction(log_magnitude: Tensor, patterns: Tensor, activations: Tensor) -> Tensor:
    """Eq. 3: ‖X − W H‖², mean over bins; (B, F, T), (F, K), (B, K, T)."""
    return functional.mse_loss(patterns @ activations, log_magnitude)


def sparsity(activations: Tensor) -> Tensor:
    """‖H‖₁ of Eq. 4, mean over entries; H (B, K, T) ≥ 0."""
    return activations.mean()


def decision_in_the_loop(
    answer: Callable[[Tensor], Tensor],
    log_magnitude: Tensor,
    patterns: Tensor,
    activations: Tensor,
    relevance: Tensor,
    targets: Tensor,
    thresholds: Tensor,
    softness: float = 0.05,
    task: Task = ONE_CLASS,
) -> tuple[Tensor, Tensor, Tensor]:
    """Ours, not the paper's: what f says of x_int and x_2, as a loss.

    The selection is made smooth, s_k = σ((r_k − τ) / softness); the mask of section 3.2 with s in
    place of the 0/1 selection gives X_int and X_2, which go into the frozen f. `answer` is f:
    X (2B, F, T) → logits (2B, C), X_int of all clips first. log_magnitude (B, F, T), relevance
    (B, K) for the targets (B,), τ (B,).

    Returns three means over clips: keep, the cross-entropy of f(x_int) with the target; remove,
    −log(1 − p_c(f(x_2))); energy, the share of ‖X‖² that is kept. p is softmax; of several classes
    σ, for which keep is −log p_c(f(x_int)).
    """
    selection = torch.sigmoid((relevance - thresholds[:, None]) / softness)
    masks = masking.soft_masks(patterns, activations, selection)
    kept, left = masking.apply_masks(log_magnitude, masks)
    logits_kept, logits_left = answer(torch.cat([kept, left])).chunk(2)
    if task.multi_label:
        chosen = targets[:, None]
        keep = functional.softplus(-logits_kept.gather(1, chosen)).mean()
        remove = functional.softplus(logits_left.gather(1, chosen)).mean()
    else:
        keep = functional.cross_entropy(logits_kept, targets)
        probability = logits_left.softmax(-1).gather(1, targets[:, None]).squeeze(1)
        remove = -torch.log(1 - probability.clamp(max=1 - 1e-6)).mean()
    total = log_magnitude.square().sum(dim=(1, 2)).clamp_min(1e-9)
    energy = (kept.square().sum(dim=(1, 2)) / total).mean()
    return keep, remove, energy
