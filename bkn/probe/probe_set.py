"""The images that a probe looks at: some of the training images, always the same ones."""

import torch
from torch import Tensor

from bkn.data.base import Images

PROBE_IMAGES = 512  # at the most; twice as many would be looked at half as often


class ProbeSet:
    """Up to PROBE_IMAGES training images, the same for every entrant and seed.

    Args:
        images: where they come from.
        takes_domains: whether the model is told each image's domain.
    """

    def __init__(self, images: Images, takes_domains: bool = False):
        order = torch.randperm(images.train_size, generator=torch.Generator().manual_seed(0))
        self._images, self._order, self.takes_domains = images, order, takes_domains

    def size(self, micro_batch: int) -> int:
        """How many images: a whole number of micro-batches."""
        size = min(PROBE_IMAGES, self._images.train_size)
        return max(micro_batch, size // micro_batch * micro_batch)

    def inputs(self, micro_batch: int) -> tuple[Tensor, ...]:
        """What the model is called with: the images, and their domains if it wants to know."""
        return self.labelled(micro_batch)[0]

    def labelled(self, micro_batch: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """The same, and the images' classes, int64 (n,)."""
        index = self._order[: self.size(micro_batch)]
        told = (self._images.train_domains(index),) if self.takes_domains else ()
        x, labels = self._images.train(index)
        return (x, *told), labels
