"""Instance enhancement batch norm against a slow twin; what its gate does and does not."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.normalizers.instance_enhanced import InstanceEnhancedBatchNorm, gate
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(6, 3, 4, 2, generator=torch.Generator().manual_seed(0)).double() * 2 + 1


def make(gated=True, **options):
    """A layer in float64 whose gate is open in parts, or wide open."""
    norm = InstanceEnhancedBatchNorm(3, micro_batch=2, **options).double()
    torch.manual_seed(1)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    if gated:
        nn.init.normal_(norm.gate_weight)
        nn.init.normal_(norm.gate_bias)
    else:
        nn.init.constant_(norm.gate_bias, 60.0)
    return norm


def by_hand(x, norm):
    """One image and channel at a time."""
    y = torch.empty_like(x)
    for n in range(len(x)):
        first = n - n % 2
        for c in range(x.shape[1]):
            batch = x[first : first + 2, c]
            mean = batch.sum() / batch.numel()
            var = (batch - mean).pow(2).sum() / batch.numel()
            own = x[n, c].sum() / x[n, c].numel()
            opened = 1 / (1 + torch.exp(-(norm.gate_weight[c] * own + norm.gate_bias[c])))
            hat = (x[n, c] - mean) / (var + norm.eps).sqrt()
            y[n, c] = norm.weight[c] * opened * hat + norm.bias[c]
    return y


@pytest.mark.parametrize("shape", [(6, 3, 4, 2), (6, 3, 5), (6, 3)])
def test_output_and_gradient_are_those_of_the_equations(shape):
    norm = make()
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2)).double()
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, expected = norm(a)[0], by_hand(b, norm)
    assert_close(y, expected)
    weights = torch.randn_like(x)
    ours = torch.autograd.grad((y * weights).sum(), (a, *norm.parameters()))
    theirs = torch.autograd.grad((expected * weights).sum(), (b, *norm.parameters()))
    assert_close(ours, theirs)


def test_gates_begin_nearly_shut():
    norm = InstanceEnhancedBatchNorm(3).double()
    nn.init.normal_(norm.bias)
    batch = nn.functional.batch_norm(X, None, None, training=True)
    opened = 1 / (1 + math.exp(1))
    assert round(opened, 4) == 0.2689
    assert_close(norm(X)[0], opened * batch + norm.bias.view(3, 1, 1))


def test_gates_begin_where_they_are_told():
    norm = InstanceEnhancedBatchNorm(3, gate_start=2.0)
    assert_close(gate(X.float(), norm.gate_weight, norm.gate_bias), torch.full((6, 3), 0.880797))


def test_an_open_gate_is_batch_norm_in_training_and_evaluation():
    norm = make(gated=False)
    torchs = nn.BatchNorm2d(3).double()
    torchs.load_state_dict(
        {name: norm.state_dict()[name] for name in torchs.state_dict()}, strict=True
    )
    norm.micro_batch = None
    for i in range(3):
        assert_close(norm(X * (i + 1))[0], torchs(X * (i + 1)))
    assert_close(norm.running_var, torchs.running_var)
    assert_close(norm.eval()(X)[0], torchs.eval()(X))


def test_evaluation_is_gated_by_each_image_alone():
    norm = make()
    norm(X)
    norm.eval()
    hat = (X - norm.running_mean.view(3, 1, 1)) / (norm.running_var + 1e-5).view(3, 1, 1).sqrt()
    opened = torch.sigmoid(norm.gate_weight * X.mean((2, 3)) + norm.gate_bias)[..., None, None]
    expected = norm.weight.view(3, 1, 1) * opened * hat + norm.bias.view(3, 1, 1)
    assert_close(norm(X)[0], expected)
    assert_close(norm(X[2:3])[0], expected[2:3])


def test_the_gate_looks_at_the_input_before_normalization():
    norm = make()
    norm.eps = 0.0
    assert (norm(X)[0] - norm(3 * X)[0]).abs().max() > 1e-2
    nn.init.zeros_(norm.gate_weight)
    assert_close(norm(3 * X + 2)[0], norm(X)[0])


def test_the_image_mean_gets_a_gradient_through_the_gate():
    """Batch norm removes a channel's mean; here what a shift of one channel does flows back."""
    for scale, flows in ((1.0, True), (0.0, False)):
        norm, x = make(), X.clone().requires_grad_()
        nn.init.constant_(norm.gate_weight, scale)
        norm(x)[0].square().sum().backward()
        total = x.grad[:2].sum((0, 2, 3)).abs().min()
        assert (total > 1e-3) == flows


def test_the_gate_stays_between_nothing_and_all():
    opened = gate(1e4 * (X - 1), torch.ones(3).double(), torch.zeros(3).double())
    assert opened.shape == (6, 3)
    assert 0 <= opened.min() < 1e-6 < 1 - 1e-6 < opened.max() <= 1


def test_the_posterior_is_the_observation():
    norm = make()
    before = copy.deepcopy(norm.state_dict())
    seen, prior, posterior, gain, *_ = norm.estimate(X)
    assert prior is None
    assert torch.equal(seen.var, posterior.var)
    assert_close(seen.mean[0], X[:2].mean((0, 2, 3)))
    assert torch.equal(gain, torch.ones(3).double())
    assert all(torch.equal(before[k], v) for k, v in norm.state_dict().items())


def test_without_affine():
    norm = InstanceEnhancedBatchNorm(3, affine=False).double()
    assert {name for name, _ in norm.named_parameters()} == {"gate_weight", "gate_bias"}
    opened = torch.sigmoid(torch.tensor(-1.0).double())
    assert_close(norm(X)[0], opened * nn.functional.batch_norm(X, None, None, training=True))


@in_networks
def test_in_networks(net):
    assert_takes_the_place_of_batch_norm(net, "instance_enhanced", InstanceEnhancedBatchNorm)


def test_it_learns():
    experiment = bkn.Experiment(method="instance_enhanced", micro_batch=8, epochs=2)
    assert bkn.train(experiment, probe="off").summary["test_accuracy"] > 0.4
