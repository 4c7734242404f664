"""Θ mimics f from pooled activations (paper, section 3.1), and the relevances it gives (3.2).

Θ pools H over time, by gated attention (Ilse et al. 2018) or by the maximum, and has one linear
layer without bias: relevances sum to the logit.
"""

import torch
from torch import Tensor, nn

_TINY = 1e-12


def relevance(pooled: Tensor, class_weight: Tensor, signed: bool = False) -> Tensor:
    """r_k = z_k θ_ck / max_l |z_l θ_cl| (section 3.2): (…, K), (…, K) → (…, K).

    Where every contribution is zero, r = 0. signed: over max_l z_l θ_cl, the released code's; then
    r = 0 where no contribution is positive, too.
    """
    contribution = pooled * class_weight
    largest = (contribution if signed else contribution.abs()).amax(dim=-1, keepdim=True)
    return torch.where(largest > _TINY, contribution / largest.clamp_min(_TINY), 0.0)


class ThetaAttention(nn.Module):
    """Θ_ATT: z = Σ_t a_t h_t with gated attention, then a linear layer (section 3.1)."""

    def __init__(
        self, n_components: int, n_classes: int, dropout: float = 0.0, hidden: int = 128
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.tanh = nn.Linear(n_components, hidden)
        self.gate = nn.Linear(n_components, hidden)
        self.score = nn.Linear(hidden, 1)
        self.linear = nn.Linear(n_components, n_classes, bias=False)

    def forward(self, activations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """H (B, K, T) → logits (B, C), z (B, K), attention (B, T) summing to 1."""
        h = activations.transpose(1, 2)
        score = self.score(torch.tanh(self.tanh(h)) * torch.sigmoid(self.gate(h)))
        attention = torch.softmax(score.squeeze(-1), dim=1)
        pooled = torch.einsum("bkt,bt->bk", activations, attention)
        return self.linear(self.dropout(pooled)), pooled, attention


class ThetaMax(nn.Module):
    """Θ_MAX: z_k = max_t h_kt, then a linear layer. Its "attention" is the share of the active
    components that reach their maximum at each frame; uniform where none is active."""

    def __init__(self, n_components: int, n_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_components, n_classes, bias=False)

    def forward(self, activations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """H (B, K, T) → logits (B, C), z (B, K), attention (B, T) summing to 1."""
        pooled, frames = activations.max(dim=2)
        active = (pooled > 0).to(pooled.dtype)
        peaks = torch.zeros_like(activations[:, 0]).scatter_add(1, frames, active)
        count = active.sum(dim=1, keepdim=True)
        attention = torch.where(count > 0, peaks / count.clamp_min(1), 1 / peaks.shape[1])
        return self.linear(self.dropout(pooled)), pooled, attention
