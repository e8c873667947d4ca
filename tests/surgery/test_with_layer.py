"""Which normalizers watch the layer in front of them, and what they are given."""

import copy

import pytest
import torch
from torch import nn

from bkn.nets.convnet import ConvNet
from bkn.nets.mlp import MLP
from bkn.nets.resnet import ResNet
from bkn.surgery.convert import convert, norm_layers

X = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def given(model, x):
    """Number of extra arguments by label, and whether y = layer(source) has these weights."""
    seen = {}
    for label, norm in norm_layers(model).items():
        norm.register_forward_pre_hook(
            lambda module, args, label=label: seen.update({label: args[1:]})
        )
    model(x)
    return seen


def test_a_layer_directly_in_front_is_watched():
    model = convert(ConvNet(1, (8, 8), 10, depth=3), "cross_iteration", micro_batch=2)
    sources = {}
    for i in (1, 2, 3):
        conv = model.get_submodule(f"layer{i}.conv")
        conv.register_forward_pre_hook(lambda m, args, i=i: sources.update({f"layer{i}": args[0]}))
    for label, (prior, source, weight) in given(model, X).items():
        assert prior is None
        assert torch.equal(source, sources[label])
        assert weight is model.get_submodule(f"{label}.conv").weight


def test_residual_sums_are_not():
    model = convert(ResNet(1, (8, 8), 10), "cross_iteration", micro_batch=2)
    watching = {label for label, args in given(model, X).items() if args}
    assert watching == {"stem", "block1.norm1", "block2.norm1", "block3.norm1"}


def test_linear_layers_are_watched():
    model = convert(MLP(1, (8, 8), 10, depth=2), "cross_iteration", micro_batch=2)
    assert all(args[1].shape[1] == args[2].shape[1] for args in given(model, X).values())


class Shared(nn.Module):
    """One layer called twice, with a norm of its own each time, and one whose output is used."""

    def __init__(self):
        super().__init__()
        self.conv, self.other = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)
        self.norm0, self.norm1, self.norm2 = (nn.BatchNorm2d(1) for _ in range(3))

    def forward(self, x):
        x = self.norm1(self.conv(self.norm0(self.conv(x))))
        x = self.other(x)
        return self.norm2(x) + x


def test_layers_with_other_users_are_not():
    assert not any(given(convert(Shared(), "cross_iteration", micro_batch=2), X).values())


@pytest.mark.parametrize("network", [ConvNet, ResNet, MLP])
def test_a_copy_has_its_own_weights(network):
    model = convert(network(1, (8, 8), 10), "cross_iteration", micro_batch=2)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    for args in given(twin, X).values():
        if args:
            assert args[2].abs().max() > 0
