"""The norm-free recipe: scaled weights, activations and branches, and clipped gradients.

Papers: Brock, De & Smith (2021), https://arxiv.org/abs/2101.08692;
Brock, De, Smith & Simonyan (2021), https://arxiv.org/abs/2102.06171

What batch norm does for a network is done by other means. Filters are standardized and
activations scaled by constants, so that variances stay where they are; residual branches start
with weight zero; gradients are clipped in proportion to the weights, so that a step cannot break
anything. No image ever sees another.
"""

import math

import torch
from torch import Tensor, nn

from bkn.normalizers.clipping import clip
from bkn.normalizers.hooks import Hooked
from bkn.normalizers.identity import Identity


class NormFree(Identity):
    """Where batch norm stood; the work is done around it.

    Args:
        channels: C.
        clipping: see `bkn.normalizers.clipping`; used by the placement, as alpha is.
        alpha: share of a branch in the sum with its shortcut.
        skip_gain: what the learned factor of a branch is at first.
        base: see `Identity`.
    """

    def __init__(
        self,
        channels: int,
        *,
        clipping: float = 0.1,
        alpha: float = 0.2,
        skip_gain: float = 1.0,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        self.clipping, self.alpha, self.skip_gain = clipping, alpha, skip_gain


class Scale(nn.Module):
    """A constant times x: behind an activation, or where a branch begins."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor

    def extra_repr(self) -> str:
        return f"{self.factor:.5g}"


class SkipGain(Hooked):
    """Alpha times a learned gain times x, at the end of a branch.

    Args:
        alpha: constant.
        start: the gain at first.
        clipping: of the gain's gradient, see `clip`.
    """

    def __init__(self, alpha: float, start: float, clipping: float):
        super().__init__()
        self.alpha, self.clipping = alpha, clipping
        self.gain = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.alpha * self.gain).to(x.dtype)

    def before_step(self, model: nn.Module) -> None:
        """Clip the gain's gradient."""
        clip(self.gain, self.clipping)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, clipping={self.clipping}"


def activation_gain(activation: nn.Module) -> float:
    """What makes the variance of an activation of standard normal inputs 1.

    Exact for ReLU, otherwise a sum over a fine grid. An activation with a parameter per channel
    gets one gain for all, from the variance averaged over channels.

    Raises:
        ValueError: for an activation that is constant.
    """
    if isinstance(activation, nn.ReLU):
        return math.sqrt(2 / (1 - 1 / math.pi))
    x = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    density = torch.softmax(-x.square() / 2, 0).unsqueeze(1)
    y = activated(activation, x)
    mean = (density * y).sum(0)
    variance = float((density * (y - mean).square()).sum(0).mean())
    if variance <= 0:
        raise ValueError(f"{activation} has no variance to bring to 1")
    return 1 / math.sqrt(variance)


def activated(activation: nn.Module, x: Tensor) -> Tensor:
    """An activation of some values: (values, channels), one channel for all if they are alike."""
    parameter = next(activation.parameters(), x)
    values = x.to(parameter).unsqueeze(1).repeat(1, getattr(activation, "num_parameters", 1))
    with torch.no_grad():
        y: Tensor = activation(values)
    return y.to(x)
