"""Filter response norm against timm, and what the paper says of it."""

import pytest
import torch
from timm.layers.filter_response_norm import FilterResponseNormTlu2d
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.normalizers.build import build_norm
from bkn.normalizers.filter_response import FilterResponseNorm
from bkn.surgery.convert import convert
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(4, 6, 3, 5, generator=torch.Generator().manual_seed(0)).double() * 2 + 1


def make(activation=None, **settings):
    """A layer with random parameters, behind which this activation was."""
    norm = FilterResponseNorm(6, **settings)
    norm.take_activation(activation)
    torch.manual_seed(0)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


@pytest.mark.parametrize("activation", [nn.ReLU(), None], ids=["threshold", "none"])
@pytest.mark.parametrize("eps", [1e-6, 0.3])
def test_it_is_timms_with_its_gradient(activation, eps):
    ours = make(activation, eps=eps)
    timms = FilterResponseNormTlu2d(6, apply_act=activation is not None, eps=eps).double()
    timms.load_state_dict({k: v for k, v in ours.state_dict().items() if k != "more_eps"})
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    tolerance = {"atol": 1e-6, "rtol": 1e-5}  # timm takes the mean square in float32
    y, expected = ours(a)[0], timms(b)
    assert_close(y, expected, **tolerance)
    (y * X.cos()).sum().backward()
    (expected * X.cos()).sum().backward()
    assert_close(a.grad, b.grad, **tolerance)
    for name, parameter in timms.named_parameters():
        assert_close(ours.get_parameter(name).grad, parameter.grad, **tolerance)


def test_by_hand_with_gradients():
    norm, x = make(nn.ReLU()), X.clone().requires_grad_()
    w, b, t = (p.view(6, 1, 1) for p in (norm.weight, norm.bias, norm.tau))
    root = ((x * x).sum((2, 3), keepdim=True) / 15 + 1e-6) ** 0.5
    z = w * x / root + b
    expected = torch.where(z > t, z, t)
    inputs = (x, norm.weight, norm.bias, norm.tau)
    y = norm(x)[0]
    assert_close(y, expected)
    weights = torch.randn_like(X)
    ours, theirs = (torch.autograd.grad((out * weights).sum(), inputs) for out in (y, expected))
    assert_close(ours, theirs)


def test_a_threshold_of_zero_is_a_relu_and_one_of_minus_infinity_none():
    norm, plain = make(nn.ReLU()), make()
    plain.load_state_dict({k: v for k, v in norm.state_dict().items() if k != "tau"})
    nn.init.zeros_(norm.tau)
    assert_close(norm(X)[0], plain(X)[0].relu())
    nn.init.constant_(norm.tau, -torch.inf)
    assert torch.equal(norm(X)[0], plain(X)[0])


def test_the_threshold_is_a_relu_of_what_lies_above_it():
    norm, plain = make(nn.ReLU()), make()
    plain.load_state_dict({k: v for k, v in norm.state_dict().items() if k != "tau"})
    tau = norm.tau.view(6, 1, 1)
    assert_close(norm(X)[0], (plain(X)[0] - tau).relu() + tau)


def test_a_tie_shares_the_gradient():
    norm = FilterResponseNorm(1)
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    norm(x)[0].sum().backward()
    assert norm.tau.grad.item() == 2.0
    assert norm.bias.grad.item() == 2.0


def test_no_threshold_means_no_parameter():
    assert FilterResponseNorm(6).tau is not None
    assert "tau" not in make().state_dict()


def test_scale_is_lost_and_the_mean_is_not():
    norm = make(nn.ReLU(), eps=0.0)
    assert_close(norm(7 * X)[0], norm(X)[0])
    assert (norm(X + 1)[0] - norm(X)[0]).abs().max() > 0.1


def test_channels_do_not_see_each_other():
    norm, x = make(nn.ReLU()), X.clone().requires_grad_()
    norm(x)[0][:, 2].square().sum().backward()
    assert x.grad[:, 2].abs().max() > 0
    assert x.grad[:, [0, 1, 3, 4, 5]].abs().max() == 0


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 1, 1)])
def test_a_single_place_has_a_learned_eps(shape):
    norm, x = make(), X[:, :, 0, 0].reshape(shape)
    w, b = (p.view(6, *(1,) * (len(shape) - 2)) for p in (norm.weight, norm.bias))
    eps = 1e-6 + norm.more_eps.abs()
    assert_close(norm(x)[0], w * x / (x * x + eps).sqrt() + b)
    norm(x)[0].sum().backward()
    assert norm.more_eps.grad != 0


def test_maps_do_not_know_the_learned_eps():
    norm = make()
    y = norm(X)[0]
    y.sum().backward()
    assert norm.more_eps.grad == 0
    nn.init.constant_(norm.more_eps, 100.0)
    assert torch.equal(norm(X)[0], y)


def test_first_values():
    norm = build_norm("frn", 6)
    assert norm.eps == 1e-6
    assert norm.more_eps.item() == pytest.approx(1e-4)
    assert norm.tau.tolist() == [0.0] * 6


@in_networks
def test_in_networks(net):
    assert_takes_the_place_of_batch_norm(net, "frn", FilterResponseNorm)


def test_it_keeps_its_own_eps():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, eps=0.1), nn.ReLU())
    model = convert(net, "frn")
    assert model.get_submodule("1").eps == 1e-6


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="frn", micro_batch=64, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4
