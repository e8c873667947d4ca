"""Proxy normalization: undo what affine and activation did to the channels, without a batch.

Paper: Labatie, Masters, Eaton-Rosen & Luschi (2021), https://arxiv.org/abs/2106.03743

Group norm leaves the channels of one image with different means and scales, and affine and
activation drive them further apart. What these two do to a normal distribution is known without
looking at any image, so it is computed and taken out again. Training equals evaluation.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bkn.normalizers.base import Belief, Normalizer
from bkn.normalizers.kernels import at_least_float32

NODES = 256


def normal_nodes(number: int, like: Tensor) -> Tensor:
    """Equally likely values of a standard normal variable: its quantiles at (i + 1/2) / number."""
    shares = (torch.arange(number, dtype=torch.float64, device=like.device) + 0.5) / number
    return torch.special.ndtri(shares).to(like.dtype)


def proxy_moments(
    function: Callable[[Tensor], Tensor], mean: Tensor, deviation: Tensor, nodes: int = NODES
) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of function(Y), Y ~ N(mean, deviation^2), (C,) each.

    They are sums over fixed nodes, so autograd differentiates exactly what is computed. The nodes
    themselves have variance 0.995 (256 of them): the tails are cut off.

    Args:
        function: of (nodes, C), element by element.
        mean, deviation: of the proxy, (C,).
        nodes: number of values that stand for the normal distribution.
    """
    seen = function(mean + deviation * normal_nodes(nodes, mean).unsqueeze(1))
    centre = seen.mean(0)
    return centre, (seen - centre).square().mean(0)


class ProxyNorm(Normalizer):
    """Group norm, affine and activation, then normalized by the moments of a Gaussian proxy.

    It replaces the activation too. Where there is none (the end of a residual branch), it is
    group norm with its affine and nothing else.

    Args:
        channels: C.
        groups: number of channel groups; must divide the channels. 1 is layer norm.
        eps_proxy: added to the proxy's variance, which vanishes where a channel is always off.
        base: see `Normalizer`; eps belongs to group norm, micro_batch is of no consequence.
    """

    activation: nn.Module | None
    shift: nn.Parameter | None
    stretch: nn.Parameter | None

    def __init__(
        self,
        channels: int,
        *,
        groups: int = 4,
        eps_proxy: float = 0.03,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if groups < 1 or channels % groups:
            raise ValueError(f"groups must divide channels={channels}, got {groups}")
        self.groups, self.eps_proxy = groups, eps_proxy
        self.activation = nn.ReLU()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.stretch = nn.Parameter(torch.zeros(channels))

    def take_activation(self, activation: nn.Module | None) -> None:
        """Apply this activation, to the data and to the proxy; without one, have no proxy."""
        self.activation = activation
        if activation is None:
            self.shift = self.stretch = None

    def scaled(self, x: Tensor) -> Tensor:
        """Weight * x + bias, x (N, C, ...)."""
        shape = (-1,) + (1,) * (x.dim() - 2)
        y = x if self.weight is None else x * self.weight.view(shape)
        return y if self.bias is None else y + self.bias.view(shape)

    def proxy(self) -> tuple[Tensor, Tensor]:
        """Mean and variance that the activations of a channel have if all is as it should be.

        Raises:
            ValueError: without an activation there is no proxy.
        """
        activation, shift, stretch = self.activation, self.shift, self.stretch
        if activation is None or shift is None or stretch is None:
            raise ValueError("ProxyNorm without an activation has no proxy")
        mean, deviation = at_least_float32(shift), 1 + at_least_float32(stretch)
        return proxy_moments(lambda y: activation(self.scaled(y)), mean, deviation)

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        y = self.scaled(F.group_norm(at_least_float32(x), self.groups, eps=self.eps))
        if self.activation is not None:
            mean, var = self.proxy()
            shape = (-1,) + (1,) * (x.dim() - 2)
            scale = (var + self.eps_proxy).rsqrt()
            y = (self.activation(y) - mean.view(shape)) * scale.view(shape)
        return y.to(x.dtype), None

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}, eps_proxy={self.eps_proxy}"
