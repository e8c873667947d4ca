"""How many real cells the windows of pooling hold, border included, and what follows from it.

Everything factors over the axes: per axis there is one number of cells for each output place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bkn.moments.quadrature import maximum_of


@dataclass(frozen=True)
class Axis:
    """The windows along one spatial axis.

    Args:
        kernel, stride, padding, dilation, ceil_mode: as in torch.
    """

    kernel: int
    stride: int
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    def starts(self, size: int) -> range:
        """The first cell of each window; a window that begins behind the right padding is none."""
        reach = self.dilation * (self.kernel - 1) + 1
        room = size + 2 * self.padding - reach
        places = (-(-room // self.stride) if self.ceil_mode else room // self.stride) + 1
        if self.ceil_mode and (places - 1) * self.stride >= size + self.padding:
            places -= 1
        return range(-self.padding, places * self.stride - self.padding, self.stride)

    def cells(self, size: int, within: int = 0) -> list[int]:
        """Per window its cells in the picture, or up to `within` cells outside of it."""
        return [
            sum(
                -within <= start + tap * self.dilation < size + within for tap in range(self.kernel)
            )
            for start in self.starts(size)
        ]


def adaptive_cells(size: int, places: int) -> list[int]:
    """The cells of each window of adaptive pooling along one axis."""
    return [-((i + 1) * size // -places) - i * size // places for i in range(places)]


@lru_cache(maxsize=256)
def maximum(cells: tuple[tuple[int, ...], ...]) -> tuple[float, float]:
    """Mean and variance of the maximum of standard normal windows, pooled over the places.

    Args:
        cells: per axis, per place.
    """
    shares = {1: 1.0}  # cells in a window -> part of the places
    for axis in cells:
        wider: dict[int, float] = {}
        for n, share in shares.items():
            for count in axis:
                wider[n * count] = wider.get(n * count, 0.0) + share / len(axis)
        shares = wider
    kinds = [(share, *maximum_of(n)) for n, share in shares.items()]
    mean = sum(share * one for share, one, _ in kinds)
    return mean, sum(share * (var + (one - mean) ** 2) for share, one, var in kinds)


@lru_cache(maxsize=256)
def average(
    cells: tuple[tuple[int, ...], ...], divisors: tuple[tuple[int, ...], ...]
) -> tuple[float, float, float]:
    """What averaging makes of moments m, v: the mean a m and the variance b v + c m^2.

    Args:
        cells: per axis, per place, the cells that are summed.
        divisors: likewise what the sum is divided by.

    Returns:
        a, b, c: the means over all places of n/d and of n/d^2, and the variance of n/d.
    """
    axes = list(zip(cells, divisors, strict=True))

    def over_places(power: int, below: int) -> float:
        return math.prod(
            sum(n**power / d**below for n, d in zip(*axis, strict=True)) / len(axis[0])
            for axis in axes
        )

    a = over_places(1, 1)
    return a, over_places(1, 2), max(over_places(2, 2) - a**2, 0.0)


def along(
    sizes: Sequence[int], axes: Sequence[Axis], within: bool = False
) -> tuple[tuple[int, ...], ...]:
    """Per axis and place the cells of a window, with the padding's if `within`."""
    return tuple(
        tuple(axis.cells(size, axis.padding if within else 0))
        for size, axis in zip(sizes, axes, strict=True)
    )
