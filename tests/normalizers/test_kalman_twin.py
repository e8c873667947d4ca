"""An independent NumPy twin of the authors' layer: update, guard and sampled transition.

Written from the description of their code alone, with loops over groups and channels, and no
line of ours.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from bkn.moments.carried import Sample, gaussian_images, sampled_transition
from bkn.moments.linear import Conv
from bkn.moments.pointwise import Relu
from bkn.normalizers.base import Belief
from bkn.normalizers.kalman import KalmanNorm


def twin_layer(x, prior, p, groups, gamma, beta, guard=100.0):
    """One training step of a layer; x (N, C, H, W), prior a pair (S, C) or None."""
    n, channels = x.shape[:2]
    m = n // groups
    mean, var = np.zeros((groups, channels)), np.zeros((groups, channels))
    for g in range(groups):
        for c in range(channels):
            values = x[g * m : (g + 1) * m, c].ravel()
            mean[g, c] = values.sum() / len(values)
            var[g, c] = ((values - mean[g, c]) ** 2).sum() / len(values)
    posterior_mean, posterior_var = mean.copy(), var.copy()
    if prior is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            flag = np.mean(prior[1] / var)
        if flag < guard:
            for g in range(groups):
                for c in range(channels):
                    gap = mean[g, c] - prior[0][g, c]
                    posterior_mean[g, c] = p * prior[0][g, c] + (1 - p) * mean[g, c]
                    posterior_var[g, c] = (
                        p * prior[1][g, c] + (1 - p) * var[g, c] + p * (1 - p) * gap * gap
                    )
    y = np.zeros_like(x)
    for i in range(n):
        for c in range(channels):
            g = i // m
            spread = math.sqrt(posterior_var[g, c] + 1e-5)
            y[i, c] = gamma[c] * (x[i, c] - posterior_mean[g, c]) / spread + beta[c]
    return y, (posterior_mean, posterior_var)


def twin_conv(image, weight, stride):
    """A 3x3 convolution of one picture (C, H, W) with zero padding 1."""
    outs, ins = weight.shape[:2]
    height, width = image.shape[1:]
    padded = np.zeros((ins, height + 2, width + 2))
    padded[:, 1:-1, 1:-1] = image
    rows, columns = (height - 1) // stride + 1, (width - 1) // stride + 1
    result = np.zeros((outs, rows, columns))
    for o in range(outs):
        for r in range(rows):
            for s in range(columns):
                window = padded[:, r * stride : r * stride + 3, s * stride : s * stride + 3]
                result[o, r, s] = (window * weight[o]).sum()
    return result


def twin_transition(posterior, draws, weight, stride):
    """One Gaussian image per group through relu and the convolution; moments over its places."""
    groups = len(draws)
    mean, var = np.zeros((groups, len(weight))), np.zeros((groups, len(weight)))
    for g in range(groups):
        std = np.sqrt(posterior[1][g] + 1e-12)
        image = posterior[0][g][:, None, None] + std[:, None, None] * draws[g]
        out = twin_conv(np.maximum(image, 0.0), weight, stride)
        mean[g] = out.mean((1, 2))
        var[g] = ((out - out.mean((1, 2), keepdims=True)) ** 2).mean((1, 2))
    return mean, var


RNG = np.random.default_rng(0)
X = RNG.normal(0.3, 1.2, (6, 4, 5, 4))
GAMMA, BETA = RNG.normal(1, 0.3, 4), RNG.normal(0, 0.3, 4)


def ours(x, prior, p):
    norm = KalmanNorm(4, gain=1 - p, micro_batch=2).double()
    norm.load_state_dict({"weight": torch.tensor(GAMMA), "bias": torch.tensor(BETA)}, strict=False)
    given = None if prior is None else Belief(*map(torch.tensor, prior))
    return norm(torch.tensor(x), given)


def prior_at(ratio):
    """A prior with this average of var_prior / var_seen over the layer, unevenly spread."""
    _, (_, seen) = twin_layer(X, None, 0.9, 3, GAMMA, BETA)
    uneven = RNG.uniform(0.1, 2.0, seen.shape)
    return RNG.normal(0, 1, seen.shape), seen * uneven * ratio / uneven.mean()


def check(x, prior, p):
    y, posterior = ours(x, prior, p)
    expected, expected_posterior = twin_layer(x, prior, p, 3, GAMMA, BETA)
    assert_close(y.detach().numpy(), expected, rtol=0, atol=1e-11)
    for one, other in zip(posterior, expected_posterior, strict=True):
        assert_close(one.detach().numpy(), other, rtol=0, atol=1e-11)
    return expected_posterior


@pytest.mark.parametrize("p", [0.9, 0.05, 0.0])
def test_layer_update(p):
    check(X, None, p)
    check(X, prior_at(1.3), p)


def test_guard_on_both_sides():
    observed = check(X, None, 0.9)
    below = check(X, prior_at(99.9), 0.9)
    above = check(X, prior_at(100.1), 0.9)
    assert np.abs(below[0] - observed[0]).max() > 0.1
    assert np.abs(above[0] - observed[0]).max() == 0


def test_a_channel_without_variance_disables_the_update_of_the_layer():
    x = X.copy()
    x[2:4, 1] = 0.7
    posterior = check(x, prior_at(1.0), 0.9)
    assert np.abs(posterior[0] - check(x, None, 0.9)[0]).max() == 0


@pytest.mark.parametrize("stride", [1, 2])
def test_sampled_transition_with_the_same_draws(stride):
    posterior = RNG.normal(0, 1, (3, 4)), RNG.uniform(0, 2, (3, 4))
    posterior[1][0, 0] = 0.0
    draws, weight = RNG.normal(size=(3, 4, 5, 6)), RNG.normal(size=(2, 4, 3, 3))
    expected = twin_transition(posterior, draws, weight, stride)
    given, w = Belief(*map(torch.tensor, posterior)), torch.tensor(weight)
    pure = sampled_transition(
        given,
        torch.tensor(draws),
        lambda image: F.conv2d(image.relu(), w, stride=stride, padding=1),
    )
    carried = Sample(gaussian_images(given, torch.tensor(draws)))
    x = torch.zeros(6, 4, 5, 6)
    woven = Conv((stride, stride), (1, 1), (1, 1))(Relu()(carried, x), x, w, None).belief()
    for prior in (pure, woven):
        for one, other in zip(prior, expected, strict=True):
            assert_close(one.numpy(), other, rtol=0, atol=1e-11)


def test_three_layers_in_a_row():
    """The whole recursion: observe, transition, update, transition, update, as drawn."""
    weights = [RNG.normal(0, 0.3, (4, 4, 3, 3)) for _ in range(2)]
    x, prior = X, None
    x_ours, prior_ours = torch.tensor(X), None
    for weight in (*weights, None):
        norm = KalmanNorm(4, gain=0.1, micro_batch=2).double()
        x, posterior = twin_layer(x, prior, 0.9, 3, np.ones(4), np.zeros(4))
        x_ours, posterior_ours = norm(x_ours, prior_ours)
        if weight is not None:
            draws = RNG.normal(size=(3, 4, 5, 4))
            prior = twin_transition(posterior, draws, weight, 1)
            w = torch.tensor(weight)
            prior_ours = sampled_transition(
                posterior_ours,
                torch.tensor(draws),
                lambda image, w=w: F.conv2d(image.relu(), w, padding=1),
            )
            x = np.stack([twin_conv(np.maximum(image, 0), weight, 1) for image in x])
            x_ours = F.conv2d(x_ours.relu(), w, padding=1)
    assert_close(x_ours.detach().numpy(), x, rtol=0, atol=1e-9)
