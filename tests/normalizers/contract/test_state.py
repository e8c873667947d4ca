"""Every method: what it keeps from batch to batch, and that all of it travels."""

import copy

import pytest
import torch
from torch.testing import assert_close

from bkn.catalog import METHODS
from bkn.normalizers.base import BatchStatistics
from bkn.normalizers.build import build_norm
from tests.normalizers.contract.subjects import (
    CHANNELS,
    STEPS,
    Snapshot,
    assert_same_buffers,
    batches,
    buffers,
    every_method,
    make,
    make_prior,
    make_x,
    run,
    seasoned,
    those,
    train,
)

STOPS = (1, 5, 12, 18)  # steps after which a layer is saved; schedules and windows lie between


def fresh(key):
    return build_norm(key, CHANNELS, micro_batch=2).double()


def loaded(key, norm):
    """A new layer that was never told a plan: all of that is in the state."""
    twin = fresh(key)
    twin.load_state_dict(norm.state_dict())
    return twin


@every_method
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("way", ["state_dict", "deepcopy"])
def test_a_saved_layer_goes_on_as_if_nothing_had_happened(key, stop, way):
    norm, xs = make(key), batches(STEPS)
    norm.plan(STEPS)
    train(norm, xs[:stop])
    twin = loaded(key, norm) if way == "state_dict" else copy.deepcopy(norm)
    assert_same_buffers(twin, buffers(norm))
    ours, theirs = train(norm, xs[stop:]), train(twin, xs[stop:])
    for step, (one, other) in enumerate(zip(ours, theirs, strict=True), stop):
        assert torch.equal(one, other), f"step {step}"
    assert_same_buffers(twin, buffers(norm))
    x = make_x(seed=3)
    assert torch.equal(run(norm.eval(), x), run(twin.eval(), x))


@every_method
def test_a_layer_that_went_on_can_be_put_back(key):
    """Loading an earlier state into a layer with a longer past gives that state exactly."""
    norm, xs = make(key), batches(STEPS)
    norm.plan(STEPS)
    train(norm, xs[:3])
    saved = copy.deepcopy(norm.state_dict())
    first = train(norm, xs[3:])
    norm.load_state_dict(saved)
    for one, other in zip(train(norm, xs[3:]), first, strict=True):
        assert torch.equal(one, other)


@every_method
@pytest.mark.parametrize("stop", STOPS)
def test_planning_again_after_loading_goes_on_in_the_middle_of_the_schedule(key, stop):
    norm, xs = make(key), batches(STEPS)
    norm.plan(STEPS)
    train(norm, xs[:stop])
    twin = loaded(key, norm)
    twin.plan(STEPS)  # as a script does that builds, loads, and then trains on
    assert_same_buffers(twin, buffers(norm))
    for one, other in zip(train(norm, xs[stop:]), train(twin, xs[stop:]), strict=True):
        assert torch.equal(one, other)


@every_method
@pytest.mark.parametrize("plan", [3, 40, None], ids=["short", "long", "none"])
def test_any_plan_will_do(key, plan):
    """Fewer steps than planned, more than planned, or no plan at all."""
    norm = make(key)
    if plan is not None:
        norm.plan(plan)
    assert all(y.isfinite().all() for y in train(norm, batches(6)))


@every_method
def test_training_depends_on_the_past_as_the_card_says(key):
    """Two layers see one different batch, then the same ones."""
    norm = seasoned(key)
    outputs = []
    for seed in (50, 51):
        one = copy.deepcopy(norm)
        train(one, batches(1, seed), lr=0.0)
        outputs.append(run(one, make_x()))
    if METHODS[key].remembers:
        assert (outputs[0] - outputs[1]).abs().max() > 1e-4
    else:
        assert torch.equal(outputs[0], outputs[1])


@every_method
def test_evaluation_in_between_changes_nothing(key):
    one, other, xs = make(key), make(key), batches(6)
    train(one, xs[:3])
    train(other, xs[:3])
    run(other.eval(), xs[4])
    other.train()
    for ours, theirs in zip(train(one, xs[3:]), train(other, xs[3:]), strict=True):
        assert torch.equal(ours, theirs)


@those(lambda card: card.estimates)
@pytest.mark.parametrize("inner", [False, True], ids=["first layer", "inner layer"])
@pytest.mark.parametrize("past", [False, True], ids=["fresh", "with a past"])
def test_the_estimate_changes_nothing_and_is_whole(key, inner, past):
    norm, x = seasoned(key) if past else make(key), make_x()
    assert isinstance(norm, BatchStatistics)
    prior = make_prior(norm, x) if inner else None
    before, random = buffers(norm), torch.get_rng_state()
    estimate = norm.estimate(x, prior)
    assert_same_buffers(norm, before)
    assert torch.equal(torch.get_rng_state(), random)
    assert estimate.gain.shape == (CHANNELS,)
    for belief in (estimate.seen, estimate.posterior):
        assert belief.mean.shape == belief.var.shape == (2, CHANNELS)
        assert (belief.var > 0).all()
    assert (estimate.prior is None) == (prior is None)


@those(lambda card: not card.estimates)
def test_only_cards_with_estimates_are_probed(key):
    assert not isinstance(fresh(key), BatchStatistics)


@those(lambda card: card.estimates)
@pytest.mark.parametrize("inner", [False, True], ids=["first layer", "inner layer"])
@pytest.mark.parametrize("past", [False, True], ids=["fresh", "with a past"])
def test_the_observation_is_the_sample_moments(key, inner, past):
    """Seen are mean and biased variance of what each micro-batch shows of each channel."""
    norm, x = seasoned(key) if past else make(key), make_x()
    prior = make_prior(norm, x) if inner else None
    seen = norm.estimate(x, prior).seen
    parts = x.view(2, 2, CHANNELS, 6).transpose(1, 2).flatten(2)
    assert_close(seen.mean, parts.mean(2))
    assert_close(seen.var, parts.var(2, correction=0))


@those(lambda card: card.estimates)
@pytest.mark.parametrize("inner", [False, True], ids=["first layer", "inner layer"])
@pytest.mark.parametrize("past", [False, True], ids=["fresh", "with a past"])
def test_the_posterior_is_what_normalizes(key, inner, past, no_dropout):
    """Evaluation by running averages that equal the posterior gives what training gave."""
    norm, x = seasoned(key) if past else make(key), make_x()
    back, prior = Snapshot(norm), make_prior(norm, x) if inner else None
    posterior = norm.estimate(x, prior).posterior
    y = run(norm, x, prior)
    norm.eval()
    for group in range(2):
        back.restore()
        norm.running_mean.copy_(posterior.mean[group])
        norm.running_var.copy_(posterior.var[group])
        images = slice(2 * group, 2 * group + 2)
        assert_close(norm(x[images])[0], y[images])
