"""Batches of a race: which images a step sees, in how many copies, how augmented, in which order.

Batch augmentation: Hoffer et al. 2020, https://arxiv.org/abs/1901.09335. Every image is in the
step several times, each time augmented otherwise. Where its copies lie decides what a micro-batch
is made of: copies of one image (`sample_major`) or distinct images (`copy_major`).

Without further augmentation the copies are shifted, each otherwise. With it (`augment`) every
image, and every copy of it, is cropped and flipped by itself. All is drawn from the seed and the
step: the entrants of a race, whatever else they are, see the same pixels.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from bkn.data.augment import crop, draw_crops, draw_shifts, shift
from bkn.data.base import Images
from bkn.experiment import Experiment
from bkn.training.recipe import Order


class Batch(NamedTuple):
    """What one step sees: n = B x copies images."""

    images: Tensor  # (n, C, H, W)
    labels: Tensor  # (n,)
    domains: Tensor  # (n,), places in the data's `domains`


class Batches:
    """The batches of an experiment; each is a pure function of its seed and the step.

    Args:
        experiment: says how many images and copies, their layout, and how they are augmented.
        images: to take from.
    """

    def __init__(self, experiment: Experiment, images: Images):
        self.images, self.seed = images, experiment.seed
        self.copies, self.layout = experiment.copies, experiment.layout
        self.augment = experiment.augment
        self._order = Order(experiment, images.train_size)

    def of(self, step: int) -> Batch:
        """The batch of a step."""
        index = self._order.batch_of(step)
        batch = Batch(*self.images.train(index), self.images.train_domains(index))
        if self.copies == 1 and self.augment == "none":
            return batch
        source, copy = spread(len(index), self.copies, self.layout)
        images, labels, domains = (part[source.to(part.device)] for part in batch)
        return Batch(self._augmented(images, source, copy, step), labels, domains)

    def _augmented(self, images: Tensor, source: Tensor, copy: Tensor, step: int) -> Tensor:
        """The images of a step, each moved in its way; `source` and `copy` say what they are."""
        (height, width), seed = images.shape[2:], seed_of(self.seed, step)
        if self.augment == "none":
            return shift(
                images,
                draw_shifts(self._order.batch, self.copies, height, width, seed)[source, copy],
            )
        place = source * self.copies + copy  # so that the layout decides on the order alone
        shifts, flips = (part[place] for part in draw_crops(len(images), height, width, seed))
        return crop(images, shifts, flips if self.augment == "crop_flip" else None)


def spread(count: int, copies: int, layout: str) -> tuple[Tensor, Tensor]:
    """What stands at every place of a step: which image, and which of its copies.

    Two of (count x copies,).
    """
    images, versions = torch.arange(count), torch.arange(copies)
    if layout == "sample_major":
        return images.repeat_interleave(copies), versions.repeat(count)
    return images.repeat(copies), versions.repeat_interleave(count)


def seed_of(seed: int, step: int) -> int:
    """The seed of one step's augmentation, apart from those of the epochs' orders.

    Apart in its lower 32 bits too: torch uses no others on the CPU.
    """
    return (seed * 1_000_003 + step) ^ 0x5F3759DF
