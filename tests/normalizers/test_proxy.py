"""Proxy norm: its integral against closed forms, and what it does to the channels."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.moments.rectified import rectified
from bkn.normalizers.proxy import ProxyNorm, normal_nodes, proxy_moments
from bkn.surgery.convert import convert
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(4, 8, 3, 5, generator=torch.Generator().manual_seed(0)).double() * 2 + 1
ZEROS, ONES = torch.zeros(8).double(), torch.ones(8).double()


def make(activation=None, **settings):
    """A layer with random parameters, behind which this activation was."""
    norm = ProxyNorm(8, **settings)
    norm.take_activation(activation)
    torch.manual_seed(0)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


def test_nodes_are_the_quantiles():
    nodes = normal_nodes(256, ONES)
    shares = torch.tensor([2 * (i + 0.5) / 256 - 1 for i in range(256)]).double()
    assert_close(nodes, math.sqrt(2) * torch.erfinv(shares))
    assert abs(nodes.mean()) < 1e-12
    assert nodes.var(correction=0).item() == pytest.approx(0.995, abs=1e-3)


def test_moments_of_a_relu_are_those_of_the_closed_form():
    mean, std = torch.linspace(-2, 2, 9).double(), torch.linspace(0.5, 2, 9).double()
    exact = torch.stack(rectified(mean, std.square()))
    errors = [
        (torch.stack(proxy_moments(torch.relu, mean, std, nodes)) - exact).abs().max().item()
        for nodes in (64, 256, 1024, 4096)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.03
    assert errors[3] < 0.003
    assert proxy_moments(torch.relu, ZEROS, ONES)[1][0].item() == pytest.approx(0.3386, abs=1e-4)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.SiLU(), nn.Tanh()], ids=repr)
def test_by_hand_with_gradients(activation):
    """All written out for each channel, in float64."""
    norm, x = make(activation, groups=2), X.clone().requires_grad_()
    parts = x.unflatten(1, (2, 4))
    centred = parts - parts.mean((2, 3, 4), keepdim=True)
    y = centred / ((centred * centred).mean((2, 3, 4), keepdim=True) + 1e-5) ** 0.5
    y = y.flatten(1, 2)
    channels = []
    for c in range(8):
        w, b = norm.weight[c], norm.bias[c]
        m, s = norm.shift[c], 1 + norm.stretch[c]
        seen = []
        for i in range(256):
            z = torch.erfinv(torch.tensor(2 * (i + 0.5) / 256 - 1).double()) * math.sqrt(2)
            seen.append(activation(w * (m + s * z) + b))
        mean = sum(seen) / 256
        var = sum((one - mean) ** 2 for one in seen) / 256
        channels.append((activation(w * y[:, c] + b) - mean) / (var + 0.03) ** 0.5)
    expected, result = torch.stack(channels, 1), norm(x)[0]
    assert_close(result, expected)
    inputs, weights = (x, *norm.parameters()), torch.randn_like(X)
    ours, theirs = (
        torch.autograd.grad((out * weights).sum(), inputs) for out in (result, expected)
    )
    assert_close(ours, theirs)


def test_normal_data_come_out_with_mean_zero_and_the_variance_that_eps_leaves():
    norm = ProxyNorm(8, groups=1).double()
    nn.init.uniform_(norm.weight, 0.5, 2)
    nn.init.uniform_(norm.bias, -1, 1)
    x = torch.randn(1, 8, 400, 400, generator=torch.Generator().manual_seed(1)).double()
    y = norm(x)[0]
    _, var = norm.proxy()
    assert_close(y.mean((0, 2, 3)), ZEROS, atol=0.02, rtol=0)
    assert_close(y.var((0, 2, 3)), var / (var + 0.03), atol=0.02, rtol=0.02)


def test_a_linear_activation_is_undone_with_its_affine():
    norm = make(nn.Identity(), eps_proxy=1e-12)
    nn.init.zeros_(norm.shift)
    nn.init.zeros_(norm.stretch)
    nn.init.uniform_(norm.weight, 0.5, 2)
    plain = torch.group_norm(X, 4)
    assert_close(norm(X)[0], plain / normal_nodes(256, ONES).std(correction=0))


def test_a_channel_that_is_always_off_stays_finite():
    norm = ProxyNorm(8).double()
    nn.init.constant_(norm.bias, -50)
    x = X.clone().requires_grad_()
    y = norm(x)[0]
    y.sum().backward()
    assert y.abs().max() == 0
    assert all(p.grad.isfinite().all() for p in norm.parameters())


def test_without_an_activation_it_is_torchs_group_norm():
    norm = make(groups=2)
    assert list(norm.state_dict()) == ["weight", "bias"]
    torchs = nn.GroupNorm(2, 8).double()
    torchs.load_state_dict(norm.state_dict())
    assert_close(norm(X)[0], torchs(X))
    with pytest.raises(ValueError, match="has no proxy"):
        norm.proxy()


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match="groups must divide channels=6, got 4"):
        ProxyNorm(6)


def test_it_applies_the_activation_it_takes():
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Hardswish(), nn.Conv2d(8, 2, 3))
    model = convert(net, "proxy")
    assert isinstance(model.get_submodule("1").activation, nn.Hardswish)
    assert not hasattr(model, "2")


def test_a_learned_activation_is_still_trained_and_saved():
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.PReLU(8))
    model = convert(net, "proxy")
    model(torch.randn(2, 1, 6, 6)).square().sum().backward()
    assert model.get_submodule("1").activation.weight.grad.abs().max() > 0
    assert "1.activation.weight" in model.state_dict()


@in_networks
def test_in_networks(net):
    assert_takes_the_place_of_batch_norm(net, "proxy", ProxyNorm)


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="proxy", micro_batch=64, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4
