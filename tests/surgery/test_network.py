"""The tools of every placement: what they find in a traced network and how they change it."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.base import Normalizer
from bkn.surgery.convert import convert, norm_layers
from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import before_weights, in_place, with_activation

X = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Tiny(nn.Module):
    """Convolution, norm, whatever comes next."""

    def __init__(self, act=None):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.head = nn.Conv2d(4, 2, 3)
        self.act = act

    def forward(self, x):
        x = self.norm(self.conv(x))
        return self.head(x if self.act is None else self.act(x))


class Named(Tiny):
    """Calls its modules by keyword."""

    def forward(self, x):
        x = self.relu(input=self.norm(input=self.conv(input=x)))
        return self.head(input=F.relu(input=x))


class Heard(Normalizer):
    """Does nothing but remember what it replaced."""

    def take_activation(self, activation):
        self.heard = activation

    def forward(self, x, prior=None):
        return x if self.heard is None else self.heard(x), None


@pytest.fixture
def heard(monkeypatch):
    """A method whose normalizers only listen."""
    method = Method("batch")
    monkeypatch.setattr(Method, "norm", lambda self, channels: Heard(channels, affine=False))
    return method


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (nn.SiLU(), nn.SiLU),
        (F.relu, nn.ReLU),
        (torch.relu, nn.ReLU),
        (lambda x: x.relu(), nn.ReLU),
        (lambda x: F.relu(x, inplace=True), nn.ReLU),
        (lambda x: F.hardswish(x), nn.Hardswish),
        (torch.tanh, nn.Tanh),
    ],
)
def test_the_activation_goes_with_the_norm_in_any_dialect(heard, act, kind):
    network = Network(Tiny(act))
    before = network.model(X)
    with_activation(network, heard)
    model = network.finish()
    assert type(model.norm.heard) is kind
    calls = [node for node in model.graph.nodes if node.op.startswith("call")]
    assert [str(node.target) for node in calls if node.op == "call_module"] == [
        "conv", "norm", "head",
    ]  # fmt: skip
    assert model(X).shape == before.shape


def test_the_settings_of_an_activation_are_kept(heard):
    network = Network(Tiny(lambda x: F.gelu(x, approximate="tanh")))
    with_activation(network, heard)
    model = network.finish()
    assert model.norm.heard.approximate == "tanh"


def test_no_activation_is_heard_as_none(heard):
    network = Network(Tiny())
    with_activation(network, heard)
    assert network.finish().norm.heard is None


def test_an_activation_that_others_see_too_stays(heard):
    class Shared(Tiny):
        def forward(self, x):
            x = self.norm(self.conv(x))
            return self.head(self.relu(x) + x)

    network = Network(Shared())
    with_activation(network, heard)
    assert network.finish().norm.heard is None
    assert network.model.relu is not None


def test_one_norm_before_different_activations_is_refused(heard):
    class Twice(Tiny):
        def forward(self, x):
            x = self.relu(self.norm(self.conv(x)))
            return self.head(self.norm(x))

    with pytest.raises(ValueError, match="used with different activations behind it"):
        with_activation(Network(Twice()), heard)


@pytest.mark.parametrize("place", [in_place, with_activation, before_weights])
def test_modules_called_by_keyword_are_found(heard, place, monkeypatch):
    monkeypatch.setattr(Heard, "heard", None, raising=False)
    net = Named()
    network = Network(net)
    place(network, heard)
    model = network.finish()
    assert model(X).shape == net(X).shape
    assert len(norm_layers(model)) == 1


def test_what_nothing_calls_any_more_is_gone(heard):
    network = Network(Tiny(nn.ReLU()))
    with_activation(network, heard)
    assert not hasattr(network.finish(), "act")
    network = Network(ConvNet(1, (8, 8), 10, depth=2))
    for node in network.batch_norms():
        network.skip(node)
    assert "layer1.norm" not in dict(network.finish().named_modules())


def test_before_weights_spares_the_classifier(heard, monkeypatch):
    monkeypatch.setattr(Heard, "heard", None, raising=False)
    network = Network(ConvNet(1, (8, 8), 10, depth=3))
    before_weights(network, heard)
    model = network.finish()
    assert list(norm_layers(model)) == ["layer1", "layer2", "layer3"]
    assert [norm.channels for norm in norm_layers(model).values()] == [1, 16, 16]


def test_a_weight_layer_feeds_only_if_nobody_else_sees_it():
    network = Network(ResNet(1, (8, 8), 10))
    feeding = [network.feeding(node) for node in network.batch_norms()]
    fed = [None if node is None else str(node.target) for node in feeding]
    assert fed[:3] == ["stem.conv", "block1.conv0", None] or fed[0] == "stem.conv"
    sums = [node for node in network.batch_norms() if network.feeding(node) is None]
    assert all(network.module(node.all_input_nodes[0]) is None for node in sums)


def test_the_original_is_a_copy():
    net = Tiny()
    network = Network(net)
    network.model.conv.weight.data.zero_()
    assert net.conv.weight.abs().max() > 0


def test_without_affine_the_type_is_still_kept():
    net = Tiny()
    net.norm = nn.BatchNorm2d(4, affine=False)
    model = convert(net.double(), "kalman", gain="learned")
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_labels_of_two_norms_never_collide():
    class Nested(Tiny):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(4)
            self.inner = nn.Sequential()
            self.inner.norm = nn.BatchNorm2d(2)

        def forward(self, x):
            return self.inner.norm(self.head(self.norm(self.conv(x))))

    assert list(norm_layers(convert(Nested(), "batch"))) == ["norm", "inner"]


def test_a_converted_model_in_two_copies():
    model = convert(ConvNet(1, (8, 8), 10, depth=2), "batch", micro_batch=2)
    twin = copy.deepcopy(model)
    model(X)
    assert_close(twin.layer1.norm.running_mean, torch.zeros(16))
    assert twin.layer1.norm is norm_layers(twin)["layer1"]
