"""Digits: 1,797 real scans of handwritten digits, 8x8 pixels, shipped with the repository.

Source: Alpaydin & Kaynak 1998, UCI Machine Learning Repository, CC BY 4.0; assets/digits tells
how the file was made. The stratified split into 1,350 and 447 images is stored in it.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bkn.data.base import OneDomain, check_index

FILE = Path(__file__).parents[2] / "assets" / "digits" / "digits.npz"


class Digits(OneDomain):
    """All images in memory, standardized by the mean and deviation of the training split."""

    shape = (1, 8, 8)
    classes = 10

    def __init__(self, images: Tensor, labels: Tensor, is_test: Tensor):
        images, labels = images.float().unsqueeze(1), labels.long()
        std, mean = torch.std_mean(images[~is_test])
        images = (images - mean) / std
        self._train = images[~is_test], labels[~is_test]
        self._test = images[is_test], labels[is_test]
        self.train_size, self.test_size = len(self._train[1]), len(self._test[1])

    def train(self, index: Tensor) -> tuple[Tensor, Tensor]:
        check_index(index, self.train_size, "training images")
        return _take(self._train, index)

    def test(self, index: Tensor) -> tuple[Tensor, Tensor]:
        check_index(index, self.test_size, "test images")
        return _take(self._test, index)


def _take(split: tuple[Tensor, Tensor], index: Tensor) -> tuple[Tensor, Tensor]:
    images, labels = split
    index = index.to(images.device)
    return images[index], labels[index]


def load(device: torch.device | str = "cpu") -> Digits:
    """Read the shipped file and put it on the device.

    Raises:
        FileNotFoundError: saying how to make the file.
    """
    if not FILE.exists():
        raise FileNotFoundError(
            f"the digits are missing at {FILE}; run the lab from a full checkout, or make the "
            "file with: python assets/digits/make.py"
        )
    with np.load(FILE, allow_pickle=False) as file:
        arrays = [torch.from_numpy(file[name]).to(device) for name in ("images", "labels", "test")]
    return Digits(*arrays)
