"""Scenes: one shape each, under clutter and noise that grow with the difficulty.

`Scenes` holds the random numbers of every picture, drawn once from one seed; `render` paints any
of them at any difficulty, all pixels at once, as flat layers of colour from back to front:
background with a gradient, clutter, the shape, a stroke across it, noise. The numbers do not
depend on the difficulty, so the same picture can be seen easy and hard.
"""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from bkn.data.outlines import OUTLINES, box, disc

SIZE = 32  # pixels, both ways
CLUTTER = 8  # at most so many lines and blobs behind the shape
TEXTURE = 256  # side of the noise from which every picture cuts its piece


def _between(easy: float, hard: float, difficulty: float) -> float:
    return easy + (hard - easy) * difficulty


@dataclass(frozen=True)
class Look:
    """What a difficulty means, in pixels and in shades (0 black to 1 full)."""

    smallest: float  # size of the shape; outlines tell what a unit of size is
    largest: float
    faintest: float  # contrast of the shape against its background
    strongest: float
    noise: float  # standard deviation per pixel
    gradient: float  # of the background, from the middle to the border
    clutter: float  # probability of each line or blob
    stroke: float  # probability of the stroke across the shape
    stroke_width: float  # half of it at most, in units of the shape's size

    @classmethod
    def at(cls, difficulty: float) -> "Look":
        values = {
            "smallest": (8.5, 4.0),
            "largest": (11.0, 8.0),
            "faintest": (0.55, 0.08),
            "strongest": (0.85, 0.35),
            "noise": (0.01, 0.30),
            "gradient": (0.03, 0.25),
            "clutter": (0.0, 1.0),
            "stroke": (0.0, 1.0),
            "stroke_width": (0.1, 0.45),
        }
        return cls(**{name: _between(*ends, difficulty) for name, ends in values.items()})


class Scenes:
    """The random numbers of `count` pictures; picture i shows class i mod 10.

    Args:
        count: pictures.
        seed: of the one generator; the global random state is left alone.
        device: where `render` paints.
    """

    def __init__(self, count: int, seed: int, device: torch.device | str = "cpu"):
        generator = torch.Generator().manual_seed(seed)

        def uniform(*columns: int) -> Tensor:
            return torch.rand(count, *columns, generator=generator).to(device)

        self.labels = torch.arange(count, device=device) % len(OUTLINES)
        self.turn = _direction(uniform(1))  # (count, 1, 2): cosine and sine, likewise below
        self.size, self.place = uniform(1), uniform(2)
        self.ground, self.contrast, self.tint = uniform(3), uniform(1), uniform(3)
        self.slope, self.slope_tint = _direction(uniform(1)), uniform(3)
        self.stroke_turn, self.stroke = _direction(uniform(1)), uniform(6)
        self.clutter_turn, self.clutter = _direction(uniform(CLUTTER)), uniform(CLUTTER, 9)
        self.cut = (uniform(2) * (TEXTURE - SIZE + 1)).long()  # upper left corner in the noise
        self.noise = torch.randn(3, TEXTURE, TEXTURE, generator=generator).to(device)
        line = torch.arange(SIZE, device=device) - (SIZE - 1) / 2
        self.x, self.y = line.repeat(SIZE), line.repeat_interleave(SIZE)  # (pixels,)

    def render(self, index: Tensor, difficulty: float) -> Tensor:
        """Paint pictures.

        Args:
            index: (n,) positions in [0, count), on the device of the scenes.
            difficulty: 0 easy to 1 near hopeless.

        Returns:
            uint8 (n, 3, SIZE, SIZE).
        """
        look = Look.at(difficulty)
        picture = self._background(index, look)
        for item in range(CLUTTER):
            picture = self._clutter(picture, index, item, look)
        shape = self.coverage(index, difficulty)
        picture = _paint(picture, shape.flatten(1), self._shade(index, look))
        picture = self._stroke(picture, index, look)
        picture = picture + look.noise * self._noise(index)
        return (picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8).view(-1, 3, SIZE, SIZE)

    def coverage(self, index: Tensor, difficulty: float) -> Tensor:
        """Which part of each pixel the shape covers: (n, SIZE, SIZE) in [0, 1]."""
        x, y, size = self._shape_axes(index, Look.at(difficulty))
        labels = self.labels[index]
        distance = torch.empty_like(x)
        for label, outline in enumerate(OUTLINES.values()):
            rows = (labels == label).nonzero().squeeze(1)
            if len(rows):
                distance[rows] = outline(x[rows], y[rows])
        return _cover(distance * size).view(-1, SIZE, SIZE)

    def _shape_axes(self, index: Tensor, look: Look) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates of all pixels as the shape sees them, and its size: (n, pixels), (n, 1)."""
        size = look.smallest + (look.largest - look.smallest) * self.size[index]
        room = (SIZE / 2 - 1.3 * size).clamp(min=0)  # 1.3: the outlines' farthest corner
        place = (2 * self.place[index] - 1) * room
        x, y = self._axes(place, self.turn[index, 0])
        return x / size, y / size, size

    def _axes(self, place: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates seen from a place (n, 2), turned by a cosine and sine (n, 2)."""
        x, y = self.x - place[:, :1], self.y - place[:, 1:]
        cosine, sine = turn[:, :1], turn[:, 1:]
        return x * cosine + y * sine, y * cosine - x * sine

    def _background(self, index: Tensor, look: Look) -> Tensor:
        turn = self.slope[index, 0]
        rise = (self.x * turn[:, :1] + self.y * turn[:, 1:]) / (SIZE / 2)
        tint = look.gradient * (2 * self.slope_tint[index] - 1)
        return self._ground(index).unsqueeze(2) + tint.unsqueeze(2) * rise.unsqueeze(1)

    def _ground(self, index: Tensor) -> Tensor:
        return 0.1 + 0.8 * self.ground[index]

    def _shade(self, index: Tensor, look: Look) -> Tensor:
        """The shape's colour: some way from the background's, past the middle grey."""
        contrast = look.faintest + (look.strongest - look.faintest) * self.contrast[index]
        return self._away(self._ground(index), contrast, self.tint[index])

    @staticmethod
    def _away(ground: Tensor, contrast: Tensor | float, tint: Tensor) -> Tensor:
        towards_middle = torch.where(ground > 0.5, -1.0, 1.0)
        return ground + towards_middle * contrast * (0.3 + 0.7 * tint)

    def _clutter(self, picture: Tensor, index: Tensor, item: int, look: Look) -> Tensor:
        """One line or blob behind the shape, as strong as the shape or weaker."""
        u = self.clutter[index, item]  # (n, 9)
        x, y = self._axes((u[:, :2] - 0.5) * SIZE, self.clutter_turn[index, item])
        is_line = u[:, 2:3] < 0.6
        line = box(x, y, 4 + 8 * u[:, 3:4], 0.4 + 0.9 * u[:, 4:5])
        blob = disc(x, y, 0) - (1 + 2 * u[:, 3:4])
        there = (u[:, 5:6] < look.clutter).to(picture.dtype)
        cover = _cover(torch.where(is_line, line, blob)) * there
        contrast = look.strongest * u[:, 4:5]
        return _paint(picture, cover, self._away(self._ground(index), contrast, u[:, 6:9]))

    def _stroke(self, picture: Tensor, index: Tensor, look: Look) -> Tensor:
        """A long stroke that hides a part of the shape, in a colour near the background's."""
        u = self.stroke[index]  # (n, 6)
        x, y, size = self._shape_axes(index, look)
        turn = self.stroke_turn[index, 0]
        across = x * turn[:, :1] + y * turn[:, 1:] - (u[:, :1] - 0.5)
        half_width = look.stroke_width * (0.5 + 0.5 * u[:, 1:2])
        there = (u[:, 2:3] < look.stroke).to(picture.dtype)
        cover = _cover((across.abs() - half_width) * size) * there
        return _paint(picture, cover, self._ground(index) + 0.4 * (u[:, 3:6] - 0.5))

    def _noise(self, index: Tensor) -> Tensor:
        """Each picture's own piece of the texture: (n, 3, pixels)."""
        row, column = self.cut[index].unbind(1)
        start = row * TEXTURE + column
        steps = torch.arange(SIZE, device=start.device)
        piece = (steps[:, None] * TEXTURE + steps).flatten()
        return self.noise.flatten(1)[:, start[:, None] + piece].transpose(0, 1)


def _direction(part: Tensor) -> Tensor:
    """Cosine and sine of a part (0 to 1) of the full turn, as a new last axis."""
    return torch.stack(((2 * pi * part).cos(), (2 * pi * part).sin()), dim=-1)


def _cover(distance: Tensor) -> Tensor:
    """From a distance in pixels to coverage: a ramp one pixel wide makes smooth edges."""
    return (0.5 - distance).clamp(0, 1)


def _paint(picture: Tensor, cover: Tensor, color: Tensor) -> Tensor:
    """Lay a colour (n, 3) over pictures (n, 3, pixels) where cover (n, pixels) says."""
    return picture + cover.unsqueeze(1) * (color.unsqueeze(2) - picture)
