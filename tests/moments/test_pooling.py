"""Rules of pooling by Monte-Carlo, and exact where there is no variance."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from bkn.moments.carried import Moments, Sample
from bkn.moments.pooling import AdaptivePool, AvgPool, MaxPool, Mean
from bkn.moments.quadrature import maximum_of
from bkn.moments.windows import Axis, adaptive_cells
from bkn.normalizers.base import Belief
from tests.moments.gaussians import MEAN, PLACES, VAR, C, G, check, through

ONE = (1, 1)
MAXIMA = {
    "2x2": MaxPool((2, 2), (2, 2), (0, 0), ONE),
    "overlapping": MaxPool((3, 2), (1, 2), (0, 0), ONE),
    "padded": MaxPool((3, 3), (2, 2), ONE, ONE),
    "padded on one axis": MaxPool((3, 3), (3, 1), (1, 0), ONE),
    "dilated": MaxPool((2, 2), ONE, ONE, (2, 3)),
    "ceiling": MaxPool((4, 3), (4, 3), (0, 0), ONE, ceil_mode=True),
    "padded ceiling": MaxPool((3, 3), (2, 2), ONE, ONE, ceil_mode=True),
    "adaptive": AdaptivePool((4, 3), largest=True),
    "adaptive to one": AdaptivePool((1, 1), largest=True),
}
MEANS = {
    "2x2": AvgPool((3, 2), (3, 2), (0, 0)),
    "padded": AvgPool((3, 3), (2, 2), ONE),
    "padded, real cells": AvgPool((3, 3), (2, 2), ONE, count_include_pad=False),
    "ceiling": AvgPool((4, 3), (4, 3), (0, 0), ceil_mode=True),
    "padded ceiling": AvgPool((3, 3), (2, 2), ONE, ceil_mode=True),
    "divisor": AvgPool((3, 3), (2, 2), ONE, divisor_override=5),
    "adaptive": AdaptivePool((3, 2)),
    "uneven": AdaptivePool((4, 3)),
    "one axis": AdaptivePool((1, None)),
    "to one": AdaptivePool((1, 1)),
    "to more": AdaptivePool((7, 5)),
    "mean": Mean((2, 3)),
    "mean of an axis": Mean((-1,), keep=True),
    "mean of channels": Mean((1,), keep=True),
}


@pytest.mark.parametrize("pool", MAXIMA.values(), ids=MAXIMA)
def test_maxima(pool):
    check(pool)


@pytest.mark.parametrize("pool", MEANS.values(), ids=MEANS)
def test_means(pool):
    check(pool)


@pytest.mark.parametrize("pool", [*MAXIMA.values(), *MEANS.values()], ids=[*MAXIMA, *MEANS])
def test_without_variance_a_pool_is_the_operation(pool):
    rule = pool(Moments(MEAN, torch.zeros_like(VAR)), torch.zeros(2 * G, C, *PLACES)).belief()
    y = pool.real(MEAN[:, :, None, None].expand(G, C, *PLACES))
    y = y.flatten(2) if y.dim() > 2 else y[..., None]
    assert_close(rule.mean, y.mean(2))
    assert_close(rule.var, y.var(2, correction=0), atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize(
    "pool", [MAXIMA["padded ceiling"], MEANS["padded ceiling"], MEANS["divisor"]]
)
def test_gradients(pool):
    x = torch.zeros(2 * G, C, *PLACES).double()
    inputs = [one.clone().requires_grad_() for one in (MEAN, VAR)]
    assert torch.autograd.gradcheck(
        lambda mean, var: tuple(pool.moments(Belief(mean, var), x)), inputs
    )


@pytest.mark.parametrize("axes", [1, 3])
def test_other_dimensions(axes):
    places, one = (5, 4, 3)[:axes], (1,) * axes
    check(MaxPool((3,) * axes, (2,) * axes, one, one), places)
    check(AvgPool((3,) * axes, (2,) * axes, one), places)
    check(AdaptivePool((2,) * axes), places)


@pytest.mark.parametrize(("n", "mean"), [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (4, 1.029375)])
def test_constants_of_the_maximum(n, mean):
    assert maximum_of(n)[0] == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("size", [5, 6, 7, 8])
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (3, 3, 1), (4, 3, 2), (2, 3, 1)])
def test_cells_of_a_window(size, window, ceil_mode):
    """Sums of ones, with what torch takes for the padding."""
    ones = torch.ones(1, 1, size)
    kernel, stride, padding = window
    axis = Axis(kernel, stride, padding, ceil_mode=ceil_mode)
    shares = F.avg_pool1d(ones, kernel, stride, padding, ceil_mode).flatten()
    inside = torch.tensor(axis.cells(size)).float()
    assert_close(inside / torch.tensor(axis.cells(size, padding)), shares)


def test_cells_of_adaptive_windows():
    assert adaptive_cells(7, 3) == [3, 3, 3]
    assert adaptive_cells(5, 4) == [2, 2, 2, 2]
    assert adaptive_cells(2, 4) == [1, 1, 1, 1]


def test_a_mean_that_mixes_images_or_drops_the_channels_is_not_guessed():
    for dims in ((0,), (1,), (0, 2, 3), (1, 2)):
        with pytest.warns(UserWarning, match="Mean does not know"):
            assert Mean(dims)(Moments(MEAN, VAR), torch.zeros(4, C, *PLACES)) is None


def test_images_are_pooled_by_the_operation_itself():
    torch.manual_seed(0)
    images = torch.randn(G, C, *PLACES).double()
    x = torch.zeros(2 * G, C, *PLACES)
    for pool, real in (
        (MAXIMA["padded"], F.max_pool2d(images, 3, 2, 1)),
        (MEANS["padded, real cells"], F.avg_pool2d(images, 3, 2, 1, count_include_pad=False)),
        (MEANS["divisor"], F.avg_pool2d(images, 3, 2, 1, divisor_override=5)),
        (MAXIMA["adaptive"], F.adaptive_max_pool2d(images, (4, 3))),
        (MEANS["one axis"], F.adaptive_avg_pool2d(images, (1, None))),
        (MEANS["mean"], images.mean((2, 3))),
    ):
        assert torch.equal(pool(Sample(images), x).held, real)


def test_the_border_changes_a_maximum():
    """By half a standard deviation, were it ignored."""
    full = maximum_of(9)[0] * VAR.sqrt() + MEAN
    assert (full - through(MAXIMA["padded"]).mean).max() > 0.2
