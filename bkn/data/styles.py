"""Four ways to draw the same scene: domains that differ in their statistics, not in their classes.

A style says how the shape covers its pixels, and what becomes of the finished picture. Only
+ - * / abs min max and remainders of whole numbers are used, which round alike in every vector
width: a pixel does not depend on which other images share its batch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

LINE = 0.8  # pixels, half the width of an outline
HATCH = 4  # pixels from one stroke of the hatching to the next


def cover(distance: Tensor) -> Tensor:
    """From a distance in pixels to coverage: a ramp one pixel wide makes smooth edges."""
    return (0.5 - distance).clamp(0, 1)


def edge(distance: Tensor) -> Tensor:
    """Coverage of a line along the edge."""
    return cover(distance.abs() - LINE)


def filled(distance: Tensor, _x: Tensor, _y: Tensor) -> Tensor:
    """All of the inside."""
    return cover(distance)


def outlined(distance: Tensor, _x: Tensor, _y: Tensor) -> Tensor:
    """The edge alone."""
    return edge(distance)


def hatched(distance: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The edge, and slanted strokes inside."""
    strokes = ((x + y).remainder(HATCH) < HATCH / 2).to(distance.dtype)
    return torch.maximum(edge(distance), cover(distance) * strokes)


def as_it_is(picture: Tensor) -> Tensor:
    """Nothing is done to the finished picture."""
    return picture


def pale(picture: Tensor) -> Tensor:
    """On light paper, with half the contrast."""
    return 0.5 + 0.5 * picture


def inverted(picture: Tensor) -> Tensor:
    """Dark becomes light, and every colour its complement."""
    return 1 - picture


def pencil(picture: Tensor) -> Tensor:
    """Without colour, with more contrast."""
    red, green, blue = picture.unbind(1)
    grey = (red + green + blue) / 3
    return (0.1 + 1.5 * (grey - 0.2)).unsqueeze(1).expand_as(picture)


@dataclass(frozen=True)
class Style:
    """How a scene is drawn.

    `cover` makes coverage (n, pixels) of the distance from the shape's edge in pixels (n, pixels)
    and of the pixels' coordinates (pixels,); `finish` acts on shades (n, 3, pixels), noise and
    all.
    """

    cover: Callable[[Tensor, Tensor, Tensor], Tensor]
    finish: Callable[[Tensor], Tensor]


STYLES: dict[str, Style] = {
    "filled": Style(filled, as_it_is),
    "outline": Style(outlined, pale),
    "negative": Style(filled, inverted),
    "sketch": Style(hatched, pencil),
}
