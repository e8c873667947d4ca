"""Filter response normalization with its thresholded linear unit.

Paper: Singh & Krishnan (2019), https://arxiv.org/abs/1911.09737

Each channel of each image is divided by the root of its mean square, and its mean is left alone.
A layer may therefore be silent everywhere, which a ReLU could not undo; so a threshold is learned
in its place. Training equals evaluation.
"""

import torch
from torch import Tensor, nn

from bkn.normalizers.base import Belief, Normalizer
from bkn.normalizers.kernels import at_least_float32


def mean_square(x: Tensor) -> Tensor:
    """Mean of x^2 over the places of each image and channel, (N, C, 1, ...), x (N, C, ...)."""
    places = tuple(range(2, x.dim()))
    squares = x.square()
    return squares.mean(places, keepdim=True) if places else squares


class FilterResponseNorm(Normalizer):
    """Divide by the root mean square, then max(y, tau): it replaces the activation too.

    Where nothing is to be activated (the end of a residual branch), it has no threshold.

    Images of a single place (vectors, 1x1 maps) would be reduced to their signs. For these alone
    eps grows by the size of a learned number, one per layer, as in the paper. Whether there is
    space shows only in the forward pass; maps give that number a gradient of zero.

    A tie between y and tau shares the gradient half and half, as torch.maximum does.

    Args:
        channels: C.
        eps: added to the mean square. It is the method's own, not that of batch norm.
        base: see `Normalizer`; micro_batch is of no consequence.
    """

    own_eps = True
    tau: nn.Parameter | None

    def __init__(
        self,
        channels: int,
        *,
        micro_batch: int | None = None,
        eps: float = 1e-6,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        self.tau = nn.Parameter(torch.zeros(channels))
        self.more_eps = nn.Parameter(torch.tensor(1e-4))

    def take_activation(self, activation: nn.Module | None) -> None:
        """Threshold in place of any activation; without one, do without."""
        if activation is None:
            self.tau = None

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        values = at_least_float32(x)
        single = x.shape[2:].numel() == 1
        scale = (mean_square(values) + self.eps + single * self.more_eps.abs()).rsqrt()
        shape = (-1,) + (1,) * (x.dim() - 2)
        if self.weight is not None:
            scale = scale * self.weight.view(shape)
        y = values * scale
        if self.bias is not None:
            y = y + self.bias.view(shape)
        if self.tau is not None:
            y = torch.maximum(y, self.tau.view(shape).to(y.dtype))
        return y.to(x.dtype), None

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, threshold={self.tau is not None}"
