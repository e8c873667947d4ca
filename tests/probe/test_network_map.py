"""The map of a network: what is drawn, how it is called, where it stands."""

import json

import pytest
import torch
from torch import nn

from bkn.nets.resnet import ResNet
from bkn.probe.map_places import columns_of, rows_of
from bkn.probe.network_map import network_map
from bkn.probe.weights import feeding_weights
from bkn.surgery.convert import convert, norm_layers

METHODS = ["kalman", "batch", "group", "cross_iteration", "memorized", "frn", "ic", "proxy"]


class Branches(nn.Module):
    """Two branches of different length that are put side by side, and a gate."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.long = nn.Conv2d(4, 4, 3, 2, 1, groups=4)
        self.longer = nn.Conv2d(4, 4, 1)
        self.short = nn.AvgPool2d(2)
        self.last = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.classify = nn.Linear(8, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        both = torch.cat([self.longer(self.long(x)), self.short(x)], 1)
        both = self.last(both)
        both = both * torch.sigmoid(both)
        return self.classify(self.drop(both.mean((2, 3))))


def mapped(model, method, image, **options):
    converted = convert(model, method, micro_batch=2, **options)
    return network_map(converted, image), converted


@pytest.mark.parametrize("method", METHODS)
def test_every_method_draws_the_same_network(method):
    image = torch.randn(1, 1, 8, 8)
    found, converted = mapped(ResNet(1, (8, 8), 10, n=1, width=4), method, image)
    assert json.loads(json.dumps(found)) == found
    labels = [node["label"] for node in found["nodes"] if node["kind"] == "norm"]
    assert labels == list(norm_layers(converted))
    kinds = [node["kind"] for node in found["nodes"]]
    assert kinds.count("add") == 3
    assert kinds.count("conv") == 7
    assert kinds[0] == "input"
    assert kinds[-1] == "output"
    names = " ".join(node["name"] for node in found["nodes"])
    assert "moment_rules" not in names
    assert "transition" not in names
    for source, target in found["edges"]:
        nodes = found["nodes"]
        assert source < target
        assert nodes[source]["column"] < nodes[target]["column"]
    into = [found["nodes"][target]["kind"] for _, target in found["edges"]]
    assert into.count("norm") == len(labels)
    fed = {target for _, target in found["edges"]}
    assert fed == {node["id"] for node in found["nodes"]} - {0}
    places = [(node["column"], node["row"]) for node in found["nodes"]]
    assert len(set(places)) == len(places)


def test_titles_shapes_blocks_and_places():
    found, _ = mapped(Branches(), "kalman", torch.randn(1, 1, 6, 6))
    rows = [
        (n["kind"], n["title"], n["shape"], n["block"], n["column"], n["row"])
        for n in found["nodes"]
    ]
    assert rows == [
        ("input", "images", [1, 6, 6], "", 0, 0),
        ("conv", "3x3 conv, 4", [4, 6, 6], "", 1, 0),
        ("norm", "normalizer", [4, 6, 6], "", 2, 0),
        ("activation", "ReLU", [4, 6, 6], "", 3, 0),
        ("conv", "3x3 depthwise conv, 4, stride 2", [4, 3, 3], "", 4, 0),
        ("conv", "1x1 conv, 4", [4, 3, 3], "", 5, 0),
        ("pool", "AvgPool2d 2x2", [4, 3, 3], "", 4, 1),
        ("cat", "side by side", [8, 3, 3], "", 6, 0),
        ("norm", "normalizer", [8, 3, 3], "", 7, 0),
        ("activation", "Sigmoid", [8, 3, 3], "", 8, 0),
        ("multiply", "product", [8, 3, 3], "", 9, 0),
        ("pool", "average over all places", [8], "", 10, 0),
        ("dropout", "Dropout", [8], "", 11, 0),
        ("linear", "linear, 3", [3], "", 12, 0),
        ("output", "output", [3], "", 13, 0),
    ]
    assert [8, 10] in found["edges"]  # past the gate


def test_blocks_are_the_parts_of_the_network():
    found, _ = mapped(ResNet(1, (8, 8), 10, n=1, width=4), "kalman", torch.randn(1, 1, 8, 8))
    of = {node["name"]: node["block"] for node in found["nodes"]}
    assert of["block2.conv0"] == of["add_1"] == "block2"
    assert of["classify"] == of["output"] == of["x"] == ""


def test_a_map_changes_nothing():
    model = convert(Branches(), "kalman", micro_batch=2)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    network_map(model, torch.randn(1, 1, 6, 6))
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_branches_keep_rows_of_their_own():
    edges = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (0, 6), (3, 7), (5, 7), (6, 7)]
    columns = columns_of(8, edges)
    assert columns == [0, 1, 2, 3, 1, 2, 1, 4]
    assert rows_of(columns, edges) == [0, 0, 0, 0, 1, 1, 2, 0]


def test_the_weights_that_feed_a_norm_are_the_nearest_below():
    model = convert(ResNet(1, (8, 8), 10, n=1, width=4), "kalman", micro_batch=2)
    found = feeding_weights(model)
    names = {id(p): name for name, p in model.named_parameters()}
    assert {label: names[id(p)] for label, p in found.items()} == {
        "stem": "stem.conv.weight",
        "block1.norm1": "block1.conv0.weight",
        "block2.norm0": "block1.conv1.weight",  # behind the sum: the branch, not the shortcut
        "block2.norm1": "block2.conv0.weight",
        "block3.norm0": "block2.conv1.weight",
        "block3.norm1": "block3.conv0.weight",
        "last": "block3.conv1.weight",
    }


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_found_whatever_a_method_makes_of_them(method):
    model = convert(ResNet(1, (8, 8), 10, n=1, width=4), method, micro_batch=2)
    found = feeding_weights(model)
    assert set(found) <= set(norm_layers(model))
    assert len(found) >= len(norm_layers(model)) - 1
    assert all(parameter.dim() > 1 for parameter in found.values())
