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
@torch.inference_mode(False)  # what is kept serves training, too
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
    if groups == 1:
        return _Pooled.apply(mean, var, weight, basis)
    w = weight.flatten(2).unflatten(0, (groups, -1))  # (k, O/k, C/k, taps)
    m, v = mean.unflatten(1, (groups, -1)), var.unflatten(1, (groups, -1))
    through = torch.einsum("gkc,kocr->rgko", m, w @ basis).flatten(2)
    inner = torch.einsum("gkc,koc->gko", v, w.square() @ basis[:, 0]).flatten(1)
    return through[0], inner + through[1:].square().sum(0)


class _Pooled(torch.autograd.Function):
    """One channel group, with the gradients by hand.

    The weights seen through the r columns of the basis are (r O, C). The first O give the means,
    the squares of the others the variance that the border adds.
    """

    @staticmethod
    def forward(
        ctx: Any, mean: Tensor, var: Tensor, weight: Tensor, basis: Tensor
    ) -> tuple[Tensor, Tensor]:
        outs, ins = weight.shape[:2]
        taps = weight.reshape(outs * ins, -1)
        seen = torch.mm(basis.t(), taps.t()).view(-1, ins)
        energy = torch.mv(taps.square(), basis[:, 0]).view(outs, ins)
        through = torch.mm(mean, seen.t())  # (G, r O)
        out = torch.mm(var, energy.t())
        if through.shape[1] > outs:
            out += through[:, outs:].square().view(len(out), -1, outs).sum(1)
        ctx.save_for_backward(mean, var, weight, basis, seen, energy, through)
        return through[:, :outs].contiguous(), out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_mean: Tensor, g_var: Tensor) -> tuple[Tensor | None, ...]:
        mean, var, weight, basis, seen, energy, through = ctx.saved_tensors
        outs, ins = energy.shape
        g_through = (through * 2).view(through.shape[0], -1, outs).mul_(g_var[:, None])
        g_through[:, 0] = g_mean
        g_through = g_through.view_as(through)
        g_seen = torch.mm(g_through.t(), mean).view(-1, outs * ins)
        g_energy = torch.mm(g_var.t(), var).view(-1, 1)
        g_taps = torch.mm(g_seen.t(), basis.t())
        g_taps.addcmul_(weight.reshape(outs * ins, -1), g_energy * basis[:, 0], value=2)
        return torch.mm(g_through, seen), torch.mm(g_var, energy), g_taps.view_as(weight), None
