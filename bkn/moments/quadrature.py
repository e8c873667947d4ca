"""Numbers that come from integrals over the normal density, computed once and kept."""

import math
from functools import lru_cache

import torch
from torch import Tensor

NODES = 64
REACH = 7.0  # deviations: far enough for the fourth power


@lru_cache
@torch.inference_mode(False)  # what is kept serves training, too
def normal_nodes(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Nodes z and weights w with E f(Z) ~ sum w f(z) for standard normal Z.

    Evenly spaced: exact to rounding for smooth functions, as Gauss-Hermite, and several times
    nearer than that where a function has a kink, because its nodes lie closer in the middle.
    """
    z = torch.linspace(-REACH, REACH, NODES, dtype=torch.float64)
    density = torch.exp(-0.5 * z.square())
    return z.to(device, dtype), (density / density.sum()).to(device, dtype)


@lru_cache
def maximum_of(n: int) -> tuple[float, float]:
    """Mean and variance of the maximum of n independent standard normal numbers."""
    z = torch.linspace(-12, 12, 4801, dtype=torch.float64)
    step = 24 / 4800
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    density = n * density * torch.special.ndtr(z).pow(n - 1) * step
    mean = float((density * z).sum())
    return mean, float((density * z.square()).sum()) - mean**2
