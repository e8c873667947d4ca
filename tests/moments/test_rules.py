"""Each moment rule against Monte-Carlo, or against the exact sum it stands for."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from bkn.moments.carried import Moments
from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Affine, Dropout, Pointwise, Relu
from bkn.moments.pooling import AdaptiveAvgPool, AvgPool, MaxPool
from bkn.moments.shape import Add, Concat, Flatten, PadChannels, Same
from bkn.normalizers.base import Belief

G, C = 2, 3
MEAN = torch.tensor([[0.3, -1.0, 2.0], [0.0, 0.5, -0.2]]).double()
VAR = torch.tensor([[1.0, 0.3, 2.0], [0.5, 1.5, 0.01]]).double()
PLACES = (6, 4)


def through(operation, places=PLACES, weights=(), channels=C):
    """The belief behind an operation by its rule."""
    x = torch.zeros(2 * G, channels, *places).double()
    return operation(Moments(MEAN, VAR), x, *weights).belief()


def monte_carlo(operation, places=PLACES, weights=(), images=40_000):
    """Moments of the operation itself, of independent Gaussian pixels, pooled over places."""
    torch.manual_seed(0)
    result = []
    for mean, var in zip(MEAN, VAR, strict=True):
        shape = (C,) + (1,) * len(places)
        x = mean.view(shape) + var.sqrt().view(shape) * torch.randn(images, C, *places).double()
        y = operation.real(x, *weights).transpose(0, 1).flatten(1)
        result.append((y.mean(1), y.var(1)))
    return Belief(*(torch.stack(part) for part in zip(*result, strict=True)))


def check(operation, places=PLACES, weights=(), images=40_000, tolerance=0.02):
    rule, seen = (
        through(operation, places, weights),
        monte_carlo(operation, places, weights, images),
    )
    assert_close(rule.mean, seen.mean, rtol=tolerance, atol=tolerance)
    assert_close(rule.var, seen.var, rtol=2 * tolerance, atol=tolerance)


CONVS = {
    "3x3": ((3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no padding": ((3, 3), (1, 1), (0, 0), (1, 1), 1),
    "strided": ((3, 3), (2, 2), (1, 1), (1, 1), 1),
    "uneven": ((3, 2), (2, 1), (1, 0), (1, 2), 1),
    "dilated": ((3, 3), (1, 1), (2, 2), (2, 2), 1),
    "depthwise": ((3, 3), (1, 1), (1, 1), (1, 1), 3),
    "1x1": ((1, 1), (1, 1), (0, 0), (1, 1), 1),
    "wide padding": ((3, 3), (1, 1), (3, 2), (1, 1), 1),
}
every_conv = pytest.mark.parametrize("conv", CONVS.values(), ids=CONVS)


def make_conv(kernel, stride, padding, dilation, groups):
    torch.manual_seed(1)
    weight = torch.randn(6, C // groups, *kernel).double()
    return Conv(stride, padding, dilation, groups), (weight, torch.randn(6).double())


@every_conv
def test_conv_is_exact_for_pooled_moments_with_borders(conv):
    """Independent pixels: place by place from convolutions of the maps, then pooled."""
    operation, (weight, bias) = make_conv(*conv)
    maps = [part[:, :, None, None].expand(G, C, *PLACES) for part in (MEAN, VAR)]
    arguments = (operation.stride, operation.padding, operation.dilation, operation.groups)
    mean = F.conv2d(maps[0], weight, bias, *arguments)
    var = F.conv2d(maps[1], weight.square(), None, *arguments)
    rule = through(operation, weights=(weight, bias))
    assert_close(rule.mean, mean.mean((2, 3)))
    assert_close(rule.var, var.mean((2, 3)) + mean.var((2, 3), correction=0))


@pytest.mark.parametrize("name", ["3x3", "strided"])
def test_conv_by_monte_carlo(name):
    operation, weights = make_conv(*CONVS[name])
    check(operation, weights=weights)


@every_conv
def test_gradients_of_conv(conv):
    operation, (weight, bias) = make_conv(*conv)
    x = torch.zeros(2 * G, C, *PLACES).double()

    def run(mean, var, weight, bias):
        return tuple(operation.moments(Belief(mean, var), x, weight, bias))

    inputs = [one.clone().requires_grad_() for one in (MEAN, VAR, weight, bias)]
    assert torch.autograd.gradcheck(run, inputs)


@pytest.mark.parametrize("axes", [1, 3])
def test_conv_in_other_dimensions(axes):
    torch.manual_seed(1)
    places = (4, 3, 2)[:axes]
    weight = torch.randn(2, C, *(3,) * axes).double()
    one = (1,) * axes
    check(Conv(one, one, one), places, (weight, None))


def test_linear():
    torch.manual_seed(1)
    check(Linear(), (), (torch.randn(5, C).double(), torch.randn(5).double()), images=400_000)
    check(Linear(), (), (torch.randn(5, C).double(), None), images=400_000)


def test_relu():
    check(Relu())


@pytest.mark.parametrize(
    ("function", "tolerance"),
    [(torch.tanh, 0.01), (F.silu, 0.01), (F.gelu, 0.01), (F.leaky_relu, 0.02), (F.hardswish, 0.02)],
)
def test_pointwise_by_quadrature(function, tolerance):
    check(Pointwise(function), tolerance=tolerance)


def test_quadrature_is_exact_for_polynomials():
    rule = through(Pointwise(torch.square))
    assert_close(rule.mean, MEAN.square() + VAR)
    assert_close(rule.var, 4 * MEAN.square() * VAR + 2 * VAR.square())


def test_affine():
    rule = through(Affine(-2.0, 3.0))
    assert_close(rule, Belief(-2 * MEAN + 3, 4 * VAR))
    assert_close(Affine(-2.0, 3.0).real(MEAN), -2 * MEAN + 3)


def test_dropout():
    check(Dropout(0.3))
    assert_close(through(Dropout(0.3).eval()), Belief(MEAN, VAR))


@pytest.mark.parametrize("kernel", [(2, 2), (3, 2)])
def test_max_pool(kernel):
    check(MaxPool(kernel, kernel, (0, 0), (1, 1)))


@pytest.mark.parametrize(("n", "mean"), [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (4, 1.029375)])
def test_constants_of_the_maximum(n, mean):
    from bkn.moments.quadrature import maximum_of

    assert maximum_of(n)[0] == pytest.approx(mean, abs=1e-6)


def test_avg_pool():
    check(AvgPool((3, 2), (3, 2), (0, 0)))
    check(AdaptiveAvgPool((3, 2)))
    check(AdaptiveAvgPool((1, 1)))
    check(AdaptiveAvgPool((1, 1), keep=False))


def test_flatten():
    rule = through(Flatten(), (2, 2))
    assert_close(rule.mean, MEAN.repeat_interleave(4, 1))
    x = torch.arange(24.0).view(2, 3, 2, 2)
    assert torch.equal(Flatten().real(x), x.flatten(1))


def test_pad_channels():
    rule = through(PadChannels(1, 2))
    zeros = torch.zeros(G, 2).double()
    assert_close(rule.mean, torch.cat([zeros[:, :1], MEAN, zeros], 1))
    assert PadChannels(1, 2).real(torch.ones(2, 3, 4, 4)).sum((0, 2, 3)).tolist() == [
        0, 32, 32, 32, 0, 0,
    ]  # fmt: skip


def test_same():
    assert_close(through(Same()), Belief(MEAN, VAR))


def test_add_and_concat():
    one, two = Moments(MEAN, VAR), Moments(2 * MEAN, VAR.square())
    assert_close(Add()(one, two).belief(), Belief(3 * MEAN, VAR + VAR.square()))
    assert_close(Concat()(one, two).belief().mean, torch.cat([MEAN, 2 * MEAN], 1))
    assert Add()(one, None) is None


@pytest.mark.parametrize("operation", [Relu(), MaxPool((2, 2), (2, 2), (0, 0), (1, 1))])
@pytest.mark.parametrize("scale", [1e-3, 7.0])
def test_scale_equivariance(operation, scale):
    plain = through(operation)
    x = torch.zeros(2 * G, C, *PLACES)
    scaled = operation(Moments(scale * MEAN, scale**2 * VAR), x).belief()
    assert_close(scaled, Belief(scale * plain.mean, scale**2 * plain.var))


DETERMINISTIC = [
    Relu(),
    Pointwise(torch.tanh),
    MaxPool((2, 2), (2, 2), (0, 0), (1, 1)),
    Affine(2.0),
]


@pytest.mark.parametrize("operation", DETERMINISTIC, ids=lambda one: type(one).__name__)
def test_without_variance_a_rule_is_the_operation(operation):
    mean, var = MEAN.clone().requires_grad_(), torch.zeros_like(VAR).requires_grad_()
    x = torch.zeros(2 * G, C, *PLACES).double()
    rule = operation(Moments(mean, var), x).belief()
    image = MEAN[:, :, None, None].expand(G, C, 4, 4)
    assert_close(rule.mean, operation.real(image)[..., 0, 0])
    assert_close(rule.var, torch.zeros_like(rule.var), atol=1e-12, rtol=0)
    (rule.mean.sum() + rule.var.sum()).backward()
    assert mean.grad.isfinite().all()
    assert var.grad.isfinite().all()


def test_none_stays_none():
    assert Relu()(None, torch.zeros(2, C, 2, 2)) is None


def test_statistics_stay_in_float32_under_autocast():
    operation, (weight, bias) = make_conv(*CONVS["3x3"])
    belief = Moments(MEAN.float(), VAR.float())
    x = torch.zeros(2 * G, C, *PLACES).bfloat16()
    plain = operation(belief, x, weight.float(), bias.float()).belief()
    with torch.autocast("cpu", torch.bfloat16):
        inside = operation(belief, x, weight.float(), bias.float()).belief()
        linear = Linear()(belief, x, weight[:, :, 0, 0].float(), None).belief()
    assert torch.equal(inside.mean, plain.mean)
    assert torch.equal(inside.var, plain.var)
    assert linear.mean.dtype == torch.float32


def test_rules_have_no_parameters():
    assert not any(isinstance(p, nn.Parameter) for p in Relu().parameters())
