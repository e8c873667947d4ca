"""The recipe all entrants share: order of the images, learning rate, optimizer.

Every part is a function of the experiment and the step, so that a run continued from a checkpoint
equals the uninterrupted one without any state of its own.
"""

import math
from collections.abc import Collection

import torch
from torch import Tensor, nn

from bkn.experiment import Experiment

WARM_UP = 0.3  # share of the steps in which the learning rate rises
FIRST, LAST = 1 / 25, 1e-4  # learning rate at both ends, over its peak


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Learning rate of step 0..steps-1: cosine up to `peak`, cosine down to almost nothing.

    Smith & Topin 2018, https://arxiv.org/abs/1708.07120, without cycling the momentum.
    """
    top = WARM_UP * steps
    if step < top:
        return peak * (FIRST + (1 - FIRST) * _ease(step / top))
    return peak * (1 + (LAST - 1) * _ease((step - top) / max(1.0, steps - 1 - top)))


def _ease(x: float) -> float:
    return (1 - math.cos(math.pi * min(1.0, x))) / 2


class Order:
    """Which training images make the batch of a step: a fresh permutation every epoch."""

    def __init__(self, experiment: Experiment, train_size: int):
        self.batch, self.seed, self.train_size = experiment.batch, experiment.seed, train_size
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.long)

    def batch_of(self, step: int) -> Tensor:
        """Positions of the images of this step's batch, (B,); the incomplete rest is dropped."""
        epoch, place = divmod(step, self.train_size // self.batch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self._permutation = torch.randperm(self.train_size, generator=generator)
            self._epoch = epoch
        return self._permutation[place * self.batch : (place + 1) * self.batch]


def make_optimizer(
    model: nn.Module, experiment: Experiment, undecayed: Collection[nn.Parameter] = frozenset()
) -> torch.optim.Optimizer:
    """SGD with momentum; weight decay on weights only, not on scales, shifts and gains.

    Args:
        model: what is trained.
        experiment: says how.
        undecayed: further parameters without weight decay, as the method wants it.
    """
    decayed = [p for p in model.parameters() if p.ndim > 1 and p not in undecayed]
    others = [p for p in model.parameters() if p.ndim <= 1 or p in undecayed]
    groups = [
        {"params": decayed, "weight_decay": experiment.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=experiment.lr, momentum=experiment.momentum)
