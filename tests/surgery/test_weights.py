"""Rewritten weights, in copies and checkpoints too; biases added and taken away."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from bkn.nets.convnet import ConvNet
from bkn.surgery.convert import convert
from bkn.surgery.network import Network
from bkn.surgery.weights import raw_weight, rewrite, with_bias, without_bias

X = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Scaled(nn.Module):
    """scale * weight, one scale per filter."""

    def __init__(self, filters):
        super().__init__()
        self.scale = nn.Parameter(torch.full((filters,), 2.0))

    def forward(self, weight):
        return weight * self.scale.view(-1, *(1,) * (weight.dim() - 1))


def rewritten(depth=2):
    torch.manual_seed(0)
    network = Network(ConvNet(1, (8, 8), 10, depth=depth))
    for node in network.weight_layers():
        layer = network.module(node)
        assert rewrite(network, node, Scaled(len(layer.weight))) is layer
    return network.finish()


def test_the_layer_uses_the_function_and_the_optimizer_the_raw_weight():
    model = rewritten()
    conv = model.layer1.conv
    assert torch.equal(conv.weight, 2 * raw_weight(conv))
    assert raw_weight(conv) in set(model.parameters())
    names = [name for name, _ in model.named_parameters() if name.startswith("layer1.conv")]
    assert names == [
        "layer1.conv.parametrizations.weight.original",
        "layer1.conv.parametrizations.weight.0.scale",
    ]
    model(X).square().sum().backward()
    assert raw_weight(conv).grad.abs().max() > 0
    assert conv.parametrizations.weight[0].scale.grad.abs().max() > 0


def test_copies_and_checkpoints_are_exact():
    model = rewritten()
    with torch.no_grad():
        model.layer1.conv.parametrizations.weight[0].scale.mul_(1.5)
    twin, other = copy.deepcopy(model), rewritten()
    other.load_state_dict(model.state_dict())
    assert torch.equal(twin(X), model(X))
    assert torch.equal(other(X), model(X))
    assert raw_weight(twin.layer1.conv) is not raw_weight(model.layer1.conv)


def test_a_plain_weight_is_its_own_raw_weight():
    conv = nn.Conv2d(1, 2, 3)
    assert raw_weight(conv) is conv.weight


@pytest.mark.parametrize("change", [False, True], ids=["plain", "rewritten"])
def test_biases(change):
    model = rewritten() if change else Network(ConvNet(1, (8, 8), 10, depth=2)).finish()
    conv, classify = model.layer1.conv, model.classify
    conv.to(torch.float64)
    with_bias(conv)
    assert conv.bias.tolist() == [0.0] * 16
    assert conv.bias.dtype == torch.float64
    before = classify.bias
    with_bias(classify)
    assert classify.bias is before
    without_bias(classify)
    assert classify.bias is None
    assert all(name != "classify.bias" for name, _ in model.named_parameters())


def test_a_node_without_a_layer_is_refused():
    network = Network(ConvNet(1, (8, 8), 10))
    with pytest.raises(ValueError, match="calls no layer with a weight"):
        rewrite(network, next(iter(network.graph.nodes)), Scaled(1))


def test_predictions_see_the_rewritten_weight():
    """A prior is made from the weights in use, not from the raw ones."""
    torch.manual_seed(0)
    net = ConvNet(1, (8, 8), 10, depth=2)
    twin = copy.deepcopy(net)
    nn.utils.parametrize.register_parametrization(twin.layer2.conv, "weight", Scaled(16))
    with torch.no_grad():
        net.layer2.conv.weight.mul_(2)
    outputs = []
    for one in (net, twin):
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="no moment rule")
            warnings.filterwarnings("ignore", message="Attempted to insert a get_attr")
            model = convert(one, "kalman", micro_batch=2)
        outputs.append((model(X), copy.deepcopy(model)(X)))
    assert_close(outputs[1], outputs[0])
