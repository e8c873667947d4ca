"""Sampled beliefs: images through the operations, and the authors' shortcuts for moments."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from bkn.moments.carried import Moments, Sample, gaussian_images
from bkn.moments.joins import Add, Concat
from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Relu
from bkn.moments.pooling import AdaptivePool, AvgPool, MaxPool
from bkn.normalizers.base import Belief
from bkn.normalizers.kalman import KalmanNorm

BELIEF = Belief(torch.tensor([[0.3, -1.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.3], [0.0, 2.0]]))
X = torch.zeros(4, 2, 6, 5)  # two micro-batches of two images


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_image_goes_through_the_very_operations():
    weight = torch.randn(3, 2, 3, 3, generator=generator())
    steps = [
        (Relu(), ()),
        (Conv((1, 1), (1, 1), (1, 1)), (weight, None)),
        (MaxPool((2, 2), (2, 2), (0, 0), (1, 1)), ()),
    ]
    carried = Sample(BELIEF, generator(5))
    for step, weights in steps:
        carried = step(carried, X, *weights)
    draws = torch.randn(2, 2, 6, 5, generator=generator(5))
    image = BELIEF.mean[:, :, None, None] + (BELIEF.var + 1e-12).sqrt()[:, :, None, None] * draws
    expected = F.max_pool2d(F.conv2d(image.relu(), weight, padding=1), 2)
    prior = carried.belief()
    assert_close(prior.mean, expected.mean((2, 3)))
    assert_close(prior.var, expected.var((2, 3), correction=0))


def test_gradients_stay_finite_without_variance():
    var = torch.zeros(2, 2, requires_grad=True)
    carried = Relu()(Sample(Belief(BELIEF.mean, var), generator()), X)
    carried.belief().var.sum().backward()
    assert var.grad.isfinite().all()


def test_vectors_draw_a_micro_batch():
    carried = Relu()(Sample(BELIEF, generator()), torch.zeros(4, 2))
    assert carried.held.shape == (4, 2)
    weight = torch.randn(3, 2, generator=generator(1))
    draws = torch.randn(4, 2, generator=generator())
    images = gaussian_images(BELIEF, draws).relu() @ weight.T
    prior = Linear()(carried, torch.zeros(4, 2), weight, None).belief()
    assert_close(prior.var, images.view(2, 2, 3).var(1, correction=0))


def test_an_image_that_shrank_to_one_place_says_nothing():
    carried = Relu()(Sample(BELIEF, generator()), X)
    assert AdaptivePool((1, 1))(carried, X).belief() is None


def test_pooling_leaves_undrawn_moments_as_they_are():
    for pool in (AvgPool((2, 2), (2, 2), (0, 0)), AdaptivePool((2, 2))):
        assert_close(pool(Sample(BELIEF), X).belief(), BELIEF)
        assert (pool(Moments(*BELIEF), X).belief().var < BELIEF.var + 1e-9).all()


def test_a_join_adds_moments():
    image = Relu()(Sample(BELIEF, generator()), X)
    drawn = image.belief()
    total = Add()([image, Sample(BELIEF)], [X, X]).belief()
    assert_close(total, Belief(drawn.mean + BELIEF.mean, drawn.var + BELIEF.var))
    side = Concat(1)([image, Sample(BELIEF)], [X, X]).belief()
    assert_close(side.var, torch.cat([drawn.var, BELIEF.var], 1))
    assert Add()([image, AdaptivePool((1, 1))(image, X)], [X, X]) is None


def test_one_by_one_convolution_agrees_with_the_closed_form_on_average():
    torch.manual_seed(0)
    belief = Belief(BELIEF.mean.double(), BELIEF.var.double())
    weight = torch.randn(3, 2, 1, 1).double()
    x = torch.zeros(4, 2, 4, 4).double()
    operation = Conv((1, 1), (0, 0), (1, 1))
    exact = operation(Moments(*belief), x, weight, None).belief()
    draws = [operation(Sample(belief), x, weight, None).belief() for _ in range(4000)]
    mean = torch.stack([one.mean for one in draws]).mean(0)
    var = torch.stack([one.var for one in draws]).mean(0)
    assert_close(mean, exact.mean, atol=0.03, rtol=0)
    assert_close(var, exact.var * (1 - 1 / 16), atol=0.01, rtol=0.03)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_layer_draws_from_the_generator_it_was_handed(seed):
    norm = KalmanNorm(2, transition="sampled", generator=generator(seed))
    carried = Relu()(norm.transition(BELIEF), X)
    draws = torch.randn(2, 2, 6, 5, generator=generator(seed))
    assert torch.equal(carried.held, gaussian_images(BELIEF, draws).relu())


def test_a_copy_has_its_own_generator():
    norm = KalmanNorm(2, transition="sampled", generator=generator(3))
    twin = copy.deepcopy(norm)
    one, two = (Relu()(each.transition(BELIEF), X).held for each in (norm, twin))
    assert torch.equal(one, two)
