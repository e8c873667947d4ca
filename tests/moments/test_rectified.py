"""The rectified Gaussian: values far into both tails, and gradients."""

import math

import pytest
import torch
from torch.testing import assert_close

from bkn.moments.rectified import rectified

A = [-12.0, -8.0, -6.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 6.0, 8.0, 30.0, 5000.0]


def by_integration(a):
    """Mean and variance of relu(a + Z) by fine Simpson sums of where it is positive."""
    low, high = max(-a, -40.0), 40.0
    z = torch.linspace(low, high, 400_001, dtype=torch.float64)
    weights = torch.ones_like(z)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi) * weights * (z[1] - z[0]) / 3
    mean = float((density * (a + z)).sum())
    below = 0.5 * math.erfc(a / math.sqrt(2))  # relu is 0 there
    return mean, float((density * (a + z - mean).square()).sum()) + below * mean**2


@pytest.mark.parametrize("a", A)
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_against_integration(a, scale):
    mean, var = rectified(torch.tensor([a * scale]).double(), torch.tensor([scale**2]).double())
    expected_mean, expected_var = by_integration(a)
    assert float(mean) == pytest.approx(expected_mean * scale, rel=1e-7)
    assert float(var) == pytest.approx(expected_var * scale**2, rel=1e-7)


@pytest.mark.parametrize(
    ("a", "tolerance"), [(-8.0, 2e-2), (-6.0, 5e-3), *((a, 1e-5) for a in A[4:])]
)
def test_float32_does_not_cancel(a, tolerance):
    exact = rectified(torch.tensor([a]).double(), torch.ones(1).double())
    single = rectified(torch.tensor([a]), torch.ones(1))
    for one, other in zip(single, exact, strict=True):
        assert float(one) == pytest.approx(float(other), rel=tolerance)


def test_gradients_by_differences():
    a = torch.linspace(-8, 8, 33).double()
    std = torch.tensor([0.5, 2.0]).double()
    mean = (a[:, None] * std).requires_grad_()
    var = std.square().expand(33, 2).clone().requires_grad_()
    assert torch.autograd.gradcheck(rectified, (mean, var), atol=1e-7)


def test_the_two_halves_make_the_whole():
    m, v = torch.linspace(-5, 5, 21).double(), torch.full((21,), 1.7).double()
    (up, up_var), (down, down_var) = rectified(m, v), rectified(-m, v)
    assert_close(up - down, m)
    assert_close(up_var + down_var + 2 * up * down, v)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_ever_nan_or_negative(dtype):
    a = torch.cat([torch.linspace(-15, 15, 601), torch.tensor([-1e4, 0.0, 1e4])]).to(dtype)
    mean = a.repeat(3, 1).requires_grad_()
    var = torch.tensor([0.0, 1e-20, 1.0], dtype=dtype)[:, None].repeat(1, len(a)).requires_grad_()
    out_mean, out_var = rectified(mean, var)
    (out_mean + out_var).sum().backward()
    for one in (out_mean, out_var, mean.grad, var.grad):
        assert one.isfinite().all()
    assert (out_mean >= 0).all()
    assert (out_var >= 0).all()
    assert var.grad[0].abs().max() <= 1.5  # at v = 0 the unbounded slope counts as 0
