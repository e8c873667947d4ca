"""The two passes over the activations: moments of micro-batches, and normalizing by moments.

Activations come as (G, m, C, ...), moments are (G, C).
"""

import torch
from torch import Tensor


def group_moments(groups: Tensor) -> tuple[Tensor, Tensor]:
    """Biased mean and variance of (G, m, C, ...) per group and channel, float32 at least."""
    groups = at_least_float32(groups)
    var, mean = torch.var_mean(groups, dim=_places(groups), correction=0)
    return mean, var


def normalize(
    groups: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Weight * (x - mean) / sqrt(var + eps) + bias, in the type of x."""
    scale = (var + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias
    shape = (mean.shape[0], 1, mean.shape[1]) + (1,) * (groups.dim() - 3)
    y = torch.addcmul(shift.view(shape), at_least_float32(groups), scale.view(shape))
    return y.to(groups.dtype)


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _places(groups: Tensor) -> list[int]:
    return [1, *range(3, groups.dim())]
