"""Numbers that come from integrals over the normal density, computed once and kept."""

import math
from functools import lru_cache

import torch
from torch import Tensor

NODES = 64


@lru_cache
def gauss_hermite(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Nodes z and weights w with E f(Z) ~ sum w f(z) for standard normal Z.

    Golub & Welsch: the eigenvalues of the recurrence's symmetric tridiagonal matrix.
    """
    off = torch.arange(1, NODES, dtype=torch.float64).sqrt()
    values, vectors = torch.linalg.eigh(torch.diag(off, 1) + torch.diag(off, -1))
    return values.to(device, dtype), vectors[0].square().to(device, dtype)


@lru_cache
def maximum_of(n: int) -> tuple[float, float]:
    """Mean and variance of the maximum of n independent standard normal numbers."""
    z = torch.linspace(-12, 12, 4801, dtype=torch.float64)
    step = 24 / 4800
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    density = n * density * torch.special.ndtr(z).pow(n - 1) * step
    mean = float((density * z).sum())
    return mean, float((density * z.square()).sum()) - mean**2
