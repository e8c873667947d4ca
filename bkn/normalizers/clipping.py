"""Adaptive gradient clipping: no gradient longer than a share of what it changes.

Paper: Brock, De, Smith & Simonyan (2021), https://arxiv.org/abs/2102.06171
"""

import torch
from torch import Tensor, nn

SMALLEST = 1e-3  # parameters shorter than this count as this long, or zeros could never change


def unit_norms(x: Tensor) -> Tensor:
    """Length of each unit, broadcasting with x: a filter or row; vectors and numbers are one."""
    if x.dim() <= 1:
        return x.norm()
    return x.flatten(1).norm(dim=1).view(-1, *(1,) * (x.dim() - 1))


@torch.no_grad()
def clip(parameter: nn.Parameter, limit: float) -> None:
    """Shorten the parameter's gradient, unit by unit, to at most `limit` times the parameter.

    Args:
        parameter: one without a gradient is left alone.
        limit: lambda in the paper; 0 clips nothing.
    """
    if parameter.grad is None or limit == 0:
        return
    longest = unit_norms(parameter).clamp(min=SMALLEST) * limit
    length = unit_norms(parameter.grad)
    parameter.grad.mul_(torch.where(length > longest, longest / length.clamp(min=1e-6), 1.0))
