"""Ten outlines as signed distance functions: negative inside, positive outside, 0 on the edge.

Each takes coordinates x and y in units of the shape's size, y pointing down, and is about as
large as the others in area (2 square units), so that brightness does not give the class away.
They use only + - * / sqrt abs min and max, which round alike in every vector width: a pixel does
not depend on which other images share its batch.
"""

from collections.abc import Callable
from math import cos, pi, sin

import torch
from torch import Tensor

Length = float | Tensor
Outline = Callable[[Tensor, Tensor], Tensor]


def disc(x: Tensor, y: Tensor, radius: Length = 0.85) -> Tensor:
    """All within the radius."""
    return (x * x + y * y).sqrt() - radius


def box(x: Tensor, y: Tensor, half_width: Length, half_height: Length) -> Tensor:
    """An upright rectangle; beyond its corners the distance is too short, unseen."""
    return torch.maximum(x.abs() - half_width, y.abs() - half_height)


def square(x: Tensor, y: Tensor) -> Tensor:
    """A box as wide as high."""
    return box(x, y, 0.75, 0.75)


def bar(x: Tensor, y: Tensor) -> Tensor:
    """A box three times as wide as high."""
    return box(x, y, 1.25, 0.4)


def cross(x: Tensor, y: Tensor) -> Tensor:
    """Two boxes across each other."""
    return torch.minimum(box(x, y, 1.05, 0.32), box(x, y, 0.32, 1.05))


def ring(x: Tensor, y: Tensor) -> Tensor:
    """All within some distance of a circle."""
    return disc(x, y, 0.78).abs() - 0.24


def crescent(x: Tensor, y: Tensor) -> Tensor:
    """A disc without the part that a second one hides."""
    x = x - 0.39  # the middle of its area sits at the origin
    return torch.maximum(disc(x, y, 1.1), -disc(x - 0.6, y, 0.85))


def heart(x: Tensor, y: Tensor, half: float = 0.56) -> Tensor:
    """A square standing on its corner, with a disc on each of its two upper edges."""
    y = y - 0.25  # the middle of its area sits at the origin
    tilted = box((x + y) * 0.5**0.5, (x - y) * 0.5**0.5, half, half)
    lobe = half * 0.5**0.5  # the middle of an upper edge, right of and above the centre
    return torch.minimum(tilted, disc(x.abs() - lobe, y + lobe, half))


def hexagon(x: Tensor, y: Tensor) -> Tensor:
    """What lies within all six sides."""
    return _farthest(x, y, sides=6)[0] - 0.8


def triangle(x: Tensor, y: Tensor) -> Tensor:
    """What lies within all three sides."""
    return _farthest(x, y, sides=3)[0] - 0.62


def star(x: Tensor, y: Tensor) -> Tensor:
    """The pentagram: what lies within all but at most one of the pentagon's five sides."""
    return _farthest(x, -y, sides=5)[1] - 0.42


def _farthest(x: Tensor, y: Tensor, sides: int) -> tuple[Tensor, Tensor]:
    """How far the points lie along the sides' normals: the largest and second largest of all."""
    largest = torch.full_like(x, -float("inf"))
    second = largest
    for side in range(sides):
        angle = pi / 2 + 2 * pi * side / sides  # the first side is at the bottom
        along = x * cos(angle) + y * sin(angle)
        second = torch.maximum(second, torch.minimum(largest, along))
        largest = torch.maximum(largest, along)
    return largest, second


OUTLINES: dict[str, Outline] = {  # in the order of their labels
    one.__name__: one
    for one in (disc, square, triangle, star, cross, ring, heart, crescent, hexagon, bar)
}
