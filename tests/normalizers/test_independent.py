"""The independent-component layer: batch norm, dropout, and where they stand."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import bkn
from bkn.nets.binary_convnet import BinaryConvNet
from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.batch import BatchNorm
from bkn.normalizers.build import build_norm
from bkn.normalizers.independent import IndependentComponent, dropped
from bkn.surgery.convert import convert, norm_layers
from tests.normalizers.placed import NETS, in_networks, step

X = torch.randn(4, 6, 3, 5, generator=torch.Generator().manual_seed(0)).double() * 2 + 1


def test_dropout_of_nothing_is_batch_norm():
    ours, batch = IndependentComponent(6, dropout=0.0, micro_batch=2), BatchNorm(6, micro_batch=2)
    assert torch.equal(ours.double()(X)[0], batch.double()(X)[0])
    assert torch.equal(ours.running_var, batch.running_var)


def test_values_are_dropped_behind_the_norm_and_the_rest_grows():
    ours, batch = IndependentComponent(6, dropout=0.3).double(), BatchNorm(6).double()
    torch.manual_seed(0)
    y, whole = ours(X)[0], batch(X)[0]
    assert 0.2 < (y == 0).double().mean() < 0.4
    assert_close(y, torch.where(y == 0, 0.0, whole / 0.7))
    per_channel = (y == 0).double().mean((2, 3))
    assert ((per_channel > 0) & (per_channel < 1)).any()  # single values, not whole channels


def test_evaluation_drops_nothing():
    ours, batch = IndependentComponent(6, dropout=0.5).double(), BatchNorm(6).double()
    for norm in (ours, batch):
        norm(X)
        norm.eval()
    assert torch.equal(ours(X)[0], batch(X)[0])


def test_the_averages_are_those_of_what_came_in():
    ours, batch = IndependentComponent(6, dropout=0.5).double(), BatchNorm(6).double()
    ours(X)
    batch(X)
    assert torch.equal(ours.running_mean, batch.running_mean)
    assert torch.equal(ours.running_var, batch.running_var)
    for one, other in zip(ours.estimate(X).posterior, batch.estimate(X).posterior, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_variance_grows_and_correlation_falls(probability):
    """By 1 / (1 - p) and to 1 - p, as the paper has it."""
    torch.manual_seed(0)
    common = torch.randn(200_000, 1)
    x = (common + torch.randn(200_000, 2)) / 2**0.5  # correlation 1/2
    y = dropped(x, probability)
    assert_close(y.var(0), torch.ones(2) / (1 - probability), atol=0.03, rtol=0)
    assert torch.corrcoef(y.T)[0, 1].item() == pytest.approx(0.5 * (1 - probability), abs=0.01)


def test_what_is_dropped_does_not_depend_on_the_layout():
    norm = IndependentComponent(6, dropout=0.5).double()
    torch.manual_seed(0)
    y = norm(X)[0]
    torch.manual_seed(0)
    assert_close(norm(X.to(memory_format=torch.channels_last))[0], y)


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_probability_out_of_range_is_refused(dropout):
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\)"):
        IndependentComponent(4, dropout=dropout)
    with pytest.raises(ValueError, match="ic option dropout must be"):
        build_norm("ic", 4, dropout=dropout)


def test_it_stands_before_every_weight_layer_but_the_classifier():
    model = convert(ConvNet(1, (8, 8), 10), "ic", micro_batch=2, dropout=0.2)
    norms = norm_layers(model)
    assert list(norms) == [f"layer{i}" for i in range(1, 7)]
    assert [norm.channels for norm in norms.values()] == [1, 16, 16, 32, 32, 64]
    assert {norm.dropout for norm in norms.values()} == {0.2}
    calls = [str(node.target) for node in model.graph.nodes if node.op == "call_module"]
    assert calls[:6] == [f"layer{i}.{part}" for i in (1, 2) for part in ("norm", "conv", "relu")]
    assert calls[-3:] == ["layer6.relu", "pool", "classify"]


def test_labels_in_residual_networks():
    labels = list(norm_layers(convert(ResNet(1, (8, 8), 10), "ic")))
    assert labels == ["stem", *(f"block{b}.norm{i}" for b in (1, 2, 3) for i in (0, 1))]


def test_shortcuts_stay_free_of_dropout():
    norms = norm_layers(convert(NETS["torchvision"][0](), "ic"))
    assert len(norms) == 20
    free = [label for label, norm in norms.items() if norm.dropout == 0]
    assert free == [f"layer{i}.0.downsample" for i in (2, 3, 4)]
    assert norms["norm1"].channels == 3


def test_without_dropout_the_network_is_batch_norm_before_the_weights():
    """Written out for two layers."""
    net = ConvNet(1, (8, 8), 10, depth=2)
    model, x = convert(net, "ic", micro_batch=4, dropout=0.0), torch.randn(8, 1, 8, 8)
    y = x
    for layer in (net.layer1, net.layer2):
        groups = [nn.functional.batch_norm(part, None, None, training=True) for part in y.split(4)]
        y = layer.conv(torch.cat(groups)).relu()
    assert_close(model(x), net.classify(y.mean((2, 3))))


@in_networks
def test_in_networks(net):
    """It takes a step; then copy and checkpoint go on alike, with the same random numbers."""
    torch.manual_seed(0)
    build, shape = NETS[net]
    x = torch.randn(shape)
    model, other = (convert(build(), "ic", micro_batch=2) for _ in range(2))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    step(model, x)
    twin = copy.deepcopy(model)
    other.load_state_dict(model.state_dict())
    for one in (model, twin, other):
        torch.manual_seed(1)
        step(one, x)
    for one in (twin, other):
        assert list(one.state_dict()) == list(model.state_dict())
        assert all(torch.equal(one.state_dict()[k], v) for k, v in model.state_dict().items())
        assert torch.equal(one.eval()(x), model.eval()(x))


def test_it_learns():
    run = bkn.train(bkn.Experiment(method="ic", micro_batch=64, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.4


def test_in_a_binary_network_it_stands_before_the_sign():
    model = convert(BinaryConvNet(1, (8, 8), 10, depth=3, width=8), "ic", micro_batch=2)
    taken = []
    for name in ("layer1", "layer2"):
        model.get_submodule(f"{name}.conv").register_forward_pre_hook(
            lambda _, given: taken.append(given[0].unique().tolist())
        )
    model(torch.randn(4, 1, 8, 8))
    assert taken == [[-1, 1], [-1, 1]]
    assert list(norm_layers(model)) == ["stem", "layer1", "layer2"]
