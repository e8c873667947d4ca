"""Cross-iteration BN against autograd, a slow twin, and the identities the paper rests on."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torchvision.models import resnet18

import bkn
from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.build import build_norm
from bkn.normalizers.cross_iteration import CrossIterationNorm
from bkn.normalizers.cross_iteration_patches import Patches
from bkn.normalizers.hooks import Hooks
from bkn.surgery.convert import convert, norm_layers

LAYERS = {
    "linear": (lambda: nn.Linear(5, 6), (8, 5)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, groups=2, padding=1), (4, 4, 7)),
    "conv2d": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1), (4, 4, 6, 5)),
    "grouped": (lambda: nn.Conv2d(4, 6, (3, 1), groups=2, bias=False), (6, 4, 5, 5)),
    "depthwise": (lambda: nn.Conv2d(3, 6, 3, groups=3, dilation=2), (4, 3, 6, 7)),
    "same": (lambda: nn.Conv2d(2, 4, (2, 3), padding="same"), (4, 2, 5, 5)),
    "reflect": (lambda: nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"), (4, 2, 5, 5)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), (4, 2, 3, 3, 2)),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def make_layer(name, seed=0):
    torch.manual_seed(seed)
    make, shape = LAYERS[name]
    return make().double(), shape


def make_x(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double() + 0.3


def make_norm(layer, window=4, **options):
    channels = layer.weight.shape[0]
    norm = CrossIterationNorm(channels, window=window, micro_batch=2, **options).double()
    assert norm.take_layer(layer)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    return norm


def by_autograd(layer, x):
    """Means of y and y^2 of each micro-batch of 2 (G, C), and their derivatives (G, C, K)."""
    means, squares, mean_slopes, square_slopes = [], [], [], []
    for part in x.split(2):
        weight = layer.weight.detach().requires_grad_()
        y = torch.func.functional_call(layer, {"weight": weight}, part).transpose(0, 1).flatten(1)
        mean, square = y.mean(1), y.square().mean(1)
        # Channel c depends on weight[c] alone, so the sum over channels keeps them apart.
        (mean_slope,) = torch.autograd.grad(mean.sum(), weight, retain_graph=True)
        (square_slope,) = torch.autograd.grad(square.sum(), weight)
        means.append(mean.detach())
        squares.append(square.detach())
        mean_slopes.append(mean_slope.flatten(1))
        square_slopes.append(square_slope.flatten(1))
    return [torch.stack(one) for one in (means, squares, mean_slopes, square_slopes)]


@every_layer
def test_the_slopes_are_those_of_autograd(name):
    layer, shape = make_layer(name)
    x = make_x(shape)
    mean, _, mean_slope, square_slope = by_autograd(layer, x)
    patches = Patches.of(layer)
    slopes = patches.slopes(x, layer(x).detach(), mean)
    per_channel = slopes.mean.repeat_interleave(mean.shape[1] // patches.groups, dim=1)
    assert_close(per_channel, mean_slope)
    assert_close(slopes.var, square_slope - 2 * mean[..., None] * mean_slope)
    assert not slopes.mean.requires_grad


class Twin:
    """The paper's equations, with lists, mean squares and autograd; m = 2."""

    def __init__(self, window):
        self.entries, self.window = [], window

    def __call__(self, layer, x, gamma, beta, eps=1e-5):
        present = [*by_autograd(layer, x), layer.weight.detach().flatten(1).clone()]
        out = []
        for g, part in enumerate(x.split(2)):
            y = layer(part)
            axes = (0, *range(2, y.dim()))
            means, squares = [y.mean(axes)], [y.square().mean(axes)]
            for mean, square, mean_slope, square_slope, weight in self.entries:
                step = present[4] - weight
                moved = mean[g] + (mean_slope[g] * step).sum(1)
                means.append(moved)
                square = square[g] + (square_slope[g] * step).sum(1)
                squares.append(torch.maximum(square, moved.square()))
            mean = torch.stack(means).mean(0)
            var = torch.stack(squares).mean(0) - mean.square()

            def spread(value, y=y):
                return value.view(-1, *(1,) * (y.dim() - 2))

            scaled = (y - spread(mean)) / spread((var + eps).sqrt())
            out.append(scaled * spread(gamma) + spread(beta))
        self.entries = [present, *self.entries][: self.window - 1]
        return torch.cat(out)


@every_layer
@pytest.mark.parametrize("size", [0.05, 1.0], ids=["small steps", "large steps"])
def test_forward_and_gradient_are_those_of_a_slow_twin(name, size):
    layer, shape = make_layer(name)
    norm = make_norm(layer, window=3)
    twin = Twin(window=3)
    for step in range(5):
        x = make_x(shape, seed=step)
        y, belief = norm(layer(x), None, x, layer.weight)
        expected = twin(layer, x, norm.weight, norm.bias)
        assert belief is None
        assert_close(y, expected)
        parameters = (*layer.parameters(), *norm.parameters())
        weights = make_x(y.shape, seed=9)
        grads = torch.autograd.grad((y * weights).sum(), parameters)
        assert_close(grads, torch.autograd.grad((expected * weights).sum(), parameters))
        with torch.no_grad():
            layer.weight.add_(make_x(layer.weight.shape, seed=step), alpha=size)
    assert len(norm.past) == 2


def test_a_window_of_one_is_batch_norm():
    layer, shape = make_layer("conv2d")
    norm = make_norm(layer, window=1)
    for step in range(3):
        x = make_x(shape, seed=step)
        y = layer(x)
        expected = torch.cat([F.batch_norm(p, None, None, norm.weight, norm.bias, True)
                              for p in y.split(2)])  # fmt: skip
        assert_close(norm(y, None, x, layer.weight)[0], expected)


def test_the_same_batch_and_weights_again_are_batch_norm():
    layer, shape = make_layer("conv2d")
    norm, x = make_norm(layer), make_x(shape)
    first = norm(layer(x), None, x, layer.weight)[0]
    for _ in range(5):
        assert_close(norm(layer(x), None, x, layer.weight)[0], first)


def test_with_frozen_weights_the_window_is_one_large_batch():
    layer, _ = make_layer("conv2d")
    norm = make_norm(layer, window=3)
    parts = [make_x((2, 4, 6, 5), seed=s) for s in range(3)]
    for x in parts:
        y = norm(layer(x), None, x, layer.weight)[0]
    whole = layer(torch.cat(parts[::-1]))
    assert_close(y, F.batch_norm(whole, None, None, norm.weight, norm.bias, True)[:2])


def errors_after(step, name="linear"):
    """How far compensated moments are from the true ones after a step of the weight."""
    layer, shape = make_layer(name)
    norm, x = make_norm(layer), make_x(shape)
    norm(layer(x), None, x, layer.weight)
    with torch.no_grad():
        layer.weight.add_(make_x(layer.weight.shape, seed=1), alpha=step)
    mean, square = by_autograd(layer, x)[:2]
    found = norm.history(len(mean), layer.weight)
    found_square = found.var[0] + found.mean[0].square()
    return (found.mean[0] - mean).abs().max(), (found_square - square).abs().max()


def test_the_mean_is_made_up_for_exactly():
    assert errors_after(0.5)[0] < 1e-12


def test_the_error_of_the_square_is_of_second_order():
    """Half the step, a quarter of the error."""
    whole, half = errors_after(0.02)[1], errors_after(0.01)[1]
    assert_close(whole / half, torch.tensor(4.0).double(), atol=0.01, rtol=0)


def test_a_variance_that_would_be_negative_is_zero():
    layer, shape = make_layer("linear")
    norm, x = make_norm(layer), make_x(shape)
    norm(layer(x), None, x, layer.weight)
    found = norm.history(4, layer.weight * -5)
    assert found.var.min() == 0
    y = norm(layer(x), None, x, layer.weight * -5)[0]
    assert y.isfinite().all()


def test_running_averages_are_those_of_the_present_batches():
    layer, shape = make_layer("conv2d")
    norm, plain = make_norm(layer), build_norm("batch", 6, micro_batch=2).double()
    for step in range(4):
        x = make_x(shape, seed=step)
        norm(layer(x), None, x, layer.weight)
        plain(layer(x))
        with torch.no_grad():
            layer.weight.mul_(1.1)
    assert_close(norm.running_mean, plain.running_mean)
    assert_close(norm.running_var, plain.running_var)


def test_burn_in_is_batch_norm_and_ends_at_its_share():
    layer, shape = make_layer("conv2d")
    norm = make_norm(layer, burnin=0.3)
    norm.plan(10)
    plain = build_norm("batch", 6, micro_batch=2).double()
    plain.weight, plain.bias = norm.weight, norm.bias
    same = []
    for step in range(6):
        x = make_x(shape, seed=step)
        y = norm(layer(x), None, x, layer.weight)[0]
        same.append(torch.allclose(y, plain(layer(x))[0]))
    assert same == [True, True, True, True, False, False]  # the first after it has no past yet
    assert len(norm.past) == 3


def test_the_gradient_passes_the_present_entry_alone():
    layer, shape = make_layer("conv2d")
    norm = make_norm(layer)
    for step in range(3):
        x = make_x(shape, seed=step)
        norm(layer(x), None, x, layer.weight)
        layer.weight.data.mul_(1.1)
    y, source = make_x((4, 6, 3, 3), seed=7).requires_grad_(), make_x(shape, seed=8)

    def run(y):
        return copy.deepcopy(norm)(y, None, source, layer.weight)[0]

    assert torch.autograd.gradcheck(run, y)
    run(y).square().sum().backward()
    assert layer.weight.grad is None


def test_what_the_layer_was_told_and_what_it_is_given_must_agree():
    layer, shape = make_layer("conv2d")
    x = make_x(shape)
    with pytest.raises(ValueError, match="it knows a layer"):
        make_norm(layer)(layer(x))
    with pytest.raises(ValueError, match="it knows no layer"):
        CrossIterationNorm(6).double()(layer(x), None, x, layer.weight)
    assert not CrossIterationNorm(6).take_layer(nn.ConvTranspose2d(4, 6, 3))
    with pytest.raises(ValueError, match="window must be at least 1"):
        CrossIterationNorm(6, window=0)


NETWORKS = {
    "convnet": (lambda: ConvNet(1, (8, 8), 10), (4, 1, 8, 8), 6),
    "resnet": (lambda: ResNet(1, (8, 8), 10), (4, 1, 8, 8), 4),
    "resnet18": (lambda: resnet18(num_classes=10), (4, 3, 32, 32), 20),
}


def steps(model, shape, count, first=0):
    hooks = Hooks(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for step in range(first, first + count):
        loss = F.cross_entropy(model(make_x(shape, seed=step).float()), torch.arange(shape[0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        hooks.after_step(lambda: None)
    return loss.detach()


@pytest.mark.parametrize("name", NETWORKS)
def test_converted_networks_train_and_go_on_exactly(name):
    make, shape, watching = NETWORKS[name]
    torch.manual_seed(0)
    net = make()
    model = convert(net, "cross_iteration", micro_batch=2, burnin=0.2)
    assert sum(norm.patches is not None for norm in norm_layers(model).values()) == watching
    Hooks(model).plan(10)
    steps(model, shape, 4)  # in the middle of a window
    twin = convert(net, "cross_iteration", micro_batch=2, burnin=0.2)
    twin.load_state_dict(model.state_dict())
    other = copy.deepcopy(model)
    losses = [steps(one, shape, 2, first=4) for one in (model, twin, other)]
    assert torch.equal(losses[0], losses[1])
    assert torch.equal(losses[0], losses[2])
    x = make_x(shape).float()
    assert torch.equal(model.eval()(x), twin.eval()(x))


def test_half_precision_keeps_float32_statistics():
    layer, shape = make_layer("conv2d")
    layer = layer.float()
    norm = make_norm(layer).float()
    with torch.autocast("cpu", torch.bfloat16):
        for step in range(3):
            x = make_x(shape, seed=step).float()
            y = norm(layer(x), None, x, layer.weight)[0]
    assert y.dtype == torch.bfloat16
    assert norm.past.rows("var_slope", 2).dtype == torch.float32


def test_it_learns():
    experiment = bkn.Experiment(method="cross_iteration", batch=16, epochs=1, device="cpu")
    assert bkn.train(experiment, probe="off").summary["test_accuracy"] > 0.4


def test_a_model_in_half_precision_compensates_too():
    net = ConvNet(1, (8, 8), 10, depth=2, width=8).bfloat16()
    model = convert(net, "cross_iteration", micro_batch=2, burnin=0.0)
    hooks = Hooks(model)
    hooks.plan(3)
    for seed in range(3):
        x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(seed)).bfloat16()
        hooks.before_forward()
        model(x).float().square().sum().backward()
        assert all(p.grad.isfinite().all() for p in model.parameters())
