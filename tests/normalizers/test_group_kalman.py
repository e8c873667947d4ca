"""Group Kalman norm: pooling, filtering and guard per image, and priors in evaluation too."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.nets.convnet import ConvNet
from bkn.nets.mlp import MLP
from bkn.nets.resnet import ResNet
from bkn.normalizers.base import Belief, moments
from bkn.normalizers.group_kalman import GroupKalmanNorm, guarded_by_image, pooled_to_groups
from bkn.surgery.convert import convert, norm_layers
from tests.normalizers.placed import NETS, assert_takes_the_place_of_batch_norm, in_networks

torch.manual_seed(0)
X = torch.randn(4, 6, 3, 5).double() * 2 + 1
PRIOR = Belief(torch.randn(4, 6).double(), torch.rand(4, 6).double() + 0.5)


def make(**options):
    norm = GroupKalmanNorm(6, groups=3, **options).double()
    torch.manual_seed(1)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def by_hand(x, prior, norm, gain):
    """One image and group at a time, from the equations; the guard is not needed."""
    y = torch.empty_like(x)
    for n in range(len(x)):
        for g in range(0, 6, 2):
            part = x[n, g : g + 2]
            seen_mean = part.sum() / part.numel()
            seen_var = (part - seen_mean).pow(2).sum() / part.numel()
            mean = (prior.mean[n, g] + prior.mean[n, g + 1]) / 2
            spread = ((prior.mean[n, g] - mean) ** 2 + (prior.mean[n, g + 1] - mean) ** 2) / 2
            var = (prior.var[n, g] + prior.var[n, g + 1]) / 2 + spread
            gap = seen_mean - mean
            post_var = (1 - gain) * var + gain * seen_var + gain * (1 - gain) * gap**2
            post_mean = (1 - gain) * mean + gain * seen_mean
            y[n, g : g + 2] = (part - post_mean) / (post_var + norm.eps).sqrt()
    return y * norm.weight.view(6, 1, 1) + norm.bias.view(6, 1, 1)


@pytest.mark.parametrize("gain", [0.0, 0.3, 1.0])
def test_output_and_gradient_are_those_of_the_equations(gain):
    norm = make(gain=gain)
    results = []
    for function in (lambda x, p: norm(x, p)[0], lambda x, p: by_hand(x, p, norm, gain)):
        x = X.clone().requires_grad_()
        prior = Belief(*(part.clone().requires_grad_() for part in PRIOR))
        y = function(x, prior)
        loss = (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum()
        results.append((y, torch.autograd.grad(loss, (x, *prior, norm.weight, norm.bias))))
    assert_close(results[0], results[1])


@pytest.mark.parametrize("prior", [None, PRIOR], ids=["no prior", "full gain"])
def test_without_a_prior_or_at_full_gain_it_is_group_norm(prior):
    norm = make(gain=1.0 if prior else 0.1)
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    y, expected = norm(a, prior)[0], F.group_norm(b, 3, norm.weight, norm.bias)
    assert_close(y, expected)
    weights = torch.randn_like(X)
    ours = torch.autograd.grad((y * weights).sum(), (a, norm.weight, norm.bias))
    theirs = torch.autograd.grad((expected * weights).sum(), (b, norm.weight, norm.bias))
    assert_close(ours, theirs)


def test_at_full_gain_a_network_is_one_with_group_norm():
    torch.manual_seed(0)
    net, x = ResNet(1, (8, 8), 10), torch.randn(4, 1, 8, 8)
    ours, others = convert(net, "group_kalman", gain=1.0), convert(net, "group")
    for training in (True, False):
        one, other = ours.train(training)(x), others.train(training)(x)
        assert_close(one, other, atol=1e-5, rtol=1e-4)
    one.sum().backward()
    other.sum().backward()
    for mine, theirs in zip(ours.parameters(), others.parameters(), strict=True):
        assert_close(mine.grad, theirs.grad, atol=1e-3, rtol=1e-3)


def test_pooled_channels_have_the_moments_of_their_union():
    parts = torch.randn(2, 6, 50).double() * torch.rand(2, 6, 1) + torch.randn(2, 6, 1)
    each = Belief(parts.mean(2), parts.var(2, correction=0))
    union = parts.view(2, 3, 100)
    expected = Belief(union.mean(2), union.var(2, correction=0))
    assert_close(pooled_to_groups(each, 3), expected)


def test_the_guard_decides_for_each_image():
    seen = Belief(torch.zeros(3, 2), torch.ones(3, 2))
    prior = Belief(
        torch.ones(3, 2), torch.tensor([[99.8, 100.0], [100.0, 100.2], [1.0, float("nan")]])
    )
    usable, gain = guarded_by_image(prior, seen, 0.25)
    assert_close(gain.expand(3, 2), torch.tensor([[0.25], [1.0], [1.0]]).expand(3, 2))
    assert torch.equal(usable.mean, torch.tensor([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]))


def test_images_do_not_see_each_other_whatever_their_priors():
    """One image's guard trips, or its prior is not a number: the others do not notice."""
    norm, expected = make(gain=0.3), make(gain=0.3)(X, PRIOR)[0]
    prior = Belief(PRIOR.mean.clone(), PRIOR.var.clone())
    prior.var[0] *= 1e6
    prior.mean[1, 2] = prior.var[1, 2] = float("nan")
    x = X.clone().requires_grad_()
    y = norm(x, prior)[0]
    assert_close(y[2:], expected[2:])
    assert_close(y[:2], F.group_norm(X[:2], 3, norm.weight, norm.bias))
    y[3].square().sum().backward()
    assert x.grad[:3].abs().max() == 0
    assert_close(norm(X[3:], Belief(*(part[3:] for part in PRIOR)))[0], expected[3:])


def test_what_is_handed_on_has_a_row_per_image_in_both_modes():
    norm = make(gain=0.3)
    for training in (True, False):
        belief = norm.train(training)(X, PRIOR)[1]
        assert belief.mean.shape == belief.var.shape == (4, 6)
        assert torch.equal(belief.mean[:, ::2], belief.mean[:, 1::2])  # one belief per group
    seen = moments(X.unflatten(1, (3, 2)), 1)
    pooled = pooled_to_groups(PRIOR, 3)
    assert_close(belief.mean[:, ::2], 0.7 * pooled.mean + 0.3 * seen.mean)
    norm = make(gain=0.3, transition="normalized")
    expected = Belief(norm.bias.expand(4, 6), norm.weight.square().expand(4, 6))
    assert_close(norm(X, PRIOR)[1], expected)


def priors(model, x):
    """The prior each normalizer is called with, by label."""
    seen = {}
    for label, norm in norm_layers(model).items():
        norm.register_forward_pre_hook(
            lambda module, args, label=label: seen.update({label: (*args, None)[1]})
        )
    model(x)
    return seen


@pytest.mark.parametrize("transition", ["moments", "normalized"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "net",
    [ConvNet(1, (8, 8), 10), ResNet(1, (8, 8), 10), MLP(1, (8, 8), 10)],
    ids=["convnet", "resnet", "mlp"],
)
def test_every_layer_but_the_first_gets_a_prior_for_each_image(net, transition, training):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = convert(net, "group_kalman", transition=transition, micro_batch=2)
    first, *others = priors(model.train(training), torch.randn(4, 1, 8, 8)).values()
    assert first is None
    for prior in others:
        assert len(prior.mean) == 4
        assert prior.mean.isfinite().all()
        assert (prior.var > 0).all()


@in_networks
@pytest.mark.parametrize("gain", [0.1, "learned"])
def test_a_network_looks_at_each_image_alone_and_evaluates_as_it_trains(net, gain):
    torch.manual_seed(0)
    build, shape = NETS[net]
    model, x = convert(build(), "group_kalman", gain=gain), torch.randn(shape)
    trained = model(x)
    evaluated = model.eval()(x)
    assert_close(evaluated, trained)
    for i in range(len(x)):
        assert_close(model(x[i : i + 1]), evaluated[i : i + 1], atol=1e-4, rtol=1e-4)


def test_the_weights_get_gradients_through_the_prediction():
    model = convert(ConvNet(1, (8, 8), 10, depth=2), "group_kalman")
    prior = priors(model, torch.randn(4, 1, 8, 8))["layer2"]
    (prior.mean.sum() + prior.var.sum()).backward()
    assert model.layer2.conv.weight.grad.abs().max() > 0
    assert model.layer1.conv.weight.grad.abs().max() > 0


def test_gain_is_set_live_or_learned_per_group():
    norm = make(gain=0.1)
    norm.gain = 0.75
    assert_close(norm(X, PRIOR)[0], by_hand(X, PRIOR, norm, 0.75))
    with pytest.raises(ValueError, match=r"gain must be a number in \[0, 1\].*1.5"):
        norm.gain = 1.5
    norm = make(gain="learned")
    assert norm.gain == "learned"
    assert_close(norm(X, PRIOR)[0], by_hand(X, PRIOR, norm, 0.1), atol=1e-6, rtol=1e-6)
    norm(X, PRIOR)[0].square().sum().backward()
    assert norm.weighing.logit.grad.shape == (3,)
    assert norm.weighing.logit.grad.abs().min() > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": 4}, "groups must divide channels=6, got 4"),
        ({"groups": 3, "transition": "sampled"}, "must not draw; got 'sampled'"),
        ({"groups": 3, "transition": "guessed"}, "got 'guessed'"),
        ({"groups": 3, "gain": 2.0}, "gain must be a number"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        GroupKalmanNorm(6, **options)


def test_a_prior_of_other_images_and_a_single_value_are_refused():
    with pytest.raises(ValueError, match=r"prior must have shape \(4, 6\) \(images, channels\)"):
        make()(X, Belief(*(part[:2] for part in PRIOR)))
    with pytest.raises(ValueError, match="more than one value per statistic"):
        GroupKalmanNorm(6, groups=6)(torch.zeros(4, 6))


@in_networks
def test_in_networks(net):
    assert_takes_the_place_of_batch_norm(net, "group_kalman", GroupKalmanNorm)


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="group_kalman", micro_batch=2, epochs=2))
    assert run.summary["test_accuracy"] > 0.4
    assert run.layers().empty  # the probe leaves it out: it estimates nothing of a population
