"""Preconditioned gradients: the step of normalized coordinates, and no norm in the network."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from bkn import Experiment, Hooks, convert, train
from bkn.nets.convnet import ConvNet
from bkn.nets.mlp import MLP
from bkn.nets.resnet import ResNet
from bkn.normalizers.preconditioned import InputStatistics, precondition
from bkn.probe.frozen import frozen
from bkn.surgery.convert import norm_layers

CONVS = {"linear": (1, ()), "conv": (1, (3, 2)), "grouped": (2, (3, 3)), "depthwise": (4, (3,))}
every_layer = pytest.mark.parametrize(("groups", "kernel"), CONVS.values(), ids=CONVS)


def made_up(groups=1, kernel=(), out=8, channels=4):
    torch.manual_seed(0)
    weight = torch.randn(out, channels // groups, *kernel).double()
    mean, var = torch.randn(channels).double(), torch.rand(channels).double() + 0.5
    return weight, torch.randn(out).double(), mean, var


@every_layer
def test_it_is_the_formula_written_out(groups, kernel):
    weight, bias, mean, divisor = made_up(groups, kernel)
    step = np.zeros(weight.shape)
    shift = bias.numpy().copy()
    for place in np.ndindex(*weight.shape):
        output, inner = place[:2]
        channel = output // (8 // groups) * (4 // groups) + inner
        numerator = weight[place] - mean[channel] * bias[output]
        step[place] = numerator / divisor[channel]
        shift[output] -= mean[channel] * step[place]
    got = precondition(weight, bias, mean, divisor, groups)
    assert_close(got, (torch.from_numpy(step), torch.from_numpy(shift)))


def test_standardized_inputs_change_nothing():
    weight, bias, mean, divisor = made_up()
    step = precondition(weight, bias, torch.zeros_like(mean), torch.ones_like(divisor))
    assert_close(step, (weight, bias))


@every_layer
def test_it_is_a_gradient_step_on_a_layer_of_normalized_inputs(groups, kernel):
    """Without padding every tap sees the same channel, so convolutions are exact too."""
    weight, bias, mean, var = made_up(groups, kernel)
    places = {0: (), 1: (6,), 2: (6, 5)}[len(kernel)]
    layer = {0: F.linear, 1: F.conv1d, 2: F.conv2d}[len(kernel)]
    more = {} if not kernel else {"groups": groups}
    x = torch.randn(5, 4, *places).double()
    shape = (-1,) + (1,) * len(places)
    normal = (x - mean.view(shape)) / var.sqrt().view(shape)
    inner = var.sqrt().view(groups, 1, 4 // groups, 1).expand(groups, 8 // groups, -1, 1)
    inner = inner.reshape(8, 4 // groups, *(1,) * len(kernel))
    target = torch.randn_like(layer(x, weight, bias, **more))

    v = (weight * inner).requires_grad_()  # the same function, of normalized inputs
    with torch.no_grad():
        offset = layer(mean.view(1, 4, *(1,) * len(kernel)).expand(1, 4, *kernel), weight, **more)
    a = (bias + offset.flatten()).requires_grad_()
    assert_close(layer(normal, v, a, **more), layer(x, weight, bias, **more))
    F.mse_loss(layer(normal, v, a, **more), target).backward()
    with torch.no_grad():
        stepped = layer(normal, v - 0.1 * v.grad, a - 0.1 * a.grad, **more)

    w, b = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    F.mse_loss(layer(x, w, b, **more), target).backward()
    dw, db = precondition(w.grad, b.grad, mean, var, groups)
    assert_close(layer(x, weight - 0.1 * dw, bias - 0.1 * db, **more), stepped)


class Alone(nn.Module):
    """One layer behind its statistics."""

    def __init__(self, layer, e1=0.0, e2=0.0, rho=0.9, axis=-1):
        super().__init__()
        channels = layer.in_features if axis == -1 else layer.in_channels
        self.statistics = InputStatistics("layer", channels, 1, axis, rho, e1, e2)
        self.layer = layer

    def forward(self, x):
        return self.layer(self.statistics(x))

    def step(self, x, target, lr=0.1):
        self.zero_grad()
        ((self(x) - target) ** 2).mean().backward()
        Hooks(self).before_step()
        with torch.no_grad():
            for p in self.parameters():
                p -= lr * p.grad


def test_the_step_does_not_depend_on_how_the_inputs_are_scaled_and_shifted():
    """The outputs of two layers that are one function stay those of one function."""
    torch.manual_seed(0)
    x, target = torch.randn(16, 4).double(), torch.randn(16, 3).double()
    one = Alone(nn.Linear(4, 3).double()).double()
    other = copy.deepcopy(one)
    scale, shift = torch.tensor([0.1, 1.0, 5.0, 30.0]).double(), torch.arange(4.0).double()
    moved = x * scale + shift
    with torch.no_grad():
        other.layer.weight /= scale
        other.layer.bias -= other.layer.weight @ shift
    assert_close(other(moved), one(x))
    for _ in range(3):
        one.step(x, target)
        other.step(moved, target)
    assert_close(other(moved), one(x))
    assert (one(x) - Alone(nn.Linear(4, 3).double()).double()(x)).abs().max() > 0.01


def test_the_averages_are_those_of_the_mixture_of_all_steps():
    """First and second moments in moving averages without their bias towards the start."""
    torch.manual_seed(0)
    statistics = InputStatistics("layer", 3, 1, -3, 0.8, 0.0, 0.0).double()
    sums = np.zeros((2, 3))
    for step in range(1, 6):
        x = torch.randn(4, 3, 5, 2).double() * step + step
        statistics(x)
        flat = x.movedim(1, 0).flatten(1).numpy()
        sums = 0.8 * sums + 0.2 * np.stack([flat.mean(1), (flat**2).mean(1)])
        mean, square = sums / (1 - 0.8**step)
        assert_close(statistics.mean.numpy(), mean)
        assert_close(statistics.var.numpy(), square - mean**2)
    assert statistics.values == 4


def test_steps_of_one_image_add_up_to_a_variance():
    statistics = InputStatistics("layer", 2, 1, -1, 0.99, 0.0, 0.0).double()
    torch.manual_seed(0)
    for _ in range(400):
        statistics(3 * torch.randn(1, 2).double() + 1)
    assert_close(statistics.var, torch.full((2,), 9.0).double(), rtol=0.35, atol=0)


def test_one_image_takes_a_finite_step():
    torch.manual_seed(0)
    alone = Alone(nn.Linear(4, 3), e1=0.01, e2=1e-4)
    for _ in range(5):
        alone.step(torch.randn(1, 4), torch.randn(1, 3))
    assert all(p.isfinite().all() for p in alone.parameters())


def test_dead_inputs_and_constants_of_the_divisor():
    """Variance + e1 * greatest variance + e2; a dead input is amplified by 1 / e2 at the most."""
    alone = Alone(nn.Linear(2, 1), e1=0.5, e2=0.25)
    x = torch.tensor([[0.0, 3.0], [0.0, -1.0], [0.0, 1.0], [0.0, 1.0]])  # variances 0 and 2
    alone(x)
    alone.layer.weight.grad, alone.layer.bias.grad = torch.ones(1, 2), torch.zeros(1)
    alone.statistics.before_step(alone)
    assert_close(alone.layer.weight.grad, torch.tensor([[1 / 1.25, 1 / 3.25]]))


def test_fewer_images_than_inputs_damp_the_step():
    gradients = []
    for images in (2, 4, 8, 16):
        alone = Alone(nn.Linear(8, 1), e2=1.0)
        alone(torch.zeros(images, 8))
        alone.layer.weight.grad, alone.layer.bias.grad = torch.ones(1, 8), torch.ones(1)
        alone.statistics.before_step(alone)
        gradients.append((alone.layer.weight.grad[0, 0].item(), alone.layer.bias.grad.item()))
    assert_close(torch.tensor(gradients).T[0], torch.tensor([0.25, 0.5, 1, 1]))
    assert_close(torch.tensor(gradients).T[1], torch.tensor([0.25, 0.5, 1, 1]))


def test_frozen_layers_and_layers_that_saw_nothing_are_left_alone():
    alone = Alone(nn.Linear(4, 3))
    alone.layer.weight.requires_grad_(False)
    alone(torch.randn(4, 4)).sum().backward()
    before = alone.layer.bias.grad.clone()
    Hooks(alone).before_step()
    assert torch.equal(alone.layer.bias.grad, before)
    fresh = Alone(nn.Linear(4, 3)).eval()
    fresh(torch.randn(4, 4)).sum().backward()
    before = fresh.layer.weight.grad.clone()
    Hooks(fresh).before_step()
    assert torch.equal(fresh.layer.weight.grad, before)


def test_nothing_is_recorded_in_evaluation_or_under_the_probe():
    model = convert(MLP(1, (8, 8), 10), "preconditioned", micro_batch=2)
    x = torch.randn(8, 1, 8, 8)
    model(x)
    before = copy.deepcopy(model.state_dict())
    model.eval()(x + 1)
    with frozen(model):
        model(x + 1)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("net", [ConvNet, ResNet, MLP])
def test_the_network_is_the_one_without_norms_bit_for_bit(net):
    torch.manual_seed(0)
    original, x = net(1, (8, 8), 10), torch.randn(8, 1, 8, 8)
    model = convert(original, "preconditioned", micro_batch=2)
    bare = copy.deepcopy(original)
    for path, module in list(bare.named_modules()):
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            parent, _, name = path.rpartition(".")
            setattr(bare.get_submodule(parent), name, nn.Identity())
    assert torch.equal(model(x), bare(x))
    assert torch.equal(model.eval()(x), bare.eval()(x))
    assert len(norm_layers(model)) == len(norm_layers(convert(original, "batch")))


def step(model, x):
    hooks = Hooks(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    F.cross_entropy(model(x), torch.arange(len(x))).backward()
    hooks.before_step()
    optimizer.step()
    optimizer.zero_grad()


NETS = {
    "convnet": (lambda: ConvNet(1, (8, 8), 10), (4, 1, 8, 8), 7),
    "resnet": (lambda: ResNet(1, (8, 8), 10), (4, 1, 8, 8), 8),
    "torchvision": (lambda: torchvision.models.resnet18(num_classes=10), (4, 3, 32, 32), 21),
}


@pytest.mark.parametrize("net", NETS)
def test_every_weight_layer_is_preconditioned_and_all_state_travels(net):
    torch.manual_seed(0)
    build, shape, layers = NETS[net]
    model, x = convert(build(), "preconditioned", micro_batch=2), torch.randn(shape)
    watching = [m for m in model.modules() if isinstance(m, InputStatistics)]
    assert len(watching) == layers
    assert all(model.get_submodule(m.path).bias is not None for m in watching)
    step(model, x)
    twin, other = copy.deepcopy(model), convert(build(), "preconditioned", micro_batch=2)
    other.load_state_dict(model.state_dict())
    for one in (model, twin, other):
        step(one, 2 * x)
    for one in (twin, other):
        assert all(torch.equal(one.state_dict()[k], v) for k, v in model.state_dict().items())
    assert all(m.steps == 2 for m in watching)


class Unfit(nn.Module):
    def __init__(self, layer, twice):
        super().__init__()
        self.layer, self.norm, self.twice = layer, nn.BatchNorm2d(2), twice

    def forward(self, x):
        x = self.norm(self.layer(x))
        return self.layer(x) if self.twice else x


@pytest.mark.parametrize("twice", [True, False])
def test_layers_it_cannot_work_on_are_refused(twice):
    layer = nn.Conv2d(2, 2, 1) if twice else nn.ConvTranspose2d(2, 2, 2)
    with pytest.raises(ValueError, match=r"plain convolutions.*layer is not one"):
        convert(Unfit(layer, twice), "preconditioned")


def test_rho_of_zero_sees_the_last_step_alone_and_options_arrive():
    model = convert(ConvNet(1, (8, 8), 10), "preconditioned", rho=0.0, e1=0.2, e2=0.4)
    first, second = torch.randn(8, 1, 8, 8), 3 + torch.randn(8, 1, 8, 8)
    model(first)
    model(second)
    statistics = model.get_submodule("layer1.conv_statistics")
    assert (statistics.rho, statistics.e1, statistics.e2) == (0.0, 0.2, 0.4)
    assert_close(statistics.mean, second.mean((0, 2, 3)))


def test_it_learns():
    run = train(Experiment(method="preconditioned", batch=64, micro_batch=2, epochs=2), probe="off")
    assert run.summary["test_accuracy"] > 0.6
