"""Memorized batch normalization: one rule for training and evaluation, and a second forward pass.

Paper: Guo, Wu, Deng, Chen & Tan (2018), https://arxiv.org/abs/2010.04947

The moments of the last few batches are kept, the newer weighing more. Training normalizes by the
present batch together with them, evaluation by them alone. The step changes the weights, so the
batch goes through once more behind it, and what is kept are its moments under the new ones.
"""

import torch
from torch import Tensor

from bkn.normalizers.base import BatchStatistics, Belief, Estimate, count_groups, moments
from bkn.normalizers.filtering import update
from bkn.normalizers.kernels import normalize
from bkn.normalizers.window import Window


def geometric(count: int, ratio: float, like: Tensor) -> Tensor:
    """Weights (count,) that fall by a ratio from the newest on and sum to 1."""
    weights = ratio ** torch.arange(count, device=like.device, dtype=like.dtype)
    return weights / weights.sum()


def mixed(weights: Tensor, entries: Belief) -> Belief:
    """Moments (G, C) of a weighted mixture of K entries (K, G, C), by the law of total variance."""
    with torch.autocast(weights.device.type, enabled=False):
        mean = torch.einsum("k,kgc->gc", weights, entries.mean)
        spread = (entries.mean - mean).square()
        return Belief(mean, torch.einsum("k,kgc->gc", weights, entries.var + spread))


class MemorizedNorm(BatchStatistics):
    """Normalize by the weighted moments of the last batches, the present one among them.

    Each micro-batch stands for a device with a memory of its own. Evaluation knows no device: it
    uses the average over the micro-batches of what their memories say, which is kept in
    `running_mean` and `running_var`; there is no momentum and no other running average. Before the
    first training step these are 0 and 1, or what the replaced layer had.

    Wants the batch to go through again after the step (`Hooks`): the newest entry is then written
    anew. Without that it works too, with moments that are one step old.

    Args:
        entries: batches that are averaged, the present one included; 1 is batch norm.
        ratio: weight of a batch over that of the next newer one, in (0, 1].
        base: see `Normalizer`.
    """

    replays = True

    def __init__(
        self,
        channels: int,
        *,
        entries: int = 8,
        ratio: float = 0.5,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if entries < 1 or not 0 < ratio <= 1:
            raise ValueError(
                f"entries must be at least 1 and ratio in (0, 1], got {entries} and {ratio}"
            )
        self.entries, self.ratio = entries, ratio
        self.memory = Window(entries, ("mean", "var"))

    def count_groups(self, x: Tensor) -> int:
        """How many micro-batches x has; single values are fine once there is a memory."""
        if not len(self.memory):
            return super().count_groups(x)
        self.check(x)
        return count_groups(x, self.micro_batch)

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        groups = self.count_groups(x)
        posterior = seen = moments(x, self.micro_batch)
        # While the batch goes through again, its own earlier moments are in front.
        first, last = (1, self.entries) if self.replaying else (0, self.entries - 1)
        mean = self.memory.rows("mean", groups)[first:last]
        var = self.memory.rows("var", groups)[first:last]
        if len(mean):
            present, *past = geometric(1 + len(mean), self.ratio, seen.mean)
            past_weights = torch.stack(past) / (1 - present)
            posterior = update(mixed(past_weights, Belief(mean, var)), seen, present)
        return Estimate(seen, None, posterior, torch.ones_like(seen.mean[0]))

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, Belief | None]:
        if not self.training:
            self.check(x)
            return self.by_running_averages(x), None
        seen, _, posterior, *_ = self.estimate(x)
        y = normalize(x, *posterior, self.weight, self.bias, self.eps)
        if self.replaying:
            self.memory.replace(mean=seen.mean, var=seen.var)
        else:
            self.memory.push(mean=seen.mean, var=seen.var)
            self.num_batches_tracked += 1
        self.recall()
        return y, None

    @torch.no_grad()
    def recall(self) -> None:
        """Write down for evaluation what the memory says."""
        mean, var = self.memory.rows("mean"), self.memory.rows("var")
        said = mixed(geometric(len(mean), self.ratio, mean), Belief(mean, var))
        self.running_mean.copy_(said.mean.mean(0))
        self.running_var.copy_(said.var.mean(0))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, entries={self.entries}, ratio={self.ratio}"
