"""Every method: which images see which, in training and in evaluation."""

import pytest
import torch
from torch.testing import assert_close

from bkn.catalog import METHODS
from tests.normalizers.contract.subjects import (
    CHANNELS,
    Snapshot,
    assert_same_buffers,
    buffers,
    every_batch_method,
    every_method,
    make,
    make_prior,
    make_x,
    run,
    seasoned,
    those,
)

SIX = (6, CHANNELS, 3, 2)  # three micro-batches
FACES = torch.linspace(-1, 1, CHANNELS * 6).view(CHANNELS, 3, 2)  # weights of one image's output


@every_method
def test_evaluation_ignores_batch_and_random_streams_and_changes_nothing(key):
    norm = seasoned(key).eval()
    before = buffers(norm)
    x = make_x((5, CHANNELS, 3, 2), seed=2)
    torch.manual_seed(1)
    whole, _ = norm(x)
    state = torch.get_rng_state()
    for i in range(5):
        assert_close(norm(x[i : i + 1])[0], whole[i : i + 1])
    assert torch.equal(norm(x)[0], whole)
    assert torch.equal(torch.get_rng_state(), state)
    assert_same_buffers(norm, before)


@every_method
def test_evaluation_takes_any_number_of_images(key):
    """Micro-batches are of no consequence there: 5 images, statistics of 2 in training."""
    norm, x = make(key).eval(), make_x((5, CHANNELS, 3, 2))
    expected = norm(x)[0]
    norm.micro_batch = 4
    assert torch.equal(norm(x)[0], expected)


@those(lambda card: not card.batch_statistics)
@pytest.mark.parametrize("inner", [False, True], ids=["first layer", "inner layer"])
def test_images_do_not_see_each_other(key, inner, no_dropout):
    norm, x = make(key), make_x().requires_grad_()
    prior = make_prior(norm, x.detach()) if inner else None
    y = run(norm, x, prior)
    (y[0] * FACES).sum().backward()
    assert x.grad[0].abs().max() > 0
    assert x.grad[1:].abs().max() == 0
    first = None if prior is None else type(prior)(*(value[:1] for value in prior))
    assert_close(run(norm, x[:1], first), y[:1])


@those(lambda card: not card.batch_statistics and not card.remembers)
def test_training_is_evaluation_where_no_batch_counts(key, no_dropout):
    norm, x = seasoned(key), make_x()
    assert_close(run(norm, x), norm.eval()(x)[0])


@every_batch_method
@pytest.mark.parametrize("past", [False, True], ids=["fresh", "with a past"])
def test_micro_batches_do_not_see_each_other(key, past):
    """Other images and another loss in the second one: nothing changes for the first and third.

    An exact gradient is zero there; one that is replaced may bring something from the past.
    """
    norm = seasoned(key) if past else make(key)
    back, x = Snapshot(norm), make_x(SIX)
    other = make_x(SIX, seed=3)
    other[[0, 1, 4, 5]] = x[[0, 1, 4, 5]]
    results = []
    for given, scale in ((x, 1.0), (other, -3.0)):
        back.restore()
        given.requires_grad_()
        y = run(norm, given)
        (scale * y[2:4].square().sum()).backward()
        assert given.grad[2].abs().max() > 0
        results.append((y[:2], y[4:], given.grad[:2], given.grad[4:]))
    assert_close(results[0], results[1])
    if METHODS[key].exact_gradient:
        assert results[0][2].abs().max() == results[0][3].abs().max() == 0


@every_batch_method
@pytest.mark.parametrize("past", [False, True], ids=["fresh", "with a past"])
def test_gradients_flow_between_images_of_one_micro_batch(key, past):
    norm, x = seasoned(key) if past else make(key), make_x(SIX).requires_grad_()
    (run(norm, x)[2] * FACES).sum().backward()
    assert x.grad[3].abs().max() > 1e-4


@every_batch_method
def test_images_of_one_micro_batch_see_each_other(key):
    norm, x = make(key), make_x(SIX)
    back, y = Snapshot(norm), run(norm, x)
    back.restore()
    other = x.clone()
    other[3] = 2 * other[3] + 1
    assert (run(norm, other)[2] - y[2]).abs().max() > 1e-2


@every_batch_method
def test_swapping_micro_batches_permutes_and_mixing_them_does_not(key, no_dropout):
    norm, x = make(key), make_x(SIX)
    back = Snapshot(norm)

    def after(order):
        back.restore()
        return run(norm, x[order])

    y = after([0, 1, 2, 3, 4, 5])
    assert_close(after([2, 3, 0, 1, 4, 5]), y[[2, 3, 0, 1, 4, 5]])
    assert_close(after([1, 0, 2, 3, 5, 4]), y[[1, 0, 2, 3, 5, 4]])
    mixed = after([2, 1, 0, 3, 4, 5])
    assert not torch.allclose(mixed, y[[2, 1, 0, 3, 4, 5]], atol=1e-3)


@every_batch_method
def test_one_micro_batch_is_the_whole_batch(key, no_dropout):
    """With the same state and images, m = N and m = None are the same."""
    one, two = make(key, micro_batch=4), make(key, micro_batch=None)
    assert torch.equal(run(one, make_x()), run(two, make_x()))
