"""Rules of what moves numbers: the belief follows every channel to where it goes."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from bkn.moments.carried import Moments, Sample
from bkn.moments.operation import Arrive
from bkn.moments.shape import (
    Moved,
    Padded,
    Part,
    Permuted,
    Rearranged,
    channels_behind,
    flattened,
    viewed,
)
from bkn.normalizers.base import Belief
from tests.moments.gaussians import MEAN, PLACES, VAR, C, G, check, through

X = torch.zeros(2 * G, C, *PLACES)


def exchange(one, other):
    def order(axes):
        result = list(range(axes))
        result[one], result[other] = result[other], result[one]
        return result

    return Permuted(order)


FLATTEN = Rearranged(partial(flattened, start=1, end=-1))
RULES = {
    "flatten": (FLATTEN, ()),
    "flatten places": (Rearranged(partial(flattened, start=2, end=-1)), ()),
    "zeros around": (Padded((1, 2, 0, 3)), ()),
    "ones around": (Padded((1, 2, 0, 3), 1.0), ()),
    "cut off": (Padded((-1, 0, 2, -1), 1.0), ()),
    "channels around": (Padded((0, 0, 0, 0, 1, 2), 0.5), ()),
    "places and channels": (Padded((1, 1, 0, 0, 1, 2), 0.5), ()),
    "places exchanged": (exchange(-1, -2), ()),
    "slice of channels": (Part(lambda x, dim: x[(slice(None),) * dim + (slice(1, 3),)], 1), ()),
    "chunk of places": (Part(lambda x, dim: x.chunk(2, dim)[1], -1), ()),
    "reflected": (Moved(nn.ReflectionPad2d(1)), ()),
    "same": (Moved(), ()),
}


@pytest.mark.parametrize(("rule", "weights"), RULES.values(), ids=RULES)
def test_by_monte_carlo(rule, weights):
    check(rule, weights=weights, floor=2e-3)


@pytest.mark.parametrize(("rule", "weights"), RULES.values(), ids=RULES)
def test_without_variance_a_rule_is_the_operation(rule, weights):
    zero = torch.zeros_like(VAR)
    belief = rule(Moments(MEAN, zero), X.double(), *weights).belief()
    y = rule.real(MEAN[:, :, None, None].expand(G, C, *PLACES), *weights)
    y = y.reshape(*belief.mean.shape, -1)
    assert_close(belief.mean, y.mean(-1))
    assert_close(belief.var, y.var(-1, correction=0))


def shuffled(carried, x, groups):
    """The steps of a shuffle of channels, as networks write it."""
    n, c, h, w = x.shape
    steps = [
        (Rearranged(viewed), (n, groups, c // groups, h, w)),
        (exchange(1, 2), ()),
        (Moved(), ()),
        (Rearranged(viewed), (n, -1, h, w)),
    ]
    for rule, sizes in steps:
        carried = rule(carried, x, *sizes)
        x = rule.real(x, *sizes) if carried is not None else x
    return carried, x


@pytest.mark.parametrize("places", [(3, 2), (1, 1)])
@pytest.mark.parametrize("groups", [2, 3])
def test_a_shuffle_of_channels_is_followed_exactly(groups, places):
    channels = torch.arange(6.0)
    x = channels.view(1, 6, 1, 1).expand(4, 6, *places)
    belief = Belief(channels.repeat(2, 1), 10 + channels.repeat(2, 1))
    behind, y = shuffled(Moments(*belief), x, groups)
    assert torch.equal(y, nn.ChannelShuffle(groups)(x))
    assert torch.equal(Arrive()(behind).mean, y[:2, :, 0, 0])
    assert torch.equal(Arrive()(behind).var, 10 + y[:2, :, 0, 0])


def test_images_and_undrawn_moments_are_shuffled_too():
    torch.manual_seed(0)
    images = torch.randn(2, 6, 3, 2)
    x = torch.zeros(4, 6, 3, 2)
    drawn, _ = shuffled(Sample(images), x, 2)
    assert torch.equal(drawn.held, nn.ChannelShuffle(2)(images))
    belief = Belief(torch.randn(2, 6), torch.rand(2, 6))
    undrawn, _ = shuffled(Sample(belief), x, 2)
    expected, _ = shuffled(Moments(*belief), x, 2)
    assert_close(undrawn.belief(), expected.belief())


def test_half_way_the_moments_of_images_are_per_channel():
    torch.manual_seed(0)
    images = torch.randn(2, 6, 3, 2)
    half = Rearranged(viewed)(Sample(images), torch.zeros(4, 6, 3, 2), 4, 2, 3, 3, 2)
    assert half.axes == 2
    assert_close(half.belief().mean, images.mean((2, 3)).view(2, 2, 3))
    assert Arrive()(half) is None


@pytest.mark.parametrize(
    ("new", "channels"),
    [
        ((4, 72), (72,)),
        ((4, 3, 24), (3,)),
        ((4, 1, 3, 24), (1, 3)),
        ((4, 6, 12), (6,)),
        ((4, 24, 3), (24,)),
        ((4, 2, 36), (2, 36)),
        ((12, 24), None),
        ((4, 3, 6, 4), (3,)),
    ],
)
def test_which_axes_count_channels(new, channels):
    """In the old shape (4, 3, 6, 4), of 3 channels; every index is followed to its place."""
    assert channels_behind(1, (4, 3, 6, 4), new) == channels
    if channels is None:
        return
    index = torch.arange(3).view(1, 3, 1, 1).expand(4, 3, 6, 4)
    belief = Belief(torch.arange(3.0).repeat(2, 1), torch.ones(2, 3))
    behind = Rearranged(viewed)(Moments(*belief), index, *new).belief()
    y = index.reshape(new).float()[:2].reshape(2, *channels, -1)
    assert torch.equal(behind.mean, y[..., 0])
    assert (y == y[..., :1]).all()


def test_sizes_of_a_view():
    assert viewed(X, 4, -1) == [4, 72]
    assert viewed(X, X.shape) == list(X.shape)
    assert viewed(X, (-1, 3, 24)) == [4, 3, 24]
    assert viewed(torch.zeros(4, 3), 4, 3, 1, 1) == [4, 3, 1, 1]


@pytest.mark.parametrize(
    "rule",
    [
        Rearranged(lambda x: (2, 144)),
        exchange(0, 1),
        exchange(1, 2),
        Part(lambda x, dim: x[:2], 0),
        Padded((0,) * 8),
    ],
)
def test_what_mixes_images_or_channels_with_places_is_not_guessed(rule):
    with pytest.warns(UserWarning, match="does not know this use"):
        assert rule(Moments(MEAN, VAR), X) is None


def test_padding_of_undrawn_moments_is_per_micro_batch():
    padded = Padded((0, 0, 0, 0, 1, 1))(Sample(Belief(MEAN, VAR)), X).belief()
    assert_close(padded, Belief(*(F.pad(part, (1, 1)) for part in (MEAN, VAR))))


def test_a_flattened_belief_belongs_to_every_place():
    assert_close(through(FLATTEN, (2, 2)).mean, MEAN.repeat_interleave(4, 1))
