"""Batch norm over micro-batches against torch, and its running averages."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from bkn.normalizers.base import moments
from bkn.normalizers.batch import BatchNorm

X = torch.randn(8, 3, 4, 5, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_one_micro_batch_is_torch(momentum):
    ours, torchs = BatchNorm(3, momentum=momentum).double(), nn.BatchNorm2d(3, momentum=momentum)
    torchs.double()
    for i in range(3):
        a, b = (X * (i + 1)).clone().requires_grad_(), (X * (i + 1)).clone().requires_grad_()
        y, belief = ours(a)
        expected = torchs(b)
        assert belief is None
        assert_close(y, expected)
        y.square().mean().backward()
        expected.square().mean().backward()
        assert_close(a.grad, b.grad, atol=1e-12, rtol=1e-9)
    assert_close(ours.state_dict(), torchs.state_dict())
    assert_close(ours.eval()(X)[0], torchs.eval()(X))


def test_state_of_a_torch_layer_loads():
    torchs = nn.BatchNorm2d(3)
    torchs(X.float())
    ours = BatchNorm(3)
    ours.load_state_dict(torchs.state_dict())
    assert_close(ours.eval()(X.float())[0], torchs.eval()(X.float()))


def test_micro_batches_of_one_are_instance_norm():
    y = BatchNorm(3, micro_batch=1).double()(X)[0]
    assert_close(y, nn.InstanceNorm2d(3)(X))


def test_micro_batches_are_contiguous():
    y = BatchNorm(3, micro_batch=2).double()(X)[0]
    for i in range(0, 8, 2):
        expected = nn.functional.batch_norm(X[i : i + 2], None, None, training=True)
        assert_close(y[i : i + 2], expected)


def test_each_micro_batch_comes_out_with_the_affine_moments():
    norm = BatchNorm(3, micro_batch=4, eps=0.0).double()
    nn.init.uniform_(norm.weight, -2, 2)
    nn.init.uniform_(norm.bias, -2, 2)
    mean, var = moments(norm(X)[0], 4)
    assert_close(mean, norm.bias.expand(2, 3))
    assert_close(var.sqrt(), norm.weight.abs().expand(2, 3))


@pytest.mark.parametrize("running", ["mean", "first"])
def test_running_averages_follow_the_chosen_micro_batches(running):
    norm = BatchNorm(3, micro_batch=2, running=running, momentum=0.25).double()
    norm(X)
    groups = X.view(4, 2, 3, 20).transpose(1, 2).flatten(2)
    groups = groups[:1] if running == "first" else groups
    assert_close(norm.running_mean, 0.25 * groups.mean(2).mean(0))
    assert_close(norm.running_var, 0.75 + 0.25 * groups.var(2).mean(0))  # unbiased
    assert norm.num_batches_tracked == 1


def test_micro_batch_may_be_changed_live():
    norm = BatchNorm(3, micro_batch=2).double()
    norm(X)
    norm.micro_batch = 8
    assert_close(norm(X)[0], nn.functional.batch_norm(X, None, None, training=True))


def test_moments_of_large_means_do_not_cancel():
    x = (X + 1e4).float()
    exact = moments(x.double(), 2)
    assert_close(moments(x, 2).var.double(), exact.var, rtol=1e-3, atol=0)


def test_without_affine():
    norm = BatchNorm(3, affine=False).double()
    assert not list(norm.parameters())
    assert_close(norm(X)[0], nn.functional.batch_norm(X, None, None, training=True))


@pytest.mark.parametrize("size", [0, -2, 3])
def test_moments_refuse_a_wrong_micro_batch(size):
    with pytest.raises(ValueError, match=f"micro_batch must divide the batch of 8, got {size}"):
        moments(X, size)
