"""The adaptive gain as a layer: its gradient, its state, and what it refuses."""

import copy

import pytest
import torch
from torch.testing import assert_close

import bkn
from bkn.normalizers.adaptive import AdaptiveGain
from bkn.normalizers.base import Belief, moments
from bkn.normalizers.filtering import update
from bkn.normalizers.kalman import KalmanNorm
from bkn.normalizers.kernels import normalize


def test_without_prior_it_begins_as_batch_norm_with_its_gradient():
    torch.manual_seed(0)
    x = torch.randn(8, 3, 4, 4).double().requires_grad_()
    ours, batch = KalmanNorm(3, gain="adaptive", micro_batch=2).double(), bkn.build_norm(
        "batch", 3, micro_batch=2
    ).double()  # fmt: skip
    weight = torch.randn_like(x)
    gradients = []
    for norm in (ours, batch):
        y, _ = norm(x)
        gradients.append(torch.autograd.grad((y * weight).sum(), x)[0])
    assert_close(ours.estimate(x).seen, batch.estimate(x).seen)
    assert_close(gradients[0], gradients[1])


def streamed(norm, steps, seed=0):
    """The outputs of a layer over a seeded stream, with backward passes."""
    stream = torch.Generator().manual_seed(seed)
    outputs = []
    for _ in range(steps):
        x = torch.randn(8, 3, 4, 4, generator=stream).requires_grad_()
        y, _ = norm(x)
        (y * y.detach().sin()).sum().backward()
        outputs.append(y.detach())
    return outputs


def test_the_gradient_uses_what_earlier_steps_averaged():
    """The same by autograd: averages act on the observation, the rest on the update."""
    torch.manual_seed(0)
    norm = KalmanNorm(3, gain="adaptive", micro_batch=2).double()
    prior = Belief(torch.randn(4, 3).double(), torch.rand(4, 3).double() + 0.5)
    for _ in range(4):
        x = torch.randn(8, 3, 3, 3).double().requires_grad_()
        (norm(x, prior)[0] * torch.randn_like(x)).sum().backward()
    twin = copy.deepcopy(norm)
    given = Belief(*(part.clone().requires_grad_() for part in prior))
    weight = torch.randn_like(x)
    ours = torch.autograd.grad((norm(x, given)[0] * weight).sum(), (x, *given))

    slopes, seen = twin.weighing.slopes, moments(x, 2)
    corrected = twin.weighing.corrected(given)
    posterior = update(corrected, seen, *twin.weighing())
    mean, var = (part.detach() for part in posterior)
    y = normalize(x, *posterior, twin.weight, twin.bias, twin.eps)
    around = seen.var + (seen.mean - mean).square()
    std = (var + twin.eps).sqrt()
    loss = (y * weight).sum()
    loss = loss + (slopes[0] / std * (seen.mean - posterior.mean)).sum()
    loss = loss + (slopes[1] / std**2 * (around - posterior.var)).sum()
    for one, other in zip(ours, torch.autograd.grad(loss, (x, *given)), strict=True):
        assert_close(one, other)
    assert slopes.abs().min() > 0


def test_the_averages_of_gradients_move_once_and_leave_out_what_overflowed():
    norm = KalmanNorm(3, gain="adaptive", micro_batch=2)
    streamed(norm, 3)
    x = torch.randn(8, 3, 4, 4).requires_grad_()
    y, _ = norm(x)
    before = norm.weighing.slopes.clone()
    y.sin().sum().backward(retain_graph=True)
    once = norm.weighing.slopes.clone()
    (2 * y).cos().sum().backward()
    assert not torch.equal(before, once)
    assert torch.equal(once, norm.weighing.slopes)
    (norm(x)[0].sum() * float("inf")).backward()
    assert norm.weighing.slopes.isfinite().all()


@pytest.mark.parametrize("micro_batch", [2, 8])  # of 8: four, and one that remembers the last step
def test_it_continues_bit_for_bit_from_a_checkpoint(micro_batch):
    torch.manual_seed(0)
    norm = KalmanNorm(3, gain="adaptive", micro_batch=micro_batch)
    streamed(norm, 5)
    twin = KalmanNorm(3, gain="adaptive", micro_batch=micro_batch)
    twin.load_state_dict(copy.deepcopy(norm.state_dict()))
    for one, other in zip(streamed(norm, 5, 1), streamed(twin, 5, 1), strict=True):
        assert torch.equal(one, other)
    for name, value in norm.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name]), name


def test_looking_changes_nothing_and_sees_what_normalizes():
    torch.manual_seed(0)
    norm = KalmanNorm(3, gain="adaptive", micro_batch=2)
    streamed(norm, 5)
    before = copy.deepcopy(norm.state_dict())
    x = torch.randn(8, 3, 4, 4)
    seen, prior, posterior, *gains = norm.estimate(x)
    assert all(torch.equal(v, before[k]) for k, v in norm.state_dict().items())
    assert_close(posterior, norm.blend(prior, seen, *gains))
    y, used = norm.filter(x, None)
    assert_close(used, posterior)
    assert_close(y, normalize(x, *posterior, norm.weight, norm.bias, norm.eps))


def test_evaluation_moves_nothing():
    norm = KalmanNorm(3, gain="adaptive", micro_batch=2)
    streamed(norm, 3)
    before = copy.deepcopy(norm.state_dict())
    norm.eval()(torch.randn(8, 3, 4, 4))
    assert all(torch.equal(v, before[k]) for k, v in norm.state_dict().items())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_prior_that_is_not_finite_leaves_no_trace(bad):
    torch.manual_seed(0)
    norm = KalmanNorm(3, gain="adaptive", micro_batch=2)
    streamed(norm, 3)
    prior = Belief(torch.zeros(4, 3), torch.ones(4, 3))
    prior.var[0, 1] = bad
    x = torch.randn(8, 3, 4, 4).requires_grad_()
    y, _ = norm(x, prior)
    y.square().sum().backward()
    assert_close(y, normalize(x, *moments(x, 2), None, None, norm.eps))
    assert x.grad.isfinite().all()
    assert all(value.isfinite().all() for value in norm.state_dict().values())


def test_mixed_precision_keeps_its_averages_in_float32():
    norm = KalmanNorm(16, gain="adaptive", micro_batch=2)
    layer = torch.nn.Conv2d(3, 16, 3)
    for _ in range(4):
        with torch.autocast("cpu", torch.bfloat16):
            y, belief = norm(layer(torch.randn(8, 3, 6, 6)))
        assert y.dtype == torch.bfloat16
        assert belief.mean.dtype == torch.float32
        y.float().square().sum().backward()
    assert all(v.dtype != torch.bfloat16 for v in norm.state_dict().values())
    assert norm.weighing.slopes.isfinite().all()


def test_what_is_refused():
    with pytest.raises(ValueError, match="rate must be a number above 0 and at most 1, got 0"):
        AdaptiveGain(3, 0)
    with pytest.raises(ValueError, match=r"gain is adaptive.*cannot be set to 0.5"):
        KalmanNorm(3, gain="adaptive").gain = 0.5
    with pytest.raises(ValueError, match=r"gain must be .*'learned' or 'adaptive', got 'clever'"):
        KalmanNorm(3, gain="clever")
    with pytest.raises(ValueError, match="gain"):
        bkn.build_norm("group_kalman", 8, gain="adaptive")


def test_a_dead_channel_does_not_disturb_the_others():
    torch.manual_seed(0)
    norm = KalmanNorm(3, gain="adaptive", micro_batch=2)
    for _ in range(30):
        x = torch.randn(32, 3, 4, 4)
        x[:, 1] = 0.7
        y, _ = norm(x)
        assert y.isfinite().all()
    estimate = norm.estimate(x)
    assert estimate.gain[0] < 0.5
    assert (estimate.posterior.var[:, 0] - 1).abs().mean() < 0.2


def test_the_averages_of_gradients_begin_with_the_first_blend():
    """Batch norm's own gradients, large with few values, would act long after they ended."""
    norm = KalmanNorm(3, gain="adaptive", micro_batch=2)
    streamed(norm, 2)
    assert not norm.weighing.slopes.any()
    streamed(norm, 1)
    assert norm.weighing.slopes.abs().min() > 0


def test_an_outlier_in_one_channel_is_soon_forgotten():
    torch.manual_seed(0)
    norm = KalmanNorm(4, gain="adaptive", micro_batch=2)
    for step in range(60):
        x = torch.randn(64, 4, 4, 4)
        if step == 40:
            x[:, 0] *= 1000
        y, _ = norm(x)
        if step == 45:
            assert 0.5 < float(y[:, 0].std()) < 2
    assert 0.8 < float(y[:, 0].std()) < 1.2


@pytest.mark.parametrize("scale", [1e10, 1e15])
def test_a_step_beyond_all_scales_leaves_no_infinity_behind(scale):
    torch.manual_seed(0)
    norm = KalmanNorm(4, gain="adaptive", micro_batch=2)
    for step in range(80):
        y, _ = norm(torch.randn(16, 4, 4, 4) * (scale if step == 10 else 1))
        assert y.isfinite().all()
    assert all(buffer.isfinite().all() for buffer in norm.buffers())
    assert 0.8 < float(y.std()) < 1.2
