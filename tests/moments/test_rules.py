"""Each moment rule against Monte-Carlo, or against the exact sum it stands for."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from bkn.moments.carried import Moments
from bkn.moments.geometry import border
from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Pointwise, PRelu, Relu
from bkn.moments.pooling import MaxPool
from bkn.moments.quadrature import normal_nodes
from bkn.normalizers.base import Belief
from bkn.surgery.convert import convert
from tests.moments.gaussians import MEAN, PLACES, VAR, C, G, check, through

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
    check(Linear(), (), (torch.randn(5, C).double(), torch.randn(5).double()), images=200_000)
    check(Linear(), (), (torch.randn(5, C).double(), None), images=200_000)


def test_relu():
    check(Relu())


@pytest.mark.parametrize(
    "function",
    [torch.tanh, torch.sigmoid, F.silu, F.gelu, F.leaky_relu, F.hardswish, F.hardsigmoid, F.relu6,
     F.hardtanh, torch.abs],
)  # fmt: skip
def test_pointwise_by_quadrature(function):
    check(Pointwise(function), floor=0.004)


@pytest.mark.parametrize("slope", [torch.tensor([0.3]), torch.tensor([0.3, -0.5, 1.0])])
def test_prelu(slope):
    check(PRelu(), weights=(slope.double(),))


def test_a_function_in_place_leaves_the_image_to_others():
    image = -torch.ones(1, 1, 2, 2)
    Pointwise(nn.ReLU6(inplace=True)).real(image)
    assert (image == -1).all()


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_conv_padded_with_copies(mode):
    """A copy counts as independent of what it copies: mean exact, variance if none meets it."""
    torch.manual_seed(1)
    rule = Conv((1, 1), (1, 1), (1, 1), mode=mode)
    layer = nn.Conv2d(C, 5, 3, padding=1, padding_mode=mode).double()
    weights = (layer.weight.detach(), layer.bias.detach())
    x = torch.randn(2, C, *PLACES).double()
    assert_close(rule.real(x, *weights), layer(x))
    flat = layer(MEAN[:, :, None, None].expand(G, C, *PLACES))
    assert_close(through(rule, weights=weights).mean, flat.mean((2, 3)))
    if mode == "circular":
        check(rule, weights=weights)


def test_a_linear_layer_on_more_than_vectors_is_not_guessed():
    with pytest.warns(UserWarning, match=r"Linear .* \(4, 3, 6, 4\)"):
        assert Linear()(Moments(MEAN, VAR), torch.zeros(4, 3, 6, 4), torch.ones(2, 4), None) is None


def test_quadrature_is_exact_for_polynomials():
    rule = through(Pointwise(torch.square))
    assert_close(rule.mean, MEAN.square() + VAR)
    assert_close(rule.var, 4 * MEAN.square() * VAR + 2 * VAR.square())


@pytest.mark.parametrize(
    "operation",
    [Relu(), MaxPool((2, 2), (2, 2), (0, 0), (1, 1)), MaxPool((3, 3), (2, 2), (1, 1), (1, 1))],
)
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
        linear = Linear()(belief, x[:, :, 0, 0], weight[:, :, 0, 0].float(), None).belief()
    assert torch.equal(inside.mean, plain.mean)
    assert torch.equal(inside.var, plain.var)
    assert linear.mean.dtype == torch.float32


def test_rules_have_no_parameters():
    assert not any(isinstance(p, nn.Parameter) for p in Relu().parameters())


def test_a_pass_without_gradients_leaves_nothing_behind_that_cannot_learn():
    """Some numbers are kept for later models: they must not be inference tensors."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 5, 3, padding=1), nn.BatchNorm2d(5), nn.GELU(),
        nn.Conv2d(5, 7, 3, padding=1), nn.BatchNorm2d(7),
    )  # fmt: skip
    model, x = convert(net, "kalman", micro_batch=2), torch.randn(4, 1, 9, 11)
    for kept in (border, normal_nodes):
        kept.cache_clear()
    with torch.inference_mode():
        model(x)
    model(x).square().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
