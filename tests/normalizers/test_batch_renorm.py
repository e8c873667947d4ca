"""Batch renorm against the paper's equations, its schedule, and what only it promises."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.normalizers.base import Belief
from bkn.normalizers.batch_renorm import BatchRenorm
from bkn.surgery.convert import convert, norm_layers
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(6, 3, 4, 2, generator=torch.Generator().manual_seed(0)).double() * 2 + 1


def make(shares=(0.0, 0.0, 0.0), **options):
    """A layer in float64; by default its limits are reached at once."""
    start, rmax_by, dmax_by = shares
    norm = BatchRenorm(
        3, micro_batch=2, start=start, rmax_by=rmax_by, dmax_by=dmax_by, **options
    ).double()
    torch.manual_seed(1)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def by_hand(x, norm, rmax, dmax):
    """Equations of the paper, one micro-batch and channel at a time; r and d as numbers."""
    y = torch.empty_like(x)
    deviations = (norm.running_var + norm.eps).sqrt()
    for at in range(0, len(x), 2):
        for c in range(x.shape[1]):
            values = x[at : at + 2, c]
            mean = values.sum() / values.numel()
            sigma = ((values - mean).pow(2).sum() / values.numel() + norm.eps).sqrt()
            r = min(max(sigma.item() / deviations[c].item(), 1 / rmax), rmax)
            shift = (mean.item() - norm.running_mean[c].item()) / deviations[c].item()
            d = min(max(shift, -dmax), dmax)
            hat = (values - mean) / sigma * r + d
            y[at : at + 2, c] = norm.weight[c] * hat + norm.bias[c]
    return y


@pytest.mark.parametrize(("rmax", "dmax"), [(3.0, 5.0), (1.2, 0.3), (1.0, 0.0)])
def test_output_and_gradient_are_the_papers(rmax, dmax):
    norm = make(rmax=rmax, dmax=dmax)
    norm.running_mean.copy_(torch.tensor([0.5, 1.5, -9.0]))
    norm.running_var.copy_(torch.tensor([3.0, 40.0, 0.1]))
    twin = copy.deepcopy(norm)
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    y, expected = norm(a)[0], by_hand(b, twin, rmax, dmax)
    assert_close(y, expected)
    weights = torch.randn_like(X)
    ours = torch.autograd.grad((y * weights).sum(), (a, norm.weight, norm.bias))
    theirs = torch.autograd.grad((expected * weights).sum(), (b, twin.weight, twin.bias))
    assert_close(ours, theirs)


def test_without_correction_it_is_batch_norm():
    norm = make(rmax=1.0, dmax=0.0)
    norm.running_mean.fill_(7.0)
    for at in range(0, 6, 2):
        expected = nn.functional.batch_norm(
            X[at : at + 2], None, None, norm.weight, norm.bias, training=True
        )
        assert_close(norm(X)[0][at : at + 2], expected)


def test_unclipped_training_is_evaluation_by_the_averages_before_the_step():
    norm = make(rmax=100.0, dmax=100.0)
    norm.running_mean.copy_(torch.tensor([0.5, 1.5, -2.0]))
    norm.running_var.copy_(torch.tensor([3.0, 8.0, 0.5]))
    expected = copy.deepcopy(norm).eval()(X)[0]
    assert_close(norm(X)[0], expected)
    posterior = norm.estimate(X).posterior
    assert_close(posterior.mean, norm.running_mean.expand(3, 3))
    assert_close(posterior.var, norm.running_var.expand(3, 3))


def test_gradient_is_that_of_batch_norm_times_r():
    norm = BatchRenorm(3, start=0, rmax_by=0, dmax_by=0, rmax=100.0, affine=False).double()
    norm.running_mean.fill_(0.3)
    norm.running_var.copy_(torch.tensor([0.5, 4.0, 9.0]))
    deviation = (norm.running_var + norm.eps).sqrt()
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    weights = torch.randn_like(X)
    (norm(a)[0] * weights).sum().backward()
    (nn.functional.batch_norm(b, None, None, training=True) * weights).sum().backward()
    r = (X.var((0, 2, 3), correction=0) + norm.eps).sqrt() / deviation
    assert_close(a.grad, b.grad * r.view(3, 1, 1))


def test_averages_equal_to_the_batch_correct_nothing():
    norm = BatchRenorm(3, start=0, rmax_by=0, dmax_by=0).double()
    norm.running_mean.copy_(X.mean((0, 2, 3)))
    norm.running_var.copy_(X.var((0, 2, 3), correction=0))
    assert_close(norm(X)[0], nn.functional.batch_norm(X, None, None, training=True))


PAPER = {  # step: rmax, dmax
    0: (1.0, 0.0),
    5_000: (1.0, 0.0),
    15_000: (1 + 2 * 10 / 35, 2.5),
    25_000: (1 + 2 * 20 / 35, 5.0),
    40_000: (3.0, 5.0),
    60_000: (3.0, 5.0),
}


@pytest.mark.parametrize("at", PAPER)
@pytest.mark.parametrize("planned", [None, 200], ids=["the paper's steps", "planned"])
def test_schedule(at, planned):
    norm = BatchRenorm(3)
    if planned is not None:
        norm.plan(planned)
    norm.steps_seen.fill_(at if planned is None else at * planned // 50_000)
    assert_close(torch.stack(norm.limits()), torch.tensor(PAPER[at]), atol=1e-5, rtol=0)


def test_every_training_batch_is_a_step_and_no_other():
    norm = make()
    norm(X)
    norm(X)
    norm.estimate(X)
    norm.eval()(X)
    assert norm.steps_seen == norm.num_batches_tracked == 2


def test_limits_reached_at_the_start_are_there_at_the_start():
    norm = BatchRenorm(3, start=0.5, rmax_by=0.5, dmax_by=0.5)
    norm.plan(10)
    norm.steps_seen.fill_(4)
    assert [float(limit) for limit in norm.limits()] == [1.0, 0.0]
    norm.steps_seen.fill_(5)
    assert [float(limit) for limit in norm.limits()] == [3.0, 5.0]


@pytest.mark.parametrize("running", ["mean", "first"])
def test_running_averages_are_of_mean_and_deviation(running):
    norm = BatchRenorm(3, micro_batch=2, running=running, momentum=0.25).double()
    norm(X)
    norm(3 * X)
    mean, sigma = torch.zeros(3).double(), torch.full((3,), 1 + 1e-5).double().sqrt()
    for x in (X, 3 * X):
        parts = x.view(3, 2, 3, 8).transpose(1, 2).flatten(2)[: 1 if running == "first" else 3]
        mean = 0.75 * mean + 0.25 * parts.mean(2).mean(0)
        sigma = 0.75 * sigma + 0.25 * (parts.var(2, correction=0) + 1e-5).sqrt().mean(0)
    assert_close(norm.running_mean, mean)
    assert_close((norm.running_var + 1e-5).sqrt(), sigma)
    hat = (X - mean.view(3, 1, 1)) / sigma.view(3, 1, 1)
    assert_close(norm.eval()(X)[0], hat)


def test_a_constant_channel_leaves_the_running_variance_at_nothing():
    norm = BatchRenorm(3, momentum=1.0)
    x = X.float()
    x[:, 1] = 4.0
    norm(x)
    assert 0 <= norm.running_var[1] < 1e-8
    assert norm.eval()(x)[0].isfinite().all()


def test_it_goes_on_exactly_in_the_middle_of_its_schedule():
    norm = make((0.1, 0.8, 0.5))
    norm.plan(10)
    for i in range(4):
        norm(X * (i + 1))
    twin = make((0.1, 0.8, 0.5))
    twin.load_state_dict(norm.state_dict())
    assert twin.steps_planned == 10
    for i in range(4):
        assert torch.equal(twin(X * (2 - i))[0], norm(X * (2 - i))[0])


def test_the_probe_sees_seen_moments_and_the_effective_ones():
    norm = make(rmax=1.5, dmax=0.2)
    norm.running_var.fill_(100.0)
    seen, prior, posterior, gain, *_ = norm.estimate(X)
    sigma = (seen.var + norm.eps).sqrt()
    r = torch.full_like(sigma, 1 / 1.5)
    d = (seen.mean / (100 + norm.eps) ** 0.5).clamp(-0.2, 0.2)
    assert prior is None
    assert_close(gain, torch.ones(3).double())
    assert_close(posterior, Belief(seen.mean - d * sigma / r, (sigma / r) ** 2 - norm.eps))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": 0.5, "rmax_by": 0.4}, r"rmax_by must be at least start=0.5, got 0.4"),
        ({"start": 0.5, "rmax_by": 0.6, "dmax_by": 0.1}, r"dmax_by must be at least start=0.5"),
        ({"rmax": 0.5}, "rmax must be at least 1"),
    ],
)
def test_a_schedule_that_goes_backwards_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        BatchRenorm(3, **options)


@in_networks
def test_in_networks(net):
    model = assert_takes_the_place_of_batch_norm(net, "batch_renorm", BatchRenorm)
    for norm in norm_layers(model).values():
        assert (norm.steps_planned, norm.steps_seen) == (4, 2)


def test_a_trained_network_keeps_its_averages_and_the_option_its_momentum():
    layer = nn.BatchNorm2d(3, momentum=0.7)
    layer(X.float())
    net = nn.Sequential(layer)
    model = convert(net, "batch_renorm", momentum=0.02)
    assert norm_layers(model)["0"].momentum == 0.02
    assert_close(model.eval()(X.float()), net.eval()(X.float()))


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="batch_renorm", micro_batch=8, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4
