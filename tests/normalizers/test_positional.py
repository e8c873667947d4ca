"""Positional norm against torch's layer norm, and its moments as a signal of their own."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.normalizers.positional import PositionalNorm, moment_shortcut, positional_moments
from bkn.surgery.convert import convert
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(4, 6, 3, 5, generator=torch.Generator().manual_seed(0)).double() * 2 + 1


def test_it_is_torchs_layer_norm_on_channels_last_with_its_gradient():
    ours, torchs = PositionalNorm(6).double(), nn.LayerNorm(6).double()
    torch.manual_seed(0)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    torchs.load_state_dict(ours.state_dict())
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    y, expected = ours(a)[0], torchs(b.movedim(1, -1)).movedim(-1, 1)
    assert_close(y, expected)
    weights = torch.randn_like(X)
    gradients = [
        torch.autograd.grad((out * weights).sum(), (given, *norm.parameters()))
        for out, given, norm in ((y, a, ours), (expected, b, torchs))
    ]
    assert_close(gradients[0], gradients[1])


def test_unbiased_variance_is_over_one_value_less():
    y = PositionalNorm(6, variance="unbiased").double()(X)[0]
    expected = (X - X.mean(1, True)) / (X.var(1, keepdim=True, correction=1) + 1e-5).sqrt()
    assert_close(y, expected)


@pytest.mark.parametrize("variance", ["biased", "unbiased"])
def test_the_shortcut_puts_back_what_was_taken(variance):
    norm = PositionalNorm(6, variance=variance, affine=False).double()
    mean, deviation = positional_moments(X, variance)
    assert mean.shape == deviation.shape == (4, 1, 3, 5)
    assert_close(moment_shortcut(norm(X)[0], mean, deviation), X)


def test_the_moments_carry_gradients():
    x = X.clone().requires_grad_()
    assert torch.autograd.gradcheck(positional_moments, (x,))


def test_places_do_not_see_each_other():
    norm, x = PositionalNorm(6).double(), X.clone().requires_grad_()
    (norm(x)[0][1, :, 2, 3] * torch.arange(6)).sum().backward()
    elsewhere = x.grad.clone()
    elsewhere[1, :, 2, 3] = 0
    assert x.grad.abs().max() > 0
    assert elsewhere.abs().max() == 0


def test_contrast_and_brightness_of_single_places_are_lost():
    norm = PositionalNorm(6, eps=0.0).double()
    scale = torch.rand(4, 1, 3, 5).double() + 0.5
    assert_close(norm(scale * X + torch.randn_like(scale))[0], norm(X)[0])


def test_a_single_channel_is_refused():
    with pytest.raises(ValueError, match="at least 2 channels"):
        PositionalNorm(1)
    with pytest.raises(ValueError, match="at least 2 channels"):
        convert(nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1)), "positional")


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1, 1)])
def test_a_single_place_is_refused(shape):
    with pytest.raises(ValueError, match="needs height and width"):
        PositionalNorm(6)(torch.zeros(shape))


def test_an_unknown_variance_is_refused():
    with pytest.raises(ValueError, match="variance must be 'biased' or 'unbiased', got 'sample'"):
        PositionalNorm(6, variance="sample")


@in_networks
def test_in_networks(net):
    assert_takes_the_place_of_batch_norm(net, "positional", PositionalNorm)


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="positional", micro_batch=64, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4
