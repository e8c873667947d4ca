"""Norms that take the activation with them, and norms before the weights, in foreign networks."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from bkn.normalizers.base import Normalizer
from bkn.surgery.convert import convert
from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import before_weights, with_activation

X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


class Heard(Normalizer):
    """Batch norm's evaluation in its first state, and then the activation it heard of."""

    def __init__(self, channels):
        super().__init__(channels, affine=False)
        self.heard = None

    def take_activation(self, activation):
        self.heard = activation

    def forward(self, x, prior=None):
        y = x / (1 + self.eps) ** 0.5
        return y if self.heard is None else self.heard(y), None


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.setattr(Method, "norm", lambda self, channels: Heard(channels))
    return Method("batch")


def placed(model, place, method):
    network = Network(model.eval())
    place(network, method)
    return network.finish().eval()


@pytest.mark.parametrize(
    ("name", "with_them", "without"),
    [("resnet18", 9, 11), ("mobilenet_v3_small", 23, 11), ("densenet121", 121, 0)],
)
def test_networks_of_torchvision_compute_the_same(heard, name, with_them, without):
    """Every activation behind a norm moved into it, and every other one stayed."""
    torch.manual_seed(0)
    net = getattr(torchvision.models, name)(num_classes=10).eval()
    expected = net(X)
    model = placed(net, with_activation, heard)
    norms = [norm for norm in model.modules() if isinstance(norm, Heard)]
    assert sum(norm.heard is not None for norm in norms) == with_them
    assert sum(norm.heard is None for norm in norms) == without
    assert_close(model(X), expected)


def test_what_a_norm_hears_does_not_work_in_place(heard):
    net = torchvision.models.resnet18(num_classes=10)
    model = placed(net, with_activation, heard)
    assert model.layer1.get_submodule("0.bn1").heard.inplace is False
    assert model.layer1.get_submodule("0.relu").inplace is True  # it works on behind the sum


class Twice(nn.Module):
    """One norm, two calls, each with an activation of its own behind it."""

    def __init__(self, one, two):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)
        self.one, self.two = one, two

    def forward(self, x):
        return self.two(self.norm(self.one(self.norm(self.conv(x)))))


@pytest.mark.parametrize(
    ("one", "two", "fits"),
    [
        (nn.ReLU(), nn.ReLU(inplace=True), True),
        (nn.ReLU(), nn.SiLU(), False),
        (nn.LeakyReLU(0.1), nn.LeakyReLU(0.2), False),
        (nn.PReLU(), nn.PReLU(), False),
    ],
)
def test_a_norm_that_is_called_twice_needs_the_same_activation(heard, one, two, fits):
    net = Twice(one, two).eval()
    if fits:
        assert_close(placed(net, with_activation, heard)(X), net(X))
        return
    with pytest.raises(ValueError, match="norm is used with different activations behind it"):
        placed(net, with_activation, heard)


def test_a_shared_activation_with_parameters_stays_one(heard):
    act = nn.PReLU()
    net = Twice(act, act).eval()
    model = placed(net, with_activation, heard)
    assert len(list(model.norm.parameters())) == 1
    assert_close(model(X), net(X))


class Stream(nn.Module):
    """A pre-activation branch whose activation writes over its input."""

    def __init__(self, act, add):
        super().__init__()
        self.conv0, self.conv1 = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.head = nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)
        self.act, self.add = act, add

    def forward(self, x):
        x = self.conv0(x)
        return self.head(self.add(self.conv1(self.act(self.norm(x))), x))


def in_place_sum(a, b):
    a += b
    return a


@pytest.mark.parametrize(
    "act",
    [nn.ReLU(inplace=True), lambda x: F.relu(x, inplace=True), lambda x: x.relu_()],
    ids=["module", "function", "method"],
)
@pytest.mark.parametrize("add", [torch.add, in_place_sum])
def test_without_its_norm_an_activation_does_not_write_over_the_shortcut(heard, act, add):
    net = Stream(act, add).eval()
    scale = 1 / (1 + 1e-5) ** 0.5
    stem = net.conv0(scale * X)
    expected = net.head(net.conv1(scale * stem.relu()) + stem)
    assert_close(placed(net, before_weights, heard)(X), expected)


def test_names_before_the_weights(heard):
    def names(net):
        network = Network(net)
        return [str(node.target) for node in before_weights(network, heard)]

    resnet = names(torchvision.models.resnet18())
    assert resnet[:3] == ["norm1", "layer1.0.norm1", "layer1.0.norm2"]
    assert "layer2.0.downsample.norm" in resnet
    mobile = names(torchvision.models.mobilenet_v3_small())
    assert mobile[:3] == [
        "features.0.norm",
        "features.1.block.0.norm",
        "features.1.block.1.fc1_norm",
    ]
    assert mobile[-1] == "classifier.0_norm"
    dense = names(torchvision.models.densenet121())
    assert dense[:2] == ["features.norm0", "features.denseblock1.denselayer1.norm1"]
    assert len(set(dense)) == len(dense) == 120


@pytest.mark.parametrize("training", [True, False])
def test_what_is_frozen_stays_so(heard, training):
    network = Network(Stream(nn.ReLU(), torch.add).train(training))
    before_weights(network, heard)
    assert network.finish().norm0.training is training


@pytest.mark.parametrize("method", ["preconditioned", "norm_free"])
@pytest.mark.parametrize(
    "act",
    [nn.ReLU(inplace=True), lambda x: F.relu(x, inplace=True), lambda x: x.relu_(), torch.relu_],
    ids=["module", "function", "method", "torch"],
)
def test_where_a_norm_stood_nothing_writes_over_the_stream(act, method):
    torch.manual_seed(0)
    net, sound = Stream(act, torch.add), Stream(torch.relu, torch.add)
    sound.load_state_dict(net.state_dict())
    x = torch.randn(2, 3, 8, 8)
    assert_close(convert(net, method)(x), convert(sound, method)(x))


@pytest.mark.parametrize(
    ("act", "heard_of"),
    [
        (lambda x: F.leaky_relu(x, 0.3), nn.LeakyReLU(0.3)),
        (lambda x: F.elu(x, 0.5, inplace=True), nn.ELU(0.5)),
        (lambda x: x.sigmoid(), nn.Sigmoid()),
        (F.mish, nn.Mish()),
        (lambda x: F.hardtanh(x, 0.0, 6.0), nn.Hardtanh(0.0, 6.0)),
    ],
    ids=["leaky_relu", "elu", "sigmoid", "mish", "hardtanh"],
)
def test_activations_that_are_functions_are_heard_of_with_their_settings(heard, act, heard_of):
    net = Stream(act, torch.add)
    model = placed(net, with_activation, heard)
    (norm,) = [norm for norm in model.modules() if isinstance(norm, Heard)]
    assert repr(norm.heard) == repr(heard_of)
    assert_close(model(X), net(X))
