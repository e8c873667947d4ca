"""A belief on its way through the operations between two normalizers.

It travels in one of two kinds. `Moments`: mean and variance in closed form, by each operation's
moment rule. `Sample`: the authors' code, one Gaussian image per micro-batch that goes through
the very same operations as the activations, and becomes moments where it is needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bkn.normalizers.base import Belief, moments

if TYPE_CHECKING:
    from bkn.moments.operation import Operation

TINY = 1e-12  # keeps the square root's gradient finite where a variance is 0


class Carried(ABC):
    """What is believed about the activations at one place of the network.

    The channels take one axis of the activations, (N, C, ...). On the way through a shuffle of
    channels they take `axes` of them, and moments are (G, ...) with as many behind the first.
    """

    @property
    @abstractmethod
    def axes(self) -> int:
        """How many axes of the activations count channels."""

    @abstractmethod
    def belief(self) -> Belief | None:
        """Mean and variance (G, C) over all places; None where nothing can be said."""

    @abstractmethod
    def through(self, operation: Operation, axes: int, x: Tensor, *weights: Any) -> Carried:
        """What is believed behind an operation.

        Args:
            operation: it.
            axes: of channels behind it.
            x: its real input (N, C, ...).
            weights: its further arguments.
        """

    @abstractmethod
    def with_belief(self, belief: Belief) -> Carried:
        """The same kind, holding other moments."""


class Moments(Carried):
    """Gaussian with these moments at every place, independent between places and channels.

    Args:
        mean: (G, C).
        var: (G, C).
    """

    def __init__(self, mean: Tensor, var: Tensor):
        self.mean = mean
        self.var = var

    @property
    def axes(self) -> int:
        return self.mean.dim() - 1

    def belief(self) -> Belief:
        return Belief(self.mean, self.var)

    def with_belief(self, belief: Belief) -> Moments:
        return Moments(*belief)

    def through(self, operation: Operation, axes: int, x: Tensor, *weights: Any) -> Moments:
        device = self.mean.device.type
        if not torch.is_autocast_enabled(device):
            return Moments(*operation.moments(self.belief(), x, *weights))
        with torch.autocast(device, enabled=False):  # statistics stay in float32
            return Moments(*operation.moments(self.belief(), x, *weights))


class Sample(Carried):
    """Gaussian images, drawn when an operation first needs them.

    Until then, and again behind a join, only moments are held: those take the shortcuts of the
    authors' code, where sums add them and average pooling leaves them as they are. With few
    places the moments of one image are noisy. Where the activations have a single place
    (vectors) one image has no variance: as many are drawn as a micro-batch has members.

    Args:
        held: moments (G, C), or the images (G * copies, C, ...) drawn from them.
        generator: where images are drawn from; None for torch's own random stream.
        copies: images per micro-batch.
        axes: of the images that count channels.
    """

    def __init__(
        self,
        held: Belief | Tensor,
        generator: torch.Generator | None = None,
        copies: int = 1,
        axes: int = 1,
    ):
        self.held = held
        self.generator = generator
        self.copies = copies
        self._axes = axes

    @property
    def axes(self) -> int:
        return self.held.mean.dim() - 1 if isinstance(self.held, Belief) else self._axes

    def belief(self) -> Belief | None:
        """Biased moments over the places; None if an image has a single value per channel."""
        if isinstance(self.held, Belief):
            return self.held
        channels = self.held.shape[1 : self.axes + 1]
        if self.copies * self.held[0].numel() == channels.numel():
            return None
        pooled = moments(self.held.flatten(1, self.axes), self.copies)
        return Belief(*(part.unflatten(1, channels) for part in pooled))

    def with_belief(self, belief: Belief) -> Sample:
        return Sample(belief, self.generator)

    def through(self, operation: Operation, axes: int, x: Tensor, *weights: Any) -> Sample:
        if isinstance(self.held, Belief):
            short = operation.shortcut(self.held, x, *weights)
            return (
                self.draw(x).through(operation, axes, x, *weights)
                if short is None
                else Sample(short, self.generator)
            )
        return Sample(operation.real(self.held, *weights), self.generator, self.copies, axes)

    def draw(self, x: Tensor) -> Sample:
        """Images from the moments, of the size of the activations x (N, C, ...)."""
        belief = self.belief()
        if belief is None or not isinstance(self.held, Belief):
            return self
        groups, *channels = belief.mean.shape
        places = x.shape[belief.mean.dim() :]
        copies = 1 if places.numel() > 1 else len(x) // groups
        draws = torch.randn(
            (groups * copies, *channels, *places),
            generator=self.generator,
            dtype=belief.mean.dtype,
            device=belief.mean.device,
        )
        return Sample(gaussian_images(belief, draws), self.generator, copies, self.axes)


def gaussian_images(belief: Belief, draws: Tensor) -> Tensor:
    """Images (G * k, C, ...) with these moments, from standard normal draws of that shape."""
    copies = len(draws) // len(belief.mean)
    shape = (-1, *belief.mean.shape[1:]) + (1,) * (draws.dim() - belief.mean.dim())
    mean = belief.mean.repeat_interleave(copies, 0).view(shape)
    std = (belief.var + TINY).sqrt().repeat_interleave(copies, 0).view(shape)
    return torch.addcmul(mean, std, draws)


def sampled_transition(
    posterior: Belief, draws: Tensor, operations: Callable[[Tensor], Tensor]
) -> Belief:
    """The prior that a posterior leads to: the authors' predict step as a pure function.

    Args:
        posterior: (G, C).
        draws: standard normal numbers (G, C, H, W).
        operations: what lies between the two layers, such as relu and a convolution.
    """
    return moments(operations(gaussian_images(posterior, draws)), 1)


def beliefs_of(parts: Sequence[Carried]) -> list[Belief] | None:
    """The moments of all parts; None if one of them is unknown."""
    beliefs = [part.belief() for part in parts]
    known = [belief for belief in beliefs if belief is not None]
    return known if len(known) == len(beliefs) else None


def product_of_images(parts: Sequence[Carried], xs: Sequence[Tensor]) -> Sample | None:
    """The images' own product, where some part has been drawn; a scale was made from its trunk.

    None where no part holds images, or where they are of different numbers.
    """
    samples = [part for part in parts if isinstance(part, Sample)]
    if not any(isinstance(part.held, Tensor) for part in samples):
        return None
    drawn = [part.draw(x) for part, x in zip(samples, xs, strict=True)]
    images = [part.held for part in drawn if isinstance(part.held, Tensor)]
    if len({len(image) for image in images}) > 1:
        return None
    product = reduce(torch.mul, images)
    return Sample(product, drawn[0].generator, drawn[0].copies, drawn[0].axes)
