"""Switchable norm: the norms at its corners, a slow twin of the blend, the authors' variances."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.normalizers.switchable import SwitchableNorm, parts_of
from bkn.surgery.convert import convert, norm_layers
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(0)).double() * 2 + 1
KINDS = {"instance": 0, "layer": 1, "batch": 2}


def make(**options):
    norm = SwitchableNorm(3, **options).double()
    torch.manual_seed(1)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm


def by_authors(x, norm, images):
    """Step by step as the authors' code does it: raw second moments, subtracted squares."""
    correction = 1 if norm.variance == "unbiased" else 0
    y = torch.empty_like(x)
    weights = [norm.mean_logits.softmax(0), norm.var_logits.softmax(0)]
    for at in range(0, len(x), images):
        part = x[at : at + images]
        mean_in = part.mean((2, 3), keepdim=True)
        var_in = part.var((2, 3), keepdim=True, correction=correction)
        second = var_in + mean_in**2
        mean_ln = mean_in.mean(1, keepdim=True)
        var_ln = second.mean(1, keepdim=True) - mean_ln**2
        mean_bn = mean_in.mean(0, keepdim=True)
        var_bn = second.mean(0, keepdim=True) - mean_bn**2
        mean = weights[0][0] * mean_in + weights[0][1] * mean_ln + weights[0][2] * mean_bn
        var = weights[1][0] * var_in + weights[1][1] * var_ln + weights[1][2] * var_bn
        hat = (part - mean) / (var + norm.eps).sqrt()
        y[at : at + images] = hat * norm.weight.view(3, 1, 1) + norm.bias.view(3, 1, 1)
    return y


@pytest.mark.parametrize("variance", ["biased", "unbiased"])
@pytest.mark.parametrize("images", [1, 2, 6])
def test_output_and_gradient_are_the_authors(variance, images):
    norm = make(variance=variance, micro_batch=images)
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    y, expected = norm(a)[0], by_authors(b, norm, images)
    assert_close(y, expected)
    weights = torch.randn_like(X)
    ours = torch.autograd.grad((y * weights).sum(), (a, *norm.parameters()))
    theirs = torch.autograd.grad((expected * weights).sum(), (b, *norm.parameters()))
    assert_close(ours, theirs)


def corner(kind, **options):
    """A layer that has all its weight on one kind."""
    norm = SwitchableNorm(3, **options).double()
    for logits in (norm.mean_logits, norm.var_logits):
        nn.init.constant_(logits, -50.0)
        logits.data[KINDS[kind]] = 50.0
    return norm


def alone(kind, x):
    if kind == "batch":
        parts = [F.batch_norm(part, None, None, training=True) for part in x.split(2)]
        return torch.cat(parts)
    return F.group_norm(x, 1 if kind == "layer" else 3)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone_is_the_norm_of_that_name(kind):
    assert_close(corner(kind, micro_batch=2)(X)[0], alone(kind, X))


@pytest.mark.parametrize("kind", KINDS)
def test_with_the_authors_variance_only_up_to_their_factor(kind):
    y = corner(kind, variance="unbiased", micro_batch=2)(X)[0]
    gap = (y - alone(kind, X)).abs().max()
    assert 0.01 < gap < 0.1
    if kind == "instance":
        assert_close(y, alone(kind, X) * (24 / 25) ** 0.5, atol=1e-4, rtol=1e-4)


def test_weights_begin_equal_and_sum_to_one():
    norm = SwitchableNorm(3)
    for logits in (norm.mean_logits, norm.var_logits):
        assert_close(logits.softmax(0), torch.full((3,), 1 / 3))
    assert_close(make().mean_logits.softmax(0).sum(), torch.tensor(1.0).double())


@pytest.mark.parametrize("variance", ["biased", "unbiased"])
@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 1, 1)])
def test_vectors_have_no_instance_part(variance, shape):
    norm = make(variance=variance, micro_batch=3)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2)).double()
    correction = 1 if variance == "unbiased" else 0
    flat, hat = x.view(6, 3), torch.empty(6, 3).double()
    mean_weights, var_weights = norm.mean_logits[1:].softmax(0), norm.var_logits[1:].softmax(0)
    for at in (0, 3):
        part = flat[at : at + 3]
        mean = mean_weights[0] * part.mean(1, True) + mean_weights[1] * part.mean(0)
        var = var_weights[0] * part.var(1, correction=correction, keepdim=True)
        var = var + var_weights[1] * part.var(0, correction=correction)
        hat[at : at + 3] = (part - mean) / (var + norm.eps).sqrt()
    assert_close(norm(x)[0], (hat * norm.weight + norm.bias).view(shape))
    norm(x)[0].square().sum().backward()
    assert norm.mean_logits.grad[0] == norm.var_logits.grad[0] == 0


def test_large_means_do_not_cancel():
    """The authors subtract squares, which loses everything here in float32."""
    x = (X + 1e4).float()
    exact = parts_of(x.double(), 3)
    for one, other in zip(parts_of(x, 3), exact, strict=True):
        assert_close(one.var.double(), other.var, rtol=1e-2, atol=0)


def test_evaluation_takes_the_batch_part_from_running_averages():
    norm = make(micro_batch=2, momentum=0.25)
    norm(X)
    parts = X.view(3, 2, 3, 25).transpose(1, 2).flatten(2)
    mean_bn = 0.25 * parts.mean(2).mean(0)
    var_bn = 0.75 + 0.25 * parts.var(2, correction=0).mean(0)
    assert_close(norm.running_mean, mean_bn)
    assert_close(norm.running_var, var_bn)
    x = torch.randn_like(X)
    means = [x.mean((2, 3)), x.mean((1, 2, 3))[:, None].expand(6, 3), mean_bn.expand(6, 3)]
    variances = [x.var((2, 3), correction=0), x.var((1, 2, 3), correction=0)[:, None]]
    variances = [variances[0], variances[1].expand(6, 3), var_bn.expand(6, 3)]
    mean = sum(w * m for w, m in zip(norm.mean_logits.softmax(0), means, strict=True))
    var = sum(w * v for w, v in zip(norm.var_logits.softmax(0), variances, strict=True))
    hat = (x - mean[..., None, None]) / (var + norm.eps).sqrt()[..., None, None]
    expected = hat * norm.weight.view(3, 1, 1) + norm.bias.view(3, 1, 1)
    assert_close(norm.eval()(x)[0], expected)
    assert_close(norm(x[4:5])[0], expected[4:5])


def test_momentum_none_is_the_plain_average():
    norm = SwitchableNorm(3, momentum=None).double()
    norm(X)
    norm(3 * X)
    assert_close(norm.running_mean, 2 * X.mean((0, 2, 3)))


def test_it_takes_over_what_batch_norm_stored():
    layer = nn.BatchNorm2d(3, momentum=0.7)
    layer(X.float())
    norm = norm_layers(convert(nn.Sequential(layer), "switchable"))["0"]
    assert norm.momentum == 0.7
    assert_close(norm.running_var, layer.running_var)


def test_a_single_vector_is_refused():
    with pytest.raises(ValueError, match="more than one value per statistic"):
        SwitchableNorm(3, micro_batch=1)(torch.zeros(4, 3))


def test_an_unknown_variance_is_refused():
    with pytest.raises(ValueError, match="variance must be 'biased' or 'unbiased', got 'sample'"):
        SwitchableNorm(3, variance="sample")


@in_networks
@pytest.mark.parametrize("variance", ["biased", "unbiased"])
def test_in_networks(net, variance):
    assert_takes_the_place_of_batch_norm(net, "switchable", SwitchableNorm, variance=variance)


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="switchable", micro_batch=2, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4


def test_a_lone_vector_can_be_evaluated_with_unbiased_variances():
    norm = make(variance="unbiased").eval()
    y = norm(X[:1, :, 0, 0])[0]
    assert y.isfinite().all()


def test_the_only_channel_of_vectors_has_no_layer_variance():
    norm = SwitchableNorm(1, variance="unbiased", micro_batch=2).double()
    assert norm(X[:4, :1, 0, 0])[0].isfinite().all()
