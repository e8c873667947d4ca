"""Weight rescaling: filters of length one in front of a norm, and nothing else changes."""

import copy

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from bkn import Experiment, Hooks, convert, train
from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.weight_rescaling import WeightRescaling, lengths
from bkn.surgery.convert import norm_layers
from bkn.training.recipe import make_optimizer

FED = {
    "convnet": [f"layer{i}.conv" for i in range(1, 7)],
    "resnet": ["stem.conv", "block1.conv0", "block2.conv0", "block3.conv0"],
}


def build(net="convnet", **options):
    torch.manual_seed(0)
    original = {"convnet": ConvNet, "resnet": ResNet}[net](1, (8, 8), 10)
    return original, convert(original, "weight_rescaling", micro_batch=2, **options)


def step(model, x, lr=0.1):
    hooks = Hooks(model)
    F.cross_entropy(model(x), torch.arange(len(x))).backward()
    hooks.before_step()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
            p.grad = None
    hooks.after_step(lambda: model(x))


def filters(model, path):
    return model.get_submodule(path).weight.detach().flatten(1).norm(dim=1)


def test_lengths_against_torch():
    torch.manual_seed(0)
    weight = torch.randn(5, 3, 2, 2)
    weight[2] = 0
    expected = torch.stack([torch.linalg.vector_norm(f) for f in weight])
    expected[2] = 1  # left as it is
    assert_close(lengths(weight), expected)
    divided = weight / lengths(weight, "layer").view(5, 1, 1, 1)
    assert_close(divided.square().sum() / 5, torch.tensor(1.0))
    assert len(lengths(weight, "layer").unique()) == 1


@pytest.mark.parametrize("net", FED)
def test_layers_that_feed_a_norm_alone_are_found(net):
    _, model = build(net)
    assert [norm.layer for norm in norm_layers(model).values() if norm.layer] == FED[net]


@pytest.mark.parametrize("net", FED)
@pytest.mark.parametrize("granularity", ["filter", "layer"])
def test_rescaling_changes_neither_training_nor_evaluation(net, granularity):
    original, model = build(net, granularity=granularity)
    x = torch.randn(8, 1, 8, 8).double()
    reference = convert(original, "batch", micro_batch=2).double()
    model = model.double()
    for one in (model, reference):
        for norm in norm_layers(one).values():
            norm.eps = 1e-12
    assert_close(model(x), reference(x))
    assert_close(model.eval()(x), reference.eval()(x))


def test_running_averages_follow_the_filters_whatever_the_bias():
    torch.manual_seed(0)
    layer, x = nn.Conv2d(2, 3, 3), torch.randn(8, 2, 6, 6)
    norm = WeightRescaling(3, micro_batch=2, momentum=1.0, eps=0.0)
    norm(layer(x))
    before = norm.eval()(layer(x))[0]
    norm.rescale(layer)
    assert_close(layer.weight.flatten(1).norm(dim=1), torch.ones(3))
    assert_close(norm(layer(x))[0], before, atol=1e-5, rtol=1e-5)


def test_filters_have_length_one_after_every_step_and_others_are_left_alone():
    _, model = build("resnet")
    twin = copy.deepcopy(model)
    for norm in norm_layers(twin).values():
        norm.layer = ""
    x = torch.randn(8, 1, 8, 8)
    for path in FED["resnet"]:
        assert_close(filters(model, path), torch.ones_like(filters(model, path)))
    step(model, x)
    step(twin, x)
    for path in FED["resnet"]:
        assert_close(filters(model, path), torch.ones_like(filters(model, path)))
        assert (filters(twin, path) - 1).abs().max() > 1e-5
    for path in ("block1.conv1", "block2.conv1", "block3.conv1", "classify"):
        assert torch.equal(filters(model, path), filters(twin, path))


def test_it_is_idempotent_and_leaves_empty_filters():
    _, model = build()
    norm, layer = norm_layers(model)["layer1"], model.get_submodule("layer1.conv")
    with torch.no_grad():
        layer.weight[0] = 0
    norm.rescale(layer)
    once = layer.weight.clone()
    norm.rescale(layer)
    assert_close(layer.weight, once)
    assert layer.weight[0].abs().max() == 0
    assert norm.running_var.isfinite().all()


def test_the_gradient_is_orthogonal_to_the_filter():
    """Why filters grow: <w, g> = 0, so every step of gradient descent lengthens them."""
    _, model = build()
    model = model.double()
    for norm in norm_layers(model).values():
        norm.eps = 1e-12
    x = torch.randn(8, 1, 8, 8).double()
    F.cross_entropy(model(x), torch.arange(8)).backward()
    for path in FED["convnet"]:
        weight = model.get_submodule(path).weight
        assert (weight * weight.grad).flatten(1).sum(1).abs().max() < 1e-6
        assert weight.grad.norm() > 1e-4


def test_every_k_steps():
    _, model = build(every=3)
    x, seen = torch.randn(8, 1, 8, 8), []
    for _ in range(6):
        step(model, x)
        seen.append((filters(model, "layer3.conv") - 1).abs().max().item() < 1e-5)
    assert seen == [False, False, True, False, False, True]


def test_rescaled_weights_do_not_decay_and_the_classifier_does():
    _, model = build("resnet")
    undecayed = Hooks(model).undecayed()
    assert undecayed == {model.get_submodule(path).weight for path in FED["resnet"]}
    decayed, others = make_optimizer(model, Experiment(), undecayed).param_groups
    assert any(p is model.classify.weight for p in decayed["params"])
    assert any(p is model.stem.conv.weight for p in others["params"])


NETS = {
    "convnet": (lambda: ConvNet(1, (8, 8), 10), (4, 1, 8, 8), 6),
    "resnet": (lambda: ResNet(1, (8, 8), 10), (4, 1, 8, 8), 4),
    "torchvision": (lambda: torchvision.models.resnet18(num_classes=10), (4, 3, 64, 64), 20),
}


@pytest.mark.parametrize("net", NETS)
def test_state_travels_between_two_rescalings(net):
    torch.manual_seed(0)
    new, shape, rescaled = NETS[net]
    model, x = convert(new(), "weight_rescaling", micro_batch=2, every=2), torch.randn(shape)
    assert sum(bool(norm.layer) for norm in norm_layers(model).values()) == rescaled
    step(model, x, lr=0.01)
    twin, other = copy.deepcopy(model), convert(new(), "weight_rescaling", micro_batch=2, every=2)
    other.load_state_dict(model.state_dict())
    for one in (model, twin, other):
        step(one, x, lr=0.01)
    for one in (twin, other):
        assert all(torch.equal(one.state_dict()[k], v) for k, v in model.state_dict().items())


class Shared(nn.Module):
    """One convolution in front of a norm and, once more, in front of nothing."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

    def forward(self, x):
        return self.conv(self.norm(self.conv(x)))


UNFIT = {
    "before the layer": nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1)),
    "behind an activation": nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)),
    "transposed": nn.Sequential(nn.ConvTranspose2d(2, 2, 1), nn.BatchNorm2d(2)),
    "used twice": Shared(),
}


@pytest.mark.parametrize("net", UNFIT.values(), ids=UNFIT)
def test_a_network_without_such_layers_is_refused(net):
    with pytest.raises(ValueError, match="feed a norm directly and nothing else"):
        convert(net, "weight_rescaling")


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="granularity must be"):
        WeightRescaling(4, granularity="channel")
    with pytest.raises(ValueError, match="every must be at least 1"):
        WeightRescaling(4, every=0)


def test_it_learns():
    run = train(Experiment(method="weight_rescaling", batch=64, micro_batch=2, epochs=2))
    assert run.summary["test_accuracy"] > 0.6
