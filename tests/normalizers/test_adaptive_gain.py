"""The adaptive gain: a NumPy twin over a stream, and what a filter must do."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from bkn.normalizers.adaptive import FLOOR
from bkn.normalizers.base import Belief, moments
from bkn.normalizers.kalman import KalmanNorm


class Twin:
    """The filter of one channel in plain numbers, written from its equations."""

    def __init__(self, rate):
        self.rate, self.t = rate, 0
        self.bias, self.log_factor = 0.0, 0.0
        self.noise = [0.0, 0.0]
        self.left = [0.0, 0.0]

    def corrected(self, mean, var):
        var = var * np.exp(self.log_factor)
        return mean + self.bias * np.sqrt(var), var

    def observe(self, prior, seen):
        """Innovations of mean and variance, and their noise at one time; arrays (G,)."""
        gap = (seen[0] - prior[0]) / np.sqrt(prior[1])
        ratio = (seen[1] + 1e-8) / prior[1]
        around = ratio + gap**2
        many = len(gap) > 1
        if many:
            now = [gap.var(ddof=1), around.var(ddof=1)]
        else:
            now = [(gap.mean() - self.left[0]) ** 2 / 2, (around.mean() - self.left[1]) ** 2 / 2]
        for which in (0, 1):
            if many:
                weight = max(self.rate / 3, 1 / (self.t + 1))
            else:
                weight = 0 if self.t == 0 else max(self.rate / 3, 1 / self.t)
            self.noise[which] += weight * (now[which] - self.noise[which])
        between = now[0] if many else self.noise[0]
        return gap.mean(), ratio.mean() + between - 1, around.mean()

    def settle(self, mean, excess, around, power, groups):
        """Move the bias; power is that of the layer."""
        if self.t >= 2:
            mean, excess = np.clip(mean, -2, 2), min(excess, 2)
        k = [
            1.0 if self.t == 0 else max(0.05, max(p, 0) / (max(p, 0) + r / groups))
            for p, r in zip(power, self.noise, strict=True)
        ]
        growth = 1 + max(1e-6 - 1, k[1] * excess)
        self.log_factor += np.log(growth)
        self.bias = (self.bias + k[0] * mean) / np.sqrt(growth)
        self.noise = [self.noise[0] / growth, self.noise[1] / growth**2]
        self.left = [(1 - k[0]) * mean / np.sqrt(growth), around / growth]
        self.t += 1


def twin_stream(stream, rate):
    """Posteriors and gains of a layer over a stream of (prior, seen), arrays (G, C) each."""
    channels = stream[0][0][0].shape[1]
    twins, power, found = [Twin(rate) for _ in range(channels)], [0.0, 0.0], []
    for t, (prior, seen) in enumerate(stream):
        groups = len(prior[0])
        priors = [w.corrected(prior[0][:, c], prior[1][:, c]) for c, w in enumerate(twins)]
        gains = [
            [
                1.0 if t < 2 else min(1, max(0.02, max(p, 0) / (max(p, 0) + w.noise[which])))
                for w in twins
            ]
            for which, p in enumerate(power)
        ]
        posterior = np.zeros((2, groups, channels))
        for c, (m, v) in enumerate(priors):
            q, u = gains[0][c], gains[1][c]
            gap = seen[0][:, c] - m
            posterior[0][:, c] = m + q * gap
            posterior[1][:, c] = (1 - u) * v + u * seen[1][:, c] + u * (1 - u) * gap**2
        found.append((posterior, np.array(gains)))
        news = [
            w.observe(p, (seen[0][:, c], seen[1][:, c]))
            for c, (w, p) in enumerate(zip(twins, priors, strict=True))
        ]
        if t:
            weight = max(rate, 1 / t)
            for which in (0, 1):
                squares = [
                    np.clip(news[c][which], -2, 2) ** 2 - w.noise[which] / groups
                    for c, w in enumerate(twins)
                ]
                power[which] += weight * (np.mean(squares) - power[which])
        for w, one in zip(twins, news, strict=True):
            w.settle(*one, power, groups)
    return found


@pytest.mark.parametrize(("groups", "images"), [(6, 2), (6, 1), (1, 2), (1, 1)])
@pytest.mark.parametrize("running", ["mean", "first"])
def test_a_stream_equals_its_twin(groups, images, running):
    torch.manual_seed(groups + images)
    norm = KalmanNorm(
        3, gain="adaptive", rate=0.2, micro_batch=images, running=running, affine=False
    ).double()
    stream, ours = [], []
    for step in range(12):
        x = torch.randn(groups * images, 3, 3, 2).double() * 2 + 0.1 * step
        prior = Belief(torch.randn(groups, 3).double() * 0.1, torch.rand(groups, 3).double() + 0.5)
        estimate = norm.estimate(x, prior)
        norm(x, prior)
        learned = 1 if running == "first" else groups
        seen = moments(x, images)
        stream.append([[p[:learned].numpy() for p in b] for b in (prior, seen)])
        ours.append((estimate, learned))
    for (estimate, learned), (posterior, gains) in zip(ours, twin_stream(stream, 0.2), strict=True):
        rows = [part[:learned].numpy() for part in estimate.posterior]
        assert_close(np.stack(rows), posterior, rtol=1e-6, atol=1e-8)
        assert_close(torch.stack([estimate.gain, estimate.var_gain]).numpy(), gains, atol=1e-6,
                     rtol=1e-6)  # fmt: skip


def world(norm, steps, prior_of, truth_of=lambda step: (1.0, 4.0), groups=32):
    """Let a layer of 8 channels see normal numbers; the last 20 estimates, with their truth."""
    last = []
    for step in range(steps):
        mean, var = truth_of(step)
        x = mean + var**0.5 * torch.randn(groups * 2, 8, 2, 2)
        prior = Belief(*(torch.as_tensor(p).float().expand(groups, 8) for p in prior_of(step)))
        last.append((norm.estimate(x, prior), mean, var))
        norm(x, prior)
    return last[-20:]


@pytest.fixture
def norm():
    torch.manual_seed(0)
    return KalmanNorm(8, gain="adaptive", micro_batch=2)


def test_a_perfect_prior_is_left_alone(norm):
    last = world(norm, 100, lambda _: (1.0, 4.0))
    assert np.mean([e.gain.mean().item() for e, _, _ in last]) < 0.06
    assert np.mean([e.var_gain.mean().item() for e, _, _ in last]) < 0.06
    assert min(e.gain.min().item() for e, _, _ in last) == pytest.approx(FLOOR, abs=0.01)


def test_a_useless_prior_is_not_believed(norm):
    last = world(norm, 60, lambda _: (20 * torch.randn(8), 4 * torch.randn(8).exp()))
    assert np.mean([e.gain.mean().item() for e, _, _ in last]) > 0.8


def test_the_bias_of_a_prior_is_learned(norm):
    last = world(norm, 60, lambda _: (-3.0, 0.5))
    for estimate, mean, var in last:
        assert (estimate.prior.mean - mean).abs().mean() < 0.2
        assert (estimate.prior.var / var).log().abs().mean() < 0.2


def test_a_drifting_truth_is_followed_and_the_blend_beats_both_sources(norm):
    last = world(norm, 200, lambda _: (0.0, 1.0), lambda step: (1 + 0.3 * np.sin(step / 2), 4.0),
                 groups=4)  # fmt: skip
    errors = {
        name: np.mean(
            [(getattr(e, name).mean - mean).square().mean().item() for e, mean, _ in last]
        )
        for name in ("seen", "prior", "posterior")
    }
    assert errors["posterior"] < 0.95 * min(errors["seen"], errors["prior"])


def test_the_filter_is_honest_about_its_innovations(norm):
    """Innovations squared over what gain and noise say of them: P + R."""
    last = world(norm, 300, lambda _: (0.0, 1.0), lambda step: (np.sin(step / 5), 4.0))
    expected = norm.weighing.mean_power + norm.weighing.mean_noise.mean()
    measured = np.mean([
        ((e.seen.mean - e.prior.mean).square() / e.prior.var).mean().item() for e, _, _ in last
    ])  # fmt: skip
    assert 0.5 < measured / expected.item() < 2


def test_the_variance_stands_for_all_images(norm):
    """Two images of two means each: the observation misses the spread between them."""
    x = torch.randn(64, 8, 2, 2) + 3 * torch.randn(64, 8, 1, 1)
    for _ in range(40):
        norm(x[torch.randperm(64)])
    estimate = norm.estimate(x)
    truth = moments(x).var
    assert (estimate.seen.var.mean(0) / truth).mean() < 0.6
    assert (estimate.posterior.var.mean(0) / truth).sub(1).abs().mean() < 0.1
    assert_close(norm.running_var, truth[0], rtol=0.2, atol=0.1)
