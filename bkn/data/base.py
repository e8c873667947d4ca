"""What every dataset gives: batches of standardized images by their positions.

A batch is a pure function of the positions asked for: the same index gives the same pixels,
whichever other images are in the batch and however often it was asked.
"""

from typing import Protocol

import torch
from torch import Tensor


class Images(Protocol):
    """A dataset on one device, cut into a training and a test split.

    Its images may come from several domains: ways in which they were made. Training and test
    images come from `domains`; where a further domain is held out, there are test images of it.
    """

    shape: tuple[int, int, int]  # channels, height, width
    classes: int
    train_size: int
    test_size: int
    domains: tuple[str, ...]  # at least one
    held_out: str  # name of the domain that training never sees, "" for none
    held_out_size: int

    def train(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Training images at these positions.

        Args:
            index: (n,) whole numbers in [0, train_size), on any device.

        Returns:
            float32 (n, C, H, W), about mean 0 and variance 1 over the training split, and int64
            labels (n,).

        Raises:
            ValueError: for positions that are no whole numbers in one row, or out of range.
        """

    def test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Test images at these positions, in the units of `train`."""

    def held_out_test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Test images of the held-out domain at these positions, in the units of `train`."""

    def train_domains(self, index: Tensor) -> Tensor:
        """Domains of the training images at these positions: int64 (n,), places in `domains`."""

    def test_domains(self, index: Tensor) -> Tensor:
        """Domains of the test images at these positions."""


class OneDomain:
    """What images of a single domain have to say about domains."""

    domains: tuple[str, ...] = ("all",)
    held_out = ""
    held_out_size = 0

    def held_out_test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        raise ValueError("no domain is held out")

    def train_domains(self, index: Tensor) -> Tensor:
        return torch.zeros_like(index)

    def test_domains(self, index: Tensor) -> Tensor:
        return torch.zeros_like(index)


def check_index(index: Tensor, size: int, split: str) -> None:
    """Refuse what is no row of positions in [0, size).

    The range is checked on the CPU only: elsewhere reading it back would stall the device, and
    CUDA stops at an index out of range by itself.

    Raises:
        ValueError: naming the split, the value and what is allowed.
    """
    if index.ndim != 1 or index.is_floating_point() or index.dtype == torch.bool:
        raise ValueError(
            f"index into {split} must be a row of whole numbers, "
            f"got {str(index.dtype).removeprefix('torch.')} of shape {tuple(index.shape)}"
        )
    if index.device.type == "cpu" and len(index):
        low, high = (int(end) for end in torch.aminmax(index))
        if low < 0 or high >= size:
            wrong = low if low < 0 else high
            raise ValueError(f"index into {split} must lie in [0, {size - 1}], got {wrong}")
