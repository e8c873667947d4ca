"""Rules of arithmetic with what is no activation: numbers, parameters, buffers.

A constant w may differ between channels and places, but not between images. Over the places of a
channel it has a mean and a variance of its own, and the moments behind are

    a x + b w:   mean = a m + b E[w]     var = a^2 v + b^2 Var[w]
    x * w:       mean = m E[w]           var = v E[w^2] + m^2 Var[w]
"""

from typing import Any

from torch import Tensor

from bkn.moments.operation import Operation
from bkn.normalizers.base import Belief

Number = float | Tensor


class Shifted(Operation):
    """A sum a x + b w with a constant w.

    Args:
        a, b: numbers known when the model is converted.
    """

    def __init__(self, a: float = 1.0, b: float = 1.0):
        super().__init__()
        self.a = a
        self.b = b

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        return axes if for_all_images(x, *weights) else None

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        mean, var = over_places(belief, x, *weights)
        return Belief(
            self.a * belief.mean + self.b * mean, self.a**2 * belief.var + self.b**2 * var
        )

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return self.a * x + self.b * weights[0]

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return self.moments(belief, x, *weights)


class Scaled(Operation):
    """A product with a constant, or a quotient by one.

    Args:
        divide: by the constant.
    """

    def __init__(self, divide: bool = False):
        super().__init__()
        self.divide = divide

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        return axes if for_all_images(x, *weights) else None

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        mean, var = over_places(belief, x, 1 / weights[0] if self.divide else weights[0])
        return Belief(belief.mean * mean, belief.var * (mean**2 + var) + belief.mean.square() * var)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x / weights[0] if self.divide else x * weights[0]

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return self.moments(belief, x, *weights)


def for_all_images(x: Tensor, w: Number) -> bool:
    """Whether a constant is the same for all images of x (N, C, ...)."""
    return not isinstance(w, Tensor) or w.dim() < x.dim() or (w.dim() == x.dim() and len(w) == 1)


def over_places(belief: Belief, x: Tensor, w: Number) -> tuple[Number, Number]:
    """Mean and variance of a constant over the places of x (N, C, ...), broadcast to (G, C)."""
    if not isinstance(w, Tensor):
        return w, 0.0
    w = w.to(belief.mean.dtype)
    w = w.view((1,) * (x.dim() - w.dim()) + w.shape + (1,)).flatten(belief.mean.dim())
    return w.mean(-1), w.var(-1, correction=0)
