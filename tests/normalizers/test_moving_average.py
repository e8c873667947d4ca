"""Moving average BN: its hand-written gradient, its windows, its correction, centred weights."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize
from torch.testing import assert_close
from torchvision.models import resnet18

import bkn
from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.centred import Centred, centred
from bkn.normalizers.hooks import Hooks
from bkn.normalizers.moving_average import MovingAverageNorm
from bkn.surgery.convert import convert, norm_layers


def make_x(shape=(4, 6, 3, 2), seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double() + 0.3


def make_norm(**options):
    norm = MovingAverageNorm(6, micro_batch=2, **options).double()
    torch.manual_seed(0)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    return norm


def column(values):
    return values.view(-1, 1, 1)


def divided(x, norm):
    """The warm-up's forward pass for autograd, micro-batches of 2."""
    parts = [
        part / (column(part.square().mean((0, 2, 3))) + norm.eps).sqrt() for part in x.split(2)
    ]
    return torch.cat(parts) * column(norm.weight) + column(norm.bias)


class Twin:
    """The authors' layer with lists of the last batches; forward and gradient of one step."""

    def __init__(self, window, warm_until, correct_from):
        self.window, self.warm, self.correct = window, warm_until, correct_from
        self.seconds, self.products, self.running, self.step = [], [], torch.ones(6).double(), 0

    def __call__(self, x, norm, g_y):
        axes, eps = (1, 3, 4), norm.eps
        x, g_y = x.view(2, 2, *x.shape[1:]), g_y.view(2, 2, *g_y.shape[1:])
        gamma, beta = column(norm.weight.detach()), column(norm.bias.detach())
        averaging = self.step >= self.warm
        self.seconds.append(x.square().mean(axes, keepdim=True))
        self.seconds = self.seconds[-self.window :]
        var = torch.stack(self.seconds).mean(0) if averaging else self.seconds[-1]
        r = torch.ones_like(var)
        if averaging and self.step >= self.correct:
            r = ((var + eps) / (column(self.running) + eps)).sqrt().clamp(1 / 5, 5)
        z = x / (var + eps).sqrt()
        y = gamma * r * z + beta
        g = g_y * gamma * r
        self.products.append((g * z).mean(axes, keepdim=True))
        self.products = self.products[-self.window :]
        mgz = torch.stack(self.products).mean(0) if averaging else self.products[-1]
        g_x = (g - z * mgz) / (var + eps).sqrt()
        g_weight, g_bias = (g_y * r * z).sum((0, 1, 3, 4)), g_y.sum((0, 1, 3, 4))
        self.running = 0.9 * self.running + 0.1 * var.mean(0).flatten()
        self.step += 1
        return y.flatten(0, 1), (g_x.flatten(0, 1), g_weight, g_bias)


@pytest.mark.parametrize("window", [1, 3])
def test_forward_and_gradient_are_those_of_a_slow_twin(window):
    norm = make_norm(window=window, warmup=0.04)
    norm.plan(20)
    twin = Twin(window, warm_until=0.8, correct_from=8)
    for step in range(12):
        scale = 30.0 if step == 10 else 1.0  # now the correction is clipped
        x = (scale * make_x(seed=step)).requires_grad_()
        g_y = make_x(seed=100 + step)
        expected, grads = twin(x.detach(), norm, g_y)
        y, belief = norm(x)
        assert belief is None
        assert_close(y, expected)
        assert_close(torch.autograd.grad(y, (x, norm.weight, norm.bias), g_y), grads)
        assert_close(norm.running_var, twin.running)
    assert norm.correcting
    assert norm.running_mean.abs().max() == 0


@pytest.mark.parametrize("shape", [(4, 6, 3, 2), (4, 6, 5), (8, 6)])
def test_the_gradient_of_the_warm_up_is_exact(shape):
    norm = make_norm(warmup=1.0)
    norm.plan(10**6)
    inputs = (make_x(shape).requires_grad_(), norm.weight, norm.bias)
    assert torch.autograd.gradcheck(lambda x, *_: norm(x)[0], inputs)


def test_the_warm_up_is_autograd_of_x_over_its_root_mean_square():
    norm, x, g_y = make_norm(), make_x().requires_grad_(), make_x(seed=1)
    norm.plan(10**6)
    inputs = (x, norm.weight, norm.bias)
    y, expected = norm(x)[0], divided(x, norm)
    assert_close(y, expected)
    assert_close(torch.autograd.grad(y, inputs, g_y), torch.autograd.grad(expected, inputs, g_y))


def test_scale_does_not_matter_in_the_warm_up_and_shift_does():
    norm, x = make_norm(warmup=1.0), make_x()
    norm.eps = 0.0
    norm.plan(100)
    assert_close(norm(7 * x)[0], norm(x)[0])
    assert not torch.allclose(norm(x + 1)[0], norm(x)[0], atol=0.1)


def test_the_windows_hold_the_last_batches():
    norm = make_norm(window=4)
    seen = []
    for step in range(5):
        x = make_x(seed=step).requires_grad_()
        norm(x)[0].sum().backward()
        seen.append(x.detach().view(2, 2, 6, 3, 2).square().mean((1, 3, 4)))
    assert_close(norm.seconds.rows("second", 2), torch.stack(seen[:1:-1]))
    assert len(norm.products) == 3


def test_a_second_backward_pass_leaves_the_window_alone():
    norm, x = make_norm(window=2), make_x().requires_grad_()
    for _ in range(2):
        norm(x)[0].sum().backward()
    y = norm(x)[0].square().sum()
    (first,) = torch.autograd.grad(y, x, retain_graph=True)
    state = norm.products.rows("product", 2).clone()
    assert torch.equal(torch.autograd.grad(y, x)[0], first)
    assert torch.equal(norm.products.rows("product", 2), state)


def test_without_gradient_and_in_evaluation_no_product_is_written():
    norm, x = make_norm(), make_x().requires_grad_()
    with torch.no_grad():
        norm(x)
    norm.eval()(x)[0].sum().backward()
    assert len(norm.products) == 0
    assert len(norm.seconds) == 1


def test_a_gradient_of_the_gradient_is_refused():
    norm, x = make_norm(), make_x().requires_grad_()
    (g_x,) = torch.autograd.grad(norm(x)[0].square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g_x.sum().backward()


def test_without_a_plan_the_windows_fill_from_the_first_step_and_nothing_is_corrected():
    norm = make_norm()
    norm(make_x())
    assert norm.averaging
    assert not norm.correcting


def test_evaluation_is_a_scale_and_a_shift():
    norm, x = make_norm(), make_x()
    norm(x)
    norm.eval()
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    assert_close(norm(x[:1])[0], (x * column(scale) + column(norm.bias))[:1])


def test_corrected_training_and_evaluation_are_the_same():
    norm = make_norm(window=2, warmup=0.0)
    norm.plan(4)
    for step in range(4):
        norm(make_x(seed=step))
    x = make_x(seed=9)
    expected = copy.deepcopy(norm).eval()(x)[0]
    estimate = norm.estimate(x)
    assert_close(norm(x)[0], expected)
    assert estimate.posterior.mean.abs().max() == 0


def test_stored_averages_become_a_second_moment():
    old = nn.BatchNorm2d(6).double()
    old(make_x())
    norm = MovingAverageNorm(6)
    norm.take_over(old)
    assert_close(norm.running_var, old.running_var + old.running_mean.square())
    assert norm.running_mean.abs().max() == 0


def test_filters_sum_to_zero():
    weight = centred(make_x((6, 4, 3, 3)))
    assert_close(weight.sum((1, 2, 3)), torch.zeros(6).double())
    assert_close(centred(weight), weight)
    constant = torch.full((1, 4, 5, 5), 3.0).double()
    assert_close(F.conv2d(constant, weight), torch.zeros(1, 6, 3, 3).double())


NETWORKS = {
    "convnet": (lambda: ConvNet(1, (8, 8), 10), (4, 1, 8, 8), 6),
    "resnet": (lambda: ResNet(1, (8, 8), 10), (4, 1, 8, 8), 7),
    "resnet18": (lambda: resnet18(num_classes=10), (4, 3, 32, 32), 20),
}


def steps(model, shape, count, first=0):
    optimizer, hooks = torch.optim.SGD(model.parameters(), 0.01), Hooks(model)
    for step in range(first, first + count):
        loss = F.cross_entropy(model(make_x(shape, seed=step).float()), torch.arange(shape[0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        hooks.after_step(lambda: None)


@pytest.mark.parametrize("name", NETWORKS)
def test_converted_networks_train_and_go_on_exactly(name):
    make, shape, count = NETWORKS[name]
    torch.manual_seed(0)
    net = make()
    model = convert(net, "moving_average", micro_batch=2, window=2)
    layers = [m for m in model.modules() if parametrize.is_parametrized(m, "weight")]
    assert len(layers) == count  # all but the classifier
    assert all(layer.bias is None for layer in layers)
    Hooks(model).plan(10)
    steps(model, shape, 2)
    for layer in layers:
        assert layer.weight.mean((1, 2, 3)).abs().max() < 1e-6
    twin = convert(net, "moving_average", micro_batch=2, window=2)
    twin.load_state_dict(model.state_dict())
    other = copy.deepcopy(model)
    for one in (model, twin, other):
        steps(one, shape, 2, first=2)
    for key, value in model.state_dict().items():
        assert torch.equal(twin.state_dict()[key], value)
        assert torch.equal(other.state_dict()[key], value)
    assert all(norm.correcting for norm in norm_layers(model).values())


def test_layers_behind_an_activation_and_the_classifier_keep_their_weights():
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.ReLU(), nn.BatchNorm2d(4),
        nn.Conv2d(4, 3, 3), nn.MaxPool2d(2), nn.BatchNorm2d(3),
    )  # fmt: skip
    model = convert(net, "moving_average")
    rewritten = [
        name for name, m in model.named_modules() if parametrize.is_parametrized(m, "weight")
    ]
    assert rewritten == ["0", "5"]
    assert model.get_submodule("2").bias is not None
    assert isinstance(model.get_submodule("0").parametrizations.weight[0], Centred)


def test_filters_of_one_value_are_refused():
    net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4))
    with pytest.raises(ValueError, match="those of 0 have a single value"):
        convert(net, "moving_average")


def test_it_learns():
    experiment = bkn.Experiment(method="moving_average", batch=32, epochs=1, device="cpu")
    assert bkn.train(experiment, probe="off").summary["test_accuracy"] > 0.4
