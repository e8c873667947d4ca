"""Rules of the operations that only move numbers: reshapes, transposes, cuts, padding."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Size, Tensor

from bkn.moments.operation import Operation
from bkn.normalizers.base import Belief


class Rearranged(Operation):
    """A new shape (N, ...) for the same numbers in the same order.

    Args:
        shape: from activations, and what the operation is called with, to the new shape.
    """

    def __init__(self, shape: Callable[..., Sequence[int]]):
        super().__init__()
        self.shape = shape

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        plan = channels_behind(axes, x.shape, self.shape(x, *weights))
        return None if plan is None else len(plan)

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        axes = belief.mean.dim() - 1
        plan = channels_behind(axes, x.shape, self.shape(x, *weights)) or ()
        repeats = math.prod(plan) // belief.mean[0].numel()
        return Belief(
            *(part.flatten(1).repeat_interleave(repeats, 1).unflatten(1, plan) for part in belief)
        )

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x.reshape(len(x), *self.shape(x, *weights)[1:])

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return self.moments(belief, x, *weights)


def channels_behind(axes: int, shape: Sequence[int], new: Sequence[int]) -> tuple[int, ...] | None:
    """The axes of a new shape that count channels, and places where both were merged.

    Args:
        axes: of channels in the old shape.
        shape, new: (N, ...), of the same numbers in the same order.

    Returns:
        The axes behind the first; None if images are mixed, or channels with half of a place.
    """
    if new[0] != shape[0]:
        return None
    channels, places = math.prod(shape[1 : axes + 1]), math.prod(shape[axes + 1 :])
    for end in range(2, len(new) + 1):
        repeats, rest = divmod(math.prod(new[1:end]), channels)
        if repeats and not rest and places % repeats == 0:
            return tuple(new[1:end])
    return None


def viewed(x: Tensor, *sizes: Any) -> list[int]:
    """The shape that x.view(*sizes) has; one size may be -1, or all be given as one."""
    (first, *_) = sizes
    wanted = [int(size) for size in (first if isinstance(first, Size | list | tuple) else sizes)]
    if wanted[0] == -1:
        wanted[0] = x.numel() // math.prod(wanted[1:])
    elif -1 in wanted:  # per image, so that it holds for any number of images
        wanted[wanted.index(-1)] = -(x.shape[1:].numel() // math.prod(wanted[1:]))
    return wanted


def flattened(x: Tensor, start: int, end: int) -> list[int]:
    """The shape with the axes from `start` to `end` as one."""
    start, end = start % x.dim(), end % x.dim()
    return [*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]]


class Permuted(Operation):
    """Axes in another order.

    Args:
        order: from the number of axes to the old axis of each new one.
    """

    def __init__(self, order: Callable[[int], Sequence[int]]):
        super().__init__()
        self.order = order

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        order = self.order(x.dim())
        kept = order[0] == 0 and set(order[1 : axes + 1]) == set(range(1, axes + 1))
        return axes if kept else None

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        order = tuple(self.order(x.dim())[: belief.mean.dim()])
        return Belief(*(part.permute(order) for part in belief))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x.permute(tuple(self.order(x.dim())))

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return self.moments(belief, x)


class Part(Operation):
    """A part along one axis: a slice or a chunk of the channels, or of the places.

    Args:
        cut: from a tensor and an axis to the part.
        dim: the axis.
    """

    def __init__(self, cut: Callable[[Tensor, int], Tensor], dim: int):
        super().__init__()
        self.cut = cut
        self.dim = dim

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        return axes if self.dim % x.dim() else None

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        dim = self.dim % x.dim()
        if dim >= belief.mean.dim():
            return belief
        return Belief(*(self.cut(part, dim) for part in belief))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return self.cut(x, self.dim)

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return self.moments(belief, x)


class Padded(Operation):
    """A constant around the channels or the places.

    Around places the numbers become a mixture with the constant, by the number of places.

    Args:
        widths: as in F.pad, from the last axis; negative ones cut.
        value: the constant.
    """

    def __init__(self, widths: Sequence[int], value: float = 0.0):
        super().__init__()
        self.widths = tuple(widths)
        self.value = value

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        return axes if len(self.widths) < 2 * x.dim() else None

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        around = min(len(self.widths), 2 * (x.dim() - belief.mean.dim()))
        mean, var = belief
        share = self.share(x, around // 2)
        gap = mean - self.value
        mean, var = self.value + share * gap, share * var + share * (1 - share) * gap.square()
        channels = self.widths[around:]
        if not any(channels):
            return Belief(mean, var)
        return Belief(F.pad(mean, channels, value=self.value), F.pad(var, channels))

    def share(self, x: Tensor, axes: int) -> float:
        """The part of the places behind that hold numbers of x (N, C, ...)."""
        share = 1.0
        for axis in range(axes):
            size, pair = x.shape[-1 - axis], self.widths[2 * axis : 2 * axis + 2]
            share *= (size + sum(min(width, 0) for width in pair)) / (size + sum(pair))
        return share

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return F.pad(x, self.widths, value=self.value)

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return self.moments(belief, x)


class Moved(Operation):
    """Places are copied, left out or exchanged, which moments over all places do not notice.

    Args:
        real: the operation itself, None if nothing happens at all.
    """

    def __init__(self, real: Callable[[Tensor], Tensor] | None = None):
        super().__init__()
        self.operation = real

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return belief

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x if self.operation is None else self.operation(x)

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return belief
