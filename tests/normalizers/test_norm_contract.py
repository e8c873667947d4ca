"""Every card keeps the contract of a normalizer; exact values have their own tests."""

import copy

import pytest
import torch
from torch.testing import assert_close

from bkn.catalog import METHODS
from bkn.normalizers.base import BatchStatistics, Belief
from bkn.normalizers.build import build_norm

SHAPES = {"vectors": (8, 6), "1d": (4, 6, 5), "maps": (4, 6, 3, 2), "volumes": (4, 6, 2, 1, 2)}
WITH_BATCH = [key for key, card in METHODS.items() if card.batch_statistics]
WITHOUT_BATCH = [key for key, card in METHODS.items() if not card.batch_statistics]

every_method = pytest.mark.parametrize("key", METHODS)
every_batch_method = pytest.mark.parametrize("key", WITH_BATCH)


def make(key, channels=6, micro_batch=2):
    """A normalizer with an affine part that is not the identity, in float64."""
    norm = build_norm(key, channels, micro_batch=micro_batch, **options(key))
    torch.manual_seed(1)
    for parameter in (norm.weight, norm.bias):
        torch.nn.init.normal_(parameter)
    return norm.double()


def options(key):
    return {"groups": 3} if key == "group" else {}


def make_prior(key, groups, channels=6):
    if not METHODS[key].uses_prior:
        return None
    mean = torch.linspace(-1, 1, groups * channels).double().view(groups, channels)
    return Belief(mean, mean.square() + 0.5)


def make_x(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


DEFINED = [
    pytest.param(key, shape, id=f"{key}-{name}")
    for key, card in METHODS.items()
    for name, shape in SHAPES.items()
    if name != "vectors" or not card.needs_space  # those have a test of their own below
]


@pytest.mark.parametrize(("key", "shape"), DEFINED)
@pytest.mark.parametrize("inner", [False, True], ids=["first layer", "inner layer"])
def test_forward_and_gradient(key, shape, inner):
    norm = make(key)
    prior = make_prior(key, shape[0] // 2) if inner else None
    x = make_x(shape).requires_grad_()
    y, _ = norm(x, prior)
    assert y.shape == x.shape
    assert y.isfinite().all()
    inputs = (x, *norm.parameters())
    assert torch.autograd.gradcheck(lambda *_: norm(x, prior)[0], inputs)


@pytest.mark.parametrize("key", [key for key in METHODS if METHODS[key].needs_space])
def test_methods_that_need_space_say_so(key):
    with pytest.raises(ValueError, match="height and width"):
        make(key)(make_x((8, 6)))


@every_method
def test_evaluation_ignores_batch_and_random_streams_and_changes_nothing(key):
    norm = make(key)
    norm(make_x((8, 6, 3, 2)), make_prior(key, 4))
    norm.eval()
    before = copy.deepcopy(norm.state_dict())
    x = make_x((5, 6, 3, 2), seed=2)
    whole, belief = norm(x)
    assert belief is None
    torch.manual_seed(77)
    for i in range(5):
        assert_close(norm(x[i : i + 1])[0], whole[i : i + 1])
    for name, value in norm.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("key", WITHOUT_BATCH)
def test_images_do_not_see_each_other(key):
    norm, x = make(key), make_x((4, 6, 3, 2)).requires_grad_()
    norm(x)[0][0].square().sum().backward()
    assert x.grad[0].abs().max() > 0
    assert x.grad[1:].abs().max() == 0
    assert_close(norm(x[:1])[0], norm(x)[0][:1])
    assert_close(norm.eval()(x)[0], norm.train()(x)[0])


@every_batch_method
def test_micro_batches_do_not_see_each_other(key):
    norm, x = make(key), make_x((6, 6, 3, 2)).requires_grad_()
    norm(x)[0][2:4].square().sum().backward()
    assert x.grad[:2].abs().max() == 0
    assert x.grad[4:].abs().max() == 0
    assert x.grad[2].abs().max() > 0
    weights = torch.linspace(-1, 1, 36).view(6, 3, 2)  # one image alone moves its neighbour
    x.grad = None
    (norm(x)[0][2] * weights).sum().backward()
    assert x.grad[3].abs().max() > 1e-3


@every_batch_method
def test_swapping_micro_batches_permutes_and_mixing_them_does_not(key):
    norm, x = make(key), make_x((6, 6, 3, 2))
    y = norm(x)[0]
    swapped = norm(x[[2, 3, 0, 1, 4, 5]])[0]
    assert_close(swapped, y[[2, 3, 0, 1, 4, 5]])
    mixed = norm(x[[2, 1, 0, 3, 4, 5]])[0]
    assert not torch.allclose(mixed, y[[2, 1, 0, 3, 4, 5]], atol=1e-3)


@every_method
@pytest.mark.parametrize("inner", [False, True], ids=["first layer", "inner layer"])
def test_constant_input_gives_finite_gradients(key, inner):
    norm = make(key)
    x = torch.full((4, 6, 3, 2), 3.0).double().requires_grad_()
    prior = make_prior(key, 2) if inner else None
    y, _ = norm(x, prior)
    (y * make_x(y.shape)).sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in norm.parameters())


@every_method
def test_a_single_image_with_space_is_fine(key):
    norm = make(key, micro_batch=None)
    assert norm(make_x((1, 6, 3, 2)))[0].isfinite().all()


@every_batch_method
@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1, 1)])
def test_a_single_value_per_statistic_is_refused(key, shape):
    with pytest.raises(ValueError, match="more than one value per statistic"):
        make(key, micro_batch=1)(make_x(shape))


@every_batch_method
def test_a_micro_batch_that_does_not_divide_the_batch_is_refused(key):
    with pytest.raises(ValueError, match="micro_batch must divide the batch of 6, got 4"):
        make(key, micro_batch=4)(make_x((6, 6, 3, 2)))


@every_method
@pytest.mark.parametrize("training", [True, False])
def test_wrong_channels_are_refused(key, training):
    with pytest.raises(ValueError, match=r"expects \(N, 6, \.\.\.\), got \(4, 5, 3, 2\)"):
        make(key).train(training)(make_x((4, 5, 3, 2)))


@every_method
def test_state_dict_round_trip_is_exact(key):
    norm = make(key)
    norm(make_x((8, 6, 3, 2)), make_prior(key, 4))
    twin = build_norm(key, 6, micro_batch=2, **options(key)).double()
    twin.load_state_dict(norm.state_dict())
    x = make_x((4, 6, 3, 2), seed=3)
    assert torch.equal(twin(x)[0], norm(x)[0])
    assert torch.equal(twin.eval()(x)[0], norm.eval()(x)[0])


@every_method
@pytest.mark.parametrize("training", [True, False])
def test_channels_last_gives_the_same_in_its_own_layout(key, training):
    norm, prior = make(key).train(training), make_prior(key, 2)
    x = make_x((4, 6, 3, 2))
    weights = make_x(x.shape, seed=4)
    grads = []
    for layout in (torch.contiguous_format, torch.channels_last):
        given = x.clone(memory_format=layout).requires_grad_()
        y = norm(given, prior)[0]
        (y * weights).sum().backward()
        assert y.is_contiguous(memory_format=layout) or key in ("group", "layer", "instance")
        grads.append((y.detach().contiguous(), given.grad.contiguous()))
    assert_close(grads[0], grads[1])


@every_method
@pytest.mark.parametrize("training", [True, False])
def test_half_precision_keeps_its_type_and_float32_statistics(key, training):
    norm = build_norm(key, 6, micro_batch=2, **options(key)).train(training)
    x = make_x((4, 6, 3, 2)).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y, belief = norm(x)
    y.float().square().sum().backward()
    assert y.dtype == x.grad.dtype == torch.bfloat16
    assert belief is None or belief.mean.dtype == torch.float32
    exact = norm(x.float())[0]
    assert_close(y.float(), exact, atol=0.03, rtol=0.02)
    if isinstance(norm, BatchStatistics):
        assert norm.running_mean.dtype == torch.float32


@every_method
def test_invariance_to_scale_and_shift(key):
    norm = make(key)
    norm.eps = 0.0
    x, prior = make_x((4, 6, 3, 2)), make_prior(key, 2)
    changed = norm(3 * x + 2, prior)[0]
    invariant = key not in ("none", "kalman")
    assert torch.allclose(changed, norm(x, prior)[0]) == invariant


@every_batch_method
def test_the_estimate_changes_nothing_and_agrees_with_the_forward_pass(key):
    norm, x = make(key), make_x((4, 6, 3, 2))
    prior = make_prior(key, 2)
    before = copy.deepcopy(norm.state_dict())
    estimate = norm.estimate(x, prior)
    for name, value in norm.state_dict().items():
        assert torch.equal(value, before[name])
    assert estimate.gain.shape == (6,)
    _, posterior = norm.filter(x, prior)
    assert_close(posterior, estimate.posterior)
