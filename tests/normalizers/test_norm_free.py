"""The norm-free recipe: variances stay where they are without any statistics of activations."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from timm.layers import ScaledStdConv2d
from torch import nn
from torch.testing import assert_close

from bkn import Experiment, Hooks, convert, train
from bkn.nets.binary_convnet import BinaryConvNet
from bkn.nets.convnet import ConvNet
from bkn.nets.mlp import MLP
from bkn.nets.resnet import ResNet
from bkn.normalizers.norm_free import NormFree, Scale, SkipGain, activation_gain
from bkn.normalizers.norm_free_stream import FRESH
from bkn.normalizers.scaled_weights import ScaledWeights, standardized
from bkn.surgery.convert import norm_layers


def test_scaled_weights_are_those_of_timm():
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 6).double()
    twin = ScaledStdConv2d(4, 8, 3, padding=1, groups=2, eps=1e-14).double()
    with torch.no_grad():
        twin.weight.add_(0.5)
        twin.gain.copy_(torch.rand_like(twin.gain) + 0.5)
        twin.bias.normal_()
    weight = twin.weight.detach().clone().requires_grad_()
    gain = twin.gain.detach().flatten().clone().requires_grad_()
    y = F.conv2d(x, standardized(weight, gain), twin.bias, padding=1, groups=2)
    assert_close(y, twin(x))
    direction = torch.randn_like(y)
    (y * direction).sum().backward()
    (twin(x) * direction).sum().backward()
    assert_close(weight.grad, twin.weight.grad)
    assert_close(gain.grad, twin.gain.grad.flatten())


def test_filters_have_mean_zero_and_length_gain_whatever_they_were():
    torch.manual_seed(0)
    weight, gain = torch.randn(6, 3, 2, 2).double(), torch.linspace(-1, 2, 6).double()
    rows = standardized(weight, gain).flatten(1)
    assert_close(rows.mean(1), torch.zeros(6).double())
    assert_close(rows.norm(dim=1), gain.abs())
    assert_close(standardized(5 * weight - 3, gain).flatten(1), rows)


def test_nearly_constant_filters_stay_small():
    """Below a variance times fan-in of 1e-4 they are multiplied by 100 and no more."""
    weight = 7 + 1e-3 * torch.tensor([[1.0, -1.0, 1.0, -1.0]]).double()
    assert_close(standardized(weight, torch.ones(1).double()), 100 * (weight - 7))
    assert standardized(torch.ones(1, 4), torch.ones(1)).abs().max() == 0


@pytest.mark.parametrize(
    ("activation", "published"),
    [(nn.ReLU(), 1.71396), (nn.GELU(), 1.70150), (nn.SiLU(), 1.78813)],
    ids=["relu", "gelu", "silu"],
)
def test_gains_of_activations_are_the_published_ones(activation, published):
    assert activation_gain(activation) == pytest.approx(published, rel=1e-3)


def test_the_grid_agrees_with_the_exact_gain():
    assert activation_gain(nn.LeakyReLU(0.0)) == pytest.approx(activation_gain(nn.ReLU()), 1e-5)
    assert activation_gain(nn.PReLU(3)) == pytest.approx(activation_gain(nn.LeakyReLU(0.25)), 1e-6)
    assert activation_gain(nn.LeakyReLU(1.0)) == pytest.approx(1.0, 1e-5)


def outputs(model, x, kind=(nn.Conv2d, nn.Linear)):
    """What the layers of a kind give, by name."""
    seen, hooks = {}, []
    for name, module in model.named_modules():
        if isinstance(module, kind):
            hooks.append(
                module.register_forward_hook(lambda m, a, y, name=name: seen.update({name: y}))
            )
    model(x)
    for hook in hooks:
        hook.remove()
    return seen


def test_variance_one_travels_through_the_network():
    torch.manual_seed(0)
    model = convert(MLP(1, (16, 16), 10, depth=5, width=512), "norm_free")
    seen = outputs(model, torch.randn(256, 1, 16, 16))
    for name, y in seen.items():
        if name != "classify":
            assert y.var().item() == pytest.approx(1, rel=0.1), name


class Residual(nn.Module):
    """Pre-activation blocks of linear layers; the third begins a stage, with a projection."""

    def __init__(self, width=512):
        super().__init__()
        self.stem = nn.Linear(64, width)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(4))
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(4))
        self.projection = nn.Linear(width, width)
        self.classify = nn.Linear(width, 10)

    def forward(self, x):
        x = self.stem(x)
        for i in range(4):
            y = torch.relu(self.norms[i](x))
            x = self.projection(y) if i == 2 else x
            x = x + self.layers[i](y)
        return self.classify(x)


def branch_scales(model):
    return [m.factor for name, m in model.named_modules() if name.endswith("_in")]


def test_branches_begin_at_the_expected_variance_and_projections_start_anew():
    torch.manual_seed(0)
    model = convert(Residual(), "norm_free", alpha=0.5, skip_gain=1.0)
    assert branch_scales(model) == pytest.approx([1, 1.25**-0.5, 1.5**-0.5, 1.25**-0.5])
    seen = outputs(model, torch.randn(512, 64))
    for name, y in seen.items():
        if name != "classify":
            assert y.var().item() == pytest.approx(1, rel=0.1), name


def variances(borders, skip_gain, seeds=6):
    """Of what the hidden layers of our ResNet give for noise, averaged over its first weights."""
    found = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        net = ResNet(3, (32, 32), 10, n=3, width=32)
        for conv in net.modules():
            if isinstance(conv, nn.Conv2d) and not borders:
                conv.padding_mode, conv._reversed_padding_repeated_twice = "circular", [1] * 4
        model = convert(net, "norm_free", skip_gain=skip_gain)
        with torch.no_grad():
            seen = outputs(model, torch.randn(4, 3, 32, 32), nn.Conv2d)
        found.append({name: y.var().item() for name, y in seen.items()})
    return {name: sum(one[name] for one in found) / seeds for name in found[0]}


@pytest.mark.parametrize("skip_gain", [1.0, 0.0])
@pytest.mark.parametrize(("borders", "tolerance"), [(True, 0.3), (False, 0.12)])
def test_variance_one_travels_through_an_activated_stream(borders, tolerance, skip_gain):
    """Zeros around the pictures take some away, most where these are small."""
    found = variances(borders, skip_gain)
    assert len(found) == 19
    assert found == pytest.approx(dict.fromkeys(found, 1), rel=tolerance)


def test_what_is_expected_of_values_that_are_not_normal():
    """Against many: activated, added to, pooled, padded, and activated again."""
    torch.manual_seed(0)
    x = torch.randn(4, 2_000_000).double()
    x = (activation_gain(nn.ReLU()) * x.relu() + 0.5 * torch.randn_like(x)).mean(0)
    x = torch.stack([x, torch.zeros_like(x)]) + 0.5 * torch.randn(2, x.numel())
    stream = FRESH.activated(nn.ReLU()).scaled().added(0.25).pooled(4).padded(0.5).added(0.25)
    assert stream.variance == pytest.approx(x.var().item(), rel=0.01)
    expected = x.std() / x.relu().std()
    assert stream.gain(nn.ReLU()) == pytest.approx(expected.item(), rel=0.01)


def test_the_expected_variance_starts_anew_behind_any_weights():
    """The first block of a stage of MobileNet has no shortcut, but weights as all others."""
    scales = branch_scales(convert(torchvision.models.mobilenet_v2(num_classes=10), "norm_free"))
    assert scales[:4] == pytest.approx([1, 1, 1.04**-0.5, 1])


def test_a_shortcut_that_pools_without_padding_counts_as_if_it_changed_nothing():
    """Signs see no scale; the recorded runs of the binary net are with these."""
    scales = branch_scales(convert(BinaryConvNet(1, (8, 8), 10), "norm_free"))
    assert scales == pytest.approx([(1 + 0.04 * i) ** -0.5 for i in range(5)])


class ActivatedSums(nn.Module):
    """Blocks that activate behind the sum, as torchvision's ResNets; the fourth projects."""

    def __init__(self, width=256, blocks=8):
        super().__init__()
        self.stem, self.norm = nn.Linear(64, width), nn.BatchNorm1d(width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(blocks))
        self.projection = nn.Linear(width, width)
        self.last, self.classify = nn.Linear(width, width), nn.Linear(width, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            shortcut = self.projection(x) if i == 3 else x
            x = torch.relu(norm(layer(x)) + shortcut)
        return self.classify(self.last(x))


def test_a_stream_that_is_activated_behind_each_sum_does_not_grow():
    """A gain of 1.7 behind each of them would make the last layer's variance thousands."""
    torch.manual_seed(0)
    model = convert(ActivatedSums(), "norm_free")
    assert sum(name.startswith("activation_gains.") for name, _ in model.named_modules()) == 2
    seen = outputs(model, torch.randn(512, 64))
    assert 0.7 < seen["last"].var().item() < 2


def test_torchvisions_resnet_begins_with_small_logits():
    torch.manual_seed(0)
    model = convert(torchvision.models.resnet50(num_classes=10), "norm_free")
    with torch.no_grad():
        assert model(torch.randn(4, 3, 64, 64)).abs().max() < 5


def test_the_projection_sees_the_divided_stream():
    model = convert(Residual(64), "norm_free")
    (source,) = [n for n in model.graph.nodes if n.target == "projection"]
    (branch,) = [n for n in model.graph.nodes if n.target == "layers.2"]
    assert source.args[0] is branch.args[0]
    assert str(source.args[0].target).endswith("_in")


def test_a_branch_of_weight_zero_leaves_the_shortcut():
    torch.manual_seed(0)
    model = convert(ResNet(1, (8, 8), 10), "norm_free", skip_gain=0.0)
    gains = [m for m in model.modules() if isinstance(m, SkipGain)]
    assert len(gains) == 3
    x = torch.randn(4, 1, 8, 8)
    seen = outputs(model, x, NormFree)
    stream = outputs(model, x, Scale)
    first = next(y for name, y in stream.items() if name.endswith("_in"))
    assert_close(seen["block2.norm0"][0] * math.sqrt(1.04), first, atol=1e-6, rtol=1e-5)
    F.cross_entropy(model(x), torch.arange(4)).backward()
    assert model.block2.conv0.bias.grad.abs().max() == 0
    assert all(m.gain.grad.abs() > 0 for m in gains)


def test_images_do_not_see_each_other_and_training_is_evaluation():
    torch.manual_seed(0)
    model, x = convert(ConvNet(1, (8, 8), 10), "norm_free", micro_batch=2), torch.randn(4, 1, 8, 8)
    assert_close(model(x)[:1], model(x[:1]))
    assert torch.equal(model.eval()(x), model.train()(x))


def test_every_hidden_layer_is_standardized_and_every_activation_scaled():
    model = convert(ConvNet(1, (8, 8), 10), "norm_free", clipping=0.3)
    scaled = [m for m in model.modules() if isinstance(m, ScaledWeights)]
    assert [m.path for m in scaled] == [f"layer{i}.conv" for i in range(1, 7)]
    assert {m.clipping for m in scaled} == {0.3}
    assert all(model.get_submodule(m.path).bias is not None for m in scaled)
    assert sum(isinstance(m, Scale) for m in model.modules()) == 6
    assert type(model.classify) is nn.Linear
    assert list(norm_layers(model)) == [f"layer{i}" for i in range(1, 7)]


class Depthwise(nn.Module):
    """A filter of one weight, and a gate."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.single, self.gate = nn.Conv2d(4, 4, 1, groups=4), nn.Conv2d(4, 4, 1)
        self.classify = nn.Linear(4, 2)

    def forward(self, x):
        x = self.single(self.norm(self.conv(x)))
        x = x * torch.sigmoid(self.gate(x))
        return self.classify(torch.relu(x).mean((2, 3)))


def test_filters_of_one_weight_and_gates_are_left_as_they_are():
    model = convert(Depthwise(), "norm_free")
    scaled = [m.path for m in model.modules() if isinstance(m, ScaledWeights)]
    assert scaled == ["conv", "gate"]
    assert [m.factor for m in model.modules() if isinstance(m, Scale)] == [
        pytest.approx(activation_gain(nn.ReLU()))
    ]


def test_layers_it_cannot_standardize_are_refused():
    net = nn.Sequential(nn.ConvTranspose2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3))
    with pytest.raises(ValueError, match=r"norm_free standardizes plain.*0 is not one"):
        convert(net, "norm_free")


def test_binary_weights_are_the_signs_of_the_standardized_ones():
    torch.manual_seed(0)
    model = convert(BinaryConvNet(1, (8, 8), 10), "norm_free")
    conv = model.layer2.conv
    raw = conv.parametrizations.weight.original
    assert_close(conv.weight, standardized(raw, torch.ones(len(raw))))
    x = torch.randn(2, 16, 4, 4).sign()
    w = conv.weight
    effective = w.abs().mean((1, 2, 3), keepdim=True) * w.sign()
    expected = F.conv2d(x, effective, conv.bias, conv.stride, conv.padding)
    assert_close(conv(x), expected)


def step(model, x, lr=0.05):
    hooks = Hooks(model)
    F.cross_entropy(model(x), torch.arange(len(x))).backward()
    hooks.before_step()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
            p.grad = None


NETS = {
    "convnet": (lambda: ConvNet(1, (8, 8), 10), (4, 1, 8, 8), 0),
    "resnet": (lambda: ResNet(1, (8, 8), 10), (4, 1, 8, 8), 3),
    "binary": (lambda: BinaryConvNet(1, (8, 8), 10), (4, 1, 8, 8), 5),
    "torchvision": (lambda: torchvision.models.resnet18(num_classes=10), (4, 3, 32, 32), 8),
}


@pytest.mark.parametrize("net", NETS)
def test_it_trains_and_travels(net):
    torch.manual_seed(0)
    build, shape, branches = NETS[net]
    original, x = build(), torch.randn(shape)
    model = convert(original, "norm_free", micro_batch=2)
    assert sum(isinstance(m, SkipGain) for m in model.modules()) == branches
    assert not hasattr(original, "branches")
    step(model, x)
    twin, other = copy.deepcopy(model), convert(build(), "norm_free", micro_batch=2)
    other.load_state_dict(model.state_dict())
    for one in (model, twin, other):
        step(one, x)
    for one in (twin, other):
        assert all(torch.equal(one.state_dict()[k], v) for k, v in model.state_dict().items())
        assert torch.equal(one(x), model(x))


def test_it_learns():
    run = train(Experiment(method="norm_free", batch=64, micro_batch=2, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.6
