"""How the moments of a layer's output move with the layer's own weight.

A convolution is linear in its weight: y = weight . patch + bias, where the patch is the piece of
the input below one place of the output. So the derivatives need no autograd, and no graph:

    d mean(y_c) / d weight_c = mean(patch)              the same for all channels of a group
    d var(y_c)  / d weight_c = 2 cov(y_c, patch)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv1d_weight, conv2d_weight, conv3d_weight

from bkn.normalizers.kernels import at_least_float32

BY_WEIGHT: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Conv1d: conv1d_weight,
    nn.Conv2d: conv2d_weight,
    nn.Conv3d: conv3d_weight,
}


class Slopes(NamedTuple):
    """Derivatives by the weight, K values per output channel, per micro-batch."""

    mean: Tensor  # (G, groups of the convolution, K)
    var: Tensor  # (G, C, K)


@dataclass(frozen=True)
class Patches:
    """What a convolution or linear layer multiplies with its weight.

    Args:
        kind: of the layer: nn.Linear, nn.Conv1d, nn.Conv2d or nn.Conv3d.
        shape: of its weight.
        groups: of the convolution.
        stride, dilation: of the convolution.
        padding: as F.pad takes it.
        mode: of the padding, as F.pad names it.
    """

    kind: type[nn.Module]
    shape: tuple[int, ...]
    groups: int = 1
    stride: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    mode: str = "constant"

    @classmethod
    def of(cls, layer: nn.Module) -> "Patches | None":
        """The patches of a layer; None for one whose output is not such a product."""
        if type(layer) is nn.Linear:
            return cls(nn.Linear, tuple(layer.weight.shape))
        if type(layer) in BY_WEIGHT and isinstance(layer, nn.modules.conv._ConvNd):
            mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
            padding = tuple(layer._reversed_padding_repeated_twice)
            sizes = (layer.groups, tuple(layer.stride), tuple(layer.dilation))
            return cls(type(layer), tuple(layer.weight.shape), *sizes, padding, mode)
        return None

    def fits(self, source: Tensor, y: Tensor) -> bool:
        """Whether y (N, C, ...) is laid out as the layer's output: channels second."""
        return self.kind is not nn.Linear or source.dim() == y.dim() == 2

    @torch.no_grad()
    def slopes(self, source: Tensor, y: Tensor, mean: Tensor) -> Slopes:
        """Derivatives of the moments of y = layer(source) by the weight.

        Args:
            source: input of the layer (N, C_in, ...).
            y: its output (N, C, ...).
            mean: of y per micro-batch (G, C).
        """
        split = len(mean)
        with torch.autocast(y.device.type, enabled=False):
            source, y = at_least_float32(source), at_least_float32(y)
            ones = y.new_ones(len(y), self.groups, *y.shape[2:])
            patch = self._mean_products(source, ones, split)
            product = self._mean_products(source, y, split)
            cov = product.unflatten(1, (self.groups, -1)).sub_(
                mean.view(split, self.groups, -1, 1) * patch[:, :, None]
            )
            return Slopes(patch, cov.flatten(1, 2).mul_(2))

    def _mean_products(self, source: Tensor, signal: Tensor, split: int) -> Tensor:
        """Mean of signal_c * patch per micro-batch: (split, channels of the signal, K)."""
        channels, places = signal.shape[1], len(signal) // split * signal.shape[2:].numel()
        if self.kind is nn.Linear:
            by_batch = signal.view(split, -1, channels).transpose(1, 2)
            return by_batch @ source.view(split, -1, source.shape[1]) / places
        # The gradient by the weight is this very product. Micro-batches become groups of channels.
        if any(self.padding):
            source = F.pad(source, self.padding, self.mode)
        total = BY_WEIGHT[self.kind](
            _side_by_side(source, split),
            (split * channels, *self.shape[1:]),
            _side_by_side(signal, split),
            self.stride,
            0,
            self.dilation,
            split * self.groups,
        )
        return total.view(split, channels, -1).div_(places)


def along(slope: Tensor, step: Tensor) -> Tensor:
    """First-order change for a step of the weight.

    Args:
        slope: (..., G, C or groups of the convolution, K).
        step: (..., C, K).

    Returns:
        (..., G, C).
    """
    # Every channel of a group has the group's slope.
    step = step.unflatten(-2, (slope.shape[-2], -1))
    with torch.autocast(step.device.type, enabled=False):
        change = slope.transpose(-3, -2) @ step.transpose(-2, -1)  # (..., groups, G, C / groups)
    return change.transpose(-3, -2).flatten(-2)


def _side_by_side(x: Tensor, split: int) -> Tensor:
    """(N, C, ...) as (m, split * C, ...)."""
    return x.view(split, -1, *x.shape[1:]).transpose(0, 1).flatten(1, 2)
