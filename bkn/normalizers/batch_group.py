"""Batch group normalization: one statistic over a micro-batch and a group of channels.

Paper: Zhou, Sun, Ye et al. (2020), https://arxiv.org/abs/2012.02782

Two images give too few values for a statistic per channel, a large batch gives more than needed.
Channels, height and width of an image are laid out in one row that is cut into G groups; a
statistic runs over the micro-batch and one group. Few groups make up for few images.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from bkn.normalizers.base import Belief, Normalizer, count_groups
from bkn.normalizers.kernels import group_moments, normalize

PAPER = {128: 512, 64: 256, 32: 128, 16: 64, 8: 16, 4: 2, 2: 1}  # images: groups


def groups_for(channels: int, images: int) -> int:
    """The paper's number of groups for micro-batches of so many images, in whole channels.

    The next smaller size of the paper counts. At most one group per channel, and rounded down to
    a divisor of the channels, so that no group cuts through a picture.
    """
    known = [size for size in PAPER if size <= images]
    wanted = min(channels, PAPER[max(known)] if known else 1)
    return max(g for g in range(1, wanted + 1) if channels % g == 0)


class BatchGroupNorm(Normalizer):
    """Normalize by moments over micro-batch and group; evaluate by their running averages.

    Groups that do not hold whole channels cut through the places of a picture. The running
    averages then belong to one size of pictures, and any other is refused.

    Args:
        channels: C.
        groups: G, must divide C or C times the places; "auto" takes `groups_for` the micro-batch,
            also when that is changed live.
        momentum: weight of the new value in the running averages.
        base: see `Normalizer`.

    Raises:
        ValueError: for a number of groups below 1.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    size: Tensor

    def __init__(
        self,
        channels: int,
        *,
        groups: int | str = "auto",
        momentum: float = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if groups != "auto" and int(groups) < 1:
            raise ValueError(f"groups must be at least 1, got {groups}")
        self.groups = groups if groups == "auto" else int(groups)
        self.momentum = momentum
        # One value per group; per channel where the number of groups may change.
        self.rows = channels if self.groups == "auto" else int(self.groups)
        self.register_buffer("running_mean", torch.zeros(self.rows))
        self.register_buffer("running_var", torch.ones(self.rows))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        # Places the averages belong to, padded with zeros; all zero: none, or no matter.
        self.register_buffer("size", torch.zeros(3, dtype=torch.long))

    @property
    def whole(self) -> bool:
        """Whether every group holds whole channels."""
        return self.channels % self.rows == 0

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        if not self.training:
            return self.by_running_averages(x), None
        parts = count_groups(x, self.micro_batch)
        images = len(x) // parts
        groups = groups_for(self.channels, images) if self.groups == "auto" else self.rows
        if x.numel() == parts * groups:
            raise ValueError(
                f"BatchGroupNorm needs more than one value per statistic in training; got shape "
                f"{tuple(x.shape)} with micro_batch={self.micro_batch} and {groups} groups"
            )
        mean, var = group_moments(self.grouped(x, groups), parts)
        y = self.rescaled(x, mean, var)
        self.remember(x, mean, var)
        return y, None

    def check(self, x: Tensor) -> None:
        """Raise ValueError for wrong channels, and pictures that the groups do not fit."""
        super().check(x)
        if self.whole:
            return
        values = x.shape[1:].numel()
        if values % self.rows:
            raise ValueError(
                f"groups must divide channels={self.channels} or the {values} values of an image "
                f"{tuple(x.shape[1:])}, got {self.rows}"
            )
        known = tuple(n for n in self.size.tolist() if n)
        if known and known != tuple(x.shape[2:]):
            raise ValueError(
                f"{self.rows} groups on {self.channels} channels cut through the places, so the "
                f"running averages belong to pictures of size {known}; got {tuple(x.shape[2:])}"
            )

    def grouped(self, x: Tensor, groups: int) -> Tensor:
        """View of (N, C, ...) as (N, G, ...): contiguous parts of what an image holds."""
        if self.whole:  # keeps the layout in memory
            return x.unflatten(1, (groups, -1))
        return x.flatten(1).unflatten(1, (groups, -1))

    def rescaled(self, x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
        """X normalized by moments (micro-batches, G), with scale and shift per channel."""
        if self.whole:
            mean, var = spread(mean, self.channels), spread(var, self.channels)
            return normalize(x, mean, var, self.weight, self.bias, self.eps)
        y = normalize(self.grouped(x, self.rows), mean, var, None, None, self.eps).view(x.shape)
        shape = (-1,) + (1,) * (x.dim() - 2)
        if self.weight is not None:
            y = y * self.weight.view(shape)
        if self.bias is not None:
            y = y + self.bias.view(shape)
        return y.to(x.dtype)

    def by_running_averages(self, x: Tensor) -> Tensor:
        mean, var = self.running_mean[None], self.running_var[None]
        if not self.whole:
            return self.rescaled(x, mean, var)
        mean, var = spread(mean, self.channels)[0], spread(var, self.channels)[0]
        return F.batch_norm(x, mean, var, self.weight, self.bias, False, 0.0, self.eps)

    @torch.no_grad()
    def remember(self, x: Tensor, mean: Tensor, var: Tensor) -> None:
        """Move the running averages; of the variance the unbiased one, as batch norm does."""
        self.num_batches_tracked += 1
        values = x.numel() // mean.numel()
        mean, var = spread(mean, self.rows).mean(0), spread(var, self.rows).mean(0)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        unbiased = var.to(self.running_var.dtype) * (values / (values - 1))
        self.running_var.lerp_(unbiased, self.momentum)
        if not self.whole:
            places = tuple(x.shape[2:])
            self.size.copy_(torch.tensor(places + (0,) * (3 - len(places))))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups!r}, momentum={self.momentum}"


def spread(values: Tensor, columns: int) -> Tensor:
    """Repeat each of (rows, G) so that there are so many columns."""
    return values.repeat_interleave(columns // values.shape[1], 1)
