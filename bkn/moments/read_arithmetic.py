"""Readers of arithmetic: sums, differences, products, quotients."""

import operator
from functools import partial
from typing import Any

import torch
from torch import fx

from bkn.moments.constants import Scaled, Shifted
from bkn.moments.joins import Add, Multiply
from bkn.moments.steps import Reader, Step, argument, is_activation


def total(node: fx.Node, a: float = 1.0, b: float = 1.0, alpha: float | None = None) -> Step | None:
    """A sum a x + alpha b y of two activations, or of one and a constant; alpha as called."""
    x, y = argument(node, 0, "input"), argument(node, 1, "other")
    alpha = argument(node, 2, "alpha", 1) if alpha is None else alpha
    if not isinstance(alpha, int | float):
        return None
    if is_activation(x) and is_activation(y):
        return Step(Add(b * alpha), (x, y)) if a == 1 else Step(Add(a), (y, x))
    if is_activation(x):
        return Step(Shifted(a, b * alpha), (x,), (y,))
    return Step(Shifted(b * alpha, a), (y,), (x,)) if is_activation(y) else None


def subtract_from(node: fx.Node) -> Step | None:
    """other - alpha input."""
    alpha = argument(node, 2, "alpha", 1)
    return total(node, a=-alpha, alpha=1) if isinstance(alpha, int | float) else None


def multiply(node: fx.Node) -> Step | None:
    """A product of two activations, or of one and a constant."""
    x, y = argument(node, 0, "input"), argument(node, 1, "other")
    if is_activation(x) and is_activation(y):
        return Step(Multiply(), (x, y))
    x, y = (x, y) if is_activation(x) else (y, x)
    return Step(Scaled(), (x,), (y,)) if is_activation(x) else None


def divide(node: fx.Node) -> Step | None:
    """A quotient by a constant; one of two Gaussians has no moments."""
    x, y = argument(node, 0, "input"), argument(node, 1, "other")
    if is_activation(y) or not is_activation(x) or argument(node, 2, "rounding_mode") is not None:
        return None
    return Step(Scaled(divide=True), (x,), (y,))


def negate(node: fx.Node) -> Step | None:
    """The other sign."""
    x = argument(node, 0, "input")
    return Step(Scaled(), (x,), (-1.0,)) if is_activation(x) else None


subtract = partial(total, b=-1.0)

FUNCTIONS: dict[Any, Reader] = {
    operator.add: total, operator.iadd: total, torch.add: total,
    operator.sub: subtract, operator.isub: subtract, torch.sub: subtract, torch.subtract: subtract,
    torch.rsub: subtract_from,
    operator.mul: multiply, operator.imul: multiply, torch.mul: multiply, torch.multiply: multiply,
    operator.truediv: divide, operator.itruediv: divide, torch.div: divide, torch.divide: divide,
    operator.neg: negate, torch.neg: negate,
}  # fmt: skip

METHODS: dict[Any, Reader] = {
    "add": total, "add_": total, "sub": subtract, "sub_": subtract, "mul": multiply,
    "mul_": multiply, "div": divide, "div_": divide, "neg": negate, "neg_": negate,
}  # fmt: skip
