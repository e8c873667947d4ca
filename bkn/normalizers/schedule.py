"""Methods that begin otherwise than they go on: how far the planned training has come."""

from typing import Any

import torch
from torch import Tensor

from bkn.normalizers.base import BatchStatistics


class ScheduledStatistics(BatchStatistics):
    """Batch statistics with a schedule in shares of the planned steps, kept in buffers.

    Whoever normalizes adds 1 to `taken` with every training pass.

    Args:
        base: see `BatchStatistics`.
    """

    planned: Tensor
    taken: Tensor

    def __init__(self, channels: int, **base: Any):
        super().__init__(channels, **base)
        self.register_buffer("planned", torch.tensor(0))
        self.register_buffer("taken", torch.tensor(0))

    def plan(self, steps: int) -> None:
        """Hear how many steps are planned in all; those that a checkpoint brought count."""
        self.planned.fill_(steps)

    def reached(self, share: float) -> bool:
        """Whether that share of the planned steps is over; every share is where none is planned."""
        return float(self.taken) >= share * float(self.planned)
