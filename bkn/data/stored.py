"""Images that are kept as bytes on the device and standardized when they are asked for."""

import torch
from torch import Tensor

from bkn.cards import DatasetCard
from bkn.data.base import OneDomain, check_index

CHUNK = 4096  # images whose squares are held at a time
Split = tuple[Tensor, Tensor]  # uint8 (n, C, H, W), int64 (n,)


class StoredImages(OneDomain):
    """Both splits, standardized channel by channel by the training split's mean and deviation.

    Args:
        card: says how many images, of what shape, in how many classes there must be.
        train, test: bytes and labels.
        device: where they are kept.

    Raises:
        ValueError: if the images are not what the card says.
    """

    def __init__(
        self, card: DatasetCard, train: Split, test: Split, device: torch.device | str = "cpu"
    ):
        for name, split, size in (("train", train, card.train), ("test", test, card.test)):
            check_split(f"{card.key}: the {name} split", split, size, card)
        self.shape, self.classes = card.shape, len(card.classes)
        self.train_size, self.test_size = card.train, card.test
        mean, deviation = moments(train[0])
        self._mean, self._deviation = (
            one.float().view(-1, 1, 1).to(device) for one in (mean, deviation)
        )
        self._train, self._test = (
            (images.to(device), labels.to(device)) for images, labels in (train, test)
        )

    def train(self, index: Tensor) -> tuple[Tensor, Tensor]:
        check_index(index, self.train_size, "training images")
        return self._taken(self._train, index)

    def test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        check_index(index, self.test_size, "test images")
        return self._taken(self._test, index)

    def _taken(self, split: Split, index: Tensor) -> tuple[Tensor, Tensor]:
        images, labels = split
        index = index.to(images.device)
        return (images[index].float() - self._mean) / self._deviation, labels[index]


def check_split(name: str, split: Split, size: int, card: DatasetCard) -> None:
    """Refuse images that are not what the card says.

    Raises:
        ValueError: naming the split and what is wrong with it.
    """
    images, labels = split
    expected = (size, *card.shape)
    if tuple(images.shape) != expected or images.dtype != torch.uint8:
        raise ValueError(
            f"{name} must be bytes of shape {expected}, "
            f"got {str(images.dtype).removeprefix('torch.')} of shape {tuple(images.shape)}"
        )
    if labels.shape != (size,):
        raise ValueError(f"{name} must have {size} labels, got {tuple(labels.shape)}")
    low, high = (int(end) for end in torch.aminmax(labels))
    if low < 0 or high >= len(card.classes):
        raise ValueError(
            f"{name} must have labels in [0, {len(card.classes) - 1}], got {low} to {high}"
        )


def moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every channel, float64 (C,), exact up to their division.

    Sums of bytes and of their squares are whole numbers, so no order of adding changes them. A
    channel that never varies has the deviation of one grey level.
    """
    sums = squares = torch.zeros(images.shape[1], dtype=torch.int64, device=images.device)
    for chunk in images.split(CHUNK):
        sums = sums + chunk.sum((0, 2, 3), dtype=torch.int64)
        squares = squares + chunk.int().square().sum((0, 2, 3), dtype=torch.int64)
    count = images.numel() // images.shape[1]
    mean = sums.double() / count
    variance = squares.double() / count - mean.square()
    return mean, variance.clamp(min=0).sqrt().clamp(min=1.0)
