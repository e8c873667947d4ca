"""The Kalman layer: update, guard, gains, and what it hands on."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from bkn.normalizers.base import Belief, moments
from bkn.normalizers.filtering import guarded, update
from bkn.normalizers.kalman import KalmanNorm
from bkn.normalizers.kernels import normalize

torch.manual_seed(0)
X = torch.randn(6, 3, 4, 2).double()
PRIOR = Belief(torch.randn(3, 3).double(), torch.rand(3, 3).double() + 0.5)


@pytest.mark.parametrize("gain", [0.1, 0.5, 0.9])
def test_update_gives_the_moments_of_pooled_data(gain):
    n = round(1000 * gain)
    below, batch = torch.randn(1000 - n, 1).double() - 2, 3 * torch.randn(n, 1).double() + 2
    posterior = update(moments(below), moments(batch), gain)
    assert_close(posterior, moments(torch.cat([below, batch])), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("gain", [0.0, 0.1, 0.6, 1.0])
def test_update_of_equal_beliefs_changes_nothing(gain):
    assert_close(update(PRIOR, PRIOR, gain), PRIOR)


def test_full_gain_is_exactly_the_observation_with_its_gradients():
    x = X.clone().requires_grad_()
    seen = moments(x, 2)
    posterior = update(PRIOR, seen, 1.0)
    assert torch.equal(posterior.mean, seen.mean)
    assert torch.equal(posterior.var, seen.var)
    weights = torch.randn(3, 3).double()
    blended = torch.autograd.grad((posterior.var * weights).sum(), x, retain_graph=True)
    plain = torch.autograd.grad((seen.var * weights).sum(), x)
    assert torch.equal(blended[0], plain[0])


def test_zero_gain_is_the_prior():
    assert torch.equal(update(PRIOR, moments(X, 2), 0.0).mean, PRIOR.mean)
    y = KalmanNorm(3, gain=0.0, micro_batch=2).double()(X, PRIOR)[0]
    assert_close(y, normalize(X, *PRIOR, None, None, 1e-5))


def at_ratio(ratio):
    """A prior whose variances are this many times those seen, on average."""
    seen = moments(X, 2)
    spread = torch.linspace(0.5, 1.5, 9).double().view(3, 3)
    return Belief(PRIOR.mean, ratio * spread * seen.var)


@pytest.mark.parametrize(("ratio", "used"), [(99.9, True), (100.1, False)])
def test_guard(ratio, used):
    norm = KalmanNorm(3, gain=0.25, micro_batch=2).double()
    prior, seen = at_ratio(ratio), moments(X, 2)
    estimate = norm.estimate(X, prior)
    assert_close(estimate.gain, torch.full((3,), 0.25 if used else 1.0).double())
    expected = update(prior, seen, 0.25) if used else seen
    assert_close(estimate.posterior, expected)
    _, handed_on = norm(X, prior)
    assert_close(handed_on, expected)


@pytest.mark.parametrize("fault", ["zero variance seen", "nan", "infinite"])
@pytest.mark.parametrize("gain", [0.25, "learned"])
def test_a_prior_that_cannot_be_used_leaves_no_trace(fault, gain):
    x = X.clone()
    prior = Belief(PRIOR.mean.clone(), PRIOR.var.clone())
    if fault == "zero variance seen":
        x[:2, 1] = 5.0  # one channel of one micro-batch disables the whole layer
    else:
        prior.var[1, 2] = float("nan" if fault == "nan" else "inf")
        prior.mean[0, 0] = float("nan")
    norm = KalmanNorm(3, gain=gain, micro_batch=2).double()
    x.requires_grad_()
    given = Belief(*(part.requires_grad_() for part in prior))
    for way in ("fast", "slow"):
        if way == "fast":
            y, posterior = norm.filter(x, given)
        else:
            posterior = norm.estimate(x, given).posterior
            y = normalize(x, *posterior, norm.weight, norm.bias, norm.eps)
        assert_close(posterior, moments(x, 2))
        inputs = (x, *given, *norm.weighing.parameters())
        outputs = (y.square().sum(), posterior.var.sum())
        gradients = torch.autograd.grad(outputs, inputs)
        assert gradients[0].isfinite().all()
        assert all(torch.equal(one, torch.zeros_like(one)) for one in gradients[1:])


@pytest.mark.parametrize("gain", [0.3, "learned"])
@pytest.mark.parametrize("scale", [1.0, 1e6], ids=["used", "guard"])
def test_the_fast_way_equals_the_functions_one_after_the_other(gain, scale):
    norm = KalmanNorm(3, gain=gain, micro_batch=2).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = X.clone().requires_grad_()
    prior = Belief(PRIOR.mean.clone().requires_grad_(), (PRIOR.var * scale).requires_grad_())
    inputs = (x, *prior, *norm.parameters())

    def slow():
        usable, q = guarded(prior, moments(x, 2), norm.weighing())
        posterior = update(usable, moments(x, 2), q)
        return normalize(x, *posterior, norm.weight, norm.bias, norm.eps), *posterior

    def fast():
        y, posterior = norm.filter(x, prior)
        return y, *posterior

    given = [torch.randn_like(one) for one in slow()]
    assert_close(fast(), slow())
    ours = torch.autograd.grad(fast(), inputs, given)
    theirs = torch.autograd.grad(slow(), inputs, given, allow_unused=True)
    for one, other in zip(ours, theirs, strict=True):
        assert_close(one, torch.zeros_like(one) if other is None else other)


def test_gradients_of_the_fast_way_by_differences():
    x = X.clone().requires_grad_()
    prior = Belief(*(part.clone().requires_grad_() for part in PRIOR))
    norm = KalmanNorm(3, gain="learned", micro_batch=2).double()

    def run(x, mean, var, *_):
        y, posterior = norm.filter(x, Belief(mean, var))
        return y, *posterior

    assert torch.autograd.gradcheck(run, (x, *prior, *norm.parameters()))


def test_images_reach_others_only_through_the_prior_at_zero_gain():
    norm = KalmanNorm(3, gain=0.0, micro_batch=2).double()
    x = X.clone().requires_grad_()
    norm(x, PRIOR)[0][0].square().sum().backward()
    assert x.grad[1:].abs().max() == 0


def test_gain_is_set_live():
    norm = KalmanNorm(3, gain=0.1, micro_batch=2).double()
    norm.gain = 0.75
    assert norm.gain == 0.75
    assert_close(norm.estimate(X, PRIOR).posterior, update(PRIOR, moments(X, 2), 0.75))
    with pytest.raises(ValueError, match=r"gain must be a number in \[0, 1\].*1.5"):
        norm.gain = 1.5


def test_learned_gain_starts_at_the_authors_and_learns_per_channel():
    norm = KalmanNorm(3, gain="learned", micro_batch=2).double()
    assert norm.gain == "learned"
    assert_close(norm.estimate(X, PRIOR).gain, torch.full((3,), 0.1).double(), atol=1e-7, rtol=0)
    norm(X, PRIOR)[0].square().sum().backward()
    gradient = norm.weighing.logit.grad
    assert gradient.abs().min() > 0
    with pytest.raises(ValueError, match="learned"):
        norm.gain = 0.5
    assert "weighing.logit" in norm.state_dict()


def test_learned_gain_survives_a_checkpoint():
    norm = KalmanNorm(3, gain="learned")
    nn.init.normal_(norm.weighing.logit)
    twin = KalmanNorm(3, gain="learned")
    twin.load_state_dict(norm.state_dict())
    assert torch.equal(twin.weighing(), norm.weighing())


def test_what_each_transition_hands_on():
    posterior = update(PRIOR, moments(X, 2), 0.1)
    for name in ("moments", "sampled"):
        norm = KalmanNorm(3, gain=0.1, transition=name, micro_batch=2).double()
        assert_close(norm(X, PRIOR)[1], posterior)
    norm = KalmanNorm(3, gain=0.1, transition="normalized", micro_batch=2).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    expected = Belief(norm.bias.expand(3, 3), norm.weight.square().expand(3, 3))
    assert_close(norm(X, PRIOR)[1], expected)


def test_running_averages_hold_the_posterior():
    norm = KalmanNorm(3, gain=0.1, micro_batch=2).double()
    norm(X, PRIOR)
    posterior = update(PRIOR, moments(X, 2), 0.1)
    n = 2 * 4 * 2
    assert_close(norm.running_mean, 0.1 * posterior.mean.mean(0))
    assert_close(norm.running_var, 0.9 + 0.1 * posterior.var.mean(0) * n / (n - 1))


@pytest.mark.parametrize("rows", [1, 6])
def test_a_prior_of_other_micro_batches_is_refused(rows):
    prior = Belief(torch.zeros(rows, 3).double(), torch.ones(rows, 3).double())
    with pytest.raises(ValueError, match=r"prior must have shape \(3, 3\)"):
        KalmanNorm(3, micro_batch=2).double()(X, prior)


def test_a_prior_that_is_no_belief_is_refused():
    with pytest.raises(TypeError, match=r"prior must be a bkn\.Belief or None, got tuple"):
        KalmanNorm(3).double()(X, (PRIOR.mean, PRIOR.var))


def test_a_copy_is_independent():
    norm = KalmanNorm(3, micro_batch=2).double()
    twin = copy.deepcopy(norm)
    twin.gain = 0.9
    assert norm.gain == 0.1
