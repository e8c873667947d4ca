"""Rules of the operations that only move numbers: flatten, pad, add, concatenate."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bkn.moments.operation import Join, Operation
from bkn.normalizers.base import Belief


class Flatten(Operation):
    """(N, C, ...) -> (N, C * places)."""

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        places = x.shape[2:].numel()
        if places == 1:
            return belief
        return Belief(*(part.repeat_interleave(places, 1) for part in belief))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x.flatten(1)

    def shortcut(self, belief: Belief, x: Tensor) -> Belief:
        return self.moments(belief, x)


class PadChannels(Operation):
    """Constant zero channels in front and behind."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.around = (before, after)

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return Belief(*(F.pad(part, self.around) for part in belief))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return F.pad(x, (0, 0) * (x.dim() - 2) + self.around)

    def shortcut(self, belief: Belief, x: Tensor) -> Belief:
        return self.moments(belief, x)


class Same(Operation):
    """Nothing happens."""

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return belief

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x

    def shortcut(self, belief: Belief, x: Tensor) -> Belief:
        return belief


class Add(Join):
    """The sum of independent terms."""

    def moments(self, beliefs: list[Belief]) -> Belief:
        first, second = beliefs
        return Belief(first.mean + second.mean, first.var + second.var)


class Concat(Join):
    """Side by side, along the channels."""

    def moments(self, beliefs: list[Belief]) -> Belief:
        return Belief(
            torch.cat([belief.mean for belief in beliefs], 1),
            torch.cat([belief.var for belief in beliefs], 1),
        )
