"""Adaptive gradient clipping, against timm's and by its promises."""

import copy

import pytest
import torch
import torch.nn.functional as F
from timm.utils.agc import adaptive_clip_grad
from torch import nn
from torch.testing import assert_close

from bkn import Hooks, convert
from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.clipping import clip, unit_norms

SHAPES = {"conv": (4, 3, 2, 2), "linear": (4, 3), "vector": (5,), "number": ()}
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def made_up(shape, size=1.0):
    torch.manual_seed(0)
    parameter = nn.Parameter(size * torch.randn(shape).double())
    parameter.grad = torch.randn(shape).double()
    return parameter


@every_shape
@pytest.mark.parametrize("size", [1.0, 1e-5, 0.0, 100.0])
@pytest.mark.parametrize("limit", [0.01, 0.3])
def test_it_is_timms(shape, size, limit):
    ours, theirs = made_up(shape, size), made_up(shape, size)
    clip(ours, limit)
    adaptive_clip_grad(theirs, limit)
    assert_close(ours.grad, theirs.grad)


@every_shape
def test_units_are_filters_and_rows(shape):
    parameter = made_up(shape)
    limit = 0.5
    before = parameter.grad.clone()
    clip(parameter, limit)
    ratio = unit_norms(parameter.grad) / unit_norms(parameter)
    assert ratio.max() <= limit + 1e-12
    kept = parameter.grad / before  # one positive factor per unit: the direction stays
    flat = kept.flatten(1) if kept.dim() > 1 else kept.reshape(1, -1)
    assert_close(flat, flat[:, :1].expand_as(flat))
    assert flat.min() > 0
    assert flat.max() <= 1


def test_what_is_below_the_limit_is_untouched():
    parameter = made_up((4, 3))
    before = parameter.grad.clone()
    clip(parameter, 1000.0)
    assert torch.equal(parameter.grad, before)
    clip(parameter, 0.0)
    assert torch.equal(parameter.grad, before)
    parameter.grad = None
    clip(parameter, 0.1)
    assert parameter.grad is None


def test_zeros_can_change():
    parameter = made_up((4, 3), size=0.0)
    clip(parameter, 0.1)
    assert_close(unit_norms(parameter.grad), torch.full((4, 1), 1e-4).double())


@pytest.mark.parametrize("net", [ConvNet, ResNet])
def test_all_but_the_classifier_is_clipped_before_the_step(net):
    torch.manual_seed(0)
    model = convert(net(1, (8, 8), 10), "norm_free", clipping=1e-3, skip_gain=0.5)
    (1e4 * F.cross_entropy(model(torch.randn(4, 1, 8, 8)), torch.arange(4))).backward()
    twin = copy.deepcopy(model)
    for mine, its in zip(twin.parameters(), model.parameters(), strict=True):
        mine.grad = its.grad.clone()
    Hooks(model).before_step()
    classifier = set(model.classify.parameters())
    for parameter, before in zip(model.parameters(), twin.parameters(), strict=True):
        if parameter in classifier:
            assert torch.equal(parameter.grad, before.grad)
        else:
            adaptive_clip_grad(before, 1e-3)
            assert_close(parameter.grad, before.grad)
            assert (unit_norms(parameter.grad) > 0).any()
