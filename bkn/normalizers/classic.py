"""Normalizers that never look at other images: none, group, layer and instance norm.

Papers: Wu & He (2018), https://arxiv.org/abs/1803.08494; Ba, Kiros & Hinton (2016),
https://arxiv.org/abs/1607.06450; Ulyanov, Vedaldi & Lempitsky (2016),
https://arxiv.org/abs/1607.08022

All three are one idea: moments of one image over all places and a set of channels. They differ
in the set: a group of channels, all of them, a single one. Training equals evaluation.
"""

import torch.nn.functional as F
from torch import Tensor

from bkn.normalizers.base import Belief, Normalizer


class NoNorm(Normalizer):
    """No statistics: weight * x + bias."""

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        shape = (-1,) + (1,) * (x.dim() - 2)
        y = x if self.weight is None else x * self.weight.view(shape)
        y = y if self.bias is None else y + self.bias.view(shape)
        return y.to(x.dtype), None


class GroupNorm(Normalizer):
    """Normalize each image over groups of neighbouring channels.

    Args:
        groups: number of channel groups; must divide the channels.
        base: see `Normalizer`; micro_batch is of no consequence.
    """

    def __init__(
        self,
        channels: int,
        *,
        groups: int = 4,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if groups < 1 or channels % groups:
            raise ValueError(f"groups must divide channels={channels}, got {groups}")
        self.groups = groups

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        y = F.group_norm(x, self.groups, self.weight, self.bias, self.eps)
        return y.to(x.dtype), None

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}"


class LayerNorm(GroupNorm):
    """Normalize each image over all channels and places; the affine stays per channel."""

    def __init__(
        self,
        channels: int,
        *,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, groups=1, micro_batch=micro_batch, eps=eps, affine=affine)


class InstanceNorm(GroupNorm):
    """Normalize each channel of each image over its places."""

    def __init__(
        self,
        channels: int,
        *,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, groups=channels, micro_batch=micro_batch, eps=eps, affine=affine)

    def check(self, x: Tensor) -> None:
        """Raise ValueError for wrong channels and for images of a single place."""
        super().check(x)
        if x.shape[2:].numel() < 2:
            raise ValueError(
                "InstanceNorm needs height and width: one value per channel has no variance; "
                f"got shape {tuple(x.shape)}"
            )
