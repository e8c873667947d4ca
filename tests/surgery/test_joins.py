"""Residual sums of traced networks: where a branch leaves the stream and comes back."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from bkn.nets.binary_convnet import BinaryConvNet
from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.surgery.joins import between, joins
from bkn.surgery.network import Network


def names(nodes):
    return [node.name for node in nodes]


def test_a_preactivation_network():
    """The fork is the stream itself, in front of the branch's norm."""
    network = Network(ResNet(1, (8, 8), 10))
    found = joins(network)
    assert len(found) == 3
    assert [str(join.branch.target) for join in found] == [f"block{i}.conv1" for i in (1, 2, 3)]
    assert found[0].fork.target is F.relu  # the stem's end
    assert [join.fork for join in found[1:]] == [join.node for join in found[:2]]
    assert [str(join.entries[0].target) for join in found] == [
        "block1.conv0", "block2.norm0", "block3.norm0"
    ]  # fmt: skip
    assert found[0].shortcut is found[0].fork
    assert found[1].shortcut.target is F.pad
    assert not any(join.projects for join in found)


def test_a_network_that_activates_after_the_sum():
    network = Network(torchvision.models.resnet18(num_classes=10))
    found = joins(network)
    assert len(found) == 8
    assert [join.projects for join in found] == [False, False, *[True, False] * 3]
    assert str(found[0].fork.target) == "maxpool"
    assert all(str(join.fork.target).endswith("relu") for join in found[1:])
    projected = found[2]
    assert str(projected.branch.target) == "layer2.0.bn2"
    assert str(projected.shortcut.target) == "layer2.0.downsample.1"
    assert [str(node.target) for node in projected.entries] == ["layer2.0.conv1"]


def test_shortcuts_without_weights_around_every_layer():
    found = joins(Network(BinaryConvNet(1, (8, 8), 10)))
    assert len(found) == 5
    assert [str(join.branch.target) for join in found] == [f"layer{i}.norm" for i in range(1, 6)]
    assert all(str(join.entries[0].target).endswith("sign") for join in found)
    assert not any(join.projects for join in found)


class Sums(nn.Module):
    """Sums that are no residual branches, and one written the other way round."""

    def __init__(self):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        x = self.norm(x) + 1
        x = torch.relu(x) + torch.tanh(x)
        y = x.sigmoid()
        return torch.add(y, self.conv(torch.relu(y)))


def test_a_branch_has_weights_and_may_stand_on_either_side():
    (join,) = joins(Network(Sums()))
    assert join.node.target is torch.add
    assert str(join.branch.target) == "conv"
    assert join.shortcut is join.fork
    assert names(join.entries) == ["relu_1"]


class TwoInputs(nn.Module):
    """A sum of what has nothing in common."""

    def __init__(self):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x, z):
        return self.norm(self.conv(x)) + z


def test_sums_without_a_fork_and_networks_without_sums_have_none():
    assert joins(Network(TwoInputs())) == []
    assert joins(Network(ConvNet(1, (8, 8), 10))) == []


@pytest.mark.parametrize("end", ["fork", "branch"])
def test_between(end):
    network = Network(ResNet(1, (8, 8), 10))
    join = joins(network)[1]
    found = between(join.fork, getattr(join, end))
    order = [node.name for node in network.graph.nodes if node in found]
    expected = ["block2_norm0", "relu_2", "block2_conv0", "block2_norm1", "relu_3", "block2_conv1"]
    assert order == ([] if end == "fork" else expected)
