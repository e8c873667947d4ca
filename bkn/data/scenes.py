"""Scenes: one shape each, under clutter and noise that grow with the difficulty.

`Scenes` draws all numbers that describe its pictures once, from one seed; `render` paints any of
them, all pixels at once, as flat layers of colour from back to front: background with a gradient,
clutter, the shape, a stroke across it, noise. The difficulty only scales the draws, so the same
seed shows the same pictures easy and hard.
"""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from bkn.data.outlines import OUTLINES, box, disc
from bkn.data.styles import STYLES, cover

SIZE = 32  # pixels, both ways
CLUTTER = 8  # at most so many lines and blobs behind the shape
TEXTURE = 256  # side of the noise from which every picture cuts its piece


@dataclass(frozen=True)
class Look:
    """What a difficulty means, in pixels and in shades (0 black to 1 full)."""

    smallest: float  # size of the shape; outlines tell what a unit of size is
    largest: float
    turn: float  # of the shape, at most so much of the full turn either way
    grounds: float  # range of the background's shades about a dark grey
    faintest: float  # contrast of the shape against its background
    strongest: float
    noise: float  # standard deviation per pixel
    gradient: float  # of the background, from the middle to the border
    clutter: float  # probability of each line or blob
    stroke: float  # probability of the stroke across the shape
    stroke_width: float  # half of it at most, in units of the shape's size

    @classmethod
    def at(cls, difficulty: float) -> "Look":
        ends = {  # easy, hard
            "smallest": (8.5, 4.0),
            "largest": (11.0, 8.0),
            "turn": (0.05, 0.5),
            "grounds": (0.3, 1.0),
            "faintest": (0.55, 0.08),
            "strongest": (0.85, 0.35),
            "noise": (0.01, 0.30),
            "gradient": (0.03, 0.25),
            "clutter": (0.0, 1.0),
            "stroke": (0.0, 1.0),
            "stroke_width": (0.1, 0.45),
        }
        way = difficulty**1.6  # slow at first, so that half way is hard and not yet hopeless
        return cls(**{name: easy + (hard - easy) * way for name, (easy, hard) in ends.items()})


class Scenes:
    """The numbers that describe `count` pictures; picture i shows class i mod 10.

    Args:
        count: pictures.
        seed: of the one generator; the global random state is left alone.
        difficulty: 0 easy to 1 near hopeless.
        device: where `render` paints.
    """

    def __init__(
        self, count: int, seed: int, difficulty: float, device: torch.device | str = "cpu"
    ):
        generator = torch.Generator().manual_seed(seed)
        look = Look.at(difficulty)

        def draw(*columns: int, low: float = 0.0, high: float = 1.0) -> Tensor:
            uniform = torch.rand(count, *columns, generator=generator)
            return (low + (high - low) * uniform).to(device)

        self.labels = torch.arange(count, device=device) % len(OUTLINES)
        self.ground = 0.3 + look.grounds * draw(3, low=-0.5, high=0.5)
        self.slope = look.gradient * _direction(draw())  # shades per half picture, right and down
        self.slope_tint = draw(3, low=-1)
        self.size = draw(1, low=look.smallest, high=look.largest)
        self.place = draw(2, low=-1) * (SIZE / 2 - 1.4 * self.size).clamp(min=0)  # 1.4: the star
        self.turn = _direction(draw(low=-look.turn, high=look.turn))
        self.color = self._shade(draw(1, low=look.faintest, high=look.strongest), draw(3))

        self.stroke_there = draw(1) < look.stroke
        self.stroke_turn, self.stroke_offset = _direction(draw()), draw(1, low=-0.5, high=0.5)
        self.stroke_width = draw(1, low=look.stroke_width / 2, high=look.stroke_width)
        self.stroke_color = self.ground + draw(3, low=-0.2, high=0.2)

        self.clutter_there = draw(CLUTTER, 1) < look.clutter
        self.clutter_is_line = draw(CLUTTER, 1) < 0.6
        self.clutter_place = draw(CLUTTER, 2, low=-SIZE / 2, high=SIZE / 2)
        self.clutter_turn = _direction(draw(CLUTTER))
        self.clutter_length = draw(CLUTTER, 1, low=4, high=12)  # of a line, half of it
        self.clutter_width = draw(CLUTTER, 1, low=0.4, high=1.3)  # of a line, half of it
        self.clutter_radius = draw(CLUTTER, 1, low=1, high=3)  # of a blob
        self.clutter_color = self._shade(
            draw(CLUTTER, 1, high=look.strongest), draw(CLUTTER, 3), self.ground.unsqueeze(1)
        )

        self.cut = (draw(2) * (TEXTURE - SIZE + 1)).long()  # upper left corner in the texture
        texture = torch.randn(3, TEXTURE * TEXTURE, generator=generator)
        self.texture = (look.noise * texture).to(device)
        line = torch.arange(SIZE, device=device) - (SIZE - 1) / 2
        self.x, self.y = line.repeat(SIZE), line.repeat_interleave(SIZE)  # (pixels,)

    def _shade(self, contrast: Tensor, tint: Tensor, ground: Tensor | None = None) -> Tensor:
        """A colour so far from the background's, lighter where that is dark, else darker."""
        ground = self.ground if ground is None else ground
        lighter = torch.where(ground < 0.5, 1.0, -1.0)
        return ground + lighter * contrast * (0.3 + 0.7 * tint)

    def render(self, index: Tensor, style: str = "filled") -> Tensor:
        """Paint pictures.

        Args:
            index: (n,) positions in [0, count), on the device of the scenes.
            style: key of STYLES.

        Returns:
            uint8 (n, 3, SIZE, SIZE).
        """
        drawn = STYLES[style]
        picture = self._background(index)
        for item in range(CLUTTER):
            picture = _paint(picture, self._clutter(index, item), self.clutter_color[index, item])
        shape = drawn.cover(self._distance(index), self.x, self.y)
        picture = _paint(picture, shape, self.color[index])
        picture = _paint(picture, self._stroke(index), self.stroke_color[index])
        picture = drawn.finish(picture + self._noise(index))
        return (picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8).view(-1, 3, SIZE, SIZE)

    def coverage(self, index: Tensor) -> Tensor:
        """Which part of each pixel the filled shape covers: (n, pixels) in [0, 1]."""
        return cover(self._distance(index))

    def _distance(self, index: Tensor) -> Tensor:
        """Of each pixel from the shape's edge, in pixels; negative inside: (n, pixels)."""
        x, y = self._from_shape(index)
        labels = self.labels[index]
        distance = torch.empty_like(x)
        for label, outline in enumerate(OUTLINES.values()):
            rows = (labels == label).nonzero().squeeze(1)
            if len(rows):
                distance[rows] = outline(x[rows], y[rows])
        return distance * self.size[index]

    def _from_shape(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates of all pixels as the shape sees them: two of (n, pixels)."""
        x, y = self._seen_from(self.place[index], self.turn[index])
        return x / self.size[index], y / self.size[index]

    def _seen_from(self, place: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates in pixels from a place (n, 2), turned by a cosine and sine (n, 2)."""
        x, y = self.x - place[:, :1], self.y - place[:, 1:]
        cosine, sine = turn[:, :1], turn[:, 1:]
        return x * cosine + y * sine, y * cosine - x * sine

    def _background(self, index: Tensor) -> Tensor:
        slope = self.slope[index]
        rise = (self.x * slope[:, :1] + self.y * slope[:, 1:]) / (SIZE / 2)
        return _layer(self.ground[index]) + _layer(self.slope_tint[index]) * rise.unsqueeze(1)

    def _clutter(self, index: Tensor, item: int) -> Tensor:
        """Coverage by one line or blob: (n, pixels)."""
        x, y = self._seen_from(self.clutter_place[index, item], self.clutter_turn[index, item])
        line = box(x, y, self.clutter_length[index, item], self.clutter_width[index, item])
        blob = disc(x, y, self.clutter_radius[index, item])
        distance = torch.where(self.clutter_is_line[index, item], line, blob)
        return cover(distance) * self.clutter_there[index, item]

    def _stroke(self, index: Tensor) -> Tensor:
        """Coverage by the stroke that hides a part of the shape: (n, pixels)."""
        x, y = self._from_shape(index)
        turn = self.stroke_turn[index]
        across = x * turn[:, :1] + y * turn[:, 1:] - self.stroke_offset[index]
        distance = (across.abs() - self.stroke_width[index]) * self.size[index]
        return cover(distance) * self.stroke_there[index]

    def _noise(self, index: Tensor) -> Tensor:
        """Each picture's own piece of the texture: (n, 3, pixels)."""
        row, column = self.cut[index].unbind(1)
        steps = torch.arange(SIZE, device=row.device)
        piece = (steps[:, None] * TEXTURE + steps).flatten()
        return self.texture[:, (row * TEXTURE + column)[:, None] + piece].transpose(0, 1)


def _direction(part: Tensor) -> Tensor:
    """Cosine and sine of a part (0 to 1) of the full turn, as a new last axis."""
    return torch.stack(((2 * pi * part).cos(), (2 * pi * part).sin()), dim=-1)


def _paint(picture: Tensor, cover: Tensor, color: Tensor) -> Tensor:
    """Lay a colour (n, 3) over pictures (n, 3, pixels) where cover (n, pixels) says."""
    return picture + cover.unsqueeze(1) * (_layer(color) - picture)


def _layer(color: Tensor) -> Tensor:
    """A colour (n, 3) for every pixel: (n, 3, 1)."""
    return color.unsqueeze(2)
