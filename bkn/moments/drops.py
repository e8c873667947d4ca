"""Rules of what drops activations by chance: single numbers, channels, or whole images."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bkn.moments.operation import Operation
from bkn.normalizers.base import Belief


class Dropout(Operation):
    """Zeros with probability p, the rest scaled by 1 / (1 - p), while training.

    The moments over all images are the same whether numbers, channels, or whole images are
    dropped together; a micro-batch of few images sees more or less than that.

    Args:
        p: probability of a zero.
        together: the first of the axes that are dropped as one, None for single numbers: 2 for
            channels, 1 for images, 0 for the batch.
    """

    def __init__(self, p: float, together: int | None = None):
        super().__init__()
        self.p = p
        self.together = together

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        if not self.drops(*weights):
            return belief
        if self.p == 1:
            return Belief(*(torch.zeros_like(part) for part in belief))
        var = (belief.var + self.p * belief.mean.square()) / (1 - self.p)
        return Belief(belief.mean, var)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        if self.together is None:
            return F.dropout(x, self.p, self.drops(*weights))
        alike = x.new_ones(x.shape[: self.together] + (1,) * (x.dim() - self.together))
        return x * F.dropout(alike, self.p, self.drops(*weights))

    def drops(self, training: bool | None = None) -> bool:
        """Whether anything is dropped: as the call is told, or as this module's mode says."""
        return self.training if training is None else training
