"""The moments behind a convolution, pooled over all places of the output.

With T[tap] = sum over c of W[tap] m and V[tap] = sum over c of W[tap]^2 v, and zero padding that
makes outputs at the border see fewer taps:

    mean = sum of share[tap] T[tap]
    var  = sum of share[tap] V[tap] + T' (both - share share') T

share[t] is the part of the output places where tap t lies inside the picture, both[t, u] the
part where t and u do. The second term is the variance of the means between places.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@lru_cache(maxsize=256)
def border(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """The columns share and L, (taps, 1 + rank), with L L' = both - share share'.

    Without padding there is only the first. Once per geometry; all factors over the axes.
    """
    share = torch.ones(1, dtype=torch.float64)
    both = torch.ones(1, 1, dtype=torch.float64)
    for axis in zip(size, kernel, stride, padding, dilation, strict=True):
        hit = inside(*axis)
        share = torch.kron(share, hit.mean(0))
        both = torch.kron(both, hit.T @ hit / len(hit))
    values, vectors = torch.linalg.eigh(both - share.outer(share))
    keep = values > 1e-12
    factor = vectors[:, keep] * values[keep].sqrt()
    return torch.cat([share[:, None], factor], 1).to(device, dtype)


def inside(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Tensor:
    """Whether each tap lies inside at each output place of one axis, (places, kernel)."""
    places = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    at = torch.arange(places)[:, None] * stride - padding + torch.arange(kernel) * dilation
    return ((at >= 0) & (at < size)).double()


def pooled_moments(
    mean: Tensor, var: Tensor, weight: Tensor, basis: Tensor, groups: int
) -> tuple[Tensor, Tensor]:
    """Moments (G, O) behind a convolution without bias, of inputs with moments (G, C).

    Args:
        mean, var: (G, C).
        weight: (O, C / groups, ...).
        basis: of the geometry, see `border`.
        groups: of channels.
    """
    return _Pooled.apply(mean, var, weight, basis, groups)


class _Pooled(torch.autograd.Function):
    """With k channel groups and r columns, the weights seen through the basis are (k, r O/k, C/k).

    The first column gives the means, the squares of the others the variance that the border adds.
    """

    @staticmethod
    def forward(
        ctx: Any, mean: Tensor, var: Tensor, weight: Tensor, basis: Tensor, k: int
    ) -> tuple[Tensor, Tensor]:
        outs, ins = weight.shape[0] // k, weight.shape[1]
        taps = weight.reshape(k, outs * ins, -1)
        seen = torch.matmul(basis.t(), taps.transpose(1, 2)).view(k, -1, ins)
        energy = torch.mv(taps.square().view(-1, len(basis)), basis[:, 0]).view(k, outs, ins)
        m = mean.view(-1, k, ins).transpose(0, 1)
        v = var.view(-1, k, ins).transpose(0, 1)
        through = torch.bmm(m, seen.transpose(1, 2))  # (k, G, r O/k)
        out = torch.bmm(v, energy.transpose(1, 2))  # (k, G, O/k)
        if through.shape[2] > outs:
            out += through[..., outs:].square().unflatten(2, (-1, outs)).sum(2)
        ctx.save_for_backward(m, v, taps, basis, seen, energy, through)
        ctx.shapes = mean.shape, weight.shape
        return (
            through[..., :outs].transpose(0, 1).reshape(len(mean), -1),
            out.transpose(0, 1).reshape(len(mean), -1),
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_mean: Tensor, g_var: Tensor) -> tuple[Tensor | None, ...]:
        m, v, taps, basis, seen, energy, through = ctx.saved_tensors
        k, outs, ins = energy.shape
        shape, weight_shape = ctx.shapes
        g_mean = g_mean.view(-1, k, outs).transpose(0, 1)
        g_var = g_var.view(-1, k, outs).transpose(0, 1)
        g_through = torch.empty_like(through)
        g_through[..., :outs] = g_mean
        if through.shape[2] > outs:
            spread = through[..., outs:].unflatten(2, (-1, outs))
            border_part = g_through[..., outs:].unflatten(2, (-1, outs))
            torch.mul(spread, 2 * g_var[:, :, None], out=border_part)
        g_m = torch.bmm(g_through, seen).transpose(0, 1).reshape(shape)
        g_v = torch.bmm(g_var, energy).transpose(0, 1).reshape(shape)
        g_seen = torch.bmm(g_through.transpose(1, 2), m).view(k, -1, outs * ins)
        g_energy = torch.bmm(g_var.transpose(1, 2), v).view(k, outs * ins, 1)
        g_taps = torch.matmul(g_seen.transpose(1, 2), basis.t())
        g_taps.addcmul_(taps, g_energy * basis[:, 0], value=2)
        return g_m, g_v, g_taps.view(weight_shape), None, None
