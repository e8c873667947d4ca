"""Batch group norm against torch's norms at its ends and a slow twin between them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.normalizers.batch_group import BatchGroupNorm, groups_for
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(4, 6, 2, 4, generator=torch.Generator().manual_seed(0)).double() * 2 + 1


def make(groups, **options):
    norm = BatchGroupNorm(6, groups=groups, **options).double()
    torch.manual_seed(1)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def by_hand(x, norm, groups, images):
    """Flat images, one group and micro-batch at a time."""
    flat = x.flatten(1)
    size = flat.shape[1] // groups
    hat = torch.empty_like(flat)
    for at in range(0, len(x), images):
        for g in range(groups):
            part = flat[at : at + images, g * size : (g + 1) * size]
            mean = part.sum() / part.numel()
            var = (part - mean).pow(2).sum() / part.numel()
            hat[at : at + images, g * size : (g + 1) * size] = (part - mean) / (var + 1e-5) ** 0.5
    shape = (-1,) + (1,) * (x.dim() - 2)
    return hat.view(x.shape) * norm.weight.view(shape) + norm.bias.view(shape)


@pytest.mark.parametrize("groups", [1, 2, 3, 6, 4, 12, 16])  # the last three cut through places
@pytest.mark.parametrize("images", [1, 2, 4])
def test_output_and_gradient_are_those_of_the_equations(groups, images):
    norm = make(groups, micro_batch=images)
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    y, expected = norm(a)[0], by_hand(b, norm, groups, images)
    assert_close(y, expected)
    weights = torch.randn_like(X)
    ours = torch.autograd.grad((y * weights).sum(), (a, norm.weight, norm.bias))
    theirs = torch.autograd.grad((expected * weights).sum(), (b, norm.weight, norm.bias))
    assert_close(ours, theirs)


def test_a_group_per_channel_is_batch_norm_with_its_running_averages():
    ours, torchs = BatchGroupNorm(6, groups=6).double(), nn.BatchNorm2d(6).double()
    for i in range(3):
        assert_close(ours(X * (i + 1))[0], torchs(X * (i + 1)))
    state = ours.state_dict()
    assert_close({name: state[name] for name in torchs.state_dict()}, torchs.state_dict())
    assert_close(ours.eval()(X)[0], torchs.eval()(X))


def test_one_group_is_one_mean_and_variance_for_everything():
    y = BatchGroupNorm(6, groups=1).double()(X)[0]
    assert_close(y, (X - X.mean()) / (X.var(correction=0) + 1e-5).sqrt())


def test_micro_batches_of_one_are_group_norm():
    norm = make(3, micro_batch=1)
    assert_close(norm(X)[0], F.group_norm(X, 3, norm.weight, norm.bias))


@pytest.mark.parametrize("groups", [2, 4], ids=["whole channels", "cut"])
def test_evaluation_goes_by_running_averages_per_group(groups):
    norm = make(groups, micro_batch=2, momentum=0.25)
    norm(X)
    parts = X.view(2, 2, groups, -1).transpose(1, 2).flatten(2)
    mean, var = 0.25 * parts.mean(2).mean(0), 0.75 + 0.25 * parts.var(2).mean(0)
    assert_close(norm.running_mean, mean)
    assert_close(norm.running_var, var)
    x = torch.randn_like(X)
    hat = (x.flatten(1).unflatten(1, (groups, -1)) - mean.view(-1, 1)) / (
        var.view(-1, 1) + 1e-5
    ).sqrt()
    affine = norm.weight.view(6, 1, 1), norm.bias.view(6, 1, 1)
    expected = hat.reshape(x.shape) * affine[0] + affine[1]
    assert_close(norm.eval()(x)[0], expected)
    assert_close(norm(x[:1])[0], expected[:1])


@pytest.mark.parametrize(
    ("channels", "images", "groups"),
    [
        *[(1024, 128, 512), (1024, 100, 256), (1024, 16, 64), (1024, 8, 16), (1024, 4, 2)],
        *[(1024, 3, 1), (1024, 2, 1), (1024, 1, 1)],
        *[(16, 64, 16), (24, 8, 12), (6, 8, 6), (5, 4, 1)],
    ],
)
def test_the_papers_numbers_in_whole_channels(channels, images, groups):
    assert groups_for(channels, images) == groups


def test_auto_goes_by_the_micro_batch_also_live():
    norm = BatchGroupNorm(6, micro_batch=2, eps=0.0).double()
    assert_close(norm(X)[0], by_hand_plain(1, 2), atol=1e-5, rtol=1e-5)
    assert_close(norm.running_mean, norm.running_mean[:1].expand(6))
    norm.micro_batch = 4
    assert_close(norm(X)[0], by_hand_plain(2, 4), atol=1e-5, rtol=1e-5)
    norm.micro_batch = None
    assert_close(norm(X)[0], by_hand_plain(2, 4), atol=1e-5, rtol=1e-5)


def by_hand_plain(groups, images):
    return by_hand(X, BatchGroupNorm(6).double(), groups, images)


def test_groups_that_cut_through_places_know_one_size():
    norm = BatchGroupNorm(6, groups=4)
    norm.eval()(X.float())  # nothing learned yet: any size
    norm.train()(X.float())
    other = torch.randn(4, 6, 4, 2)
    twin = BatchGroupNorm(6, groups=4)
    twin.load_state_dict(norm.state_dict())
    for one in (norm, norm.eval(), twin.eval()):
        with pytest.raises(ValueError, match=r"belong to pictures of size \(2, 4\); got \(4, 2\)"):
            one(other)
    whole = BatchGroupNorm(6, groups=3)
    whole(X.float())
    assert whole(other)[0].shape == whole.eval()(other)[0].shape == other.shape


def test_groups_that_fit_nothing_are_refused():
    norm = BatchGroupNorm(6, groups=5)
    with pytest.raises(ValueError, match=r"groups must divide channels=6 or the 48 values.*got 5"):
        norm(X.float())
    with pytest.raises(ValueError, match="groups must be at least 1, got 0"):
        BatchGroupNorm(6, groups=0)


def test_a_single_value_per_statistic_is_refused():
    with pytest.raises(ValueError, match=r"more than one value per statistic.*6 groups"):
        BatchGroupNorm(6, groups=6, micro_batch=1)(torch.zeros(4, 6))


@in_networks
@pytest.mark.parametrize("groups", ["auto", 8])
def test_in_networks(net, groups):
    assert_takes_the_place_of_batch_norm(net, "batch_group", BatchGroupNorm, groups=groups)


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="batch_group", micro_batch=2, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4
