"""Rules of where branches meet: sums, products, concatenation."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bkn.moments.carried import Carried, product_of_images
from bkn.moments.operation import Join
from bkn.normalizers.base import Belief


class Add(Join):
    """The sum of independent terms x + alpha y.

    Args:
        alpha: of the second term; -1 for a difference.
    """

    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self.alpha = alpha

    def moments(self, beliefs: list[Belief], xs: Sequence[Tensor]) -> Belief:
        first, second = beliefs
        mean = torch.add(first.mean, second.mean, alpha=self.alpha)
        return Belief(mean, torch.add(first.var, second.var, alpha=self.alpha**2))


class Multiply(Join):
    """The product of independent factors, such as activations and a scale made from them.

    The moments are those over all images. A scale per image takes only as many values as a
    micro-batch has images, m: of its part of the variance, v_scale m_x^2, these show 1 - 1/m.
    """

    def forward(self, parts: Sequence[Carried | None], xs: Sequence[Tensor]) -> Carried | None:
        known = [part for part in parts if part is not None]
        together = product_of_images(known, xs) if len(known) == len(parts) else None
        return super().forward(parts, xs) if together is None else together

    def moments(self, beliefs: list[Belief], xs: Sequence[Tensor]) -> Belief:
        (m1, v1), (m2, v2) = beliefs
        return Belief(m1 * m2, v1 * v2 + v1 * m2.square() + v2 * m1.square())


class Concat(Join):
    """Side by side: along the channels, or along an axis of places.

    Args:
        dim: the axis.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def moments(self, beliefs: list[Belief], xs: Sequence[Tensor]) -> Belief | None:
        dim, axes = self.dim % xs[0].dim(), beliefs[0].mean.dim() - 1
        if dim == 0:
            return None
        means, variances = zip(*beliefs, strict=True)
        if dim <= axes:
            return Belief(torch.cat(means, dim), torch.cat(variances, dim))
        places = [x.shape[dim] for x in xs]
        shares = [n / sum(places) for n in places]
        mean = sum(share * one for share, one in zip(shares, means, strict=True))
        parts = zip(shares, *zip(*beliefs, strict=True), strict=True)
        return Belief(mean, sum(share * (v + (m - mean).square()) for share, m, v in parts))
