"""Centred weights: every filter sums to 0, so what it makes of a constant input is 0."""

from torch import Tensor, nn


def centred(weight: Tensor) -> Tensor:
    """The weight (C_out, ...) without the mean of each filter."""
    return weight - weight.mean(tuple(range(1, weight.dim())), keepdim=True)


class Centred(nn.Module):
    """Takes the place of a weight; see `centred`."""

    def forward(self, weight: Tensor) -> Tensor:
        return centred(weight)
