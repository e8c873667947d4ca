"""Independent Gaussian pixels, and what an operation makes of them: by its rule, and by trying."""

import torch
from torch import Tensor

from bkn.moments.carried import Moments
from bkn.moments.operation import Operation
from bkn.normalizers.base import Belief

G, C = 2, 3
MEAN = torch.tensor([[0.3, -1.0, 2.0], [0.0, 0.5, -0.2]]).double()
VAR = torch.tensor([[1.0, 0.3, 2.0], [0.5, 1.5, 0.01]]).double()
PLACES = (6, 4)
PARTS = 20  # the draws are cut into as many, for the error of their moments


def through(operation, places=PLACES, weights=()):
    """The belief behind an operation by its rule."""
    x = torch.zeros(2 * G, C, *places).double()
    return operation(Moments(MEAN, VAR), x, *weights).belief()


def draw(mean, var, places, images):
    """Images (images, C, *places) of one micro-batch's moments (C,)."""
    shape = (len(mean),) + (1,) * len(places)
    normal = torch.randn(images, len(mean), *places).double()
    return mean.view(shape) + var.sqrt().view(shape) * normal


def pooled(y: Tensor, axes: int = 1) -> tuple[Belief, Belief]:
    """Moments of y (images, *channels, ...) over images and places, and their standard errors."""
    channels = y.shape[1 : axes + 1]
    y = y.flatten(1, axes).flatten(2) if y.dim() > axes + 1 else y.flatten(1)[..., None]
    parts = [part.transpose(0, 1).flatten(1) for part in y.chunk(PARTS)]
    means = torch.stack([part.mean(1) for part in parts])
    whole = y.transpose(0, 1).flatten(1)
    around = torch.stack([(part - whole.mean(1)[:, None]).square().mean(1) for part in parts])
    values = Belief(whole.mean(1), whole.var(1, correction=0))
    errors = (one.std(0) / PARTS**0.5 for one in (means, around))
    return tuple(
        Belief(*(part.unflatten(0, channels) for part in pair)) for pair in (values, errors)
    )


def agree(rule: Belief, tried: list[tuple[Belief, Belief]], floor: float = 1e-3) -> float:
    """Hold the moments of a rule against those of draws, per micro-batch.

    Returns:
        The largest gap, in units of the spread of a channel.
    """
    worst = 0.0
    for row, (seen, error) in enumerate(tried):
        assert rule.mean[row].shape == seen.mean.shape
        for name in ("mean", "var"):
            gap = (getattr(rule, name)[row] - getattr(seen, name)).abs()
            scale = seen.var.sqrt() if name == "mean" else seen.var
            assert (gap <= 6 * getattr(error, name) + floor * scale + 1e-9).all(), (name, gap)
            worst = max(worst, float((gap / (scale + 1e-9)).max()))
    return worst


def check(operation: Operation, places=PLACES, weights=(), images=20_000, floor=1e-3) -> float:
    """Hold a rule against draws of the operation itself; returns the largest gap."""
    torch.manual_seed(0)
    rule = through(operation, places, weights)
    axes = rule.mean.dim() - 1
    tried = []
    for mean, var in zip(MEAN, VAR, strict=True):
        y = operation.real(draw(mean, var, places, images), *weights)
        tried.append(pooled(y, axes))
    return agree(rule, tried, floor)
