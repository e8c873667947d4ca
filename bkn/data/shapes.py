"""Shapes: ten shapes drawn on demand in colour, 32x32, as hard as one likes, in up to four styles.

A picture is painted when it is first asked for and then kept as bytes, so that the first batch is
there at once and later epochs cost a look-up. Training and test pictures come from two seeds.

With four styles one of them may be held out: training never sees it, and the scenes of the test
split are drawn in it once more. What such a test adds is the style alone.
"""

import torch
from torch import Tensor

from bkn.cards import Value
from bkn.catalog import DATASETS
from bkn.data.base import check_index
from bkn.data.outlines import OUTLINES
from bkn.data.scenes import SIZE, Scenes
from bkn.data.styles import STYLES

TRAIN_SEED, TEST_SEED = 1, 2
SAMPLE = 256  # training pictures that tell mean and deviation
ONE_STYLE = ("filled",)


class Split:
    """One split's pictures, painted at most once each.

    Args:
        scenes: what the pictures show.
        name: in words, for messages.
        styles: in which they are drawn; every class comes about equally often in each.
    """

    def __init__(self, scenes: Scenes, name: str, styles: tuple[str, ...] = ONE_STYLE):
        self.name, self.styles = name, styles
        self.size = len(scenes.labels)
        self._scenes = scenes
        device = scenes.labels.device
        self._pixels = torch.empty(self.size, 3, SIZE, SIZE, dtype=torch.uint8, device=device)
        self._painted = torch.zeros(self.size, dtype=torch.bool, device=device)
        self._left = self.size

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (n, 3, SIZE, SIZE) as bytes and labels (n,)."""
        check_index(index, self.size, f"{self.name} images")
        index = index.to(self._pixels.device)
        if self._left:  # once all are painted nothing is looked up, so the device never waits
            self._paint(index)
        return self._pixels[index], self._scenes.labels[index]

    def styles_of(self, index: Tensor) -> Tensor:
        """Which of `styles` these pictures are drawn in: int64 (n,)."""
        return index // len(OUTLINES) % len(self.styles)  # classes come in turn, so do styles

    def _paint(self, index: Tensor) -> None:
        missing = index[~self._painted[index]].unique()
        if len(missing):
            drawn = self.styles_of(missing)
            for place, style in enumerate(self.styles):
                if len(these := missing[drawn == place]):
                    self._pixels[these] = self._scenes.render(these, style)
            self._painted[missing] = True
            self._left -= len(missing)


class Shapes:
    """All splits, standardized by one mean and deviation of a sample of training pictures.

    Args:
        train, test: of the same styles, which are the domains.
        held_out: of another style, if one is held out.
    """

    classes = 10
    shape = (3, SIZE, SIZE)

    def __init__(self, train: Split, test: Split, held_out: Split | None = None):
        self._train, self._test, self._held_out = train, test, held_out
        self.train_size, self.test_size = train.size, test.size
        self.domains = train.styles
        self.held_out = held_out.styles[0] if held_out else ""
        self.held_out_size = held_out.size if held_out else 0
        pixels, _ = train.take(torch.arange(min(SAMPLE, train.size)))
        std, mean = torch.std_mean(pixels.float())
        self._mean, self._std = mean, std

    def train(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self._standardized(*self._train.take(index))

    def test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self._standardized(*self._test.take(index))

    def held_out_test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        if self._held_out is None:
            raise ValueError("no style is held out")
        return self._standardized(*self._held_out.take(index))

    def train_domains(self, index: Tensor) -> Tensor:
        return self._train.styles_of(index)

    def test_domains(self, index: Tensor) -> Tensor:
        return self._test.styles_of(index)

    def _standardized(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return (pixels.float() - self._mean) / self._std, labels


def load(device: torch.device | str = "cpu", **options: Value) -> Shapes:
    """Draw the random numbers of all pictures; they are painted when asked for.

    Args:
        device: where pictures are painted and kept.
        options: of the card: difficulty, styles, held_out; missing ones take its defaults.

    Raises:
        ValueError: for an option that the card does not allow.
    """
    card = DATASETS["shapes"]
    chosen = card.complete(options)
    level = float(chosen["difficulty"])
    train = Scenes(card.train, TRAIN_SEED, level, device)
    test = Scenes(card.test, TEST_SEED, level, device)
    if chosen["styles"] == "one":
        return Shapes(Split(train, "training"), Split(test, "test"))
    seen = card.domains(chosen)
    unseen = tuple(style for style in STYLES if style not in seen)
    return Shapes(
        Split(train, "training", seen),
        Split(test, "test", seen),
        Split(test, "held-out", unseen) if unseen else None,
    )
