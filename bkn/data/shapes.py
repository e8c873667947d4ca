"""Shapes: ten shapes drawn on demand in colour, 32x32, as hard as one likes.

A picture is painted when it is first asked for and then kept as bytes, so that the first batch is
there at once and later epochs cost a look-up. Training and test pictures come from two seeds.
"""

import torch
from torch import Tensor

from bkn.catalog import DATASETS
from bkn.data.base import check_index
from bkn.data.scenes import SIZE, Scenes

TRAIN_SEED, TEST_SEED = 1, 2
SAMPLE = 256  # training pictures that tell mean and deviation


class Split:
    """One split's pictures, painted at most once each."""

    def __init__(self, scenes: Scenes, name: str):
        self.name = name
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

    def _paint(self, index: Tensor) -> None:
        missing = index[~self._painted[index]].unique()
        if len(missing):
            self._pixels[missing] = self._scenes.render(missing)
            self._painted[missing] = True
            self._left -= len(missing)


class Shapes:
    """Both splits, standardized by one mean and deviation of a sample of training pictures."""

    classes = 10
    shape = (3, SIZE, SIZE)

    def __init__(self, train: Split, test: Split):
        self._train, self._test = train, test
        self.train_size, self.test_size = train.size, test.size
        pixels, _ = train.take(torch.arange(min(SAMPLE, train.size)))
        std, mean = torch.std_mean(pixels.float())
        self._mean, self._std = mean, std

    def train(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self._standardized(*self._train.take(index))

    def test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self._standardized(*self._test.take(index))

    def _standardized(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return (pixels.float() - self._mean) / self._std, labels


def load(device: torch.device | str = "cpu", difficulty: float | None = None) -> Shapes:
    """Draw the random numbers of all pictures; they are painted when asked for.

    Args:
        device: where pictures are painted and kept.
        difficulty: 0 easy to 1 near hopeless; the card's default if None.

    Raises:
        ValueError: for a difficulty that the card does not allow.
    """
    card = DATASETS["shapes"]
    given = {} if difficulty is None else {"difficulty": difficulty}
    level = float(card.complete(given)["difficulty"])
    return Shapes(
        Split(Scenes(card.train, TRAIN_SEED, level, device), "training"),
        Split(Scenes(card.test, TEST_SEED, level, device), "test"),
    )
