"""EvoNorm-S0: a norm and its activation in one formula, which a search found.

Paper: Liu, Brock, Simonyan & Le (2020), https://arxiv.org/abs/2004.02967
Code:  https://github.com/tensorflow/tpu (models/official/resnet)

x sigmoid(v x) is a smooth rectifier whose bend is learned; it is divided by the deviation of x
over a group of channels of one image. The mean is not removed. Training equals evaluation.
"""

import torch
from torch import Tensor, fx, nn

from bkn.normalizers.base import Belief, Normalizer
from bkn.normalizers.kernels import at_least_float32
from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import with_activation


def groups_for(channels: int, wanted: int) -> int:
    """The most groups, up to those wanted, that divide the channels into groups of two or more.

    A single channel is a group of its own.
    """
    most = max(1, min(wanted, channels // 2))
    return next(groups for groups in range(most, 0, -1) if channels % groups == 0)


def group_deviation(x: Tensor, groups: int, eps: float) -> Tensor:
    """sqrt(biased variance + eps) per image and group, (N, groups, 1, ...), x (N, C, ...).

    The result has one dimension more than x, as x.unflatten(1, (groups, -1)) has.
    """
    values = x.unflatten(1, (groups, -1))
    within = tuple(range(2, values.dim()))
    centred = values - values.mean(within, keepdim=True)
    return (centred.square().mean(within, keepdim=True) + eps).sqrt()


class EvoNormS0(Normalizer):
    """x sigmoid(v x) / deviation of its group: it replaces the activation too.

    Where no activation stands behind, it is the affine part alone, as in the authors' code: the
    formula was found as one piece, and half of it is not half a norm.

    Args:
        channels: C.
        groups: of channels, lowered until it divides them into groups of two or more.
        base: see `Normalizer`; micro_batch is of no consequence.
    """

    v: nn.Parameter | None

    def __init__(
        self,
        channels: int,
        *,
        groups: int = 8,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if groups < 1:
            raise ValueError(f"groups must be at least 1, got {groups}")
        self.groups = groups_for(channels, groups)
        self.v = nn.Parameter(torch.ones(channels))

    def take_activation(self, activation: nn.Module | None) -> None:
        """Stand in for any activation; without one, only scale and shift."""
        if activation is None:
            self.v = None

    def check(self, x: Tensor) -> None:
        """Raise ValueError for wrong channels and for groups of a single value."""
        super().check(x)
        if self.v is not None and x[:1].numel() == self.groups:
            raise ValueError(
                "EvoNormS0 needs more than one value per group of channels: one has no variance; "
                f"got shape {tuple(x.shape)} with {self.groups} groups"
            )

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        y = at_least_float32(x)
        shape = (-1,) + (1,) * (x.dim() - 2)
        if self.v is not None:
            deviation = group_deviation(y, self.groups, self.eps)
            deviation = deviation.expand(-1, -1, self.channels // self.groups, *shape[1:])
            y = y * (y * self.v.view(shape)).sigmoid() / deviation.flatten(1, 2)
        if self.weight is not None:
            y = y * self.weight.view(shape)
        if self.bias is not None:
            y = y + self.bias.view(shape)
        return y.to(x.dtype), None

    def extra_repr(self) -> str:
        what = f"groups={self.groups}" if self.v is not None else "affine only"
        return f"{super().extra_repr()}, {what}"


def in_place_of_activations(network: Network, method: Method) -> list[fx.Node]:
    """`with_activation`, for networks where that normalizes anything.

    Raises:
        ValueError: if no norm has an activation behind it, so that all would be affine only.
    """
    nodes = with_activation(network, method)
    norms = [network.module(node) for node in nodes]
    if all(norm.v is None for norm in norms if isinstance(norm, EvoNormS0)):
        raise ValueError(
            f"{method.key} takes the place of a norm and the activation behind it; no norm of "
            "this network has one, so nothing would be normalized"
        )
    return nodes
