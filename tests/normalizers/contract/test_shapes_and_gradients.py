"""Every method: what goes in, what comes out, what flows back, what is refused."""

import pytest
import torch

from bkn.catalog import METHODS
from tests.normalizers.contract.subjects import (
    CHANNELS,
    SHAPES,
    Snapshot,
    every_batch_method,
    every_method,
    make,
    make_prior,
    make_x,
    run,
    seasoned,
    those,
)

DEFINED = [
    pytest.param(key, shape, id=f"{key}-{name}")
    for key, card in METHODS.items()
    for name, shape in SHAPES.items()
    if name != "vectors" or not card.needs_space  # those have a test of their own below
]
# One direction of all is checked; its default tolerance would let 9 % of a term pass.
CLOSE = {"fast_mode": True, "atol": 1e-8, "rtol": 1e-4}


def assert_sound_forward_and_gradient(norm, x, prior, exact):
    """Shape and type; the gradient is that of the forward pass, or at least finite."""
    back = Snapshot(norm)
    y = run(norm, x, prior)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert y.isfinite().all()
    inputs = (x, *norm.parameters())

    def again(*_):
        back.restore()
        return run(norm, x, prior)

    if exact:
        assert torch.autograd.gradcheck(again, inputs, **CLOSE)
    gradients = torch.autograd.grad(again().square().sum(), inputs, allow_unused=True)
    assert gradients[0].abs().max() > 0
    assert all(g is None or g.isfinite().all() for g in gradients)


@pytest.mark.parametrize(("key", "shape"), DEFINED)
def test_forward_and_gradient(key, shape):
    norm, x = make(key), make_x(shape).requires_grad_()
    assert_sound_forward_and_gradient(norm, x, None, METHODS[key].exact_gradient)


@pytest.mark.parametrize(("key", "shape"), DEFINED)
def test_forward_and_gradient_of_an_inner_layer(key, shape):
    norm, x = make(key), make_x(shape).requires_grad_()
    prior = make_prior(norm, x.detach())
    assert (prior is not None) == METHODS[key].uses_prior
    if prior is not None:
        assert_sound_forward_and_gradient(norm, x, prior, METHODS[key].exact_gradient)


@every_method
def test_forward_and_gradient_with_a_past(key):
    norm, x = seasoned(key), make_x().requires_grad_()
    assert_sound_forward_and_gradient(norm, x, None, METHODS[key].exact_gradient)


@every_method
def test_evaluation_has_a_gradient_too(key):
    norm, x = seasoned(key).eval(), make_x().requires_grad_()
    assert torch.autograd.gradcheck(lambda t: norm(t)[0], x, **CLOSE)


@those(lambda card: card.needs_space)
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1, 1)], ids=["vectors", "one place"])
def test_methods_that_need_space_say_so(key, shape):
    with pytest.raises(ValueError, match="height and width"):
        make(key)(make_x(shape))


@every_method
@pytest.mark.parametrize("past", [False, True], ids=["fresh", "with a past"])
def test_constant_input_gives_finite_gradients(key, past):
    norm = seasoned(key) if past else make(key)
    x = torch.full(SHAPES["maps"], 3.0).double().requires_grad_()
    y, _ = norm(x)
    (y * make_x(y.shape)).sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in norm.parameters())


@those(lambda card: card.uses_prior)
def test_constant_input_with_a_prior_gives_finite_gradients(key):
    norm = make(key)
    x = torch.full(SHAPES["maps"], 3.0).double().requires_grad_()
    y, _ = norm(x, make_prior(norm, x.detach()))
    (y * make_x(y.shape)).sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()


@every_method
@pytest.mark.parametrize("training", [True, False])
def test_a_single_image_with_space_is_fine(key, training):
    norm = make(key, micro_batch=None).train(training)
    assert norm(make_x((1, CHANNELS, 3, 2)))[0].isfinite().all()


@those(lambda card: card.batch_statistics and card.estimates)
@pytest.mark.parametrize("shape", [(4, 8), (4, 8, 1, 1)], ids=["vectors", "one place"])
def test_a_single_value_per_statistic_is_refused(key, shape):
    shares = METHODS[key].shares
    if "channels" in shares or "channel group" in shares:
        assert make(key, micro_batch=1)(make_x(shape))[0].isfinite().all()
        return
    with pytest.raises(ValueError, match="more than one value per statistic"):
        make(key, micro_batch=1)(make_x(shape))


@every_batch_method
def test_a_micro_batch_that_does_not_divide_the_batch_is_refused(key):
    with pytest.raises(ValueError, match="micro_batch must divide the batch of 6, got 4"):
        make(key, micro_batch=4)(make_x((6, CHANNELS, 3, 2)))


@every_method
@pytest.mark.parametrize("training", [True, False])
def test_wrong_channels_are_refused(key, training):
    with pytest.raises(ValueError, match=r"expects \(N, 8, \.\.\.\), got \(4, 5, 3, 2\)"):
        make(key).train(training)(make_x((4, 5, 3, 2)))
