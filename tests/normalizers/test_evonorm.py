"""EvoNorm-S0 against timm and by hand, its groups, and where it is only affine."""

import pytest
import torch
from timm.layers.evo_norm import EvoNorm2dS0
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.nets.binary_convnet import BinaryConvNet
from bkn.normalizers.build import build_norm
from bkn.normalizers.evonorm import EvoNormS0, groups_for
from bkn.surgery.convert import convert
from tests.normalizers.placed import assert_takes_the_place_of_batch_norm, in_networks

X = torch.randn(4, 12, 3, 5, generator=torch.Generator().manual_seed(0)).double() * 2 + 1


def make(activation=None, groups=4):
    """A layer with random parameters, behind which this activation was."""
    norm = EvoNormS0(12, groups=groups)
    norm.take_activation(activation)
    torch.manual_seed(0)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


@pytest.mark.parametrize("activation", [nn.ReLU(), None], ids=["activation", "none"])
def test_it_is_timms_with_its_gradient(activation):
    ours = make(activation)
    timms = EvoNorm2dS0(12, groups=4, apply_act=activation is not None).double()
    timms.load_state_dict(ours.state_dict())
    a, b = X.clone().requires_grad_(), X.clone().requires_grad_()
    tolerance = {"atol": 1e-6, "rtol": 1e-5}  # timm takes the deviation in float32
    y, expected = ours(a)[0], timms(b)
    assert_close(y, expected, **tolerance)
    (y * X.cos()).sum().backward()
    (expected * X.cos()).sum().backward()
    assert_close(a.grad, b.grad, **tolerance)
    for name, parameter in timms.named_parameters():
        assert_close(ours.get_parameter(name).grad, parameter.grad, **tolerance)


def test_by_hand_with_gradients():
    norm, x = make(nn.ReLU()), X.clone().requires_grad_()
    w, b, v = (p.view(12, 1, 1) for p in (norm.weight, norm.bias, norm.v))
    images = []
    for image in x:
        parts = []
        for part in image.split(3):  # 12 channels in 4 groups
            centred = part - part.mean()
            parts.append(part / ((centred * centred).sum() / part.numel() + 1e-5) ** 0.5)
        images.append(w * torch.cat(parts) / (1 + torch.exp(-v * image)) + b)
    expected, y = torch.stack(images), norm(x)[0]
    assert_close(y, expected)
    inputs, weights = (x, norm.weight, norm.bias, norm.v), torch.randn_like(X)
    ours, theirs = (torch.autograd.grad((out * weights).sum(), inputs) for out in (y, expected))
    assert_close(ours, theirs)


def test_without_a_bend_it_is_half_the_input_over_the_deviation():
    norm = make(nn.ReLU(), groups=1)
    nn.init.zeros_(norm.v)
    std = X.var((1, 2, 3), correction=0, keepdim=True).add(1e-5).sqrt()
    w, b = norm.weight.view(12, 1, 1), norm.bias.view(12, 1, 1)
    assert_close(norm(X)[0], w * X / (2 * std) + b)


@pytest.mark.parametrize(
    ("channels", "wanted", "groups"),
    [(64, 32, 32), (64, 8, 8), (72, 32, 24), (20, 8, 5), (16, 8, 8), (8, 8, 4), (7, 8, 1),
     (6, 8, 3), (2, 8, 1), (1, 8, 1)],
)  # fmt: skip
def test_groups_are_lowered_until_they_divide_into_two_or_more(channels, wanted, groups):
    assert groups_for(channels, wanted) == groups
    assert EvoNormS0(channels, groups=wanted).groups == groups


def test_vectors_are_maps_of_one_place():
    norm, x = make(nn.ReLU()), X[:, :, 0, 0]
    assert_close(norm(x)[0], norm(x.view(4, 12, 1, 1))[0].view(4, 12))


def test_a_single_value_in_a_group_is_refused():
    with pytest.raises(ValueError, match=r"more than one value per group.*\(4, 1\) with 1 groups"):
        EvoNormS0(1)(torch.randn(4, 1))
    assert EvoNormS0(1)(torch.randn(4, 1, 2, 2))[0].isfinite().all()


def test_groups_must_be_positive():
    with pytest.raises(ValueError, match="groups must be at least 1, got 0"):
        EvoNormS0(4, groups=0)


def test_a_constant_image_explodes_as_far_as_eps_lets_it():
    y = build_norm("evonorm_s0", 8)(torch.full((1, 8, 2, 2), 3.0))[0]
    expected = 3 / (1 + torch.exp(torch.tensor(-3.0))) / 1e-5**0.5
    assert_close(y, expected.expand(1, 8, 2, 2))


def test_neither_scale_nor_shift_is_lost():
    norm = make(nn.ReLU())
    assert (norm(3 * X)[0] - norm(X)[0]).abs().max() > 0.1
    assert (norm(X + 1)[0] - norm(X)[0]).abs().max() > 0.1


@in_networks
def test_in_networks(net):
    assert_takes_the_place_of_batch_norm(net, "evonorm_s0", EvoNormS0)


def test_a_network_without_activations_behind_its_norms_is_refused():
    with pytest.raises(ValueError, match="nothing would be normalized"):
        convert(BinaryConvNet(1, (8, 8), 10), "evonorm_s0")
    with pytest.raises(ValueError, match="nothing would be normalized"):
        convert(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)), "evonorm_s0")


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="evonorm_s0", micro_batch=64, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4
